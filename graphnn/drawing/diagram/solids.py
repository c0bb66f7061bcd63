"""Oblique boxes and circles at their places, and the lines between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt

from graphnn.drawing.diagram.labels import Free, is_clear
from graphnn.drawing.diagram.routing import bent
from graphnn.drawing.diagram.scene import Ink, Path, Point, Rectangle, arrow_along
from graphnn.drawing.diagram.volumes import Volume, Volumes

LANE = 7.0  # points between arcs
_APART = 2.5  # from the middle of a box to where an arc ends or begins
_TURN = 9.0  # how wide a line turns that is level elsewhere
_BESIDE = 4.5  # from the place of a box to a line around it


@dataclass(frozen=True, slots=True)
class Solid:
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
    row : int
        Counted from above.
    """

    volume: Volume
    left: float
    y: float
    deep: float
    high: float
    aside: float
    place: Rectangle
    row: int

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
        """Of the face."""
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


def straight(source: Rectangle, target: Rectangle) -> list[Point]:
    """The line from the right of one place to the left of another."""
    start = source[0] + source[2], source[1] + source[3] / 2
    end = target[0], target[1] + target[3] / 2
    return [start, start, end, end]


def arrow(known: list[Point], ends: tuple[Solid, Solid], free: Free, ink: Ink) -> Path:
    """A plain line where nothing is in its way, else one between the two places.

    The last resort is the line `known` of the layout.
    """
    source, target = ends
    slope = (target.y - source.y) / max(target.left - source.middle, 1.0)
    slope = max(-1.5, min(1.5, slope))
    start, end = source.port(slope, out=True), target.port(-slope, out=False)
    reach = (end[0] - start[0]) / 2
    before = (start[0] + reach, start[1]) if source.volume.size else _on(start, reach, slope)
    after = (end[0] - reach, end[1]) if target.volume.size else _on(end, -reach, slope)
    curve = [start, before, after, end]
    for each in (curve, *_level(source, target)):
        if is_clear(each, free, (source.outline, target.outline)):
            return _path(each, ends, ink)
    return _path([start, *known[1:-1], end], ends, ink)


def _level(source: Solid, target: Solid) -> Iterator[list[Point]]:
    """Lines that are level beside what is written at both, and turn between, sooner or later."""
    start, end = source.port(0.0, out=True), target.port(0.0, out=False)
    right, left = source.place[0] + source.place[2], target.place[0]
    for leave, enter in ((right, left), (right, right + _TURN), (left - _TURN, left)):
        (_, above), (_, below), middle = start, end, (leave + enter) / 2
        turned = [(leave, above), (middle, above), (middle, below), (enter, below)]
        yield [start, start, turned[0], *turned, turned[-1], end, end]


def turn(
    ends: tuple[Solid, Solid], margin: float, cuts: Sequence[float], free: Free, ink: Ink
) -> Path:
    """A line to another row, along the middle of the gap between them.

    It enters from `margin`, the left of all in the row, where nothing is in its way there.
    """
    source, target = ends
    start, end = source.port(0.0, out=True), target.port(0.0, out=False)
    leave = source.place[0] + source.place[2] + _BESIDE
    enter = target.place[0] - _BESIDE
    shared = (margin - _BESIDE, end[1])
    if is_clear([shared, shared, end, end], free, (target.outline,)):
        enter = shared[0]
    if leave <= enter:
        return _path(bent([start, (enter, start[1]), (enter, end[1]), end]), ends, ink)
    gap = cuts[source.row if target.row > source.row else target.row]
    corners = [(leave, start[1]), (leave, gap), (enter, gap), (enter, end[1])]
    return _path(bent([start, *corners, end]), ends, ink)


def arcs(found: Volumes, solids: Mapping[str, Solid], ink: Ink) -> Iterator[Path]:
    """Lines over the top, the shorter ones below the longer.

    One that begins in the row before leaves the line that leads from there.
    """
    taken: list[tuple[int, Point, Point, float]] = []
    spans = [
        (_start(found, solids, source, target), solids[source], solids[target])
        for source, target in found.skips
    ]
    for start, source, target in sorted(spans, key=lambda span: span[2].left - span[0][0]):
        end = target.roof(-_APART)
        ceiling = min(solid.place[1] for solid in (source, target) if solid.row == target.row)
        passed = found.between(source.volume.name, target.volume.name)
        between = [
            solid.top - solid.aside - 3
            for name, solid in solids.items()
            if solid.row == target.row and start[0] - 20 <= solid.middle <= end[0] + 20
            if name in passed or solid.bottom > ceiling  # not of a branch further up
        ]
        levels = [
            level
            for row, left, right, level in taken
            if row == target.row and left[0] < end[0] and start[0] < right[0]
            if max(left[1], right[1]) > ceiling
        ]
        level = min([*between, *levels]) - LANE
        taken.append((target.row, start, end, level))
        corners = [start, (start[0], level), (end[0], level), end]
        yield _path(bent(corners), (source, target), ink)


def most_over(found: Volumes) -> int:
    """How many skips pass over one volume at most."""
    places = {name: at for at, name in enumerate(found.volumes)}
    spans = [(places[source], places[target]) for source, target in found.skips]
    return max(sum(first < at < last for first, last in spans) for at in places.values())


def _start(found: Volumes, solids: Mapping[str, Solid], source: str, target: str) -> Point:
    row = solids[target].row
    readers = [solids[name] for before, name in found.edges if before == source]
    entered = [each for each in readers if each.row == row != solids[source].row]
    if not entered:
        return solids[source].roof(_APART)
    return entered[0].place[0] - _BESIDE, entered[0].y


def _path(points: Sequence[Point], ends: tuple[Solid, Solid], ink: Ink) -> Path:
    source, target = (solid.volume.name for solid in ends)
    return arrow_along(points, ink, node=target, source=source)


def _on(point: Point, reach: float, slope: float) -> Point:
    """A point further along a line."""
    return point[0] + reach, point[1] + reach * slope
