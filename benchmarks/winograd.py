"""Winograd's convolution by 3x3 filters, on arrays [channels, height, width, images].

The transforms and their letters (``B^T d`` of the data, ``G g`` of the filters, ``A^T m`` of the
products) are those of A. Lavin and S. Gray, Fast algorithms for convolutional neural networks,
arXiv:1509.09308, 2015, sections 4.1 and 4.3. Sums that two rows of a matrix share are made once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Sequence[Array]


@dataclass(frozen=True)
class Transform:
    """One dimension of F(`outputs`, 3): so many results of a filter of three from their products.

    Attributes
    ----------
    outputs : int
    filters : ndarray, shape (outputs + 2, 3)
        G.
    data, results : callable
        What to read, where to write, and memory for three sums.
    """

    outputs: int
    filters: Array
    data: Callable[[Arrays, Arrays, Arrays], None]
    results: Callable[[Arrays, Arrays, Arrays], None]

    @property
    def points(self) -> int:
        """Products for each tile."""
        return self.outputs + 2


def _data_2(d: Arrays, v: Arrays, sums: Arrays) -> None:
    np.subtract(d[0], d[2], out=v[0])
    np.add(d[1], d[2], out=v[1])
    np.subtract(d[2], d[1], out=v[2])
    np.subtract(d[1], d[3], out=v[3])


def _results_2(m: Arrays, y: Arrays, sums: Arrays) -> None:
    np.add(m[0], m[1], out=y[0])
    np.add(y[0], m[2], out=y[0])
    np.subtract(m[1], m[2], out=y[1])
    np.subtract(y[1], m[3], out=y[1])


def _data_4(d: Arrays, v: Arrays, sums: Arrays) -> None:
    a, b, c = sums
    np.multiply(d[2], -4, out=a)
    np.add(a, d[4], out=a)
    np.multiply(d[1], -4, out=b)
    np.add(b, d[3], out=b)
    np.add(a, b, out=v[1])
    np.subtract(a, b, out=v[2])
    np.subtract(d[4], d[2], out=c)
    np.subtract(d[3], d[1], out=b)
    np.add(b, b, out=b)
    np.add(c, b, out=v[3])
    np.subtract(c, b, out=v[4])
    np.subtract(d[0], d[2], out=a)
    np.multiply(a, 4, out=a)
    np.add(a, c, out=v[0])
    np.subtract(d[5], d[3], out=a)
    np.add(b, b, out=b)
    np.subtract(a, b, out=v[5])


def _results_4(m: Arrays, y: Arrays, sums: Arrays) -> None:
    a, b, _ = sums
    np.add(m[1], m[2], out=a)
    np.add(m[3], m[4], out=b)
    np.add(a, m[0], out=y[0])
    np.add(y[0], b, out=y[0])
    np.multiply(b, 4, out=b)
    np.add(a, b, out=y[2])
    np.subtract(m[1], m[2], out=a)
    np.subtract(m[3], m[4], out=b)
    np.add(b, b, out=b)
    np.add(a, b, out=y[1])
    np.multiply(b, 4, out=b)
    np.add(a, b, out=a)
    np.add(a, m[5], out=y[3])


_G2 = [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]]
_G4 = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
F2 = Transform(2, np.array(_G2), _data_2, _results_2)
F4 = Transform(4, np.array(_G4), _data_4, _results_4)


@dataclass(frozen=True)
class Layer:
    """A convolution of `images` squares of `side` by 3x3 filters, with zeros around."""

    channels: int
    filters: int
    side: int
    padding: int
    images: int

    @property
    def result(self) -> int:
        """Height and width of the result."""
        return self.side + 2 * self.padding - 2

    def tiles(self, outputs: int) -> int:
        """How many tiles of so many results lie side by side."""
        return -(-self.result // outputs)

    def rows(self, x: Array, start: int, into: Array) -> None:
        """Copy rows of `x` from `start` on, less the padding, to ``into[phase, row, channel]``.

        Column j of phase p is every `len(into)`-th of the padded image, from p on.
        """
        phases, count, _, columns, _ = into.shape
        first = start - self.padding
        top, bottom = max(0, -first), min(count, self.side - first)
        read = x.transpose(1, 0, 2, 3)[first + top : first + bottom]
        into[:, :top] = into[:, bottom:] = 0
        for phase, part in enumerate(into):
            shift = self.padding - phase
            left = max(0, -(-shift // phases))
            right = min(columns, (self.side - 1 + shift) // phases + 1)
            columns_read = slice(left * phases - shift, (right - 1) * phases - shift + 1, phases)
            part[top:bottom, :, left:right] = read[:, :, columns_read]


def along_rows(layer: Layer, weight: Array, by: Transform, rows: int) -> Callable[..., None]:
    """F(m, 3) along each row; the rows of a window lie below one another in memory."""
    filters = np.einsum("kcij,bj->bkic", weight, by.filters).astype(np.float32)
    filters = filters.reshape(by.points, 1, layer.filters, -1)
    tiles, height, shape = layer.tiles(by.outputs), rows + 2, (layer.channels, layer.images)
    channels, images = shape
    phases = np.zeros((by.outputs, height, channels, tiles + 1, images), "f")
    v = np.empty((by.points, height, channels, tiles, images), "f")
    m = np.empty((by.points, rows, layer.filters, tiles, images), "f")
    y = np.empty((by.outputs, *m.shape[1:]), "f")
    sums = np.empty((3, *v.shape[1:]), "f"), np.empty((3, *m.shape[1:]), "f")
    windows = as_strided(
        v,
        (by.points, rows, 3 * channels, tiles * images),
        (*v.strides[:3], v.itemsize),
        writeable=False,
    )
    read = [*phases[..., :tiles, :], *phases[:2, ..., 1:, :]]

    def convolve(x: Array, out: Array) -> None:
        for start in range(0, layer.result, rows):
            layer.rows(x, start, phases)
            by.data(read, v, sums[0])
            np.matmul(filters, windows, out=m.reshape(by.points, rows, layer.filters, -1))
            by.results(m, y, sums[1])
            there = out.transpose(1, 0, 2, 3)[start : start + rows]
            for phase, part in enumerate(y):
                target = there[:, :, phase :: by.outputs]
                target[...] = part[: len(there), :, : target.shape[2]]

    return convolve


def in_tiles(layer: Layer, weight: Array, by: Transform) -> Callable[..., None]:
    """F(m x m, 3 x 3) on a row of tiles at a time."""
    filters = np.einsum("ai,kcij,bj->abkc", by.filters, weight, by.filters).astype("f")
    filters = filters.reshape(-1, layer.filters, layer.channels)
    tiles, n, size = layer.tiles(by.outputs), by.points, layer.channels
    phases = np.zeros((by.outputs, n, size, tiles + 1, layer.images), "f")
    down = np.empty((n, by.outputs, size, tiles + 1, layer.images), "f")
    v = np.empty((n, n, size, tiles, layer.images), "f")
    m = np.empty((n, n, layer.filters, tiles, layer.images), "f")
    up = np.empty((by.outputs, *m.shape[1:]), "f")
    y = np.empty((by.outputs, by.outputs, *m.shape[2:]), "f")
    sums = [np.empty((3, *array.shape[1:]), "f") for array in (down, v[0], m, y[0])]

    def convolve(x: Array, out: Array) -> None:
        for start in range(0, layer.result, by.outputs):
            layer.rows(x, start, phases)
            by.data([phases[:, row] for row in range(n)], down, sums[0])
            for part, into in zip(down, v, strict=True):
                by.data([*part[..., :tiles, :], *part[:2, ..., 1:, :]], into, sums[1])
            columns = (n * n, -1, tiles * layer.images)
            np.matmul(filters, v.reshape(columns), out=m.reshape(columns))
            by.results(m, up, sums[2])
            for row in range(min(by.outputs, layer.result - start)):
                by.results(up[row], y[row], sums[3])
                for phase, part in enumerate(y[row]):
                    target = out[:, start + row, phase :: by.outputs]
                    target[...] = part[:, : target.shape[1]]

    return convolve
