"""Waiting for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PATIENCE = 300.0  # seconds after which it counts as hung, on the busiest machine
_AGAIN = 0.005  # seconds between two looks


def until(act: Callable[[], Found], seen: Callable[[], object] = lambda: "nothing") -> Found:
    """What `act` gives as soon as it gives something; a failure shows what is `seen` instead."""
    end = time.monotonic() + PATIENCE
    while not (found := act()):
        assert time.monotonic() < end, f"it does not happen: {seen()}"
        time.sleep(_AGAIN)
    return found
