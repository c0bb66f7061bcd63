"""Processes that share the work of a network's gradients, and last as long as the network.

Where there is no process, or one cannot do a task, it is done here: only the death of one that was
at work is an error.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import weakref
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

from graphnn.execution.network import Network
from graphnn.gradients.numerical.engine.arena import Span
from graphnn.gradients.numerical.engine.pool import WORTH, Pool
from graphnn.gradients.numerical.engine.serving import Answer, Order
from graphnn.gradients.numerical.engine.workers import Engine, carry_out

# Queue and memory are Linux's. A frozen program would start itself instead of Python.
AVAILABLE = (
    sys.platform == "linux"
    and hasattr(os, "memfd_create")
    and hasattr(os, "pidfd_open")
    and not hasattr(sys, "frozen")
)
# Seconds of work that are not shared: others may be woken on a core that is busy.
ALONE = 0.01
_AHEAD = 4  # tasks under way for each worker


class ByProcesses:
    """An engine whose tasks are shared with processes, once they are worth it.

    Parameters
    ----------
    network : Network
        As long as which the processes last.
    engine : Engine
    workers : int
        This process among them.
    probes : int
        How many probes there are in all tasks.
    """

    def __init__(self, network: Network, engine: Engine, workers: int, probes: int) -> None:
        self._network, self._engine, self._workers = network, engine, workers
        self._probes = max(1, probes)
        self._shared = False

    def results(self, tasks: Iterable[Any]) -> Generator[Any]:
        """What the engine makes of each of `tasks`, in their order.

        A result stays until the next is asked for.

        Raises
        ------
        RunError
            A worker died.
        """
        waiting, begun = iter(tasks), perf_counter()
        try:
            if _pools.seconds_a_probe.get(self._network, 0.0) * self._probes > ALONE:
                yield from self._by_pool(waiting, 0.0)
            counted = begun
            for task in waiting:
                yield carry_out(self._engine, task)
                now = perf_counter()
                if now - begun > ALONE:
                    yield from self._by_pool(waiting, now - counted)
                    counted = now
        finally:
            spent = (perf_counter() - begun) * (self._workers if self._shared else 1)
            _pools.seconds_a_probe[self._network] = spent / self._probes

    def _by_pool(self, waiting: Iterator[Any], alone: float) -> Generator[Any]:
        """The results of tasks, if a pool can be had, after some seconds of work without one."""
        pool = _pools.borrow(self._network, self._workers - 1, alone)
        if pool is None:
            return
        self._shared = True
        try:
            yield from self._from(pool, waiting)
        finally:
            pool.lock.release()

    def _from(self, pool: Pool, waiting: Iterator[Any]) -> Generator[Any]:
        try:
            at = pool.share(self._engine)
        except Exception:  # whatever the pickling of somebody's op raises
            _pools.refuse(self._network)
            return
        sharing = _Sharing(pool, self._engine, at, _AHEAD * self._workers)
        try:
            yield from sharing.results(waiting)
        finally:
            if sharing.under_way:
                pool.close()
            else:
                pool.shrink()
            if not sharing.loaded:
                _pools.refuse(self._network)


class _Sharing:
    """One gradient's tasks in the queue of a pool, from which this process takes tasks too.

    Attributes
    ----------
    under_way : int
        Tasks that were posted and whose results were not yet given.
    loaded : bool
        Whether every worker could read the engine.
    """

    def __init__(self, pool: Pool, engine: Engine, at: Span, width: int) -> None:
        self._pool, self._engine, self._width = pool, engine, width
        self._order = partial(Order, gradient=next(_gradients), engine=at)
        self._tasks: dict[int, Any] = {}  # by number, as all here: those without a result
        self._found: dict[int, tuple[Any, Answer | None]] = {}
        self.under_way = 0
        self.loaded = True

    def results(self, waiting: Iterator[Any]) -> Generator[Any]:
        """As `ByProcesses.results`."""
        before = perf_counter()
        for number in itertools.count():
            now = perf_counter()
            self._pool.grow(now - before)
            before = now
            for task in itertools.islice(waiting, self._width - self.under_way):
                self._post(number + self.under_way, task)
            if not self.under_way:
                return
            while number not in self._found:
                self._step()
            result, answer = self._found.pop(number)
            self.under_way -= 1
            try:
                yield result
            finally:
                if answer is not None:
                    self._pool.release(answer)

    def _post(self, number: int, task: Any) -> None:
        self._tasks[number] = task
        self.under_way += 1
        if not self._pool.post(self._order(number=number, task=task)):
            self._carry_out(number)

    def _step(self) -> None:
        """Take what workers have found; else do a task; else wait."""
        if answers := self._pool.received():
            for answer in answers:
                self._keep(answer)
        elif order := self._pool.take():
            self._carry_out(order.number)
        else:
            self._pool.wait()

    def _keep(self, answer: Answer) -> None:
        self.loaded &= answer.loaded
        if answer.result is None:
            # The same error is raised here, or none, if it was that worker's alone.
            self._carry_out(answer.number)
        else:
            del self._tasks[answer.number]
            self._found[answer.number] = self._pool.result(answer), answer

    def _carry_out(self, number: int) -> None:
        self._found[number] = carry_out(self._engine, self._tasks.pop(number)), None


class _Pools:
    """The pools of this process, each kept by the networks that it has worked for."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Let go of all pools, in a fork of the process that they belong to."""
        for pool in [*getattr(self, "_by_count", {}).values()]:
            pool.forget()
        self._lock = threading.Lock()
        self._by_count = weakref.WeakValueDictionary[int, Pool]()
        self._kept = weakref.WeakKeyDictionary[Network, Pool]()
        self._refused = weakref.WeakSet[Network]()
        self.seconds_a_probe = weakref.WeakKeyDictionary[Network, float]()
        self._seconds = 0.0
        self._possible = AVAILABLE

    def refuse(self, network: Network) -> None:
        """Have this network's work done here only: its ops cannot be sent."""
        self._refused.add(network)

    def borrow(self, network: Network, count: int, seconds: float) -> Pool | None:
        """A pool of up to `count` processes, its lock held; None where there is none that is free.

        Parameters
        ----------
        network : Network
        count : int
        seconds : float
            Of work that was done alone since this was last asked for.
        """
        with self._lock:
            if network in self._refused:
                return None
            pool = self._living(count) or self._started(count, seconds)
            if pool is None or not pool.lock.acquire(blocking=False):
                return None
            self._kept[network] = pool
            return pool

    def _living(self, count: int) -> Pool | None:
        pool = self._by_count.get(count)
        if pool is None or pool.lock.locked() or not (dead := pool.dead()):
            return pool
        # One that dies before it works would do so each time.
        self._possible = not pool.close.alive or dead <= pool.begun()
        pool.close()
        del self._by_count[count]
        return None

    def _started(self, count: int, seconds: float) -> Pool | None:
        self._seconds += seconds
        if self._seconds < WORTH or not self._possible:
            return None
        self._seconds = 0.0
        try:
            pool = self._by_count[count] = Pool(count)
        except OSError:
            self._possible = False
            return None
        return pool


_gradients = itertools.count()
_pools = _Pools()
if AVAILABLE:
    os.register_at_fork(after_in_child=_pools.forget)
