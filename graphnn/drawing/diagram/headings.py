"""Places of the headings of frames: beside the lines that enter, not across them.

A frame that has no room for its heading beside its lines is made wider where nothing is beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf

from graphnn.drawing.diagram.labels import along, overlap
from graphnn.drawing.diagram.layout import FRAME_MARGIN, Arrangement, Layout
from graphnn.drawing.diagram.scene import Point, Rectangle

_INSET, _TOP = 5.0, 2.0  # from the corner of a frame to its heading
_BESIDE = 3.0  # between a heading and a line
_SLACK = 0.5  # by which the engine rounds
_AWAY = 0.25  # how much wider a frame may be for a heading that is a point nearer to its corner


def with_headings(found: Layout, given: Arrangement) -> tuple[Layout, dict[str, Rectangle]]:
    """`found` with some frames made wider, and the place of the heading of each frame."""
    placing = _Placing(found, given)
    places = {name: placing.place(name) for name in reversed(list(given.frames))}
    frames = placing.frames
    left = min((x for x, _, _, _ in frames.values()), default=0.0)
    right = max((x + width for x, _, width, _ in frames.values()), default=0.0)
    width = max(found.width, right) - min(0.0, left)
    return replace(found, width=width, frames=frames), places


class _Placing:
    def __init__(self, found: Layout, given: Arrangement) -> None:
        self.frames = dict(found.frames)
        self._boxes, self._given = found.boxes, given
        self._lines = [list(along(line)) for line in found.lines]
        self._heights = [_extent([y for _, y in line]) for line in self._lines]

    def place(self, name: str) -> Rectangle:
        """The place of a heading, for which its frame and those around it may become wider."""
        x, y, _, _ = self.frames[name]
        wide, high = self._given.headings[name]
        band = y + _TOP, y + _TOP + high
        for _, at in sorted(self._tried(name, wide, band)):
            wider = self._widened(name, at - _INSET, at + wide + _INSET)
            if wider is not None:
                self.frames |= wider
                return at, band[0], wide, high
        return x + _INSET, band[0], wide, high

    def _tried(self, name: str, wide: float, band: Point) -> Iterator[Point]:
        """Places between lines, the left end of each, with how bad it is.

        What counts is by how much the frame must be wider, and how far it is from the corner.
        """
        x, _, width, _ = self.frames[name]
        least, most = x + _INSET, x + width - _INSET - wide
        crossed = sorted(self._crossed(band))
        free, start = [], -inf
        for low, high in [*crossed, (inf, inf)]:
            free.append((start, low))
            start = max(start, high)
        for start, end in free:
            low, high = start + _BESIDE, end - _BESIDE - wide
            if low <= high:
                at = min(max(least, low), high)
                wider = max(0.0, least - at, at - max(least, most))
                yield wider + _AWAY * max(0.0, at - least), at

    def _crossed(self, band: Point) -> Iterator[Point]:
        """Where lines are between two heights, from left to right."""
        top, bottom = band
        for line, (low, high) in zip(self._lines, self._heights, strict=True):
            if low <= bottom and high >= top:
                for start, end in pairwise(line):
                    if min(start[1], end[1]) <= bottom and max(start[1], end[1]) >= top:
                        yield _extent([_across(start, end, y) for y in band])

    def _widened(self, name: str, left: float, right: float) -> dict[str, Rectangle] | None:
        """Frames that reach from `left` to `right` at least; None where something is there."""
        found: dict[str, Rectangle] = {}
        while name:
            x, y, width, height = self.frames[name]
            strips = (left, y, x - left, height), (x + width, y, right - x - width, height)
            if any(strip[2] > _SLACK and not self._is_clear(strip, name) for strip in strips):
                return None
            left, right = min(left, x), max(right, x + width)
            if right - left > width + _SLACK:
                found[name] = left, y, right - left, height
            name = self._given.frames[name]
            left, right = left - FRAME_MARGIN, right + FRAME_MARGIN
        return found

    def _is_clear(self, strip: Rectangle, name: str) -> bool:
        """Whether no box, frame or passing line is in `strip`, beside the frame `name`."""
        others = [place for box, place in self._boxes.items() if name not in self._around(box)]
        others += [
            place
            for frame, place in self.frames.items()
            if name not in self._chain(frame) and frame not in self._chain(name)
        ]
        near = (strip[0] - _BESIDE, strip[1], strip[2] + 2 * _BESIDE, strip[3])
        if any(overlap(near, place) for place in others):
            return False
        passing = (
            line
            for line, ends in zip(self._lines, self._given.edges, strict=True)
            if not any(name in self._around(box) for box in ends)
        )
        return not any(overlap(near, _around(*ends)) for line in passing for ends in pairwise(line))

    def _around(self, box: str) -> list[str]:
        return self._chain(self._given.inside.get(box, ""))

    def _chain(self, frame: str) -> list[str]:
        """`frame` and those around it."""
        chain = []
        while frame:
            chain.append(frame)
            frame = self._given.frames[frame]
        return chain


def _extent(numbers: Sequence[float]) -> Point:
    return min(numbers), max(numbers)


def _around(start: Point, end: Point) -> Rectangle:
    """The rectangle around a straight piece."""
    (ax, ay), (bx, by) = start, end
    return min(ax, bx), min(ay, by), abs(bx - ax), abs(by - ay)


def _across(start: Point, end: Point, height: float) -> float:
    """Where a straight piece is at `height`, or at the end nearest to that."""
    (ax, ay), (bx, by) = start, end
    share = (height - ay) / (by - ay) if by != ay else 0.0
    return ax + min(max(share, 0.0), 1.0) * (bx - ax)
