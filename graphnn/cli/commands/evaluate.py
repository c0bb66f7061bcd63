"""``graphnn evaluate``: what a trained network is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphnn import training
from graphnn.cli import terminal
from graphnn.cli.options import (
    DATA,
    File,
    Format,
    RunWeights,
    Settings,
    assignment,
    output_option,
    settings,
)
from graphnn.diagnostics import counted
from graphnn.spec.values import Map

if TYPE_CHECKING:
    from graphnn.training import Evaluation


def evaluate(
    file: File,
    weights: RunWeights = None,
    data: Annotated[
        str | None,
        typer.Option(
            DATA,
            metavar="DATA",
            help="Rows in place of those that the spec holds back: a file or folder that is read "
            "like the one that 'train.data' names, or written like 'train.data', "
            "'{npz: rows.npz}', with files in the folder of the spec or below.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        output_option(
            "FOLDER",
            "Write pictures here: confusion.png of a classifier, and mistakes.png for images; "
            "reconstructions.png of what makes images of images.",
        ),
    ] = None,
    set: Settings = None,
    format: Format = "text",
) -> None:
    """Measure a trained network on rows that were held back.

    Those are the test rows of 'train', else its validation rows, else all rows.
    """
    net = training.trained(file, settings(set), weights)
    found = training.evaluate(net, data=None if data is None else _data(data))
    if format == "json":
        terminal.as_json(_plain(found))
    else:
        terminal.line(counted(found.rows, "row" if data else f"{found.kind} row"))
        terminal.measures(found.values)
    # What was measured must not wait for pictures that cannot be made.
    written = () if output is None else found.draw(output)
    if written:
        terminal.remark(f"wrote '{output}': {', '.join(written)}")
    elif output is not None:
        terminal.remark("no pictures: no metric 'accuracy' names the nodes that classify")


def _data(text: str) -> Map | Path:
    if not text.lstrip().startswith("{"):
        return Path(text)
    _, value = assignment(DATA, f"data={text}")
    assert isinstance(value, Map)
    return value


def _plain(found: Evaluation) -> dict[str, Any]:
    confusion = None if found.confusion is None else found.confusion.tolist()
    measured = {"rows": found.rows, "kind": found.kind, **found.values}
    return {**measured, "confusion": confusion, "classes": found.names}
