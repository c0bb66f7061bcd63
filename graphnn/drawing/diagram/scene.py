"""A picture before it is written: shapes, lines, images and texts at their places, in points.

A style makes a `Scene`; a writer turns one into a file. Neither knows the other. The origin is the
upper left corner, y grows downwards, and what comes later is drawn above what comes before.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.text import Face, Run

Shape = Literal[
    "rectangle", "rounded", "stadium", "ellipse", "hexagon", "octagon", "slanted", "trapezium"
]
Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # x, y, width, height


@dataclass(frozen=True, slots=True)
class Ink:
    """How an outline is filled and drawn.

    Attributes
    ----------
    fill, stroke : str or None
        Colours such as ``#dcebfa``; None for neither.
    width : float
        Of the stroke, in points.
    dash : tuple of float
        Lengths of dashes and gaps in points; empty for a solid stroke.
    """

    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """An outline around a rectangle, `x` and `y` its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    ink: Ink
    shape: Shape = "rectangle"
    radius: float = 0.0
    node: str = ""


@dataclass(frozen=True, slots=True)
class Polygon:
    """Straight sides from corner to corner."""

    corners: tuple[Point, ...]
    ink: Ink
    node: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels in a rectangle, each a square of one colour.

    Attributes
    ----------
    x, y, width, height : float
    pixels : bytes
        Red, green and blue of each, row by row.
    columns : int
        Pixels in a row.
    """

    x: float
    y: float
    width: float
    height: float
    pixels: bytes
    columns: int
    node: str = ""

    @property
    def rows(self) -> int:
        """Rows of pixels."""
        return len(self.pixels) // (3 * self.columns)

    def png(self) -> bytes:
        """A PNG file of it, enlarged until viewers do not blur its pixels."""
        times = max(1, 256 // max(self.columns, self.rows))
        lines = b"".join(
            (b"\0" + b"".join(row[at : at + 3] * times for at in range(0, len(row), 3))) * times
            for row in self.row_bytes()
        )
        header = struct.pack(">IIBBBBB", self.columns * times, self.rows * times, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )

    def row_bytes(self) -> Iterator[bytes]:
        """The pixels of each row."""
        for at in range(0, len(self.pixels), 3 * self.columns):
            yield self.pixels[at : at + 3 * self.columns]


@dataclass(frozen=True, slots=True)
class Path:
    """Cubic curves from one point to the next.

    Attributes
    ----------
    start : Point
    curves : tuple of three points each
        Two control points and the end of each curve.
    arrow : bool
        Whether a head stands at the end.
    node : str
        The node that it leads to.
    source : str
        The node that it comes from.
    """

    start: Point
    curves: tuple[tuple[Point, Point, Point], ...]
    ink: Ink
    arrow: bool = False
    node: str = ""
    source: str = ""

    @property
    def points(self) -> list[Point]:
        """The start, then two control points and an end for each curve."""
        return [self.start, *(point for curve in self.curves for point in curve)]

    @property
    def end(self) -> Point:
        """Where it ends."""
        return self.curves[-1][2] if self.curves else self.start


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `x` is where its anchor stands, `y` its base line."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    face: Face = "regular"
    anchor: Anchor = "start"
    node: str = ""

    @property
    def width(self) -> float:
        """In points."""
        return measure.width(self.text, self.size, self.face)

    @property
    def left(self) -> float:
        """Where it begins."""
        shares = {"start": 0.0, "middle": 0.5, "end": 1.0}
        return self.x - shares[self.anchor] * self.width

    def pieces(self) -> Iterator[tuple[Run, float, float]]:
        """Pieces in one font each, with where they begin and how wide they are."""
        x = self.left
        for run in measure.runs(self.text, self.face):
            wide = self.size * run.font.width(run.text)
            yield run, x, wide
            x += wide


Item = Box | Polygon | Image | Path | Text


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture.

    Attributes
    ----------
    width, height : float
        In points.
    items : tuple of Item
        In the order in which they are drawn.
    background : str or None
        A colour; None for none.
    title, description : str
        For those who do not see it.
    links : mapping of str to str
        Addresses of nodes.
    """

    width: float
    height: float
    items: tuple[Item, ...]
    background: str | None = None
    title: str = ""
    description: str = ""
    links: tuple[tuple[str, str], ...] = ()

    def characters(self) -> dict[Face, str]:
        """All characters, by face."""
        found: dict[Face, str] = {}
        for item in self.items:
            if isinstance(item, Text):
                found[item.face] = found.get(item.face, "") + item.text
        return found


def outline_points(box: Box) -> list[Point]:
    """The corners of a `box` whose shape has straight sides."""
    x, y, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    middle, cut = y + box.height / 2, min(box.radius, box.height / 2, box.width / 2)
    if box.shape == "hexagon":
        return [
            (x + cut, y),
            (right - cut, y),
            (right, middle),
            (right - cut, bottom),
            (x + cut, bottom),
            (x, middle),
        ]
    if box.shape == "octagon":
        return [
            (x + cut, y),
            (right - cut, y),
            (right, y + cut),
            (right, bottom - cut),
            (right - cut, bottom),
            (x + cut, bottom),
            (x, bottom - cut),
            (x, y + cut),
        ]
    if box.shape == "slanted":
        return [(x + cut, y), (right, y), (right - cut, bottom), (x, bottom)]
    if box.shape == "trapezium":
        return [(x, y), (right, y), (right - cut, bottom), (x + cut, bottom)]
    return [(x, y), (right, y), (right, bottom), (x, bottom)]


def contains(box: Box, point: Point) -> bool:
    """Whether `point` is in the outline of `box`."""
    x, y = point
    if box.shape == "ellipse":
        across = 2 * (x - box.x) / box.width - 1
        along = 2 * (y - box.y) / box.height - 1
        return across * across + along * along <= 1
    if box.shape in ("rounded", "stadium"):
        limit = min(box.width, box.height) / 2
        radius = limit if box.shape == "stadium" else min(box.radius, limit)
        across = max(box.x + radius - x, 0.0, x - box.x - box.width + radius)
        along = max(box.y + radius - y, 0.0, y - box.y - box.height + radius)
        return across * across + along * along <= radius * radius
    corners = outline_points(box)
    return all(
        (bx - ax) * (y - ay) >= (by - ay) * (x - ax)
        for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True)
    )


def on_outline(box: Box, point: Point) -> Point:
    """Where the way from `point`, near `box`, to its middle meets the outline."""
    middle = box.x + box.width / 2, box.y + box.height / 2
    low, high = 0.0, 1.0
    for _ in range(12):
        share = (low + high) / 2
        tried = tuple(a + share * (b - a) for a, b in zip(point, middle, strict=True))
        low, high = (low, share) if contains(box, (tried[0], tried[1])) else (share, high)
    return point[0] + high * (middle[0] - point[0]), point[1] + high * (middle[1] - point[1])


def arrow_head(path: Path, length: float = 5.5, half: float = 2.4) -> list[Point]:
    """The three corners of the head of an arrow, its tip first."""
    tip = path.end
    last = (path.start, *path.curves[-1][:2]) if path.curves else (path.start,)
    # A curve may end at its last control point.
    before = next((point for point in reversed(last) if point != tip), tip)
    dx, dy = tip[0] - before[0], tip[1] - before[1]
    norm = (dx * dx + dy * dy) ** 0.5 or 1.0
    ux, uy = dx / norm, dy / norm
    foot = (tip[0] - length * ux, tip[1] - length * uy)
    return [
        tip,
        (foot[0] - half * uy, foot[1] + half * ux),
        (foot[0] + half * uy, foot[1] - half * ux),
    ]


def bounds(items: Iterable[Item]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of `items`."""
    points = [point for item in items for point in _extremes(item)]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _extremes(item: Item) -> Iterator[Point]:
    if isinstance(item, Text):
        yield item.left, item.y - 0.78 * item.size
        yield item.left + item.width, item.y + 0.24 * item.size
    elif isinstance(item, Box | Image):
        yield item.x, item.y
        yield item.x + item.width, item.y + item.height
    elif isinstance(item, Polygon):
        yield from item.corners
    else:
        yield item.start
        for first, second, end in item.curves:
            # A curve reaches at most three quarters of the way to its control points.
            yield from (end, _between(first, end), _between(second, end))


def _between(control: Point, end: Point) -> Point:
    return 0.75 * control[0] + 0.25 * end[0], 0.75 * control[1] + 0.25 * end[1]


def arrow_along(points: Sequence[Point], ink: Ink, *, node: str = "", source: str = "") -> Path:
    """An arrow along a start, then two control points and an end for each curve."""
    curves = tuple(zip(points[1::3], points[2::3], points[3::3], strict=False))
    return Path(points[0], curves, ink, arrow=True, node=node, source=source)


def line(points: Sequence[Point], ink: Ink, *, arrow: bool = False, node: str = "") -> Path:
    """Straight lines from point to point."""
    curves = tuple((start, end, end) for start, end in pairwise(points))
    return Path(points[0], curves, ink, arrow, node)


def hatching(corners: Sequence[Point], ink: Ink, gap: float = 4.0) -> Iterator[Path]:
    """Parallel lines at 45 degrees inside a convex polygon."""
    sums = [x + y for x, y in corners]
    sides = [*pairwise([*corners, corners[0]])]
    for step in range(int(min(sums) // gap) + 1, int(max(sums) // gap) + 1):
        level = step * gap
        ends = []
        for (ax, ay), (bx, by) in sides:
            before, after = ax + ay - level, bx + by - level
            if (before < 0) != (after < 0):
                share = before / (before - after)
                ends.append((ax + share * (bx - ax), ay + share * (by - ay)))
        if len(ends) == 2:
            yield line(ends, ink)


def scaled(scene: Scene, factor: float) -> Scene:
    """`scene` `factor` times as large, letters and lines too."""
    items = tuple(_scaled(item, factor) for item in scene.items)
    return replace(scene, width=scene.width * factor, height=scene.height * factor, items=items)


def _scaled(item: Item, factor: float) -> Item:
    if isinstance(item, Text):
        return replace(item, x=item.x * factor, y=item.y * factor, size=item.size * factor)
    if isinstance(item, Box | Image):
        place = {key: getattr(item, key) * factor for key in ("x", "y", "width", "height")}
        if isinstance(item, Image):
            return replace(item, **place)
        return replace(item, **place, radius=item.radius * factor, ink=_thicker(item.ink, factor))
    bigger = replace(item, ink=_thicker(item.ink, factor))
    return _each_point(bigger, lambda x, y: (x * factor, y * factor))


def _thicker(ink: Ink, factor: float) -> Ink:
    dash = tuple(length * factor for length in ink.dash)
    return replace(ink, width=ink.width * factor, dash=dash)


def moved(item: Item, dx: float, dy: float) -> Item:
    """`item` somewhere else."""
    if isinstance(item, Path | Polygon):
        return _each_point(item, lambda x, y: (x + dx, y + dy))
    return replace(item, x=item.x + dx, y=item.y + dy)


def _each_point(item: Path | Polygon, place: Callable[[float, float], Point]) -> Path | Polygon:
    if isinstance(item, Polygon):
        return replace(item, corners=tuple(place(*corner) for corner in item.corners))
    curves = tuple(
        (place(*first), place(*second), place(*end)) for first, second, end in item.curves
    )
    return replace(item, start=place(*item.start), curves=curves)
