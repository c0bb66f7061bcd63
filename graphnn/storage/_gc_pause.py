"""Python's search for garbage, paused while something large is built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_LARGE = 100_000  # containers, among which a search takes some 20 ms


@contextmanager
def gc_paused() -> Iterator[None]:
    """Do not look for garbage in cycles meanwhile; for use with ``with`` or as a decorator.

    Python goes through all containers whenever their number has grown by a quarter. While a
    large structure is built there is nothing to find, and the search takes as long as the rest.
    What was built counts as old afterwards, so that the next search does not begin with it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if gc.get_count()[0] > _LARGE and not gc.get_freeze_count():
                gc.freeze()  # these two move all that is young to the old, looking at nothing
                gc.unfreeze()  # but not what somebody else froze
            gc.enable()
