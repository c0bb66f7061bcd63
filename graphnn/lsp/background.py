"""Work beside the loop that speaks to the editor, which ends where nobody waits for it any more."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """What `work` returns, done in a thread; where the task is cancelled, the thread ends too.

    The thread is stopped between two steps of Python, so `work` must leave nothing half done that
    others see, and import nothing that is not imported yet. The process does not wait for it.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            settle = partial(result.set_result, work())
        except Exception as error:
            settle = partial(result.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(lambda: result.done() or settle())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        return await result
    except asyncio.CancelledError:  # threads end by SystemExit without a word
        identity = ctypes.c_ulong(thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, ctypes.py_object(SystemExit))
        raise
