"""A pool of processes on this machine: a queue of tasks, and memory that all of them see.

The processes are interpreters started afresh, not forks: threads of this one do not matter to them,
and they do not import the program's ``__main__``.
"""

from __future__ import annotations

import os
import pickle
import select
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphnn.gradients.numerical.engine.arena import Arena, Span
from graphnn.gradients.numerical.engine.serving import HELLO, LARGEST, Answer, Order
from graphnn.gradients.numerical.engine.workers import worker_died

WORTH = 0.25  # seconds of work for which a process is started: what its start takes
_MODULES = ("graphnn.execution", "graphnn.gradients", "graphnn.ops")
_PROGRAM = """
import sys
sys.path[:] = {path}
from graphnn.gradients.numerical.engine.serving import serve
serve{arguments}
"""
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Pool:
    """Processes that take tasks from one queue, each the next one when it is free.

    Parameters
    ----------
    count : int
        How many processes there may be. One is started at once, the others as work lasts; they
        start in the background, and take part once they are up.

    Attributes
    ----------
    lock : threading.Lock
        Held by the gradient that they work for.
    close : callable
        Ends the processes; done with this object and with the interpreter at the latest.

    Raises
    ------
    OSError
        No process can be started.
    """

    def __init__(self, count: int) -> None:
        self.lock = threading.Lock()
        self._queue, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._arena, self._results = Arena(), list[Arena]()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._deaths: list[int] = []  # by worker, a descriptor to be read once it is dead
        self._begun: set[int] = set()
        self._descriptors = [self._arena.descriptor]
        held = [self._queue, self._far], self._descriptors, self._deaths, self._processes
        self.close = weakref.finalize(self, _end, *held)
        self._events = select.poll()
        self._events.register(self._queue, select.POLLIN)
        self._most, self._earned = count, 0.0
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def grow(self, seconds: float) -> None:
        """Start further processes, if there may be more, for the work of some seconds."""
        self._earned += seconds * (1 + len(self._begun))
        while len(self._processes) < self._most and self._earned >= WORTH:
            self._earned -= WORTH
            try:
                self._start()
            except OSError:
                self._most = len(self._processes)

    def _start(self) -> None:
        worker = len(self._results)
        self._results.append(Arena())
        self._descriptors.append(self._results[worker].descriptor)
        kept = self._far.fileno(), self._arena.descriptor, self._results[worker].descriptor
        modules = sorted(name for name in sys.modules if name.startswith(_MODULES))
        program = _PROGRAM.format(path=[*map(str, sys.path)], arguments=(worker, *kept, modules))
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            pass_fds=kept,
            env={**os.environ, **_ONE_THREAD},
            stdin=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for this process alone
        )
        self._processes.append(process)
        self._deaths.append(os.pidfd_open(process.pid))
        self._events.register(self._deaths[worker], select.POLLIN)
        self._core = -1  # on which this process runs; not yet known to all workers

    def dead(self) -> set[int]:
        """The workers whose processes are gone."""
        if not self.close.alive:
            return set(range(len(self._results)))
        return {place for place, each in enumerate(self._processes) if each.poll() is not None}

    def begun(self) -> set[int]:
        """The workers that were ever up; asked for while none has a task."""
        if self.close.alive:
            self.received()
        return self._begun

    def share(self, value: Any) -> Span:
        """Put into memory what workers of the next gradient need.

        Raises
        ------
        Exception
            It cannot be pickled.
        """
        span = self._arena.put(value)
        self._keep_apart()
        return span

    def _keep_apart(self) -> None:
        """Have the workers run on other cores than this process.

        The kernel may take a core of a virtual machine that is idle for one that the host has taken
        away, and then puts a worker that is woken behind this process, for some milliseconds.
        """
        core = int(Path("/proc/thread-self/stat").read_text().rpartition(")")[2].split()[36])
        if core != self._core:
            self._core = core
            others = os.sched_getaffinity(0) - {core}
            for process in self._processes if others else ():
                with suppress(OSError):  # it may be gone
                    os.sched_setaffinity(process.pid, others)

    def post(self, order: Order) -> bool:
        """Put a task into the queue; False where that is full, or the task too large for it."""
        message = pickle.dumps(order)
        if len(message) > LARGEST:
            return False
        try:
            self._queue.send(message, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def take(self) -> Order | None:
        """The next task of the queue, to be done here; None where it is empty."""
        message = _received(self._far)
        return None if message is None else pickle.loads(message)

    def received(self) -> list[Answer]:
        """What workers have answered since this was last asked for."""
        answers = []
        while (message := _received(self._queue)) is not None:
            answer: Answer = pickle.loads(message)
            self._begun.add(answer.worker)
            if answer.number != HELLO:
                answers.append(answer)
        return answers

    def result(self, answer: Answer) -> Any:
        """What a worker found, which stays until it is released."""
        assert answer.result is not None
        return self._results[answer.worker].get(answer.result)

    def release(self, answer: Answer) -> None:
        """Let the worker write over this result; those of one worker are released in order."""
        if answer.result is not None:
            self._results[answer.worker].number += 1

    def wait(self) -> None:
        """Until a worker has answered.

        Raises
        ------
        RunError
            A worker died.
        """
        ready = {descriptor for descriptor, _ in self._events.poll()}
        if self._queue.fileno() in ready:
            return
        for worker, death in enumerate(self._deaths):
            if death in ready:
                if worker in self._begun:
                    raise worker_died("worker process")
                self._events.unregister(death)

    def shrink(self) -> None:
        """Give memory back, when no worker has a task."""
        for arena in (self._arena, *self._results):
            arena.shrink()

    def forget(self) -> None:
        """Let go of the processes in a fork of the one that they work for."""
        if held := self.close.detach():
            sockets, descriptors, deaths, processes = held[2]
            for process in processes:
                process.returncode = 0  # so that nobody waits for it
            _end(sockets, descriptors, deaths, [])


def _received(end: socket.socket) -> bytes | None:
    try:
        return end.recv(LARGEST, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None


def _end(
    sockets: Iterable[socket.socket],
    descriptors: Iterable[int],
    deaths: Iterable[int],
    processes: Iterable[subprocess.Popen[bytes]],
) -> None:
    for process in processes:
        process.kill()  # it has nothing to put in order
    for process in processes:
        process.wait()
    for each in sockets:
        each.close()
    for descriptor in (*descriptors, *deaths):
        os.close(descriptor)
