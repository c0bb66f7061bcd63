"""The numerical gradient: the loss at parameters moved a little, entry by entry."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import Any

from graphnn.execution import one_blas_thread
from graphnn.execution.network import Network
from graphnn.gradients.numerical import schemes, selection
from graphnn.gradients.numerical.engine.base_pass import BasePass
from graphnn.gradients.numerical.engine.probes import Engine, Probes, Request
from graphnn.gradients.numerical.engine.processes import ALONE, AVAILABLE, ByProcesses
from graphnn.gradients.numerical.engine.workers import Shared
from graphnn.gradients.numerical.estimates import GradientEstimate, Prober, take
from graphnn.gradients.numerical.loop import Loop
from graphnn.gradients.numerical.objective import Objective
from graphnn.gradients.numerical.options import GradientOptions, takes

_AHEAD = 2  # tasks given to each worker at a time, so that it need not wait for us


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during `numerical_gradient`; it carries what was reached.

    Attributes
    ----------
    estimates : dict of str to GradientEstimate
        As `numerical_gradient` returns them; of the parameter that was under way, the entries
        that were done.
    total : int
        How many entries were to be taken.
    report : GradientReport or None
        Of `check_gradients`: its report on those.
    """

    report: Any = None

    def __init__(self, estimates: dict[str, GradientEstimate], total: int) -> None:
        self.estimates = estimates
        self.total = total
        self.done = sum(found.taken for found in estimates.values())
        super().__init__(f"{self.done:,} of {total:,} entries were computed")


@takes(GradientOptions)
def numerical_gradient(
    network: Network, inputs: Mapping[str, Any], options: GradientOptions
) -> dict[str, GradientEstimate]:
    """Gradient of the loss by moving every parameter entry, always in float64.

    Parameters
    ----------
    network : Network
    inputs, **named : array_like
        As for `Network.run`.
    **options
        The fields of `graphnn.gradients.GradientOptions`.

    Returns
    -------
    dict of str to GradientEstimate
        By parameter; without those of which `entries` names none.

    Raises
    ------
    RunError, UsageError
        As `Network.loss`; also when a name, an entry, the rule or the step is invalid, an op
        that the complex step would pass is not analytic, or a worker of the executor died.
    Interrupted
        Ctrl-C was pressed; what was reached by then is in it.

    References
    ----------
    W. H. Press et al., Numerical Recipes, section 5.7, for the balance of truncation and rounding;
    J. R. R. A. Martins, P. Sturdza and J. J. Alonso, The complex-step derivative approximation, ACM
    Transactions on Mathematical Software 29 (2003), for the complex step.
    """
    return estimate_gradient(network, inputs, options)


def estimate_gradient(
    network: Network, inputs: Mapping[str, Any], options: GradientOptions
) -> dict[str, GradientEstimate]:
    """The work of `numerical_gradient`, with the options as a record."""
    chosen = selection.choose(network, options.only, options.entries, options.seed)
    names = tuple(chosen)
    ways = schemes.choose(network, names, options)
    losses = network.losses(options.loss)
    objective = Objective(network, inputs, losses, options.mode, options.seed)
    if options.method == "complex":
        schemes.check_analytic(objective, names)
    parameters = objective.network.parameters
    sizes = [parameters[name].size if at is None else len(at) for name, at in chosen.items()]
    total, done = sum(sizes), 0
    result: dict[str, GradientEstimate] = {}
    requests = [Request(name, ways[name].offsets, places) for name, places in chosen.items()]
    with _prober(network, objective, options, requests) as prober:

        @cache
        def loop() -> Loop:
            return prober if isinstance(prober, Loop) else Loop(objective)

        for size, (name, places) in zip(sizes, chosen.items(), strict=True):

            def report(entries: int, before: int = done) -> None:
                if options.progress is not None:
                    options.progress(before + entries, total)

            try:
                found = take(ways[name], prober, name, parameters[name], places, report)
                if options.estimate and found.kink.any():
                    locate = partial(loop().crossing, name, ways[name].reaches)
                    found = replace(found, locate=locate)
            except KeyboardInterrupt:
                raise Interrupted(result, total) from None
            if found.taken:
                result[name] = found
            if prober.stopped:
                raise Interrupted(result, total)
            done += size
    return result


@contextmanager
def _prober(
    network: Network,
    objective: Objective,
    options: GradientOptions,
    requests: Sequence[Request],
) -> Iterator[Prober]:
    """What gives the losses, ready for use inside ``with``."""
    with one_blas_thread, ExitStack() as stack:
        if options.method == "loop":
            yield Loop(objective)
            return
        engine = Engine(BasePass(objective, options.method == "complex"), options.max_memory)
        sizes = engine.base.sizes
        probes = sum(
            len(offsets) * (sizes[name] if entries is None else len(entries))
            for name, offsets, entries in requests
        )
        shared = stack.enter_context(_shared(network, engine, probes, options))
        # Closed at once, so that an error or Ctrl-C ends what is under way.
        yield stack.enter_context(closing(Probes(engine, shared, requests)))


@contextmanager
def _shared(
    network: Network, engine: Engine, probes: int, options: GradientOptions
) -> Iterator[Shared | ByProcesses]:
    """What has the tasks of `engine` carried out, inside ``with``."""
    pool, workers = options.executor, options.workers or os.cpu_count() or 1
    if pool is None and workers > 1 and AVAILABLE:
        yield ByProcesses(network, engine, workers, probes)
    elif pool is None and workers > 1:
        with (
            ThreadPoolExecutor(workers) as threads,
            Shared(engine, threads, _AHEAD * workers, ALONE) as shared,
        ):
            yield shared
    else:
        with Shared(engine, pool, _AHEAD * workers) as shared:
            yield shared
