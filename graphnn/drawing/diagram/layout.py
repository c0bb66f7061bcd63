"""Places of boxes and lines, from the engine; lines over many ranks are routed here.

Graphviz gets boxes of fixed sizes under names of our own, and gives coordinates; it sees no text.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import graphviz

from graphnn.drawing.diagram import routing
from graphnn.drawing.diagram.engine import coordinates
from graphnn.drawing.diagram.options import Direction
from graphnn.drawing.diagram.scene import Point, Rectangle

FRAME_MARGIN = 9.0  # points around what is in a frame
_FAST_FROM = 60  # boxes from which the engine is given less time to improve what it found


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is to be laid out.

    Attributes
    ----------
    sizes : mapping of str to (width, height)
        Of the boxes, in points.
    edges : sequence of (source, target)
    frames : mapping of str to str
        The parent of every frame, empty for none; outer ones first.
    inside : mapping of str to str
        The frame of a box; empty for none.
    headings : mapping of str to (width, height)
        Room for the headings of frames, in points.
    """

    sizes: Mapping[str, tuple[float, float]]
    edges: Sequence[tuple[str, str]]
    frames: Mapping[str, str]
    inside: Mapping[str, str]
    headings: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, in points from the upper left corner.

    Attributes
    ----------
    width, height : float
    boxes, frames : mapping of str to Rectangle
    lines : tuple of list of Point
        For every edge: the start, then two control points and an end for each curve.
    cuts : tuple of float
        Middles of the gaps between columns, from the left, or between lines of boxes, from above;
        empty where all is in one.
    """

    width: float
    height: float
    boxes: dict[str, Rectangle]
    frames: dict[str, Rectangle]
    lines: tuple[list[Point], ...]
    cuts: tuple[float, ...] = ()

    def column(self, name: str, direction: Direction) -> int:
        """The column of a box, or its line where data flow to the right."""
        axis = 0 if direction == "down" else 1
        box = self.boxes[name]
        return bisect(self.cuts, box[axis] + box[axis + 2] / 2)


def lay_out(
    given: Arrangement,
    direction: Direction = "down",
    *,
    gap: float = 21.6,
) -> Layout:
    """Places for what is `given`.

    Parameters
    ----------
    given : Arrangement
    direction : {"down", "right"}
        Where data flow.
    gap : float
        Between boxes that follow one another, in points.

    Raises
    ------
    DrawingError
        There is no engine, or it fails.
    """
    boxes = {name: f"n{number}" for number, name in enumerate(given.sizes)}
    frames = {name: f"cluster_{number}" for number, name in enumerate(given.frames)}
    far = routing.far(list(given.sizes), given.edges)
    text = _dot(given, direction, gap, boxes, frames, far)
    found = _read(coordinates(text), given, boxes, frames)
    return _with_lanes(found, given, sorted(far), direction) if far else found


def _dot(
    given: Arrangement,
    direction: Direction,
    gap: float,
    boxes: Mapping[str, str],
    frames: Mapping[str, str],
    far: set[int],
) -> str:
    fast = {"nslimit": "1", "nslimit1": "1", "mclimit": "0.1"}
    digraph = graphviz.Digraph(
        "network",
        graph_attr={
            "rankdir": "TB" if direction == "down" else "LR",
            "nodesep": "0.25",
            "ranksep": f"{gap / 72:g}",
            **(fast if len(boxes) >= _FAST_FROM else {}),
        },
        node_attr={"shape": "box", "fixedsize": "true", "label": ""},
        edge_attr={"arrowhead": "none"},
    )
    bodies = {"": digraph}
    for name, key in frames.items():
        bodies[name] = graphviz.Digraph(key, graph_attr=_room(*given.headings[name]))
    for name, (width, height) in given.sizes.items():
        inches = {"width": f"{width / 72:.4f}", "height": f"{height / 72:.4f}"}
        bodies[given.inside.get(name, "")].node(boxes[name], **inches)
    for name in reversed(list(given.frames)):
        bodies[given.frames[name]].subgraph(bodies[name])
    for number, (source, target) in enumerate(given.edges):
        if number not in far:
            digraph.edge(boxes[source], boxes[target], id=str(number))
    return str(digraph.source)


def _room(width: float, height: float) -> dict[str, str]:
    """Attributes of a frame whose label is an empty table as large as its heading."""
    table = (
        f'<<table border="0" cellborder="0" fixedsize="true" width="{width:.0f}" '
        f'height="{height:.0f}"><tr><td></td></tr></table>>'
    )
    return {"label": table, "margin": f"{FRAME_MARGIN:g}", "labeljust": "l"}


def _read(
    answer: dict[str, Any],
    given: Arrangement,
    boxes: Mapping[str, str],
    frames: Mapping[str, str],
) -> Layout:
    _, _, width, height = (float(number) for number in answer["bb"].split(","))
    objects = {each["name"]: each for each in answer.get("objects", ())}

    def turned(text: str) -> Point:
        x, y = map(float, text.split(","))
        return x, height - y

    placed: dict[str, Rectangle] = {}
    for name, key in boxes.items():
        x, y = turned(objects[key]["pos"])
        wide, high = given.sizes[name]
        placed[name] = x - wide / 2, y - high / 2, wide, high
    around: dict[str, Rectangle] = {}
    for name, key in frames.items():
        left, low, right, top = map(float, objects[key]["bb"].split(","))
        around[name] = left, height - top, right - left, top - low
    lines: list[list[Point]] = [[] for _ in given.edges]
    for edge in answer.get("edges", ()):
        points = [part for part in edge["pos"].split() if not part.startswith(("s,", "e,"))]
        lines[int(edge["id"])] = [turned(point) for point in points]
    return Layout(width, height, placed, around, tuple(lines))


def _with_lanes(
    found: Layout, given: Arrangement, far: Sequence[int], direction: Direction
) -> Layout:
    """`found` with lines of our own for the edges `far`, all moved to make room for them."""
    if direction == "right":
        return turned(_with_lanes(turned(found), given, far, "down"))
    routes, room = routing.lanes([given.edges[number] for number in far], found.boxes)
    lines = list(found.lines)
    for number, route in zip(far, routes, strict=True):
        lines[number] = route

    def shifted(places: dict[str, Rectangle]) -> dict[str, Rectangle]:
        return {name: (x + room, y, w, h) for name, (x, y, w, h) in places.items()}

    return Layout(
        found.width + room,
        found.height,
        shifted(found.boxes),
        shifted(found.frames),
        tuple([(x + room, y) for x, y in line] for line in lines),
    )


def turned(found: Layout) -> Layout:
    """`found` with its axes exchanged."""

    def places(given: dict[str, Rectangle]) -> dict[str, Rectangle]:
        return {name: (y, x, height, width) for name, (x, y, width, height) in given.items()}

    lines = tuple([(y, x) for x, y in line] for line in found.lines)
    boxes, frames = places(found.boxes), places(found.frames)
    return Layout(found.height, found.width, boxes, frames, lines, found.cuts)
