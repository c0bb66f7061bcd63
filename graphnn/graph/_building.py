"""From a spec to a graph: a straight line of passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphnn.diagnostics import Findings, SpecError
from graphnn.graph._graph import Graph, Node
from graphnn.graph._wiring import Wiring
from graphnn.graph.limits import check_limits
from graphnn.graph.looks import check_look
from graphnn.graph.passes.checking import (
    check_free_sizes,
    check_references,
    check_ties,
    check_total,
    check_weights,
)
from graphnn.graph.passes.connecting import UnknownNodes, connect
from graphnn.graph.passes.inferring import infer_shapes
from graphnn.graph.passes.resolving import resolve_ops
from graphnn.graph.passes.scheduling import schedule
from graphnn.graph.passes.stating import check_stated_shapes
from graphnn.graph.passes.tying import tie_parameters
from graphnn.spec import BlockDiagnostics
from graphnn.spec.model import NetworkSpec
from graphnn.storage import gc_paused


def build(spec: NetworkSpec, findings: Findings | None = None) -> Graph:
    """The checked graph of `spec`.

    Parameters
    ----------
    spec : NetworkSpec
    findings : Findings, optional
        What was found wrong with the spec before; its errors are raised together with the graph's.

    Raises
    ------
    SpecError
        With every independent fault.
    """
    findings = findings or Findings()
    graph = check(spec, findings)
    findings.raise_errors(SpecError)
    return graph


@gc_paused()
def check(spec: NetworkSpec, findings: Findings) -> Graph:
    """The graph of the sound nodes of `spec`; what is wrong with it goes to `findings`."""
    reports = BlockDiagnostics(findings)
    unknown = UnknownNodes(spec, reports)
    resolved, origins = resolve_ops(spec, reports)
    wiring = connect(spec, resolved, unknown)
    order = schedule(spec, wiring, reports)
    owners = tie_parameters(spec, origins, reports)
    nodes, parameters = infer_shapes(order, resolved, owners, reports)
    check_ties(nodes, parameters, resolved, reports)
    check_stated_shapes(spec, nodes, reports)
    check_references(spec, nodes, unknown, findings)
    if spec.draw is not None:
        check_look(spec.draw, spec, findings)
    check_free_sizes(spec, nodes, reports)
    check_total(spec, parameters, findings)
    if findings.errors:
        check_weights(spec, findings)
    outputs, losses = _outputs(spec, nodes, wiring), _losses(spec, nodes)
    graph = Graph(
        spec,
        wiring,
        nodes,
        parameters,
        tuple(name for name in outputs if spec.aliases.get(name, name) in nodes),
        tuple(name for name in losses if spec.aliases.get(name, name) in nodes),
    )
    if not findings.errors:
        check_limits(graph, reports)
    return graph


def _losses(spec: NetworkSpec, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    if spec.train is not None and spec.train.loss:
        return tuple(dict.fromkeys(reference.name for reference in spec.train.loss))
    return _by_uses(spec, (name for name in spec.nodes if name in nodes and nodes[name].op.is_loss))


def _outputs(spec: NetworkSpec, nodes: Mapping[str, Node], wiring: Wiring) -> tuple[str, ...]:
    if spec.outputs is not None:
        return tuple(reference.name for reference in spec.outputs)
    ends = _ends(spec, nodes, wiring)
    outer = {spec.aliases.get(call.name) for call in spec.calls.values() if call.parent is None}
    results = [name for name in ends if _is_result(nodes[name], inside=name not in outer)]
    return _by_uses(spec, results or [name for name in ends if not wiring.readers[name]])


def _ends(spec: NetworkSpec, nodes: Mapping[str, Node], wiring: Wiring) -> list[str]:
    """Nodes that no others than losses read, in the order of the file."""
    return [name for name in spec.nodes if name in nodes and _is_end(wiring.readers[name], nodes)]


def _is_end(readers: Iterable[str], nodes: Mapping[str, Node]) -> bool:
    """Whether no others than losses read a node."""
    return all(reader not in nodes or nodes[reader].op.is_loss for reader in readers)


def _is_result(node: Node, *, inside: bool) -> bool:
    """Whether `node`, which at most losses read, is computed for its own sake.

    What is `inside` of a block is not: not read there, it is a leftover.
    """
    weighted = node.spec.made_by == "loss"
    return not (
        node.op.is_loss or weighted or not node.op.operands or (node.spec.instance and inside)
    )


def _by_uses(spec: NetworkSpec, names: Iterable[str]) -> tuple[str, ...]:
    """`names`, where a use stands for a node by the name of the outermost such use."""
    known: dict[str, str] = {}
    for call in spec.calls:
        known.setdefault(spec.aliases.get(call, call), call)
    return tuple(known.get(name, name) for name in names)
