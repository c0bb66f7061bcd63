"""What the ways to evaluate probes have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np

from graphnn.ops import Array

Offsets = tuple[float | complex, ...]


class LossChanges(NamedTuple):
    """How the loss differs at probes.

    Attributes
    ----------
    differences : ndarray, shape (offsets, ...)
        How the loss differs.
    kinks : ndarray of bool, shape (offsets, ...)
        Whether a kink was crossed.
    loss_scale : ndarray, shape (...)
        Mean of the losses that moved, as far as is known: what rounding scales by.
    """

    differences: Array
    kinks: Array
    loss_scale: Array

    @classmethod
    def none(cls, offsets: Offsets, shape: tuple[int, ...]) -> LossChanges:
        """Where nothing moves."""
        differences = np.zeros((len(offsets), *shape), np.result_type(float, *offsets))
        return cls(differences, np.zeros(differences.shape, dtype=bool), np.zeros(shape))

    def add(self, place: Any, part: LossChanges) -> None:
        """Add what a part of the probes found."""
        self.differences[place] += part.differences
        self.kinks[place] |= part.kinks
        self.loss_scale[place] += part.loss_scale


class Strategy(Protocol):
    """How probes of one parameter are evaluated, a piece of the work at a time.

    Attributes
    ----------
    room : tuple of int
        Shape of the loss changes that all pieces are added up to, but for the offsets.
    """

    room: tuple[int, ...]

    def pieces(self, offsets: Offsets) -> Iterable[Any]:
        """The work cut into pieces, each of some milliseconds; the same for any workers."""

    def evaluate(self, piece: Any, offsets: Offsets) -> LossChanges:
        """What the probes of a piece find."""

    def place(self, piece: Any) -> Any:
        """Index of the room to which what a piece finds is added."""

    def finished(self, found: Array) -> Array:
        """An array of the room with the entries of the parameter as its last axis."""
