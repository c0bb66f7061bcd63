"""Pooling of windows, on arrays [channels, height, width, images] as in `unfolding`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from graphnn.ops._arrays import Array
from graphnn.ops.kernels.ties import least_largest
from graphnn.ops.kernels.windows import Track, Tracks

Combine = Callable[..., Array]
Place = tuple[slice, slice, slice]


def pooled(x: Array, tracks: Tracks, combine: Combine, empty: float, out: Array) -> None:
    """Write the entries of every window, combined, to `out`; `empty` stands for padding."""
    rows, columns = tracks
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


def sums_back(cotangent: Array, tracks: Tracks) -> Array:
    """Cotangent of the input of sums of windows."""
    return _back(_back(cotangent, 2, tracks[1]), 1, tracks[0])


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


def maxima(x: Array, rows: Track, columns: Track, out: Array) -> Array:
    """Write the largest entry of every window to `out`; which of its entries it is.

    Entries are counted row by row, and of several largest ones the first counts.
    """
    taps = list(enumerate(_taps(rows, columns)))
    found = np.zeros(out.shape, np.min_scalar_type(len(taps)))
    if rows.padded or columns.padded:
        out[...] = -np.inf
        for number, (there, _) in reversed(taps):
            found[there] = number  # the first that is not padding
    else:
        out[...] = x[taps.pop(0)[1][1]]
    for number, (there, here) in taps:
        more = x[here] > out[there]
        np.maximum(out[there], x[here], out=out[there])
        np.maximum(found[there], more * found.dtype.type(number), out=found[there])
    return found


def first_maxima(x: Array, rows: Track, columns: Track) -> Array:
    """Which entry of every window is the largest: the first of those equal but for rounding."""
    taps = list(_taps(rows, columns))
    most = np.empty((len(x), rows.count, columns.count, x.shape[3]))
    pooled(x.real, (rows, columns), np.maximum, -np.inf, most)
    least = least_largest(most)
    largest = [x.real[here] >= least[there] for there, here in taps]
    if np.iscomplexobj(x):
        most[...] = -np.inf
        for those, (there, here) in zip(largest, taps, strict=True):
            np.maximum(most[there], x.imag[here], out=most[there], where=those)
        least = least_largest(most, 0.0)
        for those, (there, here) in zip(largest, taps, strict=True):
            those &= x.imag[here] >= least[there]
    found = np.zeros(most.shape, np.min_scalar_type(len(taps)))
    none_so_far = np.ones(most.shape, bool)
    for those, (there, _) in zip(largest, taps, strict=True):
        np.greater(none_so_far[there], those, out=none_so_far[there])
        found += none_so_far
    return found


def maxima_back(cotangent: Array, winners: Array, rows: Track, columns: Track) -> Array:
    """Cotangent of the input of `maxima`, which gave `winners`."""
    shape = (len(cotangent), rows.size, columns.size, cotangent.shape[3])
    tiled = rows.tiles and columns.tiles
    result = (np.empty if tiled else np.zeros)(shape, cotangent.dtype)
    share = np.empty(cotangent.shape, cotangent.dtype)
    for number, (there, here) in enumerate(_taps(rows, columns)):
        wins = winners[there] == number
        row, column = divmod(number, columns.kernel)
        apart = row * rows.dilation < rows.stride
        if apart and column * columns.dilation < columns.stride:
            # No entry before it in the windows lies where this one does.
            np.multiply(cotangent[there], wins, out=result[here])
        else:
            result[here] += np.multiply(cotangent[there], wins, out=share[there])
    return result


def _taps(rows: Track, columns: Track) -> Iterator[tuple[Place, Place]]:
    """For each entry of a window: the windows that have it, and where they have it."""
    every = slice(None)
    for row, height in rows.taps():
        for column, width in columns.taps():
            yield (every, row, column), (every, height, width)
