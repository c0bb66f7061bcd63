"""Locks between processes, which end with the process that holds them, however that ends."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


class OwnerLock:
    """A lock that one process has or has not, and whose file names its owner.

    Parameters
    ----------
    path : Path
        The file, there as long as the lock is held.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path, timeout=0)

    @property
    def owner(self) -> str:
        """Who holds the lock, for messages."""
        with suppress(OSError, UnicodeError):
            return self._path.read_text(encoding="utf-8")[:100].strip() or "another process"
        return "another process"

    def acquire(self) -> bool:
        """Take the lock; whether nobody else had it."""
        try:
            self._lock.acquire()
        except Timeout:
            return False
        with suppress(OSError):  # on a full disk the lock holds all the same
            self._path.write_text(f"process {os.getpid()} on {socket.gethostname()}", "utf-8")
        return True

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._lock.is_locked:
            with suppress(OSError):  # on Windows, an open file cannot be removed
                self._path.unlink()
            self._lock.release()


def is_held(path: Path) -> bool:
    """Whether a process that still runs holds the `OwnerLock` at `path`."""
    if not path.exists():
        return False
    lock = OwnerLock(path)
    if not lock.acquire():
        return True
    lock.release()
    return False


def waiting_lock(path: Path) -> FileLock:
    """A reentrant lock that waits until it is free."""
    return FileLock(path, poll_interval=0.002)
