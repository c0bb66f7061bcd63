"""Windows: convolution and pooling, of 1, 2 and 3 axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.layers import array_of
from graphnn.interchange.onnx.operators.shapes import padded
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import UnsupportedError, Value, shape_of
from graphnn.ops import Array
from graphnn.spec.sizes import Expression, Size

_LOWEST = -float(np.finfo(np.float32).max)
_MOST = 3  # axes that windows here slide along


class _Windows:
    """The attributes of an operator with windows."""

    def __init__(self, node: ForeignNode, x: Value, kernel: Sequence[int]) -> None:
        rank = len(kernel)
        if not 0 < rank <= _MOST or len(shape_of(x)) != rank + 2:
            raise UnsupportedError(f"it has {rank} axes of windows; here there are 1 to {_MOST}")
        given = node.attributes
        self.rank = rank
        self.size = shape_of(x)[2:]
        self.kernel = tuple(kernel)
        self.stride = tuple(given.get("strides", (1,) * rank))
        self.dilation = tuple(given.get("dilations", (1,) * rank))
        pads = tuple(given.get("pads", (0,) * (2 * rank)))
        self.sides = [*zip(pads[:rank], pads[rank:], strict=True)]
        self.auto = given.get("auto_pad", "NOTSET")
        if self.auto == "VALID":
            self.sides = [(0, 0)] * rank

    @property
    def span(self) -> list[int]:
        """Entries from the first of a window to its last, along each axis."""
        return [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]

    def settle(self) -> None:
        """Make automatic padding explicit.

        Raises
        ------
        UnsupportedError
            It depends on a free size.
        """
        if not self.auto.startswith("SAME"):
            return
        for axis, (length, stride, span) in enumerate(
            zip(self.size, self.stride, self.span, strict=True)
        ):
            total = span - 1
            if stride > 1:
                if isinstance(length, Expression):
                    raise UnsupportedError("its padding depends on a free size")
                total = max(0, (-(-length // stride) - 1) * stride + span - length)
            self.sides[axis] = self._parted(total)

    def cut_to(self, wanted: Sequence[Size], added: Sequence[int]) -> None:
        """Set what is cut off a transposed convolution's result, so that it has these sizes.

        Raises
        ------
        UnsupportedError
            It depends on a free size, or is less than nothing.
        """
        for axis, (length, size, stride, span, more) in enumerate(
            zip(wanted, self.size, self.stride, self.span, added, strict=True)
        ):
            whole = (size - 1) * stride + span + more
            total = whole - length
            if not isinstance(total, int) or total < 0:
                raise UnsupportedError("the size that it states for its result depends on another")
            self.sides[axis] = self._parted(total)

    def _parted(self, total: int) -> tuple[int, int]:
        """Padding on both sides, the odd entry after the axis or before it."""
        small, large = total // 2, total - total // 2
        return (small, large) if self.auto == "SAME_UPPER" else (large, small)

    @property
    def narrow(self) -> bool:
        """Whether a pool here can have that padding itself."""
        return all(2 * max(side) <= k for side, k in zip(self.sides, self.kernel, strict=True))

    @property
    def padding(self) -> tuple[int, ...]:
        """A number an axis, or two where those of a side differ."""
        if all(before == after for before, after in self.sides):
            return tuple(before for before, _ in self.sides)
        return tuple(end for side in self.sides for end in side)


def _filters(
    node: ForeignNode, x: Value, weight: Value, bias: Value | None
) -> tuple[dict[str, Array | None], _Windows]:
    """The filters and bias of a convolution, and its windows."""
    kernel = array_of(weight, "weight")
    assert kernel is not None
    windows = _Windows(node, x, kernel.shape[2:])
    return {"weight": kernel, "bias": array_of(bias, "bias")}, windows


@rule("Conv")
def conv(
    t: Translator, node: ForeignNode, x: Value, weight: Value, bias: Value | None = None
) -> Value:
    """`conv1d`, `conv2d` or `conv3d`."""
    arrays, w = _filters(node, x, weight, bias)
    padding: Any = "same"
    if w.auto != "SAME_UPPER":
        w.settle()
        padding = w.padding
    return t.emit(
        f"conv{w.rank}d",
        x,
        arrays=arrays,
        stride=w.stride,
        padding=padding,
        dilation=w.dilation,
        groups=node.attributes.get("group", 1),
    )


@rule("ConvTranspose")
def conv_transpose(
    t: Translator, node: ForeignNode, x: Value, weight: Value, bias: Value | None = None
) -> Value:
    """`conv_transpose1d`, `conv_transpose2d` or `conv_transpose3d`."""
    arrays, w = _filters(node, x, weight, bias)
    added = tuple(node.attributes.get("output_padding", (0,) * w.rank))
    wanted = node.attributes.get("output_shape")
    if wanted is None and w.auto.startswith("SAME"):
        wanted = [size * stride for size, stride in zip(w.size, w.stride, strict=True)]
    if wanted is not None:
        w.cut_to(wanted[-w.rank :], added)
    return t.emit(
        f"conv_transpose{w.rank}d",
        x,
        arrays=arrays,
        stride=w.stride,
        padding=w.padding,
        dilation=w.dilation,
        output_padding=added,
        groups=node.attributes.get("group", 1),
    )


@rule("MaxPool", "AveragePool")
def pool(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`max_pool` or `average_pool`, with `pad` where padding is wide."""
    if any(name and t.readers.get(name) for name in node.outputs[1:]):
        raise UnsupportedError("its places are read")
    w = _Windows(node, x, node.attributes["kernel_shape"])
    w.settle()
    pooled = _pooled if w.narrow else _pooled_after_padding
    highest = node.op == "MaxPool"
    counted = bool(node.attributes.get("count_include_pad", 0))
    ceil = bool(node.attributes.get("ceil_mode", 0))
    return pooled(t, x, w, highest=highest, counted=counted, ceil_mode=ceil)


def _pooled(
    t: Translator, x: Value, w: _Windows, *, highest: bool, counted: bool, ceil_mode: bool
) -> Value:
    """The pool that has these windows itself."""
    given: dict[str, Any] = {"kernel": w.kernel, "stride": w.stride, "padding": w.padding}
    given |= {"dilation": w.dilation, "ceil_mode": ceil_mode}
    if highest:
        return t.emit("max_pool", x, **given)
    return t.emit("average_pool", x, count_include_pad=counted, **given)


def _pooled_after_padding(
    t: Translator, x: Value, w: _Windows, *, highest: bool, counted: bool, ceil_mode: bool
) -> Value:
    """The pool of what has padding too wide for a pool, by `pad` before it."""
    counted_sides = [*w.sides] if counted else [(0, 0)] * w.rank
    if ceil_mode:
        _round_up(w)
    lowest = _LOWEST if highest else 0.0
    wide = padded(t, x, [(0, 0), (0, 0), *w.sides], lowest)
    op = "max_pool" if highest else "average_pool"
    made = t.emit(op, wide, kernel=w.kernel, stride=w.stride, dilation=w.dilation)
    if highest or w.sides == counted_sides:
        return made
    return t.emit("multiply", made, _shares(w, counted_sides))


def _round_up(w: _Windows) -> None:
    """Pad so that windows that begin within the array count, though they end outside."""
    for axis, (length, span) in enumerate(zip(w.size, w.span, strict=True)):
        (before, after), stride = w.sides[axis], w.stride[axis]
        if not isinstance(length, int):
            if stride == 1:
                continue
            raise UnsupportedError("it rounds up a free size")
        count = -(-(length + before + after - span) // stride) + 1
        if (count - 1) * stride >= length + before:
            count -= 1
        w.sides[axis] = (before, max(after, (count - 1) * stride + span - length - before))


def _shares(w: _Windows, counted: Sequence[tuple[int, int]]) -> Array:
    """By how much a mean of whole windows is too small, for each window."""
    shares = []
    for axis, length in enumerate(w.size):
        if not isinstance(length, int):
            raise UnsupportedError("its means depend on a free size")
        before, after = w.sides[axis]
        start = before - counted[axis][0]
        there = np.zeros(length + before + after)
        there[start : before + length + counted[axis][1]] = 1
        step, span = w.dilation[axis], w.span[axis]
        firsts = range(0, len(there) - span + 1, w.stride[axis])
        own = [there[first : first + span : step].sum() for first in firsts]
        shares.append(w.kernel[axis] / np.array(own))
    return np.asarray(reduce(np.multiply.outer, shares).astype(np.float32))
