"""Ctrl-C, and the signals that mean the same: held back, or taken for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# What a cluster sends before it kills, and a terminal when it is closed; Windows lacks the latter.
_ENDINGS = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]


@contextmanager
def endings_interrupt() -> Iterator[None]:
    """In its block, SIGTERM and SIGHUP are what Ctrl-C is, unless somebody handles them already.

    Outside the main thread it does nothing: Python lets that one alone handle signals.
    """
    ours = [number for number in _ENDINGS if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    for number in ours:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


class DeferredInterrupt:
    """In its block, Ctrl-C is only noted, but for where it is let through.

    So are SIGTERM and SIGHUP where they have a handler. Outside the main thread there is nothing
    to hold back: Python interrupts that one alone.

    Attributes
    ----------
    came : bool
        Whether Ctrl-C came.
    """

    def __init__(self) -> None:
        self.came = False
        self._open = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> DeferredInterrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, *_ENDINGS):
                handler = signal.getsignal(number)
                if callable(handler):
                    self._before[number] = handler
                    signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

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
            self._before[number](number, frame)
