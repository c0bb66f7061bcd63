"""Progress of long work: a bar, or lines where standard error is not a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graphnn import spec
from graphnn.cli import terminal
from graphnn.spec.values import located

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from graphnn.training import Progress, SearchProgress

_BETWEEN = "  "
_VALIDATION = "validation_"
_BAR = 12  # columns that a bar has at least
_REST = 11  # columns of the time that remains, and of spaces


class _Bar:
    """A bar that fits into the terminal, and lines that stay above it."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, before="", after="")

    def show(self, done: float, total: float, before: Sequence[str], after: Sequence[str]) -> None:
        """How much is done of how much; of the texts on either side, the first that fit."""
        room = self._bar.console.width - _BAR - _REST
        start = _fitting(before, room)
        end = _fitting(after, room - len(start) - 1)
        self._bar.update(self._task, completed=done, total=total, before=start, after=end)

    def stay(self, texts: Sequence[str], order: Sequence[int]) -> None:
        """A line that stays, of the texts that fit; those are chosen in `order`."""
        chosen, room = set[int](), self._bar.console.width + len(_BETWEEN)
        for number in order:
            length = len(_BETWEEN + texts[number])
            if length <= room:
                chosen.add(number)
                room -= length
        line = _BETWEEN.join(texts[number] for number in sorted(chosen))
        self._bar.console.print(line, markup=False)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function to call with how much is done of how much, or None where nobody looks."""
    with _bar(transient=True) as bar:
        if bar is None:
            yield None
        else:
            yield lambda done, total: bar.show(done, total, [what], [f"{done}/{total}"])


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
    """Shows a line for each epoch once its values are complete, and a bar below where one looks.

    Parameters
    ----------
    bar : callable or None
    """

    def __init__(self, bar: _Bar | None) -> None:
        self._bar = bar
        self._last: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Take note of a batch."""
        if self._last is not None and self._last.epoch != progress.epoch:
            self.finish()
        self._last = progress
        if self._bar is not None:
            done = (progress.epoch - 1) * progress.batches + progress.batch
            total = progress.epochs * progress.batches
            before = [_epoch(progress), f"batch {progress.batch}/{progress.batches}"]
            self._bar.show(done, total, before, _measures(progress.values))

    def finish(self, epochs: int | None = None) -> None:
        """Show the last epoch, if all of it was done and it is one of the first `epochs`."""
        last, self._last = self._last, None
        if last is None or last.batch < last.batches:
            return
        if epochs is not None and last.epoch > epochs:
            return
        texts = [_epoch(last), *_measures(last.values)]
        if self._bar is None:
            terminal.remark(_BETWEEN.join(texts))
        else:
            self._bar.stay(texts, _order(last.values))


@contextmanager
def trials() -> Iterator[Callable[[SearchProgress], None]]:
    """What shows the trials of a search: a bar, or a line for each that has ended."""
    with _bar() as bar:
        yield _trial_line if bar is None else lambda progress: _show_trial(progress, bar)


def brief(value: Any) -> str:
    """A setting, its digits cut."""
    return f"{value:.4g}" if isinstance(value, float) else spec.flow(located(value))


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
        BarColumn(bar_width=None),
        TextColumn("{task.fields[after]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out, transient=transient, expand=True) as bar:
        yield _Bar(bar)


def _show_trial(progress: SearchProgress, bar: _Bar) -> None:
    trial, best = progress.trial, progress.best
    part = len(trial.curve) / progress.epochs if trial.state == "running" else 0.0
    after = [f"trial {trial.number}", f"epoch {len(trial.curve)}/{progress.epochs}"]
    if best is not None:
        after.append(f"best {terminal.number(best.value or 0.0)}")
    before = [f"{progress.done}/{progress.trials} trials"]
    bar.show(progress.done + part, progress.trials, before, after)


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


def _epoch(progress: Progress) -> str:
    return f"epoch {progress.epoch:{len(str(progress.epochs))}}/{progress.epochs}"


def _measures(values: Mapping[str, float]) -> list[str]:
    return [f"{name} {terminal.number(value)}" for name, value in values.items()]


def _order(values: Mapping[str, float]) -> list[int]:
    """Places in a line, the most important first: epoch, loss, validation, and the others."""
    names = ["epoch", *values]
    ranks = [
        0 if name in ("epoch", "loss") else 1 if name.startswith(_VALIDATION) else 2
        for name in names
    ]
    return sorted(range(len(names)), key=ranks.__getitem__)


def _fitting(texts: Sequence[str], room: int) -> str:
    """As many of the texts as fit side by side, from the first on."""
    line = ""
    for text in texts:
        longer = f"{line}{_BETWEEN}{text}" if line else text
        if len(longer) > room:
            break
        line = longer
    return line
