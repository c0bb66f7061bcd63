"""What a worker process does: it takes tasks from a queue that all share, and answers each."""

from __future__ import annotations

import os
import pickle
import socket
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from graphnn.execution import one_blas_thread
from graphnn.gradients.numerical.engine.arena import Arena, Span

LARGEST = 1 << 16  # bytes of a message; larger tasks are not sent
HELLO = -1  # in the place of a task's number


class Order(NamedTuple):
    """A task for whoever takes it.

    Attributes
    ----------
    number : int
    gradient : int
        Which of the gradients it belongs to: an engine serves for one.
    engine : Span
        Where in the arena of the process that computes the gradient its engine is.
    task : object
    """

    number: int
    gradient: int
    engine: Span
    task: Any


class Answer(NamedTuple):
    """What came of an order.

    Attributes
    ----------
    worker, number : int
    result : Span or None
        Where in the worker's arena it is; None where the task must be done elsewhere.
    loaded : bool
        Whether the engine could be read.
    """

    worker: int
    number: int
    result: Span | None = None
    loaded: bool = True


def serve(worker: int, queue: int, theirs: int, own: int, modules: Iterable[str]) -> None:
    """Answer orders until the process that sends them is gone.

    Parameters
    ----------
    worker : int
        The number of this one.
    queue, theirs, own : int
        Descriptors of the queue, of the sender's arena, and of that of this worker.
    modules : iterable of str
        To import before the first order.
    """
    for name in modules:
        with suppress(ImportError):
            import_module(name)
    with (
        socket.socket(fileno=queue) as orders,
        one_blas_thread,
        np.errstate(all="ignore"),
        suppress(ConnectionError),
    ):
        orders.send(pickle.dumps(Answer(worker, HELLO)))
        serving = _Worker(worker, Arena(theirs), Arena(own))
        while message := orders.recv(LARGEST):
            orders.send(pickle.dumps(serving.answer(pickle.loads(message))))
    # At once: nothing here is worth the time that an interpreter takes to end.
    os._exit(0)


class _Worker:
    """Carries out tasks; of the gradient that they belong to, it keeps the engine."""

    def __init__(self, worker: int, theirs: Arena, own: Arena) -> None:
        self._worker = worker
        self._theirs, self._own = theirs, own
        self._gradient = -1
        self._engine: Any = None
        self._given = 0
        self._waiting = deque[tuple[int, Span]]()  # results that were not yet taken

    def answer(self, order: Order) -> Answer:
        """The answer to `order`; an error is left to the process that sent it, to meet it too."""
        if order.gradient != self._gradient:
            self._gradient, self._engine = order.gradient, None
            with suppress(Exception):
                self._engine = self._theirs.get(order.engine)
        if self._engine is None:
            return Answer(self._worker, order.number, None, False)
        try:
            result = self._put(self._engine.carry_out(order.task))
        except Exception:
            result = None
        return Answer(self._worker, order.number, result)

    def _put(self, result: Any) -> Span:
        while self._waiting and self._waiting[0][0] <= self._own.number:
            self._waiting.popleft()
        span = self._own.put(result, [span for _, span in self._waiting])
        self._given += 1
        self._waiting.append((self._given, span))
        return span
