"""The command line: ``graphnn check FILE`` and its kin, one module a command in ``commands/``.

Imports every other room and is imported by none; typer and rich are imported here alone. Start
reading at ``app.py``.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from graphnn.cli import streams
from graphnn.cli.early_interrupt import plain_interrupt
from graphnn.storage import gc_paused

__all__ = ["main"]

# Of the environment of libraries that are imported later; what the user has set stays.
_ENVIRONMENT = {
    # The idle threads of OpenBLAS sleep after 2**20 cycles; by default they wait busily for 0.1 s.
    "OPENBLAS_THREAD_TIMEOUT": "20",
    # To look for plugins, pydantic reads the metadata of all packages that are installed.
    "PYDANTIC_DISABLE_PLUGINS": "1",
}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line `arguments`, by default the process's own, and exit."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    atexit.register(gc.freeze)  # at the end of the process nobody needs the search for garbage
    try:
        with plain_interrupt(), gc_paused():
            from graphnn.cli import app

        app.main(arguments)
    except KeyboardInterrupt:
        streams.prepare()  # standard error may be closed, or full
        with suppress(OSError):
            sys.stderr.write("interrupted\n")
        streams.discard()
        sys.exit(1)
