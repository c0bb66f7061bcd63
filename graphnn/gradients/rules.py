"""Step rules and difference rules: where to probe, and what to make of the probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphnn.errors import Diagnostic, UsageError, suggestion

Array = NDArray[Any]
Rule = Literal["central", "forward"]


@dataclass(frozen=True, slots=True)
class DifferenceRule:
    """A derivative as a weighted sum of values at equal steps: ``sum(w[k] f(k h)) / h``.

    Attributes
    ----------
    weights : mapping of int to float
        From multiples of the step to weights, which add up to 0.
    order : int
        The truncation error shrinks as ``h ** order``.

    References
    ----------
    B. Fornberg, Generation of finite difference formulas on arbitrarily spaced grids, Mathematics
    of Computation 51 (1988), table 1.
    """

    weights: Mapping[int, float]
    order: int

    def apply(self, values: Mapping[int, Array], step: float, stretch: int = 1) -> Array:
        """The derivative from `values` at multiples of `step`, with a step `stretch` times it."""
        parts = [weight * values[k * stretch] for k, weight in self.weights.items()]
        total: Array = np.sum(parts, axis=0) / (stretch * step)
        return total

    def default_step(self) -> float:
        """Step that balances truncation and rounding for a function of unit scale.

        ``eps ** (1 / (order + 1))``; W. H. Press et al., Numerical Recipes, section 5.7.
        """
        return float(np.finfo(np.float64).eps ** (1 / (self.order + 1)))


FORWARD = DifferenceRule({0: -1.0, 1: 1.0}, 1)
CENTRAL = DifferenceRule({-1: -1 / 2, 1: 1 / 2}, 2)
# What Richardson's extrapolation makes of the central rule at h and 2 h.
CENTRAL_4 = DifferenceRule({-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}, 4)
RULES: Mapping[tuple[str, int], DifferenceRule] = {
    ("forward", 1): FORWARD,
    ("central", 2): CENTRAL,
    ("central", 4): CENTRAL_4,
}


def find(rule: str, order: int | None) -> DifferenceRule:
    """The rule of that name and order, by default its lowest.

    Raises
    ------
    UsageError
        There is none.
    """
    names = dict.fromkeys(name for name, _ in RULES)
    if rule not in names:
        help = suggestion(rule, names, f"there are {' and '.join(names)}")
        raise UsageError(Diagnostic("unknown-rule", f"there is no rule '{rule}'", help=help))
    orders = [known for name, known in RULES if name == rule]
    if order is None:
        order = orders[0]
    if order not in orders:
        message = f"the {rule} rule has no order {order}"
        help = f"its order is {' or '.join(map(str, orders))}"
        raise UsageError(Diagnostic("unknown-order", message, help=help))
    return RULES[rule, order]
