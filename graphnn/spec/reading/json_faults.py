"""Mistakes in JSON: what was found in place of what, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphnn.diagnostics import Diagnostic, Note, Span
from graphnn.spec.reading.scalars import shortened

CLOSERS = {"{": "}", "[": "]"}
_EXPECTED = {
    "value": "a value",
    "first value": "a value or ']'",
    "key": "a key in double quotes",
    "first key": "a key in double quotes or '}'",
    "colon": "':' after the key",
    "end": "the end of the text",
}
_WORDS = {"true": "true", "false": "false", "null": "null", "none": "null", "nil": "null"}
_NUMBER = "write a number as in -0.5 or 1e-3"
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,4}|.?)")
VALUES = frozenset(("value", "first value"))
KEYS = frozenset(("key", "first key"))


@dataclass(frozen=True, slots=True)
class Surprise:
    """A token where it must not stand.

    Attributes
    ----------
    expected : str
        What may stand there: a state of the grammar in `json_events`.
    kind, token : str
        What stands there.
    span : Span
        Where.
    opener : str
        The innermost bracket that is open; empty when there is none.
    opened : Span
        Where that bracket stands.
    previous : str
        The token before; empty when there is none.
    adjacent : bool
        Whether that token ends where this one starts.
    """

    expected: str
    kind: str
    token: str
    span: Span
    opener: str
    opened: Span
    previous: str
    adjacent: bool

    @property
    def is_value(self) -> bool:
        """Whether the token starts a value."""
        return self.kind in ("string", "word", "infinite") or self.token in CLOSERS


def syntax_fault(found: Surprise) -> Diagnostic:
    """The diagnostic of a token that must not stand where it does."""
    if found.kind == "end":  # the text is not blank, so a bracket is open
        return _unclosed_bracket(found)
    if found.kind == "unclosed":
        return _unclosed_text(found)
    expected = _EXPECTED.get(found.expected) or f"',' or '{CLOSERS[found.opener]}'"
    notes = (
        (Note(f"the '{found.opener}' is here", found.opened),) if _is_wrong_closer(found) else ()
    )
    message = f"expected {expected}, found {_shown(found)}"
    return Diagnostic("json-syntax", message, found.span, notes=notes, help=_help(found))


def _shown(found: Surprise) -> str:
    token = shortened(found.token)
    return token if found.kind == "string" else f"'{token}'"


def _unclosed_bracket(found: Surprise) -> Diagnostic:
    return Diagnostic(
        "json-syntax",
        f"the text ends before the '{found.opener}' is closed",
        found.span,
        notes=(Note(f"the '{found.opener}' is here", found.opened),),
        help=f"close it with '{CLOSERS[found.opener]}'",
    )


def _unclosed_text(found: Surprise) -> Diagnostic:
    """A text in quotes breaks off where its line ends, or where a character is not allowed."""
    span = found.span
    line = span.source.line(span.line)
    column = span.end_column
    stopper = line[column - 1 : column]
    if stopper == "\\":
        escape = _ESCAPE.match(line, column - 1)
        assert escape is not None
        message = f"'{escape[0]}' is not an escape"
        help = "write a backslash as '\\\\', a character by its number as '\\u00e9'"
        column_end = column + len(escape[0])
    elif stopper == "\t":
        message, help = "a text in quotes cannot hold a tab", "write it as '\\t'"
        column_end = column + 1
    else:
        message = f"the text {shortened(found.token)} has no closing quote"
        help = "close it with '\"' on the same line; a line break in a text is written '\\n'"
        return Diagnostic("json-syntax", message, span, help=help)
    place = Span(span.source, span.line, column, span.line, column_end)
    return Diagnostic("json-syntax", message, place, help=help)


def _is_wrong_closer(found: Surprise) -> bool:
    return found.expected == "comma" and found.token in CLOSERS.values()


def _help(found: Surprise) -> str:
    token, expected = found.token, found.expected
    if token[:1] == "'":
        return "put texts in double quotes"
    if token in ("#", "//", "/*"):
        return "JSON has no comments: remove it, or write the file in YAML"
    if found.previous == "," and token in CLOSERS.values():
        return f"remove the comma before '{token}'"
    if token == "," and found.previous != ":" and expected in VALUES | KEYS:
        return "remove the comma"
    if _is_wrong_closer(found):
        return f"close the '{found.opener}' with '{CLOSERS[found.opener]}'"
    return _HELP[expected](found)


def _help_with_key(found: Surprise) -> str:
    word = found.kind in ("other", "word", "infinite")
    return f'write "{shortened(found.token)}"' if word else ""


def _help_at_end(found: Surprise) -> str:
    mark = found.kind == "mark" and not found.is_value
    return "remove it" if mark else "a file holds one value"


def _help_with_colon(found: Surprise) -> str:
    return "put ':' between a key and its value"


def _help_with_comma(found: Surprise) -> str:
    if found.adjacent and _is_number(found.previous):
        return _help_with_number(found)
    return f"put a comma before {_shown(found)}" if found.is_value else ""


def _help_with_value(found: Surprise) -> str:
    token = found.token
    if token.lower() in _WORDS:
        return f"write {_WORDS[token.lower()]}"
    if token in ("+", "-", "."):
        return _NUMBER
    if found.previous == ":" and found.kind == "mark":
        return "write a value after the ':'"
    return f'write "{shortened(token)}"' if token[:1].isalpha() else ""


def _is_number(token: str) -> bool:
    return token[:1].isdigit() or token[:1] == "-"


def _help_with_number(found: Surprise) -> str:
    if found.previous in ("0", "-0") and found.token[:1].isdigit():
        return "remove the leading zeros"
    return _NUMBER if re.match(r"[\w.]", found.token) else ""


_HELP = {
    "value": _help_with_value,
    "first value": _help_with_value,
    "key": _help_with_key,
    "first key": _help_with_key,
    "colon": _help_with_colon,
    "comma": _help_with_comma,
    "end": _help_at_end,
}
