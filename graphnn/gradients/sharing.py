"""Tasks carried out by threads, processes or machines, to which the network goes but once.

A task is data: a parameter's name, offsets, and which piece of the work. Who carries it out needs
the engine that made it, which stays where it once was: in this process from the start, in others
from the first time that they ask for it.
"""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable
from concurrent.futures import BrokenExecutor, Future
from concurrent.futures import Executor as Pool
from functools import cached_property
from itertools import islice
from typing import Any, Protocol
from uuid import uuid4

import numpy as np
from threadpoolctl import ThreadpoolController

from graphnn.errors import Diagnostic, RunError

_REMEMBERED = 2  # engines that a worker keeps, of those that were sent to it


class Engine(Protocol):
    """What evaluates tasks; must be picklable."""

    def carry_out(self, task: Any) -> Any:
        """The result of `task`."""


class OneBlasThread:
    """Holds BLAS to one thread, in all threads of this process, while at least one is inside.

    BLAS with threads of its own would fight with ours, and loses on small products anyway.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    @cached_property
    def _controller(self) -> ThreadpoolController:
        return ThreadpoolController()  # looks at every library that is loaded, so only once

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


one_blas_thread = OneBlasThread()
_own: dict[str, Engine] = {}
_sent: OrderedDict[str, Engine] = OrderedDict()
_lock = threading.Lock()


def share(engine: Engine, tasks: Iterable[Any], pool: Pool | None, width: int) -> Generator[Any]:
    """What `engine` makes of each of `tasks`, in their order.

    Parameters
    ----------
    engine : Engine
    tasks : iterable
        Picklable where the workers of `pool` are other processes.
    pool : concurrent.futures.Executor or None
        None to carry them out here and now.
    width : int
        Tasks that `pool` is given at a time.

    Raises
    ------
    RunError
        A worker of `pool` died.
    """
    if pool is None:
        with one_blas_thread, np.errstate(all="ignore"):
            yield from map(engine.carry_out, tasks)
        return
    token = uuid4().hex
    _own[token] = engine
    waiting, running = iter(tasks), deque[tuple[Any, Future[Any]]]()
    parcel = None
    try:
        while True:
            for task in islice(waiting, width - len(running)):
                running.append((task, pool.submit(_work, token, None, task)))
            if not running:
                return
            result = running[0][1].result()
            if result is not None:
                running.popleft()
                yield result
                continue
            parcel = parcel or pickle.dumps(engine)
            for place, (task, future) in enumerate(running):
                if future.done() and future.result() is None:
                    running[place] = task, pool.submit(_work, token, parcel, task)
    except BrokenExecutor:
        help = "it may have been killed for want of memory; 'max_memory' bounds what a task takes"
        message = "a worker of the executor died before its task was done"
        raise RunError(Diagnostic("worker-died", message, help=help)) from None
    finally:
        for _, future in running:
            future.cancel()
        del _own[token]


def _work(token: str, parcel: bytes | None, task: Any) -> Any:
    """The result of `task`, or None where the engine is not known and not in the parcel."""
    engine = _find(token, parcel)
    if engine is None:
        return None
    with one_blas_thread, np.errstate(all="ignore"):
        return engine.carry_out(task)


def _find(token: str, parcel: bytes | None) -> Engine | None:
    own = _own.get(token)
    if own is not None:
        return own
    with _lock:
        if token not in _sent and parcel is not None:
            _sent[token] = pickle.loads(parcel)
        if token in _sent:
            _sent.move_to_end(token)
        while len(_sent) > _REMEMBERED:
            _sent.popitem(last=False)
        return _sent.get(token)
