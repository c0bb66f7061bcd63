"""A network in words, for those who do not see its picture."""

from __future__ import annotations

from collections import Counter

from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram.view import View
from graphnn.graph import Graph
from graphnn.spec.sizes import show


def describe(view: View) -> str:
    """What `view` shows, in a few sentences."""
    graph = view.graph
    learned, kept = facts.totals(view.graph)
    size = f"{learned:,} parameters" + (f" and {kept:,} entries of state" if kept else "")
    nodes = f"{len(graph.nodes):,} nodes" if len(graph.nodes) != 1 else "1 node"
    sentences = [f"{graph.spec.name or 'Network'}: {nodes}, {size}."]
    for verb, names in (("Inputs", _inputs(graph)), ("Outputs", graph.outputs)):
        listed = ", ".join(f"{name} {show(graph.node(name).shape)}" for name in names[:6])
        if listed:
            sentences.append(f"{verb}: {listed}{', ...' if len(names) > 6 else ''}.")
    if graph.losses:
        sentences.append(f"Loss: {', '.join(graph.losses[:6])}.")
    if blocks := _blocks(view):
        sentences.append(f"Blocks: {blocks}.")
    return " ".join([*sentences, *_differences(view), _ops(graph)])


def _differences(view: View) -> list[str]:
    if view.before is None:
        return []
    kinds = Counter(item.kind for item in view.items.values() if item.kind)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return [f"Against {view.before.spec.name or 'another'}: {counted or 'the same'}."]


def _inputs(graph: Graph) -> tuple[str, ...]:
    return tuple(node.name for node in graph.inputs)


def _blocks(view: View) -> str:
    groups = [frame.group for frame in view.frames.values() if frame.group is not None]
    groups += [item.group for item in view.items.values() if item.group is not None]
    counted = [
        f"{group.call.spec.name} ({group.call.block.name}"
        + (f", {group.count} times)" if group.count > 1 else ")")
        for group in groups
    ]
    return ", ".join(counted[:8]) + (", ..." if len(counted) > 8 else "")


def _ops(graph: Graph) -> str:
    counts = Counter(node.op.name for node in graph.nodes.values() if node.op.family != "source")
    if not counts:
        return ""
    listed = ", ".join(f"{count} {name}" for name, count in counts.most_common(8))
    return f"Operations: {listed}{', ...' if len(counts) > 8 else ''}."
