"""The order in which nodes are computed, and the circles that forbid one."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from graphnn.diagnostics import Note, show_circle
from graphnn.graph._graph import reached
from graphnn.graph._wiring import Wiring
from graphnn.spec import BlockDiagnostics
from graphnn.spec.block_records import BlockCall, instances_of
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import NodeSpec

if TYPE_CHECKING:
    import networkx as nx


def schedule(spec: NetworkSpec, wiring: Wiring, reports: BlockDiagnostics) -> list[str]:
    """Names of nodes, each after those that it reads, ties in the order of the file.

    Nodes in a circle, which is reported, and those that depend on them, are left out.
    """
    if wiring.is_in_order():  # which networkx finds too, in more time than importing it takes
        return list(wiring.operands)
    import networkx as nx

    network = wiring.network()
    rank = {name: position for position, name in enumerate(spec.nodes)}
    circular = [
        sorted(nodes, key=rank.__getitem__)
        for nodes in nx.strongly_connected_components(network)
        if len(nodes) > 1 or network.has_edge(*(2 * tuple(nodes)))
    ]
    if circular:
        for nodes in sorted(circular, key=lambda nodes: rank[nodes[0]]):
            circle = _circle(network, nodes)
            _report([spec.nodes[name] for name in circle], reports)
        inside = {name for nodes in circular for name in nodes}
        behind = reached(inside, wiring.readers.__getitem__)
        network = network.subgraph(set(network) - inside - behind)
    return list(nx.lexicographical_topological_sort(network, key=rank.__getitem__))


def _circle(network: nx.MultiDiGraph[str], nodes: list[str]) -> list[str]:
    """One circle among `nodes`, each name after one that it reads, from the first in the file."""
    import networkx as nx

    # A copy in the order of the file: networkx's own view has the order of a set.
    ordered: nx.DiGraph[str] = nx.DiGraph()
    ordered.add_nodes_from(nodes)
    ordered.add_edges_from(
        (read, name) for name in nodes for read in network.pred[name] if read in ordered
    )
    circle = [edge[0] for edge in nx.find_cycle(ordered, nodes[0])]
    members = set(circle)
    first = circle.index(next(name for name in nodes if name in members))
    return [*circle[first:], *circle[:first]]


def _report(circle: list[NodeSpec], reports: BlockDiagnostics) -> None:
    """Report nodes of which each reads the one before it, and the first the last."""
    # As seen from the innermost copy that they all are in: there a block stands for its nodes.
    chains = [instances_of(spec.instance) for spec in circle]
    common = [
        first
        for first, *others in zip(*chains, strict=False)
        if all(other is first for other in others)
    ]
    seen: dict[str, NodeSpec | BlockCall] = {
        spec.name: chain[len(common)].call if len(chain) > len(common) else spec
        for spec, chain in zip(circle, chains, strict=True)
    }
    members = [member for member, _ in groupby(seen[spec.name] for spec in circle)]
    path = [*members, members[0]]
    notes = [
        Note(
            f"'{reader.name}' reads '{read.name}'",
            next(r.place.span for r in reader.inputs if seen.get(r.name) is read),
        )
        for read, reader in list(pairwise(path))[:4]
    ]
    reports.of(common[-1] if common else None).error(
        "cycle",
        f"nodes read each other in a circle: {show_circle([member.name for member in path])}",
        members[0].place.span,
        notes=tuple(notes),
        help="a node can only read nodes that do not depend on it",
    )
