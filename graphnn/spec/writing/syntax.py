"""A text as it is written: values with their comments, blank lines, quotes and anchors."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from graphnn.diagnostics import Source, SpecError
from graphnn.spec.reader import Event
from graphnn.spec.reading.characters import stretch
from graphnn.spec.reading.limits import DEFAULT
from graphnn.spec.reading.scalars import resolve
from graphnn.spec.values import NOWHERE, Map, Plain, Scalar, Seq, Value

_COMMENT = re.compile(r"#[^\n]*")
_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_ONLY_SPACES = re.compile(r"^[^\S\n]+$", re.MULTILINE)
_BLOCK_STYLES = ("|", ">")
_BLOCK = 1 << 9  # characters


@dataclass(slots=True)
class Leaf:
    """A scalar or an alias.

    Attributes
    ----------
    value : None, bool, int, float or str
    word : str
        As it is written without quotes; empty for one in quotes.
    body : str
        Of a text written below its key: its lines as they are to be written there.
    style : str
        Of such a text: ``|`` or ``>``.
    anchor, alias : str
    """

    value: Plain
    word: str = ""
    body: str = ""
    style: str = ""
    anchor: str = ""
    alias: str = ""


@dataclass(slots=True)
class Line:
    """A comment on a separate line; `blank` where an empty line stands above it."""

    text: str
    blank: bool = False


@dataclass(slots=True)
class Entry:
    """One item of a list, or one key with its value.

    Attributes
    ----------
    key : Leaf or None
        None for an item.
    value : Leaf or Tree
    leading : tuple of Line
        Comments above it.
    comment : str
        The comment that follows it on its line.
    blank : bool
        Whether an empty line stands above it.
    """

    key: Leaf | None
    value: Leaf | Tree
    leading: tuple[Line, ...] = ()
    comment: str = ""
    blank: bool = False


@dataclass(slots=True)
class Tree:
    """A list or a mapping; `tail` are the comments after its last entry."""

    mapping: bool
    entries: list[Entry] = field(default_factory=list)
    tail: list[Line] = field(default_factory=list)
    anchor: str = ""

    @property
    def commented(self) -> bool:
        """Whether there is a comment in it."""
        # As deep as the reader's limit at most.
        return bool(self.tail) or any(
            entry.leading
            or entry.comment
            or (isinstance(entry.value, Tree) and entry.value.commented)
            for entry in self.entries
        )


def comments(tree: Tree) -> list[str]:
    """The comments of `tree`, in their order."""
    found = []
    for entry in tree.entries:
        found += [line.text for line in entry.leading]
        inner = comments(entry.value) if isinstance(entry.value, Tree) else []
        # A comment beside a key stands before those that are inside its value.
        found += [entry.comment, *inner] if entry.comment else inner
    return found + [line.text for line in tree.tail]


def from_events(source: Source, events: Iterable[Event]) -> Tree:
    """The mapping that a text holds, from the events of a YAML parser.

    Parameters
    ----------
    source : Source
        The reader has taken its text.
    events : iterable of Event

    Raises
    ------
    SpecError
        There are too many comments.
    """
    parser = _Parser(source)
    for event in events:
        parser.take(event)
    return parser.finish()


def from_value(value: Value) -> Leaf | Tree:
    """`value` as if it were written in JSON: numbers as they are, if they have a place."""
    return _Writer().written(value)


class _Writer:
    """Makes trees of values; numbers are looked up in the text that they come from."""

    def __init__(self) -> None:
        self._source = NOWHERE
        self._lines = _Lines("")

    def written(self, value: Value) -> Leaf | Tree:
        # As deep as the reader's limit at most.
        if isinstance(value, Scalar):
            return Leaf(value.value, "" if isinstance(value.value, str) else self._word(value))
        if isinstance(value, Seq):
            return Tree(False, [Entry(None, self.written(item)) for item in value.items])
        assert isinstance(value, Map)
        pairs = value.items()
        return Tree(True, [Entry(Leaf(key), self.written(inner)) for key, inner in pairs])

    def _word(self, value: Scalar) -> str:
        """The word in the text that `value` is, if it still is that."""
        if value.source is NOWHERE or value.line != value.end_line:
            return ""
        text = value.source.text
        if self._source is not value.source:
            self._source, self._lines = value.source, _Lines(text)
        start = self._lines.start(value.line)
        word = text[start + value.column : start + value.end_column]
        return word if word and _same(word, value.value) else ""


class _Lines:
    """The lines of a text, counted from 0, in any order; each is found in the same short time."""

    def __init__(self, text: str) -> None:
        self._text = text
        counts = (text.count("\n", at, at + _BLOCK) for at in range(0, len(text), _BLOCK))
        self._before = list(accumulate(counts, initial=0))  # ends of lines before each block
        self._last = (0, 0)  # a line, and where it starts

    def line(self, index: int) -> int:
        """The line of the character at `index`."""
        block = index // _BLOCK
        return self._before[block] + self._text.count("\n", block * _BLOCK, index)

    def start(self, line: int) -> int:
        """Where `line` starts."""
        if line != self._last[0]:
            block = max(bisect_left(self._before, line) - 1, 0)
            above, at = self._before[block], block * _BLOCK
            if above <= self._last[0] <= line:  # mostly, lines are asked for in their order
                above, at = self._last
            for _ in range(line - above):
                at = self._text.find("\n", at) + 1
            self._last = line, at
        return self._last[1]

    def column(self, index: int) -> int:
        """The column, counted from 0, of the character at `index`."""
        return index - self.start(self.line(index))

    def below_blank(self, index: int) -> bool:
        """Whether the line above that of the character at `index` is blank."""
        start = self.start(self.line(index))
        above = self._text.rfind("\n", 0, max(start - 1, 0)) + 1
        return start > 0 and not self._text[above:start].strip()


def _same(word: str, value: Plain) -> bool:
    return repr(_resolved(word)) == repr(value)  # which shows the type too, and the sign of 0


def _resolved(word: str) -> Plain:
    return resolve(word, DEFAULT.number_length)


class _Comment(NamedTuple):
    text: str
    column: int
    trailing: bool
    blank: bool


@dataclass(slots=True)
class _Frame:
    """A collection that is being filled."""

    tree: Tree
    owner: Entry | None  # whose value it is
    flow: bool
    column: int
    pending: Entry | None = None  # the entry that waits for its value
    opening: list[Line] = field(default_factory=list)  # comments before its first entry


_AWAITED = Leaf(None)  # stands where the value of an entry will be


class _Parser:
    """Makes trees of events and finds the comments between them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = text = source.text
        self._lines = _Lines(text)
        self._comments = 0
        self._at = 0  # up to here the text has been looked through
        self._line = -1  # of what was written last
        self._stack: list[_Frame] = []
        self._closed: list[_Frame] = []  # without brackets, since what was written last
        self._done: Entry | None = None  # what was written last
        self._root = Tree(True)

    def take(self, event: Event) -> None:
        """Take the next event."""
        if event.kind == "end":
            self._end(event)
        elif event.kind in ("scalar", "alias"):
            self._leaf(event)
        else:
            self._open(event)

    def finish(self) -> Tree:
        """The whole; what stands after its last value is put where it belongs."""
        self._placed(self._gap(len(self._text)))
        _lift(self._root)
        return self._root

    def _open(self, event: Event) -> None:
        frame = self._stack[-1] if self._stack else None
        found = self._gap(event.start)
        entry = self._entry(event, found)
        tree = Tree(event.kind == "mapping", anchor=event.anchor)
        # Its first dash or key, which an anchor may stand before.
        column = self._lines.column(event.end) - (event.kind == "sequence")
        if frame is not None and not event.style:
            # The dashes of a list may stand in the column of the key that it belongs to.
            column = max(column, frame.column + 1)
        made = _Frame(tree, entry, bool(event.style), column)
        if frame is None or entry is None:
            self._root = tree
            made.opening = [_line(comment) for comment in found]
        else:
            entry.value, frame.pending = tree, None
            if entry.key is not None:  # what stands before an item is above it already
                made.opening = self._opening(entry, found)
        self._stack.append(made)
        self._at = event.start + (len(event.anchor) + 1 if event.anchor else 0)
        if event.anchor or event.style:
            self._line = self._lines.line(event.start)
            self._closed.clear()
            self._done = None

    def _leaf(self, event: Event) -> None:
        frame = self._stack[-1]
        written = bool(event.text or event.style or event.anchor or event.kind == "alias")
        # An empty value is nowhere: what stands before it may belong to what comes after.
        found = self._gap(event.start) if written else []
        if frame.pending is not None:
            entry, frame.pending = frame.pending, None
            entry.leading += tuple(_line(comment) for comment in found)
            entry.value = self._read(event, entry)
            self._done = entry
        else:
            made = self._entry(event, found)
            assert made is not None
            leaf = self._read(event, made)
            if frame.tree.mapping:
                made.key, self._done = leaf, None
            else:
                made.value, frame.pending, self._done = leaf, None, made

    def _entry(self, event: Event, found: list[_Comment]) -> Entry | None:
        """The entry that `event` begins or continues; None at the root."""
        if not self._stack:
            return None
        frame = self._stack[-1]
        if frame.pending is not None:
            return frame.pending
        first = not frame.tree.entries
        entry = Entry(None, _AWAITED)
        if first:
            entry.leading = (*frame.opening, *self._inside(frame, found))
        else:
            entry.leading = self._placed(found)
        number = self._lines.line(event.start)
        below = not first or bool(entry.leading)
        entry.blank = below and number > self._line and self._lines.below_blank(event.start)
        frame.tree.entries.append(entry)
        frame.pending = entry
        self._closed.clear()
        return entry

    def _inside(self, frame: _Frame, found: list[_Comment]) -> list[Line]:
        """Comments between the start of a collection and its first entry."""
        if found and found[0].trailing and frame.owner is not None and not frame.opening:
            return self._opening(frame.owner, found)
        return [_line(comment) for comment in found]

    def _opening(self, owner: Entry, found: list[_Comment]) -> list[Line]:
        """Keep the comment beside the key of `owner` with it; the others."""
        if found and found[0].trailing and not owner.comment and owner.key is not None:
            owner.comment = found[0].text
            found = found[1:]
        return [_line(comment) for comment in found]

    def _placed(self, found: list[_Comment]) -> tuple[Line, ...]:
        """Put comments that follow an entry where they belong; those that belong to the next."""
        return tuple(line for each in found if (line := self._place(each)) is not None)

    def _place(self, comment: _Comment) -> Line | None:
        """Put a comment that follows an entry where it belongs; None if that is done."""
        if comment.trailing and self._done is not None:
            _follow(self._done, comment.text)
            return None
        # A comment belongs to the innermost collection that is not further to the right.
        while self._closed and self._closed[0].column > comment.column:
            self._closed.pop(0)
        if self._stack and not self._closed:
            return _line(comment)
        tree = self._closed[0].tree if self._closed else self._root
        tree.tail.append(_line(comment))
        return None

    def _end(self, event: Event) -> None:
        frame = self._stack.pop()
        if not frame.flow:
            self._closed.append(frame)
            return
        self._done_with(frame, self._gap(event.start) if event.end > event.start else [])
        self._done = frame.owner
        if event.end > event.start:  # the one pair of `[a: 1]` has no brackets
            self._line = self._lines.line(event.start)
            self._at = event.end

    def _done_with(self, frame: _Frame, found: list[_Comment]) -> None:
        """Put the comments before a closing bracket where they belong."""
        tree, owner = frame.tree, frame.owner
        if tree.entries:
            tree.tail += self._placed(found)
            return
        # Nothing can stand in empty brackets.
        lines = (*frame.opening, *map(_line, found))
        if owner is None:
            tree.tail += lines
        else:
            beside = (Line(owner.comment),) if owner.comment else ()
            owner.leading += (*beside, *lines)
            owner.comment = ""

    def _read(self, event: Event, entry: Entry) -> Leaf:
        """The scalar or alias of `event`; comments inside it go above `entry`."""
        start = event.start
        if event.kind == "scalar" and event.anchor:
            start = self._skip(start + len(event.anchor) + 1, event.end, entry)
        if start == event.end:
            return Leaf(None, anchor=event.anchor)
        self._at = event.end
        self._line = self._lines.line(event.end - 1)
        if event.kind == "alias":
            return Leaf(None, alias=event.text)
        if event.style in _BLOCK_STYLES:
            return self._below(event, start, entry)
        if event.style:
            return Leaf(event.text, anchor=event.anchor)
        return Leaf(_resolved(event.text), event.text, anchor=event.anchor)

    def _skip(self, start: int, end: int, entry: Entry) -> int:
        """Where the content after an anchor starts."""
        found = _SPACE.match(self._text, start, end)
        assert found is not None
        entry.leading += tuple(Line(text.rstrip()) for text in _COMMENT.findall(found[0]))
        return found.end()

    def _below(self, event: Event, start: int, entry: Entry) -> Leaf:
        header, _, body = self._text[start : event.end].partition("\n")
        if found := _COMMENT.search(header):
            entry.comment = found[0].rstrip()
        self._line = -1
        text = event.text
        if not _simple(text):
            return Leaf(text, anchor=event.anchor)
        body = body[: body.find("\n", len(body.rstrip()))] if body[-1:].isspace() else body
        indent = len(body) - len(body.lstrip(" "))
        body = re.sub(f"^.{{0,{indent}}}", "", body, flags=re.MULTILINE)
        return Leaf(text, "", body, event.style, event.anchor)

    def _gap(self, end: int) -> list[_Comment]:
        """Comments between what was looked through and `end`."""
        found: list[_Comment] = []
        if self._text.find("#", self._at, end) < 0:  # as nearly everywhere
            self._at = max(end, self._at)
            return found
        for match in _COMMENT.finditer(self._text, self._at, max(end, self._at)):
            start, text = match.start(), match[0].rstrip()
            self._count(start)
            trailing = self._lines.line(start) == self._line
            blank = self._lines.below_blank(start)
            found.append(_Comment(text, self._lines.column(start), trailing, blank))
        self._at = max(end, self._at)
        return found

    def _count(self, index: int) -> None:
        """Refuse a text whose comments take more room than its values may."""
        self._comments += 1
        if self._comments > DEFAULT.comments:
            message = f"'{self._source.name}' holds more than {DEFAULT.comments:,} comments"
            span = stretch(self._source, index, index + 1)
            raise SpecError.of("too-many-comments", message, span)


def _lift(tree: Tree) -> None:
    """Put what stands above the first thing in an item above the item, where it is read as well."""
    for entry in tree.entries:
        inner = entry.value
        if isinstance(inner, Tree):
            _lift(inner)
            if entry.key is None and inner.entries:
                first = inner.entries[0]
                entry.leading += first.leading
                first.leading, first.blank = (), False


def _line(comment: _Comment) -> Line:
    return Line(comment.text, comment.blank and not comment.trailing)


def _follow(entry: Entry, text: str) -> None:
    """Put a comment that stands behind `entry` behind it, or behind the last thing in it."""
    inner = entry.value
    if not entry.comment and not (isinstance(inner, Tree) and inner.commented):
        entry.comment = text
        return
    assert isinstance(inner, Tree)
    if inner.entries and not inner.tail:
        last = inner.entries[-1]
        if not last.comment and not (isinstance(last.value, Tree) and last.value.commented):
            last.comment = text
            return
    inner.tail.append(Line(text))


def _simple(text: str) -> bool:
    """Whether a text can be written below its key without further marks."""
    return (
        bool(text)
        and not text[0].isspace()
        and not text.endswith("\n\n")
        and not _ONLY_SPACES.search(text)
        and text.replace("\n", "").isprintable()
    )
