"""Diagnostics: what is wrong, where, why, and what to do; and the errors that carry them."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from graphnn.excerpts import Excerpt, Mark, Segment
from graphnn.excerpts import Source as Source
from graphnn.excerpts import Span as Span
from graphnn.excerpts import printable as printable

Severity = Literal["error", "warning"]

_MAX_LISTED = 10


@dataclass(frozen=True, slots=True)
class Note:
    """A remark that explains a diagnostic, with the place it speaks of where there is one."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault, or one warning.

    Attributes
    ----------
    code : str
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

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    severity: Severity = "error"

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


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"file": None, "line": None, "column": None, "end_line": None, "end_column": None}
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate spelt most like `name`, or None when none is close."""
    lowered = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.lower()[:100], lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else _abbreviated(name.lower(), lowered.values())


def _abbreviated(name: str, candidates: Iterable[str]) -> str | None:
    """The one candidate of several words whose initials are `name`, such as learning_rate."""
    found = {
        candidate
        for candidate in candidates
        if "_" in candidate.strip("_")
        and "".join(word[:1] for word in candidate.lower().split("_")) == name
    }
    return found.pop() if len(found) == 1 else None


def suggestion(name: str, candidates: Iterable[str], otherwise: str = "") -> str:
    """Help text that offers the nearest candidate, or `otherwise` when none is close."""
    found = nearest(name, candidates)
    return f"did you mean '{found}'?" if found else otherwise


def listed(names: Iterable[str]) -> str:
    """Names for a message; of many, only the first."""
    every = list(names)
    more = len(every) - _MAX_LISTED
    return ", ".join(every[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


class GraphnnError(Exception):
    """Base of every error that graphnn raises on purpose.

    Attributes
    ----------
    diagnostics : tuple of Diagnostic
        All faults found, in the order of their places.
    """

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        return "\n".join(str(diagnostic) for diagnostic in self.diagnostics).rstrip("\n")


class SpecError(GraphnnError):
    """A spec is not a valid network."""


class FileError(GraphnnError):
    """A file cannot be read or written as asked."""


class RunError(GraphnnError):
    """A network cannot be run on the arrays given, or its result is not finite."""


class DataError(GraphnnError):
    """A data set is not what the network needs."""


class TrainingError(GraphnnError):
    """A run cannot be started, resumed or gone on with."""


class DrawingError(GraphnnError):
    """A picture cannot be made as asked."""


class UsageError(GraphnnError, ValueError):
    """A function or a command was called with arguments that make no sense."""


class Findings:
    """Diagnostics gathered while checking, so that all faults are told at once.

    Parameters
    ----------
    limit : int, optional
        How many errors end the checking, and how many warnings are kept.
    refusal : type of GraphnnError
        What is raised when there are so many errors.
    """

    def __init__(self, limit: int = sys.maxsize, refusal: type[GraphnnError] = SpecError) -> None:
        self._found: list[Diagnostic] = []
        self._limit = limit
        self._refusal = refusal
        self._counts: dict[Severity, int] = {"error": 0, "warning": 0}
        self.settled: tuple[Span, ...] = ()

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep `diagnostic`, unless it follows from what is settled.

        Raises
        ------
        GraphnnError
            It is the last error that is kept; with all errors.
        """
        if any(told.touches(diagnostic.span) for told in self.settled):
            return
        severity = diagnostic.severity
        self._counts[severity] += 1
        if self._counts[severity] <= self._limit:
            self._found.append(diagnostic)
        if self._counts["error"] >= self._limit:
            message = f"checking stopped after {self._limit:,} faults"
            raise self._refusal(*self.errors, Diagnostic("too-many-faults", message))

    def settle(self) -> None:
        """Take the errors so far as the cause of whatever is found at their places later."""
        self.settled = tuple(found.span for found in self.errors if found.span is not None)

    def error(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        label: str = "",
        notes: Iterable[Note] = (),
        help: str = "",
    ) -> None:
        """Keep an error made of these parts."""
        self.add(Diagnostic(code, message, span, label, tuple(notes), help))

    def warning(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        label: str = "",
        notes: Iterable[Note] = (),
        help: str = "",
    ) -> None:
        """Keep a warning made of these parts."""
        self.add(Diagnostic(code, message, span, label, tuple(notes), help, "warning"))

    def replace(self, old: Diagnostic, new: Diagnostic) -> None:
        """Keep `new` where `old` is kept."""
        if old in self._found:
            self._found[self._found.index(old)] = new

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors, by place."""
        return tuple(found for found in self.sorted() if found.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings, by place."""
        return tuple(found for found in self.sorted() if found.severity == "warning")

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Everything found, by place; what has no place comes last."""
        found = sorted(self._found, key=by_place)
        more = self._counts["warning"] - self._limit
        if more > 0:
            message = f"there are {more:,} more warnings"
            found.append(Diagnostic("too-many-warnings", message, severity="warning"))
        return tuple(found)

    def raise_errors(self, error: type[GraphnnError] = SpecError) -> None:
        """Raise `error` with the errors found, if there are any."""
        if found := self.errors:
            raise error(*found)


def by_place(diagnostic: Diagnostic) -> tuple[bool, str, int, int]:
    """What diagnostics are sorted by; those without a place come last."""
    span = diagnostic.span
    if span is None:
        return (True, "", 0, 0)
    return (False, span.source.name, span.line, span.column)
