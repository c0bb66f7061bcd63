"""A diagram of a network: what is shown, how it looks, and the files that it becomes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, TypedDict, Unpack, get_args

from graphnn.diagnostics import Diagnostic, listed
from graphnn.drawing._formats import fail, format_of
from graphnn.drawing.diagram import text
from graphnn.drawing.diagram.description import describe
from graphnn.drawing.diagram.layout import Direction
from graphnn.drawing.diagram.palette import ThemeName
from graphnn.drawing.diagram.scene import Scene, Text, scaled
from graphnn.drawing.diagram.styles import graph as graph_style
from graphnn.drawing.diagram.view import View, view
from graphnn.drawing.diagram.writers import dot, html, mermaid, pdf, png, svg, tikz
from graphnn.graph import Graph
from graphnn.storage.files import write_whole

Format = Literal["svg", "pdf", "png", "html", "tikz", "dot", "mermaid"]
SUFFIXES: dict[str, Format] = {
    "svg": "svg",
    "pdf": "pdf",
    "png": "png",
    "html": "html",
    "tex": "tikz",
    "tikz": "tikz",
    "dot": "dot",
    "gv": "dot",
    "mmd": "mermaid",
}
_SMALLEST = 6.0  # points; smaller letters are not read on paper


class Options(TypedDict, total=False):
    """What a diagram shows and how; see `Diagram`."""

    direction: Direction
    about: bool
    title: bool
    expand: bool
    depth: int | None
    only: str | tuple[str, ...] | None
    hide: tuple[str, ...]
    theme: ThemeName
    legend: bool
    width: float | None
    links: str


@dataclass(frozen=True)
class Diagram:
    """A diagram of a graph.

    Attributes
    ----------
    graph : Graph
    direction : {"down", "right"}
        Where data flow.
    about : bool
        Whether boxes show the nodes' remarks.
    title : bool
        Whether the network's name and totals stand above.
    expand : bool
        Whether every copy of a repeated block is drawn, in place of one for all.
    depth : int or None
        How many blocks inside one another are opened; None leaves it to the size of the graph.
    only : tuple of str or None
        Nodes to draw; or a text ``FIRST..LAST`` for those on the ways from one to the other.
    hide : tuple of str
        Nodes to leave out.
    theme : {"light", "dark", "print"}
    legend : bool
        Whether the families of ops are explained.
    width : float or None
        Of the picture, in points; None for its natural size.
    links : str
        Address of the spec's text; each node leads to its line there.
    """

    graph: Graph
    direction: Direction = "down"
    about: bool = False
    title: bool = True
    expand: bool = False
    depth: int | None = None
    only: str | tuple[str, ...] | None = None
    hide: tuple[str, ...] = ()
    theme: ThemeName = "light"
    legend: bool = False
    width: float | None = None
    links: str = ""

    @cached_property
    def view(self) -> View:
        """What is shown."""
        return view(
            self.graph, depth=self.depth, expand=self.expand, only=self.only, hide=self.hide
        )

    @cached_property
    def scene(self) -> Scene:
        """The picture, not yet written.

        Raises
        ------
        DrawingError
            The layout fails.
        """
        made = graph_style.scene(
            self.view,
            direction=self.direction,
            about=self.about,
            title=self.title,
            theme=self.theme,
            legend=self.legend,
        )
        made = made if not self.links else _linked(made, self.view, self.links)
        return made if self.width is None else scaled(made, self.width / made.width)

    @property
    def description(self) -> str:
        """The network in words."""
        return describe(self.view)

    def warnings(self) -> tuple[Diagnostic, ...]:
        """What a reader of the picture would miss: letters too small, or drawn by no font."""
        found = []
        texts = [item for item in self.scene.items if isinstance(item, Text)]
        smallest = min((item.size for item in texts), default=_SMALLEST)
        if smallest < _SMALLEST:
            found.append(
                Diagnostic(
                    "small-text",
                    f"letters are {smallest:.1f} pt high at this width, under {_SMALLEST:g}",
                    help="draw it wider, fold blocks with --depth, or draw a part with --only",
                    severity="warning",
                )
            )
        lost = text.missing("".join(item.text for item in texts))
        if lost:
            named = listed(_named(character) for character in lost)
            message = f"no font on this machine draws {named}"
            help = (
                f"install a font that has {'it' if len(lost) == 1 else 'them'}, such as Noto Sans"
            )
            found.append(Diagnostic("no-glyph", message, help=help, severity="warning"))
        return tuple(found)

    def content(self, format: Format) -> bytes:
        """The file in `format`."""
        made = _WRITERS[format](self)
        return made if isinstance(made, bytes) else made.encode(errors="replace")

    def save(self, path: str | Path, format: Format | None = None) -> Path:
        """Write it to `path`, whole or not at all; ``-`` is standard output.

        Raises
        ------
        DrawingError
            The format is unknown, or the layout fails.
        FileError
            The file cannot be written.
        """
        path = Path(path)
        if format is not None and format not in get_args(Format):
            known = ", ".join(get_args(Format))
            raise fail("unknown-format", f"diagrams have no format '{format}'", f"use {known}")
        if str(path) == "-":
            content = self.content(format or "svg")
            if format in ("pdf", "png"):
                sys.stdout.buffer.write(content)
            else:
                sys.stdout.write(content.decode())
            return path
        content = self.content(format or SUFFIXES[format_of(path, tuple(SUFFIXES))])
        write_whole(path, lambda stream: stream.write(content))
        return path

    def _repr_svg_(self) -> str:
        return svg.write(self.scene)


_WRITERS: dict[Format, Callable[[Diagram], str | bytes]] = {
    "svg": lambda diagram: svg.write(diagram.scene),
    "pdf": lambda diagram: pdf.write(diagram.scene),
    "png": lambda diagram: png.write(diagram.scene),
    "html": lambda diagram: html.write(diagram.scene),
    "tikz": lambda diagram: tikz.write(diagram.scene),
    "dot": lambda diagram: dot.write(
        diagram.view, direction=diagram.direction, title=diagram.title, about=diagram.about
    ),
    "mermaid": lambda diagram: mermaid.write(diagram.view, direction=diagram.direction),
}


def diagram(graph: Graph, **options: Unpack[Options]) -> Diagram:
    """The diagram of `graph`; see `Diagram` for the options."""
    return Diagram(graph, **options)


def _named(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return f"'{character}' ({code})" if character.isprintable() else code


def _linked(scene: Scene, shown: View, address: str) -> Scene:
    """`scene` whose boxes lead to the lines of their nodes at `address`."""
    places = {name: item.nodes[0].spec.place.span for name, item in shown.items.items()}
    links = {name: f"{address}#L{span.line}" for name, span in places.items() if span is not None}
    return replace(scene, links=tuple(links.items()))
