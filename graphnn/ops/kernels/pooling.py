"""Pooling of windows, on arrays [channels, sizes of the axes, images] as in `unfolding`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from graphnn.ops._arrays import Array
from graphnn.ops.kernels.ties import least_largest
from graphnn.ops.kernels.windows import Track, Tracks, taps

Combine = Callable[..., Array]
Place = tuple[slice, ...]
_EVERY = slice(None)


def pooled(x: Array, tracks: Tracks, combine: Combine, empty: float, out: Array) -> None:
    """Write the entries of every window, combined, to `out`; `empty` stands for padding."""
    for axis, track in enumerate(tracks, 1):
        if axis == len(tracks):
            target = out
        else:
            target = np.empty((*x.shape[:axis], track.count, *x.shape[axis + 1 :]), x.dtype)
        _along(x, axis, track, combine, empty, target)
        x = target


def _along(x: Array, axis: int, track: Track, combine: Combine, empty: float, out: Array) -> None:
    pairs = [(_at(axis, there), _at(axis, here)) for there, here in track.taps()]
    if track.padded or len(pairs) == 1:
        out[...] = empty
    else:
        # Two at once: no pass over memory to start from.
        (_, first), (_, second), *pairs = pairs
        combine(x[first], x[second], out=out)
    for there, here in pairs:
        part = out[there]
        combine(part, x[here], out=part)


def _at(axis: int, chosen: slice) -> Place:
    return (*(_EVERY,) * axis, chosen)


def sums_back(cotangent: Array, tracks: Tracks) -> Array:
    """Cotangent of the input of sums of windows."""
    for axis in range(len(tracks), 0, -1):
        cotangent = _back(cotangent, axis, tracks[axis - 1])
    return cotangent


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


def maxima(x: Array, tracks: Tracks, out: Array) -> Array:
    """Write the largest entry of every window to `out`; which of its entries it is.

    Entries are counted along the last axis first, and of several largest ones the first counts.
    """
    places = list(enumerate(_places(tracks)))
    found = np.zeros(out.shape, np.min_scalar_type(len(places)))
    if any(track.padded for track in tracks):
        out[...] = -np.inf
        for number, (there, _) in reversed(places):
            found[there] = number  # the first that is not padding
    else:
        out[...] = x[places.pop(0)[1][1]]
    for number, (there, here) in places:
        more = x[here] > out[there]
        np.maximum(out[there], x[here], out=out[there])
        np.maximum(found[there], more * found.dtype.type(number), out=found[there])
    return found


def first_maxima(x: Array, tracks: Tracks) -> Array:
    """Which entry of every window is the largest: the first of those equal but for rounding."""
    places = list(_places(tracks))
    most = np.empty((len(x), *(track.count for track in tracks), x.shape[-1]))
    pooled(x.real, tracks, np.maximum, -np.inf, most)
    least = least_largest(most)
    largest = [x.real[here] >= least[there] for there, here in places]
    if np.iscomplexobj(x):
        most[...] = -np.inf
        for those, (there, here) in zip(largest, places, strict=True):
            np.maximum(most[there], x.imag[here], out=most[there], where=those)
        least = least_largest(most, 0.0)
        for those, (there, here) in zip(largest, places, strict=True):
            those &= x.imag[here] >= least[there]
    found = np.zeros(most.shape, np.min_scalar_type(len(places)))
    none_so_far = np.ones(most.shape, bool)
    for those, (there, _) in zip(largest, places, strict=True):
        np.greater(none_so_far[there], those, out=none_so_far[there])
        found += none_so_far
    return found


def maxima_back(cotangent: Array, winners: Array, tracks: Tracks) -> Array:
    """Cotangent of the input of `maxima`, which gave `winners`."""
    shape = (len(cotangent), *(track.size for track in tracks), cotangent.shape[-1])
    tiled = all(track.tiles for track in tracks)
    result = (np.empty if tiled else np.zeros)(shape, cotangent.dtype)
    share = np.empty(cotangent.shape, cotangent.dtype)
    apart = product(*([at * t.dilation < t.stride for at in range(t.kernel)] for t in tracks))
    for number, ((there, here), alone) in enumerate(zip(_places(tracks), apart, strict=True)):
        wins = winners[there] == number
        if all(alone):
            # No entry before it in the windows lies where this one does.
            np.multiply(cotangent[there], wins, out=result[here])
        else:
            result[here] += np.multiply(cotangent[there], wins, out=share[there])
    return result


def _places(tracks: Tracks) -> Iterator[tuple[Place, Place]]:
    """`taps` of every channel."""
    for there, here in taps(tracks):
        yield (_EVERY, *there), (_EVERY, *here)
