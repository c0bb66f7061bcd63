"""The numerical gradient: the loss at parameters moved a little, entry by entry."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import Diagnostic, UsageError
from graphnn.execution import Mode, one_blas_thread
from graphnn.execution.network import Network, check_seed
from graphnn.gradients.numerical import arguments, rules, selection
from graphnn.gradients.numerical.engine.probes import MAX_MEMORY, Probes
from graphnn.gradients.numerical.estimates import (
    TINY,
    ComplexStep,
    Differences,
    GradientEstimate,
    Locate,
    Prober,
    Scheme,
)
from graphnn.gradients.numerical.loop import Loop
from graphnn.gradients.numerical.rules import DifferenceRule, Extrapolation, StepRule
from graphnn.gradients.numerical.selection import Entries

Array = NDArray[Any]
Method = Literal["probes", "loop", "complex"]
Rule = Literal["central", "forward"] | DifferenceRule
Steps = float | Mapping[str, float] | str | StepRule


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during `numerical_gradient`; it carries what was reached.

    Attributes
    ----------
    estimates : dict of str to GradientEstimate
        As `numerical_gradient` returns them; of the parameter that was under way, the entries
        that were done.
    total : int
        How many entries were asked for.
    report : GradientReport or None
        Of `check_gradients`: what it found by then.
    """

    report: Any = None

    def __init__(self, estimates: dict[str, GradientEstimate], total: int) -> None:
        self.estimates = estimates
        self.total = total
        self.done = sum(found.taken for found in estimates.values())
        super().__init__(f"{self.done:,} of {total:,} entries were reached")


def numerical_gradient(
    network: Network,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    loss: str | Iterable[str] | None = None,
    only: str | Iterable[str] | None = None,
    entries: Entries | None = None,
    method: Method = "probes",
    rule: Rule = "central",
    order: int | None = None,
    step: Steps | None = None,
    extrapolation: str | Extrapolation = "compared",
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
    only : str or iterable of str, optional
        Names of parameters; by default all.
    entries : int, str, iterable of str, or mapping, optional
        Which entries to take: how many, drawn at random from `seed`; or names such as
        ``a1.weight[3,7]``; or by parameter an index, with slices too, a list of them, an array of
        them in rows, or a mask. By default all.
    method : {"probes", "loop", "complex"}
        Many perturbations in one pass, computing only what moves; whole forward passes for
        each entry, as every course teaches it, which gives the same numbers; or the complex step
        ``Im f(x + ih) / h``, which subtracts nothing and is exact to rounding, where every op on
        the way is analytic (`Op.analytic`).
    rule : {"central", "forward"} or DifferenceRule
        Not for the complex step.
    order : {2, 4}, optional
        Of the central rule: how its truncation error shrinks with the step.
    step : float, mapping of str to float, {"balanced", "relative"}, or callable, optional
        How far entries are moved, for all parameters or by name, or a step rule: from the values
        of the parameter and the difference rule to a step. By default what balances truncation
        and rounding for the rule, see `DifferenceRule.default_step`; 1e-20 for the complex step.
    extrapolation : {"compared", "richardson"} or Extrapolation
        What is made of derivatives at several steps: the one at the smallest, its truncation
        error told by one at twice the step; or Richardson's extrapolation from three steps. Not
        for the complex step.
    estimate : bool
        Whether to estimate errors, which takes more probes; else they are NaN, and kinks are not
        located.
    mode, seed
        As for `graphnn.backprop`; every probe meets the same noise. The seed also draws `entries`.
    threads : int, optional
        That share the work of ``method="probes"`` and ``"complex"``; by default one for each core.
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
        By parameter; without those of which `entries` names none.

    Raises
    ------
    RunError, UsageError
        As `Network.loss`; also when a name, an entry, the rule or the step makes no sense, an op
        that the complex step would pass is not analytic, or a worker of the executor died.
    Interrupted
        Ctrl-C was pressed; what was reached by then is in it.

    References
    ----------
    W. H. Press et al., Numerical Recipes, section 5.7, for the balance of truncation and rounding;
    J. R. R. A. Martins, P. Sturdza and J. J. Alonso, The complex-step derivative approximation, ACM
    Transactions on Mathematical Software 29 (2003), for the complex step.
    """
    check_seed(seed)
    arguments.check_method(method)
    arguments.check_sharing(method, threads, executor, max_memory)
    chosen = selection.choose(network, only, entries, seed)
    schemes = _schemes(network, tuple(chosen), method, rule, order, step, extrapolation, estimate)
    network = network if network.dtype == np.float64 else network.astype("float64")
    given, losses = {**(inputs or {}), **named}, network.losses(loss)
    if method == "complex":
        _check_analytic(network, losses, tuple(chosen), mode)
    sizes = {
        name: network.parameters[name].size if places is None else len(places)
        for name, places in chosen.items()
    }
    total = sum(sizes.values())
    done = 0
    result: dict[str, GradientEstimate] = {}
    with _prober(
        network, given, losses, method, mode, seed, threads, executor, max_memory
    ) as prober:
        locator = _Locator(prober, network, given, losses, mode, seed)
        for name, places in chosen.items():

            def tell(entries: int, before: int = done) -> None:
                if progress is not None:
                    progress(before + entries, total)

            try:
                found = schemes[name].take(prober, name, network.parameters[name], places, tell)
                if estimate and found.kink.any():
                    found = replace(found, locate=locator.of(name, schemes[name].reaches))
            except KeyboardInterrupt:
                raise Interrupted(result, total) from None
            if found.taken:
                result[name] = found
            if prober.stopped:
                raise Interrupted(result, total)
            done += sizes[name]
    return result


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
        continued = method == "complex"
        yield stack.enter_context(
            Probes(network, inputs, losses, mode, seed, executor, workers, max_memory, continued)
        )


class _Locator:
    """Finds where probes cross kinks, by a loop that is made once there is a kink."""

    def __init__(
        self,
        prober: Prober,
        network: Network,
        inputs: Mapping[str, Any],
        losses: tuple[str, ...],
        mode: Mode,
        seed: int,
    ) -> None:
        self._prober = prober
        self._given = network, inputs, losses, mode, seed

    @cached_property
    def _loop(self) -> Loop:
        if isinstance(self._prober, Loop):
            return self._prober
        network, inputs, losses, mode, seed = self._given
        return Loop(network, inputs, losses, mode, seed)

    def of(self, name: str, offsets: Sequence[float]) -> Locate:
        """What finds the crossings of one parameter, of the network as it is now."""
        loop = self._loop
        return lambda index: loop.crossing(name, index, offsets)


def _schemes(
    network: Network,
    names: tuple[str, ...],
    method: str,
    rule: str | DifferenceRule,
    order: int | None,
    step: Steps | None,
    extrapolation: str | Extrapolation,
    estimate: bool,
) -> dict[str, Scheme]:
    """How to take the derivatives by each parameter."""
    chosen, combined = rules.find(rule, order), rules.find_extrapolation(extrapolation)
    if method == "complex":
        ruled = isinstance(step, str) or callable(step) or order is not None
        if ruled or (chosen, combined) != (rules.CENTRAL, rules.COMPARED):
            message = "the complex step has no rules, order or extrapolation"
            raise UsageError(Diagnostic("bad-option", message, help="leave them out"))
        steps = _steps(network, names, chosen, step, TINY)
        return {name: ComplexStep(steps[name], estimate) for name in names}
    steps = _steps(network, names, chosen, step, chosen.default_step())
    return {name: Differences(chosen, steps[name], combined, estimate) for name in names}


def _steps(
    network: Network,
    names: tuple[str, ...],
    rule: DifferenceRule,
    step: Steps | None,
    default: float,
) -> dict[str, float]:
    if isinstance(step, Mapping):
        selection.known(network, step)
        steps = {name: step.get(name, default) for name in names}
    elif isinstance(step, str) or callable(step):
        of = rules.find_step(step)
        steps = {name: of(network.parameters[name].astype(float), rule) for name in names}
    else:
        steps = dict.fromkeys(names, default if step is None else step)
    for value in steps.values():
        if not rules.is_step(value):
            raise UsageError(Diagnostic("bad-step", f"the step must be positive, not {value}"))
    return steps


def _check_analytic(
    network: Network, losses: tuple[str, ...], names: tuple[str, ...], mode: Mode
) -> None:
    plan = network.executor(losses, keep=True, mode=mode).plan
    reached: set[int | None] = {plan.parameters[name] for name in names if name in plan.parameters}
    faults = []
    for step in plan.steps:
        if not reached.isdisjoint(step.arguments):
            reached.add(step.output)
            if not step.op.analytic:
                message = (
                    f"the complex step cannot pass '{step.node}': "
                    f"{step.op.name} does not say that it is analytic"
                )
                help = "set 'analytic' in the op's class if it is, or take another method"
                faults.append(Diagnostic("not-analytic", message, help=help))
    if faults:
        raise UsageError(*faults)
