"""A matrix with one entry moved, as many times as there are entries to move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphnn.ops._arrays import Array


@dataclass(frozen=True, slots=True)
class MovedMatrices:
    """What `matrix` becomes with the entry ``[rows[p], columns[p]]`` moved by `offset`, for each p.

    It stands on the right of a product: ``a @ moved`` is that of block p of the rows of `a`, all
    of one length, with the matrix p.
    """

    matrix: Array
    rows: Array
    columns: Array
    offset: complex

    def __len__(self) -> int:
        return len(self.matrix)

    def __rmatmul__(self, a: Array) -> Array:
        product: Array = np.asarray(a @ self.matrix, np.result_type(a, self.matrix, self.offset))
        count = len(self.rows)
        blocks = product.reshape(count, -1, product.shape[1])
        moving = a.reshape(count, -1, a.shape[1])[np.arange(count), :, self.rows]
        blocks[np.arange(count), :, self.columns] += self.offset * moving
        return product

    __array_ufunc__ = None  # so that NumPy leaves the product to this class
