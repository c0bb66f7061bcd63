"""Convolution: filters that slide over images [batch, channels, height, width]."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from graphnn.ops._arrays import ALL, Array, ArrayError, Cotangents, ShapeError, Wanted
from graphnn.ops._inference import Inferred, unspecified
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Case, aliases
from graphnn.ops._operands import PARAMETERS_ELSEWHERE, Operand, parameter
from graphnn.ops._passages import Passage
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm, call, changed, shown
from graphnn.ops.families._images import (
    AXES,
    DILATION,
    KERNEL,
    PADDING,
    STRIDE,
    Images,
    finished,
    room,
)
from graphnn.ops.initializers import FILTERS, He, Zeros
from graphnn.ops.kernels import unfolding, windows
from graphnn.ops.kernels.unfolding import images_first, images_last
from graphnn.ops.kernels.windows import Amounts, Count, Counts, Slide, Track, Tracks
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape


def _operands(axes: str, layout: str) -> tuple[Operand, ...]:
    """What a convolution takes, for a weight that begins with `axes`."""
    weight = parameter("weight", f"{axes} kernel_height kernel_width", He(), layout=layout)
    return *Images.operands, weight, parameter("bias", "filters", Zeros(), optional=True)


class _Filters(Images):
    """Filters that slide over images, and sum up what they read or, `transposed`, put it there."""

    transposed: ClassVar[bool] = False
    factors = True
    output_interval = ANY_NUMBER
    result = "batch filters rows columns"
    also_called = aliases(
        kernel="size kernel_size filter_size",
        filters="channels out_channels units",
        **PARAMETERS_ELSEWHERE,
    )

    filters: Size | None = Field(
        None, description="Channels of the result; left out, as many as the weight has."
    )
    kernel: Counts | None = Field(None, description=KERNEL + "; left out, as of the weight.")
    stride: Counts = Field((1, 1), description=STRIDE + ".")
    dilation: Counts = Field((1, 1), description=DILATION)
    groups: Count = Field(
        1, description="Parts of the channels, each of which has its own share of the filters."
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Small kernels, and groups that divide channels and filters."""
        if key == "groups":
            counts: tuple[Any, ...] = (shape[1], chosen["filters"])
            return [n for n in range(1, 5) if not any(count % n for count in counts)]
        return windows.pairs(range(1, 4), range(1, 4)) if key == "kernel" else None

    def forward(
        self, x: Array, weight: Array, bias: Array | None, *, out: Array | None = None
    ) -> Array:
        """Filters times windows of `x`, or times its entries, plus `bias`."""
        tracks = self._tracks(x, weight)
        y = self._filtered(images_last(x), weight, tracks, self.transposed, out)
        return finished(y, bias, out)

    def vjp(
        self, cotangent: Array, output: Array, *arrays: Any, wanted: Wanted = ALL
    ) -> Cotangents:
        """Cotangents of x, filters over g; of weight, a correlation of x and g; of bias, a sum."""
        x, weight, bias = arrays
        g, tracks = images_last(cotangent), self._tracks(x, weight)
        by_x = by_weight = by_bias = None
        if wanted[0]:
            by_x = images_first(self._filtered(g, weight, tracks, not self.transposed))
        if wanted[1]:
            read = images_last(x)
            pair = (read, g) if self.transposed else (g, read)
            by_weight = unfolding.correlate_weight(*pair, weight, tracks, self.groups)
        if wanted[2] and bias is not None:
            by_bias = g.reshape(len(g), -1).sum(axis=1)
        return by_x, by_weight, by_bias

    def _filtered(
        self, x: Array, weight: Array, tracks: Tracks, back: bool, out: Array | None = None
    ) -> Array:
        """Windows of `x` times the filters, or entries put back in them; images last."""
        if back:
            return unfolding.correlate_back(x, weight, tracks, self.groups)
        rows, columns = tracks
        y = room(out, (len(weight), rows.count, columns.count, x.shape[3]), x.dtype)
        unfolding.correlate(x, weight, tracks, self.groups, y)
        return y

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """For the weight what its entries read, or the entries of `x` put apart; 1 for bias."""
        x, weight, *_ = arrays
        if operand == "bias":
            return np.ones((len(x), 1, 1, 1, 1), x.dtype)
        if self.transposed and self.groups > 1:
            return None
        parts = x.reshape(len(x), self.groups, -1, *x.shape[2:])
        read = _responses(parts.swapaxes(1, 2), weight, self._tracks(x, weight), self.transposed)
        return read if self.groups == 1 else read.repeat(len(weight) // self.groups, axis=2)

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """One for each entry of what filters are applied to, or put into, and of a filter."""
        x, weight, *_ = operands
        assert x is not None
        assert weight is not None
        return math.prod(x if self.transposed else result) * math.prod(weight[1:])

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Conv or ConvTranspose."""
        return form.add(
            self.onnx,
            *operands,
            kernel_shape=[*form.shapes[operands[1]][2:]],
            strides=[*self.stride],
            dilations=[*self.dilation],
            group=self.groups,
            **self._onnx_padding(*(form.shapes[name] for name in operands[:2])),
        )

    def _onnx_padding(self, x: Shape, weight: Shape) -> dict[str, Any]:
        """What the ONNX operator is given about padding, for these shapes."""
        raise NotImplementedError

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        """The windows down and across."""
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
            raise unspecified("kernel", "weight")
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
            filters, depth, *_ = given["weight"]
            return sizes.multiply(depth, self.groups) if self.transposed else filters
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

    def _result(self, size: Sequence[Size], kernel: tuple[int, int]) -> tuple[Size, Size]:
        """Height and width of the result."""
        raise NotImplementedError

    def _written(self, form: CodeForm, function: str, *arguments: str | None) -> str:
        """A call with those attributes that are not the usual ones."""
        options = {key: getattr(self, key) for key in ("stride", "padding", "dilation", "groups")}
        usual = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        return call(function, *arguments, **changed(options, usual))

    def _biased(self, form: CodeForm, text: str) -> str:
        bias = form.names[2]
        return text if bias is None else f"{text} + per_channel({bias}, {form.names[0]})"

    def _bias_vjp(self, form: CodeForm) -> str | None:
        return None if form.names[2] is None else f"{form.cotangent}.sum(axis=(0, 2, 3))"

    def _layer(self, form: CodeForm, module: str, outside: Size, **more: Any) -> str:
        """A torch module with those attributes that are not the usual ones."""
        (_, channels, *_), (*_, height, width) = form.shapes[0] or (), form.shapes[1] or ()
        options = {key: getattr(self, key) for key in ("stride", "padding", "dilation", "groups")}
        usual = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        kernel = shown((height, width))
        given = {**changed(options, usual), **more, "bias": None if form.names[2] else False}
        return call(module, channels, outside, kernel, **given)


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
    onnx = "Conv"
    padding: windows.Padding = Field((0, 0), description=PADDING + ", or 'same'.")

    elsewhere = ("convolution", "conv", "convolution2d")
    words = windows.ALL_WORDS
    operands = _operands("filters channels/groups", FILTERS)
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

    def passage(
        self, position: int, tracked: Mapping[int, int], shapes: Sequence[Shape]
    ) -> Passage | None:
        """A window slides along height and width; images stay apart."""
        axis = tracked[position]
        known = axis > 1 and self.kernel is not None and self.padding != "same"
        if not known or self.stride[axis - 2] != 1:
            return super().passage(position, tracked, shapes)
        assert self.kernel is not None
        assert not isinstance(self.padding, str)
        before = self.padding[axis - 2]
        span = self.dilation[axis - 2] * (self.kernel[axis - 2] - 1)
        return Passage(axis, -before, span - before, False)

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Padding that makes room for a window, or "same"."""
        if key != "padding":
            return super().choices(key, chosen, shape)
        spans = (d * (k - 1) + 1 for d, k in zip(chosen["dilation"], chosen["kernel"], strict=True))
        return [*windows.paddings(shape[2:], spans), "same"]

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
            unfolding.correlate(one, weight[chosen, own : own + 1], (rows, columns), 1, part)
            spread[chosen, :, :, place] = part
        return spread

    def _onnx_padding(self, x: Shape, weight: Shape) -> dict[str, Any]:
        if self.padding != "same":
            return {"pads": [*self.padding, *self.padding]}
        slides = self._slides(cast(tuple[int, int], weight[2:]))
        # With a stride of 1, padding depends on no size.
        known = [
            size if isinstance(size, int) else 1 if stride == 1 else None
            for size, stride in zip(x[2:], self.stride, strict=True)
        ]
        if None in known:
            return {"auto_pad": "SAME_UPPER"}
        tracks = [slide.over(size) for slide, size in zip(slides, known, strict=True) if size]
        return {"pads": [*(each.before for each in tracks), *(each.after for each in tracks)]}

    def _slides(self, kernel: Sequence[int]) -> list[Slide]:
        padding = (None, None) if self.padding == "same" else self.padding
        return [*map(Slide, AXES, kernel, self.stride, self.dilation, padding)]

    def _result(self, size: Sequence[Size], kernel: tuple[int, int]) -> tuple[Size, Size]:
        down, across = self._slides(kernel)
        return down.count(size[0]), across.count(size[1])

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        down, across = self._slides(weight.shape[2:])
        return down.over(x.shape[2]), across.over(x.shape[3])

    def to_numpy(self, form: CodeForm) -> str:
        """``conv2d``, plus the bias."""
        x, weight, _ = form.names
        return self._biased(form, self._written(form, "conv2d", x, weight))

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """By the images and by the filters a function each."""
        (x, weight, _), g = form.names, form.cotangent
        return [
            self._written(form, "conv2d_by_x", g, f"{x}.shape", weight),
            self._written(form, "conv2d_by_weight", g, x, weight),
            self._bias_vjp(form),
        ]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.Conv2d``, which refuses "same" at a stride."""
        if self.padding == "same" and (self.stride != (1, 1) or self._uneven(form)):
            raise NotImplementedError("its padding, 'same', is another in torch")
        return self._layer(form, "nn.Conv2d", (form.shapes[1] or ())[0])

    def _uneven(self, form: CodeForm) -> bool:
        """Whether the padding of both sides differs."""
        spans = zip(self.dilation, (form.shapes[1] or ())[2:], strict=True)
        return any(d * (k - 1) % 2 for d, k in spans if isinstance(k, int))


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
    onnx = "ConvTranspose"
    padding: Amounts = Field(
        (0, 0), description="Rows cut off at top and bottom each, and columns on both sides."
    )
    output_padding: Amounts = Field(
        (0, 0), description="Rows added at the bottom of the result, and columns on its right."
    )

    transposed = True
    elsewhere = ("deconvolution", "deconv", "convtranspose", "conv2dtranspose")
    words = windows.WORDS
    operands = _operands("channels filters/groups", "in out ...")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"filters": 2, "kernel": 2}, [(2, 1, 2, 3)]),
        Case({"filters": 1, "kernel": [3, 2], "stride": 2, "padding": [1, 0]}, [(2, 2, 2, 2)]),
        Case({"filters": 4, "kernel": 2, "groups": 2, "stride": 3}, [(1, 2, 2, 2)]),
        Case(
            {"filters": 2, "kernel": 2, "stride": [2, 1], "output_padding": [1, 0]}, [(2, 1, 2, 2)]
        ),
        Case({"filters": 1, "kernel": 2, "dilation": [3, 2], "output_padding": 1}, [(2, 2, 2, 1)]),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Padding that leaves some of the result, and less than a step added."""
        steps = [chosen.get(each, (1, 1)) for each in ("stride", "dilation", "kernel")]
        axes = [*zip(shape[2:], *steps, strict=True)]
        if key == "padding":
            wholes = [(n - 1) * stride + step * (k - 1) for n, stride, step, k in axes]
            return windows.pairs(*(range(min(3, whole // 2 + 1)) for whole in wholes))
        if key == "output_padding":
            return windows.pairs(*(range(max(stride, step)) for _, stride, step, _ in axes))
        return super().choices(key, chosen, shape)

    @field_validator("output_padding")
    @classmethod
    def _check_added(cls, padding: tuple[int, int], info: ValidationInfo) -> tuple[int, int]:
        # A stride or dilation at fault is reported there, and missing here.
        steps = (info.data.get("stride", ()), info.data.get("dilation", ()))
        for amount, stride, dilation in zip(padding, *steps, strict=False):
            if amount >= max(stride, dilation):
                raise ValueError(
                    f"{amount} is below neither the stride, {stride}, nor the dilation, {dilation}"
                )
        return padding

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """ConvTranspose, and what is added to the result beyond the strides put there by Pad."""
        if all(map(int.__lt__, self.output_padding, self.stride)):
            return super().to_onnx(form, *operands)
        x, weight, bias = operands
        cut = [min(pair) for pair in zip(self.padding, self.output_padding, strict=True)]
        ends = [padding - less for padding, less in zip(self.padding, cut, strict=True)]
        added = [amount - less for amount, less in zip(self.output_padding, cut, strict=True)]
        y = form.add(
            "ConvTranspose",
            *(x, weight),
            strides=[*self.stride],
            dilations=[*self.dilation],
            group=self.groups,
            pads=[*self.padding, *ends],
        )
        y = form.add("Pad", y, [*(0,) * 6, *added])
        return y if bias is None else form.add("Add", y, form.add("Reshape", bias, [1, -1, 1, 1]))

    def _onnx_padding(self, x: Shape, weight: Shape) -> dict[str, Any]:
        return {
            "pads": [*self.padding, *self.padding],
            "output_padding": [*self.output_padding],
        }

    def _result(
        self,
        size: Sequence[Size],
        kernel: tuple[int, ...],
        error: type[ShapeError] | type[ArrayError] = ShapeError,
    ) -> tuple[Size, Size]:
        rows, columns = (self._length(axis, size[axis], kernel[axis], error) for axis in range(2))
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
        size, kernel = x.shape[2:], weight.shape[2:]
        length = cast(tuple[int, int], self._result(size, kernel, ArrayError))
        rows, columns = map(Track, length, kernel, self.stride, self.dilation, self.padding, size)
        return rows, columns

    def to_numpy(self, form: CodeForm) -> str:
        """As the cotangent of the images of ``conv2d``."""
        x, weight, _ = form.names
        batch = form.size(form.shape[0], 0)
        shape = f"({', '.join([batch, *map(str, form.shape[1:])])})"
        return self._biased(form, self._written(form, "conv2d_by_x", x, shape, weight))

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``conv2d`` with the cotangent as images."""
        (x, weight, _), g = form.names, form.cotangent
        by_x = self._written(form, "conv2d", g, weight)
        if any(more >= step for more, step in zip(self.output_padding, self.stride, strict=True)):
            by_x += f"[:, :, : {x}.shape[2], : {x}.shape[3]]"
        by_weight = self._written(form, "conv2d_by_weight", x, g, weight)
        return [by_x, by_weight, self._bias_vjp(form)]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.ConvTranspose2d``."""
        more = changed({"output_padding": self.output_padding}, {"output_padding": (0, 0)})
        return self._layer(form, "nn.ConvTranspose2d", form.shape[1], **more)


def _responses(x: Array, weight: Array, tracks: Tracks, back: bool) -> Array:
    """What each entry of a filter adds to a result when it moves by 1.

    Parameters
    ----------
    x : ndarray, shape (images, channels of a group, groups, height, width)
    weight : ndarray, shape (..., kernel height, kernel width)
    tracks : pair of Track
    back : bool
        Whether entries of `x` are put where windows read, as a transposed convolution does.

    Returns
    -------
    ndarray, shape (images, entries, groups, height and width of the result)
    """
    images, depth, groups = x.shape[:3]
    size = [track.size if back else track.count for track in tracks]
    read = np.zeros((images, depth, *weight.shape[2:], groups, *size), x.dtype)
    order = -1 if back else 1
    for i, down in enumerate(tracks[0].taps()):
        for j, across in enumerate(tracks[1].taps()):
            (rows, height), (columns, width) = down[::order], across[::order]
            read[:, :, i, j, :, rows, columns] = x[..., height, width]
    return read.reshape(images, -1, groups, *size)
