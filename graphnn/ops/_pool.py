"""Pooling of windows, on arrays [channels, height, width, images] as in `_unfold`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from graphnn.ops._op import Array
from graphnn.ops._windows import Track

Combine = Callable[..., Array]
Place = tuple[slice, slice, slice]


def pooled(
    x: Array, rows: Track, columns: Track, combine: Combine, empty: float, out: Array
) -> None:
    """Write the entries of every window, combined, to `out`; `empty` stands for padding."""
    between = np.empty((len(x), rows.count, *x.shape[2:]), x.dtype)
    _along(x, 1, rows, combine, empty, between)
    _along(between, 2, columns, combine, empty, out)


def _along(x: Array, axis: int, track: Track, combine: Combine, empty: float, out: Array) -> None:
    taps = [(_at(axis, there), _at(axis, here)) for there, here in track.taps()]
    if track.padded or len(taps) == 1:
        out[...] = empty
    else:
        # Two at once: no pass over memory to start from.
        (_, first), (_, second), *taps = taps
        combine(x[first], x[second], out=out)
    for there, here in taps:
        part = out[there]
        combine(part, x[here], out=part)


def _at(axis: int, chosen: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, chosen)


def sums_back(cotangent: Array, rows: Track, columns: Track) -> Array:
    """What sums of windows make of the cotangent of their result."""
    return _back(_back(cotangent, 2, columns), 1, rows)


def _back(cotangent: Array, axis: int, track: Track) -> Array:
    shape = (*cotangent.shape[:axis], track.size, *cotangent.shape[axis + 1 :])
    result = (np.empty if track.tiles else np.zeros)(shape, cotangent.dtype)
    for there, here in track.taps():
        part = result[_at(axis, here)]
        if track.overlaps:
            part += cotangent[_at(axis, there)]
        else:
            part[...] = cotangent[_at(axis, there)]
    return result


def maxima_back(cotangent: Array, maxima: Array, x: Array, rows: Track, columns: Track) -> Array:
    """What the maxima of windows make of the cotangent of their result: first winner takes it."""
    apart = not (rows.overlaps or columns.overlaps)
    tiled = rows.tiles and columns.tiles
    result = (np.empty if tiled else np.zeros)(x.shape, cotangent.dtype)
    left = np.ones(maxima.shape, dtype=bool)  # windows whose winner is yet to come
    for there, here in _taps(rows, columns):
        wins = x[here] == maxima[there]
        wins &= left[there]
        left[there] ^= wins
        if apart:
            np.multiply(cotangent[there], wins, out=result[here])
        else:
            result[here] += cotangent[there] * wins
    return result


def winners(maxima: Array, x: Array, rows: Track, columns: Track) -> Array:
    """Which entry of its window is each maximum: the first of them, row by row."""
    found = np.zeros(maxima.shape, dtype=np.int64)
    taps = list(enumerate(_taps(rows, columns)))
    for tap, (there, here) in reversed(taps):
        found[there][x[here] == maxima[there]] = tap
    return found


def _taps(rows: Track, columns: Track) -> Iterator[tuple[Place, Place]]:
    """For each entry of a window: the windows that have it, and where they have it."""
    every = slice(None)
    for row, height in rows.taps():
        for column, width in columns.taps():
            yield (every, row, column), (every, height, width)
