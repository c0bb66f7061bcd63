"""Long chains in columns, read from top to bottom and then from left to right.

A picture that is too long for the page is cut between rows of boxes; the pieces stand side by
side. A line that is cut continues beside the next column, from the foot of one to the head of the
other. Where data flow to the right, the same is done with lines of boxes, as in a text.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import fsum, hypot
from typing import Literal

from graphnn.drawing.diagram.layout import Layout, turned
from graphnn.drawing.diagram.options import Direction
from graphnn.drawing.diagram.routing import bent
from graphnn.drawing.diagram.scene import Point, Rectangle

Size = tuple[float, float]
PAGE: Size = (482.0, 728.0)  # points: what margins of 2 cm leave of A4
_WORTH = 1.03  # how much larger letters must be on the page for more columns
_WELL_WORTH = 1.4  # the same where they are legible in one column too
_FULL = 0.6  # of the height of the longest column: what they all have in the mean
_LATE = 0.75  # of the height of a column: where it may end early, so that fewer lines are cut
_LANE, _SIDE, _TURN, _APART = 7.0, 11.0, 5.0, 2.5  # points, of the lines between columns
_MOST_PARTED, _FAR_TOO_SMALL = 3, 0.5  # nodes that a cut parts where it must; of what is legible
_STEP = 1.06  # between the heights of columns that are tried
_EASE = 30.0  # points in which a line that was cut turns to its own course


@dataclass(slots=True)
class _Row:
    """Boxes and frames that no cut parts, and the place below them where one may be.

    Attributes
    ----------
    top, bottom, left, right : float
    cut : float or None
        Height of the cut below; None where there can be none.
    crossing : set of int
        Lines that the cut parts.
    sources : set of str
        Where those lines begin.
    """

    top: float
    bottom: float
    left: float
    right: float
    cut: float | None = None
    crossing: set[int] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


Band = tuple[int, int]  # the first row of a column, and that after its last


def wrapped(
    found: Layout,
    sources: Sequence[str],
    direction: Direction,
    page: Size,
    columns: int | None = None,
    *,
    legible: float = 0.5,
    parted: int | None = None,
) -> Layout:
    """`found` in columns.

    Parameters
    ----------
    found : Layout
    sources : sequence of str
        The boxes at which its lines begin.
    direction : {"down", "right"}
        Where data flow.
    page : (float, float)
        Width and height that the picture should fit, in points.
    columns : int, optional
        How many there are at most. By default as many as let letters be largest on the page, cut
        only where a single node is read across; where letters would be far too small, where a few
        are.
    legible : float
        How small the picture may be to fit the page before there are columns by default; above
        that there are if letters become much larger.
    parted : int, optional
        How many sources a cut may part from what reads them; by default any number where `columns`
        is given, else one.
    """
    if direction == "right":
        upright, page = turned(found), page[::-1]
        return turned(
            wrapped(upright, sources, "down", page, columns, legible=legible, parted=parted)
        )
    natural = found.width, found.height
    shown = _scale(natural, page)
    if columns is None and shown >= legible and shown * _WELL_WORTH > 1:
        return found
    if columns is not None:
        rows = _rows(found, sources, most=parted or len(found.boxes))
        bands = _counted(rows, columns)
    else:
        for most in (parted,) if parted else (1, _MOST_PARTED):
            rows = _rows(found, sources, most=most)
            bands = _fitting(rows, natural, page)
            size = _size(rows, bands) if len(bands) > 1 else natural
            if _scale(size, page) >= _FAR_TOO_SMALL * legible:
                break
        if shown >= legible and _scale(size, page) < _WELL_WORTH * shown:
            return found
    return found if len(bands) < 2 else _side_by_side(found, sources, rows, bands)


def _rows(found: Layout, sources: Sequence[str], most: int) -> list[_Row]:
    """What no cut parts, from top to bottom; a cut parts the lines of at most `most` sources."""
    rows: list[_Row] = []
    places = [*found.boxes.values(), *found.frames.values()]
    for x, y, width, height in sorted(places, key=lambda place: place[1]):
        if rows and y <= rows[-1].bottom:
            last = rows[-1]
            last.bottom = max(last.bottom, y + height)
            last.left, last.right = min(last.left, x), max(last.right, x + width)
        else:
            rows.append(_Row(y, y + height, x, x + width))
    for above, below in pairwise(rows):
        above.cut = (above.bottom + below.top) / 2
    _note_lines(found, sources, rows)
    for row in rows:
        if len(row.sources) > most:
            row.cut = None
    return rows


def _note_lines(found: Layout, sources: Sequence[str], rows: list[_Row]) -> None:
    """Write into `rows` which lines their cuts part, and how far lines reach beside them."""
    cuts = [row.cut for row in rows[:-1] if row.cut is not None]
    blocked: set[int] = set()
    for line, points in enumerate(found.lines):
        for start, first, second, end in _curves(points):
            heights = start[1], first[1], second[1], end[1]
            low, high = bisect_left(cuts, min(heights)), bisect_right(cuts, max(heights))
            for number in range(low, high):
                row = rows[number]
                # A line that turns back at the cut would be parted twice.
                if not start[1] < cuts[number] <= end[1] or line in row.crossing:
                    blocked.add(number)
                row.crossing.add(line)
                row.sources.add(sources[line])
            for row in rows[low : high + 1]:
                row.left = min(row.left, start[0], first[0], second[0], end[0])
                row.right = max(row.right, start[0], first[0], second[0], end[0])
    for number in blocked:
        rows[number].cut = None


def _curves(points: Sequence[Point]) -> Iterator[Sequence[Point]]:
    return (points[at : at + 4] for at in range(0, len(points) - 3, 3))


def _fitting(rows: list[_Row], natural: Size, page: Size) -> list[Band]:
    """The columns that let letters be largest, few rather than many; one where none gain much."""
    best, bands = _scale(natural, page), [(0, len(rows))]
    height = natural[1] / _STEP
    while height > page[1] / 2 and best < 1:
        tried = _filled(rows, height)
        scale = _scale(_size(rows, tried), page) if len(tried) > 1 else 0.0
        if scale > _WORTH * best and _are_even(rows, tried, height):
            best, bands = scale, tried
        height /= _STEP
    return _counted(rows, len(bands))


def _are_even(rows: list[_Row], bands: list[Band], height: float) -> bool:
    """Whether no column is longer than `height`, and few are much shorter."""
    heights = [rows[last - 1].bottom - rows[first].top for first, last in bands]
    return max(heights) <= height and fsum(heights) >= _FULL * len(heights) * max(heights)


def scale(found: Layout, page: Size) -> float:
    """How large a picture may be on the page, at most as large as it is."""
    return _scale((found.width, found.height), page)


def _scale(size: Size, page: Size) -> float:
    return min(page[0] / (size[0] or 1), page[1] / (size[1] or 1), 1.0)


def _counted(rows: list[_Row], columns: int) -> list[Band]:
    """At most `columns` columns, as short as they can be."""
    low, high = 0.0, rows[-1].bottom - rows[0].top if rows else 0.0
    while high - low > 1.0:
        middle = (low + high) / 2
        low, high = (middle, high) if len(_filled(rows, middle)) > columns else (low, middle)
    return _filled(rows, high)


def _filled(rows: list[_Row], height: float) -> list[Band]:
    """Columns of at most `height`, but where there is no cut; each ends where few lines are cut."""
    bands, first = [], 0
    while first < len(rows):
        top, best, fewest = rows[first].top, len(rows), len(rows)
        for number in range(first, len(rows) - 1):
            row = rows[number]
            if row.bottom - top > height and best < len(rows):
                break
            if row.cut is None:
                continue
            if row.bottom - top < _LATE * height or len(row.sources) <= fewest:
                best, fewest = number + 1, len(row.sources)
        else:
            if rows[-1].bottom - top <= height:
                best = len(rows)
        bands.append((first, best))
        first = best
    return bands


def _size(rows: list[_Row], bands: list[Band]) -> Size:
    width = fsum(_width(rows, band) for band in bands) + fsum(
        _gap(rows, band) for band in bands[:-1]
    )
    lines = _bend(rows, bands)
    height = max(rows[last - 1].bottom - rows[first].top for first, last in bands)
    return width, height + _room(rows, bands, "above") + _room(rows, bands, "below") + 2 * lines


def _width(rows: list[_Row], band: Band) -> float:
    inside = rows[slice(*band)]
    return max(row.right for row in inside) - min(row.left for row in inside)


def _gap(rows: list[_Row], band: Band) -> float:
    return 2 * _SIDE + _LANE * (len(rows[band[1] - 1].sources) - 1)


def _bend(rows: list[_Row], bands: list[Band]) -> float:
    """Room above and below columns in which lines run across."""
    most = max(len(rows[last - 1].sources) for _, last in bands[:-1])
    return _TURN + _APART * most


def _room(rows: list[_Row], bands: list[Band], side: Literal["above", "below"]) -> float:
    """The largest distance from a cut to the row above or below it."""
    ends = [(rows[last - 1], rows[last]) for _, last in bands[:-1]]
    parts = [
        (above.cut or 0.0) - above.bottom if side == "below" else below.top - (above.cut or 0.0)
        for above, below in ends
    ]
    return max(parts)


def _side_by_side(
    found: Layout, sources: Sequence[str], rows: list[_Row], bands: list[Band]
) -> Layout:
    """The columns `bands` beside each other, with lines between them."""
    head = _room(rows, bands, "above") + _bend(rows, bands)
    moves: list[Point] = []
    lanes: list[dict[str, tuple[float, float]]] = []  # between columns: by source, where and how
    gaps: list[float] = []
    x = 0.0
    for band in bands:
        inside = rows[slice(*band)]
        moves.append((x - min(row.left for row in inside), head - inside[0].top))
        x += _width(rows, band)
        order = sorted(inside[-1].sources)
        lanes.append(
            {name: (x + _SIDE + _LANE * at, _TURN + _APART * at) for at, name in enumerate(order)}
        )
        if band[1] < len(rows):
            gap = _gap(rows, band)
            gaps.append(x + gap / 2)
            x += gap
    tops = [rows[first].top for first, _ in bands]

    def moved(place: Rectangle) -> Rectangle:
        dx, dy = moves[bisect_right(tops, place[1]) - 1]
        return place[0] + dx, place[1] + dy, place[2], place[3]

    cuts = [rows[last - 1] for _, last in bands[:-1]]
    lines = tuple(
        _led(
            number,
            points,
            found.boxes[source],
            cuts,
            moves,
            [lane.get(source, (0.0, 0.0)) for lane in lanes],
        )
        for number, (points, source) in enumerate(zip(found.lines, sources, strict=True))
    )
    boxes = {name: moved(place) for name, place in found.boxes.items()}
    frames = {name: moved(place) for name, place in found.frames.items()}
    return Layout(x, _size(rows, bands)[1], boxes, frames, lines, tuple(gaps))


def _led(
    number: int,
    points: list[Point],
    source: Rectangle,
    cuts: Sequence[_Row],
    moves: Sequence[Point],
    lanes: Sequence[Point],
) -> list[Point]:
    """A line through the columns: its pieces, each moved with its column, and what joins them."""
    column = sum(row.cut is not None and row.cut < points[0][1] for row in cuts)
    made: list[Point] = []
    rest = list(points)
    for at, row in enumerate(cuts):
        if number not in row.crossing or row.cut is None:
            continue
        starts = range(0, len(rest) - 3, 3)
        curve = next(at for at in starts if rest[at][1] < row.cut <= rest[at + 3][1])
        before, after = _parted(rest[curve : curve + 4], row.cut)
        if not made and curve == 0 and source[1] + source[3] > row.top:
            before = _stem(source, row.cut)  # the same for all lines of this source
            piece = [*rest[:curve], *before]
        else:
            piece = _turned_up(_eased(_turned_up([*rest[:curve], *before])))
        piece = _shifted(piece, moves[at])
        rest = _eased([*after, *rest[curve + 4 :]])
        column = at + 1
        (x, y), (lane, turn) = piece[-1], lanes[at]
        end, head = _shifted(rest[:1], moves[column])[0]
        low, high = y + turn, head - turn
        corners = [(x, y), (x, low), (lane, low), (lane, high), (end, high), (end, head)]
        made += [*piece[1 if made else 0 :], *bent(corners)[1:]]
    last = _shifted(rest, moves[column])
    return [*made, *last[1:]] if made else last


def _parted(curve: Sequence[Point], height: float) -> tuple[list[Point], list[Point]]:
    """A curve that falls, cut at `height` by de Casteljau's rule."""
    low, high = 0.0, 1.0
    for _ in range(40):
        t = (low + high) / 2
        first, second = _split(curve, t)
        low, high = (t, high) if second[0][1] < height else (low, t)
    return first, second


def _eased(line: list[Point]) -> list[Point]:
    """`line`, which falls, with an upright beginning that turns to its course `_EASE` lower.

    It may begin a little aside, so that it bends to one side alone.
    """
    y, end = line[0][1], line[-1]
    if len(line) == 4 and end[1] < y + _EASE:
        return [(end[0], y), (end[0], y + (end[1] - y) / 3), (end[0], y + (end[1] - y) / 2), end]
    meet, rest = end, list[Point]()
    back = next((point for point in reversed(line) if point != end), line[0])
    ahead = 2 * end[0] - back[0], 2 * end[1] - back[1]
    for at in range(0, len(line) - 3, 3):
        if line[at + 3][1] > y + _EASE:
            (meet, *course) = _parted(line[at : at + 4], y + _EASE)[1]
            rest = [*course, *line[at + 4 :]]
            ahead = next((point for point in course if point != meet), meet)
            break
    dx, dy = ahead[0] - meet[0], ahead[1] - meet[1]
    reach = (meet[1] - y) / 2
    share = reach / (hypot(dx, dy) or 1.0)
    before = meet[0] - share * dx, meet[1] - share * dy
    return [(before[0], y), (before[0], y + reach / 2), before, meet, *rest]


def _turned_up(line: Sequence[Point]) -> list[Point]:
    """`line` upside down, from its end."""
    return [(x, -y) for x, y in reversed(line)]


def _stem(box: Rectangle, height: float) -> list[Point]:
    """A straight line from the middle below `box` down to `height`."""
    x, low = box[0] + box[2] / 2, box[1] + box[3]
    return [(x, low), (x, low), (x, height), (x, height)]


def _split(curve: Sequence[Point], t: float) -> tuple[list[Point], list[Point]]:
    first, second, points = [curve[0]], [curve[-1]], list(curve)
    while len(points) > 1:
        points = [
            ((1 - t) * ax + t * bx, (1 - t) * ay + t * by)
            for (ax, ay), (bx, by) in pairwise(points)
        ]
        first.append(points[0])
        second.insert(0, points[-1])
    return first, second


def _shifted(points: Sequence[Point], by: Point) -> list[Point]:
    return [(x + by[0], y + by[1]) for x, y in points]
