"""Volumes that shrink and grow again, with skips across, as a U of rows: a row for each level.

The first half goes down at the left, the second up at the right, and each skip joins both halves of
a row. What is not a chain with skips inside one another has no layout here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import fsum

from graphnn.drawing.diagram.layout import Layout
from graphnn.drawing.diagram.scene import Rectangle
from graphnn.drawing.diagram.solids import straight
from graphnn.drawing.diagram.volumes import Volumes

_APART, _HALVES = 12.0, 26.0  # points: between boxes, and between both halves
_GAP = 20.0  # between rows, for the lines that lead from one to another

Row = tuple[list[str], list[str]]  # what is at the left, and at the right


def rows(found: Volumes) -> list[Row] | None:
    """The volumes of each level, the outermost first, of which the last has no right half.

    None where they form no U.
    """
    chain = list(found.volumes)
    if list(found.edges) != list(pairwise(chain)) or len(found.skips) < 2:
        return None
    places = {name: at for at, name in enumerate(chain)}
    skips = sorted((places[source], places[target]) for source, target in found.skips)
    if not all(a[0] < b[0] and b[1] < a[1] for a, b in pairwise(skips)):
        return None
    made: list[Row] = []
    left, right = 0, len(chain)
    for number, (source, target) in enumerate(skips):
        inner = skips[number + 1][1] if number + 1 < len(skips) else source
        first = _first(found, chain, source, inner + 1, target)
        made.append((chain[left : source + 1], chain[first:right]))
        left, right = source + 1, first
    made.append((chain[left:right], []))
    return made if made[-1][0] else None


def _first(found: Volumes, chain: Sequence[str], source: int, start: int, target: int) -> int:
    """Where the right half of a row begins: with what has grown to the size of its left half."""
    first = target
    while first > start and _sides(found, chain[first - 1]) == _sides(found, chain[source]):
        first -= 1
    return first if first > start else target


def _sides(found: Volumes, name: str) -> tuple[int, ...] | None:
    size = found.volumes[name].size
    return None if size is None else size[1:]


def laid_out(
    rows: Sequence[Row], found: Volumes, sizes: Mapping[str, tuple[float, float]]
) -> Layout:
    """Places for the volumes of `rows`, of `sizes` with what is written at them."""
    middle = max(_width(left, sizes) for left, right in rows if right) + _HALVES
    boxes: dict[str, Rectangle] = {}
    cuts: list[float] = []
    y = 0.0
    for left, right in rows:
        tallest = max(sizes[name][1] for name in (*left, *right))
        for half, start in ((left, 0.0), (right, middle)):
            x = start
            for name in half:
                wide, high = sizes[name]
                boxes[name] = x, y + (tallest - high) / 2, wide, high
                x += wide + _APART
        y += tallest + _GAP
        cuts.append(y - _GAP / 2)
    width = max(x + wide for x, _, wide, _ in boxes.values())
    lines = tuple(straight(boxes[source], boxes[target]) for source, target in found.edges)
    return Layout(width, y - _GAP, boxes, {}, lines, tuple(cuts[:-1]))


def _width(names: Sequence[str], sizes: Mapping[str, tuple[float, float]]) -> float:
    return fsum(sizes[name][0] for name in names) + _APART * (len(names) - 1)
