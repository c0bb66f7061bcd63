"""``graphnn new``: a spec file to start from."""

from __future__ import annotations

import json
import shlex
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import typer

from graphnn.cli import terminal
from graphnn.diagnostics import FileError, UsageError, printable
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
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Start from data instead: a .csv or .parquet file, or a folder with a folder "
            "of images for each class.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of --data to predict, not the last one."),
    ] = None,
) -> None:
    """Write a spec file to start from.

    It is commented, and can be checked, tested and drawn as it is; all but the perceptron train.
    """
    path = name if name.suffix in (".yaml", ".yml") else name.with_name(f"{name.name}.yaml")
    if path.exists():
        message = f"'{path}' is there already"
        raise FileError.of("file-exists", message, help="give another name, or remove the file")
    if data is None and target is not None:
        raise UsageError.of("bad-option", "--target names a column of --data")
    text = _template(path.stem, template) if data is None else _draft(path, data, target)
    files.write_text(path, text)
    terminal.line(f"wrote '{path}'")
    terminal.line(f"next: graphnn {'show' if data is None else 'train'} {shlex.quote(str(path))}")


def _template(name: str, template: str) -> str:
    text = resources.files("graphnn.cli").joinpath(f"templates/{template}.yaml").read_text("utf-8")
    return text.replace(_NAME, json.dumps(printable(name)), 1)


def _draft(path: Path, data: Path, target: str | None) -> str:
    from graphnn.training import draft

    return draft(data, target=target, name=path.stem, folder=path.parent)
