"""The losses with the entries of one parameter moved."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Probed(NamedTuple):
    """Losses with each entry of a parameter moved by each offset.

    Attributes
    ----------
    losses : ndarray, shape (offsets, entries)
        Up to a constant.
    crossed : ndarray of bool, shape (offsets, entries)
        Whether a kink lies between the base and the moved point.
    loss_scale : ndarray, shape (entries,)
        Mean of the losses that the entry moves, as far as is known: what rounding scales by.
    places : ndarray of int or None
        Which entries of the parameter's flat array; None for all. Fewer than were asked for where
        Ctrl-C was pressed.
    """

    losses: Array
    crossed: Array
    loss_scale: Array
    places: Array | None = None

    @property
    def kink(self) -> Array:
        """Whether any probe of the entry crossed a kink."""
        return np.asarray(self.crossed.any(axis=0))
