"""``graphnn diff``: what differs between two specs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphnn import training
from graphnn.cli import terminal
from graphnn.cli.networks import is_model, load
from graphnn.cli.options import Format, Settings, settings
from graphnn.diagnostics import GraphnnError

_HELP = "Spec file, folder of a run, or ONNX model."
_STYLES = {"removed": "bad", "added": "good", "renamed": "note", "changed": "warning"}


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help=_HELP)],
    new: Annotated[Path, typer.Argument(metavar="NEW", help=_HELP)],
    format: Format = "text",
    set: Settings = None,
) -> int:
    """Compare two specs by meaning, whatever their layout.

    The exit code is 0 when nothing differs, 1 when something does, and 2 when a file has errors.
    """
    try:
        given = settings(set)
        before, after = (load(f, given) if is_model(f) else f for f in (old, new))
        found = training.diff(before, after, given)
    except GraphnnError as error:
        terminal.report(error.diagnostics)
        return 2
    if format == "json":
        terminal.as_json(found.as_dict())
    else:
        terminal.lines((_STYLES[kind] if kind else "strong", text) for kind, text in found.lines())
    return 1 if found else 0
