"""The page around a picture: its title above, what is said of it below, and margins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import fsum

from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.columns import PAGE, Size
from graphnn.drawing.diagram.description import describe
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.diagram.palette import THEMES
from graphnn.drawing.diagram.scene import Item, Scene, Text, bounds, moved
from graphnn.drawing.diagram.view import View

_TITLE, _SMALL = 12.0, 7.5  # points
_LEADING, _MARGIN = 1.4, 8.0
_NARROWEST = 220.0  # points that words below have


def page(
    view: View,
    options: DiagramOptions,
    items: Sequence[Item],
    below: Iterable[str] = (),
    legends: Iterable[Sequence[Item]] = (),
) -> Scene:
    """The scene of `items`, wherever they are.

    Parameters
    ----------
    view : View
    options : DiagramOptions
    items : sequence of Item
    below : iterable of str
        Paragraphs under the picture.
    legends : iterable of sequence of Item
        What stands under the picture, at its left, one below the other.
    """
    theme = THEMES[options.theme]
    left, top, right, bottom = bounds(items)
    legends = [each for each in legends if each]
    wide = [measure.width(*line) for line in _title(view, options)]
    wide += [bounds(each)[2] for each in legends]
    width = max([right - left, *wide, _NARROWEST if below else 0.0])
    drawn = list(_head(view, options, _MARGIN + width / 2))
    y = _title_height(view, options)
    shift = _MARGIN + (width - (right - left)) / 2 - left
    drawn += [moved(item, shift, y - top) for item in items]
    y += bottom - top
    for legend in legends:
        y += _MARGIN
        drawn += [moved(item, _MARGIN, y) for item in legend]
        y += bounds(legend)[3]
    y += 6 if below else 0
    for line in (line for words in below for line in wrapped(words, width)):
        y += _SMALL * _LEADING
        drawn.append(Text(_MARGIN, y - 0.35 * _SMALL, line, _SMALL, theme.faint))
    name = view.graph.spec.name or "Network"
    size = width + 2 * _MARGIN, y + _MARGIN
    return Scene(*size, tuple(drawn), theme.paper, name, describe(view))


def _head(view: View, options: DiagramOptions, middle: float) -> Iterator[Item]:
    theme, y = THEMES[options.theme], _MARGIN
    for words, letters, face in _title(view, options):
        y += letters * _LEADING
        colour = theme.ink if face == "strong" else theme.faint
        yield Text(middle, y - 0.35 * letters, words, letters, colour, face, "middle")


def _title_height(view: View, options: DiagramOptions) -> float:
    """How much of a page is above the picture."""
    above = _title(view, options)
    return _MARGIN + fsum(letters * _LEADING for _, letters, _ in above) + (5 if above else 0)


def room(view: View, options: DiagramOptions) -> Size:
    """Width and height that are left for a picture on its page, of A4 where no width is given."""
    high = PAGE[1] - _title_height(view, options) - _MARGIN
    return (options.points or PAGE[0]) - 2 * _MARGIN, high


def _title(view: View, options: DiagramOptions) -> list[tuple[str, float, measure.Face]]:
    name = view.graph.spec.name
    if not (name and options.title):
        return []
    counts = facts.totals(view.graph)
    words = facts.entries(*counts) if any(counts) else ""
    if view.before is not None and (before := facts.totals(view.before)) != counts:
        words = f"{before[0]:,} → {words}"
    found: list[tuple[str, float, measure.Face]] = [(name, _TITLE, "strong")]
    return [*found, (words, _SMALL, "regular")] if words else found


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
