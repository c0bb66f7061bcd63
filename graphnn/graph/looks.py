"""Whether what a look names is there: families, ops and nodes."""

from __future__ import annotations

from graphnn.diagnostics import Findings, suggestion
from graphnn.graph.passes.connecting import UnknownNodes
from graphnn.ops import public_ops
from graphnn.spec import BlockDiagnostics
from graphnn.spec.drawing_records import DrawSpec
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import Reference


def check_look(look: DrawSpec, spec: NetworkSpec, findings: Findings) -> None:
    """Report names in `look` of which there is no family, op or node of `spec`."""
    ops = public_ops()
    families = sorted({op.family for op in ops.values()})
    for name, colour in look.families.items():
        if name not in families:
            help = suggestion(name, families, f"the families are {', '.join(families)}")
            message = f"there is no family of ops '{name}'"
            findings.error("unknown-family", message, colour.place.span, help=help)
    for name, colour in look.ops.items():
        if name not in ops:
            help = suggestion(name, sorted(ops), "'graphnn ops' lists them all")
            findings.error("unknown-op", f"there is no op '{name}'", colour.place.span, help=help)
    unknown = UnknownNodes(spec, BlockDiagnostics(findings))
    for name, colour in look.nodes.items():
        unknown.check(Reference(name, colour.place))
