"""A computation graph: circles of operations, values above the lines and gradients below them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot

from graphnn.drawing.diagram import numbers
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.columns import scale, wrapped
from graphnn.drawing.diagram.labels import Free, is_clear
from graphnn.drawing.diagram.layout import Arrangement, Layout, lay_out
from graphnn.drawing.diagram.options import SMALLEST, DiagramOptions
from graphnn.drawing.diagram.page import page, room
from graphnn.drawing.diagram.palette import THEMES
from graphnn.drawing.diagram.scene import (
    Anchor,
    Box,
    Ink,
    Item,
    Point,
    Rectangle,
    Scene,
    Text,
    arrow_along,
    line,
)
from graphnn.drawing.diagram.view import Item as Seen
from graphnn.drawing.diagram.view import View
from graphnn.graph import Node
from graphnn.ops import Array
from graphnn.spec.sizes import show

_NAME, _SYMBOL, _SMALL = 8.5, 11.0, 7.0  # points
_RADIUS = 13.0  # of a circle with one sign
_LEADING = 1.3
_BACK = 5.0  # from a line to the arrow of its gradient
_END = "the end of "  # begins the name of the place where a result goes
_PARTED = (1, 2, 3)  # how many sources' lines a cut between columns may part
_LEGIBLE = 0.7  # how small a picture may be on the page before it has columns


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line.

    Attributes
    ----------
    source, target : str
        Places: nodes, folded blocks, parameters, or the end of a result.
    above, below : list of str
        The value and its gradient, in lines.
    """

    source: str
    target: str
    above: list[str]
    below: list[str]


def scene(view: View, options: DiagramOptions) -> Scene:
    """Circles and lines with numbers.

    Raises
    ------
    DrawingError
        The layout fails.
    """
    return _Painter(view, options).scene()


class _Painter:
    def __init__(self, view: View, options: DiagramOptions) -> None:
        self._view, self._options = view, options
        self._theme = THEMES[options.theme]
        self._across = options.direction == "right"
        self._places = view.items
        self._place_of = {
            node.name: name if item.folded else node.name
            for name, item in self._places.items()
            for node in item.nodes
        }
        self._edges = list(self._lines())

    def scene(self) -> Scene:
        sizes = {
            name: self._size(name) for edge in self._edges for name in (edge.source, edge.target)
        }
        pairs = []
        for number, edge in enumerate(self._edges):
            label = f"edge {number}"
            sizes[label] = self._label_size(edge)
            pairs += [(edge.source, label), (label, edge.target)]
        layout = self._laid_out(sizes, pairs)
        items: list[Item] = []
        free = Free(layout.boxes.values(), ())
        for number, edge in enumerate(self._edges):
            items += self._line(layout, free, number, edge)
        for name in sizes:
            if name in self._places or name in self._view.graph.parameters:
                items += self._place(name, self._circle(layout, name))
        return page(self._view, self._options, items, self._below())

    def _laid_out(
        self, sizes: dict[str, tuple[float, float]], pairs: list[tuple[str, str]]
    ) -> Layout:
        """All in columns where it is long, which part few lines, or more for larger letters."""
        options, page = self._options, room(self._view, self._options)
        inside = dict.fromkeys(sizes, "")
        plain = lay_out(Arrangement(sizes, pairs, {}, inside, {}), options.direction)
        legible = _LEGIBLE if options.points is None else SMALLEST / _SMALL
        sources = [source for source, _ in pairs]

        def in_columns(parted: int | None) -> Layout:
            way, most = options.direction, options.columns
            return wrapped(plain, sources, way, page, most, legible=legible, parted=parted)

        if options.columns is not None:
            return in_columns(None)
        found = [plain]
        for parted in _PARTED:
            if scale(found[-1], page) < legible:
                found.append(in_columns(parted))
        return max(found, key=lambda each: scale(each, page))

    def _lines(self) -> Iterator[_Edge]:
        """Lines to circles and folded blocks, and those of results that nothing reads."""
        read: set[str] = set()
        for name, item in self._places.items():
            if item.folded:
                yield from self._into_block(name, item, read)
                continue
            node = self._view.graph.nodes[name]
            # A parameter that is a node stands for itself.
            kept = node.parameters.values() if self._is_circle(name) else ()
            for position, source in enumerate([*node.inputs, *kept]):
                if source in self._place_of or source in self._view.graph.parameters:
                    read.add(source)
                    yield self._edge(source, name, self._share(name, position))
        for name, place in self._place_of.items():
            if name not in read:
                trace = self._options.trace
                gradient = None if trace is None else trace.gradients.get(name)
                yield self._edge(name, _END + place, gradient)

    def _into_block(self, name: str, item: Seen, read: set[str]) -> Iterator[_Edge]:
        """What a folded block reads, once each, with the gradient by all ways into the block."""
        shares: dict[str, Array | None] = {}
        for node in item.nodes:
            read.update(node.inputs)
            for position, source in enumerate(node.inputs):
                place = self._place_of.get(source)
                if place is None or place == name:
                    continue
                share, before = self._share(node.name, position), shares.get(source)
                shares[source] = share if share is None or before is None else before + share
        for source, share in shares.items():
            yield self._edge(source, name, share)

    def _share(self, node: str, position: int) -> Array | None:
        trace = self._options.trace
        return None if trace is None else trace.shares.get((node, position))

    def _edge(self, source: str, target: str, gradient: Array | None) -> _Edge:
        trace, graph = self._options.trace, self._view.graph
        if trace is not None:
            value = trace.values.get(source)
            above = [] if value is None else numbers.lines(value)
        else:
            known = graph.nodes.get(source) or graph.parameters[source]
            above = [show(known.shape)] if known.shape else []
        below = [] if gradient is None else numbers.lines(gradient)
        return _Edge(self._place_of.get(source, source), target, above, below)

    def _size(self, name: str) -> tuple[float, float]:
        """The size of a place: an outline and, at both sides alike, what is written there."""
        wide, high = self._outline(name)
        if not self._is_circle(name):
            return wide, high
        written = measure.width(name, _SMALL, "italic") + 4
        return (max(wide, 2 * written) if self._across else wide + 2 * written), high

    def _is_circle(self, name: str) -> bool:
        item = self._places.get(name)
        return item is not None and not item.folded and item.family != "source"

    def _outline(self, name: str) -> tuple[float, float]:
        item = self._places.get(name)
        if name.startswith(_END):
            return 2.0, 2.0
        if item is not None and item.folded:
            words = measure.width(_title(item), _NAME, "strong")
            return max(words, measure.width(item.what, _SMALL)) + 14, 2.9 * _NAME
        if item is None or not self._is_circle(name):
            return measure.width(name, _NAME, "strong") + 8, 2 * _NAME
        node = item.nodes[0]
        wide = max(2 * _RADIUS, measure.width(_symbol(node), _letters(node)) + 10)
        return wide, max(2 * _RADIUS, min(wide, 34.0))

    def _label_size(self, edge: _Edge) -> tuple[float, float]:
        above, below = (_wide(words) for words in (edge.above, edge.below))
        lines = max(len(edge.above), len(edge.below)) * _SMALL * _LEADING
        if self._across:
            return max(above, below, 8.0) + 8, 2 * (lines + (_BACK + 2.5 if edge.below else 2.0))
        return 2 * max(above, below) + 2 * _BACK + 6, max(lines, 8.0) + 6

    def _line(self, layout: Layout, free: Free, number: int, edge: _Edge) -> Iterator[Item]:
        label = layout.boxes[f"edge {number}"]
        x, y, wide, high = label
        if self._across:
            start, end = (x, y + high / 2), (x + wide, y + high / 2)
        else:
            start, end = (x + wide / 2, y), (x + wide / 2, y + high)
        into, out = layout.lines[2 * number : 2 * number + 2]
        source, target = (self._circle(layout, each) for each in (edge.source, edge.target))
        columns = [
            layout.column(name, self._options.direction)
            for name in (edge.source, f"edge {number}", edge.target)
        ]
        leave = self._boundary(edge.source, source, (1.0, 0.0) if self._across else (0.0, 1.0))
        before = [leave, *into[1:-1], start]
        if columns[0] == columns[1]:
            before = self._route(leave, start, 0.0, into, free, (source, label))
        slope = self._slope(end, target) if columns[1] == columns[2] else 0.0
        toward = (-1.0, slope) if self._across else (slope, -1.0)
        enter = self._boundary(edge.target, target, toward)
        after = [end, *out[1:-1], enter]
        if columns[1] == columns[2]:
            after = self._route(end, enter, slope, out, free, (label, target))
        points = [*before, start, end, end, *after[1:]]
        ink = Ink(None, self._theme.line, 0.9)
        yield arrow_along(points, ink, node=edge.target, source=edge.source)
        yield from self._across_label(edge, label) if self._across else self._beside(edge, label)

    def _circle(self, layout: Layout, name: str) -> Rectangle:
        """The rectangle around a circle, or around a name with a little room."""
        x, y, wide, high = layout.boxes[name]
        width, height = self._outline(name)
        return x + (wide - width) / 2, y + (high - height) / 2, width, height

    def _boundary(self, name: str, place: Rectangle, toward: Point) -> Point:
        """Where a line from the middle of a box or an ellipse, in a direction, leaves it."""
        x, y, wide, high = place
        sides = 2 * toward[0] / wide, 2 * toward[1] / high
        item = self._places.get(name)
        boxed = item is not None and item.folded
        share = 1 / (max(map(abs, sides)) if boxed else hypot(*sides))
        return x + wide / 2 + share * toward[0], y + high / 2 + share * toward[1]

    def _slope(self, start: Point, target: Rectangle) -> float:
        """How far aside a line from `start` enters a circle, at most as far as along."""
        x, y, wide, high = target
        dx, dy = start[0] - x - wide / 2, start[1] - y - high / 2
        aside, along = (dy, dx) if self._across else (dx, dy)
        return max(-1.0, min(1.0, aside / (abs(along) or 1.0)))

    def _route(
        self,
        start: Point,
        end: Point,
        slope: float,
        known: list[Point],
        free: Free,
        ends: tuple[Rectangle, Rectangle],
    ) -> list[Point]:
        """A plain curve where nothing is in its way, else the layout's line."""
        (ax, ay), (bx, by) = start, end
        if self._across:
            reach = (bx - ax) / 2
            curve = [start, (ax + reach, ay), (bx - reach, by + slope * reach), end]
        else:
            reach = (by - ay) / 2
            curve = [start, (ax, ay + reach), (bx + slope * reach, by - reach), end]
        return curve if is_clear(curve, free, ends) else [start, *known[1:-1], end]

    def _across_label(self, edge: _Edge, label: Rectangle) -> Iterator[Item]:
        x, y, wide, high = label
        middle, level, step = x + wide / 2, y + high / 2, _SMALL * _LEADING
        if edge.below:
            low = level + _BACK
            ink = Ink(None, self._theme.red, 0.9)
            yield line([(x + wide - 2, low), (x + 2, low)], ink, arrow=True)
        top = level - 3 - step * (len(edge.above) - 1)
        yield from self._words(middle, top, edge.above, self._theme.ink, "middle")
        top = level + _BACK + 3.0 + 0.9 * _SMALL
        yield from self._words(middle, top, edge.below, self._theme.red, "middle")

    def _beside(self, edge: _Edge, label: Rectangle) -> Iterator[Item]:
        x, y, wide, high = label
        middle, step = x + wide / 2, _SMALL * _LEADING
        if edge.below:
            ink, aside = Ink(None, self._theme.red, 0.9), middle + _BACK
            yield line([(aside, y + high - 1), (aside, y + 1)], ink, arrow=True)
        level = y + high / 2 + 0.36 * _SMALL + step / 2
        top = level - step * len(edge.above) / 2
        yield from self._words(middle - 4, top, edge.above, self._theme.ink, "end")
        top = level - step * len(edge.below) / 2
        yield from self._words(middle + _BACK + 4, top, edge.below, self._theme.red, "start")

    def _words(
        self, x: float, top: float, lines: list[str], colour: str, anchor: Anchor
    ) -> Iterator[Text]:
        for row, words in enumerate(lines):
            y = top + row * _SMALL * _LEADING
            yield Text(x, y, words, _SMALL, colour, "regular", anchor)

    def _place(self, name: str, place: Rectangle) -> Iterator[Item]:
        x, y, wide, high = place
        item = self._places.get(name)
        middle, base = x + wide / 2, y + high / 2
        ink = self._theme.ink
        if item is None or not (item.folded or self._is_circle(name)):
            yield Text(middle, base + 0.36 * _NAME, name, _NAME, ink, "strong", "middle")
            return
        tones = self._view.tones(item, self._theme)
        fill, node = Ink(tones.fill, tones.border, 1.0), item.nodes[0]
        if item.folded:
            yield Box(x, y, wide, high, fill, "rounded", 4.0, name)
            colour, block = tones.ink, item.what
            yield Text(middle, base - 1.5, _title(item), _NAME, colour, "strong", "middle", name)
            low = base + _SMALL + 1
            yield Text(middle, low, block, _SMALL, colour, "regular", "middle", name)
            return
        yield Box(x, y, wide, high, fill, "ellipse", node=name)
        size = _letters(node)
        yield Text(
            middle,
            base + 0.36 * size,
            _symbol(node),
            size,
            tones.ink,
            "regular",
            "middle",
            name,
        )
        # Lines come from the left, or from above.
        aside = (middle + 3, y + high + _SMALL) if self._across else (x + wide + 4, base + 2)
        yield Text(*aside, name, _SMALL, self._theme.faint, "italic")

    def _below(self) -> list[str]:
        trace = self._options.trace
        if trace is None:
            return []
        where = ("above", "below") if self._across else ("left of", "right of")
        words = f"Values are {where[0]} the lines"
        if trace.gradients:
            of = " + ".join(trace.losses)
            words += f", gradients of {of} {where[1]} them, with arrows back"
        return [f"{words}."]


def _title(item: Seen) -> str:
    """The whole name of a folded block, since no frame shows what it is in."""
    return f"{item.frame}.{item.label}" if item.frame else item.label


def _symbol(node: Node) -> str:
    return node.op.symbol or node.op.name


def _letters(node: Node) -> float:
    """The size of the letters in a circle."""
    return _SYMBOL if len(_symbol(node)) < 3 else _NAME


def _wide(lines: list[str]) -> float:
    return max((measure.width(words, _SMALL) for words in lines), default=0.0)
