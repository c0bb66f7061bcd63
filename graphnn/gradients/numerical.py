"""The numerical gradient: the loss at parameters moved a little, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphnn.errors import Diagnostic, UsageError, suggestion
from graphnn.executor import Executor
from graphnn.network import Network
from graphnn.ops._op import Op
from graphnn.plan import Mode

Array = NDArray[Any]
Loss = Callable[[float], float]
Rule = Literal["central", "forward"]
DEFAULT_STEP = 1e-4


class GradientEstimate(NamedTuple):
    """A numerical gradient that knows how far it may be off.

    Attributes
    ----------
    value : ndarray of float64
        The derivative by each entry; of the parameter's shape, like the others.
    error : ndarray of float64
        Estimate of its error: truncation, from comparing two steps, and rounding of the loss.
    kink : ndarray of bool
        Whether a probe crossed a point where the loss has no derivative.
    """

    value: Array
    error: Array
    kink: Array


@dataclass(frozen=True, slots=True)
class DifferenceRule:
    """A quotient of differences.

    Attributes
    ----------
    quotient : callable
        ``(loss, h)`` to the derivative of ``loss(offset)`` at 0.
    order : int
        The truncation error shrinks as ``h ** order``.
    """

    quotient: Callable[[Loss, float], float]
    order: int


def central(loss: Loss, h: float) -> float:
    """``(f(h) - f(-h)) / (2 h)``, whose truncation error shrinks as ``h**2``."""
    return (loss(h) - loss(-h)) / (2 * h)


def forward(loss: Loss, h: float) -> float:
    """``(f(h) - f(0)) / h``, whose truncation error shrinks as ``h``."""
    return (loss(h) - loss(0.0)) / h


RULES: Mapping[str, DifferenceRule] = {
    "central": DifferenceRule(central, 2),
    "forward": DifferenceRule(forward, 1),
}


def numerical_gradient(
    network: Network,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    loss: str | Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    method: Literal["loop"] = "loop",
    rule: Rule = "central",
    step: float = DEFAULT_STEP,
    estimate: bool = True,
    mode: Mode = "run",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    **named: Any,
) -> dict[str, GradientEstimate]:
    """Gradient of the loss by moving every parameter entry, always in float64.

    Parameters
    ----------
    network : Network
    inputs, **named : array_like
        As for `Network.run`.
    loss : str or iterable of str, optional
        As for `Network.loss`.
    only : iterable of str, optional
        Names of parameters; by default all.
    method : {"loop"}
        Whole forward passes for each entry, as every course teaches it.
    rule : {"central", "forward"}
        Difference rule.
    step : float
        How far an entry is moved.
    estimate : bool
        Whether to estimate errors, which doubles the passes; else they are NaN.
    mode, seed
        As for `graphnn.backprop`; every probe meets the same noise.
    progress : callable, optional
        Called with the number of entries done and of all.

    Returns
    -------
    dict of str to GradientEstimate

    Raises
    ------
    RunError, UsageError
        As `Network.loss`; also when a name, the rule or the step makes no sense.

    References
    ----------
    B. Fornberg, Generation of finite difference formulas on arbitrarily spaced grids,
    Mathematics of Computation 51 (1988), for the rules; W. H. Press et al., Numerical Recipes,
    section 5.7, for the balance of truncation and rounding.
    """
    _check(method, rule, step)
    probe = Probe(network, {**(inputs or {}), **named}, loss, mode, seed)
    names = _names(network, only)
    total = sum(network.parameters[name].size for name in names)
    done = 0
    result = {}
    for name in names:
        shape = network.parameters[name].shape
        estimates = GradientEstimate(np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool))
        for index in np.ndindex(shape):
            found = _differentiate(probe, name, index, RULES[rule], step, estimate)
            for array, entry in zip(estimates, found, strict=True):
                array[index] = entry
            done += 1
            if progress is not None:
                progress(done, total)
        result[name] = estimates
    return result


def _differentiate(
    probe: Probe,
    name: str,
    index: tuple[int, ...],
    rule: DifferenceRule,
    step: float,
    estimate: bool,
) -> tuple[float, float, bool]:
    losses: dict[float, float] = {}
    kink = False

    def loss(offset: float) -> float:
        nonlocal kink
        if offset not in losses:
            losses[offset], crossed = probe(name, index, offset)
            kink = kink or crossed
        return losses[offset]

    value = rule.quotient(loss, step)
    if not estimate:
        return value, np.nan, kink
    crossed_near = kink
    coarse = rule.quotient(loss, 2 * step)
    # Error ~ c h**order: comparing h with 2 h tells c. A kink met only at 2 h is not the value's.
    truncation = abs(coarse - value) / (2**rule.order - 1)
    rounding = np.finfo(np.float64).eps * max(map(abs, losses.values())) / step
    return value, truncation + rounding, crossed_near


class Probe:
    """The loss as a function of one parameter entry.

    Parameters
    ----------
    network : Network
    inputs : mapping of str to array_like
    loss : str or iterable of str, optional
        As for `Network.loss`.
    mode, seed
        As for `numerical_gradient`.
    """

    def __init__(
        self,
        network: Network,
        inputs: Mapping[str, Any],
        loss: str | Iterable[str] | None = None,
        mode: Mode = "run",
        seed: int = 0,
    ) -> None:
        network = network if network.dtype == np.float64 else network.astype("float64")
        self._losses = network.losses(loss)
        self._inputs = inputs
        self._parameters = {name: array.copy() for name, array in network.arrays.items()}
        self._seed = seed
        plan = network.executor(self._losses, mode=mode).plan
        self._branching = [step for step in plan.steps if type(step.op).branch is not Op.branch]
        self._keep = bool(self._branching or plan.noises)
        self._executor: Executor = network.executor(self._losses, keep=self._keep, mode=mode)
        self._branches = self._evaluate()[1]

    def __call__(self, name: str, index: tuple[int, ...], offset: float) -> tuple[float, bool]:
        """Loss with one entry of a parameter moved by `offset`, and whether it crossed a kink."""
        array = self._parameters[name]
        original = array[index]
        array[index] = original + offset
        try:
            value, branches = self._evaluate()
        finally:
            array[index] = original
        crossed = any(
            not np.array_equal(here, there)
            for here, there in zip(self._branches, branches, strict=True)
        )
        return value, crossed

    def _evaluate(self) -> tuple[float, list[Array]]:
        if not self._keep:
            outputs = self._executor.run(self._inputs, self._parameters)
            return float(sum(value.mean() for value in outputs.values())), []
        rng = np.random.default_rng(self._seed)
        values, release = self._executor.values(self._inputs, self._parameters, rng)
        slots = self._executor.plan.outputs
        total = float(sum(values[slots[name]].mean() for name in self._losses))
        branches = [
            np.array(step.op.branch(*(None if s is None else values[s] for s in step.arguments)))
            for step in self._branching
        ]
        release()
        return total, branches


def _names(network: Network, only: Iterable[str] | None) -> tuple[str, ...]:
    names = tuple(network.parameters) if only is None else tuple(only)
    for name in names:
        if name not in network.parameters:
            help = suggestion(name, network.parameters)
            message = f"the network has no parameter '{name}'"
            raise UsageError(Diagnostic("unknown-parameter", message, help=help))
    return names


def _check(method: str, rule: str, step: float) -> None:
    if method != "loop":
        message = f"there is no method '{method}'"
        raise UsageError(Diagnostic("unknown-method", message, help="the method is 'loop'"))
    if rule not in RULES:
        help = suggestion(rule, RULES, f"there are {' and '.join(RULES)}")
        raise UsageError(Diagnostic("unknown-rule", f"there is no rule '{rule}'", help=help))
    if not (step > 0 and np.isfinite(step)):
        raise UsageError(Diagnostic("bad-step", f"the step must be positive, not {step}"))
