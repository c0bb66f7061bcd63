"""Classes that have names: their order, and the numbers of labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Findings, Span, listed, suggestion
from graphnn.training.data.table_rows import MAX_FAULTS


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
    findings = Findings()
    for row, label in enumerate(labels):
        if label not in numbers and len(findings.errors) < MAX_FAULTS:
            message = f"'{label}' is not a class of input '{name}' in the training set"
            help = suggestion(label, classes, known)
            findings.error("unknown-class", message, place(row), help=help)
    findings.raise_errors(DataError)
    return np.array([numbers[label] for label in labels], np.int64)


def _is_whole(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19
