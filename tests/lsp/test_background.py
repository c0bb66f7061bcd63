"""Work in threads that ends where nobody waits for it."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from importlib import import_module

import pytest

from graphnn.lsp.background import _end, in_thread

SLOW = """
import time
import counter
counter.begun.set()
for _ in range(30):
    time.sleep(0.01)
counter.ended += 1
"""


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """A module that counts how often it is imported whole."""
    (tmp_path / "counter.py").write_text("import threading\nbegun, ended = threading.Event(), 0\n")
    (tmp_path / "slow.py").write_text(SLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield import_module("counter")
    for name in ("counter", "slow"):
        sys.modules.pop(name, None)


async def cancelled(work, begun):
    """Cancel work once it has begun."""
    task = asyncio.create_task(in_thread(work))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_work_that_nobody_waits_for_ends():
    begun, thread = threading.Event(), []

    def work():
        thread.append(threading.current_thread())
        begun.set()
        while True:
            time.sleep(0.001)

    asyncio.run(cancelled(work, begun))
    thread[0].join(60)
    assert not thread[0].is_alive()


def test_a_thread_that_has_ended_is_left_alone():
    # Its identity is that of the next one, as a rule.
    async def main():
        loop, first, going = asyncio.get_running_loop(), [], threading.Event()

        def endless():
            going.set()
            while going.is_set():
                time.sleep(0.001)
            return "whole"

        await in_thread(lambda: first.append(threading.current_thread()))
        first[0].join(60)
        task = asyncio.create_task(in_thread(endless))
        while not going.is_set():
            await asyncio.sleep(0.001)
        _end(loop, first[0])
        await asyncio.sleep(0.05)
        going.clear()
        return await asyncio.wait_for(task, 60)

    assert asyncio.run(main()) == "whole"


def test_an_import_is_not_cut_off(slow):
    # Cut off in the middle, importlib may keep the lock of the module, for which others then wait.
    steps = []

    def work():
        import_module("slow")
        while True:
            steps.append(threading.current_thread())
            time.sleep(0.001)

    async def main():
        await cancelled(work, slow.begun)
        await in_thread(lambda: import_module("slow"))
        await asyncio.sleep(0.1)

    asyncio.run(main())
    assert slow.ended == 1
    steps[-1].join(60)
    assert not steps[-1].is_alive()
