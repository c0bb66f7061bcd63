"""What it takes to run each node of a network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from graphnn.graph._graph import Graph, Node
from graphnn.spec.sizes import Shape, evaluate, free_names

_BYTES = {"float64": 8, "float32": 4}
_INT_BYTES = 8


@dataclass(frozen=True, slots=True)
class Cost:
    """What one row takes: every free size is 1.

    Attributes
    ----------
    multiply_adds : int
        Of matrix products and convolutions.
    memory : int
        Bytes of the result.
    """

    multiply_adds: int
    memory: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.multiply_adds + other.multiply_adds, self.memory + other.memory)


def costs(graph: Graph) -> dict[str, Cost]:
    """The cost of each node."""
    return {name: _cost(graph, node) for name, node in graph.nodes.items()}


def _cost(graph: Graph, node: Node) -> Cost:
    data = node.placed([_one_row(graph.nodes[name].shape) for name in node.inputs])
    left_out: list[None] = [None] * (len(node.op.data_operands()) - len(data))
    names = node.parameters.values()
    kept = [None if name is None else graph.parameters[name].shape for name in names]
    shape = _one_row(node.shape)
    count = node.op.multiply_adds(shape, *data, *left_out, *kept)
    size = _INT_BYTES if node.kind == "int" else _BYTES[graph.spec.dtype]
    return Cost(count, math.prod(shape) * size)


def _one_row(shape: Shape) -> tuple[int, ...]:
    return tuple(evaluate(size, dict.fromkeys(free_names(size), 1)) for size in shape)
