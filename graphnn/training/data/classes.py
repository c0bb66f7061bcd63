"""Classes that have names: their order, and the numbers of labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Diagnostic, Span, listed, suggestion
from graphnn.training.data.faults import AlikeFaults


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The different names, sorted; by value where all are whole numbers."""
    different = {*names}
    by_value = all(_is_whole(name) for name in different)
    return tuple(sorted(different, key=lambda name: (int(name) if by_value else 0, name)))


def numbered(
    labels: Sequence[str],
    classes: tuple[str, ...],
    name: str,
    place: Callable[[int], Span | None] = lambda _: None,
) -> NDArray[np.int64]:
    """The number of the class of each label.

    Parameters
    ----------
    labels : sequence of str
    classes : tuple of str
        In the order of their numbers. None at all where the training set had plain numbers, which
        names can be as well.
    name : str
        Of the input that they feed.
    place : callable, optional
        Where the spec or a file has the label of a row.

    Raises
    ------
    DataError
        A label is not one of the classes.
    """
    numbers = {label: number for number, label in enumerate(classes)}
    known = f"the classes are {listed(classes)}"
    if not classes:
        numbers = {label: int(label) for label in labels if _is_whole(label)}
        known = "its classes are whole numbers"
    faults = AlikeFaults("line")

    def line(row: int) -> int:
        span = place(row)
        return row + 1 if span is None else span.line

    def unknown(row: int) -> Diagnostic:
        message = f"'{labels[row]}' is not a class of input '{name}' in the training set"
        help = suggestion(labels[row], classes, known)
        return Diagnostic("unknown-class", message, place(row), help=help)

    for row, label in enumerate(labels):
        if label not in numbers:
            faults.add(label, partial(line, row), partial(unknown, row))
    faults.findings.raise_errors(DataError)
    return np.array([numbers[label] for label in labels], np.int64)


def _is_whole(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19
