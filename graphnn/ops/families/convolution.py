"""Convolution: filters that slide over images [batch, channels, height, width]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, cast

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from graphnn.ops._arrays import ALL, Array, ArrayError, Cotangents, ShapeError, Wanted
from graphnn.ops._inference import Inferred, unspecified
from graphnn.ops._op import ANY_NUMBER, Case
from graphnn.ops._operands import parameter
from graphnn.ops._sizes import Size
from graphnn.ops.families._images import (
    AXES,
    KERNEL,
    PADDING,
    STRIDE,
    Images,
    Tracks,
    finished,
    room,
)
from graphnn.ops.initializers import FILTERS, He, Zeros
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
    Slide,
    Track,
)
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape

_DILATION = "Steps from one entry of a window to the next, down and across."


class _Filters(Images):
    """Filters that slide over images."""

    also_called: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("size", "kernel_size", "filter_size"), "kernel"),
        **dict.fromkeys(("channels", "out_channels", "units"), "filters"),
    }

    filters: Size | None = Field(
        None, description="Channels of the result; left out, as many as the weight has."
    )
    kernel: Counts | None = Field(None, description=KERNEL + "; left out, as of the weight.")
    stride: Counts = Field((1, 1), description=STRIDE + ".")
    dilation: Counts = Field((1, 1), description=_DILATION)
    groups: Count = Field(
        1, description="Parts of the channels, each of which has its own share of the filters."
    )

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
        """Cotangents of x, filters over g; of weight, a correlation of x and g; of bias, a sum."""
        g, tracks = images_last(cotangent), self._tracks(x, weight)
        by_x = by_weight = by_bias = None
        if wanted[0]:
            by_x = images_first(self._by_x(g, weight, tracks))
        if wanted[1]:
            by_weight = self._by_weight(g, images_last(x), weight, tracks)
        if wanted[2] and bias is not None:
            by_bias = g.reshape(len(g), -1).sum(axis=1)
        return by_x, by_weight, by_bias

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        """The windows down and across."""
        raise NotImplementedError

    def _by_x(self, g: Array, weight: Array, tracks: Tracks) -> Array:
        """Cotangent of `x`; it and the cotangent `g` have the images last."""
        raise NotImplementedError

    def _by_weight(self, g: Array, x: Array, weight: Array, tracks: Tracks) -> Array:
        """Cotangent of the weight; `g` and `x` have the images last."""
        raise NotImplementedError

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """Shapes by the signatures; what is left out, from the weight.

        Raises
        ------
        ShapeError
            No window fits, the groups do not divide channels or filters, or it is unspecified how
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
            raise ShapeError("'kernel' is unspecified", None, help)
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
    padding: Padding = Field((0, 0), description=PADDING + ", or 'same'.")

    elsewhere = ("convolution", "conv", "convolution2d")
    output_interval = ANY_NUMBER
    words = ALL_WORDS
    operands = (
        *Images.operands,
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
        y = room(out, (len(weight), rows.count, columns.count, len(x)), x.dtype)
        correlate(images_last(x), weight, rows, columns, self.groups, y)
        return finished(y, bias, out)

    def _by_x(self, g: Array, weight: Array, tracks: Tracks) -> Array:
        return correlate_back(g, weight, *tracks, self.groups)

    def _by_weight(self, g: Array, x: Array, weight: Array, tracks: Tracks) -> Array:
        return correlate_weight(g, x, weight, *tracks, self.groups)

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
        parts = zip(AXES, kernel, self.stride, self.dilation, padding, strict=True)
        return [Slide(*part) for part in parts]

    def _result(self, size: Sequence[Size], kernel: tuple[int, int]) -> tuple[Size, Size]:
        down, across = self._slides(kernel)
        return down.count(size[0]), across.count(size[1])

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        down, across = self._slides(weight.shape[2:])
        return down.over(x.shape[2]), across.over(x.shape[3])


class ConvTranspose2d(_Filters):
    """Transposed convolution: the backward pass of `conv2d` by its input.

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

    elsewhere = ("deconvolution", "deconv", "convtranspose", "conv2dtranspose")
    output_interval = ANY_NUMBER
    words = WORDS
    operands = (
        *Images.operands,
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
        # A stride or dilation at fault is reported there, and missing here.
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
        return finished(y, bias, out)

    def _by_x(self, g: Array, weight: Array, tracks: Tracks) -> Array:
        rows, columns = tracks
        by_x = np.empty((len(weight), rows.count, columns.count, g.shape[3]), g.dtype)
        correlate(g, weight, rows, columns, self.groups, by_x)
        return by_x

    def _by_weight(self, g: Array, x: Array, weight: Array, tracks: Tracks) -> Array:
        return correlate_weight(x, g, weight, *tracks, self.groups)

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
                f"'x' has {AXES[axis]} {size}, so the result would have {length}",
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
