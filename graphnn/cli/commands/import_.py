"""``graphnn import``: a network of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphnn import interchange
from graphnn.cli import terminal
from graphnn.cli.options import GIVEN, assignment, output_option
from graphnn.spec.values import plain


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ONNX model.")],
    output: Annotated[Path, output_option("FOLDER", "Folder to write, made if it is not there.")],
    given: Annotated[
        list[str] | None,
        typer.Option(
            GIVEN,
            metavar="NAME=VALUE",
            help="Value that an input, or a free size, has from now on, such as 'sr=16000'. "
            "May be repeated.",
        ),
    ] = None,
) -> None:
    """Write an ONNX model as a spec, its weights, and examples recorded from onnxruntime.

    'graphnn test' then shows that the spec computes what the model did.
    """
    values = {name: plain(value) for name, value in (assignment(GIVEN, t) for t in given or ())}
    found = interchange.import_onnx(file, output, values)
    for path in found.files:
        terminal.line(f"wrote '{path}'")
    for note in found.notes:
        terminal.remark(note)
    if found.difference is None:
        terminal.remark("not compared: onnxruntime is not installed")
    else:
        terminal.remark("onnxruntime agrees")
