"""The default style: a box a node with its facts, frames around blocks, lines with arrows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import fsum

from graphnn.diagnostics import counted
from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.columns import wrapped
from graphnn.drawing.diagram.headings import with_headings
from graphnn.drawing.diagram.labels import Free, place
from graphnn.drawing.diagram.layout import Arrangement, Layout, lay_out
from graphnn.drawing.diagram.marks import Mark, marks, meter
from graphnn.drawing.diagram.options import SMALLEST, DiagramOptions
from graphnn.drawing.diagram.page import page, room
from graphnn.drawing.diagram.palette import THEMES, Tones, mixed
from graphnn.drawing.diagram.scene import (
    Box,
    Ink,
    Path,
    Point,
    Rectangle,
    Scene,
    Shape,
    Text,
    arrow_along,
    on_outline,
)
from graphnn.drawing.diagram.scene import Item as Drawn
from graphnn.drawing.diagram.text import Face
from graphnn.drawing.diagram.ushape import u_shaped
from graphnn.drawing.diagram.view import Edge, Frame, Item, View

_NAME, _SMALL = 9.5, 7.5  # points
_LEADING = 1.33  # of the size of letters; the tallest face, mono, is 1.32 high
_PAD_X, _PAD_Y, _GAP = 9.0, 5.5, 10.0
_METER, _ABOVE = 5.0, 1.5  # and what a heading has above and below it
_SAMPLE = 22.0  # width of a box in the legend
_LONGEST_ABOUT = 44  # characters of a remark in one line
_SHAPES: dict[str, tuple[Shape, float]] = {  # outline by family, and how much is rounded or cut
    "source": ("stadium", 0.0),
    "linear": ("rectangle", 0.0),
    "convolution": ("rectangle", 0.0),
    "pooling": ("trapezium", 7.0),
    "resizing": ("slanted", 7.0),
    "activation": ("rounded", 7.0),
    "normalization": ("octagon", 5.0),
    "preparation": ("octagon", 5.0),
    "arithmetic": ("rounded", 3.0),
    "shape": ("slanted", 7.0),
    "reduction": ("trapezium", 7.0),
    "recurrent": ("octagon", 9.0),
    "attention": ("trapezium", 4.0),
    "random": ("stadium", 0.0),
    "loss": ("hexagon", 9.0),
    "": ("rounded", 3.0),
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of a line of a box."""

    text: str
    size: float
    face: Face
    faint: bool = False

    @property
    def width(self) -> float:
        return measure.width(self.text, self.size, self.face)


_Line = tuple[list[_Piece], list[_Piece]]  # at the left, and at the right


@dataclass(frozen=True, slots=True)
class _Card:
    """A box before it has a place: its lines and its size."""

    item: Item
    lines: list[_Line]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Sample:
    """What the legend says of a family, or of an op."""

    label: str
    family: str
    tones: Tones

    @property
    def width(self) -> float:
        return _SAMPLE + 5 + measure.width(self.label, _SMALL) + 12


def scene(view: View, options: DiagramOptions) -> Scene:
    """The scene of `view`.

    Raises
    ------
    DrawingError
        The layout fails.
    """
    return _Painter(view, options).scene()


class _Painter:
    def __init__(self, view: View, options: DiagramOptions) -> None:
        self._view, self._options = view, options
        self._theme, self._about = THEMES[options.theme], options.about
        graph = view.graph
        self._marks = marks(view, options.trace, self._theme)
        self._counts = facts.in_frames(view)
        self._outputs = {graph.node(name).name for name in graph.outputs}
        self._losses = {graph.node(name).name for name in graph.losses}

    def scene(self) -> Scene:
        cards = {name: self._card(item) for name, item in self._view.items.items()}
        pairs = [(edge.source, edge.target) for edge in self._view.edges]
        points = self._options.points
        arrangement = Arrangement(
            {name: (card.width, card.height) for name, card in cards.items()},
            pairs,
            {name: frame.parent for name, frame in self._view.frames.items()},
            {name: item.frame for name, item in self._view.items.items()},
            {name: self._heading_size(frame) for name, frame in self._view.frames.items()},
        )
        layout = u_shaped(arrangement)
        if layout is None:
            wide, _ = with_headings(lay_out(arrangement, self._options.direction), arrangement)
            layout = wrapped(
                wide,
                [source for source, _ in pairs],
                self._options.direction,
                room(self._view, self._options),
                self._options.columns,
                legible=0.5 if points is None else SMALLEST / _SMALL,
            )
        layout, headings = with_headings(layout, arrangement)
        families = list(self._legend(cards, layout.width)) if self._options.legend else []
        legends = families, self._marks.legend
        return page(
            self._view, self._options, list(self._drawn(cards, layout, headings)), (), legends
        )

    def _drawn(
        self, cards: dict[str, _Card], layout: Layout, headings: dict[str, Rectangle]
    ) -> Iterator[Drawn]:
        for name, frame in self._view.frames.items():
            yield self._frame(frame, layout.frames[name])
        outlines = {name: self._outline(card, layout.boxes[name]) for name, card in cards.items()}
        # The layout knows boxes as rectangles.
        lines = [
            [
                on_outline(outlines[edge.source], points[0]),
                *points[1:-1],
                on_outline(outlines[edge.target], points[-1]),
            ]
            for edge, points in zip(self._view.edges, layout.lines, strict=True)
        ]
        for edge, points in zip(self._view.edges, lines, strict=True):
            yield self._line(points, edge)
        for name, frame in self._view.frames.items():
            yield from self._heading(frame, headings[name])
        for name, card in cards.items():
            yield from self._box(card, outlines[name])
        yield from self._labels([*layout.boxes.values(), *headings.values()], lines)

    def _card(self, item: Item) -> _Card:
        lines = list(self._folded(item) if item.folded else self._node(item))
        mark = self._marks.boxes.get(item.name, Mark())
        lines += [([_Piece(words, _SMALL, "italic")], []) for words in mark.lines]
        wide = max(
            fsum(piece.width for piece in (*left, *right))
            + 4.0 * (len(left) + len(right) - 1)
            + (_GAP if right else 0)
            for left, right in lines
        )
        high = fsum(
            max(piece.size for piece in (*left, *right)) * _LEADING for left, right in lines
        )
        shape, cut = _SHAPES.get(item.family, _SHAPES[""])
        cut = (high + 2 * _PAD_Y) / 2 if shape == "stadium" else cut
        side = _PAD_X + (
            cut * 0.6 if shape in ("stadium", "slanted", "trapezium", "hexagon") else 0
        )
        high += _METER + 3 if mark.hatched else 0.0
        return _Card(item, lines, wide + 2 * side, high + 2 * _PAD_Y)

    def _node(self, item: Item) -> Iterator[_Line]:
        node = item.nodes[0]
        words = [_Piece(item.label, _NAME, "strong"), _Piece(node.op.name, _NAME, "regular")]
        role = self._role(item)
        yield words, ([_Piece(role, _SMALL, "italic", faint=True)] if role else [])
        for attribute in facts.attributes(node):
            yield [_Piece(attribute, _SMALL, "regular")], []
        yield [_Piece(facts.shape(item), _SMALL, "mono", faint=True)], []
        for holding in facts.holdings(self._view, item):
            face: Face = "regular" if holding.learned else "italic"
            left = [
                _Piece(holding.name, _SMALL, face),
                _Piece(holding.shape, _SMALL, "mono", faint=True),
            ]
            said = holding.remark or (f"{holding.count:,}" if holding.count else "")
            both = holding.remark and holding.count and not holding.remark.startswith("=")
            said = f"{holding.count:,}, {holding.remark}" if both else said
            yield left, [_Piece(said, _SMALL, "regular", faint=True)]
        if self._about:
            yield from self._remark(item.remark)

    def _folded(self, item: Item) -> Iterator[_Line]:
        name = _Piece(item.label, _NAME, "strong")
        if item.part:
            yield [name], []
            for words in facts.filled(item.what.split(", ")):
                yield [_Piece(words, _SMALL, "regular")], []
        else:
            yield [name, _Piece(item.what, _NAME, "regular")], []
        yield [_Piece(facts.shape(item), _SMALL, "mono", faint=True)], []
        nodes = counted(len(item.nodes), "node")
        words = f"{nodes}, {facts.entries(*facts.parameters(self._view, item))}"
        yield [_Piece(words, _SMALL, "regular", faint=True)], []
        if self._about:
            yield from self._remark(item.remark)

    def _remark(self, remark: str) -> Iterator[_Line]:
        line = ""
        for word in remark.split():
            if line and len(line) + len(word) >= _LONGEST_ABOUT:
                yield [_Piece(line, _SMALL, "italic", faint=True)], []
                line = ""
            line = f"{line} {word}".strip()
        if line:
            yield [_Piece(line, _SMALL, "italic", faint=True)], []

    def _role(self, item: Item) -> str:
        names = {node.name for node in item.nodes}
        roles = ["output"] if names & self._outputs else []
        return ", ".join([*roles, *(["loss"] if names & self._losses else [])])

    def _outline(self, card: _Card, place: Rectangle) -> Box:
        mark = self._marks.boxes.get(card.item.name, Mark())
        tones = self._tones(card)
        shape, cut = _SHAPES.get(card.item.family, _SHAPES[""])
        names = {node.name for node in card.item.nodes}
        thick = 1.9 if names & (self._outputs | self._losses) else 0.9
        ink = replace(mark.line or Ink(None, tones.border, thick), fill=tones.fill)
        return Box(*place, ink, shape, cut, card.item.name)

    def _box(self, card: _Card, outline: Box) -> Iterator[Drawn]:
        x, y, width, height = outline.x, outline.y, outline.width, outline.height
        tones, node = self._tones(card), card.item.name
        mark = self._marks.boxes.get(node, Mark())
        if card.item.group is not None and card.item.group.count > 1:
            for shift in (5.0, 2.5):  # a pile, for copies that are drawn once
                ink = Ink(tones.fill, tones.border, 0.7)
                yield Box(x + shift, y + shift, width, height, ink, "rounded", 3.0, node)
        yield outline
        widest = max(self._line_width(line) for line in card.lines)
        left, right = x + (width - widest) / 2, x + (width + widest) / 2
        at = y + _PAD_Y
        for line in card.lines:
            size = max(piece.size for piece in (*line[0], *line[1]))
            at += size * _LEADING
            yield from self._row(line, (left, right, at - 0.32 * size), node, tones)
        if mark.hatched:
            place = left, at + 2, right - left, _METER
            yield from meter(place, mark.hatched, self._theme)

    def _line_width(self, line: _Line) -> float:
        left, right = line
        count = len(left) + len(right)
        total = fsum(piece.width for piece in (*left, *right)) + 4.0 * (count - 1)
        return total + (_GAP if right else 0)

    def _tones(self, card: _Card) -> Tones:
        mark = self._marks.boxes.get(card.item.name, Mark())
        if mark.fill is not None:
            return self._theme.tones(mark.fill)
        return self._view.tones(card.item, self._theme)

    def _row(
        self, line: _Line, place: tuple[float, float, float], node: str, tones: Tones
    ) -> Iterator[Text]:
        at, right, base = place
        for piece in line[0]:
            yield _text(piece, at, base, node, tones)
            at += piece.width + 4.0
        at = right
        for piece in reversed(line[1]):
            yield replace(_text(piece, at, base, node, tones), anchor="end")
            at -= piece.width + 4.0

    def _frame_tones(self, frame: Frame) -> Tones:
        chosen, theme = self._view.frame_colour(frame), self._theme
        if chosen is not None:
            # Pale, so that lines in the frame can be seen.
            return replace(theme.tones(mixed(chosen, theme.frame_fill, 0.8)), border=chosen)
        return Tones(theme.frame_fill, theme.frame, theme.ink, theme.faint)

    def _frame(self, frame: Frame, place: Rectangle) -> Box:
        tones = self._frame_tones(frame)
        ink = Ink(tones.fill, tones.border, 0.8)
        return Box(*place, ink, "rounded", 6.0, node=frame.name)

    def _heading_lines(self, frame: Frame) -> Iterator[list[_Piece]]:
        what = [_Piece(frame.what, _SMALL, "regular", faint=True)] if frame.what else []
        yield [_Piece(frame.title, _NAME, "strong"), *what]
        if count := self._counts[frame.name]:
            yield [_Piece(facts.entries(count, 0), _SMALL, "regular", faint=True)]
        if self._about:
            yield from (words for words, _ in self._remark(frame.remark))

    def _heading_size(self, frame: Frame) -> tuple[float, float]:
        lines = list(self._heading_lines(frame))
        high = fsum(line[0].size * _LEADING for line in lines)
        return max(self._line_width((line, [])) for line in lines) + 6, high + 2 * _ABOVE

    def _heading(self, frame: Frame, place: Rectangle) -> Iterator[Box | Text]:
        tones = self._frame_tones(frame)
        x, y = place[0], place[1] + _ABOVE
        # A patch, where lines enter all along.
        yield Box(*place, Ink(tones.fill), node=frame.name)
        for line in self._heading_lines(frame):
            y += line[0].size * _LEADING
            left = x + 3, x, y - 0.32 * line[0].size
            yield from self._row((line, []), left, frame.name, tones)

    def _line(self, points: list[Point], edge: Edge) -> Path:
        ink = self._marks.lines.get(edge.kind, Ink(None, self._theme.line, 0.9))
        return arrow_along(points, ink, node=edge.target, source=edge.source)

    def _labels(self, taken: list[Rectangle], lines: list[list[Point]]) -> Iterator[Text]:
        labels = [", ".join(filter(None, (each.operand, each.copy))) for each in self._view.edges]
        if not any(labels):
            return
        free = Free(taken, lines)
        for words, line in zip(labels, lines, strict=True):
            if words:
                wide = measure.width(words, _SMALL, "italic")
                x, y, _, _ = place(line, wide, _SMALL, free)
                yield Text(x, y + 0.78 * _SMALL, words, _SMALL, self._theme.faint, "italic")

    def _legend(self, cards: dict[str, _Card], width: float) -> Iterator[Box | Text]:
        """Samples in rows no wider than `width`."""
        x, y = 0.0, 0.0
        for sample in self._samples(cards):
            if x and x + sample.width > width:
                x, y = 0.0, y + 2 * _SMALL
            shape, cut = _SHAPES.get(sample.family, _SHAPES[""])
            ink = Ink(sample.tones.fill, sample.tones.border, 0.9)
            if self._marks.boxes:  # whose colours mean something else
                ink = Ink(self._theme.paper, self._theme.frame, 0.9)
            yield Box(x, y, _SAMPLE, 10, ink, shape, min(cut, 3.5))
            yield Text(x + _SAMPLE + 5, y + 7.8, sample.label, _SMALL, self._theme.ink)
            x += sample.width

    def _samples(self, cards: dict[str, _Card]) -> list[_Sample]:
        """Families, and ops with separate colours, where colours mean those."""
        if self._marks.boxes:
            return list(self._family_samples(cards))
        return [*self._family_samples(cards), *self._op_samples(cards)]

    def _family_samples(self, cards: dict[str, _Card]) -> Iterator[_Sample]:
        """The families that are drawn, and last one sample for boxes of no family."""
        items = [card.item for card in cards.values()]
        seen = {item.family for item in items}
        labels = {family: family for family in _SHAPES if family and family in seen}
        rest = {_kind(item) for item in items if not item.family or item.family not in _SHAPES}
        if rest:
            labels[""] = rest.pop() if len(rest) == 1 else "other"
        for family, label in labels.items():
            yield _Sample(label, family, self._view.family_tones(family, self._theme))

    def _op_samples(self, cards: dict[str, _Card]) -> Iterator[_Sample]:
        """The ops that are drawn in separate colours."""
        chosen = self._view.look.ops
        nodes = [card for card in cards.values() if not card.item.folded]
        own = {card.item.nodes[0].op.name: card.item.family for card in nodes}
        for name, family in own.items():
            if name in chosen:
                yield _Sample(name, family, self._theme.tones(chosen[name]))


def _kind(item: Item) -> str:
    """What the legend calls a box of no family."""
    if item.part:
        return "part"
    return "block" if item.folded else "other"


def _text(piece: _Piece, x: float, base: float, node: str, tones: Tones) -> Text:
    colour = tones.faint if piece.faint else tones.ink
    return Text(x, base, piece.text, piece.size, colour, piece.face, node=node)
