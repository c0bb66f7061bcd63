"""How the step of a numerical derivative trades truncation against rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphnn.execution import Mode, inputs_of
from graphnn.execution.network import Network, check_seed
from graphnn.gradients._backprop import backprop
from graphnn.gradients.numerical import selection
from graphnn.gradients.numerical.loop import Loop
from graphnn.gradients.numerical.objective import Objective
from graphnn.gradients.numerical.rules import CENTRAL, FORWARD, DifferenceRule
from graphnn.ops import Array

# Down past the smallest step that float64 distinguishes from none, and to the textbook's example of
# one that is far too small.
STEPS = (*(10.0**-k for k in range(1, 21)), 10e-50)


@dataclass(frozen=True, slots=True)
class StepStudy:
    """One derivative, by both difference rules, over many steps.

    Attributes
    ----------
    entry : str
        The parameter entry, as ``a1.weight[3,7]``.
    steps, forward, central : ndarray, shape (steps,)
        Steps, and the derivative by each rule.
    reference : float
        The derivative by backpropagation.
    """

    entry: str
    steps: Array
    forward: Array
    central: Array
    reference: float

    @property
    def forward_error(self) -> Array:
        """Distance of the forward difference from the reference."""
        return np.abs(self.forward - self.reference)

    @property
    def central_error(self) -> Array:
        """Distance of the central difference from the reference."""
        return np.abs(self.central - self.reference)


def step_study(
    network: Network,
    entry: str,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    loss: str | None = None,
    mode: Mode = "run",
    seed: int = 0,
    **named: Any,
) -> StepStudy:
    """The derivative by one parameter entry, for steps from 1e-1 to 1e-20 and at 10e-50.

    Parameters
    ----------
    network : Network
    entry : str
        Such as ``a1.weight[3,7]``; of a parameter with one entry, its name alone.
    inputs, **named : array_like
        As for `Network.run`.
    loss : str, optional
        As for `Network.loss`.
    mode, seed
        As for `numerical_gradient`.

    Raises
    ------
    RunError, UsageError
        As `Network.loss`; also when there is no such entry.
    """
    check_seed(seed)
    given = inputs_of(network, inputs, named)
    if network.dtype != np.float64:
        network = network.astype("float64")
    name, index = selection.parse(network, entry)
    loop = Loop(Objective(network, given, network.losses(loss), mode, seed))

    def derivatives(rule: DifferenceRule) -> Array:
        def losses(k: int) -> Array:
            return np.array([loop.at(name, index, k * h)[0] for h in STEPS])

        return rule.apply({k: losses(k) for k in rule.weights}, np.array(STEPS))

    analytic = backprop(network, given, loss=loss, only=[name], mode=mode, seed=seed)
    forward, central = map(derivatives, (FORWARD, CENTRAL))
    reference = float(analytic[name][index])
    return StepStudy(selection.show(name, index), np.array(STEPS), forward, central, reference)
