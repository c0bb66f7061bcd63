"""Axes summed up in one number, softmax along any axis, and losses."""

from __future__ import annotations

from collections.abc import Sequence

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.shapes import given_axes, reshaped
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Value, as_ints, shape_of
from graphnn.spec.sizes import product

_PLAIN = {"ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "max"}
_SOFTMAX = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}


@rule(*_PLAIN, "ReduceMin", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSum")
def reduce(t: Translator, node: ForeignNode, x: Value, along: Value | None = None) -> Value:
    """`sum`, `mean` or `max`, with `negative`, `power`, `absolute`, `sqrt` or `log` around it."""
    shape, axes = shape_of(x), given_axes(node, along)
    if not axes and node.attributes.get("noop_with_empty_axes", 0):
        return x
    keep = bool(node.attributes.get("keepdims", 1))
    axis = tuple(number % len(shape) for number in axes) if axes else None
    if not shape:
        axis = None

    def reduced(op: str, value: Value) -> Value:
        return t.emit(op, value, axis=axis, keepdims=keep)

    if node.op == "ReduceMin":
        return t.emit("negative", reduced("max", t.emit("negative", x)))
    if node.op in ("ReduceSumSquare", "ReduceL2"):
        squares = reduced("sum", t.emit("power", x, exponent=2))
        return t.emit("sqrt", squares) if node.op == "ReduceL2" else squares
    if node.op == "ReduceL1":
        return reduced("sum", t.emit("absolute", x))
    if node.op == "ReduceLogSum":
        return t.emit("log", reduced("sum", x))
    return reduced(_PLAIN[node.op], x)


@rule("ReduceLogSumExp")
def log_sum_exp(t: Translator, node: ForeignNode, x: Value, along: Value | None = None) -> Value:
    """`max`, `exp`, `sum` and `log`."""
    shape, axes = shape_of(x), given_axes(node, along)
    axis = tuple(number % len(shape) for number in axes) if axes else None
    top = t.emit("max", x, axis=axis, keepdims=True)
    total = t.emit("sum", t.emit("exp", t.emit("subtract", x, top)), axis=axis, keepdims=True)
    found: Value = t.emit("add", t.emit("log", total), top)
    if node.attributes.get("keepdims", 1):
        return found
    gone = set(range(len(shape))) if axis is None else set(axis)
    return reshaped(t, found, [size for at, size in enumerate(shape) if at not in gone])


@rule("CumSum")
def cumulative_sum(t: Translator, node: ForeignNode, x: Value, along: Value) -> Value:
    """`cumulative_sum`."""
    (axis,) = as_ints(along, "axis")
    exclusive, reverse = (bool(node.attributes.get(key, 0)) for key in ("exclusive", "reverse"))
    return t.emit("cumulative_sum", x, axis=axis, exclusive=exclusive, reverse=reverse)


@rule("GlobalAveragePool", "GlobalMaxPool")
def global_pool(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`global_average_pool`, or `mean` or `max` along height and width."""
    op = "mean" if node.op == "GlobalAveragePool" else "max"
    return t.emit(op, x, axis=tuple(range(2, len(shape_of(x)))), keepdims=True)


@rule("Softmax", "LogSoftmax")
def softmax(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`softmax` or `log_softmax`, of flat rows where that is what it does."""
    shape = shape_of(x)
    rank = len(shape)
    axis = node.attributes.get("axis", -1 if t.opset >= 13 else 1) % rank
    op = _SOFTMAX[node.op]
    if t.opset < 13 and axis != rank - 1:
        # Old operators took all axes from there on as one.
        flat = reshaped(t, x, (product(shape[:axis]), product(shape[axis:])))
        return reshaped(t, t.emit(op, flat), shape)
    return t.emit(op, x, axis=axis if axis != rank - 1 else -1)


def statistics(t: Translator, x: Value, axes: Sequence[int], epsilon: float) -> list[Value]:
    """The mean along axes, which stay, and 1 over the root of the variance and epsilon."""
    mean = t.emit("mean", x, axis=tuple(axes), keepdims=True)
    squares = t.emit("power", t.emit("subtract", x, mean), exponent=2)
    variance = t.emit("mean", squares, axis=tuple(axes), keepdims=True)
    return [mean, t.emit("power", t.emit("add", variance, epsilon), exponent=-0.5)]


@rule("MeanVarianceNormalization")
def normalized(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`subtract` and `multiply`, of the `mean` and of 1 over the deviation."""
    mean, scale = statistics(t, x, node.attributes.get("axes", (0, 2, 3)), 1e-9)
    return t.emit("multiply", t.emit("subtract", x, mean), scale)


@rule("LpNormalization")
def unit_length(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`divide` by the root of the `sum` of squares, or by the `sum` of absolute values."""
    axis = node.attributes.get("axis", -1)
    if node.attributes.get("p", 2) == 1:
        return t.emit("divide", x, t.emit("sum", t.emit("absolute", x), axis=axis, keepdims=True))
    squares = t.emit("sum", t.emit("power", x, exponent=2), axis=axis, keepdims=True)
    return t.emit("divide", x, t.emit("sqrt", squares))
