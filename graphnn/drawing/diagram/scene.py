"""A picture before it is written: boxes, lines and texts at their places, in points.

A style makes a `Scene`; a writer turns one into a file. Neither knows the other. The origin is the
upper left corner, y grows downwards, and what comes later is drawn above what comes before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from graphnn.drawing.diagram.text import Face

Shape = Literal["rectangle", "rounded", "stadium", "hexagon", "octagon", "slanted", "trapezium"]
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
    """

    start: Point
    curves: tuple[tuple[Point, Point, Point], ...]
    ink: Ink
    arrow: bool = False
    node: str = ""

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


Item = Box | Path | Text


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture.

    Attributes
    ----------
    width, height : float
        In points.
    items : tuple of Box, Path and Text
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


def arrow_head(path: Path, length: float = 5.5, half: float = 2.4) -> list[Point]:
    """The three corners of the head of an arrow, its tip first."""
    tip = path.end
    before = path.curves[-1][1] if path.curves else path.start
    dx, dy = tip[0] - before[0], tip[1] - before[1]
    norm = (dx * dx + dy * dy) ** 0.5 or 1.0
    ux, uy = dx / norm, dy / norm
    foot = (tip[0] - length * ux, tip[1] - length * uy)
    return [
        tip,
        (foot[0] - half * uy, foot[1] + half * ux),
        (foot[0] + half * uy, foot[1] - half * ux),
    ]


def scaled(scene: Scene, factor: float) -> Scene:
    """`scene` `factor` times as large, letters and lines too."""
    items = tuple(_scaled(item, factor) for item in scene.items)
    return replace(scene, width=scene.width * factor, height=scene.height * factor, items=items)


def _scaled(item: Item, factor: float) -> Item:
    if isinstance(item, Text):
        return replace(item, x=item.x * factor, y=item.y * factor, size=item.size * factor)
    dash = tuple(length * factor for length in item.ink.dash)
    ink = replace(item.ink, width=item.ink.width * factor, dash=dash)
    if isinstance(item, Box):
        return replace(
            item,
            x=item.x * factor,
            y=item.y * factor,
            width=item.width * factor,
            height=item.height * factor,
            radius=item.radius * factor,
            ink=ink,
        )
    return _each_point(replace(item, ink=ink), lambda x, y: (x * factor, y * factor))


def moved(item: Item, dx: float, dy: float) -> Item:
    """`item` somewhere else."""
    if isinstance(item, Path):
        return _each_point(item, lambda x, y: (x + dx, y + dy))
    return replace(item, x=item.x + dx, y=item.y + dy)


def _each_point(path: Path, place: Callable[[float, float], Point]) -> Path:
    curves = tuple(
        (place(*first), place(*second), place(*end)) for first, second, end in path.curves
    )
    return replace(path, start=place(*path.start), curves=curves)
