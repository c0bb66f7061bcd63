"""Whether a network may have something to train, where a fault hides whether it has."""

from __future__ import annotations

from graphnn.graph import Graph
from graphnn.spec.values import Map, Scalar
from graphnn.training.data.requirements import op_named


def may_learn(graph: Graph) -> bool:
    """Whether a node at fault in `graph` may have a parameter to train."""
    nodes = graph.spec.nodes
    at_fault = (node for name, node in nodes.items() if name not in graph.nodes)
    return (
        not nodes
        or any(_has_parameters(node.op, node.trainable) for node in at_fault)
        or any(_text_may_learn(graph, name) for name in graph.spec.faulty)
    )


def _text_may_learn(graph: Graph, name: str) -> bool:
    """The same of a node or use of which only the text is known."""
    written = graph.spec.document.get("nodes")
    body = written.get(name.partition(".")[0]) if isinstance(written, Map) else None
    if not isinstance(body, Map):
        return True
    op, trainable = body.get("op"), body.get("trainable")
    trained = not (isinstance(trainable, Scalar) and trainable.value is False)
    return _has_parameters(op if isinstance(op, Scalar) else Scalar(""), trained)


def _has_parameters(name: Scalar, trainable: bool) -> bool:
    op = op_named(name)
    return trainable and (op is None or bool(op.parameter_operands()))
