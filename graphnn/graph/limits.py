"""How much a network may have at most, and each copy of a block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from graphnn.diagnostics import Findings, Note
from graphnn.graph._graph import Graph, Node
from graphnn.spec import BlockDiagnostics
from graphnn.spec.block_records import LimitsSpec, instances_of
from graphnn.spec.values import Scalar

if TYPE_CHECKING:
    from graphnn.graph.summary.costs import Cost

_SHOWN = 3  # of what is largest


def check_limits(graph: Graph, reports: BlockDiagnostics) -> None:
    """Report what has more than its ``limits`` say, of a sound network."""
    spec = graph.spec
    limited = {name for name, block in spec.blocks.items() if block.limits is not None}
    if spec.limits is None and not limited:
        return
    from graphnn.graph.summary.costs import costs

    found = costs(graph)
    if spec.limits is not None:
        every = graph.nodes.values()
        _check("the network", spec.limits, graph, every, found, reports.of(None))
    inside: dict[str, list[Node]] = {}
    for node in graph.nodes.values() if limited else ():
        for instance in instances_of(node.spec.instance):
            inside.setdefault(instance.name, []).append(node)
    for call in spec.calls.values():
        limits = call.block.limits
        for instance in call.instances if limits is not None else ():
            assert limits is not None
            what, nodes = f"the block '{call.block.name}'", inside.get(instance.name, [])
            _check(what, limits, graph, nodes, found, reports.of(instance))


def _check(
    what: str,
    limits: LimitsSpec,
    graph: Graph,
    nodes: Iterable[Node],
    found: Mapping[str, Cost],
    findings: Findings,
) -> None:
    every = list(nodes)
    names = {full: None for node in every for full in node.parameters.values() if full}
    sizes = {name: graph.parameters[name].size for name in names if graph.parameters[name].learned}
    work = {node.name: found[node.name].multiply_adds for node in every}
    _compare(what, "parameters", limits.parameters, sizes, findings)
    _compare(what, "multiply-adds", limits.multiply_adds, work, findings)


def _compare(
    what: str, words: str, limit: Scalar | None, amounts: Mapping[str, int], findings: Findings
) -> None:
    total = sum(amounts.values())
    if limit is None or total <= int(str(limit.value)):
        return
    largest = sorted(amounts, key=lambda name: -amounts[name])[:_SHOWN]
    listed = ", ".join(f"{amounts[name]:,} of '{name}'" for name in largest if amounts[name])
    findings.error(
        "over-limit",
        f"{what} has {total:,} {words}, more than {int(str(limit.value)):,}",
        limit.span,
        notes=(Note(f"the most are {listed}"),),
    )
