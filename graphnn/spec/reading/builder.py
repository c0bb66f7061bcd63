"""Located values put together from the events of a parser, iteratively and within limits."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice
from typing import Final, NoReturn, Unpack

from graphnn.diagnostics import (
    HIDDEN,
    Code,
    Diagnostic,
    Findings,
    Note,
    Remarks,
    Source,
    Span,
    SpecError,
    suggestion,
)
from graphnn.spec.reading import key_faults
from graphnn.spec.reading.characters import bad_character, index_of
from graphnn.spec.reading.limits import Limits
from graphnn.spec.reading.scalars import NumberError, not_finite, resolve, shortened
from graphnn.spec.values import Entry, Map, Plain, Scalar, Seq, Value, place_of

Place = tuple[int, int, int, int]  # line, column, end line, end column, each counted from 0

_PAIR = re.compile(r"([A-Za-z_][\w-]*)(?::|\s*=\s*)(\S.*)")  # a key and what it should hold
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_WORDS = 4096  # in the table of words: a larger one is slower than to resolve them again
_MAX_CANDIDATES = 1000  # anchors compared with a misspelt alias; each comparison takes time


class _Unknown(Enum):
    """What the table of words has no value for."""

    WORD = 0


@dataclass(slots=True, eq=False)
class _Open:
    """A collection that is still being filled."""

    collection: Seq | Map
    before: int  # values counted before this one
    flow: bool  # written in brackets
    anchor: str | None
    # One of the two: what is put into `collection` goes there.
    items: list[Value] | None
    entries: dict[str, Entry]
    height: int = 0  # collections inside one another below this one
    key: Scalar | None = None  # the key that waits for its value
    name: str = ""  # the text of that key
    around: dict[str, Entry] | None = None  # while `entries` go below an empty key among these


@dataclass(frozen=True, slots=True)
class _Complete:
    """What an anchor names: a value, how many values it holds, and how deep."""

    value: Value
    size: int
    height: int


_UNKNOWN: Final = _Unknown.WORD
_NO_ENTRIES: dict[str, Entry] = {}  # of a list
_DROPPED = Scalar("")  # stands in for a key at fault, whose value is read and forgotten
_AT_FAULT = math.nan  # stands in for a value at fault: no text gives it


@dataclass(frozen=True, slots=True)
class _Cut:
    """A value that ended at a ',', and the keys after it that have neither ':' nor value."""

    texts: tuple[str, ...]
    span: Span | None
    reported: Diagnostic | None = None
    values: int = 0  # counted with the last of them
    number: bool = False  # all digits, with nothing but ',' between
    of: str = ""  # the key of that value


class Builder:
    """Makes located values of events, and reports every fault that does not stop the reading.

    The methods are called in the order of the text: a collection is opened, filled and closed;
    in a mapping, keys and values alternate. `finish` gives the result.

    Parameters
    ----------
    source : Source
        The text that the places refer to.
    limits : Limits
    findings : Findings, optional
        Takes the faults that do not stop the reading; without it `finish` raises them.
    """

    def __init__(self, source: Source, limits: Limits, findings: Findings | None = None) -> None:
        self.source = source
        self._findings = findings or Findings()
        self._raises = findings is None
        self.limits = limits
        self._most = limits.values
        self._root = Seq([], source)
        # The innermost one that is open.
        self._top = _Open(self._root, 0, False, None, self._root.items, {})
        self._stack = [self._top]
        self.last: Value = self._root  # completed last
        self._written = ""  # the scalar or alias taken last, as the text has it; none in quotes
        self._anchors: dict[str, _Open | _Complete] = {}
        self._words: dict[str, Plain] = {}
        self._held: Diagnostic | None = None  # of a key that is not a text, until its value is read
        self._cut: _Cut | None = None
        self._values = self._collections = self._aliases = self._named = self._faults = 0

    def word(self, word: str, place: Place, anchor: str | None = None) -> None:
        """Take an unquoted scalar, as the core schema reads it."""
        self._written = word
        value = self._words.get(word, _UNKNOWN)
        if value is _UNKNOWN:
            value = self._resolved(word, place)
        self._scalar(value, place, anchor)

    def nothing(self, place: Place, anchor: str | None = None) -> None:
        """Take an empty value: its key ends what goes below an empty one before."""
        frame = self._top
        if frame.around is not None and frame.name not in frame.around:
            frame.entries, frame.around = frame.around, None
        self.word("", place, anchor)

    def text(self, text: str, place: Place, anchor: str | None = None) -> None:
        """Take a scalar that is a text whatever it looks like."""
        self._written = ""
        if not text.isascii() and (found := _SURROGATE.search(text)):
            self.fault(
                "bad-character",
                f"the escape of U+{ord(found[0]):04X} stands for half a character",
                self.span(place),
                help="write the character itself",
            )
            self._scalar(_AT_FAULT, place, anchor)
        else:
            self._scalar(text, place, anchor)

    def infinite(self, word: str, place: Place) -> None:
        """Take a `word` such as ``NaN``, which Python writes into JSON, as a value at fault."""
        self._number_fault(not_finite(word), place)
        self._scalar(_AT_FAULT, place, None)

    def bare(self, place: Place) -> None:
        """Take the empty value at `place`, before which there is no ':'."""
        frame, key = self._top, self.last
        waits = frame.key is not None and (frame.key is not _DROPPED or self._held is not None)
        if not (frame.flow and waits and isinstance(key, Scalar)):
            self.word("", place)
            return
        self._held = None  # the report that follows is nearer to what was meant
        text = self._written or str(key.value)
        pair = _PAIR.fullmatch(HIDDEN.sub("", self._written))
        if pair is not None:
            self._without_colon(pair[1], pair[2], key, frame)
            return
        self._bare_key(text, key, self._cut_before(frame))
        # At the place of the key, where everything has been reported.
        self._scalar(_AT_FAULT, place_of(key)[1:], None)

    def _without_colon(self, name: str, value: str, key: Scalar, frame: _Open) -> None:
        """Report a key such as ``op:relu``, and take it for the pair that it stands for."""
        hidden = HIDDEN.search(self._written)
        if hidden is None:
            self.report(key_faults.missing_colon(self._written, name, value, key.span))
        else:
            start = index_of(self.source.text, (key.line, key.column))
            self.report(bad_character(self.source, start + hidden.start()))
        place = place_of(key)[1:]
        frame.key = _DROPPED if name in frame.entries else Scalar(name, self.source, *place)
        frame.name = name
        self.word(value, place)

    def _cut_before(self, frame: _Open) -> _Cut:
        """What a ',' may have cut before the last key of `frame`."""
        if self._cut is not None and self._cut.values == self._values - 2:
            return self._cut
        before = next(reversed(frame.entries.values()), None)
        if before is None or not isinstance(before.value, Scalar):
            return _Cut((), None)
        value, place = before.value.value, place_of(before.value)
        # What it would have been is not known: nothing is to follow from the rest.
        frame.entries[str(before.key.value)] = Entry(before.key, Scalar(_AT_FAULT, *place))
        of = str(before.key.value)
        return _Cut((str(value),), before.value.span, number=type(value) is int, of=of)

    def _bare_key(self, text: str, key: Scalar, cut: _Cut) -> None:
        span, texts = key.span, (*cut.texts, text)
        number = cut.number and text.isdigit()
        if cut.span is not None and span is not None:
            near = (cut.span.end_line, cut.span.end_column + 1)
            number = number and near == (span.line, span.column)
            span = replace(cut.span, end_line=span.end_line, end_column=span.end_column)
        fault = key_faults.missing_value(texts, span, cut.of)
        if number:
            fault = key_faults.number_with_commas(texts, span)
        if cut.reported is None:
            self.report(fault)
        else:
            self._findings.replace(cut.reported, fault)
        self._cut = _Cut(texts, span, fault, self._values, number, cut.of)

    def _release(self) -> None:
        """Report what was held."""
        held, self._held = self._held, None
        if held is not None:
            self.report(held)

    def sequence(self, place: Place, *, flow: bool, anchor: str | None = None) -> None:
        """Open a list."""
        items: list[Value] = []
        sequence = Seq(items, self.source, *place)
        self._open(_Open(sequence, self._values, flow, anchor, items, _NO_ENTRIES))

    def mapping(self, place: Place, *, flow: bool, anchor: str | None = None) -> None:
        """Open a mapping."""
        entries: dict[str, Entry] = {}
        mapping = Map(entries, self.source, *place)
        self._open(_Open(mapping, self._values, flow, anchor, None, entries))

    def close(self, end_line: int, end_column: int) -> None:
        """Close the innermost collection; one without brackets ends where its last value does."""
        done = self._stack.pop()
        collection = done.collection
        if not done.flow:
            end_line, end_column = self.last.end_line, self.last.end_column
        collection.end_line, collection.end_column = end_line, end_column
        height = done.height + 1
        parent = self._top = self._stack[-1]
        if parent.height < height:
            parent.height = height
        anchor = done.anchor
        if anchor is not None and self._anchors[anchor] is done:  # not given again inside
            self._anchors[anchor] = _Complete(collection, self._values - done.before, height)
        self._put(collection)

    def alias(self, name: str, place: Place) -> None:
        """Take an alias: the value of its anchor, at the place of the alias."""
        self._release()
        self._written = f"*{name}"
        self._aliases += 1
        if self._aliases > self.limits.aliases:
            self._stop_at("too-many-aliases", "aliases", self.limits.aliases, place)
        target = self._anchors.get(name)
        if isinstance(target, _Complete):
            self._repeat(target, place)
            return
        if target is None:
            self._unknown_alias(name, place)
        else:
            self._cyclic_alias(name, target, place)
        self._scalar(_AT_FAULT, place, None)

    def finish(self) -> Map:
        """The mapping that the text holds.

        Raises
        ------
        SpecError
            Something is at fault.
        """
        top = self._root.items[0] if self._root.items else None
        name = self.source.name
        if top is None or (isinstance(top, Scalar) and key_faults.is_empty(top)):
            self.fault("empty-file", f"'{name}' holds no value", self.span((0, 0, 0, 0)))
        elif not isinstance(top, Map):
            self.fault(
                "not-a-mapping",
                f"'{name}' holds {top.kind}, not a mapping",
                top.span,
                help="a spec is made of keys with values, such as 'graphnn: 1'",
            )
        if self._raises or not isinstance(top, Map):
            self._findings.raise_errors()
        assert isinstance(top, Map)
        self._findings.mark_faulty()
        return top

    def fault(
        self, code: Code, message: str, span: Span | None, **remarks: Unpack[Remarks]
    ) -> None:
        """Report a fault and continue, unless there were too many."""
        self.report(Diagnostic(code, message, span, **remarks))

    def report(self, fault: Diagnostic) -> None:
        """Report `fault` and continue, unless there were too many."""
        self._findings.add(fault)
        self._faults += 1
        if self._faults >= self.limits.faults:
            message = f"reading stopped after {self.limits.faults:,} faults"
            self.stop("too-many-faults", message, fault.span)

    def stop(self, code: Code, message: str, span: Span | None, help: str = "") -> NoReturn:
        """Make a fault of its parts, and refuse the text for it."""
        self.refuse(Diagnostic(code, message, span, help=help))

    def refuse(self, fault: Diagnostic) -> NoReturn:
        """Report a fault that ends the reading, with all that were reported before.

        Raises
        ------
        SpecError
        """
        if fault not in self._findings.errors:  # the cause of several is reported once
            self._findings.add(fault)
        raise SpecError(*self._findings.errors)

    def span(self, place: Place) -> Span:
        """The span of `place` in the text."""
        line, column, end_line, end_column = place
        return Span(self.source, line + 1, column + 1, end_line + 1, end_column + 1)

    @property
    def bracket(self) -> Value | None:
        """The innermost collection in brackets that is still open."""
        return next((frame.collection for frame in reversed(self._stack) if frame.flow), None)

    @property
    def in_brackets(self) -> bool:
        """Whether the innermost collection that is open has brackets."""
        return self._top.flow

    def _resolved(self, word: str, place: Place) -> Plain:
        try:
            value = resolve(word, self.limits.number_length)
        except NumberError as fault:
            self._number_fault(fault, place)
            return _AT_FAULT
        if len(self._words) < _MOST_WORDS:
            self._words[word] = value
        return value

    def _number_fault(self, fault: NumberError, place: Place) -> None:
        self.fault(fault.code, str(fault), self.span(place), help=fault.help)

    def _scalar(self, value: Plain, place: Place, anchor: str | None) -> None:
        # Most of what a large file holds comes by here, so all of it is in one function.
        if self._held is not None:
            self._release()
        line, column, end_line, end_column = place
        scalar = self.last = Scalar(value, self.source, line, column, end_line, end_column)
        self._values += 1
        if self._values > self._most:
            self._too_many("values", self._most, place)
        if anchor is not None:
            self._name(anchor, _Complete(scalar, 1, 0), place)
        frame = self._top
        key = frame.key
        if frame.items is not None:
            frame.items.append(scalar)
        elif key is None:
            frame.key = self._key(scalar, frame)
        else:
            if key is not _DROPPED:
                frame.entries[frame.name] = Entry(key, scalar)
            frame.key = None

    def _open(self, opened: _Open) -> None:
        if self._held is not None:
            self._release()
        line, column = opened.collection.line, opened.collection.column
        place = (line, column, line, column + 1)
        if len(self._stack) > self.limits.depth:
            self._too_deep(place)
        self._values += 1
        if self._values > self._most:
            self._too_many("values", self._most, place)
        self._collections += 1
        if self._collections > self.limits.collections:
            self._too_many("lists and mappings", self.limits.collections, place)
        if opened.anchor is not None:
            self._name(opened.anchor, opened, place)
        self._stack.append(opened)
        self._top = opened

    def _put(self, value: Value) -> None:
        """Put a complete value where it belongs: an item, a key, or the value of a key."""
        self.last = value
        parent = self._top
        if parent.items is not None:
            parent.items.append(value)
        elif parent.key is None:
            parent.key = self._key(value, parent)
        else:
            if parent.key is not _DROPPED:
                parent.entries[parent.name] = Entry(parent.key, value)
            parent.key = None

    def _key(self, value: Value, parent: _Open) -> Scalar:
        if (
            isinstance(value, Scalar)
            and isinstance(text := value.value, str)
            and len(text) <= self.limits.key_length
            and text not in parent.entries
            and self._written != "<<"
        ):
            parent.name = text
            return value
        if isinstance(value, Scalar) and self._put_below_empty(value, parent):
            return value
        self._refuse_key(value, parent)
        return _DROPPED

    def _put_below_empty(self, key: Scalar, frame: _Open) -> bool:
        """Put a repeated `key` below the empty one that it seems to belong to, if there is one."""
        owned = [] if frame.flow else key_faults.empty_before(key.value, frame.entries)
        if not owned:
            return False
        outer, (empty, *rest) = frame.entries, owned
        inside = {name: outer.pop(name) for name in rest}
        owner, value = outer[empty].key, outer[empty].value
        outer[empty] = Entry(owner, Map(inside, *place_of(value)))
        frame.around, frame.entries, frame.name = outer, inside, str(key.value)
        self.report(key_faults.unindented(owner))
        return True

    def _refuse_key(self, value: Value, parent: _Open) -> None:
        text = value.value if isinstance(value, Scalar) else None
        if not isinstance(text, str):
            if text is not _AT_FAULT:
                self._held = key_faults.not_text(value, self._written)
        elif self._written == "<<":
            self.report(key_faults.merge(value))
        elif len(text) > self.limits.key_length:
            self.report(key_faults.too_long(value, text, self.limits.key_length))
        else:
            self.report(key_faults.twice(value, text, parent.entries[text].key))

    def _too_many(self, what: str, limit: int, place: Place) -> NoReturn:
        help = "keep large arrays in a file of weights"
        self._stop_at("too-many-values", what, limit, place, help)

    def _name(self, anchor: str, named: _Open | _Complete, place: Place) -> None:
        self._named += 1
        if self._named > self.limits.aliases:
            self._stop_at("too-many-anchors", "anchors", self.limits.aliases, place)
        self._anchors[anchor] = named

    def _repeat(self, target: _Complete, place: Place) -> None:
        if len(self._stack) - 1 + target.height > self.limits.depth:
            self._too_deep(place)
        self._values += target.size
        if self._values > self._most:
            self._too_many("values", self._most, place)
        parent = self._top
        parent.height = max(parent.height, target.height)
        self._put(_at(target.value, self.source, place))

    def _unknown_alias(self, name: str, place: Place) -> None:
        candidates = islice(self._anchors, _MAX_CANDIDATES)
        self.fault(
            "unknown-alias",
            f"no anchor '&{shortened(name)}' comes before the alias '*{shortened(name)}'",
            self.span(place),
            help=suggestion(name, candidates, "put a text that starts with '*' in quotes"),
        )

    def _cyclic_alias(self, name: str, target: _Open, place: Place) -> None:
        line, column = target.collection.line, target.collection.column
        start = self.span((line, column, line, column + 1))
        self.fault(
            "cyclic-alias",
            f"the alias '*{shortened(name)}' stands inside the value that it names",
            self.span(place),
            notes=(Note("that value starts here", start),),
        )

    def _too_deep(self, place: Place) -> NoReturn:
        message = f"values are nested more than {self.limits.depth:,} deep"
        self.stop("too-deep", message, self.span(place))

    def _stop_at(self, code: Code, what: str, limit: int, place: Place, help: str = "") -> NoReturn:
        message = f"'{self.source.name}' holds more than {limit:,} {what}"
        self.stop(code, message, self.span(place), help)


def _at(value: Value, source: Source, place: Place) -> Value:
    """`value` at another place; what it holds stays where it is."""
    if isinstance(value, Scalar):
        return Scalar(value.value, source, *place)
    if isinstance(value, Seq):
        return Seq(value.items, source, *place)
    assert isinstance(value, Map)
    return Map(value.entries, source, *place)
