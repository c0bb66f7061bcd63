"""Convolution as products of matrices, on arrays [channels, height, width, images].

With the images innermost every row of an image is one long run of memory, so that copies, sums
and the entry-by-entry ops that follow go at the speed of memory, and an array of all images is
one matrix. Images are unfolded along their width alone: a window of whole rows is then one run of
memory too, and windows one below the other share it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphnn.ops._arrays import Array
from graphnn.ops.kernels.windows import Track, Tracks, inside

_UNFOLDED = 2**26  # bytes of unfolded image at a time
_UNPACKED = 10**6  # multiplications of a product that OpenBLAS carries out without packing
_NARROWEST = 128  # columns of a matrix below which leaving out the packing does not pay
_SUMMED = 2**20  # entries of partial sums at a time


def images_last(x: Array) -> Array:
    """`x` ``[images, channels, height, width]`` in the order of this module, in one block."""
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0))


def images_first(x: Array) -> Array:
    """A view of `x` in the order that ops take and give."""
    return x.transpose(3, 0, 1, 2)


def correlate(x: Array, weight: Array, tracks: Tracks, groups: int, out: Array) -> None:
    """Write the sums of every window of `x` times the filters to `out`.

    Parameters
    ----------
    x : ndarray, shape (channels, height, width, images)
    weight : ndarray, shape (filters, channels / groups, kernel height, kernel width)
    tracks : pair of Track
    groups : int
    out : ndarray, shape (filters, windows down, windows across, images)
        In one block, like `x`.
    """
    grid = _Grid(weight, *tracks, groups, x.shape[3], x.itemsize)
    filters = _matrices(weight, groups)[:, None]
    results = _flat(out, groups)
    for piece in grid.pieces():
        np.matmul(filters, piece.windows(piece.unfold(x)), out=results[piece.index].swapaxes(1, 2))


def correlate_back(cotangent: Array, weight: Array, tracks: Tracks, groups: int) -> Array:
    """Cotangent of `x`, from that of the result of `correlate`."""
    rows, columns = tracks
    shape = (groups * weight.shape[1], rows.size, columns.size, cotangent.shape[3])
    few = 2 * groups * weight.shape[1] < weight.shape[0]
    if rows.stride == columns.stride == 1 and not few:
        # A correlation again: it sums in the product, but unfolds what has the filters' channels.
        by_x = np.empty(shape, cotangent.dtype)
        mirrored = rows.mirrored, columns.mirrored
        correlate(cotangent, _mirrored(weight, groups), mirrored, groups, by_x)
        return by_x
    by_x = np.zeros(shape, cotangent.dtype)
    grid = _Grid(weight, rows, columns, groups, cotangent.shape[3], cotangent.itemsize)
    filters = _matrices(weight, groups).swapaxes(1, 2)
    given = _flat(cotangent, groups)
    for piece in grid.pieces():
        unfolded = np.zeros(piece.shape, cotangent.dtype)
        parts = given[piece.index]
        for row, window in enumerate(piece.each_window(unfolded)):
            window += _product(filters, parts[:, :, row]).reshape(window.shape)
        piece.fold(unfolded, by_x)
    return by_x


def correlate_weight(
    cotangent: Array, x: Array, weight: Array, tracks: Tracks, groups: int
) -> Array:
    """Cotangent of `weight`, from that of the result of `correlate`."""
    grid = _Grid(weight, *tracks, groups, x.shape[3], x.itemsize)
    filters, depth, height, width = weight.shape
    total = np.zeros((groups, depth * height * width, filters // groups), weight.dtype)
    given = _flat(cotangent, groups)
    some = max(1, _SUMMED // weight.size)
    for piece in grid.pieces():
        windows = piece.windows(piece.unfold(x))
        parts = given[piece.index].transpose(0, 2, 3, 1)
        for start in range(0, windows.shape[1], some):
            chosen = slice(start, start + some)
            total += np.matmul(windows[:, chosen], parts[:, chosen]).sum(axis=1)
    by_filter = total.reshape(groups, height, width, depth, -1).transpose(0, 4, 3, 1, 2)
    return by_filter.reshape(weight.shape)


def _mirrored(weight: Array, groups: int) -> Array:
    """Filters that undo the steps of `weight`: channels for filters, last entry first."""
    filters, depth, height, width = weight.shape
    apart = weight.reshape(groups, filters // groups, depth, height, width)[..., ::-1, ::-1]
    return apart.swapaxes(1, 2).reshape(groups * depth, filters // groups, height, width)


def _product(a: Array, b: Array) -> Array:
    # NumPy leaves a product of a column and a row to a slow loop.
    return a * b if a.shape[-1] == 1 else np.matmul(a, b)


def _matrices(weight: Array, groups: int) -> Array:
    """A matrix a group, a row a filter, with its entries in the order of a window of rows."""
    matrices = weight.transpose(0, 2, 3, 1).reshape(groups, weight.shape[0] // groups, -1)
    return np.ascontiguousarray(matrices)  # BLAS takes no matrix backwards


def _flat(x: Array, groups: int) -> Array:
    """A view of `x` ``[groups, channels of one, height, width and images]``."""
    return x.reshape(groups, -1, x.shape[1], x.shape[2] * x.shape[3])


@dataclass(frozen=True, slots=True)
class _Grid:
    """All windows of a convolution, and how they are cut to pieces that fit in memory."""

    weight: Array
    rows: Track
    columns: Track
    groups: int
    images: int
    itemsize: int

    def pieces(self) -> Iterator[_Piece]:
        """Pieces that together hold every window once.

        Windows dilated by d are d sets of undilated ones, on every d-th row: as many sets as it
        takes for the windows of each to start on the same one of those rows.
        """
        apart = self.rows.dilation // math.gcd(self.rows.dilation, self.rows.stride)
        for first in range(min(apart, self.rows.count)):
            count = len(range(first, self.rows.count, apart))
            stride = self.rows.stride * apart // self.rows.dilation
            length = (count - 1) * stride + self.rows.kernel
            for columns, images in self._cut(length):
                yield _Piece(self, first, apart, stride, length, columns, images)

    def _cut(self, length: int) -> Iterator[tuple[slice, slice]]:
        """Columns of windows, and images, of each piece."""
        _, depth, _, width = self.weight.shape
        most = max(1, _UNFOLDED // (self.groups * depth * width * length * self.itemsize))
        unpacked = _UNPACKED * self.groups // self.weight.size
        if unpacked >= max(self.images, _NARROWEST):
            most = min(most, unpacked)
        if most >= self.images:
            for columns in _parts(self.columns.count, most // self.images):
                yield columns, slice(0, self.images)
            return
        for column in range(self.columns.count):
            for images in _parts(self.images, most):
                yield slice(column, column + 1), images


def _parts(count: int, most: int) -> list[slice]:
    """`count` cut to parts of nearly the same length, at most `most`."""
    number = -(-count // most)
    return [slice(count * i // number, count * (i + 1) // number) for i in range(number)]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some of the windows: those of every `apart`-th row, from `first` on, in some columns.

    ``unfolded[g, m, j, c, r, n]`` is what entry j of column r of windows reads in image n, of
    channel c of group g, in the m-th of `length` rows. Windows of rows start every `stride`.
    """

    grid: _Grid
    first: int
    apart: int
    stride: int
    length: int
    columns: slice
    images: slice

    @property
    def index(self) -> tuple[slice, slice, slice, slice]:
        """Where the results of the windows lie in an array as `_flat` makes it."""
        count = self.grid.images
        start = self.columns.start * count + self.images.start
        stop = (self.columns.stop - 1) * count + self.images.stop
        return slice(None), slice(None), slice(self.first, None, self.apart), slice(start, stop)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the unfolded image."""
        _, depth, _, width = self.grid.weight.shape
        columns = self.columns.stop - self.columns.start
        images = self.images.stop - self.images.start
        return self.grid.groups, self.length, width, depth, columns, images

    def unfold(self, x: Array) -> Array:
        """The part of `x` that the windows read, side by side for each column of windows."""
        unfolded = np.empty(self.shape, x.dtype)
        for there, padding, here in self._places(x, unfolded):
            there[...] = here
            for part in padding:
                part[...] = 0
        return unfolded

    def fold(self, unfolded: Array, x: Array) -> None:
        """Add every entry of `unfolded` where `unfold` has it from."""
        for there, _, here in self._places(x, unfolded):
            here += there

    def _places(
        self, x: Array, unfolded: Array
    ) -> Iterator[tuple[Array, tuple[Array, ...], Array]]:
        """For each entry of a row of windows: where it is, what of it is padding, whence it is."""
        rows, columns = self.grid.rows, self.grid.columns
        images = x.reshape(self.grid.groups, -1, *x.shape[1:])[..., self.images]
        start = self.first * rows.stride - rows.before
        into, height = inside(start, rows.dilation, self.length, rows.size)
        for tap in range(columns.kernel):
            start = tap * columns.dilation - columns.before + self.columns.start * columns.stride
            across, width = inside(start, columns.stride, unfolded.shape[4], columns.size)
            part = unfolded[:, :, tap]
            padding = (
                part[:, : into.start],
                part[:, into.stop :],
                part[:, into, :, : across.start],
                part[:, into, :, across.stop :],
            )
            here = images[:, :, height, width].swapaxes(1, 2)
            yield part[:, into, :, across], padding, here

    def windows(self, unfolded: Array) -> Array:
        """A view of all windows: a matrix for each group and row, a column for each place."""
        groups, _, width, depth, columns, images = unfolded.shape
        by_group, by_row, _, by_line, *_, step = unfolded.strides
        count = (self.length - self.grid.rows.kernel) // self.stride + 1
        lines = self.grid.rows.kernel * width * depth
        return as_strided(
            unfolded,
            (groups, count, lines, columns * images),
            (by_group, by_row * self.stride, by_line, step),
            writeable=False,
        )

    def each_window(self, unfolded: Array) -> Iterator[Array]:
        """Views of the windows of each row, which overlap."""
        for start in range(0, self.length - self.grid.rows.kernel + 1, self.stride):
            yield unfolded[:, start : start + self.grid.rows.kernel]
