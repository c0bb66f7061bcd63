"""What the facts of ops say about rows: where they say enough, a proof without a run."""

from __future__ import annotations

from graphnn.execution.network import Network
from graphnn.graph import Node


def depends_by_row(network: Network, output: Node) -> bool:
    """Whether the ops prove that each row of `output` depends on that row of the inputs alone.

    Every op between keeps rows apart (`Op.rows_apart`), and what it reads has rows, or depends on
    no input with rows. Where that is not so, nothing is known.
    """
    nodes = network.graph.nodes
    batch = output.shape[:1]
    by_row: dict[str, bool] = {}  # whether a node has a row for each sample, all of them apart
    needed = network.graph.upstream([output.name])
    fixed: set[str] = set()  # what depends on no input
    for name, node in nodes.items():
        if name not in needed:
            continue
        if node.op.is_input:
            by_row[name] = node.shape[:1] == batch
        elif all(read in fixed for read in node.inputs):
            fixed.add(name)
        else:
            shapes = [nodes[read].shape for read in node.inputs]
            rows = node.op.has_rows(*shapes) if node.op.batchwise else ()
            by_row[name] = node.op.rows_apart(*shapes) and all(
                by_row.get(read, False) if has else read in fixed
                for read, has in zip(node.inputs, rows, strict=True)
            )
    return by_row.get(output.name, False)
