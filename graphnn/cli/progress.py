"""Progress of long work: a bar, or lines where standard error is not a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from graphnn.cli import terminal
from graphnn.spec import flow
from graphnn.spec.values import located
from graphnn.training import Progress, SearchProgress

# Shows how much is done of how much, with a text before and one after the bar.
_Bar = Callable[[float, float, str, str], None]


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function to call with how much is done of how much, or None where nobody looks."""
    with _bar(transient=True) as show:
        if show is None:
            yield None
        else:
            yield lambda done, total: show(done, total, what, f"{done}/{total}")


@contextmanager
def epochs() -> Iterator[EpochDisplay]:
    """What shows the epochs of a training, to be called with its progress."""
    with _bar() as bar:
        display = EpochDisplay(bar)
        try:
            yield display
        except BaseException:
            display.finish()
            raise


class EpochDisplay:
    """Shows a bar, or a line for each epoch once the next one begins, when its values are complete.

    Parameters
    ----------
    bar : callable or None
    """

    def __init__(self, bar: _Bar | None) -> None:
        self._bar = bar
        self._last: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Take note of a batch."""
        if self._bar is not None:
            done = (progress.epoch - 1) * progress.batches + progress.batch
            epoch = f"epoch {progress.epoch}/{progress.epochs}"
            before = f"{epoch}  batch {progress.batch}/{progress.batches}"
            total = progress.epochs * progress.batches
            self._bar(done, total, before, _measures(progress.values))
            return
        if self._last is not None and self._last.epoch != progress.epoch:
            self.finish()
        self._last = progress

    def finish(self, epochs: int | None = None) -> None:
        """Show the last epoch, if all of it was done and it is one of the first `epochs`."""
        last, self._last = self._last, None
        if last is None or last.batch < last.batches:
            return
        if epochs is not None and last.epoch > epochs:
            return
        width = len(str(last.epochs))
        terminal.remark(f"epoch {last.epoch:{width}}/{last.epochs}  {_measures(last.values)}")


@contextmanager
def trials() -> Iterator[Callable[[SearchProgress], None]]:
    """What shows the trials of a search: a bar, or a line for each that has ended."""
    with _bar() as bar:
        yield _trial_line if bar is None else lambda progress: _show_trial(progress, bar)


def brief(value: Any) -> str:
    """A setting, its digits cut."""
    return f"{value:.4g}" if isinstance(value, float) else flow(located(value))


@contextmanager
def _bar(*, transient: bool = False) -> Iterator[_Bar | None]:
    """What shows a bar, or None where standard error is not a terminal."""
    out = terminal.console(stderr=True)
    if not out.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[before]}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[after]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out, transient=transient) as bar:
        task = bar.add_task("", total=None, before="", after="")

        def show(done: float, total: float, before: str, after: str) -> None:
            bar.update(task, completed=done, total=total, before=before, after=after)

        yield show


def _show_trial(progress: SearchProgress, bar: _Bar) -> None:
    trial, best = progress.trial, progress.best
    part = len(trial.curve) / progress.epochs if trial.state == "running" else 0.0
    after = f"trial {trial.number}  epoch {len(trial.curve)}/{progress.epochs}"
    if best is not None:
        after += f"  best {terminal.number(best.value or 0.0)}"
    before = f"{progress.done}/{progress.trials} trials"
    bar(progress.done + part, progress.trials, before, after)


def _trial_line(progress: SearchProgress) -> None:
    trial = progress.trial
    if trial.state == "running":
        return
    pieces = [f"trial {trial.number:{len(str(progress.trials))}}/{progress.trials}"]
    if trial.curve:
        pieces.append(terminal.number(trial.curve[-1]))
    if trial.state != "complete":
        pieces.append(trial.state)
    pieces.append("  ".join(f"{name}={brief(value)}" for name, value in trial.settings.items()))
    terminal.remark("  ".join(pieces))


def _measures(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {terminal.number(value)}" for name, value in values.items())
