"""What may have been meant where kinds or shapes do not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from graphnn.diagnostics import FAULTY, Faulty
from graphnn.graph._graph import Node
from graphnn.graph.passes.resolving import ResolvedNode
from graphnn.ops import Op
from graphnn.spec.sizes import show


def unflattened(inputs: list[Node], nodes: Mapping[str, Node | Faulty]) -> Node | None:
    """The node before a loss that maps the last axis of rows which were not flattened first.

    Only where the loss compares with one row or one class a sample, as it does for images.
    """
    node, *others = inputs
    while node.inputs and len(node.shape) > 2:
        read = nodes[node.inputs[0]]
        assert read is not FAULTY, "nothing is made of one at fault"
        if _maps_last_axis(node.op) and len(read.shape) > 2:
            rows = (other.shape[1:] for other in others)
            return node if all(len(row) < 2 and row != read.shape[1:2] for row in rows) else None
        node = read
    return None


def _maps_last_axis(op: Op) -> bool:
    return bool(op.size_attributes) and op.operands[0].signature.startswith("... ")


def order_help(node: ResolvedNode, inputs: list[Node]) -> str:
    """Help for inputs of the wrong kind that would fit in another order."""
    operands = node.op.data_operands()
    by_name = any(reference.operand is not None for reference in node.inputs)
    if by_name or len(inputs) != len(operands):
        return ""
    wanted = Counter(operand.kind for operand in operands if operand.kind != "any")
    if wanted <= Counter(read.kind for read in inputs):  # the others take the rest
        return f"the order is {', '.join(operand.name for operand in operands)}"
    return ""


def dtype_help(node: Node, kind: str) -> str:
    """Help for an input that could be declared of another kind."""
    declares = "dtype" in type(node.op).model_fields
    return f"declare '{node.name}' with 'dtype: {kind}'" if declares else ""


def described(node: Node, operand: str) -> str:
    """A node in a note: what it is, of what, in which shape."""
    subject = f"'{node.name}'"
    if operand not in ("", node.name):
        subject = f"'{operand}' is {subject},"
    else:
        subject += " is"
    read = ", ".join(f"'{name}'" for name in node.inputs[:3])
    rest = ", ..." if len(node.inputs) > 3 else ""
    return f"{subject} {node.op.name}{f' of {read}{rest}' if read else ''}: {show(node.shape)}"
