"""Convolution as products of matrices, on arrays [channels, sizes of the axes, images].

With the images innermost every row of an image is one long run of memory, so that copies, sums
and the entry-by-entry ops that follow go at the speed of memory, and an array of all images is
one matrix. Images are unfolded along all axes but the first, their rows: a window of whole rows is
then one run of memory too, and windows one below the other share it. What has one axis is one row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphnn.ops._arrays import Array
from graphnn.ops.kernels.windows import Track, Tracks, inside

_ONE_ROW = Track(size=1, kernel=1, stride=1, dilation=1, before=0, count=1)
_UNFOLDED = 3 * 2**20  # bytes of unfolded image at a time, which stay in the cache of a core
_WIDE = 256  # columns of a matrix, where there are as many: more are hardly faster
_UNPACKED = 10**6  # multiplications of a product that OpenBLAS carries out without packing
_NARROWEST = 96  # columns of a matrix below which leaving out the packing does not pay
_SUMMED = 2**20  # entries of partial sums at a time


def images_last(x: Array) -> Array:
    """`x` ``[images, channels, ...]`` in the order of this module, in one block."""
    return np.ascontiguousarray(x.transpose(*range(1, x.ndim), 0))


def images_first(x: Array) -> Array:
    """A view of `x` in the order that ops take and give."""
    return x.transpose(x.ndim - 1, *range(x.ndim - 1))


def correlate(x: Array, weight: Array, tracks: Tracks, groups: int, out: Array) -> None:
    """Write the sums of every window of `x` times the filters to `out`.

    Parameters
    ----------
    x : ndarray, shape (channels, sizes of the axes, images)
    weight : ndarray, shape (filters, channels / groups, sizes of the kernel)
    tracks : tuple of Track
        One an axis.
    groups : int
    out : ndarray, shape (filters, windows along each axis, images)
        In one block, like `x`.
    """
    grid = _grid(weight, tracks, groups, x)
    filters = _matrices(weight, groups)[:, None]
    results = grid.flat(out)
    memory = np.empty(0, x.dtype)
    for piece in grid.pieces():
        if memory.size < piece.size:
            memory = np.empty(piece.size, x.dtype)
        windows, parts = piece.windows(piece.unfold(x, memory)), results[piece.index].swapaxes(1, 2)
        for some in grid.columns(windows):
            np.matmul(filters, windows[..., some], out=parts[..., some])


def correlate_back(cotangent: Array, weight: Array, tracks: Tracks, groups: int) -> Array:
    """Cotangent of `x`, from that of the result of `correlate`."""
    channels = groups * weight.shape[1]
    shape = (channels, *(track.size for track in tracks), cotangent.shape[-1])
    few = 2 * channels < weight.shape[0]
    if all(track.stride == 1 for track in tracks) and not few:
        # A correlation again: it sums in the product, but unfolds what has the filters' channels.
        by_x = np.empty(shape, cotangent.dtype)
        mirrored = tuple(track.mirrored for track in tracks)
        correlate(cotangent, _mirrored(weight, groups), mirrored, groups, by_x)
        return by_x
    by_x = np.zeros(shape, cotangent.dtype)
    grid = _grid(weight, tracks, groups, cotangent)
    filters = _matrices(weight, groups).swapaxes(1, 2)
    given = grid.flat(cotangent)
    for piece in grid.pieces():
        unfolded = np.zeros(piece.shape, cotangent.dtype)
        parts = given[piece.index]
        for row, window in enumerate(piece.each_window(unfolded)):
            read = parts[:, :, row]
            found = np.empty((groups, filters.shape[1], read.shape[-1]), read.dtype)
            for part in grid.columns(read):
                _multiply(filters, read[..., part], found[..., part])
            window += found.reshape(window.shape)
        piece.fold(unfolded, by_x)
    return by_x


def correlate_weight(
    cotangent: Array, x: Array, weight: Array, tracks: Tracks, groups: int
) -> Array:
    """Cotangent of `weight`, from that of the result of `correlate`."""
    grid = _grid(weight, tracks, groups, x)
    filters, depth, *kernel = weight.shape
    total = np.zeros((groups, depth * math.prod(kernel), filters // groups), weight.dtype)
    given = grid.flat(cotangent)
    some = max(1, _SUMMED // weight.size)
    for piece in grid.pieces():
        windows = piece.windows(piece.unfold(x, np.empty(piece.size, x.dtype)))
        parts = given[piece.index].transpose(0, 2, 3, 1)
        for start in range(0, windows.shape[1], some):
            chosen = slice(start, start + some)
            for part in grid.columns(windows, 2 * _NARROWEST):  # their products are summed up
                products = np.matmul(windows[:, chosen, :, part], parts[:, chosen, part])
                total += products.sum(axis=1)
    by_filter = total.reshape(groups, math.prod(kernel), depth, -1).transpose(0, 3, 2, 1)
    return by_filter.reshape(weight.shape)


def _mirrored(weight: Array, groups: int) -> Array:
    """Filters that undo the steps of `weight`: channels for filters, last entry first."""
    filters, depth, *kernel = weight.shape
    apart = weight.reshape(groups, filters // groups, depth, -1)[..., ::-1]
    return apart.swapaxes(1, 2).reshape(groups * depth, filters // groups, *kernel)


def _multiply(a: Array, b: Array, out: Array) -> None:
    # NumPy leaves a product of a column and a row to a slow loop.
    (np.multiply if a.shape[-1] == 1 else np.matmul)(a, b, out=out)


def _matrices(weight: Array, groups: int) -> Array:
    """A matrix a group, a row a filter, with its entries in the order of a window of rows."""
    entries = weight.transpose(0, *range(2, weight.ndim), 1)
    matrices = entries.reshape(groups, weight.shape[0] // groups, -1)
    return np.ascontiguousarray(matrices)  # BLAS takes no matrix backwards


def _grid(weight: Array, tracks: Tracks, groups: int, x: Array) -> _Grid:
    """All windows of `x`, or those that gave it."""
    rows, inner = (tracks[0], tracks[1:]) if len(tracks) > 1 else (_ONE_ROW, tracks)
    width = math.prod(track.kernel for track in inner)
    return _Grid(rows, inner, weight.shape[1], width, weight.size, groups, x.shape[-1], x.itemsize)


@dataclass(frozen=True, slots=True)
class _Grid:
    """All windows of a convolution, and how they are cut to pieces that fit in memory.

    Attributes
    ----------
    rows : Track
        Along the first axis.
    inner : tuple of Track
        Along the others, whose windows have `width` entries.
    depth, width, size : int
        Channels of a filter, entries of one in a row of a channel, entries of all filters.
    groups, images, itemsize : int
    """

    rows: Track
    inner: Tracks
    depth: int
    width: int
    size: int
    groups: int
    images: int
    itemsize: int

    def flat(self, results: Array) -> Array:
        """A view of results ``[groups, filters of one, rows, places in a row and images]``."""
        places = math.prod(track.count for track in self.inner)
        return results.reshape(self.groups, -1, self.rows.count, places * self.images)

    def pieces(self) -> Iterator[_Piece]:
        """Pieces that together hold every window once.

        Windows dilated by d are d sets of undilated ones, on every d-th row: as many sets as it
        takes for the windows of each to start on the same one of those rows.
        """
        apart = self.rows.dilation // math.gcd(self.rows.dilation, self.rows.stride)
        stride = self.rows.stride * apart // self.rows.dilation
        for first in range(min(apart, self.rows.count)):
            count = len(range(first, self.rows.count, apart))
            for part in _parts(count, self._most_rows(stride)):
                rows = slice(first + part.start * apart, first + part.stop * apart, apart)
                length = (part.stop - part.start - 1) * stride + self.rows.kernel
                for places in self._cut(length):
                    yield _Piece(self, rows, stride, length, places)

    def columns(self, windows: Array, least: int = _NARROWEST) -> list[slice]:
        """Columns of windows, cut to parts that are multiplied best one by one.

        It is OpenBLAS that leaves out packing, but that pays for no fewer than `least` columns.
        """
        count = windows.shape[-1]
        return _parts(count, self._unpacked if self._unpacked >= least else count)

    @property
    def _unpacked(self) -> int:
        """Most columns of windows that OpenBLAS multiplies without packing."""
        return _UNPACKED * self.groups // self.size

    def _most_rows(self, stride: int) -> int:
        """Rows of windows that leave room for enough columns, but do not share all they read."""
        places = math.prod(track.count for track in self.inner)
        lines = _UNFOLDED // (min(_WIDE, places * self.images) * self._line)
        return max((lines - self.rows.kernel) // stride + 1, self.rows.kernel)

    @property
    def _line(self) -> int:
        """Bytes of a column in a row of the unfolded image."""
        return self.groups * self.depth * self.width * self.itemsize

    def _cut(self, length: int) -> Iterator[tuple[slice, ...]]:
        """Windows along each inner axis, and images, of each piece."""
        most = max(1, _UNFOLDED // (self._line * length))
        if _NARROWEST <= self._unpacked < most:
            most -= most % self._unpacked
        yield from _boxes([*(track.count for track in self.inner), self.images], most)


def _boxes(counts: list[int], most: int) -> Iterator[tuple[slice, ...]]:
    """An array with so many entries along its axes, cut to runs of at most `most` entries."""
    count, *rest = counts
    whole = math.prod(rest)
    if most >= whole:
        for part in _parts(count, most // whole):
            yield part, *(slice(0, each) for each in rest)
        return
    for at in range(count):
        for box in _boxes(rest, most):
            yield slice(at, at + 1), *box


def _parts(count: int, most: int) -> list[slice]:
    """`count` cut to parts of nearly the same length, at most `most`."""
    number = -(-count // most)
    return [slice(count * i // number, count * (i + 1) // number) for i in range(number)]


def _around(x: Array, there: tuple[slice, ...], chosen: slice) -> Iterator[Array]:
    """What lies before and after `chosen` along the next axis of ``x[there]``."""
    if chosen.start:
        yield x[*there, : chosen.start]
    if chosen.stop < x.shape[len(there)]:
        yield x[*there, chosen.stop :]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some of the windows: those of some `rows`, in some places.

    ``unfolded[g, m, j, c, ..., n]`` is what entry j of a row of windows reads in image n, of
    channel c of group g, in the m-th of `length` rows, for windows at ``...`` along the inner axes.
    Windows of rows start every `stride`.
    """

    grid: _Grid
    rows: slice
    stride: int
    length: int
    places: tuple[slice, ...]

    @property
    def index(self) -> tuple[slice, slice, slice, slice]:
        """Where the results of the windows lie in an array as `_Grid.flat` makes it."""
        start = last = 0
        counts = [*(track.count for track in self.grid.inner), self.grid.images]
        for count, part in zip(counts, self.places, strict=True):
            start = start * count + part.start
            last = last * count + part.stop - 1
        every = slice(None)
        return every, every, self.rows, slice(start, last + 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the unfolded image."""
        grid = self.grid
        counts = (part.stop - part.start for part in self.places)
        return grid.groups, self.length, grid.width, grid.depth, *counts

    @property
    def size(self) -> int:
        """Entries of the unfolded image."""
        return math.prod(self.shape)

    def unfold(self, x: Array, memory: Array) -> Array:
        """The part of `x` that the windows read, side by side for each place of windows."""
        unfolded = memory[: self.size].reshape(self.shape)
        for there, padding, here in self._places(x, unfolded):
            there[...] = here
            for part in padding:
                part[...] = 0
        return unfolded

    def fold(self, unfolded: Array, x: Array) -> None:
        """Add every entry of `unfolded` where `unfold` has it from."""
        for there, _, here in self._places(x, unfolded):
            here += there

    def _places(self, x: Array, unfolded: Array) -> Iterator[tuple[Array, list[Array], Array]]:
        """For each entry of a row of windows: where it is, what of it is padding, whence it is."""
        rows, inner = self.grid.rows, self.grid.inner
        sizes = (rows.size, *(track.size for track in inner))
        images = x.reshape(self.grid.groups, -1, *sizes, x.shape[-1])[..., self.places[-1]]
        start = self.rows.start * rows.stride - rows.before
        into, height = inside(start, rows.dilation, self.length, rows.size)
        every = slice(None)
        for at, pairs in enumerate(product(*map(self._inside, inner, self.places))):
            part = unfolded[:, :, at]
            padding = [*_around(part, (every,), into)]
            there: tuple[slice, ...] = (every, into, every)
            for across, _ in pairs:
                padding += _around(part, there, across)
                there += (across,)
            here = images[:, :, height, *(width for _, width in pairs)].swapaxes(1, 2)
            yield part[there], padding, here

    @staticmethod
    def _inside(track: Track, places: slice) -> list[tuple[slice, slice]]:
        """For each entry of windows along an axis, which windows read it, and where."""
        first = places.start * track.stride - track.before
        count = places.stop - places.start
        starts = range(first, first + track.kernel * track.dilation, track.dilation)
        return [inside(start, track.stride, count, track.size) for start in starts]

    def windows(self, unfolded: Array) -> Array:
        """A view of all windows: a matrix for each group and row, a column for each place."""
        groups, _, width, depth, *counts = unfolded.shape
        by_group, by_row, _, by_line, *_, step = unfolded.strides
        kernel = self.grid.rows.kernel
        count = (self.length - kernel) // self.stride + 1
        return as_strided(
            unfolded,
            (groups, count, kernel * width * depth, math.prod(counts)),
            (by_group, by_row * self.stride, by_line, step),
            writeable=False,
        )

    def each_window(self, unfolded: Array) -> Iterator[Array]:
        """Views of the windows of each row, which overlap."""
        kernel = self.grid.rows.kernel
        for start in range(0, self.length - kernel + 1, self.stride):
            yield unfolded[:, start : start + kernel]
