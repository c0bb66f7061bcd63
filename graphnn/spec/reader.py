"""Texts in YAML 1.2 or JSON to located values, with limits."""

from __future__ import annotations

import codecs
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from graphnn.diagnostics import Findings, Source, Span, SpecError, UsageError
from graphnn.spec.reading.builder import Builder, Place
from graphnn.spec.reading.characters import (
    Position,
    bad_character,
    cause_of_syntax,
    index_of,
    stretch,
)
from graphnn.spec.reading.limits import DEFAULT, Limits
from graphnn.spec.reading.yaml_faults import Problem, directive, syntax_fault, tag
from graphnn.spec.values import Map
from graphnn.storage import gc_paused
from graphnn.storage.files import MEBIBYTE, read_bytes

__all__ = ["SUFFIXES", "Event", "Limits", "events", "read", "read_file", "text_of"]

SUFFIXES = (".yaml", ".yml", ".json")  # of spec files
_PARSER: Any = getattr(yaml, "CLoader", yaml.SafeLoader)  # libyaml's where PyYAML has it
_BYTE_ORDER_MARK = "\ufeff"
# YAML 1.2 allows U+0085, U+2028, U+2029 and U+FEFF, but YAML 1.1 parsers, libyaml among them,
# break lines at the first three and skip the last, so that places and texts would be wrong.
_NOT_IN_YAML = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)
_NOT_IN_JSON = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_FOREIGN_MARKS = (  # UTF-32 before UTF-16: its little-endian mark starts with the other's
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SAVE_AS_UTF8 = "save the file as UTF-8"


class Event(NamedTuple):
    """One step of a parser through a text, and where it lies: characters `start` to `end`.

    Attributes
    ----------
    kind : {"scalar", "alias", "sequence", "mapping", "end"}
    start, end : int
        An anchor counts as part of what it names.
    text : str
        Of a scalar: what it says; of an alias: the name.
    style : str
        Of a scalar: its quote, or ``|`` or ``>``; of a collection: ``[`` in brackets.
    anchor : str
    """

    kind: Literal["scalar", "alias", "sequence", "mapping", "end"]
    start: int
    end: int
    text: str = ""
    style: str = ""
    anchor: str = ""


@gc_paused()
def read(
    text: str,
    name: str = "<text>",
    *,
    json: bool = False,
    limits: Limits = DEFAULT,
    findings: Findings | None = None,
) -> Map:
    """Read the mapping that `text` holds.

    Parameters
    ----------
    text : str
        YAML 1.2 without tags, directives and merge keys, in one document; or JSON.
    name : str, optional
        What messages call the text.
    json : bool, optional
        Read JSON, strictly, in place of YAML.
    limits : Limits, optional
        How much to take in.
    findings : Findings, optional
        Takes the faults that do not stop the reading, in place of an error, and knows their
        places: values at fault stand there as NaN.

    Returns
    -------
    Map
        Every value with its place. A value named by an alias has the place of the alias, what it
        contains keeps its place.

    Raises
    ------
    SpecError
        The text is not such a mapping. All faults that do not stop the reading are reported.
    UsageError
        `text` is not a text.

    Notes
    -----
    Lines end at a line feed, a carriage return, or both. A block collection ends where its last
    value does; a block scalar ends where the next line starts.
    """
    if _size(text, limits.bytes) > limits.bytes:
        message = f"'{name}' is larger than {limits.bytes / MEBIBYTE:g} MiB"
        raise SpecError.of("file-too-large", message)
    source = Source(name, _with_line_feeds(text.removeprefix(_BYTE_ORDER_MARK)))
    if found := (_NOT_IN_JSON if json else _NOT_IN_YAML).search(source.text):
        raise SpecError(bad_character(source, found.start()))
    builder = Builder(source, limits, findings)
    if json:
        from graphnn.spec.reading.json_events import read_json

        if source.text.strip(" \t\n"):
            read_json(source.text, builder)
    else:
        _YamlEvents(builder).read()
    return builder.finish()


def events(text: str) -> Iterator[Event]:
    """The values of `text`, which `read` has taken as YAML, as they are written.

    Parameters
    ----------
    text : str
        Its lines end in line feeds, and it starts with no byte order mark.
    """
    get = _PARSER(text).get_event
    while (event := get()) is not None:
        start, end, anchor = event.start_mark.index, event.end_mark.index, ""
        if isinstance(event, yaml.NodeEvent):
            anchor = event.anchor or ""
        if isinstance(event, yaml.ScalarEvent):
            yield Event("scalar", start, end, event.value, event.style or "", anchor)
        elif isinstance(event, yaml.AliasEvent):
            yield Event("alias", start, end, anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            kind: Literal["sequence", "mapping"] = (
                "sequence" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
            )
            yield Event(kind, start, end, "", "[" if event.flow_style else "", anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            yield Event("end", start, end)


def text_of(path: Path, limits: Limits = DEFAULT, span: Span | None = None) -> str:
    """The text in the file at `path`, for `read`; `span` is where the file is named.

    Raises
    ------
    FileError
        The file is missing, unreadable, not a regular file, or too large.
    SpecError
        Its content is not UTF-8.
    """
    return _decoded(read_bytes(path, limits.bytes, span), str(path))


def read_file(
    path: Path, limits: Limits = DEFAULT, span: Span | None = None, findings: Findings | None = None
) -> Map:
    """Read the mapping in the file at `path`: JSON where it ends in ``.json``, YAML elsewhere.

    Parameters
    ----------
    path : Path
    limits : Limits, optional
        How much to take in.
    span : Span, optional
        Where the file is named, for the error when it cannot be read.
    findings : Findings, optional
        As for `read`.

    Returns
    -------
    Map
        As `read` gives it.

    Raises
    ------
    FileError
        The file is missing, unreadable, not a regular file, or too large.
    SpecError
        Its content is not UTF-8, or not a mapping in YAML or JSON.
    """
    json = path.suffix.lower() == ".json"
    text = text_of(path, limits, span)
    return read(text, str(path), json=json, limits=limits, findings=findings)


def _size(text: str, limit: int) -> int:
    """Bytes of `text` in UTF-8, or a lower bound of them that is above `limit`."""
    if not isinstance(text, str):
        help = "decode it first: .decode('utf-8')" if isinstance(text, bytes) else ""
        raise UsageError.of("bad-option", f"a spec is a text, not {type(text).__name__}", help=help)
    return len(text) if len(text) > limit else len(text.encode("utf-8", "surrogatepass"))


def _with_line_feeds(text: str) -> str:
    """`text` with a line feed for each end of line that YAML knows."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decoded(content: bytes, name: str) -> str:
    for mark, encoding in _FOREIGN_MARKS:
        if content.startswith(mark):
            span = Span(Source(name), 1, 1, 1, 2)
            message = f"'{name}' is in {encoding}, not in UTF-8"
            raise SpecError.of("bad-encoding", message, span, help=_SAVE_AS_UTF8)
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        # Before the bad byte nothing is replaced, so the index is right in the shown text too.
        source = Source(name, _with_line_feeds(content.decode(errors="replace")))
        index = len(_with_line_feeds(content[: error.start].decode()))
        message = f"the byte 0x{content[error.start]:02x} does not belong here in UTF-8"
        span = stretch(source, index, index + 1)
        raise SpecError.of("bad-encoding", message, span, help=_way_out(name)) from None


def _way_out(name: str) -> str:
    """What to do about a file that is not UTF-8."""
    if not name.lower().endswith(".onnx"):
        return _SAVE_AS_UTF8
    return f"an ONNX model is written as a spec by: graphnn import {shlex.quote(name)} -o FOLDER"


class _YamlEvents:
    """Sends the events of PyYAML's parser to a builder."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._text = builder.source.text
        last = self._text.rfind("\n") + 1
        self._end_of_text = self._text.count("\n"), len(self._text) - last
        self._documents = 0
        self._handlers: dict[type, Callable[[Any], object]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.SequenceStartEvent: self._collection,
            yaml.MappingStartEvent: self._collection,
            yaml.SequenceEndEvent: self._end,
            yaml.MappingEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def read(self) -> None:
        """Send all events, until the text ends or stops being YAML."""
        try:
            self._send()
        except yaml.MarkedYAMLError as error:
            self._refuse(error)
        except UnicodeDecodeError:  # only an escape in a tag can give bytes that are not UTF-8
            index = index_of(self._text, self._reached())
            self._builder.refuse(tag(self._builder.source, index))
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # PyYAML's own parser leaves an escape beyond Unicode to Python.
            self._stop(str(error), "", self._reached(), None)

    def _send(self) -> None:
        handlers = self._handlers
        for event in iter(_PARSER(self._text).get_event, None):
            if (handle := handlers.get(type(event))) is not None:
                handle(event)

    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        place = start.line, start.column, end.line, end.column
        if event.tag is not None:
            self._tag(event)
        if event.style:  # in quotes or in a block
            self._builder.text(event.value, place, event.anchor)
        elif event.value:
            self._builder.word(event.value, place, event.anchor)
        else:
            self._empty(start, self._in_text(place), event.anchor)

    def _empty(self, start: Any, place: Place, anchor: str | None) -> None:
        if anchor is None and self._builder.in_brackets and self._is_bare(start):
            self._builder.bare(place)
        else:
            self._builder.nothing(place, anchor)

    def _is_bare(self, start: Any) -> bool:
        """Whether an empty value stands for none: no ':' is before it, and its key may end."""
        if self._text[start.index : start.index + 1] not in ("", *",}]"):
            return False  # what cannot be read is reported next
        lines = self._since_last(start).split("\n")
        return not any(":" in line.partition("#")[0] for line in lines)

    def _since_last(self, start: Any) -> str:
        """The text between the value completed last and `start`: spaces, marks and comments."""
        last = self._builder.last
        at = start.index - start.column
        for _ in range(start.line - last.end_line):
            at = self._text.rfind("\n", 0, max(at - 1, 0)) + 1
        return self._text[at + last.end_column : start.index]

    def _in_text(self, place: Place) -> Place:
        """The `place` of an empty value; at the end of the text, libyaml's line is not there."""
        if place[2] < self._end_of_text[0]:
            return place
        return (*min(place[:2], self._end_of_text), *min(place[2:], self._end_of_text))

    def _collection(self, event: Any) -> None:
        place = _place(event)
        if event.tag is not None:
            self._tag(event)
        if type(event) is yaml.SequenceStartEvent:
            self._builder.sequence(place, flow=bool(event.flow_style), anchor=event.anchor)
            return
        # The one pair of `[a: 1]` is a flow mapping too, without brackets.
        flow = event.flow_style and self._text[event.end_mark.index - 1] == "{"
        self._builder.mapping(place, flow=flow, anchor=event.anchor)

    def _end(self, event: Any) -> None:
        mark = event.end_mark
        self._builder.close(mark.line, mark.column)

    def _alias(self, event: Any) -> None:
        self._builder.alias(event.anchor, _place(event))

    def _document(self, event: Any) -> None:
        line, column, _, _ = _place(event)
        self._documents += 1
        if self._documents > 1:
            self._builder.stop(
                "several-documents",
                "a second document starts here",
                self._builder.span((line, column, line, column + 3)),
                "keep one document in a file; remove '---' and all that follows",
            )
        if event.version or event.tags:
            self._builder.report(directive(self._builder.source, line))

    def _tag(self, event: Any) -> None:
        self._builder.report(tag(self._builder.source, event.start_mark.index))

    def _refuse(self, error: yaml.MarkedYAMLError) -> None:
        mark, since = error.problem_mark, error.context_mark
        at = (mark.line, mark.column) if mark else self._reached()
        if mark and "nesting depth" in f"{error.problem}":
            self._refuse_depth(mark.index)
        begun = (since.line, since.column) if since else None
        self._stop(error.problem or str(error), error.context or "", at, begun)

    def _refuse_depth(self, index: int) -> None:
        """Report what lies too deep before `index`, where libyaml 0.2.6 stops early."""
        builder = self._builder
        beginning = Source(builder.source.name, self._text[:index])
        try:
            _YamlEvents(Builder(beginning, builder.limits)).read()
        except SpecError as error:
            for fault in error.diagnostics:
                if fault.code == "too-deep" and fault.span is not None:
                    builder.refuse(replace(fault, span=replace(fault.span, source=builder.source)))

    def _reached(self) -> Position:
        last = self._builder.last
        return last.end_line, last.end_column

    def _stop(self, problem: str, context: str, at: Position, since: Position | None) -> None:
        builder = self._builder
        bracket = builder.bracket
        opened = (bracket.line, bracket.column) if bracket else None
        quote = self._long_text_before(at) if bracket else None
        fault = cause_of_syntax(builder.source, at[0], "yaml-syntax") or syntax_fault(
            Problem(builder.source, problem, context, at, since, opened, quote)
        )
        builder.refuse(fault)

    def _long_text_before(self, at: Position) -> Position | None:
        """Where a text in quotes of several lines starts that ends at `at`."""
        last = self._builder.last
        if last.line == last.end_line or (last.end_line, last.end_column) != at:
            return None
        start = index_of(self._text, (last.line, last.column))
        return (last.line, last.column) if self._text[start] in "'\"" else None


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    return start.line, start.column, end.line, end.column
