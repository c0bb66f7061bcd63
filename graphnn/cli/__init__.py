"""The command line: ``graphnn check FILE`` and its kin, one module a command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line `arguments`, by default the process's own, and exit."""
    try:
        # Here, since Ctrl-C may come while it is imported.
        from graphnn.cli import app

        app.main(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(1)
