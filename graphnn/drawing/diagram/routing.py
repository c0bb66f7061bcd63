"""Lines that span many ranks: kept from the engine, whose time they would take, and drawn here.

They leave below the row of their source, run along a lane beside all boxes, and enter above the
row of their target, so that they cross no box. Lines of one source share a lane.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from graphnn.drawing.diagram.scene import Point, Rectangle

_SPANS = (12, 6, 3, 1)  # ranks that a line may span, tried from the first
_ROOM = 200  # ranks that lines may pass in all, beside one a box, before some are kept back
_LANE, _OUT, _IN, _BEND = 7.0, 6.0, 9.5, 5.0  # points


def far(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> set[int]:
    """Positions of the edges that the engine should not see; what it sees stays in one piece."""
    level = ranks(names, edges)
    spans = [level[target] - level[source] for source, target in edges]
    room = _ROOM + len(names)
    if sum(spans) - len(spans) <= room:
        return set()
    limit = next(
        (limit for limit in _SPANS if sum(s - 1 for s in spans if s <= limit) <= room), _SPANS[-1]
    )
    roots = {name: name for name in names}
    found = set()
    for number in sorted(range(len(edges)), key=lambda number: spans[number]):
        source, target = (_root(roots, name) for name in edges[number])
        if spans[number] > limit and source == target:
            found.add(number)
        roots[source] = target
    return found


def _root(roots: dict[str, str], name: str) -> str:
    while roots[name] != name:
        roots[name] = name = roots[roots[name]]
    return name


def ranks(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """How many boxes come before each, those without input as late as they can be."""
    readers: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    for source, target in edges:
        readers[source].append(target)
        waiting[target] += 1
    ranks = dict.fromkeys(names, 0)
    ready = [name for name in names if not waiting[name]]
    first = set(ready)
    for name in ready:  # grows
        for reader in readers[name]:
            ranks[reader] = max(ranks[reader], ranks[name] + 1)
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    for name in first:
        ranks[name] = min((ranks[reader] for reader in readers[name]), default=1) - 1
    return ranks


def lanes(
    edges: Sequence[tuple[str, str]], boxes: Mapping[str, Rectangle]
) -> tuple[list[list[Point]], float]:
    """Lines for `edges` that run at the left of all boxes, and how far they reach below x = 0."""
    rows = row_extents(boxes.values())
    reach: dict[str, tuple[float, float]] = {}  # of all lines of a source
    for source, target in edges:
        ends = [_middle(boxes[name]) for name in (source, target)]
        low, high = reach.get(source, (min(ends), max(ends)))
        reach[source] = min(low, *ends), max(high, *ends)
    taken: list[float] = []  # where each lane ends
    lane_of: dict[str, int] = {}
    for source, (low, high) in sorted(reach.items(), key=lambda item: item[1]):
        free = next((lane for lane, end in enumerate(taken) if end < low), len(taken))
        taken[free : free + 1] = [high]
        lane_of[source] = free
    lines = []
    for source, target in edges:
        x, y, width, height = boxes[source]
        right, top, wide, _ = boxes[target]
        lane = -(_LANE * (lane_of[source] + 1) + 6)
        shift = 1.5 * (lane_of[source] % 3)
        leave = rows[_row(boxes[source])][1] + _OUT + shift
        enter = rows[_row(boxes[target])][0] - _IN - shift
        start, end = x + 0.3 * width, right + 0.25 * wide
        corners = [
            *((start, y + height), (start, leave), (lane, leave)),
            *((lane, enter), (end, enter), (end, top)),
        ]
        lines.append(bent(corners))
    return lines, _LANE * len(taken) + 8 if taken else 0.0


def row_extents(boxes: Iterable[Rectangle]) -> dict[int, tuple[float, float]]:
    """Top and bottom of every row of boxes, by `_row`."""
    rows: dict[int, tuple[float, float]] = {}
    for box in boxes:
        top, bottom = rows.get(_row(box), (box[1], box[1] + box[3]))
        rows[_row(box)] = min(top, box[1]), max(bottom, box[1] + box[3])
    return rows


def bent(corners: Sequence[Point]) -> list[Point]:
    """The points of curves along `corners`, rounded at each."""
    points = [corners[0]]
    for at, (before, corner) in enumerate(pairwise(corners), start=1):
        if at == len(corners) - 1:
            points += [points[-1], corner, corner]
            break
        after = corners[at + 1]
        reach = min(_BEND, _length(before, corner) / 2, _length(corner, after) / 2)
        into, out = _toward(corner, before, reach), _toward(corner, after, reach)
        points += [points[-1], into, into, corner, corner, out]
    return points


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _toward(start: Point, end: Point, length: float) -> Point:
    whole = _length(start, end) or 1.0
    return (
        start[0] + (end[0] - start[0]) * length / whole,
        start[1] + (end[1] - start[1]) * length / whole,
    )


def _middle(box: Rectangle) -> float:
    return box[1] + box[3] / 2


def _row(box: Rectangle) -> int:
    """What the boxes of a rank have in common: they are centred on one line."""
    return round(_middle(box) / 2)
