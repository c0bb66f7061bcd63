"""How cost grows with size: what a test may ask without knowing how fast the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

FACTOR = 4
MOST = 10  # times the cost at four times the size: 4 where it is linear, 16 where quadratic
TRIES = 5  # as other processes slow this one's seconds down


def assert_linear(run: Callable[[int], object], size: int) -> None:
    """The processor time of `run` at `size` is about four times that at a quarter of it."""
    small = large = float("inf")
    for _ in range(TRIES):
        small = min(small, _seconds(run, size // FACTOR))
        large = min(large, _seconds(run, size))
        if large <= MOST * small:
            return
    raise AssertionError(f"{large / small:.1f} times the time for {FACTOR} times the size")


def _seconds(run: Callable[[int], object], size: int) -> float:
    start = time.process_time()
    run(size)
    return time.process_time() - start
