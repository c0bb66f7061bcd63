"""Matrix products, convolution, pooling and normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.reductions import statistics
from graphnn.interchange.onnx.operators.shapes import padded, reshaped, transposed
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import UnsupportedError, Value, is_known, shape_of
from graphnn.ops import Array
from graphnn.spec.sizes import Expression, Shape, floor_divide

Inputs = list[Value | None]
_LOWEST = -float(np.finfo(np.float32).max)


def array_of(value: Value | None, what: str) -> Array | None:
    """The numbers of a parameter; None where it is left out."""
    if value is None:
        return None
    if isinstance(value, np.ndarray) and is_known(value) and value.dtype.kind == "f":
        return value
    raise UnsupportedError(f"its {what} is computed from data")


@rule("Gemm")
def gemm(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`affine`, or `matmul` and `add` of arrays that are computed."""
    a, b, *rest = inputs
    c = rest[0] if rest else None
    given = node.attributes
    alpha, beta = given.get("alpha", 1.0), given.get("beta", 1.0)
    assert a is not None
    assert b is not None
    if given.get("transA", 0):
        a = transposed(t, t.node(a), (1, 0))
    if isinstance(b, np.ndarray) and is_known(b) and b.dtype.kind == "f":
        weight = t.named((b.T if given.get("transB", 0) else b) * np.asarray(alpha, b.dtype), b)
        bias = _bias(t, c, weight.shape[1], beta)
        if c is None or bias is not None:
            return t.emit("affine", a, arrays={"weight": weight, "bias": bias})
        made: Value = t.emit("affine", a, arrays={"weight": weight, "bias": None})
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
def matmul(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`affine` where the second is a weight, else `matmul`."""
    a, b = inputs
    assert a is not None
    assert b is not None
    if isinstance(b, np.ndarray) and is_known(b) and b.ndim == 2 and not isinstance(a, np.ndarray):
        return t.emit("affine", a, arrays={"weight": b, "bias": None})
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


# --- windows


class _Windows:
    """The attributes of an operator with windows, for one axis or two."""

    def __init__(self, node: ForeignNode, x: Value, kernel: Sequence[int]) -> None:
        rank = len(kernel)
        if rank not in (1, 2) or len(shape_of(x)) != rank + 2:
            raise UnsupportedError(f"it has {rank} axes of windows; here there are 1 or 2")
        lead = (0,) * (2 - rank)
        one = (1,) * (2 - rank)
        given = node.attributes
        self.rank = rank
        self.kernel = (*one, *kernel)
        self.stride = (*one, *given.get("strides", (1,) * rank))
        self.dilation = (*one, *given.get("dilations", (1,) * rank))
        pads = tuple(given.get("pads", (0,) * (2 * rank)))
        before, after = (*lead, *pads[:rank]), (*lead, *pads[rank:])
        self.sides = [*zip(before, after, strict=True)]
        self.auto = given.get("auto_pad", "NOTSET")
        if self.auto == "VALID":
            self.sides = [(0, 0), (0, 0)]

    def images(self, t: Translator, x: Value) -> Value:
        """`x` as images."""
        shape = shape_of(x)
        return x if self.rank == 2 else reshaped(t, x, (*shape[:2], 1, shape[2]))

    def back(self, t: Translator, y: Value) -> Value:
        """What was made of images, with the axes that `x` had."""
        shape = shape_of(y)
        return y if self.rank == 2 else reshaped(t, y, (*shape[:2], shape[3]))

    def settle(self, size: Shape) -> None:
        """Make automatic padding explicit.

        Raises
        ------
        UnsupportedError
            It depends on a free size.
        """
        if not self.auto.startswith("SAME"):
            return
        for axis, length in enumerate(size):
            stride = self.stride[axis]
            if isinstance(length, Expression) and stride > 1:
                raise UnsupportedError("its padding depends on a free size")
            count = floor_divide(length, 1) if stride == 1 else -(-int(str(length)) // stride)
            span = self.dilation[axis] * (self.kernel[axis] - 1) + 1
            total = span - 1
            if stride > 1:
                total = max(0, (int(str(count)) - 1) * stride + span - int(str(length)))
            small, large = total // 2, total - total // 2
            self.sides[axis] = (small, large) if self.auto == "SAME_UPPER" else (large, small)
        self.auto = "NOTSET"

    @property
    def even(self) -> bool:
        """Whether padding is the same on both sides."""
        return all(before == after for before, after in self.sides)

    @property
    def narrow(self) -> bool:
        """Whether a pool here can have that padding itself."""
        return all(2 * max(side) <= k for side, k in zip(self.sides, self.kernel, strict=True))

    @property
    def padding(self) -> tuple[int, ...]:
        """Padding on each side."""
        return tuple(before for before, _ in self.sides)


def _filters(node: ForeignNode, inputs: Inputs) -> tuple[Value, Array, Array | None, _Windows]:
    """What a convolution reads, its filters and bias, and its windows."""
    x, weight, *rest = inputs
    kernel = array_of(weight, "weight")
    assert x is not None
    assert kernel is not None
    bias = array_of(rest[0] if rest else None, "bias")
    return x, kernel, bias, _Windows(node, x, kernel.shape[2:])


@rule("Conv")
def conv(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`conv2d`, of one axis too, with `pad` where padding is uneven."""
    x, kernel, bias, w = _filters(node, inputs)
    images = w.images(t, x)
    padding: Any = "same"
    if w.auto != "SAME_UPPER":
        w.settle(shape_of(images)[2:])
        if not w.even:
            images = padded(t, images, [(0, 0), (0, 0), *w.sides])
            w.sides = [(0, 0), (0, 0)]
        padding = w.padding
    filters = t.named(kernel.reshape(*kernel.shape[:2], *w.kernel), kernel)
    made = t.emit(
        "conv2d",
        images,
        arrays={"weight": filters, "bias": bias},
        stride=w.stride,
        padding=padding,
        dilation=w.dilation,
        groups=node.attributes.get("group", 1),
    )
    return w.back(t, made)


@rule("ConvTranspose")
def conv_transpose(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`conv_transpose2d`, of one axis too, and `slice` where uneven padding is cut off."""
    x, kernel, bias, w = _filters(node, inputs)
    if w.auto.startswith("SAME") or "output_shape" in node.attributes:
        raise UnsupportedError("it states the size of its result")
    images = w.images(t, x)
    added = (*(0,) * (2 - w.rank), *node.attributes.get("output_padding", (0,) * w.rank))
    even = tuple(min(side) for side in w.sides)
    filters = t.named(kernel.reshape(*kernel.shape[:2], *w.kernel), kernel)
    made: Value = t.emit(
        "conv_transpose2d",
        images,
        arrays={"weight": filters, "bias": bias},
        stride=w.stride,
        padding=even,
        dilation=w.dilation,
        output_padding=added,
        groups=node.attributes.get("group", 1),
    )
    cut = [
        (least - first, least - last) for least, (first, last) in zip(even, w.sides, strict=True)
    ]
    return w.back(t, padded(t, made, [(0, 0), (0, 0), *cut]))


@rule("MaxPool", "AveragePool")
def pool(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`max_pool` or `average_pool`, of one axis too, with `pad` where padding is wide."""
    x = inputs[0]
    assert x is not None
    if any(name and t.readers.get(name) for name in node.outputs[1:]):
        raise UnsupportedError("its places are read")
    w = _Windows(node, x, node.attributes["kernel_shape"])
    highest = node.op == "MaxPool"
    if any(step != 1 for step in w.dilation) and not highest:
        raise UnsupportedError("its windows are dilated")
    images = w.images(t, x)
    w.settle(shape_of(images)[2:])
    pooled = _pooled if w.narrow else _pooled_after_padding
    counted = bool(node.attributes.get("count_include_pad", 0))
    ceil = bool(node.attributes.get("ceil_mode", 0))
    return w.back(t, pooled(t, images, w, highest=highest, counted=counted, ceil_mode=ceil))


def _pooled(
    t: Translator, images: Value, w: _Windows, *, highest: bool, counted: bool, ceil_mode: bool
) -> Value:
    """The pool of images that has these windows itself."""
    given: dict[str, Any] = {"kernel": w.kernel, "stride": w.stride, "ceil_mode": ceil_mode}
    given["padding"] = tuple(end for side in w.sides for end in side)
    if highest:
        return t.emit("max_pool", images, dilation=w.dilation, **given)
    return t.emit("average_pool", images, count_include_pad=counted, **given)


def _pooled_after_padding(
    t: Translator, images: Value, w: _Windows, *, highest: bool, counted: bool, ceil_mode: bool
) -> Value:
    """The pool of images whose padding is too wide for a pool, by `pad` before it."""
    if any(step != 1 for step in w.dilation):
        raise UnsupportedError("its windows are dilated, and its padding wide")
    size = shape_of(images)[2:]
    counted_sides = [*w.sides] if counted else [(0, 0)] * 2
    if ceil_mode:
        _round_up(w, size)
    images = padded(t, images, [(0, 0), (0, 0), *w.sides], _LOWEST if highest else 0.0)
    op = "max_pool" if highest else "average_pool"
    made = t.emit(op, images, kernel=w.kernel, stride=w.stride)
    if highest or w.sides == counted_sides:
        return made
    return t.emit("multiply", made, _shares(w, size, counted_sides))


def _round_up(w: _Windows, size: Shape) -> None:
    """Pad so that windows that begin within the array count, though they end outside."""
    for axis, length in enumerate(size):
        before, after = w.sides[axis]
        stride, kernel = w.stride[axis], w.kernel[axis]
        if not isinstance(length, int):
            if stride == 1:
                continue
            raise UnsupportedError("it rounds up a free size")
        count = -(-(length + before + after - kernel) // stride) + 1
        if (count - 1) * stride >= length + before:
            count -= 1
        w.sides[axis] = (before, max(after, (count - 1) * stride + kernel - length - before))


def _shares(w: _Windows, size: Shape, counted: Sequence[tuple[int, int]]) -> Array:
    """By how much a mean of whole windows is too small, for each window."""
    shares = []
    for axis, length in enumerate(size):
        if not isinstance(length, int):
            raise UnsupportedError("its means depend on a free size")
        before, after = w.sides[axis]
        start = before - counted[axis][0]
        there = np.zeros(length + before + after)
        there[start : before + length + counted[axis][1]] = 1
        firsts = range(0, len(there) - w.kernel[axis] + 1, w.stride[axis])
        own = [there[first : first + w.kernel[axis]].sum() for first in firsts]
        shares.append(w.kernel[axis] / np.array(own))
    return (shares[0][:, None] * shares[1]).astype(np.float32)


# --- normalization


@rule("BatchNormalization")
def batch_norm(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`batch_norm`."""
    if node.attributes.get("training_mode", 0):
        raise UnsupportedError("it is as in training")
    x, *kept = inputs
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
def layer_norm(t: Translator, node: ForeignNode, inputs: Inputs) -> list[Value]:
    """`layer_norm`; `mean` and `power` for its statistics, where they are read."""
    x, gain, *rest = inputs
    assert x is not None
    rank = len(shape_of(x))
    first = node.attributes.get("axis", -1) % rank
    own = shape_of(x)[first:]
    arrays: dict[str, Array | None] = {}
    for name, value in (("gain", gain), ("shift", rest[0] if rest else None)):
        array = array_of(value, name)
        if array is not None and array.shape != own:
            array = t.named(np.array(np.broadcast_to(array, own)), array)  # type: ignore[arg-type]
        arrays[name] = array
    axes = tuple(range(first - rank, 0))
    epsilon = _shortest(node.attributes.get("epsilon", 1e-5))
    found: Value = t.emit("layer_norm", x, arrays=arrays, axis=axes, epsilon=epsilon)
    if not any(name and t.readers.get(name) for name in node.outputs[1:]):
        return [found]
    return [found, *statistics(t, x, axes, epsilon)]


@rule("RMSNormalization")
def rms_norm(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`rms_norm`."""
    x, gain = inputs
    assert x is not None
    rank = len(shape_of(x))
    first = node.attributes.get("axis", -1) % rank
    own, array = shape_of(x)[first:], array_of(gain, "gain")
    if array is not None and array.shape != own:
        array = t.named(np.array(np.broadcast_to(array, own)), array)  # type: ignore[arg-type]
    epsilon = _shortest(node.attributes.get("epsilon", 1e-5))
    axes = tuple(range(first - rank, 0))
    return t.emit("rms_norm", x, arrays={"gain": array}, axis=axes, epsilon=epsilon)


@rule("InstanceNormalization", "GroupNormalization")
def group_norm(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`instance_norm` or `group_norm`."""
    x, *kept = inputs
    assert x is not None
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
def local_response_norm(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`local_response_norm`, of an odd number of channels."""
    size = node.attributes["size"]
    if size % 2 == 0:
        raise UnsupportedError("its window is even")
    given = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, **node.attributes}
    return t.emit(
        "local_response_norm",
        inputs[0],
        size=size,
        alpha=_shortest(given["alpha"]),
        beta=_shortest(given["beta"]),
        k=_shortest(given["bias"]),
    )


def _shortest(number: Any) -> float:
    """The shortest number that is this one in float32."""
    return float(str(np.float32(number)))
