"""Characters that a text must not hold, or that nobody sees where they do harm."""

from __future__ import annotations

import re
import unicodedata

from graphnn.diagnostics import HIDDEN, Code, Diagnostic, Source, Span, named

Position = tuple[int, int]  # line and column, counted from 0

_SAVE_AS_UTF8 = "save the file as UTF-8"
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?= |$).*", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s)#")


def stretch(source: Source, start: int, end: int) -> Span:
    """The span of characters `start` to `end` of the text, which lie in one line."""
    line = source.text.count("\n", 0, start) + 1
    before = source.text.rfind("\n", 0, start)
    return Span(source, line, start - before, line, end - before)


def index_of(text: str, position: Position) -> int:
    """Where `position` lies in the text, as the number of characters before it."""
    line, column = position
    return sum(len(before) + 1 for before in text.split("\n", line)[:line]) + column


def bad_character(source: Source, index: int) -> Diagnostic:
    """The fault of the character at `index` of the text."""
    character = source.text[index]
    code = ord(character)
    if code == 0:
        help = f"is it UTF-16? {_SAVE_AS_UTF8}"
    elif 0xD800 <= code <= 0xDFFF:
        help = "remove it: it is half a character"
    else:
        instead = "write a plain space" if unicodedata.category(character) == "Zs" else "remove it"
        help = f'{instead}, or write it as "\\u{code:04x}" in a text in double quotes'
    message = f"the character {named(character)} is not allowed here"
    return Diagnostic("bad-character", message, stretch(source, index, index + 1), help=help)


def cause_of_syntax(source: Source, line: int, code: Code) -> Diagnostic | None:
    """What makes a text unreadable beside its grammar: a merge, or a character that nobody sees.

    Parameters
    ----------
    source : Source
    line : int
        Where the parser gave up, counted from 0.
    code : Code
        Of a text that is not in its format.
    """
    if conflict := _CONFLICT.search(source.text):
        message = f"git has left the mark '{conflict[0][:7]}' of a merge conflict here"
        help = (
            "keep one of the two versions, and remove the lines of '<<<<<<<', '=======', '>>>>>>>'"
        )
        return Diagnostic(code, message, stretch(source, *conflict.span()), help=help)
    lines = source.text.split("\n", line + 1)[: line + 1]
    places = (
        (number, found.start())
        for number, text in enumerate(lines)
        for found in HIDDEN.finditer(text)
        if not _is_text(text[: found.start()])
    )
    nearest = max(places, default=None)
    return None if nearest is None else bad_character(source, index_of(source.text, nearest))


def _is_text(before: str) -> bool:
    """Whether what follows `before` in its line lies in quotes or in a comment."""
    return before.count('"') % 2 == 1 or before.count("'") % 2 == 1 or bool(_COMMENT.search(before))
