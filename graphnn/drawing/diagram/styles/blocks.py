"""Oblique boxes, as papers draw convolutional networks: as large as the maps, as deep as many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import fsum, sqrt
from typing import NamedTuple

from graphnn.drawing.diagram import facts, levels, thumbnails
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.columns import wrapped
from graphnn.drawing.diagram.labels import Free, overlap
from graphnn.drawing.diagram.layout import Arrangement, Layout, lay_out
from graphnn.drawing.diagram.options import SMALLEST, DiagramOptions
from graphnn.drawing.diagram.page import page, room
from graphnn.drawing.diagram.palette import THEMES, sides
from graphnn.drawing.diagram.scene import (
    Box,
    Ink,
    Item,
    Polygon,
    Rectangle,
    Scene,
    Text,
    line,
)
from graphnn.drawing.diagram.solids import LANE, Solid, arcs, arrow, most_over, straight, turn
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
_GAP = 9.0  # points between boxes
_CLEAR = 4.0  # points above the arcs
_LEGIBLE = 0.85  # how small a picture may be on the page before it is cut into rows
_LEFT_OUT = ("padding", "dilation", "bias")  # attributes that the sizes show
_SQUARE = re.compile(r"^(stride )(\d+)×\2$")
_BRACKET = 18.0  # points, with what is written below it
_THUMB, _MAPS = 15.0, 4  # side of a map in points, and how many are shown


class _Words(NamedTuple):
    """A line below a box."""

    text: str
    size: float
    face: Face


def scene(view: View, options: DiagramOptions) -> Scene:
    """Boxes, from left to right.

    Raises
    ------
    DrawingError
        A size is free, or a box has more than three axes; or the layout fails.
    """
    return _Painter(view, options).scene()


_Labels = Mapping[str, Sequence[_Words]]


class _Painter:
    def __init__(self, view: View, options: DiagramOptions) -> None:
        self._view, self._options = view, options
        self._theme = THEMES[options.theme]
        self._lows: dict[str, float] = {}  # where what is written below a box ends
        self._found = volumes(view, expand=options.expand)
        self._held = Counter(
            frame for each in self._found.volumes.values() for frame in view.around(each.frame)
        )
        self._into: dict[str, list[str]] = {name: [] for name in self._found.volumes}
        for source, target in self._found.edges:
            self._into[target].append(source)
        sizes = [each.size for each in self._found.volumes.values() if each.size is not None]
        side = max((max(size[1:]) for size in sizes), default=1)
        channels = max((size[0] for size in sizes), default=1)
        self._pixel = min(_HIGHEST / sqrt(side), _PIXEL)
        self._channel = min(_DEEPEST / sqrt(channels), _CHANNEL)

    def scene(self) -> Scene:
        found = self._found
        labels = {name: self._label(each) for name, each in found.volumes.items()}
        layout, below = self._places(labels)
        solids = {
            name: self._solid(each, labels[name], below, layout)
            for name, each in found.volumes.items()
        }
        sizes = {name: list(self._sizes(solid)) for name, solid in solids.items()}
        free = Free((solid.outline for solid in solids.values()), ())
        for name, solid in solids.items():
            free.take(self._written_place(solid, labels[name]))
        for text in (text for texts in sizes.values() for text in texts):
            free.take((text.left, text.y - _SMALL, text.width, _SMALL))
        items: list[Item] = []
        ink = Ink(None, self._theme.line, 0.9)
        margins: dict[int, float] = {}
        for solid in solids.values():
            margins[solid.row] = min(margins.get(solid.row, solid.place[0]), solid.place[0])
        for known, edge in zip(layout.lines, found.edges, strict=False):
            ends = solids[edge[0]], solids[edge[1]]
            row = ends[1].row
            if ends[0].row == row:
                items.append(arrow(known, ends, free, ink))
            else:
                items.append(turn(ends, margins[row], layout.cuts, free, ink))
        for name, solid in solids.items():
            items += self._drawn(solid)
            items += sizes[name]
            items += self._written(solid, labels[name])
        items += arcs(found, solids, ink)
        items += self._brackets(solids)
        return page(self._view, self._options, items, self._below())

    def _places(self, labels: _Labels) -> tuple[Layout, float]:
        """Where all is, and how much of a place is below a box."""
        found, rows = self._found, levels.rows(self._found)
        below = max(self._below_height(found.volumes[name], labels[name]) for name in labels)
        shared = [name for name in self._view.frames if self._held[name] > 1]
        if rows is not None:
            self._above = LANE + _CLEAR
            below += self._brackets_height(shared)
            return levels.laid_out(rows, found, self._sizes_with(labels, below)), below
        self._above = LANE * most_over(found) + _CLEAR if found.skips else 0.0
        width, _ = room(self._view, self._options)
        plain = self._in_a_row(labels, below)
        whole = self._with_brackets(plain, shared, width)
        apart = {name for name, place in whole.items() if not self._meets(name, place, plain)}
        if parted := [name for name in shared if name not in apart]:
            below += self._brackets_height(parted)
            plain = self._in_a_row(labels, below)
            again = self._with_brackets(plain, shared, width)
            whole = {name: place for name, place in again.items() if name not in parted}
        return self._in_rows(replace(plain, frames=whole)), below

    def _in_a_row(self, labels: _Labels, below: float) -> Layout:
        sizes = self._sizes_with(labels, below)
        inside = dict.fromkeys(sizes, "")
        return lay_out(Arrangement(sizes, self._found.edges, {}, inside, {}), "right", gap=_GAP)

    def _in_rows(self, plain: Layout) -> Layout:
        """`plain` wrapped as a text is; no cut is below a skip, or inside one of its frames."""
        found, options, boxes = self._found, self._options, plain.boxes
        skips = [straight(boxes[source], boxes[target]) for source, target in found.skips]
        return wrapped(
            replace(plain, lines=(*plain.lines, *skips)),
            [source for source, _ in (*found.edges, *found.skips)],
            "right",
            room(self._view, options),
            options.columns,
            legible=_LEGIBLE if options.points is None else SMALLEST / _SMALL,
            parted=1,
        )

    def _with_brackets(
        self, layout: Layout, frames: Sequence[str], width: float
    ) -> dict[str, Rectangle]:
        """Those of the blocks `frames` that are at most so wide, with the brackets below them."""
        found: dict[str, Rectangle] = {}
        lows = {name: y + high for name, (_, y, _, high) in layout.boxes.items()}
        for frame in reversed(frames):
            inside = [name for name in lows if frame in self._frames_of(name)]
            low = max(lows[name] for name in inside) + _BRACKET
            lows |= dict.fromkeys(inside, low)
            boxes = [layout.boxes[name] for name in inside]
            left, top = (min(box[axis] for box in boxes) for axis in (0, 1))
            right = max(box[0] + box[2] for box in boxes)
            if right - left <= width:
                found[frame] = left, top, right - left, low - top
        return found

    def _meets(self, frame: str, place: Rectangle, layout: Layout) -> bool:
        """Whether something else is in the `place` of a block and its bracket."""
        return any(
            overlap(place, box)
            for name, box in layout.boxes.items()
            if frame not in self._frames_of(name)
        )

    def _frames_of(self, volume: str) -> list[str]:
        return self._view.around(self._found.volumes[volume].frame)

    def _brackets_height(self, frames: Sequence[str]) -> float:
        """Of the brackets of blocks inside one another below one row."""
        around = [self._frames_of(name) for name in self._found.volumes]
        return _BRACKET * max(sum(frame in frames for frame in each) for each in around)

    def _sizes_with(self, labels: _Labels, below: float) -> dict[str, tuple[float, float]]:
        volumes = self._found.volumes
        return {name: self._room(volumes[name], words, below) for name, words in labels.items()}

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

    def _written_place(self, solid: Solid, label: Sequence[_Words]) -> Rectangle:
        start, end = self._extent(solid.volume, label)
        high = self._below_height(solid.volume, label)
        return solid.middle + start, solid.bottom, end - start, high

    def _pads(self, volume: Volume, label: Sequence[_Words]) -> tuple[float, float]:
        """How far what is drawn and written reaches to the left and the right of the face."""
        deep, _, aside = self._shape(volume)
        start, end = self._extent(volume, label)
        return max(self._left(volume), -start - deep / 2, 1.0), max(aside, end - deep / 2, 1.0)

    def _room(self, volume: Volume, label: Sequence[_Words], below: float) -> tuple[float, float]:
        """How wide and high a box is with what is written at it."""
        deep, high, aside = self._shape(volume)
        return deep + fsum(self._pads(volume, label)), self._above + high + aside + below

    def _solid(
        self, volume: Volume, label: Sequence[_Words], below: float, layout: Layout
    ) -> Solid:
        x, y, _, high = place = layout.boxes[volume.name]
        left, _ = self._pads(volume, label)
        middle = y + (high + self._above - below) / 2
        row = layout.column(volume.name, "right")
        return Solid(volume, x + left, middle, *self._shape(volume), place, row)

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

    def _drawn(self, solid: Solid) -> Iterator[Item]:
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

    def _sizes(self, solid: Solid) -> Iterator[Text]:
        """Numbers at the edges: of maps always, of their sides where they change."""
        size = solid.volume.size
        if size is None:
            return
        colour = self._theme.faint
        low = solid.bottom + _SMALL + 1
        yield Text(solid.middle, low, f"{size[0]:,}", _SMALL, colour, "regular", "middle")
        before = [self._found.volumes[name].size for name in self._into[solid.volume.name]]
        if size[1:] == (1, 1) or any(each and each[1:] == size[1:] for each in before):
            return
        x, y = solid.left + solid.aside / 2 - 2, solid.top - solid.aside / 2
        if solid.high < _LOW:  # no room for two numbers beside an arrow
            words = str(size[1]) if size[1] == size[2] else f"{size[1]}×{size[2]}"
            yield Text(x, y, words, _SMALL, colour, "regular", "end")
            return
        yield Text(solid.left - 2, solid.bottom - 1, str(size[1]), _SMALL, colour, "regular", "end")
        yield Text(x, y, str(size[2]), _SMALL, colour, "regular", "end")

    def _written(self, solid: Solid, label: Sequence[_Words]) -> Iterator[Item]:
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

    def _brackets(self, solids: Mapping[str, Solid]) -> Iterator[Item]:
        """Below what repeats, and below what a block holds."""
        lows = dict(self._lows)
        for name, solid in solids.items():
            if solid.volume.count > 1:
                words = f"× {solid.volume.count}"
                yield from self._bracket([solid], lows[name], words)
                lows[name] += _BRACKET
        for name, frame in reversed(self._view.frames.items()):
            rows: dict[int, list[str]] = {}
            for each, solid in solids.items():
                if name in self._frames_of(each):
                    rows.setdefault(solid.row, []).append(each)
            for inside in rows.values():
                low = max(lows[each] for each in inside)
                yield from self._bracket([solids[each] for each in inside], low, frame.title)
                lows |= dict.fromkeys(inside, low + _BRACKET)

    def _bracket(self, solids: Sequence[Solid], low: float, words: str) -> Iterator[Item]:
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
