"""Places of a text, from characters to what the client counts, and back."""

from __future__ import annotations

import bisect
import itertools
import re

from lsprotocol import types

from graphnn.diagnostics import Span

Encoding = types.PositionEncodingKind | str | None

_STRETCH = 256  # characters


class Places:
    """Places of a text, from characters to what the client counts, and back.

    Parameters
    ----------
    text : str
    encoding : PositionEncodingKind or str, optional
        What the client counts; units of UTF-16 where it does not say.
    """

    def __init__(self, text: str, encoding: Encoding = None) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._widths: dict[int, list[int]] = {}  # by line, of its first stretches: 0, 1, 2, ...
        self._width = {
            types.PositionEncodingKind.Utf8: lambda text: len(text.encode(errors="replace")),
            types.PositionEncodingKind.Utf32: len,
        }.get(types.PositionEncodingKind(encoding or types.PositionEncodingKind.Utf16), _utf16)

    def position(self, index: int) -> types.Position:
        """Where character `index` stands."""
        line = bisect.bisect_right(self._starts, index) - 1
        start = self._starts[line]
        whole = (index - start) // _STRETCH
        rest = self._text[start + whole * _STRETCH : index]
        return types.Position(line, self._widths_of(line)[whole] + self._width(rest))

    def index(self, position: types.Position) -> int:
        """The character that stands there; past the end of a line, that end."""
        if position.line >= len(self._starts):
            return len(self._text)
        widths, end = self._widths_of(position.line), self._end(position.line)
        whole = max(bisect.bisect_left(widths, position.character) - 1, 0)
        index, width = self._starts[position.line] + whole * _STRETCH, widths[whole]
        while index < end and width < position.character:
            width += self._width(self._text[index])
            index += 1
        return index

    def _widths_of(self, line: int) -> list[int]:
        """How wide the line is up to each `_STRETCH` characters of it."""
        if line not in self._widths:
            starts = range(self._starts[line], self._end(line) - _STRETCH + 1, _STRETCH)
            stretches = (self._width(self._text[at : at + _STRETCH]) for at in starts)
            self._widths[line] = list(itertools.accumulate(stretches, initial=0))
        return self._widths[line]

    def _end(self, line: int) -> int:
        """Where the line ends."""
        last = line + 1 == len(self._starts)
        return len(self._text) if last else self._starts[line + 1] - 1

    def range(self, start: int, end: int) -> types.Range:
        """From one character to another."""
        return types.Range(self.position(start), self.position(end))

    def span(self, span: Span) -> types.Range:
        """Where a diagnostic's span is."""
        last = len(self._starts) - 1
        ends = [
            self._starts[min(line - 1, last)] + column - 1
            for line, column in ((span.line, span.column), (span.end_line, span.end_column))
        ]
        return self.range(*(min(end, len(self._text)) for end in ends))


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
