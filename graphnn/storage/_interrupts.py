"""Ctrl-C, held back while something goes on that must not be left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class DeferredInterrupt:
    """In its block, Ctrl-C is only noted, but for where it is let through.

    Outside the main thread there is nothing to hold back: Python interrupts that one alone.

    Attributes
    ----------
    came : bool
        Whether Ctrl-C came.
    """

    def __init__(self) -> None:
        self.came = False
        self._open = False
        self._before: Any = None

    def __enter__(self) -> DeferredInterrupt:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler) and threading.current_thread() is threading.main_thread():
            self._before = handler
            signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Let Ctrl-C do in this block what it does elsewhere, also one that came before.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C came before.
        """
        self._open = True
        try:
            if self.came:
                raise KeyboardInterrupt
            yield
        finally:
            self._open = False

    def _take(self, number: int, frame: FrameType | None) -> None:
        # First of all: an exception may be swallowed, as in a destructor.
        self.came = True
        if self._open:
            # What is done about it must not be interrupted by a second one.
            self._open = False
            self._before(number, frame)
