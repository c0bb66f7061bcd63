"""``graphnn schema``: the JSON Schema of specs, for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from graphnn import training
from graphnn.cli import terminal
from graphnn.cli.options import output_option
from graphnn.storage import files


def schema(
    output: Annotated[
        Path | None,
        output_option("FILE", "File to write, or - for standard output, which is the default."),
    ] = None,
) -> None:
    """Write the JSON Schema of spec files, for completion and checks in editors."""
    text = json.dumps(training.schema(), indent=1) + "\n"
    if output is None or str(output) == "-":
        typer.echo(text, nl=False)
        return
    files.write_text(output, text)
    terminal.line(f"wrote '{output}'")
