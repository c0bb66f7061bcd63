"""Matrix products and normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.reductions import statistics
from graphnn.interchange.onnx.operators.shapes import arranged, reshaped, transposed
from graphnn.interchange.onnx.operators.spelt_attention import spelt_attention
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Made, UnsupportedError, Value, is_known, shape_of
from graphnn.ops import Array


def array_of(value: Value | None, what: str) -> Array | None:
    """The numbers of a parameter; None where it is left out."""
    if value is None:
        return None
    if isinstance(value, np.ndarray) and is_known(value) and value.dtype.kind == "f":
        return value
    raise UnsupportedError(f"its {what} is computed from data")


def affine(t: Translator, x: Value, weight: Array, bias: Array | None) -> Value:
    """`affine`, before all that leaves the last axis of its input alone, which others may undo."""
    arrays = {"weight": weight, "bias": bias}
    layout = t.layout(x) if isinstance(x, Made) else None
    if layout is None or layout.source is x or not layout.keeps_last:
        return t.emit("affine", x, arrays=arrays)
    return arranged(t, layout.with_last(t.emit("affine", layout.source, arrays=arrays)))


@rule("Gemm")
def gemm(t: Translator, node: ForeignNode, a: Value, b: Value, c: Value | None = None) -> Value:
    """`affine`, or `matmul` and `add` of arrays that are computed."""
    given = node.attributes
    alpha, beta = given.get("alpha", 1.0), given.get("beta", 1.0)
    if given.get("transA", 0):
        a = transposed(t, t.node(a), (1, 0))
    if isinstance(b, np.ndarray) and is_known(b) and b.dtype.kind == "f":
        weight = t.named((b.T if given.get("transB", 0) else b) * np.asarray(alpha, b.dtype), b)
        bias = _bias(t, c, weight.shape[1], beta)
        if c is None or bias is not None:
            return affine(t, a, weight, bias)
        made = affine(t, a, weight, None)
    else:
        b = transposed(t, t.node(b), (1, 0)) if given.get("transB", 0) else b
        made = t.emit("matmul", a, b)
        made = made if alpha == 1 else t.emit("multiply", made, alpha)
    if c is None:
        return made
    return t.emit("add", made, c if beta == 1 else t.emit("multiply", c, beta))


def _bias(t: Translator, value: Value | None, units: int, scale: float) -> Array | None:
    if not (isinstance(value, np.ndarray) and is_known(value)):
        return None
    if value.size not in (1, units) or value.shape[-1:] not in ((), (1,), (units,)):
        return None
    bias = np.broadcast_to(value.reshape(-1), (units,)) * np.asarray(scale, value.dtype)
    return t.named(bias, value)


@rule("MatMul")
def matmul(t: Translator, node: ForeignNode, a: Value, b: Value) -> Value:
    """`affine` where the second is a weight, `attention` where that is it, else `matmul`."""
    if isinstance(b, np.ndarray) and is_known(b) and b.ndim == 2 and not isinstance(a, np.ndarray):
        return affine(t, a, b, None)
    if (found := spelt_attention(t, a, b)) is not None:
        return found
    first, second = shape_of(a), shape_of(b)
    if len(first) > 1 and len(second) > 1:
        return t.emit("matmul", a, b)
    wide_a = reshaped(t, t.node(a), (1, *first)) if len(first) == 1 else a
    wide_b = reshaped(t, t.node(b), (*second, 1)) if len(second) == 1 else b
    made = t.emit("matmul", wide_a, wide_b)
    shape = [*made.shape]
    if len(second) == 1:
        shape.pop()
    if len(first) == 1:
        shape.pop(-1 if len(second) == 1 else -2)
    return reshaped(t, made, shape)


# --- normalization


@rule("BatchNormalization")
def batch_norm(t: Translator, node: ForeignNode, x: Value, *kept: Value | None) -> Value:
    """`batch_norm`."""
    if node.attributes.get("training_mode", 0):
        raise UnsupportedError("it is as in training")
    names = ("gain", "shift", "running_mean", "running_variance")
    arrays = {name: array_of(each, name) for name, each in zip(names, kept, strict=True)}
    return t.emit(
        "batch_norm",
        x,
        arrays=arrays,
        epsilon=_shortest(node.attributes.get("epsilon", 1e-5)),
        momentum=_shortest(1 - _shortest(node.attributes.get("momentum", 0.9))),
    )


@rule("LayerNormalization")
def layer_norm(
    t: Translator, node: ForeignNode, x: Value, gain: Value, shift: Value | None = None
) -> list[Value]:
    """`layer_norm`; `mean` and `power` for its statistics, where they are read."""
    given = _along_last_axes(t, node, x, gain=gain, shift=shift)
    found: Value = t.emit("layer_norm", x, **given)
    if not any(name and t.readers.get(name) for name in node.outputs[1:]):
        return [found]
    return [found, *statistics(t, x, given["axis"], given["epsilon"])]


@rule("RMSNormalization")
def rms_norm(t: Translator, node: ForeignNode, x: Value, gain: Value) -> Value:
    """`rms_norm`."""
    return t.emit("rms_norm", x, **_along_last_axes(t, node, x, gain=gain))


def _along_last_axes(
    t: Translator, node: ForeignNode, x: Value, **kept: Value | None
) -> dict[str, Any]:
    """Parameters, axes and epsilon of a normalization along the last axes."""
    rank = len(shape_of(x))
    first = node.attributes.get("axis", -1) % rank
    own: Any = shape_of(x)[first:]
    arrays: dict[str, Array | None] = {}
    for name, value in kept.items():
        array = array_of(value, name)
        if array is not None and array.shape != own:
            array = t.named(np.array(np.broadcast_to(array, own)), array)
        arrays[name] = array
    epsilon = _shortest(node.attributes.get("epsilon", 1e-5))
    return {"arrays": arrays, "axis": tuple(range(first - rank, 0)), "epsilon": epsilon}


@rule("InstanceNormalization", "GroupNormalization")
def group_norm(t: Translator, node: ForeignNode, x: Value, *kept: Value | None) -> Value:
    """`instance_norm` or `group_norm`."""
    channels = shape_of(x)[1]
    if not isinstance(channels, int):
        raise UnsupportedError("it has a free number of channels")
    arrays: dict[str, Array | None] = {}
    for name, value in zip(("gain", "shift"), kept, strict=True):
        array = array_of(value, name)
        assert array is not None
        # Before opset 21, one number for all channels of a group.
        arrays[name] = t.named(array.repeat(channels // array.size), array)
    epsilon = _shortest(node.attributes.get("epsilon", 1e-5))
    if node.op == "InstanceNormalization":
        return t.emit("instance_norm", x, arrays=arrays, epsilon=epsilon)
    groups = node.attributes["num_groups"]
    return t.emit("group_norm", x, arrays=arrays, groups=groups, epsilon=epsilon)


@rule("LRN")
def local_response_norm(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`local_response_norm`, of an odd number of channels."""
    size = node.attributes["size"]
    if size % 2 == 0:
        raise UnsupportedError("its window is even")
    given = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, **node.attributes}
    return t.emit(
        "local_response_norm",
        x,
        size=size,
        alpha=_shortest(given["alpha"]),
        beta=_shortest(given["beta"]),
        k=_shortest(given["bias"]),
    )


def _shortest(number: Any) -> float:
    """The shortest number that is this one in float32."""
    return float(str(np.float32(number)))
