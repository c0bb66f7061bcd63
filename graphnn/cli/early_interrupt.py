"""Ctrl-C while the command's modules are imported: a plain line in place of a traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePath
from types import FrameType


@contextmanager
def plain_interrupt() -> Iterator[None]:
    """In its block, Ctrl-C ends the process with one line, where this is graphnn's own process."""
    if not (
        _is_command()
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_command() -> bool:
    """Whether the process was started as ``graphnn`` or ``python -m graphnn``."""
    started = sys.orig_argv[1:]
    by_module = sys.argv[:1] == ["-m"] and "graphnn" in started
    return by_module or PurePath(sys.argv[0] if sys.argv else "").stem in ("graphnn", "__main__")


def _end(_number: int, _frame: FrameType | None) -> None:
    # An exception in the middle of an import may be caught by whoever imports.
    with suppress(OSError):  # standard error may be closed
        os.write(2, b"interrupted\n")
    os._exit(1)
