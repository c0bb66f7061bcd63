"""An engine for workers, in a module that they can import."""

from __future__ import annotations

import os
import time

import numpy as np
from threadpoolctl import threadpool_info

from graphnn.diagnostics import Diagnostic, RunError


class Stub:
    """An engine whose tasks are what to do."""

    arrived = 0  # how many have been sent to this process
    sent = False

    def __setstate__(self, state):
        Stub.arrived += 1
        self.sent = True

    def __getstate__(self):
        return {"the": "network"}

    def carry_out(self, task):
        if task == "fail":
            raise RunError(Diagnostic("bad-value", "the task failed"))
        if task == "die":
            os._exit(3)
        if task == "arrivals":
            time.sleep(0.002)  # long enough that both workers get some
            return os.getpid(), Stub.arrived
        if task == "child fails":
            if self.sent:
                raise MemoryError
            return os.getpid()
        if isinstance(task, int):
            return np.arange(task)
        if task == "square":
            return np.float64(1e200) ** 2  # no warning
        return [library["num_threads"] for library in threadpool_info()]


class Named:
    """Gives each task back, and says how often it was read by a worker."""

    read = 0

    def __init__(self, name, here=True):
        self.name, self.here = name, here

    def __reduce__(self):
        return _read, (self.name,)

    def carry_out(self, task):
        if task == "fails there" and not self.here:
            raise MemoryError
        if isinstance(task, int):
            return np.full(task, task)
        return self.name, task, self.here


def _read(name):
    Named.read += 1
    if name == "unreadable":
        raise ValueError(name)
    return Named(name, here=False)
