"""Who works at something that several processes share, and whether they still do."""

from __future__ import annotations

import os
import socket
import uuid

_here: set[str] = set()  # names of the owners at work in this process


class WorkerLease:
    """One that works at things of a shared store.

    Attributes
    ----------
    name : str
        Host, process and a random word, to be written beside what is worked at.
    """

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        _here.add(self.name)

    def close(self) -> None:
        """Work no more."""
        _here.discard(self.name)


def is_gone(name: str) -> bool:
    """Whether it is sure that the owner called `name` works no more: not so on another host."""
    host, _, rest = name.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdigit():
        return False
    if int(rest) == os.getpid():
        return name not in _here
    return _is_dead(int(rest))


def _is_dead(process: int) -> bool:
    if os.name == "nt":
        return False  # there, signal 0 would end the process
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # somebody else's
    return False
