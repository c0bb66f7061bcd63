"""Where to probe, and what to make of the probes: three kinds of rules, each to be swapped.

A *step rule* says how far entries are moved, a *difference rule* makes a derivative of values at
equal steps, an *extrapolation* makes a value and its truncation error of derivatives at several
steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphnn.diagnostics import UsageError, is_real, is_whole
from graphnn.gradients._refusals import check_choice
from graphnn.ops import Array

EPSILON = float(np.finfo(np.float64).eps)
_EXACT = 1e-9  # of a sum of weights: what rounding them may leave


@dataclass(frozen=True, slots=True)
class DifferenceRule:
    """A derivative as a weighted sum of values at equal steps: ``sum(w[k] f(k h)) / h``.

    Attributes
    ----------
    weights : mapping of int to float
        From multiples of the step to weights, which add up to 0.
    order : int
        The truncation error shrinks as ``h ** order``.

    Raises
    ------
    UsageError
        The weights do not make a derivative of that order.

    References
    ----------
    B. Fornberg, Generation of finite difference formulas on arbitrarily spaced grids, Mathematics
    of Computation 51 (1988), table 1.
    """

    weights: Mapping[int, float]
    order: int

    def __post_init__(self) -> None:
        # What Taylor's series asks of the weights, power by power of the step.
        for power in range(self.order + 1):
            parts = [weight * k**power for k, weight in self.weights.items()]
            found, wanted = math.fsum(parts), float(power == 1)
            if not abs(found - wanted) <= _EXACT * math.fsum(map(abs, parts)):
                message = (
                    f"a difference rule of order {self.order} needs weights whose sum of "
                    f"w[k] * k**{power} is {wanted:g}, not {found:g}"
                )
                help = "such as {-1: -0.5, 1: 0.5}, of order 2"
                raise UsageError.of("bad-rule", message, help=help)

    def apply(self, values: Mapping[int, Array], step: float | Array, stretch: int = 1) -> Array:
        """The derivative from `values` at multiples of `step`, with a step `stretch` times it."""
        parts = [weight * values[k * stretch] for k, weight in self.weights.items()]
        return np.asarray(np.sum(parts, axis=0) / (stretch * step))

    def default_step(self) -> float:
        """Step that balances truncation and rounding for a function of unit scale.

        ``eps ** (1 / (order + 1))``; W. H. Press et al., Numerical Recipes, section 5.7.
        """
        return float(EPSILON ** (1 / (self.order + 1)))


FORWARD = DifferenceRule({0: -1.0, 1: 1.0}, 1)
CENTRAL = DifferenceRule({-1: -1 / 2, 1: 1 / 2}, 2)
# What Richardson's extrapolation makes of the central rule at h and 2 h.
CENTRAL_4 = DifferenceRule({-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}, 4)
RULES: Mapping[str, tuple[DifferenceRule, ...]] = {
    "forward": (FORWARD,),
    "central": (CENTRAL, CENTRAL_4),
}

StepRule = Callable[[Array, DifferenceRule], float]


def balanced(values: Array, rule: DifferenceRule) -> float:
    """The step that suits the difference rule, whatever the values of the parameter."""
    return rule.default_step()


def relative(values: Array, rule: DifferenceRule) -> float:
    """The same times the root mean square of the parameter's values, where that is more than 1."""
    return rule.default_step() * max(1.0, float(np.sqrt(np.mean(np.square(values)))))


STEPS: Mapping[str, StepRule] = {"balanced": balanced, "relative": relative}


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """What to make of derivatives at several steps.

    Attributes
    ----------
    stretches : tuple of int
        How many times the step each of them takes; the first is 1.
    combine : callable
        From those derivatives, arrays in the order of `stretches`, and the order of the difference
        rule, to the value and an estimate of its truncation error.
    """

    stretches: tuple[int, ...]
    combine: Callable[[Sequence[Array], int], tuple[Array, Array]]


def _alone(found: Sequence[Array], order: int) -> tuple[Array, Array]:
    return found[0], np.full(found[0].shape, np.nan)


def _compared(found: Sequence[Array], order: int) -> tuple[Array, Array]:
    # The error is about c h^order; its growth at 2 h determines c.
    fine, coarse = found
    return fine, np.abs(coarse - fine) / (2**order - 1)


def _richardson(found: Sequence[Array], order: int) -> tuple[Array, Array]:
    fine, coarse, coarsest = found
    value = fine + (fine - coarse) / (2**order - 1)
    before = coarse + (coarse - coarsest) / (2**order - 1)
    # What is left is at least of the next order.
    return value, np.abs(value - before) / (2 ** (order + 1) - 1)


ALONE = Extrapolation((1,), _alone)
COMPARED = Extrapolation((1, 2), _compared)
RICHARDSON = Extrapolation((1, 2, 4), _richardson)
EXTRAPOLATIONS: Mapping[str, Extrapolation] = {"compared": COMPARED, "richardson": RICHARDSON}


def find(rule: str | DifferenceRule, order: int | None) -> DifferenceRule:
    """The difference rule of that name and order, by default its lowest; one's own as it is.

    Raises
    ------
    UsageError
        There is none.
    """
    if isinstance(rule, DifferenceRule):
        if order not in (None, rule.order):
            message = f"the rule given has order {rule.order}, not {order}"
            raise UsageError.of("unknown-order", message, help="leave 'order' out")
        return rule
    check_choice("unknown-rule", "rule", rule, RULES)
    orders = {each.order: each for each in RULES[rule]}
    if order is not None and not (is_whole(order) and order in orders):
        message = f"the {rule} rule has no order {order!r}"
        help = f"its order is {' or '.join(map(str, orders))}"
        raise UsageError.of("unknown-order", message, help=help)
    return orders[order or min(orders)]


def is_step(value: Any) -> bool:
    """Whether entries can be moved so far."""
    number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    return is_real(number) and 0 < float(number) < math.inf
