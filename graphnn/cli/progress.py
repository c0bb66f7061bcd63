"""Bars on standard error for what takes long; nothing where that is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graphnn.cli import terminal

Callback = Callable[[int, int], None]


@contextmanager
def counting(what: str) -> Iterator[Callback | None]:
    """A function to call with how much is done of how much, or None where nobody looks."""
    out = terminal.console(stderr=True)
    if not out.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn(what, markup=False), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
