"""``graphnn new``: a spec file to start from."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import typer

from graphnn.cli import terminal
from graphnn.diagnostics import FileError, printable
from graphnn.storage import files

_NAME = "NAME"  # stands for the name in a template


def new(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="Name of the file; .yaml is added.")],
    template: Annotated[
        Literal["mnist", "gate", "descent", "blocks"],
        typer.Option(
            help="What to start from: a classifier of digits, a perceptron, gradient descent on a "
            "function, or a deep network of blocks."
        ),
    ] = "mnist",
) -> None:
    """Write a spec file to start from.

    It is commented, and can be checked, tested and drawn as it is; all but the perceptron train.
    """
    path = name if name.suffix in (".yaml", ".yml") else name.with_name(f"{name.name}.yaml")
    if path.exists():
        message = f"'{path}' is there already"
        raise FileError.of("file-exists", message, help="give another name, or remove the file")
    text = resources.files("graphnn.cli").joinpath(f"templates/{template}.yaml").read_text("utf-8")
    files.write_text(path, text.replace(_NAME, json.dumps(printable(path.stem)), 1))
    terminal.line(f"wrote '{path}'")
    terminal.line(f"next: graphnn show {path}")
