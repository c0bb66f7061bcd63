"""Rows of different lengths, filled up to one number of steps."""

from __future__ import annotations

import numpy as np

from graphnn.ops._arrays import Array


def within(x: Array, lengths: Array | None) -> Array | None:
    """Which steps of each row of x ``[batch, time, ...]`` are not padding; None without lengths."""
    return None if lengths is None else np.arange(x.shape[1]) < lengths[:, None]


def own_order(along: Array, inside: Array | None, way: int) -> Array:
    """Steps in the order in which a cell takes them; in that of the data where they are in its.

    Parameters
    ----------
    along : ndarray, shape (time, batch, ...)
    inside : ndarray of bool, shape (batch, time), or None
        See `within`.
    way : {0, 1}
        Whether the cell goes from the last step that is not padding to the first. Padding stays.
    """
    if not way:
        return along
    if inside is None:
        return along[::-1]
    steps, rows = np.ogrid[: along.shape[0], : along.shape[1]]
    places = np.where(inside.T, inside.sum(axis=1) - 1 - steps, steps)
    turned: Array = along[places, rows]
    return turned
