"""Columns of texts that feed an input one-hot: the categories of each, and rows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
_MISSING = ("", "na", "n/a", "nan", "null", "?")


class Categories:
    """The texts of one column, numbered.

    Parameters
    ----------
    known : tuple of str, optional
        Those of the training set, where this is a second one; no others are taken then.
    """

    def __init__(self, known: tuple[str, ...] | None) -> None:
        self.known = known
        self._numbers = {text: number for number, text in enumerate(known or ())}

    def number(self, text: str) -> int | None:
        """The number of a text; None for one that the training set does not have."""
        if self.known is not None:
            return self._numbers.get(text)
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted(self._numbers)) if self.known is None else self.known

    def encoded(self, numbers: NDArray[np.float64], *, one_hot: bool) -> Table:
        """What a column feeds: numbers in the order of `texts`, or rows of one 1 each.

        Parameters
        ----------
        numbers : ndarray, shape (rows,)
            As `number` gave them.
        one_hot : bool

        Returns
        -------
        ndarray, shape (rows, len(texts)) if `one_hot`, else (rows, 1)
        """
        given = [self._numbers[text] for text in self.texts]
        if one_hot:
            return np.equal.outer(numbers, given).astype(np.float64)
        return np.argsort(given)[numbers.astype(np.int64), np.newaxis].astype(np.float64)


def encoded(values: Table, categories: Sequence[Categories | None], *, one_hot: bool) -> Table:
    """Rows of numbers whose categories are numbered in sorted order, or one-hot.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    categories : sequence of Categories or None
        One for each column; None where it holds numbers.
    one_hot : bool
    """
    if not any(categories):
        return values
    parts = [
        values[:, [place]] if each is None else each.encoded(values[:, place], one_hot=one_hot)
        for place, each in enumerate(categories)
    ]
    return np.concatenate(parts, axis=1)


def is_missing(cell: str) -> bool:
    """Whether a cell says that its value is unknown."""
    return cell.strip().lower() in _MISSING


def widths(categories: Mapping[str, tuple[str, ...]]) -> list[str]:
    """For each column of categories, how many values of a row it takes, in a sentence."""
    return [
        f"column '{name}' takes {len(texts)} of them, one for each of its categories"
        for name, texts in categories.items()
    ]
