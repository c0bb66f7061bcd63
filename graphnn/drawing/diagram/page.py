"""The page around a picture: its title above, what is said of it below, and margins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.description import describe
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.diagram.palette import THEMES
from graphnn.drawing.diagram.scene import Item, Scene, Text, bounds, moved
from graphnn.drawing.diagram.view import View

_TITLE, _SMALL = 12.0, 7.5  # points
_LEADING, _MARGIN = 1.4, 8.0
_NARROWEST = 220.0  # points that words below have


def page(
    view: View, options: DiagramOptions, items: Sequence[Item], below: Iterable[str] = ()
) -> Scene:
    """The scene of `items`, wherever they are.

    Parameters
    ----------
    view : View
    options : DiagramOptions
    items : sequence of Item
    below : iterable of str
        Paragraphs under the picture.
    """
    theme = THEMES[options.theme]
    left, top, right, bottom = bounds(items)
    above = list(_title(view)) if options.title else []
    widest = [measure.width(words, size, face) for words, size, face in above]
    width = max([right - left, *widest, _NARROWEST if below else 0.0])
    drawn: list[Item] = []
    y = _MARGIN
    for words, letters, face in above:
        y += letters * _LEADING
        colour = theme.ink if face == "strong" else theme.faint
        x = _MARGIN + width / 2
        drawn.append(Text(x, y - 0.35 * letters, words, letters, colour, face, "middle"))
    y += 5 if above else 0
    shift = _MARGIN + (width - (right - left)) / 2 - left
    drawn += [moved(item, shift, y - top) for item in items]
    y += bottom - top + 6
    for words in below:
        for line in wrapped(words, width):
            y += _SMALL * _LEADING
            drawn.append(Text(_MARGIN, y - 0.35 * _SMALL, line, _SMALL, theme.faint))
    name = view.graph.spec.name or "Network"
    size = width + 2 * _MARGIN, y + _MARGIN - 6 * (not below)
    return Scene(*size, tuple(drawn), theme.paper, name, describe(view))


def _title(view: View) -> Iterator[tuple[str, float, measure.Face]]:
    if view.graph.spec.name:
        yield view.graph.spec.name, _TITLE, "strong"
        if any(counts := facts.totals(view)):
            yield facts.counted(*counts), _SMALL, "regular"


def wrapped(words: str, width: float) -> Iterator[str]:
    """`words` in lines that are at most so wide, in points."""
    line = ""
    for word in words.split():
        longer = f"{line} {word}".strip()
        if line and measure.width(longer, _SMALL) > width:
            yield line
            longer = word
        line = longer
    if line:
        yield line
