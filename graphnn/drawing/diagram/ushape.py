"""Networks that narrow and widen again, with lines across between their halves, as a U.

The first half goes down at the left, the second up at the right, and each line across joins two
boxes at one height. What is not a chain with such lines has no layout here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import fsum

from graphnn.drawing.diagram.labels import along
from graphnn.drawing.diagram.layout import Arrangement, Layout, lay_out
from graphnn.drawing.diagram.routing import bent, ranks
from graphnn.drawing.diagram.scene import Point, Rectangle

_Ends = dict[tuple[str, str], tuple[str, str]]  # boxes that a line joins, by their units
_GAP, _ACROSS, _ASIDE = 22.0, 70.0, 26.0  # points: in a column, between both, to what is beside


@dataclass(frozen=True, slots=True)
class _Unit:
    """A box, or a frame with what is in it, from its upper left corner."""

    width: float
    height: float
    boxes: dict[str, Rectangle]
    lines: dict[int, list[Point]]

    def flipped(self, heading: float) -> _Unit:
        """Upside down, but for a heading of that height above."""
        whole = self.height + heading
        boxes = {name: (x, whole - y - h, w, h) for name, (x, y, w, h) in self.boxes.items()}
        lines = {at: [(x, whole - y) for x, y in line] for at, line in self.lines.items()}
        return _Unit(self.width, self.height, boxes, lines)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Units of both halves and how they are joined.

    Attributes
    ----------
    left, right : list of str
        From the top down, and from the bottom up.
    levels : list of (int, int, str, str)
        For each line across, the outermost first: the places of its ends in `left` and `right`,
        and its boxes. The last is the way from one half to the other.
    aside : dict of str to str
        Units beside the columns, by the box that reads them.
    """

    left: list[str]
    right: list[str]
    levels: list[tuple[int, int, str, str]]
    aside: dict[str, str]


def u_shaped(given: Arrangement) -> Layout | None:
    """Places for what is `given`; None where it has not this shape.

    Raises
    ------
    DrawingError
        There is no engine, or it fails.
    """
    unit_of = {name: given.inside.get(name) or name for name in given.sizes}
    shape = None if any(given.frames.values()) else _shape(given, unit_of)
    if shape is None:
        return None
    units = _units(given)
    heights = {name: height for name, (_, height) in given.headings.items()}
    units |= {name: units[name].flipped(heights.get(name, 0.0)) for name in shape.right}
    corners = _corners(shape, units)
    found = _joined(given, shape, unit_of, units, corners)
    return None if _crosses(given, found) else found


def _shape(given: Arrangement, unit_of: Mapping[str, str]) -> _Shape | None:
    """The halves of a chain of units whose other lines lie inside one another."""
    ends = _ends(given, unit_of)
    names = list(dict.fromkeys(unit_of.values()))
    spine = _spine(names, list(ends))
    places = {name: place for place, name in enumerate(spine)}
    aside = _aside(ends, places)
    if aside is None or len(spine) + len(aside) < len(names):
        return None
    across = sorted(
        (places[source], places[target], *boxes)
        for (source, target), boxes in ends.items()
        if source in places and places[target] != places[source] + 1
    )
    nested = all(a[0] < b[0] and b[1] < a[1] for a, b in pairwise(across))
    if len(across) < 2 or not nested:
        return None
    last, first = across[-1][:2]
    turn = last + 1 + (first - last) // 2  # the first unit of the right half
    across.append((turn - 1, turn, *ends[spine[turn - 1], spine[turn]]))
    levels = [(left, right - turn, source, target) for left, right, source, target in across]
    return _Shape(spine[:turn], spine[turn:], levels, aside)


def _ends(given: Arrangement, unit_of: Mapping[str, str]) -> _Ends:
    """The boxes that the first line between each two units joins."""
    ends: _Ends = {}
    for source, target in given.edges:
        if unit_of[source] != unit_of[target]:
            ends.setdefault((unit_of[source], unit_of[target]), (source, target))
    return ends


def _aside(ends: _Ends, places: Mapping[str, int]) -> dict[str, str] | None:
    """Units beside the spine, each with its one reader; None where they do not pair up."""
    if any(target not in places for _, target in ends):
        return None  # units beside the spine only feed it
    read = [(source, boxes[1]) for (source, _), boxes in ends.items() if source not in places]
    aside = dict(read)
    return aside if len(read) == len(set(aside.values())) else None


def _spine(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[str]:
    """The longest way from a unit to another."""
    height = ranks(names, edges)
    sources: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        sources[target].append(source)
    way = [max(names, key=lambda name: height[name])]
    while before := [each for each in sources[way[-1]] if height[each] == height[way[-1]] - 1]:
        way.append(max(before, key=lambda each: bool(sources[each])))
    return way[::-1]


def _units(given: Arrangement) -> dict[str, _Unit]:
    """Boxes outside frames, and frames as the engine lays them out, each by itself."""
    units = {
        name: _Unit(width, height, {name: (0.0, 0.0, width, height)}, {})
        for name, (width, height) in given.sizes.items()
        if not given.inside.get(name)
    }
    return units | _framed(given) if given.frames else units


def _framed(given: Arrangement) -> dict[str, _Unit]:
    """Frames as the engine lays them out, each by itself."""
    units: dict[str, _Unit] = {}
    frame = given.inside
    kept = [
        at for at, (a, b) in enumerate(given.edges) if frame.get(a) and frame[a] == frame.get(b)
    ]
    sizes = {name: size for name, size in given.sizes.items() if frame.get(name)}
    edges = [given.edges[at] for at in kept]
    laid = lay_out(replace(given, sizes=sizes, edges=edges))
    for name, (x, y, width, height) in laid.frames.items():
        boxes = {
            box: (left - x, top - y, wide, high)
            for box, (left, top, wide, high) in laid.boxes.items()
            if frame[box] == name
        }
        lines = {
            at: [(px - x, py - y) for px, py in line]
            for at, line in zip(kept, laid.lines, strict=True)
            if given.edges[at][0] in boxes
        }
        units[name] = _Unit(width, height, boxes, lines)
    return units


def _corners(shape: _Shape, units: Mapping[str, _Unit]) -> dict[str, Point]:
    """The upper left corner of every unit."""
    columns = [max(units[name].width for name in half) for half in (shape.left, shape.right)]
    middles = columns[0] / 2, columns[0] + _ACROSS + columns[1] / 2
    tops = _tops(shape, units)
    corners = {
        name: (middle - units[name].width / 2, tops[name])
        for half, middle in zip((shape.left, shape.right), middles, strict=True)
        for name in half
    }
    for name, reader in shape.aside.items():
        owner = next(each for each in corners if reader in units[each].boxes)
        x, top = corners[owner]
        y = top + _middle(units[owner].boxes[reader]) - units[name].height / 2
        width = units[owner].width
        outside = x - _ASIDE - units[name].width if owner in shape.left else x + width + _ASIDE
        corners[name] = outside, y
    return corners


def _tops(shape: _Shape, units: Mapping[str, _Unit]) -> dict[str, float]:
    """Upper edges of the units in both columns, with the ends of each line across level."""
    tops: dict[str, float] = {}
    y, above = 0.0, (0, len(shape.right))  # the units that are not yet placed
    for left, right, source, target in shape.levels:
        stacks = shape.left[above[0] : left + 1], shape.right[right : above[1]][::-1]
        feet = [
            units[stack[-1]].height - _middle(units[stack[-1]].boxes[box]) if stack else 0.0
            for stack, box in zip(stacks, (source, target), strict=True)
        ]
        heights = [fsum(units[name].height + _GAP for name in stack) - _GAP for stack in stacks]
        line = y + max(height - foot for height, foot in zip(heights, feet, strict=True))
        for stack, foot in zip(stacks, feet, strict=True):
            bottom = line + foot
            for name in reversed(stack):
                tops[name] = bottom - units[name].height
                bottom = tops[name] - _GAP
        y, above = line + max(feet) + _GAP, (left + 1, right)
    return tops


def _joined(
    given: Arrangement,
    shape: _Shape,
    unit_of: Mapping[str, str],
    units: Mapping[str, _Unit],
    corners: Mapping[str, Point],
) -> Layout:
    """All in its place, with the lines between units."""
    dx = -min(x for x, _ in corners.values())
    dy = -min(y for _, y in corners.values())
    boxes: dict[str, Rectangle] = {}
    lines: list[list[Point]] = [[] for _ in given.edges]
    for name, (x, y) in corners.items():
        for box, (left, top, width, height) in units[name].boxes.items():
            boxes[box] = left + x + dx, top + y + dy, width, height
        for at, line in units[name].lines.items():
            lines[at] = [(px + x + dx, py + y + dy) for px, py in line]
    half = dict.fromkeys(shape.left, "left") | dict.fromkeys(shape.right, "right")
    for at, (source, target) in enumerate(given.edges):
        if not lines[at]:
            ends = half.get(unit_of[source]), half.get(unit_of[target])
            upright = ends[0] if ends[0] == ends[1] else None
            lines[at] = _line(boxes[source], boxes[target], upright)
    frames = {
        name: (corners[name][0] + dx, corners[name][1] + dy, units[name].width, units[name].height)
        for name in given.frames
    }
    places = [*boxes.values(), *frames.values()]
    width, height = (max(place[at] + place[at + 2] for place in places) for at in (0, 1))
    return Layout(width, height, boxes, frames, tuple(lines))


def _line(source: Rectangle, target: Rectangle, upright: str | None) -> list[Point]:
    """A line between facing sides: down at the left, up at the right, or across."""
    (x, y, width, height), (left, top, wide, high) = source, target
    if upright is not None:
        rising = upright == "right"
        start = x + width / 2, y if rising else y + height
        end = left + wide / 2, top + high if rising else top
    else:
        start = x + width if left > x else x, y + height / 2
        end = left if left > x else left + wide, top + high / 2
        if top + high < start[1]:  # from the deepest box, where nothing is beside it
            middle = left + wide / 2
            return bent([start, (middle, start[1]), (middle, top + high)])
    return [start, start, end, end]


def _crosses(given: Arrangement, found: Layout) -> bool:
    """Whether a line runs over a box that it does not join."""
    for (source, target), line in zip(given.edges, found.lines, strict=True):
        for px, py in along(line):
            for name, (x, y, width, height) in found.boxes.items():
                inside = x < px < x + width and y < py < y + height
                if inside and name not in (source, target):
                    return True
    return False


def _middle(box: Rectangle) -> float:
    return box[1] + box[3] / 2
