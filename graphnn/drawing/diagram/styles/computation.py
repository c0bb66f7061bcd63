"""A computation graph: circles of operations, values above the lines and gradients below them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot

from graphnn.drawing.diagram import numbers
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.labels import Free, is_clear
from graphnn.drawing.diagram.layout import Arrangement, Layout, lay_out
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.diagram.page import page
from graphnn.drawing.diagram.palette import THEMES
from graphnn.drawing.diagram.scene import (
    Anchor,
    Box,
    Ink,
    Item,
    Path,
    Point,
    Rectangle,
    Scene,
    Text,
    line,
)
from graphnn.drawing.diagram.view import View
from graphnn.graph import Node
from graphnn.ops import Array
from graphnn.spec.sizes import show

_NAME, _SYMBOL, _SMALL = 8.5, 11.0, 7.0  # points
_RADIUS = 13.0  # of a circle with one sign
_LEADING = 1.3
_BACK = 5.0  # from a line to the arrow of its gradient
_END = "the end of "  # begins the name of the place where a result goes


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line.

    Attributes
    ----------
    source, target : str
        Places: nodes, parameters, or the end of a result.
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
        self._items = {node.name: item for item in view.items.values() for node in item.nodes}
        self._nodes = {name: node for name, node in view.graph.nodes.items() if name in self._items}
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
        inside = dict.fromkeys(sizes, "")
        layout = lay_out(Arrangement(sizes, pairs, {}, inside, {}), self._options.direction)
        items: list[Item] = []
        free = Free(layout.boxes.values(), ())
        for number, edge in enumerate(self._edges):
            items += self._line(layout, free, number, edge)
        for name in sizes:
            if name in self._nodes or name in self._view.graph.parameters:
                items += self._place(name, self._circle(layout, name))
        return page(self._view, self._options, items, self._below())

    def _lines(self) -> Iterator[_Edge]:
        trace, graph = self._options.trace, self._view.graph
        read = set()
        for node in self._nodes.values():
            # A parameter that is a node stands for itself.
            kept = node.parameters.values() if self._is_circle(node.name) else ()
            operands = [*node.inputs, *kept]
            for position, source in enumerate(operands):
                if source is None or (source not in self._nodes and source not in graph.parameters):
                    continue
                read.add(source)
                share = None if trace is None else trace.shares.get((node.name, position))
                yield self._edge(source, node.name, share)
        for name in self._nodes:
            if name not in read:
                gradient = None if trace is None else trace.gradients.get(name)
                yield self._edge(name, _END + name, gradient)

    def _edge(self, source: str, target: str, gradient: Array | None) -> _Edge:
        trace, graph = self._options.trace, self._view.graph
        if trace is not None:
            value = trace.values.get(source)
            above = [] if value is None else numbers.lines(value)
        else:
            known = graph.nodes.get(source) or graph.parameters[source]
            above = [show(known.shape)] if known.shape else []
        return _Edge(source, target, above, [] if gradient is None else numbers.lines(gradient))

    def _size(self, name: str) -> tuple[float, float]:
        """The size of a place: an outline and, at both sides alike, what is written there."""
        wide, high = self._outline(name)
        if not self._is_circle(name):
            return wide, high
        written = measure.width(name, _SMALL, "italic") + 4
        return (max(wide, 2 * written) if self._across else wide + 2 * written), high

    def _is_circle(self, name: str) -> bool:
        node = self._nodes.get(name)
        return node is not None and node.op.family != "source"

    def _outline(self, name: str) -> tuple[float, float]:
        node = self._nodes.get(name)
        if name.startswith(_END):
            return 2.0, 2.0
        if node is None or node.op.family == "source":
            return measure.width(name, _NAME, "strong") + 8, 2 * _NAME
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
        leave = _boundary(source, (1.0, 0.0) if self._across else (0.0, 1.0))
        before = self._route(leave, start, 0.0, into, free, (source, label))
        slope = self._slope(end, target)
        enter = _boundary(target, (-1.0, slope) if self._across else (slope, -1.0))
        after = self._route(end, enter, slope, out, free, (label, target))
        points = [*before, start, end, end, *after[1:]]
        curves = tuple(
            (points[at], points[at + 1], points[at + 2]) for at in range(1, len(points) - 2, 3)
        )
        ink = Ink(None, self._theme.line, 0.9)
        yield Path(points[0], curves, ink, arrow=True, node=edge.target, source=edge.source)
        yield from self._across_label(edge, label) if self._across else self._beside(edge, label)

    def _circle(self, layout: Layout, name: str) -> Rectangle:
        """The rectangle around a circle, or around a name with a little room."""
        x, y, wide, high = layout.boxes[name]
        width, height = self._outline(name)
        return x + (wide - width) / 2, y + (high - height) / 2, width, height

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
        node = self._nodes.get(name)
        middle, base = x + wide / 2, y + high / 2
        if node is None or node.op.family == "source":
            yield Text(
                middle, base + 0.36 * _NAME, name, _NAME, self._theme.ink, "strong", "middle"
            )
            return
        tones = self._view.tones(self._items[name], self._theme)
        ink = Ink(tones.fill, tones.border, 1.0)
        yield Box(x, y, wide, high, ink, "ellipse", node=name)
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


def _boundary(place: Rectangle, toward: Point) -> Point:
    """Where a line from the middle of an ellipse, in the direction of `toward`, leaves it."""
    x, y, wide, high = place
    share = 1 / hypot(2 * toward[0] / wide, 2 * toward[1] / high)
    return x + wide / 2 + share * toward[0], y + high / 2 + share * toward[1]


def _symbol(node: Node) -> str:
    return node.op.symbol or node.op.name


def _letters(node: Node) -> float:
    """The size of the letters in a circle."""
    return _SYMBOL if len(_symbol(node)) < 3 else _NAME


def _wide(lines: list[str]) -> float:
    return max((measure.width(words, _SMALL) for words in lines), default=0.0)
