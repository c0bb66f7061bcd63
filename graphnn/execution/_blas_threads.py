"""BLAS held to one thread: small products lose on several, and ours would compete with them."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Any

from threadpoolctl import ThreadpoolController


class OneBlasThread:
    """Holds BLAS to one thread, in all threads of this process, while at least one is inside.

    The threads of BLAS would compete with ours, and slow down small products anyway.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    @cached_property
    def _controller(self) -> ThreadpoolController:
        return ThreadpoolController()  # looks at every library that is loaded, so only once

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


one_blas_thread = OneBlasThread()
