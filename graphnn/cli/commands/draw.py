"""``graphnn draw``: the diagram of a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from graphnn.cli import terminal
from graphnn.cli.options import File, Settings, output_option, settings
from graphnn.diagnostics import Diagnostic, UsageError
from graphnn.training import load

_UNITS = {"pt": 1.0, "mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0, "px": 0.75}
_TEXTS = ("dot", "mermaid", ".dot", ".gv", ".mmd")  # written without a layout
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(pt|mm|cm|in|px)")


def draw(
    file: File,
    output: Annotated[
        Path | None,
        output_option(
            "PICTURE",
            "File to write, or - for standard output; its suffix is the format: .svg, .pdf, .png, "
            ".html, .tex (TikZ), .dot, .mmd (Mermaid). By default the spec's name with .svg, in "
            "this folder.",
        ),
    ] = None,
    format: Annotated[
        Literal["svg", "pdf", "png", "html", "tikz", "dot", "mermaid"] | None,
        typer.Option(help="Format, in place of the suffix.", show_default=False),
    ] = None,
    direction: Annotated[
        Literal["down", "right"], typer.Option(help="Direction of the data.")
    ] = "down",
    width: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH", help="Width of the picture, such as 84mm.", show_default=False
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(min=0, help="How many nested blocks to open.", show_default=False),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="NODES", help="Nodes to draw: A,B or A..B.", show_default=False),
    ] = None,
    hide: Annotated[
        str | None,
        typer.Option(metavar="NODES", help="Nodes to leave out: A,B.", show_default=False),
    ] = None,
    about: Annotated[bool, typer.Option("--about", help="Show the remarks of nodes.")] = False,
    title: Annotated[bool, typer.Option(help="Show the network's name and size.")] = True,
    expand: Annotated[
        bool, typer.Option("--expand", help="Draw every copy of a repeated block.")
    ] = False,
    theme: Annotated[Literal["light", "dark", "print"], typer.Option(help="Colours.")] = "light",
    legend: Annotated[bool, typer.Option("--legend", help="Explain shapes and colours.")] = False,
    links: Annotated[
        str,
        typer.Option(metavar="URL", help="Link each node to its line here.", show_default=False),
    ] = "",
    alt: Annotated[bool, typer.Option("--alt", help="Print a description in words.")] = False,
    set: Settings = None,
) -> None:
    """Draw the network.

    Boxes are nodes, with their op, attributes, shape and parameters; arrows are the arrays that
    they read; frames are blocks, drawn once for all copies of a repeated block.
    """
    made = load(file, settings(set)).draw(
        direction=direction,
        width=None if width is None else _points(width),
        depth=depth,
        only=only if only is None or ".." in only else tuple(_names(only)),
        hide=tuple(_names(hide or "")),
        about=about,
        title=title,
        expand=expand,
        theme=theme,
        legend=legend,
        links=links,
    )
    if alt:
        terminal.line(made.description)
        return
    path = output or Path(f"{file.stem}.svg")
    made.save(path, format)
    if (format or path.suffix.lower()) not in _TEXTS:
        terminal.report(made.warnings())
    if str(path) != "-":
        terminal.line(f"wrote '{path}'")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _points(length: str) -> float:
    """A length in points."""
    found = _LENGTH.fullmatch(length.strip())
    if found is None or float(found[1]) == 0:
        message = f"'{length}' is not a length"
        help = "write a number and a unit: 84mm, 8.4cm, 3.3in, 240pt or 320px"
        raise UsageError(Diagnostic("usage", message, help=help))
    return float(found[1]) * _UNITS[found[2]]
