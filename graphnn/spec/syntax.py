"""A text as it is written: values with their comments, blank lines, quotes and anchors."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from graphnn.spec.limits import DEFAULT
from graphnn.spec.reader import Event
from graphnn.spec.scalars import resolve
from graphnn.spec.values import Mapping, Plain, Scalar, Sequence, Value

_COMMENT = re.compile(r"#[^\n]*")
_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_BLOCK_STYLES = ("|", ">")


@dataclass(slots=True)
class Leaf:
    """A scalar or an alias.

    Attributes
    ----------
    value : None, bool, int, float or str
    word : str
        As it is written without quotes; empty for one in quotes.
    lines : list of str
        Of a text written below its key: what it holds, line by line.
    style : str
        Of such a text: ``|`` or ``>``.
    anchor, alias : str
    """

    value: Plain
    word: str = ""
    lines: list[str] = field(default_factory=list)
    style: str = ""
    anchor: str = ""
    alias: str = ""


@dataclass(slots=True)
class Line:
    """A comment on a line of its own; `blank` where an empty line stands above it."""

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
    leading : list of Line
        Comments above it.
    comment : str
        The comment that follows it on its line.
    blank : bool
        Whether an empty line stands above it.
    """

    key: Leaf | None
    value: Leaf | Tree
    leading: list[Line] = field(default_factory=list)
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


def from_events(text: str, events: Iterable[Event]) -> Tree:
    """The mapping that `text` holds, from the events of a YAML parser.

    Parameters
    ----------
    text : str
        The reader has taken it.
    events : iterable of Event
    """
    parser = _Parser(text)
    for event in events:
        parser.take(event)
    return parser.finish()


def from_value(value: Value) -> Leaf | Tree:
    """`value` as if it were written in JSON: numbers as they are, if they have a place."""
    # As deep as the reader's limit at most.
    if isinstance(value, Scalar):
        return Leaf(value.value, "" if isinstance(value.value, str) else _written(value))
    if isinstance(value, Sequence):
        return Tree(False, [Entry(None, from_value(item)) for item in value.items])
    assert isinstance(value, Mapping)
    return Tree(True, [Entry(Leaf(key), from_value(inner)) for key, inner in value.items()])


def _written(value: Scalar) -> str:
    """The word in the text that `value` is, if it still is that."""
    if value.span is None or value.line != value.end_line:
        return ""
    line = value.source.line(value.line + 1)
    word = line[value.column : value.end_column]
    return word if word and _same(word, value.value) else ""


def _same(word: str, value: Plain) -> bool:
    found = _resolved(word)
    return type(found) is type(value) and repr(found) == repr(value)


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


class _Parser:
    """Makes trees of events and finds the comments between them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
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
        for comment in self._gap(len(self._text)):
            self._place(comment)
        _lift(self._root)
        return self._root

    def _open(self, event: Event) -> None:
        frame = self._stack[-1] if self._stack else None
        found = self._gap(event.start)
        entry = self._entry(event, found)
        tree = Tree(event.kind == "mapping", anchor=event.anchor)
        # Its first dash or key, which an anchor may stand before.
        column = self._column(event.end) - (event.kind == "sequence")
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
            self._line = self._line_of(event.start)
            self._closed.clear()
            self._done = None

    def _leaf(self, event: Event) -> None:
        frame = self._stack[-1]
        written = bool(event.text or event.style or event.anchor or event.kind == "alias")
        # An empty value is nowhere: what stands before it may belong to what comes after.
        found = self._gap(event.start) if written else []
        if frame.pending is not None:
            entry, frame.pending = frame.pending, None
            entry.leading += [_line(comment) for comment in found]
            entry.value = self._read(event, entry)
            self._done = entry
        else:
            made = self._entry(event, found)
            assert made is not None
            leaf = self._read(event, made)
            if frame.tree.mapping:
                made.key = leaf
                self._done = None
            else:
                made.value = leaf
                frame.pending, self._done = None, made

    def _entry(self, event: Event, found: list[_Comment]) -> Entry | None:
        """The entry that `event` begins, or goes on with; None at the root."""
        if not self._stack:
            return None
        frame = self._stack[-1]
        if frame.pending is not None:
            return frame.pending
        first = not frame.tree.entries
        entry = Entry(None, Leaf(None))
        if first:
            entry.leading = frame.opening + self._inside(frame, found)
        else:
            entry.leading = [
                line for comment in found if (line := self._place(comment)) is not None
            ]
        number = self._line_of(event.start)
        below = not first or bool(entry.leading)
        entry.blank = below and number > self._line and self._is_blank(number - 1)
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

    def _place(self, comment: _Comment) -> Line | None:
        """Put a comment that follows an entry where it belongs; None if that is done."""
        if comment.trailing and self._done is not None:
            _follow(self._done, comment.text)
            return None
        # A comment belongs to the innermost collection that is not further to the right.
        while self._closed and self._closed[0].column > comment.column:
            self._closed.pop(0)
        if self._closed:
            self._closed[0].tree.tail.append(_line(comment))
            return None
        if not self._stack:
            self._root.tail.append(_line(comment))
            return None
        return _line(comment)

    def _end(self, event: Event) -> None:
        frame = self._stack.pop()
        if not frame.flow:
            self._closed.append(frame)
            return
        self._done_with(frame, self._gap(event.start) if event.end > event.start else [])
        self._done = frame.owner
        if event.end > event.start:  # the one pair of `[a: 1]` has no brackets of its own
            self._line = self._line_of(event.start)
            self._at = event.end

    def _done_with(self, frame: _Frame, found: list[_Comment]) -> None:
        """Put the comments before a closing bracket where they belong."""
        tree, owner = frame.tree, frame.owner
        if tree.entries:
            tree.tail += [line for each in found if (line := self._place(each)) is not None]
            return
        # Nothing can stand in empty brackets.
        lines = [*frame.opening, *map(_line, found)]
        if owner is None:
            tree.tail += lines
        else:
            owner.leading += [Line(owner.comment)] if owner.comment else []
            owner.leading += lines
            owner.comment = ""

    def _read(self, event: Event, entry: Entry) -> Leaf:
        """The scalar or alias of `event`; comments inside it go above `entry`."""
        start = event.start
        if event.kind == "scalar" and event.anchor:
            start = self._skip(start + len(event.anchor) + 1, event.end, entry)
        if start == event.end:
            return Leaf(None, anchor=event.anchor)
        self._at = event.end
        self._line = self._line_of(event.end - 1)
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
        entry.leading += [Line(text.rstrip()) for text in _COMMENT.findall(found[0])]
        return found.end()

    def _below(self, event: Event, start: int, entry: Entry) -> Leaf:
        header, _, body = self._text[start : event.end].partition("\n")
        if found := _COMMENT.search(header):
            entry.comment = found[0].rstrip()
        self._line = -1
        lines = body.split("\n")
        while lines and not lines[-1].strip():
            lines.pop()
        text = event.text
        if not _simple(text):
            return Leaf(text, anchor=event.anchor)
        indent = len(lines[0]) - len(lines[0].lstrip(" "))
        return Leaf(text, "", [line[indent:] for line in lines], event.style, event.anchor)

    def _gap(self, end: int) -> list[_Comment]:
        """Comments between what was looked through and `end`."""
        found = []
        for match in _COMMENT.finditer(self._text, self._at, max(end, self._at)):
            line = self._line_of(match.start())
            column = match.start() - self._starts[line]
            text = match[0].rstrip()
            found.append(_Comment(text, column, line == self._line, self._is_blank(line - 1)))
        self._at = max(end, self._at)
        return found

    def _line_of(self, index: int) -> int:
        return bisect_right(self._starts, index) - 1

    def _column(self, index: int) -> int:
        return index - self._starts[self._line_of(index)]

    def _is_blank(self, line: int) -> bool:
        if line < 0:
            return False
        start = self._starts[line]
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self._text)
        return not self._text[start:end].strip()


def _lift(tree: Tree) -> None:
    """Put what stands above the first thing in an item above the item, where it is read as well."""
    for entry in tree.entries:
        inner = entry.value
        if isinstance(inner, Tree):
            _lift(inner)
            if entry.key is None and inner.entries:
                first = inner.entries[0]
                entry.leading += first.leading
                first.leading, first.blank = [], False


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
    lines = text.split("\n")
    return (
        bool(text)
        and not text[0].isspace()
        and not text.endswith("\n\n")
        and all(not line or (line.strip() and line.isprintable()) for line in lines)
    )
