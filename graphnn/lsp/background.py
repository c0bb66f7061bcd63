"""Work beside the loop that speaks to the editor, which ends where nobody waits for it any more."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")
_AGAIN = 0.01  # seconds until a thread that imports is asked again


async def in_thread(work: Callable[[], Result]) -> Result:
    """What `work` returns, done in a thread; where the task is cancelled, the thread ends too.

    The thread is stopped between two steps of Python, so `work` must leave nothing half done that
    others see; what it imports is imported whole. The process does not wait for it.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            settle = partial(result.set_result, work())
        except SystemExit:  # by `_end`
            return
        except Exception as error:
            settle = partial(result.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(lambda: result.done() or settle())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        return await result
    except asyncio.CancelledError:
        _end(loop, thread)
        raise


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Stop a thread: later where it imports, as the locks of imports would stay."""
    if not thread.is_alive():  # and its identity may be that of another by now
        return
    identity = thread.ident or 0
    if _imports(sys._current_frames().get(identity)):
        loop.call_later(_AGAIN, _end, loop, thread)
        return
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(identity), ctypes.py_object(SystemExit)
    )


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
