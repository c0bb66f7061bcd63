"""``graphnn draw``: the diagram of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from graphnn.cli import terminal
from graphnn.cli.options import File, Settings, output_option, settings
from graphnn.training import load


def draw(
    file: File,
    output: Annotated[
        Path | None,
        output_option(
            "PICTURE",
            "File to write; its suffix is the format: .svg, .png, .pdf, .dot. By default the "
            "spec's name with .svg, in this folder.",
        ),
    ] = None,
    direction: Annotated[
        Literal["down", "right"], typer.Option(help="Direction of the data flow.")
    ] = "down",
    about: Annotated[bool, typer.Option("--about", help="Show the 'about' of nodes.")] = False,
    title: Annotated[bool, typer.Option(help="Show the network's name.")] = True,
    expand: Annotated[
        bool, typer.Option("--expand", help="Draw every copy of a block that is repeated.")
    ] = False,
    set: Settings = None,
) -> None:
    """Draw the network.

    Boxes are nodes, with op, name and shape; arrows are the arrays that they read; frames are
    blocks, one for all copies of a block that is repeated.
    """
    path = output or Path(f"{file.stem}.svg")
    net = load(file, settings(set))
    net.draw(path, direction=direction, about=about, title=title, expand=expand)
    terminal.line(f"wrote '{path}'")
