"""Losses at the end of a network."""

from __future__ import annotations

from graphnn.ops import REGISTRY
from graphnn.testing._strategies.fitting import Place
from graphnn.testing._strategies.growth import ANYWHERE, Growth
from graphnn.testing._strategies.nodes import Node, reshape

LOSSES = ("mean_squared_error", "sum_squared_error")


def is_loss(growth: Growth, node: Node) -> bool:
    """Whether a node is a loss, or a block gives one."""
    body = growth.nodes[node.name]
    if "op" in body:
        return REGISTRY[body["op"]].is_loss
    inner = growth.blocks[body["block"]]
    return is_loss(inner, inner.there[-1])


def add_loss(growth: Growth, node: Node, name: str) -> None:
    """Add a loss of a node: of its sum, where it is not a batch of rows."""
    if node.kind == "int":
        node = growth.apply(REGISTRY["cast"].model_validate({"dtype": "float"}), [node])
    if not node.has_whole_rows:
        node = growth.apply(REGISTRY["sum"](), [growth.within(node, ANYWHERE)])
    if not node.shape:
        node = growth.apply(reshape(1), [node])
    node = growth.within(node, ANYWHERE)
    loss = REGISTRY[name]
    target = growth.source(Place(loss.data_operands()[1], node.shape), "t")
    growth.apply(loss(), [node, target])
