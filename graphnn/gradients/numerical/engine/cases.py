"""The different moves that entries of a parameter make: equal ones are evaluated once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graphnn.ops import Array


class Cases(NamedTuple):
    """The different moves that some groups of entries make.

    Attributes
    ----------
    samples : ndarray, shape (cases,)
        Row of the batch, in ascending order.
    coefficients : ndarray, shape (channels or 1, ..., cases)
        By how much of the offset the block of a channel moves; no two cases are the same.
    group_of, case_of : ndarray, shape (moves,)
        Every move, by group: which group of entries makes it, and which case it is.
    """

    samples: Array
    coefficients: Array
    group_of: Array
    case_of: Array

    @classmethod
    def of(cls, response: Array, samples: Array) -> Cases:
        """Those of ``response[rows, groups, channels or 1, ...]``, rows being those of `samples`.

        Where it is 0 nothing moves.
        """
        if response.ndim == 3 and response.shape[2] == 1:
            return cls._of_numbers(response[:, :, 0], samples)
        rows, groups = np.nonzero(response.reshape(*response.shape[:2], -1).any(axis=2))
        coefficients = np.ascontiguousarray(np.moveaxis(response[rows, groups], 0, -1))
        by_group = np.argsort(groups, kind="stable")
        return cls(samples[rows], coefficients, groups[by_group], by_group)

    @classmethod
    def _of_numbers(cls, response: Array, samples: Array) -> Cases:
        rows, groups = np.nonzero(response)
        order = np.lexsort((response[rows, groups], rows))
        rows, groups = rows[order], groups[order]
        values = response[rows, groups]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (rows[1:] != rows[:-1]) | (values[1:] != values[:-1])
        case = np.cumsum(new) - 1
        by_group = np.argsort(groups, kind="stable")
        return cls(samples[rows[new]], values[None, new], groups[by_group], case[by_group])

    def add_up(self, by_case: Array, total: Array) -> None:
        """Put what cases do, [..., cases], into `total`, [..., groups], for each group's moves."""
        if len(self.group_of):
            add = np.logical_or if by_case.dtype == bool else np.add
            first = np.flatnonzero(np.r_[True, self.group_of[1:] != self.group_of[:-1]])
            moves = by_case.take(self.case_of, axis=-1)
            total[..., self.group_of[first]] = add.reduceat(moves, first, axis=-1)
