"""Many perturbations in one pass: what a moved parameter entry changes, and nothing else.

The loss at one parameter entry moved by an offset is a *probe*. Here probes are evaluated many at a
time, by facts that ops state of themselves; a fact that is missing costs speed only:

- only steps that depend on the parameter are run again;
- where rows are independent (`Op.rows_apart`), rows of many probes are rows of one large batch,
  and rows that do not move are left out;
- where an op says how one entry moves its output (`Op.response`), one channel of a row moves, and
  equal moves of the same row are evaluated once;
- ops that work entry by entry (`Op.channelwise`) keep it one channel, and the next op that mixes
  channels (`Op.spread`) turns it into rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphnn.gradients.numerical.engine.base_pass import BasePass
from graphnn.gradients.numerical.engine.by_channel import ByChannel
from graphnn.gradients.numerical.engine.by_rows import ByRows
from graphnn.gradients.numerical.engine.processes import ByProcesses
from graphnn.gradients.numerical.engine.route import Route
from graphnn.gradients.numerical.engine.strategy import LossChanges, Offsets, Strategy
from graphnn.gradients.numerical.engine.workers import Shared
from graphnn.gradients.numerical.objective import Probed, Progress
from graphnn.ops import Array

_HEAP = 31 << 20  # bytes; glibc heeds blocks up to 32 MiB
_FEW = 64  # to probe fewer than one entry in this many, rows are quicker than channels


class Task(NamedTuple):
    """Probes of some entries of one parameter: all that a worker is sent.

    Attributes
    ----------
    name : str
    offsets : tuple of float
    piece : object
        As `Strategy.pieces` gives it.
    few : bool
        Whether the piece is single entries, whatever else the engine would do.
    """

    name: str
    offsets: Offsets
    piece: Any
    few: bool


class Engine:
    """What evaluates tasks: a base pass, and the way to go for each parameter.

    Parameters
    ----------
    base : BasePass
    max_memory : int
        Bytes that tables of probes may take; batches of rows come on top.
    """

    def __init__(self, base: BasePass, max_memory: int) -> None:
        self.base = base
        self._max_memory = max_memory
        # Once a block of this size has been freed, glibc keeps memory instead of giving it back
        # and clearing it again for every array of some hundred kilobytes.
        np.empty(_HEAP, np.uint8)
        # Of several threads, each may make a route or strategy; they are alike.
        self._routes: dict[str, Route] = {}
        self._strategies: dict[tuple[str, bool], Strategy] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Engine, (self.base, self._max_memory)

    def route(self, name: str) -> Route:
        """What the parameter `name` reaches."""
        if name not in self._routes:
            self._routes[name] = Route(self.base, self.base.plan.parameters[name])
        return self._routes[name]

    def strategy(self, name: str, few: bool) -> Strategy:
        """How to probe all of the parameter `name`, or a few of its entries."""
        if (name, few) not in self._strategies:
            route = self.route(name)
            by_channel = None if few else ByChannel.fit(route, self._max_memory)
            self._strategies[name, few] = by_channel or ByRows(route)
        return self._strategies[name, few]

    def carry_out(self, task: Task) -> LossChanges:
        """The loss changes of a task's probes."""
        return self.strategy(task.name, task.few).evaluate(task.piece, task.offsets)


class Request(NamedTuple):
    """Which probes of a parameter are wanted.

    Attributes
    ----------
    name : str
    offsets : tuple of float or complex
    entries : ndarray of int or None
        Places in the parameter's flat array; None for all.
    """

    name: str
    offsets: Offsets
    entries: Array | None


class _Work(NamedTuple):
    """A request cut into tasks, and the strategy that puts together what they find."""

    strategy: Strategy
    tasks: list[Task]
    few: bool


class Probes:
    """Loss differences of one network on one batch.

    Parameters
    ----------
    engine : Engine
    shared : Shared or ByProcesses
        What has the engine's tasks carried out; of all parameters, so that it is sent once.
    requests : iterable of Request
        All that `differences` will be asked for, in this order: workers begin with the tasks of the
        next parameter before those of one are done. Close the probes to end what is under way.

    Attributes
    ----------
    origin : float
        The loss with nothing moved, less itself.
    stopped : bool
        Whether Ctrl-C was pressed.
    """

    origin = 0.0
    stopped = False

    def __init__(
        self, engine: Engine, shared: Shared | ByProcesses, requests: Iterable[Request]
    ) -> None:
        self._engine = engine
        self._works: dict[str, _Work] = {}
        self._parts = shared.results(self._tasks(requests))

    def close(self) -> None:
        """End what is under way."""
        self._parts.close()

    def _tasks(self, requests: Iterable[Request]) -> Iterator[Task]:
        """The tasks of all requests, each cut when the workers come to it."""
        for request in requests:
            if request.name in self._engine.base.plan.parameters:
                yield from self._work(request).tasks

    def _work(self, request: Request) -> _Work:
        name, offsets, entries = request
        if name not in self._works:
            few = entries is not None and len(entries) * _FEW < self._engine.base.sizes[name]
            strategy = self._engine.strategy(name, few)
            if few:
                assert entries is not None
                strategy = ByRows(self._engine.route(name), entries.tolist())
            tasks = [Task(name, offsets, piece, few) for piece in strategy.pieces(offsets)]
            self._works[name] = _Work(strategy, tasks, few)
        return self._works[name]

    def differences(
        self, name: str, offsets: Sequence[complex], progress: Progress, entries: Array | None
    ) -> Probed:
        """How the loss differs when each entry of the parameter `name` is moved.

        Ctrl-C leaves the entries that were done by then.

        Parameters
        ----------
        name : str
        offsets : sequence of float or complex
        progress : callable
            Called with the number of entries done, as they are.
        entries : ndarray of int or None
            Places in the parameter's flat array; None for all.
        """
        offsets, size = tuple(offsets), self._engine.base.sizes[name]
        count = size if entries is None else len(entries)
        if name not in self._engine.base.plan.parameters:
            return Probed(*LossChanges.none(offsets, (count,)), entries)
        work = self._work(Request(name, offsets, entries))
        strategy = work.strategy
        changes = LossChanges.none(offsets, strategy.room)

        def report(done: int) -> None:
            progress(count * done // len(work.tasks))

        left = self._add_up(work.tasks, strategy, changes, report)
        columns: Any = slice(None)
        if left:
            ready = _ready(strategy, left)
            chosen = np.arange(size) if entries is None else entries
            entries = chosen[ready if work.few else ready[chosen]]
            columns = ready if work.few else entries
        elif entries is not None and not work.few:
            # Of all, columns are places in the parameter; of a few, places among those wanted.
            columns = entries
        differences = strategy.finished(changes.differences)[:, columns]
        kinks = np.zeros(differences.shape, dtype=bool)
        if changes.kinks.any():
            kinks = strategy.finished(changes.kinks)[:, columns]
        loss_scale = strategy.finished(changes.loss_scale[None])[0, columns]
        return Probed(differences, kinks, loss_scale, entries)

    def _add_up(
        self, tasks: list[Task], strategy: Strategy, changes: LossChanges, report: Progress
    ) -> list[Task]:
        """Add what `tasks` find to `changes`, and return those that Ctrl-C has left undone."""
        done = 0
        try:
            for task in tasks:
                changes.add(strategy.place(task.piece), next(self._parts))
                done += 1
                report(done)
        except KeyboardInterrupt:
            self.stopped = True
        return tasks[done:]


def _ready(strategy: Strategy, left: Iterable[Task]) -> Array:
    """Of which entries of the parameter nothing is among the tasks `left`."""
    ready = np.ones((1, *strategy.room), dtype=bool)
    for task in left:
        ready[strategy.place(task.piece)] = False
    return np.asarray(strategy.finished(ready)[0])
