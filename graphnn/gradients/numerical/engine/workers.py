"""Tasks carried out by threads, processes or machines, to which the network goes but once.

A task is data: a parameter's name, offsets, and which piece of the work. Who carries it out needs
the engine that made it, which stays where it once was: in this process from the start, in others
from the first time that they ask for it.
"""

from __future__ import annotations

import math
import os
import pickle
import platform
import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from concurrent.futures import Executor as Pool
from functools import cached_property
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import numpy as np

from graphnn.diagnostics import RunError
from graphnn.execution import one_blas_thread

_KILLED = "it may have been killed for want of memory; 'max_memory' bounds what a task takes"
_REMEMBERED = 2  # engines that a worker keeps, of those that were sent to it


class Engine(Protocol):
    """What evaluates tasks; must be picklable."""

    def carry_out(self, task: Any) -> Any:
        """The result of `task`."""


_own: dict[str, Engine] = {}
_sent: OrderedDict[str, Engine] = OrderedDict()
_lock = threading.Lock()


class Shared:
    """An engine whose tasks the workers of a pool carry out, inside ``with``.

    Parameters
    ----------
    engine : Engine
    pool : concurrent.futures.Executor or None
        None to carry tasks out here and now.
    width : int
        Tasks that `pool` is given at a time.
    alone : float
        Seconds of work that are done here before `pool` is given any: what is over soon would
        lose more by waking workers than they gain.
    """

    def __init__(self, engine: Engine, pool: Pool | None, width: int, alone: float = 0.0) -> None:
        self._engine, self._pool, self._width = engine, pool, width
        self._alone = math.inf if pool is None else alone
        self._token = uuid4().hex
        self._submitted = 0
        # By worker: how many tasks had been submitted when it was last sent the engine.
        self._sent_to: dict[str, int] = {}

    def __enter__(self) -> Shared:
        _own[self._token] = self._engine
        return self

    def __exit__(self, *_: object) -> None:
        del _own[self._token]

    @cached_property
    def _parcel(self) -> bytes:
        return pickle.dumps(self._engine)

    def results(self, tasks: Iterable[Any]) -> Generator[Any]:
        """What the engine makes of each of `tasks`, in their order.

        Parameters
        ----------
        tasks : iterable
            Picklable where the workers of the pool are other processes.

        Raises
        ------
        RunError
            A worker of the pool died.
        """
        waiting = iter(tasks)
        if self._alone:
            begun = perf_counter()
            for task in waiting:
                yield carry_out(self._engine, task)
                if perf_counter() - begun > self._alone:
                    break
        yield from self._by_pool(waiting)

    def _by_pool(self, waiting: Iterator[Any]) -> Generator[Any]:
        running = deque[_Running]()
        try:
            while True:
                for task in islice(waiting, self._width - len(running)):
                    running.append(self._submit(task))
                if not running:
                    return
                result = running[0].future.result()
                if not isinstance(result, _Unknown):
                    running.popleft()
                    yield result
                    continue
                for place, each in enumerate(running):
                    if each.future.done() and isinstance(each.future.result(), _Unknown):
                        running[place] = self._again(each, each.future.result().worker)
        except BrokenExecutor:
            raise worker_died("worker of the executor") from None
        finally:
            for each in running:
                each.future.cancel()

    def _submit(self, task: Any, parcel: bytes | None = None) -> _Running:
        assert self._pool is not None
        self._submitted += 1
        future = self._pool.submit(_work, self._token, parcel, task)
        return _Running(task, self._submitted, future)

    def _again(self, asked: _Running, worker: str) -> _Running:
        """A task given again, with the engine unless its worker was sent that in the meantime."""
        if asked.number < self._sent_to.get(worker, 0):
            return self._submit(asked.task)
        self._sent_to[worker] = self._submitted + 1
        return self._submit(asked.task, self._parcel)


class _Running(NamedTuple):
    """A task under way, and how many were submitted up to it."""

    task: Any
    number: int
    future: Future[Any]


class _Unknown(NamedTuple):
    """What a worker says to a task of an engine that it was not sent: who it is."""

    worker: str


def _work(token: str, parcel: bytes | None, task: Any) -> Any:
    """The result of `task`, or `_Unknown` where the engine is not known and not in the parcel."""
    engine = _find(token, parcel)
    if engine is None:
        return _Unknown(f"{platform.node()}/{os.getpid()}")
    return carry_out(engine, task)


def carry_out(engine: Engine, task: Any) -> Any:
    """The result of `task`, with one thread of BLAS and no warnings of floating-point numbers."""
    with one_blas_thread, np.errstate(all="ignore"):
        return engine.carry_out(task)


def worker_died(who: str) -> RunError:
    """The error that a worker died."""
    message = f"a {who} died before its task was done"
    return RunError.of("worker-died", message, help=_KILLED)


def _find(token: str, parcel: bytes | None) -> Engine | None:
    if token in _own:
        return _own[token]
    with _lock:
        if token not in _sent and parcel is not None:
            _sent[token] = pickle.loads(parcel)
        if token in _sent:
            _sent.move_to_end(token)
        while len(_sent) > _REMEMBERED:
            _sent.popitem(last=False)
        return _sent.get(token)
