"""A diagram of a network: what is shown, how it looks, and the files that it becomes."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from graphnn.diagnostics import Diagnostic, Span, UsageError, listed
from graphnn.drawing._formats import fail, format_of
from graphnn.drawing.diagram import styles, text
from graphnn.drawing.diagram.description import describe
from graphnn.drawing.diagram.difference import united
from graphnn.drawing.diagram.folding import view
from graphnn.drawing.diagram.options import SMALLEST, DiagramOptions
from graphnn.drawing.diagram.scene import Scene, Text, scaled
from graphnn.drawing.diagram.view import View
from graphnn.drawing.diagram.writers import dot, html, mermaid, pdf, png, svg, tikz
from graphnn.graph import Graph, Group, outline
from graphnn.storage.files import as_path, write_whole

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
_LINKED: tuple[Format, ...] = ("svg", "html")  # in which nodes lead to their lines
_MOST = 2_000  # boxes of a picture of a page


@dataclass(frozen=True, repr=False)
class Diagram:
    """A diagram of a graph.

    Attributes
    ----------
    graph : Graph
    options : DiagramOptions
    """

    graph: Graph
    options: DiagramOptions = field(default_factory=DiagramOptions)

    @cached_property
    def view(self) -> View:
        """What is shown."""
        shown = view(self.graph, self.options)
        other = self.options.against
        return shown if other is None else united(shown, view(other.graph, self.options))

    @cached_property
    def scene(self) -> Scene:
        """The picture, not yet written.

        Raises
        ------
        DrawingError
            The layout fails.
        """
        made = styles.style(self.options.style).scene(self.view, self.options)
        if self.options.links is not None:
            made = _linked(made, self.view, self.options.links)
        width = self.options.points
        return made if width is None else scaled(made, width / made.width)

    @property
    def description(self) -> str:
        """The network in words."""
        return describe(self.view)

    def warnings(self, *, drawn: bool = True) -> tuple[Diagnostic, ...]:
        """What a reader would miss: nodes in parts, letters too small, or drawn by no font.

        Parameters
        ----------
        drawn : bool
            Whether it becomes a picture; .dot and .mmd files are drawn by other programs.
        """
        return (*self._many(), *(self._unread() if drawn else ()))

    def _many(self) -> Iterator[Diagnostic]:
        parts = [item for item in self.view.items.values() if item.part]
        if parts:
            nodes = sum(len(item.nodes) for item in parts)
            message = f"{nodes:,} nodes are drawn in {len(parts)} parts"
            help = "draw some with --only FIRST..LAST, or all with --expand, which takes long"
            yield Diagnostic("many-nodes", message, help=help, severity="warning")

    def _unread(self) -> Iterator[Diagnostic]:
        """Letters that are too small, or drawn by no font."""
        texts = [item for item in self.scene.items if isinstance(item, Text)]
        smallest = min((item.size for item in texts), default=SMALLEST)
        if smallest < SMALLEST:
            message = f"letters are {smallest:.1f} pt high at this width, under {SMALLEST:g}"
            ways = "fold blocks with --depth, or draw a part with --only"
            help = f"draw it wider or in fewer --columns, {ways}"
            yield Diagnostic("small-text", message, help=help, severity="warning")
        lost = text.missing("".join(item.text for item in texts))
        if lost:
            named = listed(_named(character) for character in lost)
            message = f"no font on this machine draws {named}"
            help = (
                f"install a font that has {'it' if len(lost) == 1 else 'them'}, such as Noto Sans"
            )
            yield Diagnostic("no-glyph", message, help=help, severity="warning")

    def page(self, *, depths: bool = True) -> str:
        """The picture on an HTML page, in which blocks fold where it has `depths`."""
        first = html.Layer(self.options.depth, self.view, self.scene)
        made, first = _layers(self) if depths else ([first], first)
        return html.write(made, first, self.options.theme)

    def places(self) -> dict[str, Span]:
        """Where the spec has the nodes and blocks that are shown."""
        found = {name: item.place.span for name, item in self.view.items.items()}
        found |= {
            name: frame.group.call.spec.place.span
            for name, frame in self.view.frames.items()
            if frame.group is not None
        }
        return {name: span for name, span in found.items() if span is not None}

    def content(self, format: Format) -> bytes:
        """The file in `format`.

        Raises
        ------
        DrawingError
            The layout fails.
        UsageError
            There are links, which the format does not have.
        """
        if self.options.links is not None and format not in _LINKED:
            message = f"a picture in the format '{format}' has no links"
            help = f"leave 'links' out, or write it as {' or '.join(_LINKED)}"
            raise UsageError.of("bad-option", message, help=help)
        made = _WRITERS[format](self)
        return made if isinstance(made, bytes) else made.encode(errors="replace")

    def save(self, path: str | Path, format: Format | None = None) -> Path:
        """Write it to `path`, whole or not at all; ``-`` is standard output.

        Raises
        ------
        DrawingError
            The format is unknown, or the layout fails.
        UsageError
            There are links, which the format does not have.
        FileError
            The file cannot be written.
        """
        path = as_path(path)
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

    def __repr__(self) -> str:
        return f"<Diagram of {self.description}>"

    def _repr_html_(self) -> str:
        # An image: JupyterLab takes SVG out of notebooks that it does not trust.
        data = base64.b64encode(self.content("svg")).decode()
        words = svg.escaped(self.description)
        return f'<img alt="{words}" src="data:image/svg+xml;base64,{data}">'

    def _repr_svg_(self) -> str:
        return svg.write(self.scene)


_WRITERS: dict[Format, Callable[[Diagram], str | bytes]] = {
    "svg": lambda diagram: svg.write(diagram.scene),
    "pdf": lambda diagram: pdf.write(diagram.scene),
    "png": lambda diagram: png.write(diagram.scene),
    "html": lambda diagram: diagram.page(),
    "tikz": lambda diagram: tikz.write(diagram.scene),
    "dot": lambda diagram: dot.write(diagram.view, diagram.options),
    "mermaid": lambda diagram: mermaid.write(diagram.view, diagram.options),
}


def _layers(diagram: Diagram) -> tuple[list[html.Layer], html.Layer]:
    """The pictures of a page, for each depth of blocks, and the one that it shows at first."""
    if diagram.options.style != "graph":
        only = html.Layer(None, diagram.view, diagram.scene)
        return [only], only
    options = replace(diagram.options, columns=diagram.options.columns or 1)
    given = Diagram(diagram.graph, options)
    first = html.Layer(options.depth, given.view, given.scene)
    found: list[html.Layer] = []
    for depth in range(_deepest(diagram.graph, expand=options.expand) + 1):
        made = Diagram(diagram.graph, replace(options, depth=depth))
        if len(made.view.items) > _MOST:
            break
        if (made.view.items, made.view.frames) == (first.view.items, first.view.frames):
            first = html.Layer(depth, first.view, first.scene)
            found.append(first)
        else:
            found.append(html.Layer(depth, made.view, made.scene))
    return (found, first) if any(each is first for each in found) else ([first, *found], first)


def _deepest(graph: Graph, *, expand: bool) -> int:
    """How many blocks are inside one another at most."""
    seen = outline(graph, expand=expand).walk()
    return max((depth + 1 for depth, item in seen if isinstance(item, Group)), default=0)


def _named(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return f"'{character}' ({code})" if character.isprintable() else code


def _linked(scene: Scene, shown: View, address: str) -> Scene:
    """`scene` whose boxes lead to the lines of their nodes at `address`."""
    places = {name: item.place.span for name, item in shown.items.items()}
    links = {name: f"{address}#L{span.line}" for name, span in places.items() if span is not None}
    return replace(scene, links=tuple(links.items()))
