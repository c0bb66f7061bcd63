"""Places of a text, from characters to what the client counts, and back."""

from __future__ import annotations

import bisect
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
        self._widths: dict[int, list[int]] = {}  # of a line, up to every `_STRETCH` characters
        self._width = {
            types.PositionEncodingKind.Utf8: lambda text: len(text.encode(errors="replace")),
            types.PositionEncodingKind.Utf32: len,
        }.get(types.PositionEncodingKind(encoding or types.PositionEncodingKind.Utf16), _utf16)

    def position(self, index: int) -> types.Position:
        """Where character `index` stands."""
        line = bisect.bisect_right(self._starts, index) - 1
        start = self._starts[line]
        whole = (index - start) // _STRETCH
        widths = self._widths.setdefault(line, [0])
        while len(widths) <= whole:
            at = start + (len(widths) - 1) * _STRETCH
            widths.append(widths[-1] + self._width(self._text[at : at + _STRETCH]))
        rest = self._text[start + whole * _STRETCH : index]
        return types.Position(line, widths[whole] + self._width(rest))

    def index(self, position: types.Position) -> int:
        """The character that stands there; past the end of a line, that end."""
        if position.line >= len(self._starts):
            return len(self._text)
        start = self._starts[position.line]
        end = self._text.find("\n", start)
        line = self._text[start : len(self._text) if end < 0 else end]
        width = 0
        for number, character in enumerate(line):
            if width >= position.character:
                return start + number
            width += self._width(character)
        return start + len(line)

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
    return len(text) + sum(character > "\uffff" for character in text)
