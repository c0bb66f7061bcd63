"""The numerical gradient: the loss at parameters moved a little, entry by entry."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from graphnn.errors import Diagnostic, UsageError, suggestion
from graphnn.gradients import rules
from graphnn.gradients.loop import Loop
from graphnn.gradients.probes import MAX_MEMORY, Probes
from graphnn.gradients.rules import DifferenceRule, Rule
from graphnn.gradients.sharing import one_blas_thread
from graphnn.network import Network
from graphnn.plan import Mode

Array = NDArray[Any]
Method = Literal["probes", "loop"]
Tell = Callable[[int], None]
_METHODS = ("probes", "loop")


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


def numerical_gradient(
    network: Network,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    loss: str | Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    method: Method = "probes",
    rule: Rule = "central",
    order: int | None = None,
    step: float | Mapping[str, float] | None = None,
    estimate: bool = True,
    mode: Mode = "run",
    seed: int = 0,
    threads: int | None = None,
    executor: Executor | None = None,
    max_memory: int = MAX_MEMORY,
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
    method : {"probes", "loop"}
        Many perturbations in one pass, computing only what moves; or whole forward passes for
        each entry, as every course teaches it. Both give the same numbers.
    rule : {"central", "forward"}
    order : {2, 4}, optional
        Of the central rule: how its truncation error shrinks with the step.
    step : float or mapping of str to float, optional
        How far entries are moved, for all parameters or by name; by default what balances
        truncation and rounding for the rule, see `DifferenceRule.default_step`.
    estimate : bool
        Whether to estimate errors, which takes more probes; else they are NaN.
    mode, seed
        As for `graphnn.backprop`; every probe meets the same noise.
    threads : int, optional
        That share the work of ``method="probes"``; by default one for each core.
    executor : concurrent.futures.Executor, optional
        Whose workers share the work instead: processes, or machines of Dask, Ray or MPI. `threads`
        then says how many workers it has. The network goes to each worker once.
    max_memory : int
        Bytes that tables of probes may take at once.
    progress : callable, optional
        Called with the number of entries done and of all.

    Returns
    -------
    dict of str to GradientEstimate

    Raises
    ------
    RunError, UsageError
        As `Network.loss`; also when a name, the rule or the step makes no sense, or a worker of
        the executor died.

    References
    ----------
    W. H. Press et al., Numerical Recipes, section 5.7, for the balance of truncation and rounding.
    """
    chosen = rules.find(rule, order)
    names = _names(network, only)
    steps = _steps(network, names, chosen, step)
    if method not in _METHODS:
        help = suggestion(method, _METHODS, f"there are {' and '.join(_METHODS)}")
        message = f"there is no method '{method}'"
        raise UsageError(Diagnostic("unknown-method", message, help=help))
    network = network if network.dtype == np.float64 else network.astype("float64")
    given, losses = {**(inputs or {}), **named}, network.losses(loss)
    total = sum(network.parameters[name].size for name in names)
    done = 0
    result = {}
    with _prober(
        network, given, losses, method, mode, seed, threads, executor, max_memory
    ) as prober:
        for name in names:
            before = done

            def tell(entries: int, before: int = before) -> None:
                if progress is not None:
                    progress(before + entries, total)

            shape = network.parameters[name].shape
            result[name] = _estimate(shape, name, prober, chosen, steps[name], estimate, tell)
            done += network.parameters[name].size
    return result


class Prober(Protocol):
    """Gives losses at moved parameters, up to a constant."""

    @property
    def origin(self) -> float:
        """What it gives where nothing is moved."""

    def differences(
        self, name: str, offsets: Sequence[float], progress: Tell | None = None
    ) -> tuple[Array, Array, Array]:
        """Losses with each entry moved by each offset, see `Probes.differences`."""


@contextmanager
def _prober(
    network: Network,
    inputs: Mapping[str, Any],
    losses: tuple[str, ...],
    method: str,
    mode: Mode,
    seed: int,
    threads: int | None,
    executor: Executor | None,
    max_memory: int,
) -> Iterator[Prober]:
    """What gives the losses, ready for use inside ``with``."""
    workers = threads or os.cpu_count() or 1
    with one_blas_thread, ExitStack() as stack:
        if method == "loop":
            yield Loop(network, inputs, losses, mode, seed)
            return
        if executor is None and workers > 1:
            executor = stack.enter_context(ThreadPoolExecutor(workers))
        yield Probes(network, inputs, losses, mode, seed, executor, workers, max_memory)


def _estimate(
    shape: tuple[int, ...],
    name: str,
    prober: Prober,
    rule: DifferenceRule,
    step: float,
    estimate: bool,
    tell: Tell,
) -> GradientEstimate:
    stretches = (1, 2) if estimate else (1,)
    multiples = sorted({k * stretch for k in rule.weights for stretch in stretches} - {0})
    found, crossed, stake = prober.differences(name, [k * step for k in multiples], tell)
    losses = dict(zip(multiples, found, strict=True))
    losses[0] = np.full(stake.shape, prober.origin)
    value = rule.apply(losses, step)
    near = [row for k, row in zip(multiples, crossed, strict=True) if k in rule.weights]
    kink = np.any(near, axis=0)
    error = np.full(value.shape, np.nan)
    if estimate:
        # The error is about c * step**order; comparing two steps tells c.
        truncation = np.abs(rule.apply(losses, step, 2) - value) / (2**rule.order - 1)
        error = truncation + np.finfo(np.float64).eps * stake / step
    return GradientEstimate(value.reshape(shape), error.reshape(shape), kink.reshape(shape))


def _names(network: Network, only: Iterable[str] | None) -> tuple[str, ...]:
    names = tuple(network.parameters) if only is None else tuple(only)
    for name in names:
        if name not in network.parameters:
            raise _unknown(network, name)
    return names


def _unknown(network: Network, name: str) -> UsageError:
    help = suggestion(name, network.parameters)
    message = f"the network has no parameter '{name}'"
    return UsageError(Diagnostic("unknown-parameter", message, help=help))


def _steps(
    network: Network,
    names: tuple[str, ...],
    rule: DifferenceRule,
    step: float | Mapping[str, float] | None,
) -> dict[str, float]:
    default = rule.default_step()
    if isinstance(step, Mapping):
        for name in step:
            if name not in network.parameters:
                raise _unknown(network, name)
        steps = {name: step.get(name, default) for name in names}
    else:
        steps = dict.fromkeys(names, default if step is None else step)
    for value in steps.values():
        if not (value > 0 and np.isfinite(value)):
            raise UsageError(Diagnostic("bad-step", f"the step must be positive, not {value}"))
    return steps
