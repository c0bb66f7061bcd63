"""Characters that nobody sees: spaces of other widths, marks without one, ends of lines."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from graphnn.diagnostics._diagnostic import Diagnostic, Note

HIDDEN = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)


def named(character: str) -> str:
    """`character` by its code point and its name: ``U+00A0 (no-break space)``."""
    name = unicodedata.name(character, "").lower()
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")


def with_hidden(found: Diagnostic) -> Diagnostic:
    """`found`, with a note on the first character at its place that nobody sees."""
    span = found.span
    if span is None or span.line != span.end_line or found.code == "bad-character":
        return found
    line = span.source.line(span.line)
    if line.isascii():
        return found
    hidden = HIDDEN.search(line, span.column - 1, span.end_column - 1)
    if hidden is None:
        return found
    place = replace(span, column=hidden.start() + 1, end_column=hidden.end() + 1)
    note = Note(f"it holds the invisible character {named(hidden[0])}", place)
    return replace(found, notes=(*found.notes, note))
