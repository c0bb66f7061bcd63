"""What the text states of results: shapes, and limits of parameters and of work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphnn.diagnostics import FAULTY, Findings, Note, suggestion
from graphnn.graph._graph import Node
from graphnn.graph.passes.hints import described
from graphnn.spec import (
    BlockDiagnostics,
    free_size_help,
    size_problem,
    sizes,
    unknown_size_help,
    unlike,
)
from graphnn.spec.block_records import BlockInstance
from graphnn.spec.model import NetworkSpec
from graphnn.spec.sizes import Shape, show
from graphnn.spec.values import Seq, Value, scalar_value


@dataclass(frozen=True, slots=True)
class _Statement:
    """A shape that is stated: of the node that a name stands for, in a copy of a block."""

    name: str
    value: Value
    node: Node
    instance: BlockInstance | None


def check_stated_shapes(
    spec: NetworkSpec, nodes: Mapping[str, Node], reports: BlockDiagnostics
) -> None:
    """Report shapes that nodes and uses of blocks state, and that are not those inferred."""
    for each in _statements(spec, nodes):
        findings = reports.of(each.instance)
        shape = _read(each, spec, findings)
        if shape is None or shape == each.node.shape:
            continue
        place = each.value
        if isinstance(place, Seq) and len(shape) == len(each.node.shape):
            pairs = enumerate(zip(shape, each.node.shape, strict=True))
            place = place.items[next(at for at, (mine, other) in pairs if mine != other)]
        findings.error(
            "shape-mismatch",
            f"'{each.name}' has shape {show(each.node.shape)}, not {show(shape)} as it states",
            place.span,
            notes=(Note(described(each.node, ""), each.node.spec.place.span),),
        )


def _statements(spec: NetworkSpec, nodes: Mapping[str, Node]) -> Iterator[_Statement]:
    for node in nodes.values():
        value = node.spec.shape
        if value is not None and "shape" not in type(node.op).model_fields:
            yield _Statement(node.name, value, node, node.spec.instance)
    for call in spec.calls.values():
        found = nodes.get(spec.aliases.get(call.name, ""))
        if call.spec.shape is not None and found is not None:
            yield _Statement(call.name, call.spec.shape, found, call.parent)


def _read(stated: _Statement, spec: NetworkSpec, findings: Findings) -> Shape | None:
    """The shape that is stated; None where it is at fault, or names a size at fault."""
    what = f"the shape of '{stated.name}'"
    if not isinstance(stated.value, Seq):
        message = f"{what} must be a list of sizes, {unlike(stated.value)}"
        findings.error("wrong-type", message, stated.value.span, help="write it as [batch, 10]")
        return None
    scope = spec.sizes if stated.instance is None else stated.instance.call.scope
    found: list[sizes.Size] = []
    for item in stated.value.items:
        try:
            size = sizes.read(scalar_value(item), scope)
        except sizes.SizeError as error:
            _report(error, what, item, stated, spec, findings)
            continue
        if size is not FAULTY:
            found.append(size)
    return tuple(found) if len(found) == len(stated.value.items) else None


def _report(
    error: sizes.SizeError,
    what: str,
    item: Value,
    stated: _Statement,
    spec: NetworkSpec,
    findings: Findings,
) -> None:
    if error.name is None:
        message, help = size_problem(f"an entry of {what}", item, str(error), error.reason)
        findings.error("bad-size", message, item.span, help=free_size_help(item) or help)
        return
    if stated.instance is not None:
        help = unknown_size_help(error.name, stated.instance.call.block)
    else:
        otherwise = "declare it under 'sizes': a whole number, or free"
        help = suggestion(error.name, spec.sizes, otherwise)
    findings.error("unknown-size", str(error), item.span_of(error.name), help=help)
