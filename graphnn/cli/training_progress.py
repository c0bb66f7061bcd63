"""What a person sees of a training while it goes on: a bar, or a line an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from graphnn.cli import terminal
from graphnn.training import Progress

if TYPE_CHECKING:
    from rich.console import Console


class Watch(Protocol):
    """Told of every batch, and at last how many epochs were done."""

    def __call__(self, progress: Progress) -> None:
        """Take note of a batch."""

    def finish(self, epochs: int) -> None:
        """Say what is still to be said."""


@contextmanager
def epochs() -> Iterator[Watch]:
    """A bar on standard error where that is a terminal, else a line an epoch."""
    out = terminal.console(stderr=True)
    if out.is_terminal:
        with _bar(out) as bar:
            yield bar
        return
    lines = _Lines()
    try:
        yield lines
    except BaseException:
        lines.finish()
        raise


class _Lines:
    """Prints an epoch once the next one begins: by then its values are complete."""

    def __init__(self) -> None:
        self._last: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        if self._last is not None and self._last.epoch != progress.epoch:
            self.finish()
        self._last = progress

    def finish(self, epochs: int | None = None) -> None:
        """Print the last epoch, if all of it was done."""
        last, self._last = self._last, None
        if last is None or last.batch < last.batches:
            return
        if epochs is None or last.epoch <= epochs:
            width = len(str(last.epochs))
            terminal.remark(f"epoch {last.epoch:{width}}/{last.epochs}  {_measures(last.values)}")


@contextmanager
def _bar(out: Console) -> Iterator[Watch]:
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.fields[epoch]}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[measures]}", markup=False),
        TimeRemainingColumn(),
    )
    bar = Bar(*columns, console=out)

    class Shown:
        def __init__(self, task: TaskID) -> None:
            self._task = task

        def __call__(self, progress: Progress) -> None:
            bar.update(
                self._task,
                total=progress.epochs * progress.batches,
                completed=(progress.epoch - 1) * progress.batches + progress.batch,
                epoch=f"epoch {progress.epoch}/{progress.epochs}"
                f"  batch {progress.batch}/{progress.batches}",
                measures=_measures(progress.values),
            )

        def finish(self, epochs: int) -> None:
            """The bar shows all there is to say."""

    with bar:
        yield Shown(bar.add_task("", total=None, epoch="", measures=""))


def _measures(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {terminal.number(value)}" for name, value in values.items())
