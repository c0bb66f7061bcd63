"""Errors of parts, kept beside those of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from graphnn.diagnostics import Diagnostic, Findings, GraphnnError, Span


@contextmanager
def kept(findings: Findings, place: Span | None = None) -> Iterator[None]:
    """Keep the diagnostics of an error, at `place` where they have no place."""
    try:
        yield
    except GraphnnError as error:
        reported = set(findings.sorted())
        for found in error.diagnostics:
            if found not in reported:
                placed = found if found.span else replace(found, span=place)
                findings.add(_softened(placed) if place else placed)


def _softened(found: Diagnostic) -> Diagnostic:
    """Data that are elsewhere do not make a spec wrong."""
    return replace(found, severity="warning") if found.code == "no-such-file" else found
