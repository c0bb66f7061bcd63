"""``graphnn show``: a network as tables."""

from __future__ import annotations

from typing import Annotated

import typer

from graphnn import graph
from graphnn.cli import terminal
from graphnn.cli.networks import load
from graphnn.cli.options import Format, Model, Settings, settings


def show(
    file: Model,
    expand: Annotated[
        bool, typer.Option("--expand", help="Show every copy of a block that is repeated.")
    ] = False,
    costs: Annotated[
        bool,
        typer.Option("--costs", help="Show multiply-adds and bytes of results, for one row."),
    ] = False,
    format: Format = "text",
    set: Settings = None,
) -> None:
    """Show nodes, shapes, parameters and sizes as tables.

    Nodes of a block are below its use; of a repeated block, one copy is shown.
    """
    net = load(file, settings(set))
    summary = graph.summarize(net.graph, str(file), expand=expand, costs=costs)
    if format == "json":
        terminal.as_json(summary.data)
        return
    terminal.line(("strong", summary.title))
    if summary.description:
        terminal.line(summary.description)
    for table in summary.tables:
        terminal.line()
        rows: list[list[terminal.Piece]] = [[("strong", r[0]), *r[1:]] for r in table.rows]
        terminal.table(table.header, rows, right=table.right)
    terminal.line()
    terminal.table(("", ""), [(("strong", title), text) for title, text in summary.facts])
