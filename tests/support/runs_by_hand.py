"""Runs without a plan: nothing is shared, reused or written in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphnn import Network


@np.errstate(all="ignore")  # of nodes that nobody asks for
def by_hand(network: Network, inputs: dict[str, Any]) -> dict[str, Any]:
    """Every value that the inputs give, each node by its op's own forward pass."""
    rows = {"batch": len(next(iter(inputs.values())))} if inputs else {}
    values: dict[str, Any] = {}
    for node in network.graph.nodes.values():
        dtype = np.int64 if node.kind == "int" else network.dtype
        if node.op.is_input:
            if node.name in inputs:
                values[node.name] = np.asarray(inputs[node.name], dtype)
            continue
        if not all(read in values for read in node.inputs):
            continue
        op = node.op.bind(rows)
        read = op.placed(node.operands, [values[name] for name in node.inputs])
        kept = [None if name is None else network.arrays[name] for name in node.parameters.values()]
        if kept:
            read += [None] * (len(op.data_operands()) - len(read))
        values[node.name] = np.asarray(op.forward(*read, *kept), dtype)
    blocks = network.graph.spec.aliases
    return values | {name: values[node] for name, node in blocks.items() if node in values}
