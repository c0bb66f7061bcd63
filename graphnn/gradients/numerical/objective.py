"""The loss that a numerical gradient is taken of, and what probes of it find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from graphnn.execution import Executor, Mode
from graphnn.execution.network import Network
from graphnn.ops import Array

Progress = Callable[[int], None]  # called with the number of entries done


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss as a function of the parameters, always in float64.

    Attributes
    ----------
    network : Network
        In float64.
    inputs : mapping of str to array_like
    losses : tuple of str
        Nodes whose means are added up.
    mode, seed
        As for `graphnn.numerical_gradient`.
    """

    network: Network
    inputs: Mapping[str, Any]
    losses: tuple[str, ...]
    mode: Mode
    seed: int

    def __post_init__(self) -> None:
        if self.network.dtype != np.float64:
            object.__setattr__(self, "network", self.network.astype("float64"))

    def executor(self, *, keep: bool) -> Executor:
        """What computes the loss; see `Network.executor`."""
        return self.network.executor(self.losses, keep=keep, mode=self.mode)

    def noise(self) -> np.random.Generator:
        """The generator of the noise, in the same state for every probe."""
        return np.random.default_rng(self.seed)


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


def largest(values: Array, least: float = 0.0) -> float:
    """The largest size of the finite ones, `least` or more: others say nothing of rounding."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=least))
