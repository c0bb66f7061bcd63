"""Diagnostics collected while something is checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Unpack

from graphnn.diagnostics._codes import Code, WarningCode
from graphnn.diagnostics._diagnostic import Diagnostic, Remarks, Severity
from graphnn.diagnostics._errors import GraphnnError, SpecError
from graphnn.diagnostics._excerpts import Span
from graphnn.diagnostics._hidden import with_hidden


class Findings:
    """Diagnostics gathered while checking, so that all are reported at once.

    Parameters
    ----------
    limit : int, optional
        How many errors end the checking, and how many warnings are kept.
    refusal : type of GraphnnError
        What is raised when there are too many errors.

    Attributes
    ----------
    faulty : tuple of Span
        Places of values in the text that are `FAULTY`: nothing more is kept of what is there.
    """

    def __init__(self, limit: int = sys.maxsize, refusal: type[GraphnnError] = SpecError) -> None:
        self._found: list[Diagnostic] = []
        self._limit = limit
        self._refusal = refusal
        self._counts: dict[Severity, int] = {"error": 0, "warning": 0}
        self.faulty: tuple[Span, ...] = ()

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep `diagnostic`, unless the value at its place is known to be at fault.

        Raises
        ------
        GraphnnError
            It is the last error that is kept; with all errors.
        """
        if any(place.touches(diagnostic.span) for place in self.faulty):
            return
        diagnostic = with_hidden(diagnostic)
        severity = diagnostic.severity
        self._counts[severity] += 1
        if self._counts[severity] <= self._limit:
            self._found.append(diagnostic)
        if self._counts["error"] >= self._limit:
            message = f"checking stopped after {self._limit:,} faults"
            raise self._refusal(*self.errors, Diagnostic("too-many-faults", message))

    def mark_faulty(self) -> None:
        """Take the values at the places of the errors so far for `FAULTY` from now on."""
        self.faulty = tuple(found.span for found in self.errors if found.span is not None)

    def error(
        self, code: Code, message: str, span: Span | None = None, **remarks: Unpack[Remarks]
    ) -> None:
        """Keep an error made of these parts."""
        self.add(Diagnostic(code, message, span, **remarks))

    def warning(
        self, code: WarningCode, message: str, span: Span | None = None, **remarks: Unpack[Remarks]
    ) -> None:
        """Keep a warning made of these parts."""
        self.add(Diagnostic(code, message, span, severity="warning", **remarks))

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

    @contextmanager
    def catching(self, *kinds: type[GraphnnError]) -> Iterator[None]:
        """Keep what an error of these `kinds`, which ends the block, reports."""
        try:
            yield
        except kinds as error:
            for found in error.diagnostics:
                self.add(found)

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
