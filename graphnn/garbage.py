"""Python's search for garbage, paused while something large is built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Do not look for garbage in cycles meanwhile; for use with ``with`` or as a decorator.

    Python goes through all containers whenever their number has grown by a quarter. While a
    large structure is built there is nothing to find, and the search takes as long as the rest.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
