"""How cost grows with size: what a test may ask without knowing how fast the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
FACTOR = 4
MOST = 10  # times the cost at four times the size: 4 where it is linear, 16 where quadratic
TRIES = 5  # as other processes slow this one's seconds down


def assert_linear(run: Callable[[int], T], size: int) -> T:
    """What `run` gives at `size`, in about four times the processor time of a quarter of it."""
    small = large = float("inf")
    for _ in range(TRIES):
        small = min(small, _timed(run, size // FACTOR)[0])
        seconds, found = _timed(run, size)
        large = min(large, seconds)
        if large <= MOST * small:
            return found
    raise AssertionError(f"{large / small:.1f} times the time for {FACTOR} times the size")


def _timed(run: Callable[[int], T], size: int) -> tuple[float, T]:
    start = time.process_time()
    found = run(size)
    return time.process_time() - start, found
