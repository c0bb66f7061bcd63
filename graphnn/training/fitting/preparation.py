"""What training takes from all of its rows before the first epoch."""

from __future__ import annotations

import numpy as np

from graphnn.execution.network import Network
from graphnn.ops import Array, Op
from graphnn.training.data.dataset import Dataset

_ROWS = 1000  # a pass


def prepare(network: Network, rows: Dataset) -> None:
    """Set the states that ops determine from all training rows, those of earlier nodes first."""
    for node in network.graph.nodes.values():
        if type(node.op).prepared is Op.prepared:
            continue
        data = [_values(network, name, rows) for name in node.inputs]
        found = node.op.prepared(*data)
        names = {key: full for key, full in node.parameters.items() if key in found}
        network.assign({full: found[key] for key, full in names.items() if full is not None})


def _values(network: Network, name: str, rows: Dataset) -> Array:
    """Values of a node for all rows."""
    if name in rows.arrays:
        return rows.arrays[name]
    executor = network.executor([name])
    parts = []
    for batch in rows.batches(_ROWS):
        fed = {each: batch[each] for each in executor.plan.inputs}
        parts.append(executor.run(fed, network.arrays)[name])
    return np.concatenate(parts)
