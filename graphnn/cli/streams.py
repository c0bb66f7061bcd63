"""Standard output and standard error where they are closed or full, or nobody reads them."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TextIO

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def prepare() -> bool:
    """Make both streams fit to write to; whether standard output was open."""
    is_open = sys.stdout is not None
    # Files that are opened later must not take the numbers of closed streams.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a character must not end the program.
            stream.reconfigure(errors="backslashreplace")
    return is_open


def fault(error: OSError) -> str:
    """What `error` says, with the file or the stream that it is about."""
    reason = error.strerror or str(error)
    if error.filename is not None:
        return f"{reason}: '{error.filename}'"
    # Files name themselves; were it standard error, nobody could read this.
    return f"cannot write to standard output: {reason}" if error.errno in _UNWRITABLE else reason


def discard() -> None:
    """Drop what cannot be written, which Python would try once more at its exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123
