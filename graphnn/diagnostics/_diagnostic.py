"""A diagnostic: what is wrong, where, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from graphnn.diagnostics._codes import Code
from graphnn.diagnostics._excerpts import Excerpt, Mark, Segment, Span, printable

Severity = Literal["error", "warning"]
_MAX_TEXT = 400  # characters of a message and of help
_MAX_REMARK = 200  # characters of a label and of a note
_TAIL = 40  # characters that are kept at the end of a longer one
_MAX_NOTES = 5
_MAX_REPORT = 20_000  # characters, of all diagnostics together
_FEW = 5  # diagnostics that cannot be longer


@dataclass(frozen=True, slots=True)
class Note:
    """A remark that explains a diagnostic, with the place it speaks of where there is one."""

    text: str
    span: Span | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", shortened(self.text, _MAX_REMARK))


class Remarks(TypedDict, total=False):
    """What else is said of a fault; see `Diagnostic`."""

    label: str
    notes: tuple[Note, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault, or one warning.

    Attributes
    ----------
    code : Code
        Stable name of the kind of fault, such as ``unknown-op``.
    message : str
        One sentence that shows the value at fault.
    span : Span or None
        Where the fault is, if it is in a text.
    label : str
        Short words put under the marked text.
    notes : tuple of Note
        Why it is a fault, with the other places concerned; these are marked in the same excerpt.
    help : str
        What to do about it; empty when there is nothing to guess.
    severity : {"error", "warning"}
    """

    code: Code
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    severity: Severity = "error"

    def __post_init__(self) -> None:
        # Whatever a file holds, messages are for people: one line, and a few places.
        for key, most in (("message", _MAX_TEXT), ("label", _MAX_REMARK), ("help", _MAX_TEXT)):
            object.__setattr__(self, key, shortened(getattr(self, key), most))
        if len(self.notes) > _MAX_NOTES:
            more = Note(f"there are {len(self.notes) - _MAX_NOTES:,} more such notes")
            object.__setattr__(self, "notes", (*self.notes[:_MAX_NOTES], more))

    def __str__(self) -> str:
        return "".join(text for _, text in self.segments())

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: code, severity, message, place, label, notes, help."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            **_place(self.span),
            "label": self.label,
            "notes": [{"message": note.text, **_place(note.span)} for note in self.notes],
            "help": self.help,
        }

    def segments(self) -> Iterator[Segment]:
        """The diagnostic as styled pieces of text, as compilers show it."""
        yield self.severity, f"{self.severity}[{self.code}]"
        yield "message", f": {printable(self.message)}\n"
        margin, beside = "  ", self.notes
        if self.span is not None:
            marks = [Mark(note.span, note.text) for note in self.notes if note.span]
            excerpt = Excerpt(Mark(self.span, self.label, main=True), marks)
            yield from excerpt.segments(self.severity)
            margin = " " * excerpt.width
            beside = tuple(note for note in self.notes if not excerpt.shows(note.text, note.span))
        for note in beside:
            yield "gutter", f"{margin} = "
            yield "note", "note"
            yield "text", f": {printable(note.text)}{self._where(note)}\n"
        if self.help:
            yield "gutter", f"{margin} = "
            yield "help", "help"
            yield "text", f": {printable(self.help)}\n"

    def _where(self, note: Note) -> str:
        if note.span is None:
            return ""
        if self.span is not None and note.span.source == self.span.source:
            return f"  ({note.span.line}:{note.span.column})"
        return f"  ({note.span})"


def shortened(text: str, most: int) -> str:
    """`text` with its middle left out where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - _TAIL - 3]}...{text[-_TAIL:]}"


def readable(diagnostics: Iterable[Diagnostic]) -> tuple[list[Diagnostic], str]:
    """As many of `diagnostics` as a person may read, and what there is to say of the others."""
    every = list(diagnostics)
    if len(every) <= _FEW:
        return every, ""
    shown: list[Diagnostic] = []
    left = _MAX_REPORT
    for found in every:
        left -= len(str(found))
        if left < 0:
            break
        shown.append(found)
    more = len(every) - len(shown)
    return shown, f"{more:,} more are not shown" if more else ""


def _place(span: Span | None) -> dict[str, Any]:
    place = [None] * 5 if span is None else [span.source.name, *span.corners]
    return dict(zip(("file", "line", "column", "end_line", "end_column"), place, strict=True))
