"""JSON as events for a builder: the grammar of RFC 8259, strictly, token by token."""

from __future__ import annotations

import json
import re

from graphnn.spec.reading.builder import Builder, Place
from graphnn.spec.reading.characters import cause_of_syntax
from graphnn.spec.reading.json_faults import CLOSERS, KEYS, VALUES, Surprise, syntax_fault

_INSIDE = r'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+'  # of a text in quotes
_TOKEN = re.compile(
    r"[ \t]*+(?:"
    rf'(?P<string>"{_INSIDE}")'
    r"|(?P<word>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?|(?:true|false|null)\b)"
    r"|(?P<mark>[{}\[\],:])"
    r"|(?P<lines>\n[ \t\n]*+)"
    r"|(?P<infinite>(?:-?Infinity|NaN)\b)"
    r"|(?P<end>\Z)"
    rf'|(?P<unclosed>"{_INSIDE})'
    r"|(?P<other>(?:[^\W\d]|\$)[^\s,:\[\]{}\"]*+|//|/\*|.))"
)
_KINDS = {group: kind for kind, group in _TOKEN.groupindex.items()}

_SCALARS = frozenset(("string", "word", "infinite"))

_BEFORE_CLOSER = {"}": ("first key", "comma"), "]": ("first value", "comma")}


def read_json(text: str, builder: Builder) -> None:
    r"""Send the one JSON value that `text` holds to `builder`.

    Parameters
    ----------
    text : str
        Lines end in ``\n``; no other control character but the tab.
    builder : Builder

    Raises
    ------
    SpecError
        The text is not JSON, or goes beyond a limit.
    """
    grammar = _Grammar(builder)
    line = start = 0  # the line, and where it starts in the text
    for match in _TOKEN.finditer(text):
        group = match.lastindex or 0
        kind, token, at = _KINDS[group], match[group], match.start(group)
        if kind == "lines":
            line += token.count("\n")
            start = at + token.rindex("\n") + 1
            continue
        column = at - start
        grammar.take(kind, token, (line, column, line, column + len(token)))


class _Grammar:
    """What may come next, and the brackets that are open."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._expected = "value"
        self._open: list[tuple[str, Place]] = []
        self._previous: tuple[str, Place] = ("", (0, 0, 0, 0))

    def take(self, kind: str, token: str, place: Place) -> None:
        """Take one token, or report that it must not stand here."""
        if kind in _SCALARS and self._expected in VALUES:
            self._scalar(kind, token, place)
            self._after_value()
        elif kind == "string" and self._expected in KEYS:
            self._builder.text(_decoded(token), place)
            self._expected = "colon"
        elif not (kind == self._expected == "end" or (kind == "mark" and self._mark(token, place))):
            self._refuse(kind, token, place)
        self._previous = (token, place)

    def _scalar(self, kind: str, token: str, place: Place) -> None:
        if kind == "string":
            self._builder.text(_decoded(token), place)
        elif kind == "infinite":
            self._builder.infinite(token, place)
        else:
            self._builder.word(token, place)

    def _mark(self, mark: str, place: Place) -> bool:
        """Take a bracket, comma or colon if it may stand here."""
        expected = self._expected
        if mark == "," and expected == "comma":
            self._expected = "key" if self._open[-1][0] == "{" else "value"
        elif mark == ":" and expected == "colon":
            self._expected = "value"
        elif mark in CLOSERS and expected in VALUES:
            self._enter(mark, place)
        elif mark in _BEFORE_CLOSER and expected in _BEFORE_CLOSER[mark]:
            if CLOSERS[self._open[-1][0]] != mark:
                return False
            self._open.pop()
            self._builder.close(place[2], place[3])
            self._after_value()
        else:
            return False
        return True

    def _enter(self, bracket: str, place: Place) -> None:
        self._open.append((bracket, place))
        if bracket == "{":
            self._builder.mapping(place, flow=True)
            self._expected = "first key"
        else:
            self._builder.sequence(place, flow=True)
            self._expected = "first value"

    def _after_value(self) -> None:
        self._expected = "comma" if self._open else "end"

    def _refuse(self, kind: str, token: str, place: Place) -> None:
        opener, start = self._open[-1] if self._open else ("", place)
        previous, before = self._previous
        if kind == "end":  # shown where the last token ends, not after blank lines
            place = (*before[2:], before[2], before[3] + 1)
        surprise = Surprise(
            expected=self._expected,
            kind=kind,
            token=token,
            span=self._builder.span(place),
            opener=opener,
            opened=self._builder.span(start),
            previous=previous,
            adjacent=before[2:] == place[:2],
        )
        cause = cause_of_syntax(self._builder.source, place[0], "json-syntax")
        self._builder.refuse(cause or syntax_fault(surprise))


def _decoded(token: str) -> str:
    """The text that a token in quotes stands for."""
    text: str = json.loads(token) if "\\" in token else token[1:-1]
    return text
