"""Places in texts, and the lines around them with marks and labels, as compilers show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

Segment = tuple[str, str]  # (style, text); the styles are names that a terminal maps to colours

_MAX_LINE = 160  # a longer source line is shown as a window around its fault
_BEFORE = 40  # characters that such a window shows before the fault
_BLOCK = 1 << 14  # characters
_TAB = " "  # one column wide, so that marks stay under their text


@dataclass(frozen=True, slots=True)
class Source:
    """A text that positions refer to.

    Attributes
    ----------
    name : str
        What the reader knows it by, usually its path.
    text : str
        The whole text.
    """

    name: str
    text: str = field(default="", repr=False, compare=False)

    def line(self, number: int) -> str:
        """Line `number`, counted from 1, without its end; empty when there is none."""
        start, left = 0, number - 1
        # A text may have millions of lines: count them by the block, then step through the last.
        while left > _BLOCK and (there := self.text.count("\n", start, start + _BLOCK)) <= left:
            if start + _BLOCK >= len(self.text):
                return ""
            start, left = start + _BLOCK, left - there
        for _ in range(left):
            start = self.text.find("\n", start) + 1
            if start == 0:
                return ""
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source; lines and columns count from 1, the end is exclusive."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{printable(self.source.name)}:{self.line}:{self.column}"

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Line and column of the start, and of the end as it was given."""
        return self.line, self.column, self.end_line, self.end_column

    @property
    def start(self) -> tuple[int, int]:
        """Line and column where it starts."""
        return self.line, self.column

    @property
    def end(self) -> tuple[int, int]:
        """Line and column where it ends, exclusive; an empty stretch takes one column."""
        return max((self.end_line, self.end_column), (self.line, self.column + 1))

    def touches(self, other: Span | None) -> bool:
        """Whether the two have a character in common."""
        return (
            other is not None
            and self.source == other.source
            and self.start < other.end
            and other.start < self.end
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch to mark, with words beside it; one mark of an excerpt is the main one."""

    span: Span
    label: str = ""
    main: bool = False


def printable(text: str) -> str:
    """`text` with every character that could move or hide text replaced, one for one."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return _TAB
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A mark as columns, from 0, of the part of its line that is shown."""

    start: int
    end: int
    label: str
    main: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """A line as far as it is shown, with its marks."""

    number: int
    text: str
    stretches: tuple[_Stretch, ...]


class Excerpt:
    """The lines of all marks: a frame for each source, that of the main mark first.

    Parameters
    ----------
    main : Mark
    others : iterable of Mark

    Attributes
    ----------
    width : int
        Columns before the bar that stands left of every line.
    """

    def __init__(self, main: Mark, others: Iterable[Mark] = ()) -> None:
        by_source: dict[Source, list[Mark]] = {main.span.source: [main]}
        for mark in others:
            by_source.setdefault(mark.span.source, []).append(mark)
        self._frames: list[tuple[Span, list[_Row]]] = []
        self._seen: set[Mark] = set()
        for marks in by_source.values():
            rows, seen = _rows(marks)
            self._seen |= seen
            if rows or marks[0].main:
                self._frames.append((marks[0].span, rows))
        numbers = [row.number for _, rows in self._frames for row in rows]
        self.width = len(str(max(numbers, default=main.span.line))) + 1

    def shows(self, label: str, span: Span | None) -> bool:
        """Whether a mark can be seen; not where its text is not there, or too far to the side."""
        return span is not None and Mark(span, label) in self._seen

    def segments(self, style: str) -> Iterator[Segment]:
        """The lines as styled pieces of text; `style` is that of the main mark."""
        margin = " " * self.width
        for number, (place, rows) in enumerate(self._frames):
            yield "gutter", f"{margin} |\n{margin}::: " if number else f"{margin}--> "
            yield "place", f"{place}\n"
            if rows:
                yield "gutter", f"{margin} |\n"
            before = rows[0].number - 1 if rows else 0
            for row in rows:
                yield from self._between(place.source, before, row.number)
                yield from self._line(row.number, row.text)
                for pieces in _below(row.stretches, style):
                    yield "gutter", f"{margin} | "
                    yield from pieces
                    yield "text", "\n"
                before = row.number

    def _between(self, source: Source, last: int, following: int) -> Iterator[Segment]:
        """What stands for the lines that have no marks: a single one itself."""
        if following - last == 2:
            yield from self._line(last + 1, source.line(last + 1)[:_MAX_LINE])
        elif following - last > 2:
            yield "gutter", "...\n"

    def _line(self, number: int, text: str) -> Iterator[Segment]:
        yield "gutter", f"{number:>{self.width}} |"
        shown = printable(text).rstrip()
        yield "text", f" {shown}\n" if shown else "\n"


def _rows(marks: Iterable[Mark]) -> tuple[list[_Row], set[Mark]]:
    """The lines with marks, in order, and the marks that they show."""
    rows: list[_Row] = []
    seen: set[Mark] = set()
    by_line: dict[int, list[Mark]] = {}
    for mark in marks:
        by_line.setdefault(mark.span.line, []).append(mark)
    for number, here in sorted(by_line.items()):
        text = here[0].span.source.line(number)
        first = _window(text, next((mark for mark in here if mark.main), here[0]))
        shown = text[first : first + _MAX_LINE]
        found = {mark: _stretch(mark, text, first) for mark in here}
        found = {mark: part for mark, part in found.items() if 0 <= part.start <= len(shown)}
        if text:
            rows.append(_Row(number, shown, tuple(found.values())))
            seen |= found.keys()
    return rows, seen


def _window(text: str, mark: Mark) -> int:
    """Where to start showing `text`, so that `mark` is seen."""
    if len(text) <= _MAX_LINE:
        return 0
    return max(0, min(mark.span.column - 1 - _BEFORE, len(text) - _MAX_LINE))


def _stretch(mark: Mark, text: str, first: int) -> _Stretch:
    span = mark.span
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(text)
    # At least one column: the end of a line may be marked, where it has no character.
    end = max(min(end, len(text), first + _MAX_LINE), start + 1)
    return _Stretch(start - first, end - first, mark.label, mark.main)


def _below(stretches: Sequence[_Stretch], style: str) -> Iterator[Iterator[Segment]]:
    """The lines under a source line: the marks, then labels that do not fit beside them."""
    styles = {True: style, False: "note"}
    # The main mark is drawn last, over the others.
    ordered = sorted(stretches, key=lambda stretch: (stretch.main, stretch.start))
    cells: dict[int, Segment] = {}
    for stretch in ordered:
        for column in range(stretch.start, stretch.end):
            cells[column] = (styles[stretch.main], "^" if stretch.main else "-")
    labelled = sorted((s for s in stretches if s.label), key=lambda s: (s.start, s.main))
    beside = labelled[-1] if labelled and labelled[-1].end > max(cells) else None
    yield _drawn(cells, beside, styles)
    hanging = [stretch for stretch in labelled if stretch is not beside]
    if hanging:
        yield _drawn({s.start: (styles[s.main], "|") for s in hanging}, None, styles)
    while hanging:
        last = hanging.pop()
        bars = {s.start: (styles[s.main], "|") for s in hanging if s.start < last.start}
        yield _drawn(bars, last, styles, at=last.start)


def _drawn(
    cells: dict[int, Segment], labelled: _Stretch | None, styles: dict[bool, str], at: int = -1
) -> Iterator[Segment]:
    """One line: characters in their columns, then a label, from column `at` on or a space away."""
    end = max(cells, default=-1) + 1
    places = [cells.get(column, ("", " ")) for column in range(end)]
    for style, run in groupby(places, key=lambda cell: cell[0]):
        yield style or "text", "".join(character for _, character in run)
    if labelled is not None:
        pad = at - end if at >= 0 else 1
        yield styles[labelled.main], " " * pad + printable(labelled.label)
