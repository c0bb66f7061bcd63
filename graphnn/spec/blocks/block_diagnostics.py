"""Faults of nodes that come from blocks: which use and copy it is, and all alike reported once."""

from __future__ import annotations

import re
from dataclasses import replace

from graphnn.diagnostics import Diagnostic, Findings, Note, Span
from graphnn.spec.block_records import BlockInstance

_MAX_LISTED = 4
_COPY = re.compile(r"\.\d+(?=\.)")


class BlockDiagnostics:
    """Takes faults of nodes that may come from blocks, and hands them on to `findings`.

    Those that copies of one block have in common are reported once, with where that block is used.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._alike: dict[tuple[str, Span | None, str], tuple[Diagnostic, list[str]]] = {}

    def of(self, instance: BlockInstance | None) -> Findings:
        """What takes the faults of a node of `instance`, or of one that is in no block."""
        return self._findings if instance is None else _InCopy(self, instance)

    def report(self, instance: BlockInstance, diagnostic: Diagnostic) -> None:
        """Report a fault of a node of `instance`."""
        # Apart from the names of nodes in it, so that copies compare.
        message = diagnostic.message.replace(f"{instance.name}.", "")
        message = _COPY.sub("", message)  # of another use that they share with
        key = (diagnostic.code, diagnostic.span, message)
        if key not in self._alike:
            first = replace(diagnostic, notes=(*diagnostic.notes, *notes(instance)))
            self._alike[key] = (first, [])
            self._findings.add(first)
            return
        known, others = self._alike[key]
        others.append(instance.name)
        kept = known.notes[:-1] if len(others) > 1 else known.notes
        note = Note(f"the same in {_listed(others)}")
        again = replace(known, notes=(*kept, note))
        self._alike[key] = (again, others)
        self._findings.replace(known, again)


def notes(instance: BlockInstance) -> tuple[Note, ...]:
    """Where the block of `instance` is used, and the one around that, from the innermost out."""
    found: list[Note] = []
    inner: BlockInstance | None = instance
    while inner is not None:
        call = inner.call
        which = f"the block '{call.block.name}'"
        if inner.number is not None:
            which = f"copy {inner.number} of {which}"
        found.append(Note(f"'{inner.name}' is {which}, used here", call.spec.place.span))
        inner = call.parent
    return tuple(found)


def _listed(names: list[str]) -> str:
    """The first names, and how many more: in a time that does not grow with their number."""
    more = len(names) - _MAX_LISTED
    shown = ", ".join(f"'{name}'" for name in names[:_MAX_LISTED])
    return shown + (f" and {more:,} more" if more > 0 else "")


class _InCopy(Findings):
    def __init__(self, instances: BlockDiagnostics, instance: BlockInstance) -> None:
        super().__init__()
        self._copies = instances
        self._copy = instance

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep `diagnostic` as one of this copy."""
        self._copies.report(self._copy, diagnostic)
