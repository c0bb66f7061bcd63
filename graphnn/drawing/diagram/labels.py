"""Free places for words beside lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import hypot

from graphnn.drawing.diagram.scene import Point, Rectangle

_CELL = 32.0  # points
_HEAD = 4.0  # of an arrow
_STEPS, _STEP = 24, 3.0  # points looked at along each curve, and how far apart they are at most
_NEAR, _FAR = 6.0, 60.0  # how far from the end of the line
_ASIDE = (3.0, 5.0, 8.0, 12.0, 17.0, 25.0, 40.0, 60.0)  # how far beside it


class Free:
    """What is taken, in a grid, so that looking a place up takes the same time in any picture."""

    def __init__(self, boxes: Iterable[Rectangle], lines: Iterable[Sequence[Point]]) -> None:
        self._cells: dict[tuple[int, int], list[Rectangle]] = {}
        for box in boxes:
            self.take(box)
        for line in lines:
            for x, y in along(line):
                self.take((x, y, 0.0, 0.0))
            x, y = line[-1]
            self.take((x - _HEAD, y - _HEAD, 2 * _HEAD, 2 * _HEAD))

    def take(self, place: Rectangle) -> None:
        """Let nothing else stand in `place`."""
        for cell in _cells(place):
            self._cells.setdefault(cell, []).append(place)

    def has(self, place: Rectangle) -> bool:
        """Whether nothing stands in `place`."""
        return not any(
            overlap(place, other) for cell in _cells(place) for other in self._cells.get(cell, ())
        )


def is_clear(curve: Sequence[Point], free: Free, ends: Iterable[Rectangle]) -> bool:
    """Whether nothing is in the way of a curve but what it joins."""
    near = [(x - 2, y - 2, wide + 4, high + 4) for x, y, wide, high in ends]
    points = ((x, y, 0.0, 0.0) for x, y in along(curve))
    return all(free.has(point) or any(overlap(point, end) for end in near) for point in points)


def place(line: Sequence[Point], width: float, height: float, free: Free) -> Rectangle:
    """A place beside the end of `line`, which is then taken; over it where none is free."""
    candidates = list(_beside(line, width, height))
    found = next((each for each in candidates if free.has(each)), candidates[0])
    free.take(found)
    return found


def _beside(line: Sequence[Point], width: float, height: float) -> Iterator[Rectangle]:
    """Places beside the last part of a line, the nearest to it first."""
    points = list(along(line))[::-1]
    (x, y), (before, above) = points[0], points[min(3, len(points) - 1)]
    steep = abs(y - above) >= abs(x - before)
    gone = [max(abs(px - x), abs(py - y)) for px, py in points]
    near = [point for point, far in zip(points, gone, strict=True) if _NEAR <= far <= _FAR]
    for aside in _ASIDE:
        for px, py in near or points[:1]:
            right = (px + aside, py - height / 2, width, height)
            left = (px - aside - width, py - height / 2, width, height)
            over = (px - width / 2, py - aside / 2 - height, width, height)
            under = (px - width / 2, py + aside / 2, width, height)
            yield from (right, left) if steep else (over, under, left)


def along(line: Sequence[Point]) -> Iterator[Point]:
    """Points along curves: a start, then two control points and an end for each."""
    for at in range(0, len(line) - 3, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = line[at : at + 4]
        fastest = 3 * max(hypot(bx - ax, by - ay), hypot(cx - bx, cy - by), hypot(dx - cx, dy - cy))
        steps = max(_STEPS, int(fastest / _STEP))
        for step in range(steps):
            t = step / steps
            u = 1 - t
            a, b, c, d = u * u * u, 3 * t * u * u, 3 * t * t * u, t * t * t
            yield a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy
    yield line[-1]


def _cells(place: Rectangle) -> Iterator[tuple[int, int]]:
    x, y, width, height = place
    for column in range(int(x // _CELL), int((x + width) // _CELL) + 1):
        for row in range(int(y // _CELL), int((y + height) // _CELL) + 1):
            yield column, row


def overlap(a: Rectangle, b: Rectangle) -> bool:
    """Whether two rectangles overlap, or touch."""
    return (
        a[0] <= b[0] + b[2] and b[0] <= a[0] + a[2] and a[1] <= b[1] + b[3] and b[1] <= a[1] + a[3]
    )
