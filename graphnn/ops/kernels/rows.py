"""Rows of a matrix that whole numbers choose, and their cotangent."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphnn.ops._arrays import Array, ArrayError

_UNSIGNED = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


def first_outside(places: Array, count: int) -> tuple[int, ...] | None:
    """Where the first whole number is that is not one of 0 to ``count - 1``; None for nowhere."""
    # Seen without a sign, negative numbers are large: one comparison finds both faults.
    seen = places.view(_UNSIGNED[places.itemsize]) if places.dtype.kind == "i" else places
    # And finding where the largest is begins sooner than a reduction.
    if not places.size or seen.item(seen.argmax()) < count:
        return None
    return tuple(np.argwhere((places < 0) | (places >= count))[0].tolist())


def check_places(places: Array, count: int, operand: str, what: str) -> None:
    """Check that whole numbers are of 0 to ``count - 1``.

    Raises
    ------
    ArrayError
        One is not; `what` says of what there are `count`.
    """
    wrong = first_outside(places, count)
    if wrong is not None:
        where = f" at {list(wrong)}" if wrong else ""
        raise ArrayError(
            f"'{operand}' holds {places[wrong]}{where}, but there are {count} {what}",
            operand,
            f"its numbers go from 0 to {count - 1}",
        )


def add_rows(rows: Array, places: Array, count: int) -> Array:
    """A matrix of `count` rows, each the sum of those of `rows` that have its place.

    Parameters
    ----------
    rows : ndarray, shape (n, width)
    places : ndarray of int, shape (n,)
    count : int
    """
    whole: Array = np.zeros((count, rows.shape[1]), rows.dtype)
    if len(places) < count:
        np.add.at(whole, places, rows)
        return whole
    # Where many share a place, sums of sorted rows take a fraction of the time.
    order: Any = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    whole[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return whole
