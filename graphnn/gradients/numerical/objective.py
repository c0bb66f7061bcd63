"""The loss that a numerical gradient is taken of: a network on one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphnn.execution import Executor, Mode
from graphnn.execution.network import Network


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
    mode: Mode = "run"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.network.dtype != np.float64:
            object.__setattr__(self, "network", self.network.astype("float64"))

    def executor(self, *, keep: bool) -> Executor:
        """What computes the loss; see `Network.executor`."""
        return self.network.executor(self.losses, keep=keep, mode=self.mode)

    def noise(self) -> np.random.Generator:
        """What the noise of every probe is drawn from, which so is the same."""
        return np.random.default_rng(self.seed)
