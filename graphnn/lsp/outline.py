"""Keys and scalars of a text with their paths, also where the text is broken or half typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from graphnn.spec import DEFAULT
from graphnn.spec.values import Map, Scalar, Seq, Value

Path = tuple[str | int, ...]

_PIECE = re.compile(
    r"(?P<line>\n[ ]*)"
    r"|(?P<skip>[ \t\r]+|\#[^\n]*)"
    r"""|(?P<quoted>"(?:[^"\\\n]++|\\[^\n])*+"?|'(?:[^'\n]++|'')*+'?)"""
    r"|(?P<open>[\[{])|(?P<shut>[\]}])|(?P<comma>,)"
    r"|(?P<dash>-(?=[ \n]|\Z))"
    r"|(?P<colon>:(?=[ \n\t,\[\]{}]|\Z))"
    r"|(?P<word>\S)"
)
# A word ends before a comment, or a colon that makes it a key; in brackets, before marks too.
# Of spaces, the first alone looks for a comment: were it all, many would take the square of time.
_BLOCK_WORD = re.compile(r"(?:(?!:(?:\s|\Z)|(?<!\s)\s+\#)[^\n])+")
_FLOW_WORD = re.compile(r"(?:(?!:(?:[\s,\[\]{}]|\Z)|(?<!\s)\s+\#)[^\n,\[\]{}])+")
_KEY_FOLLOWS = re.compile(r"[ \t]*:(?:[\s,\[\]{}]|\Z)")
_JSON_KEY_FOLLOWS = re.compile(r"\s*:")
_BLOCK_TEXT = re.compile(r"[|>][-+0-9]*[ \t]*(?:\#[^\n]*)?(?=\n|\Z)")
_KEY_LINE = re.compile(r"[ ]*[\w\"'-]+[ \t]*:(?:\s|\Z)")


@dataclass(frozen=True, slots=True)
class Token:
    """A key or a scalar, without its quotes.

    Attributes
    ----------
    path : tuple of str or int
        The keys and numbers under which it stands; of a key, those of its mapping.
    text : str
    start, end : int
        Where it stands, in characters of the text.
    key : bool
    """

    path: Path
    text: str
    start: int
    end: int
    key: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the end of a text stands in its structure.

    Attributes
    ----------
    path : tuple of str or int
        Of the mapping that takes a key here, or of the value here.
    key : bool
        Whether a key is due.
    prefix : str
        What is typed of it so far.
    """

    path: Path
    key: bool
    prefix: str


def located(document: Map) -> Iterator[Token]:
    """Tokens of a text that has been read, in no order."""
    starts = _line_starts(document.source.text)
    pending: list[tuple[Path, Value]] = [((), document)]
    seen: set[tuple[int, int]] = set()  # what an alias repeats stands in its place once
    while pending:
        path, value = pending.pop()
        if isinstance(value, Map):
            for name, entry in value.entries.items():
                if (place := (entry.key.line, entry.key.column)) not in seen:
                    seen.add(place)
                    yield _token(document, starts, path, entry.key, key=True)
                    pending.append(((*path, name), entry.value))
        elif isinstance(value, Seq):
            pending += [((*path, number), item) for number, item in enumerate(value.items)]
        elif isinstance(value, Scalar) and (value.line, value.column) not in seen:
            seen.add((value.line, value.column))
            yield _token(document, starts, path, value, key=False)


def _token(document: Map, starts: list[int], path: Path, value: Scalar, *, key: bool) -> Token:
    text = document.source.text
    start = starts[value.line] + value.column
    end = starts[min(value.end_line, len(starts) - 1)] + value.end_column
    if text[start : start + 1] in ("'", '"') and end - start > 1:
        start, end = start + 1, end - 1
    return Token(path, str(value.value), start, end, key)


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer("\n", text))]


def scanned(text: str) -> list[Token]:
    """Tokens of a text of any kind, as well as they can be found."""
    return _Scanner(text).tokens


def cursor(text: str) -> Cursor:
    """Where the end of `text` stands: give it what is before the cursor."""
    return _Scanner(text).cursor()


class _Frame:
    """A collection that is open: a mapping with its last key, or a list with its last number."""

    __slots__ = ("flow", "indent", "key", "number")

    def __init__(self, indent: int, flow: bool, number: int | None) -> None:
        self.indent = indent
        self.flow = flow
        self.number = number  # None for a mapping
        self.key: str | None = None

    @property
    def step(self) -> tuple[str | int, ...]:
        if self.number is not None:
            return (self.number,)
        return () if self.key is None else (self.key,)


class _Scanner:
    """Goes through a text once, with what is open on a stack."""

    def __init__(self, text: str) -> None:
        self.tokens: list[Token] = []
        self._text = text
        self._frames: list[_Frame] = []
        self._beyond = 0  # brackets that are open deeper than a text may be nested
        self._at = 0
        self._line_start = 0
        self._half = False  # the last scalar stands where a key may
        self._fresh = True  # nothing but spaces and dashes stands before in the line
        self._scan()

    def _scan(self) -> None:
        """Take the whole text."""
        while found := _PIECE.match(self._text, self._at):
            kind = found.lastgroup or ""
            start, self._at = self._at, found.end()
            getattr(self, f"_{kind}")(found[0], start)

    def cursor(self) -> Cursor:
        """Where the text ends."""
        last = self.tokens[-1] if self.tokens else None
        if last is not None and last.end == len(self._text) and not last.key:
            return Cursor(last.path, self._half or self._key_is_due(), last.text)
        if self._fresh and not self._flow:
            self._close(len(self._text) - self._line_start)
        top = self._top
        if top is None:
            return Cursor((), True, "")
        if top.number is not None:
            return Cursor(self._path(), False, "")
        if not top.flow and self._fresh:
            nested = len(self._text) - self._line_start > top.indent
            return Cursor(self._path() if nested else self._above(), True, "")
        return Cursor(self._path(), top.key is None, "")

    def _key_is_due(self) -> bool:
        """Whether what has just been typed may be a key, outside of all or in brackets."""
        top = self._top
        return top is None or (top.flow and top.number is None and top.key is None)

    @property
    def _top(self) -> _Frame | None:
        """The innermost collection that is open."""
        return self._frames[-1] if self._frames else None

    @property
    def _flow(self) -> bool:
        return self._top is not None and self._top.flow

    def _path(self) -> Path:
        return tuple(step for frame in self._frames for step in frame.step)

    def _above(self) -> Path:
        """The path of the innermost collection that is open."""
        return tuple(step for frame in self._frames[:-1] for step in frame.step)

    def _close(self, indent: int) -> None:
        """Close what a line that starts at `indent` ends."""
        while self._frames and self._frames[-1].indent > indent:
            self._frames.pop()

    # Pieces, by their kinds.

    def _line(self, piece: str, start: int) -> None:
        self._line_start = start + 1
        indent = len(piece) - 1
        if self._flow:
            around = next((f for f in reversed(self._frames) if not f.flow), None)
            # Brackets that nobody closed: the next line is one of the mapping around them.
            if (
                around is None
                or indent > around.indent
                or not _KEY_LINE.match(self._text, start + 1)
            ):
                return
            while self._flow:
                self._frames.pop()
            self._beyond = 0
        self._fresh = True

    def _skip(self, piece: str, start: int) -> None:
        """Take spaces, or a comment."""

    def _dash(self, piece: str, start: int) -> None:
        if self._flow or not self._fresh:
            return
        indent = start - self._line_start
        self._close(indent)
        top = self._top
        if top is not None and top.number is not None and top.indent == indent:
            top.number += 1
        else:
            self._push(_Frame(indent, False, 0))

    def _quoted(self, piece: str, start: int) -> None:
        closed = len(piece) > 1 and piece[-1] == piece[0]
        end = start + len(piece) - closed
        self._scalar(self._text[start + 1 : end], start + 1, end, quoted=True)

    def _word(self, piece: str, start: int) -> None:
        if not self._flow and not self._fresh and (found := _BLOCK_TEXT.match(self._text, start)):
            self._skip_block(found.end())
            return
        found = (_FLOW_WORD if self._flow else _BLOCK_WORD).match(self._text, start)
        whole = found[0] if found else piece
        text = whole.rstrip()
        self._at = start + len(whole)
        self._scalar(text, start, start + len(text))

    def _skip_block(self, at: int) -> None:
        """Skip a text of several lines."""
        indent = self._frames[-1].indent if self._frames else -1
        while (found := re.compile(r"\n([ ]*)(\S?)").match(self._text, at)) and (
            not found[2] or len(found[1]) > indent
        ):
            end = self._text.find("\n", found.end(1))
            at = len(self._text) if end < 0 else end
        self._at = at

    def _scalar(self, text: str, start: int, end: int, *, quoted: bool = False) -> None:
        follows = _JSON_KEY_FOLLOWS if quoted and self._flow else _KEY_FOLLOWS
        is_key = follows.match(self._text, end + quoted) is not None
        if is_key and not self._flow:
            self._open_mapping(start - quoted - self._line_start)
        top = self._top
        self._half = False
        if top is not None and top.number is None and is_key and (self._fresh or top.flow):
            self.tokens.append(Token(self._above(), text, start, end, key=True))
            top.key = text
        else:
            path = self._path()
            if self._fresh and not self._flow and top is not None and top.number is None:
                path = self._half_key(start - self._line_start)
            self.tokens.append(Token(path, text, start, end, key=False))
        self._fresh = False

    def _half_key(self, indent: int) -> Path:
        """The path of a line that is only a word: what it may be the start of."""
        self._half = True
        self._close(indent)
        deeper = bool(self._frames) and indent > self._frames[-1].indent
        return self._path() if deeper else self._above()

    def _open_mapping(self, indent: int) -> None:
        if not self._fresh:
            return
        self._close(indent)
        top = self._top
        while top is not None and top.number is not None and top.indent == indent:
            self._frames.pop()
            top = self._top
        if top is None or top.number is not None or top.indent < indent:
            self._push(_Frame(indent, False, None))

    def _open(self, piece: str, start: int) -> None:
        opened = _Frame(start - self._line_start, True, 0 if piece == "[" else None)
        self._beyond += not self._push(opened)
        self._fresh = False

    def _push(self, frame: _Frame) -> bool:
        """Go into a collection, unless it is so deep that nothing in it can be read."""
        if len(self._frames) > DEFAULT.depth:
            return False
        self._frames.append(frame)
        return True

    def _shut(self, piece: str, start: int) -> None:
        if self._beyond:
            self._beyond -= 1
        elif self._flow:
            self._frames.pop()

    def _comma(self, piece: str, start: int) -> None:
        if not self._flow:
            return
        top = self._frames[-1]
        if top.number is None:
            top.key = None
        else:
            top.number += 1

    def _colon(self, piece: str, start: int) -> None:
        self._fresh = False
