"""Which node reads which."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from graphnn.diagnostics import FAULTY, Faulty, suggestion
from graphnn.graph._wiring import Wiring
from graphnn.graph.passes.resolving import ResolvedNode
from graphnn.spec import BlockDiagnostics
from graphnn.spec.block_records import BlockInstance
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import Reference

_SUGGESTIONS = 20  # faults of one kind that get a nearest name: finding it takes time
_COMPARED = 50_000  # names that they may be compared with, all together


def suggestion_limit(names: int) -> int:
    """How many faults of one kind get a nearest name, where there are so many to choose from."""
    return min(_SUGGESTIONS, 1 + _COMPARED // (1 + names))


class UnknownNodes:
    """Reports names of nodes that are not there.

    Parameters
    ----------
    spec : NetworkSpec
    reports : BlockDiagnostics
    """

    def __init__(self, spec: NetworkSpec, reports: BlockDiagnostics) -> None:
        self._spec = spec
        self._reports = reports
        self._helps: dict[str, str] = {}  # by name
        self._limit = suggestion_limit(len(spec.nodes) + len(spec.aliases))

    def check(self, reference: Reference, instance: BlockInstance | None = None) -> None:
        """Report `reference`, found in `instance`, where it is that of no node."""
        name = reference.name
        if not name or self._spec.find(name) is not None:
            return
        if name not in self._helps:
            self._helps[name] = self._help(name) if len(self._helps) < self._limit else ""
        self._reports.of(instance).error(
            "unknown-node",
            f"there is no node '{name}'",
            reference.place.span,
            help=self._helps[name],
        )

    def _help(self, name: str) -> str:
        head, _, number = name.rpartition(".")
        call = self._spec.calls.get(head)
        if call is not None and number.isdigit():
            if call.repeat is None:
                return f"'{head}' is one copy, without a number: it has no 'repeat'"
            return f"the copies of '{head}' are numbered from 1 to {call.repeat}"
        return suggestion(name, (*self._spec.nodes, *self._spec.aliases))


def connect(
    spec: NetworkSpec, resolved: Mapping[str, ResolvedNode | Faulty], unknown: UnknownNodes
) -> Wiring:
    """What each node reads; names of nodes that are not there are reported."""
    operands: dict[str, tuple[str | None, ...]] = {}
    for name, node in spec.nodes.items():
        found = resolved[name]
        inputs = node.inputs if found is FAULTY else found.inputs
        reads: list[str | None] = []
        for reference in inputs:
            known = reference.name in spec.nodes
            reads.append(reference.name if known else None)
            if not known:
                unknown.check(reference, node.instance)
        operands[name] = tuple(reads)
    for call in spec.calls.values():
        for reference in call.inputs:
            unknown.check(reference, call.parent)
    for reference in chain.from_iterable(spec.faulty.values()):
        unknown.check(reference)
    return Wiring.of(operands)
