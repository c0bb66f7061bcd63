"""``graphnn schema``: the JSON Schema of specs, for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from graphnn import files
from graphnn import schema as made
from graphnn.cli import terminal


def schema(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to; by default it is printed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the JSON Schema of spec files, with which editors complete, explain and check them."""
    text = json.dumps(made(), indent=1) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    files.write_text(output, text)
    terminal.line(f"wrote '{output}'")
