"""A network in words, for those who do not see its picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from graphnn.diagnostics import counted
from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram.view import View
from graphnn.graph import Graph
from graphnn.spec.sizes import show


def describe(view: View) -> str:
    """What `view` shows, in a few sentences."""
    graph = view.graph
    learned, kept = facts.totals(view.graph)
    size = facts.entries(learned, 0) + (f" and {kept:,} entries of state" if kept else "")
    nodes = counted(len(graph.nodes), "node")
    sentences = [f"{graph.spec.name or 'Network'}: {nodes}, {size}."]
    for verb, names in (("Inputs", _inputs(graph)), ("Outputs", graph.outputs)):
        if names:
            shapes = [f"{name} {show(graph.node(name).shape)}" for name in names]
            sentences.append(f"{verb}: {_some(shapes, 6)}.")
    if graph.losses:
        sentences.append(f"Loss: {_some(graph.losses, 6)}.")
    if blocks := _blocks(view):
        sentences.append(f"Blocks: {_some(blocks, 8)}.")
    sentences += _differences(view)
    if ops := _ops(graph):
        sentences.append(f"Operations: {_some(ops, 8)}.")
    return " ".join(sentences)


def _some(words: Sequence[str], most: int) -> str:
    """The first words, and how many more there are."""
    more = [f"and {len(words) - most:,} more"] if len(words) > most else []
    return ", ".join([*words[:most], *more])


def _differences(view: View) -> list[str]:
    if view.before is None:
        return []
    kinds = Counter(item.kind for item in view.items.values() if item.kind)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return [f"Against {view.before.spec.name or 'another'}: {counted or 'the same'}."]


def _inputs(graph: Graph) -> tuple[str, ...]:
    return tuple(node.name for node in graph.inputs)


def _blocks(view: View) -> list[str]:
    groups = [frame.group for frame in view.frames.values() if frame.group is not None]
    groups += [item.group for item in view.items.values() if item.group is not None]
    return [
        f"{group.call.spec.name} ({group.call.block.name}"
        + (f", {group.count} times)" if group.count > 1 else ")")
        for group in groups
    ]


def _ops(graph: Graph) -> list[str]:
    counts = Counter(node.op.name for node in graph.nodes.values() if node.op.family != "source")
    return [f"{count} {name}" for name, count in counts.most_common()]
