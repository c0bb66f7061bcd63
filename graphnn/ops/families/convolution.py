"""Convolution, pooling, and changes of size, of images [batch, channels, height, width].

Results lie in memory with the images innermost, for the reasons that `_unfold` gives. Ops that
work entry by entry hand that order on, and `flatten` makes a matrix of it without a copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from graphnn.ops._arrays import ALL, Array, ArrayError, Cotangents, Saved, ShapeError, Wanted
from graphnn.ops._inference import Inferred, unspecified
from graphnn.ops._op import ANY_NUMBER, Case, Op
from graphnn.ops._operands import Operand, data, parameter
from graphnn.ops._sizes import Size
from graphnn.ops.initializers import FILTERS, Finite, He, Zeros
from graphnn.ops.kernels.pooling import maxima, maxima_back, pooled, sums_back
from graphnn.ops.kernels.unfolding import (
    correlate,
    correlate_back,
    correlate_weight,
    images_first,
    images_last,
)
from graphnn.ops.kernels.windows import (
    ALL_WORDS,
    WORDS,
    Amounts,
    Count,
    Counts,
    Padding,
    Sides,
    Slide,
    Track,
)
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape

_AXES = ("height", "width")
_KERNEL = "Height and width of the window, or one number for both"
_STRIDE = "Steps from one window to the next, down and across"
_DILATION = "Steps from one entry of a window to the next, down and across."
_PADDING = "Rows added at top and bottom each and columns on both sides"
Tracks = tuple[Track, Track]


class _Images(Op):
    """An op on images."""

    operands: ClassVar[tuple[Operand, ...]] = (data("x", "batch channels height width"),)
    result = "batch channels rows columns"
    batchwise = True
    analytic = True


class _Filters(_Images):
    """Filters that slide over images."""

    also_called: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("size", "kernel_size", "filter_size"), "kernel"),
        **dict.fromkeys(("channels", "out_channels", "units"), "filters"),
    }

    filters: Size | None = Field(
        None, description="Channels of the result; left out, as many as the weight has."
    )
    kernel: Counts | None = Field(None, description=_KERNEL + "; left out, as of the weight.")
    stride: Counts = Field((1, 1), description=_STRIDE + ".")
    dilation: Counts = Field((1, 1), description=_DILATION)
    groups: Count = Field(
        1, description="Parts of the channels, each of which has its own share of the filters."
    )

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """Shapes by the signatures; what is left out, from the weight.

        Raises
        ------
        ShapeError
            No window fits, the groups do not divide channels or filters, or nothing tells how
            large kernel or filters are.
        """
        found = super().infer(shapes, given)
        if self.kernel is not None:
            return found
        kernel = found.parameters["weight"][2:]
        return replace(found, attributes={**found.attributes, "kernel": kernel})

    def solve_sizes(
        self, shapes: Sequence[Shape], given: Mapping[str, Shape]
    ) -> Mapping[str, Size]:
        """Size of the kernel, the share of a group in channels and filters, size of the result."""
        weight = given.get("weight")
        if len(shapes[0]) != 4 or (weight is not None and len(weight) != 4):
            return {}  # then the signatures do not fit, as `infer` says
        kernel = self.kernel or (weight and cast(tuple[int, int], weight[2:]))
        if kernel is None:
            help = "give 'kernel', or 'weight' as numbers"
            raise ShapeError("nothing says how large the kernel is", None, help)
        _, channels, *size = shapes[0]
        filters = self._count(given)
        rows, columns = self._result(size, kernel)
        return {
            "filters": filters,
            "channels/groups": self._share(channels, "channels"),
            "filters/groups": self._share(filters, "filters"),
            "kernel_height": kernel[0],
            "kernel_width": kernel[1],
            "rows": rows,
            "columns": columns,
        }

    def _count(self, given: Mapping[str, Shape]) -> Size:
        """How many filters there are."""
        if self.filters is not None:
            return self.filters
        if "weight" in given:
            return self._of_weight(given["weight"])
        if "bias" in given and len(given["bias"]) == 1:
            return given["bias"][0]
        raise unspecified("filters", "weight")

    def _share(self, count: Size, what: Literal["channels", "filters"]) -> Size:
        """How many of the channels or the filters each group has."""
        if isinstance(count, int) and count % self.groups:
            whose = f"'x' has {count}" if what == "channels" else f"there are {count}"
            raise ShapeError(
                f"{whose} {what if count > 1 else what[:-1]}, "
                f"which {self.groups} groups do not divide",
                "x" if what == "channels" else None,
                attribute="groups",
            )
        return sizes.floor_divide(count, self.groups)

    def _of_weight(self, weight: Shape) -> Size:
        """How many filters a weight has."""
        raise NotImplementedError

    def _result(self, size: Sequence[Size], kernel: tuple[int, int]) -> tuple[Size, Size]:
        """Height and width of the result."""
        raise NotImplementedError


class Conv2d(_Filters):
    """Cross-correlation of images with filters, which is what networks call a convolution.

    ``y[n, f, r, c] = bias[f] + sum over d, i, j of weight[f, d, i, j] x[n, d', s r + i, s c + j]``
    for a stride of s, the d' being channels of the filter's group. A result has
    ``(size + 2 padding - dilation (kernel - 1) - 1) // stride + 1`` rows and columns.

    The padding "same" gives a result of size over stride, rounded up, as in TensorFlow: zeros as
    many as that takes, on both sides, the odd one at the bottom and on the right.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationships 1 to 6 and 15. "same":
    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """

    op: Literal["conv2d"] = "conv2d"
    padding: Padding = Field((0, 0), description=_PADDING + ", or 'same'.")

    output_interval = ANY_NUMBER
    words = ALL_WORDS
    operands = (
        *_Images.operands,
        parameter(
            "weight",
            "filters channels/groups kernel_height kernel_width",
            He(),
            layout=FILTERS,
        ),
        parameter("bias", "filters", Zeros(), optional=True),
    )
    result = "batch filters rows columns"
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"filters": 2, "kernel": 2}, [(2, 1, 3, 3)]),
        Case({"filters": 2, "kernel": [3, 2], "stride": [1, 2], "padding": [1, 0]}, [(2, 2, 3, 4)]),
        Case({"filters": 4, "kernel": [2, 1], "groups": 2, "dilation": 2}, [(1, 2, 4, 2)]),
        Case({"filters": 2, "kernel": [1, 2], "groups": 2, "stride": 2}, [(2, 2, 3, 4)]),
        Case(
            {"filters": 1, "kernel": 2, "dilation": [3, 2], "stride": 2, "padding": 1},
            [(2, 1, 4, 3)],
        ),
        Case({"filters": 2, "kernel": 2, "padding": "same"}, [(2, 1, 3, 2)]),
        Case({"filters": 1, "kernel": 3, "padding": "same", "stride": 2}, [(2, 2, 4, 3)]),
    )

    def forward(
        self, x: Array, weight: Array, bias: Array | None, *, out: Array | None = None
    ) -> Array:
        """Sums of windows of `x` times `weight`, plus `bias`; shapes as the signatures say."""
        rows, columns = self._tracks(x, weight)
        y = _room(out, (len(weight), rows.count, columns.count, len(x)), x.dtype)
        correlate(images_last(x), weight, rows, columns, self.groups, y)
        return _finished(y, bias, out)

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        x: Array,
        weight: Array,
        bias: Array | None,
        *,
        wanted: Wanted = ALL,
    ) -> Cotangents:
        """Cotangents of x, a transposed convolution; of weight, a correlation; of bias, a sum."""
        rows, columns = self._tracks(x, weight)
        g = images_last(cotangent)
        by_x = by_weight = None
        if wanted[0]:
            by_x = images_first(correlate_back(g, weight, rows, columns, self.groups))
        if wanted[1]:
            by_weight = correlate_weight(g, images_last(x), weight, rows, columns, self.groups)
        return by_x, by_weight, _by_bias(g) if wanted[2] and bias is not None else None

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """For the weight what each of its entries reads, window by window; 1 for bias."""
        x, weight, *_ = arrays
        if operand == "bias":
            return _ones_of(x)
        tracks = self._tracks(x, weight)
        parts = x.reshape(len(x), self.groups, -1, *x.shape[2:])
        read = _responses(parts.swapaxes(1, 2), weight, tracks, [t.count for t in tracks], False)
        return read if self.groups == 1 else read.repeat(len(weight) // self.groups, axis=2)

    def spread(self, change: Array, channels: Array, count: int, *arrays: Array) -> Array | None:
        """The moved channels through the filters that read them."""
        x, weight, *_ = arrays
        if count != x.shape[1]:
            return None
        rows, columns = self._tracks(x, weight)
        filters, depth = len(weight) // self.groups, weight.shape[1]
        shape = (len(weight), rows.count, columns.count, len(channels), change.shape[-1])
        spread = np.zeros(shape, np.result_type(change, weight))
        for place, channel in enumerate(channels.tolist()):
            group, own = divmod(channel, depth)
            chosen = slice(group * filters, (group + 1) * filters)
            part = np.empty((filters, *spread.shape[1:3], shape[-1]), spread.dtype)
            one = np.ascontiguousarray(change[place : place + 1])
            correlate(one, weight[chosen, own : own + 1], rows, columns, 1, part)
            spread[chosen, :, :, place] = part
        return spread

    def _of_weight(self, weight: Shape) -> Size:
        return weight[0]

    def _slides(self, kernel: Sequence[int]) -> list[Slide]:
        padding = (None, None) if self.padding == "same" else self.padding
        parts = zip(_AXES, kernel, self.stride, self.dilation, padding, strict=True)
        return [Slide(*part) for part in parts]

    def _result(self, size: Sequence[Size], kernel: tuple[int, int]) -> tuple[Size, Size]:
        down, across = self._slides(kernel)
        return down.count(size[0]), across.count(size[1])

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        down, across = self._slides(weight.shape[2:])
        return down.over(x.shape[2]), across.over(x.shape[3])


class ConvTranspose2d(_Filters):
    """Transposed convolution: what `conv2d` makes of the cotangent of its result.

    Every entry of `x` adds its filter, times the entry, to a window of the result, which has
    ``(size - 1) stride - 2 padding + dilation (kernel - 1) + 1 + output_padding`` rows and columns.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationships 8 to 14.
    """

    op: Literal["conv_transpose2d"] = "conv_transpose2d"
    padding: Amounts = Field(
        (0, 0), description="Rows cut off at top and bottom each, and columns on both sides."
    )
    output_padding: Amounts = Field(
        (0, 0), description="Rows added at the bottom of the result, and columns on its right."
    )

    output_interval = ANY_NUMBER
    words = WORDS
    operands = (
        *_Images.operands,
        parameter(
            "weight",
            "channels filters/groups kernel_height kernel_width",
            He(),
            layout="in out ...",
        ),
        parameter("bias", "filters", Zeros(), optional=True),
    )
    result = "batch filters rows columns"
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"filters": 2, "kernel": 2}, [(2, 1, 2, 3)]),
        Case({"filters": 1, "kernel": [3, 2], "stride": 2, "padding": [1, 0]}, [(2, 2, 2, 2)]),
        Case({"filters": 4, "kernel": 2, "groups": 2, "stride": 3}, [(1, 2, 2, 2)]),
        Case(
            {"filters": 2, "kernel": 2, "stride": [2, 1], "output_padding": [1, 0]}, [(2, 1, 2, 2)]
        ),
        Case({"filters": 1, "kernel": 2, "dilation": [3, 2], "output_padding": 1}, [(2, 2, 2, 1)]),
    )

    @field_validator("output_padding")
    @classmethod
    def _check_output_padding(
        cls, padding: tuple[int, int], info: ValidationInfo
    ) -> tuple[int, int]:
        # One at fault is told by itself, and not there.
        steps = (info.data.get("stride", ()), info.data.get("dilation", ()))
        for amount, stride, dilation in zip(padding, *steps, strict=False):
            if amount >= max(stride, dilation):
                raise ValueError(
                    f"{amount} is below neither the stride, {stride}, nor the dilation, {dilation}"
                )
        return padding

    def forward(
        self, x: Array, weight: Array, bias: Array | None, *, out: Array | None = None
    ) -> Array:
        """Filters times the entries of `x`, added up, plus `bias`; shapes as the signatures say."""
        rows, columns = self._tracks(x, weight)
        y = correlate_back(images_last(x), weight, rows, columns, self.groups)
        return _finished(y, bias, out)

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        x: Array,
        weight: Array,
        bias: Array | None,
        *,
        wanted: Wanted = ALL,
    ) -> Cotangents:
        """Cotangents of x, a convolution; of weight, a correlation; of bias, a sum."""
        rows, columns = self._tracks(x, weight)
        g = images_last(cotangent)
        by_x = by_weight = None
        if wanted[0]:
            by_x = np.empty((x.shape[1], *x.shape[2:], len(x)), x.dtype)
            correlate(g, weight, rows, columns, self.groups, by_x)
            by_x = images_first(by_x)
        if wanted[1]:
            by_weight = correlate_weight(images_last(x), g, weight, rows, columns, self.groups)
        return by_x, by_weight, _by_bias(g) if wanted[2] and bias is not None else None

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """For the weight the entries of `x`, as far apart as they are put; 1 for bias."""
        x, weight, *_ = arrays
        if operand == "bias":
            return _ones_of(x)
        if self.groups > 1:
            return None
        tracks = self._tracks(x, weight)
        return _responses(x[:, :, None], weight, tracks, [t.size for t in tracks], True)

    def _of_weight(self, weight: Shape) -> Size:
        return sizes.multiply(weight[1], self.groups)

    def _result(self, size: Sequence[Size], kernel: tuple[int, int]) -> tuple[Size, Size]:
        rows, columns = (
            self._length(axis, size[axis], kernel[axis], ShapeError) for axis in range(2)
        )
        return rows, columns

    def _length(
        self, axis: int, size: Size, kernel: int, error: type[ShapeError] | type[ArrayError]
    ) -> Size:
        """Size of the result along an axis."""
        stride, padding = self.stride[axis], self.padding[axis]
        span = self.dilation[axis] * (kernel - 1) + 1 + self.output_padding[axis]
        length = sizes.add(sizes.multiply(sizes.subtract(size, 1), stride), span - 2 * padding)
        if isinstance(length, int) and length < 1:
            raise error(
                f"'x' has {_AXES[axis]} {size}, so the result would have {length}",
                "x",
                f"({size} - 1)*{stride} - 2*{padding} + {span} = {length}",
            )
        return length

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        rows, columns = (self._track(axis, x.shape[2 + axis], weight) for axis in range(2))
        return rows, columns

    def _track(self, axis: int, size: int, weight: Array) -> Track:
        kernel = weight.shape[2 + axis]
        length = self._length(axis, size, kernel, ArrayError)
        assert isinstance(length, int)
        return Track(
            length, kernel, self.stride[axis], self.dilation[axis], self.padding[axis], size
        )


class _Pool(_Images):
    """One number for every window of each channel."""

    planewise = True
    also_called: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("size", "kernel_size", "pool_size", "window"), "kernel"
    )

    kernel: Counts = Field(description=_KERNEL + ".")
    stride: Counts | None = Field(None, description=_STRIDE + "; left out, as the kernel.")
    padding: Amounts = Field((0, 0), description=_PADDING + ".")

    words = WORDS
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"kernel": 2}, [(2, 2, 4, 2)]),
        Case({"kernel": 2}, [(2, 1, 3, 5)]),
        Case({"kernel": [3, 2], "stride": 1}, [(2, 1, 4, 3)]),
        Case({"kernel": [2, 3], "stride": [2, 1], "padding": 1}, [(1, 2, 3, 2)]),
        Case({"kernel": 1, "stride": 2}, [(2, 1, 3, 4)]),
        Case({"kernel": [1, 3], "stride": 4, "padding": [0, 1]}, [(2, 1, 2, 6)]),
    )

    @field_validator("padding")
    @classmethod
    def _check_padding(cls, padding: tuple[int, int], info: ValidationInfo) -> tuple[int, int]:
        for amount, kernel in zip(padding, info.data.get("kernel", ()), strict=False):
            if 2 * amount > kernel:
                raise ValueError(f"{amount} is more than half of the kernel, {kernel}")
        return padding

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """As many rows and columns as there are windows down and across."""
        if len(shapes[0]) != 4:
            return None
        down, across = self._slides()
        batch, channels, height, width = shapes[0]
        return batch, channels, down.count(height), across.count(width)

    def _slides(self) -> list[Slide]:
        stride = self.kernel if self.stride is None else self.stride
        parts = zip(_AXES, self.kernel, stride, self.padding, strict=True)
        return [Slide(axis, kernel, step, 1, padding) for axis, kernel, step, padding in parts]

    def _tracks(self, x: Array) -> Tracks:
        down, across = self._slides()
        return down.over(x.shape[2]), across.over(x.shape[3])


class MaxPool(_Pool):
    """Largest entry of every window of each channel.

    A result has ``(size + 2 padding - kernel) // stride + 1`` rows and columns. Padding never
    wins. Of several largest entries the first takes the cotangent, row by row.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationship 7.
    """

    op: Literal["max_pool"] = "max_pool"

    within_inputs = True

    def forward(self, x: Array, *, out: Array | None = None, saved: Saved | None = None) -> Array:
        """Maxima of the windows of `x` ``[batch, channels, height, width]``."""
        rows, columns = self._tracks(x)
        y = _room(out, (x.shape[1], rows.count, columns.count, len(x)), x.dtype)
        if saved is None:
            pooled(images_last(x), rows, columns, np.maximum, -np.inf, y)
        else:
            saved["winners"] = maxima(images_last(x), rows, columns, y)
        return _finished(y, None, out)

    def vjp(
        self, cotangent: Array, output: Array, x: Array, *, saved: Saved | None = None
    ) -> Cotangents:
        """The cotangent of every window for its largest entry."""
        winners = saved["winners"] if saved else images_last(self.branch(x))
        return (images_first(maxima_back(images_last(cotangent), winners, *self._tracks(x))),)

    def branch(self, x: Array) -> Array:
        """Which entry of its window each maximum is, counted row by row."""
        saved: Saved = {}
        self.forward(x, saved=saved)
        return images_first(saved["winners"])


class AveragePool(_Pool):
    """Mean of every window of each channel, the zeros of its padding included.

    A result has ``(size + 2 padding - kernel) // stride + 1`` rows and columns.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationship 7.
    """

    op: Literal["average_pool"] = "average_pool"

    within_inputs = True

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Means of the windows of `x` ``[batch, channels, height, width]``."""
        rows, columns = self._tracks(x)
        y = _room(out, (x.shape[1], rows.count, columns.count, len(x)), x.dtype)
        pooled(images_last(x), rows, columns, np.add, 0.0, y)
        y /= self.kernel[0] * self.kernel[1]
        return _finished(y, None, out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """An even share of the cotangent of every window for each of its entries."""
        share = images_last(cotangent) / (self.kernel[0] * self.kernel[1])
        return (images_first(sums_back(share, *self._tracks(x))),)


class GlobalAveragePool(_Images):
    """Mean of each channel, ``[batch, channels]``.

    References
    ----------
    M. Lin, Q. Chen and S. Yan, Network in network, ICLR 2014, section 3.2.
    """

    op: Literal["global_average_pool"] = "global_average_pool"

    within_inputs = True
    result = "batch channels"
    planewise = True

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Mean of each channel of `x` ``[batch, channels, height, width]``."""
        means: Array = np.mean(x, axis=(2, 3), out=out)
        return means

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """An even share of the cotangent for each entry of the channel."""
        share = cotangent / (x.shape[2] * x.shape[3])
        return (np.broadcast_to(share[:, :, None, None], x.shape),)


class Upsample(_Images):
    """Every entry repeated, `factor` times down and across."""

    op: Literal["upsample"] = "upsample"
    factor: Counts = Field(description="How many rows and columns come of one.")
    mode: Literal["nearest"] = Field("nearest", description="What stands between two entries.")

    within_inputs = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"factor": 2}, [(2, 1, 2, 3)]),
        Case({"factor": [1, 3]}, [(2, 2, 2, 1)]),
        Case({"factor": [3, 1], "mode": "nearest"}, [(1, 1, 2, 2)]),
    )

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """Height and width times the factor."""
        if len(shapes[0]) != 4:
            return None
        batch, channels, *size = shapes[0]
        return batch, channels, *map(sizes.multiply, size, self.factor)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """`x` ``[batch, channels, height, width]`` with its entries repeated."""
        batch, channels, height, width = x.shape
        down, across = self.factor
        y = _room(out, (channels, height * down, width * across, batch), x.dtype)
        blocks = y.reshape(channels, height, down, width, across, batch)
        blocks[...] = images_last(x)[:, :, None, :, None]
        return _finished(y, None, out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The sum of the cotangents of all that came of an entry."""
        (down, across), (height, width) = self.factor, x.shape[2:]
        tracks = (
            Track(height * down, down, down, 1, 0, height),
            Track(width * across, across, across, 1, 0, width),
        )
        by_x = np.empty(images_last(x).shape, cotangent.dtype)
        pooled(images_last(cotangent), *tracks, np.add, 0.0, by_x)
        return (images_first(by_x),)


class Pad(_Images):
    """Images with a margin of one value."""

    op: Literal["pad"] = "pad"
    padding: Sides = Field(
        description="Rows at top and bottom, columns on the left and on the right, in that order; "
        "one number is all four."
    )
    value: Finite = Field(0.0, description="Value of the margin.")

    cases: ClassVar[tuple[Case, ...]] = (
        Case({"padding": 1}, [(2, 1, 2, 1)]),
        Case({"padding": [0, 2, 1, 0], "value": -4.5}, [(2, 2, 1, 2)]),
        Case({"padding": 0}, [(1, 1, 2, 2)]),
    )

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """Height and width with the margin."""
        if len(shapes[0]) != 4:
            return None
        top, bottom, left, right = self.padding
        batch, channels, height, width = shapes[0]
        return batch, channels, sizes.add(height, top + bottom), sizes.add(width, left + right)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """`x` ``[batch, channels, height, width]`` within the margin."""
        top, bottom, left, right = self.padding
        batch, channels, height, width = x.shape
        shape = (channels, height + top + bottom, width + left + right, batch)
        y = _room(out, shape, x.dtype)
        y[...] = self.value
        images_first(y)[self._inner(x)] = x
        return _finished(y, None, out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent without its margin."""
        return (cotangent[self._inner(x)],)

    def _inner(self, x: Array) -> tuple[slice, ...]:
        top, _, left, _ = self.padding
        whole = slice(None)
        return whole, whole, slice(top, top + x.shape[2]), slice(left, left + x.shape[3])


def _room(out: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Memory for a result, images last: that of `out` where it has this order."""
    if out is not None and (there := out.transpose(1, 2, 3, 0)).flags.c_contiguous:
        return there
    return np.empty(shape, dtype)


def _finished(y: Array, bias: Array | None, out: Array | None) -> Array:
    """`y`, which has the images last, with its bias, as a result; in `out` where that is given."""
    if bias is not None:
        y += bias[:, None, None, None]
    if out is None:
        return images_first(y)
    if not np.may_share_memory(out, y):
        out[...] = images_first(y)
    return out


def _responses(x: Array, weight: Array, tracks: Tracks, size: Sequence[int], back: bool) -> Array:
    """What each entry of a filter adds to a result of `size` when it moves by 1.

    Parameters
    ----------
    x : ndarray, shape (images, channels of a group, groups, height, width)
    weight : ndarray, shape (..., kernel height, kernel width)
    tracks : pair of Track
    size : sequence of int
    back : bool
        Whether entries of `x` are put where windows read, as a transposed convolution does.

    Returns
    -------
    ndarray, shape (images, entries, groups, *size)
    """
    images, depth, groups = x.shape[:3]
    read = np.zeros((images, depth, *weight.shape[2:], groups, *size), x.dtype)
    for i, down in enumerate(tracks[0].taps()):
        for j, across in enumerate(tracks[1].taps()):
            (rows, height), (columns, width) = (
                (down, across) if not back else (down[::-1], across[::-1])
            )
            read[:, :, i, j, :, rows, columns] = x[..., height, width]
    return read.reshape(images, -1, groups, *size)


def _ones_of(x: Array) -> Array:
    """What a bias moves: every place of a channel alike, as `Op.response` has it."""
    return np.ones((len(x), 1, 1, 1, 1), x.dtype)


def _by_bias(cotangent: Array) -> Array:
    """Sum of each channel, images last."""
    sums: Array = cotangent.reshape(len(cotangent), -1).sum(axis=1)
    return sums
