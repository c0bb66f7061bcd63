"""Columns of neurons, as courses draw small networks of layers that are all connected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

import numpy as np

from graphnn.diagnostics import DrawingError, Findings, counted, listed
from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.diagram.page import page
from graphnn.drawing.diagram.palette import THEMES, Tones
from graphnn.drawing.diagram.scene import Box, Ink, Item, Path, Point, Scene, Text, line
from graphnn.drawing.diagram.view import View
from graphnn.graph import Node
from graphnn.ops import Array

MOST = 8  # units of a column that are all drawn
_FIRST = 5  # units above the ellipsis of a longer column; one is below it
_DETAILED = 4  # units of a column, up to which what is in them is drawn
_ARROWS = 40  # lines between two columns, up to which they have heads
_SMALL, _NAME, _LETTERS = 7.0, 8.5, 7.5  # points
_PLAIN, _LARGE, _INNER = 12.0, 26.0, 9.0  # radii
_SUB, _SUPER = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"), str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class _Column:
    """A layer.

    Attributes
    ----------
    node : Node
        The input, or the affine map.
    steps : list of Node
        What is done with its sums, or with the input, in order.
    number : int
        Which layer it is; 0 for the input.
    last : bool
        Whether its values are the network's.
    """

    node: Node
    steps: list[Node]
    number: int
    last: bool

    @property
    def units(self) -> int:
        return facts.row_size([self.node, *self.steps][-1])

    @property
    def activation(self) -> Node | None:
        """The function that makes values of sums."""
        return next((node for node in self.steps if node.op.family == "activation"), None)

    @property
    def drawn(self) -> list[int]:
        """Numbers of the units that are drawn, 0 for the ellipsis."""
        if self.units <= MOST:
            return list(range(1, self.units + 1))
        return [*range(1, _FIRST + 1), 0, self.units]

    @property
    def has_bias(self) -> bool:
        return self.node.parameters.get("bias") is not None

    def value(self, unit: int) -> str:
        """What the value of a unit is called."""
        if self.number == 0:
            return f"x{_lower(unit)}"
        return f"y{_lower(unit)}" if self.last else f"z{_lower(unit)}{_upper(self.number)}"

    def sum(self, unit: int) -> str:
        """What the weighted sum of a unit is called."""
        return f"a{_lower(unit)}{_upper(self.number)}"


def scene(view: View, options: DiagramOptions) -> Scene:
    """Columns of neurons and the lines between them.

    Raises
    ------
    DrawingError
        The network is not a chain of layers that are all connected.
    """
    return _Painter(view, options, _columns(view)).scene()


def _columns(view: View) -> list[_Column]:
    shown = facts.shown(view, "textbook")
    nodes = [node for name, node in view.graph.nodes.items() if name in shown]
    readers: dict[str, list[str]] = {node.name: [] for node in nodes}
    for node in nodes:
        for name in dict.fromkeys(node.inputs):
            readers.setdefault(name, []).append(node.name)
    found: list[tuple[Node, list[Node]]] = []
    faults: dict[str, tuple[Node, str]] = {}
    for node in nodes:
        kind, reason = _reason(node, readers[node.name], first=node is nodes[0])
        if kind:
            faults.setdefault(kind, (node, reason))
        elif node.op.is_input or node.op.name == "affine":
            found.append((node, []))
        elif found:
            found[-1][1].append(node)
    findings = Findings(refusal=DrawingError)
    for node, reason in faults.values():
        findings.error(
            "unsuited-style",
            f"the style 'textbook' cannot show '{node.name}': {reason}",
            node.spec.place.span,
            help="draw it in another style, or a part of it with --only",
        )
    findings.raise_errors(DrawingError)
    last = len(found) - 1
    return [_Column(node, steps, at, at == last > 0) for at, (node, steps) in enumerate(found)]


def _reason(node: Node, readers: list[str], *, first: bool) -> tuple[str, str]:
    """Why columns of units cannot show `node`, and of what kind that is; nothing if they can."""
    op = node.op
    if len(readers) > 1:
        return "branch", f"{listed(readers)} read it, but a column is read by the next alone"
    if first or op.is_input:
        if not first or not op.is_input or node.kind == "int":
            return op.name, "the columns begin with one input of real numbers"
        return ("", "") if facts.row_size(node) else ("free", "how many units it has is unknown")
    if len(node.inputs) != 1:
        return op.name, f"{op.name} reads {counted(len(node.inputs), 'node')}, a column reads one"
    if op.name == "affine" and len(facts.row(node)) > 1:
        return "deep", "its rows are not single columns of units"
    if op.name == "affine" or op.reorders or op.family in ("activation", "normalization"):
        return "", ""
    return op.name, f"{op.name} does not connect all units of two columns"


class _Painter:
    def __init__(self, view: View, options: DiagramOptions, columns: list[_Column]) -> None:
        self._view, self._options, self._columns = view, options, columns
        self._theme = THEMES[options.theme]
        self._items = {node.name: item for item in view.items.values() for node in item.nodes}
        most = max(len(column.drawn) for column in columns)
        self._detailed = most <= _DETAILED
        self._pitch = 63.0 if self._detailed else 31.0
        self._high = (most - 1) * self._pitch
        self._radii = [
            _LARGE if self._detailed and column.activation is not None else _PLAIN
            for column in columns
        ]
        self._xs = [0.0]
        for before, after in pairwise(columns):
            dense = min(len(before.drawn) * len(after.drawn), _ARROWS) / _ARROWS
            gap = 74 + 40 * dense
            ends = self._radii[before.number] + self._radii[after.number]
            self._xs.append(self._xs[-1] + gap + ends)

    def scene(self) -> Scene:
        items: list[Item] = []
        for before, after in pairwise(self._columns):
            items += self._lines(before, after)
        for column in self._columns:
            items += self._units(column)
            items += self._labels(column)
        items += self._mark()
        return page(self._view, self._options, items, self._below())

    def _centre(self, column: _Column, slot: int) -> Point:
        """Where a unit is; the slot -1 is the bias's, above the first."""
        first = (self._high - (len(column.drawn) - 1) * self._pitch) / 2
        return self._xs[column.number], first + slot * self._pitch

    def _bias(self, before: _Column) -> Point:
        x, y = self._centre(before, 0)
        return x, y - self._radii[before.number] - _PLAIN - 7

    def _lines(self, before: _Column, after: _Column) -> Iterator[Path]:
        weights = self._weights(after, "weight")
        biases = self._weights(after, "bias")
        many = len(before.drawn) * len(after.drawn) > _ARROWS
        for slot, unit in enumerate(after.drawn):
            if not unit:
                continue
            end = self._centre(after, slot)
            if after.has_bias:
                ink = self._weighted(biases, (unit - 1,), Ink(None, self._theme.frame, 0.7))
                yield self._between(self._bias(before), _PLAIN, end, after, ink, not many)
            for source, number in enumerate(before.drawn):
                if number:
                    plain = Ink(None, self._theme.line, 0.5 if many else 0.7)
                    ink = self._weighted(weights, (number - 1, unit - 1), plain)
                    start, radius = self._centre(before, source), self._radii[before.number]
                    yield self._between(start, radius, end, after, ink, not many)

    def _between(
        self, start: Point, radius: float, end: Point, after: _Column, ink: Ink, arrow: bool
    ) -> Path:
        far = self._radii[after.number]
        return line([_toward(start, end, radius), _toward(end, start, far)], ink, arrow=arrow)

    def _weights(self, column: _Column, operand: str) -> Array | None:
        """The values of a parameter, where the picture is to show them."""
        trace, name = self._options.trace, column.node.parameters.get(operand)
        return None if trace is None or name is None else trace.values.get(name)

    def _weighted(self, values: Array | None, at: tuple[int, ...], plain: Ink) -> Ink:
        """Blue for a positive weight, dashed red for a negative one, thick for a large one."""
        if values is None:
            return plain
        value, largest = float(values[at]), float(np.abs(values).max()) or 1.0
        width = 0.3 + 2.7 * abs(value) / largest
        if value < 0:
            return Ink(None, self._theme.red, width, (2 * width + 2, width + 1.5))
        return Ink(None, self._theme.blue, width)

    def _units(self, column: _Column) -> Iterator[Item]:
        after = self._columns[column.number + 1 :][:1]
        if after and after[0].has_bias:
            fill, border = self._theme.family("source")
            yield from self._circle(
                self._bias(column), _PLAIN, Ink(fill, border, 0.9), "1", self._theme.ink
            )
        slots = list(enumerate(column.drawn))
        together = column.activation is not None and not column.activation.op.channelwise
        if together:
            x, top = self._centre(column, 0)
            reach = self._radii[column.number] + 5
            high = (len(slots) - 1) * self._pitch + 2 * reach
            ink = Ink(None, self._theme.frame, 1.0, (4.0, 2.5))
            yield Box(x - reach, top - reach, 2 * reach, high, ink, "rounded", reach)
        for slot, unit in slots:
            x, y = self._centre(column, slot)
            if unit:
                yield from self._unit(column, unit, (x, y))
                continue
            for shift in (-6.0, 0.0, 6.0):
                dot = Ink(self._theme.ink)
                yield Box(x - 1.2, y + shift - 1.2, 2.4, 2.4, dot, "ellipse")

    def _tones(self, column: _Column) -> Tones:
        item = self._items[column.node.name]
        if column.number == 0 and self._view.colour(item) is None:  # unlike the bias's, grey
            return self._view.family_tones("arithmetic", self._theme)
        return self._view.tones(item, self._theme)

    def _unit(self, column: _Column, unit: int, centre: Point) -> Iterator[Item]:
        tones = self._tones(column)
        radius = self._radii[column.number]
        node = column.node.name
        ink = Ink(tones.fill, tones.border, 1.6 if column.last else 0.9)
        if radius == _PLAIN:
            yield from self._circle(centre, radius, ink, column.value(unit), tones.ink, node)
            return
        x, y = centre
        yield Box(x - radius, y - radius, 2 * radius, 2 * radius, ink, "ellipse", node=node)
        shift = radius - _INNER - 3.5
        inner, letters = Ink(self._theme.paper, tones.border, 0.7), self._theme.ink
        sums, values = (x - shift, y + 3), (x + shift, y + 3)
        yield from self._circle(sums, _INNER, inner, column.sum(unit), letters)
        yield from self._circle(values, _INNER, inner, column.value(unit), letters)
        arrow = Ink(None, self._theme.line, 0.8)
        yield line([(sums[0] + _INNER, y + 3), (values[0] - _INNER, y + 3)], arrow, arrow=True)
        yield Text(x, y - 9, "h()", _SMALL, tones.ink, "italic", "middle")

    def _circle(
        self, centre: Point, radius: float, ink: Ink, words: str, colour: str, node: str = ""
    ) -> Iterator[Item]:
        x, y = centre
        yield Box(x - radius, y - radius, 2 * radius, 2 * radius, ink, "ellipse", node=node)
        room = 2 * radius - 3
        size = min(_LETTERS, _LETTERS * room / measure.width(words, _LETTERS))
        yield Text(x, y + 0.36 * size, words, size, colour, "regular", "middle", node)

    def _labels(self, column: _Column) -> Iterator[Text]:
        x, y = self._xs[column.number], self._high + max(self._radii) + 22
        number = f" {column.number}" if len(self._columns) > 3 else ""
        kind = "input" if column.number == 0 else "output" if column.last else f"hidden{number}"
        units = counted(column.units, "unit")
        lines = [units, *(self._words(column, node) for node in column.steps)]
        names = ", ".join(node.name for node in (column.node, *column.steps))
        yield Text(x, y, kind, _NAME, self._theme.ink, "strong", "middle")
        for words in lines:
            y += 1.4 * _SMALL
            yield Text(x, y, words, _SMALL, self._theme.ink, "regular", "middle")
        yield Text(x, y + 1.4 * _SMALL, names, _SMALL, self._theme.faint, "mono", "middle")

    def _words(self, column: _Column, node: Node) -> str:
        """What is said of a step."""
        if node is not column.activation:
            return " ".join([node.op.name, *facts.attributes(node)])
        name = node.op.name if node.op.channelwise else f"{node.op.name} over all"
        if self._radii[column.number] == _LARGE:
            return f"h() = {name}"
        return f"a → h() → {'y' if column.last else 'z'}, h() = {name}"

    def _marked(self) -> tuple[_Column, _Column, int] | None:
        """The layer whose line to its first unit is marked, the one before, and from where."""
        if len(self._columns) < 2:
            return None
        before, after = self._columns[:2]
        return before, after, min(2, before.units)

    def _mark(self) -> Iterator[Item]:
        marked = self._marked()
        if marked is None:
            return
        before, after, unit = marked
        start, end = self._centre(before, unit - 1), self._centre(after, 0)
        colour = self._theme.blue
        ink = Ink(None, colour, 1.6)
        path = self._between(start, self._radii[0], end, after, ink, arrow=True)
        if self._weights(after, "weight") is None:
            yield path
        words = f"w₁{_lower(unit)}{_upper(1)}"
        wide = measure.width(words, _NAME, "strong")
        x, y = _share(path, 0.36)
        patch = Ink(self._theme.paper)
        yield Box(x - wide / 2 - 2, y - 6.5, wide + 4, 13, patch, "rounded", 4.0)
        yield Text(x, y + 3, words, _NAME, colour, "strong", "middle")

    def _below(self) -> list[str]:
        found = []
        if marked := self._marked():
            _, after, unit = marked
            name = after.node.parameters["weight"]
            found.append(f"w₁{_lower(unit)}{_upper(1)} is {name}[{unit - 1},0].")
            if self._weights(after, "weight") is not None:
                found[0] += (
                    " Solid lines are positive weights, dashed ones negative; a line is as thick as"
                    " its weight is large beside the largest of its parameter."
                )
        return [*found, *facts.not_drawn(self._view.graph)]


def _lower(number: int) -> str:
    return str(number).translate(_SUB)


def _upper(number: int) -> str:
    return f"⁽{str(number).translate(_SUPER)}⁾"


def _toward(start: Point, end: Point, length: float) -> Point:
    """The point so far from `start` on the way to `end`."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    whole = hypot(dx, dy)
    return start[0] + dx * length / whole, start[1] + dy * length / whole


def _share(path: Path, share: float) -> Point:
    """The point a share of the way along a straight line."""
    (ax, ay), (bx, by) = path.start, path.end
    return ax + share * (bx - ax), ay + share * (by - ay)
