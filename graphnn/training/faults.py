"""Faults of data: one made, and those of several independent steps told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from graphnn.errors import DataError, Diagnostic, FileError, Note, RunError, Span

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")


def refuse(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    label: str = "",
    notes: Iterable[Note] = (),
    help: str = "",
) -> DataError:
    """One-fault `DataError`."""
    return DataError(Diagnostic(code, message, span, label, tuple(notes), help))


def diverged(error: RunError, rate: float) -> RunError:
    """`error`, with what to do about a result that steps of the learning rate `rate` made."""
    help = f"lower the learning rate, which is {rate:g}, or set 'clip_norm'"
    return RunError(
        *(
            replace(found, help=found.help or help) if found.code == "not-finite" else found
            for found in error.diagnostics
        )
    )


def for_each(items: Mapping[K, V], act: Callable[[K, V], R]) -> dict[K, R]:
    """What `act` makes of every item.

    Raises
    ------
    DataError, FileError
        With the faults of all items, each once; a `FileError` when all faults are about files.
    """
    results: dict[K, R] = {}
    faults: list[DataError | FileError] = []
    for key, item in items.items():
        try:
            results[key] = act(key, item)
        except (DataError, FileError) as fault:
            faults.append(fault)
    if faults:
        kind = FileError if all(isinstance(fault, FileError) for fault in faults) else DataError
        every = (found for fault in faults for found in fault.diagnostics)
        raise kind(*dict.fromkeys(every)) from None
    return results
