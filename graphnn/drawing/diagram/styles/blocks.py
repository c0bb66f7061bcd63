"""Oblique boxes, as papers draw convolutional networks: as large as the maps, as deep as many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, hypot, sqrt
from typing import NamedTuple

from graphnn.drawing.diagram import facts, thumbnails
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.labels import Free, is_clear
from graphnn.drawing.diagram.layout import Arrangement, lay_out
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.diagram.page import page
from graphnn.drawing.diagram.palette import THEMES, sides
from graphnn.drawing.diagram.routing import bent
from graphnn.drawing.diagram.scene import (
    Box,
    Ink,
    Item,
    Path,
    Point,
    Polygon,
    Rectangle,
    Scene,
    Text,
    line,
)
from graphnn.drawing.diagram.text import Face
from graphnn.drawing.diagram.view import View
from graphnn.drawing.diagram.volumes import Volume, volumes
from graphnn.ops import Array

_HIGHEST, _DEEPEST = 72.0, 42.0  # points, of the largest box
_PIXEL, _CHANNEL = 7.0, 5.0  # points, at most, of a box of one
_OBLIQUE = 0.28  # of its width: how far a box reaches aside, and up
_RADIUS = 7.0  # of a circle
_NARROW = 16.0  # what is written under a circle at most, between the lines to it
_LOW = 22.0  # height of a box with one number for both sides
_NAME, _SMALL = 7.5, 6.5  # points
_LEADING = 1.25
_LANE, _GAP = 7.0, 9.0  # points between arcs, and between boxes
_APART = 2.5  # from the middle of a box to where an arc ends or begins
_LEFT_OUT = ("padding", "dilation", "bias")  # attributes that the sizes show
_SQUARE = re.compile(r"^(stride )(\d+)×\2$")
_BRACKET = 18.0  # points, with what is written below it
_THUMB, _MAPS = 15.0, 4  # side of a map in points, and how many are shown


class _Words(NamedTuple):
    """A line below a box."""

    text: str
    size: float
    face: Face


@dataclass(frozen=True, slots=True)
class _Solid:
    """A volume with its place.

    Attributes
    ----------
    volume : Volume
    left : float
        Where the face begins, or a circle.
    y : float
        The middle of what is drawn.
    deep, high, aside : float
        Sides in points: along the flow, downwards, and how far it reaches aside and up.
    place : Rectangle
        With what is written at it.
    """

    volume: Volume
    left: float
    y: float
    deep: float
    high: float
    aside: float
    place: Rectangle

    @property
    def middle(self) -> float:
        """Of the face."""
        return self.left + self.deep / 2

    @property
    def top(self) -> float:
        """Of the face, below what reaches up."""
        return self.y - (self.high - self.aside) / 2

    @property
    def bottom(self) -> float:
        return self.top + self.high

    def roof(self, aside: float) -> Point:
        """A point of the upper side, so far from its middle."""
        if self.volume.size is None:
            radius = self.deep / 2
            return self.middle + aside, self.y - sqrt(radius**2 - aside**2)
        return self.middle + self.aside / 2 + aside, self.top - self.aside / 2

    @property
    def outline(self) -> Rectangle:
        """The rectangle around what is drawn."""
        high = self.high + self.aside
        return self.left, self.y - high / 2, self.deep + self.aside, high

    def port(self, slope: float, *, out: bool) -> Point:
        """Where lines end, or begin: in the middle of a side, or on a circle by their slope."""
        if self.volume.size is not None:
            return self.left + (self.deep + self.aside / 2 if out else 0.0), self.y
        share = self.deep / 2 / hypot(1.0, slope)
        return self.middle + (share if out else -share), self.y + share * slope


def scene(view: View, options: DiagramOptions) -> Scene:
    """Boxes, from left to right.

    Raises
    ------
    DrawingError
        A size is free, or a box has more than three axes; or the layout fails.
    """
    return _Painter(view, options).scene()


class _Painter:
    def __init__(self, view: View, options: DiagramOptions) -> None:
        self._view, self._options = view, options
        self._theme = THEMES[options.theme]
        self._lows: dict[str, float] = {}  # where what is written below a box ends
        self._found = volumes(view, expand=options.expand)
        self._held = Counter(
            frame for each in self._found.volumes.values() for frame in view.around(each.frame)
        )
        sizes = [each.size for each in self._found.volumes.values() if each.size is not None]
        side = max((max(size[1:]) for size in sizes), default=1)
        channels = max((size[0] for size in sizes), default=1)
        self._pixel = min(_HIGHEST / sqrt(side), _PIXEL)
        self._channel = min(_DEEPEST / sqrt(channels), _CHANNEL)

    def scene(self) -> Scene:
        found = self._found
        labels = {name: self._label(each) for name, each in found.volumes.items()}
        below = max(self._below_height(found.volumes[name], labels[name]) for name in labels)
        sizes = {name: self._room(found.volumes[name], labels[name], below) for name in labels}
        inside = dict.fromkeys(sizes, "")
        layout = lay_out(Arrangement(sizes, found.edges, {}, inside, {}), "right", gap=_GAP)
        solids = {
            name: self._solid(each, labels[name], below, layout.boxes[name])
            for name, each in found.volumes.items()
        }
        free = Free((solid.outline for solid in solids.values()), ())
        for name, solid in solids.items():
            free.take(self._written_place(solid, labels[name]))
        items: list[Item] = []
        for number, edge in enumerate(found.edges):
            ends = solids[edge[0]], solids[edge[1]]
            items.append(self._arrow(layout.lines[number], *ends, free))
        before: Volume | None = None
        for name, solid in solids.items():
            items += self._drawn(solid, before)
            items += self._written(solid, labels[name])
            before = solid.volume
        items += self._arcs(solids)
        items += self._brackets(solids)
        return page(self._view, self._options, items, self._below())

    def _shape(self, volume: Volume) -> tuple[float, float, float]:
        """How deep and high a box is, and how far it reaches aside, in points."""
        if volume.size is None:
            return 2 * _RADIUS, 2 * _RADIUS, 0.0
        channels, height, width = volume.size
        deep = max(self._channel * sqrt(channels), 1.5)
        return deep, self._pixel * sqrt(height), _OBLIQUE * self._pixel * sqrt(width)

    def _below_height(self, volume: Volume, label: Sequence[_Words]) -> float:
        """Of what is written and shown below a box."""
        written = fsum(words.size * _LEADING for words in label) + _SMALL + 6
        alone = sum(self._held[frame] == 1 for frame in self._view.around(volume.frame))
        brackets = _BRACKET * (alone + (volume.count > 1))
        return written + brackets + self._images_height(volume)

    def _left(self, volume: Volume) -> float:
        """The width of the numbers at the left of a box."""
        if volume.size is None or volume.size[1:] == (1, 1):
            return 0.0
        return max(measure.width(str(size), _SMALL) for size in volume.size[1:]) + 3

    def _extent(self, volume: Volume, label: Sequence[_Words]) -> tuple[float, float]:
        """Where what is written begins and ends, from the middle of a face or circle."""
        wide = max((measure.width(*words) for words in label), default=0.0)
        if volume.size is None and wide > _NARROW:  # beside the lines that come from below
            return 5.0, 5.0 + wide
        return -wide / 2, wide / 2

    def _written_place(self, solid: _Solid, label: Sequence[_Words]) -> Rectangle:
        start, end = self._extent(solid.volume, label)
        high = self._below_height(solid.volume, label)
        return solid.middle + start, solid.bottom, end - start, high

    def _pads(self, volume: Volume, label: Sequence[_Words]) -> tuple[float, float]:
        """How far what is drawn and written reaches to the left and the right of the face."""
        deep, _, aside = self._shape(volume)
        start, end = self._extent(volume, label)
        numbers = 0.0
        if volume.size is not None and volume.size[1:] != (1, 1):
            numbers = max(measure.width(str(size), _SMALL) for size in volume.size[1:]) + 3
        return max(numbers, -start - deep / 2, 1.0), max(aside, end - deep / 2, 1.0)

    def _room(self, volume: Volume, label: Sequence[_Words], below: float) -> tuple[float, float]:
        """How wide and high a box is with what is written at it."""
        deep, high, aside = self._shape(volume)
        return deep + fsum(self._pads(volume, label)), high + aside + below

    def _solid(
        self, volume: Volume, label: Sequence[_Words], below: float, place: Rectangle
    ) -> _Solid:
        x, y, _, high = place
        left, _ = self._pads(volume, label)
        return _Solid(volume, x + left, y + (high - below) / 2, *self._shape(volume), place)

    def _label(self, volume: Volume) -> list[_Words]:
        """The lines below a box."""
        first = volume.items[0]
        frame = self._view.frames.get(first.frame)
        alone = frame is not None and self._held[frame.name] == 1
        found = [] if alone else [_Words(first.label, _NAME, "strong")]
        if first.folded:
            return [*found, _Words(first.what, _SMALL, "regular")]
        for item in volume.items:
            node = item.nodes[0]
            if node.op.family == "source" or (volume.size is None and node.op.symbol):
                continue
            found.append(_Words(node.op.name, _SMALL, "regular"))
            if item is first:
                pieces = [each for text in facts.attributes(node) for each in text.split(", ")]
                found += [
                    _Words(_SQUARE.sub(r"\1\2", each.removeprefix("kernel ")), _SMALL, "regular")
                    for each in pieces
                    if not each.startswith(_LEFT_OUT)
                ]
        return found

    def _drawn(self, solid: _Solid, before: Volume | None) -> Iterator[Item]:
        volume = solid.volume
        tones = self._view.tones(volume.items[0], self._theme)
        fill, border = tones.fill, tones.border
        ink = Ink(fill, border, 0.8)
        if volume.size is None:
            yield Box(*solid.outline, ink, "ellipse", node=volume.name)
            symbol, colour = volume.node.op.symbol, tones.ink
            yield Text(
                solid.middle, solid.y + 3.2, symbol, 9.0, colour, "regular", "middle", volume.name
            )
            return
        upper, far = sides(fill, border, self._theme.paper)
        left, top, bottom = solid.left, solid.top, solid.bottom
        near, aside = left + solid.deep, solid.aside
        yield Polygon(
            ((left, top), (left + aside, top - aside), (near + aside, top - aside), (near, top)),
            Ink(upper, border, 0.8),
            volume.name,
        )
        yield Polygon(
            (
                (near, top),
                (near + aside, top - aside),
                (near + aside, bottom - aside),
                (near, bottom),
            ),
            Ink(far, border, 0.8),
            volume.name,
        )
        yield Box(left, top, solid.deep, solid.high, ink, node=volume.name)
        yield from self._sizes(solid, before)

    def _sizes(self, solid: _Solid, before: Volume | None) -> Iterator[Text]:
        """Numbers at the edges: of maps always, of their sides where they change."""
        size = solid.volume.size
        assert size is not None
        colour = self._theme.faint
        low = solid.bottom + _SMALL + 1
        yield Text(solid.middle, low, f"{size[0]:,}", _SMALL, colour, "regular", "middle")
        if size[1:] == (1, 1) or (
            before is not None and before.size and before.size[1:] == size[1:]
        ):
            return
        x, y = solid.left + solid.aside / 2 - 2, solid.top - solid.aside / 2
        if solid.high < _LOW:  # no room for two numbers beside an arrow
            words = str(size[1]) if size[1] == size[2] else f"{size[1]}×{size[2]}"
            yield Text(x, y, words, _SMALL, colour, "regular", "end")
            return
        yield Text(solid.left - 2, solid.bottom - 1, str(size[1]), _SMALL, colour, "regular", "end")
        yield Text(x, y, str(size[2]), _SMALL, colour, "regular", "end")

    def _written(self, solid: _Solid, label: Sequence[_Words]) -> Iterator[Item]:
        middle, y = solid.middle, solid.bottom + (_SMALL + 3 if solid.volume.size else 0.0)
        start, _ = self._extent(solid.volume, label)
        for words in label:
            y += words.size * _LEADING
            colour = self._theme.ink
            if start > 0:
                yield Text(middle + start, y, words.text, words.size, colour, words.face)
            else:
                yield Text(middle, y, words.text, words.size, colour, words.face, "middle")
        for found, side, columns in self._images(solid.volume):
            across = min(len(found), columns)
            x = middle - (across * side + (across - 1) * thumbnails.GAP) / 2
            yield from thumbnails.sheet(found, x, y + 5, side, columns, solid.volume.name)
            y += -(-len(found) // columns) * (side + thumbnails.GAP) + 5
        self._lows[solid.volume.name] = y

    def _images(self, volume: Volume) -> Iterator[tuple[list[Array], float, int]]:
        """Pictures to show below a box, the side of each, and how many are in a row."""
        if self._options.trace is None or volume.size is None:
            return
        values = self._options.trace.values
        filters = values.get(volume.node.parameters.get("weight") or "")
        if filters is not None and filters.ndim == 4 and filters.shape[1] in (1, 3):
            yield [each for one in filters[:9] for each in thumbnails.pictures(one, 1)], 10.0, 3
        maps = thumbnails.maps(values, [item.nodes[0].name for item in volume.items])
        if maps is not None:
            found = thumbnails.pictures(maps, _MAPS)
            yield (found, 2 * _THUMB, 1) if len(found) == 1 else (found, _THUMB, 2)

    def _images_height(self, volume: Volume) -> float:
        return fsum(
            -(-len(found) // columns) * (side + thumbnails.GAP) + 5
            for found, side, columns in self._images(volume)
        )

    def _arrow(self, known: list[Point], source: _Solid, target: _Solid, free: Free) -> Path:
        """A plain line where nothing is in its way, else that of the layout."""
        slope = (target.y - source.y) / max(target.left - source.middle, 1.0)
        slope = max(-1.5, min(1.5, slope))
        start, end = source.port(slope, out=True), target.port(-slope, out=False)
        reach = (end[0] - start[0]) / 2
        before = (start[0] + reach, start[1]) if source.volume.size else _on(start, reach, slope)
        after = (end[0] - reach, end[1]) if target.volume.size else _on(end, -reach, slope)
        curve = [start, before, after, end]
        if not is_clear(curve, free, (source.outline, target.outline)):
            curve = [start, *known[1:-1], end]
        curves = tuple(
            (curve[at], curve[at + 1], curve[at + 2]) for at in range(1, len(curve) - 2, 3)
        )
        ink = Ink(None, self._theme.line, 0.9)
        ends = {"node": target.volume.name, "source": source.volume.name}
        return Path(start, curves, ink, arrow=True, **ends)

    def _arcs(self, solids: Mapping[str, _Solid]) -> Iterator[Path]:
        """Lines over the top, the shorter ones below the longer."""
        ink = Ink(None, self._theme.line, 0.9)
        taken: list[tuple[float, float, float]] = []
        spans = [(solids[source], solids[target]) for source, target in self._found.skips]
        for source, target in sorted(spans, key=lambda span: span[1].left - span[0].left):
            start, end = source.roof(_APART), target.roof(-_APART)
            between = [
                solid.top - solid.aside - 3
                for solid in solids.values()
                if start[0] - 20 <= solid.middle <= end[0] + 20
            ]
            levels = [level for left, right, level in taken if left < end[0] and start[0] < right]
            level = min([*between, *levels]) - _LANE
            taken.append((start[0], end[0], level))
            points = bent([start, (start[0], level), (end[0], level), end])
            curves = tuple(
                (points[at], points[at + 1], points[at + 2]) for at in range(1, len(points), 3)
            )
            ends = {"node": target.volume.name, "source": source.volume.name}
            yield Path(start, curves, ink, arrow=True, **ends)

    def _brackets(self, solids: Mapping[str, _Solid]) -> Iterator[Item]:
        """Below what repeats, and below what a block holds."""
        lows = dict(self._lows)
        for name, solid in solids.items():
            if solid.volume.count > 1:
                words = f"× {solid.volume.count}"
                yield from self._bracket([solid], lows[name], words)
                lows[name] += _BRACKET
        for name, frame in reversed(self._view.frames.items()):
            inside = [
                each for each in solids if name in self._view.around(solids[each].volume.frame)
            ]
            if inside:
                low = max(lows[each] for each in inside)
                yield from self._bracket([solids[each] for each in inside], low, frame.title)
                lows |= dict.fromkeys(inside, low + _BRACKET)

    def _bracket(self, solids: Sequence[_Solid], low: float, words: str) -> Iterator[Item]:
        left = min(solid.place[0] for solid in solids) + 1
        right = max(solid.place[0] + solid.place[2] for solid in solids) - 1
        ink = Ink(None, self._theme.line, 0.8)
        y = low + 7
        yield line([(left, y - 3.5), (left, y), (right, y), (right, y - 3.5)], ink)
        middle = (left + right) / 2
        yield Text(middle, y + _NAME + 1, words, _NAME, self._theme.ink, "strong", "middle")

    def _below(self) -> list[str]:
        words = (
            "The sides of a box are proportional to the square roots of height and width, its "
            "depth to that of the number of maps."
        )
        images = (
            "The images are the first filters of layers that read images, and the first maps of "
            "the first row; black is the least number of each and white the largest."
        )
        shown = [] if self._options.trace is None else [images]
        return [words, *shown, *facts.not_drawn(self._view.graph)]


def _on(point: Point, reach: float, slope: float) -> Point:
    """A point further along a line."""
    return point[0] + reach, point[1] + reach * slope
