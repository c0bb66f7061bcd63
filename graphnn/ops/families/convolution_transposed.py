"""Transposed convolution of 1, 2 and 3 axes: what a convolution does to cotangents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from graphnn.ops._arrays import Array, ArrayError, ShapeError
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case
from graphnn.ops.code import CodeForm
from graphnn.ops.families._filters import Filters, operands_of, result_of
from graphnn.ops.kernels import windows
from graphnn.ops.kernels.windows import Amounts, Track, Tracks
from graphnn.spec.sizes import Shape, Size

_CHANNELS, _LAYOUT = "channels filters/groups", "in out ..."


class Transposed(Filters):
    """Entries times filters, put where windows read, for any number of axes."""

    onnx = "ConvTranspose"
    padding: Amounts = Field(
        0,
        description="Entries cut off before and after each axis of the result, one number for both "
        "or two.",
        validate_default=True,
    )
    output_padding: Amounts = Field(
        0, description="Entries added after each axis of the result.", validate_default=True
    )

    transposed = True
    words = windows.WORDS

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Padding that leaves some of the result, and less than a step added."""
        steps = [chosen.get(each, (1,) * cls.rank) for each in ("stride", "dilation", "kernel")]
        axes = [*zip(shape[2:], *steps, strict=True)]
        if key == "padding":
            wholes = [(n - 1) * stride + step * (k - 1) for n, stride, step, k in axes]
            even = windows.pairs(*(range(min(3, whole // 2 + 1)) for whole in wholes))
            return [*even, tuple(end for whole in wholes for end in (0, min(2, whole)))]
        if key == "output_padding":
            return windows.pairs(*(range(max(stride, step)) for _, stride, step, _ in axes))
        return super().choices(key, chosen, shape)

    @field_validator("output_padding", mode="before")
    @classmethod
    def _added_per_axis(cls, value: Any) -> Any:
        return windows.per_axis(value, cls.rank)

    @field_validator("output_padding")
    @classmethod
    def _check_added(cls, padding: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
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
        around = windows.sides(self.padding, self.rank)
        cut = [min(last, more) for (_, last), more in zip(around, self.output_padding, strict=True)]
        ends = [last - less for (_, last), less in zip(around, cut, strict=True)]
        added = [more - less for more, less in zip(self.output_padding, cut, strict=True)]
        y = form.add(
            "ConvTranspose",
            *(x, weight),
            strides=[*self.stride],
            dilations=[*self.dilation],
            group=self.groups,
            pads=[*(first for first, _ in around), *ends],
        )
        y = form.add("Pad", y, [*(0,) * (self.rank + 4), *added])
        if bias is None:
            return y
        return form.add("Add", y, form.add("Reshape", bias, [1, -1, *(1,) * self.rank]))

    def _onnx_padding(self, x: Shape, weight: Shape) -> dict[str, Any]:
        around = windows.sides(self.padding, self.rank)
        return {
            "pads": [*(first for first, _ in around), *(last for _, last in around)],
            "output_padding": [*self.output_padding],
        }

    def _result(
        self,
        size: Sequence[Size],
        kernel: Sequence[Size],
        error: type[ShapeError] | type[ArrayError] = ShapeError,
    ) -> tuple[Size, ...]:
        return tuple(
            self._length(axis, each, error)
            for axis, each in enumerate(zip(size, kernel, strict=True))
        )

    def _length(
        self, axis: int, own: tuple[Size, Any], error: type[ShapeError] | type[ArrayError]
    ) -> Size:
        """Size of the result along an axis, of what has this size there, and the kernel."""
        (size, kernel), stride = own, self.stride[axis]
        first, last = windows.sides(self.padding, self.rank)[axis]
        span = self.dilation[axis] * (kernel - 1) + 1 + self.output_padding[axis]
        length: Size = (size - 1) * stride + span - first - last
        if isinstance(length, int) and length < 1:
            cut = f"2*{first}" if first == last else f"({first} + {last})"
            raise error(
                f"'x' has {windows.axes(self.rank)[axis]} {size}, "
                f"so the result would have {length}",
                "x",
                f"({size} - 1)*{stride} - {cut} + {span} = {length}",
            )
        return length

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        size, kernel = x.shape[2:], weight.shape[2:]
        lengths: tuple[Any, ...] = self._result(size, kernel, ArrayError)
        firsts = [first for first, _ in windows.sides(self.padding, self.rank)]
        return (*map(Track, lengths, kernel, self.stride, self.dilation, firsts, size),)

    def to_numpy(self, form: CodeForm) -> str:
        """As the cotangent of the images of ``convolution``."""
        x, weight, _ = form.names
        shape = f"({', '.join(form.size(size, 0) for size in form.shape)})"
        return self._biased(form, self._written("convolution_by_x", x, shape, weight))

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``convolution`` with the cotangent as images."""
        (x, weight, _), g = form.names, form.cotangent
        by_x = self._written("convolution", g, weight)
        if any(more >= step for more, step in zip(self.output_padding, self.stride, strict=True)):
            kept = "".join(f", : {x}.shape[{axis}]" for axis in range(2, self.rank + 2))
            by_x += f"[:, :{kept}]"
        by_weight = self._written("convolution_by_weight", x, g, weight)
        return [by_x, by_weight, self._bias_vjp(form)]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.ConvTranspose2d`` and its like."""
        if len(self.padding) > self.rank:
            raise NotImplementedError("what it cuts off both sides differs")
        more = self.output_padding if any(self.output_padding) else None
        options = {**self._options(), "output_padding": more}
        return self._layer(form, "ConvTranspose", form.shape[1], **options)


class ConvTranspose1d(Transposed):
    """Transposed convolution along one axis: the backward pass of `conv1d` by its input.

    Every entry of `x` adds its filter, times the entry, to a window of the result, which has
    ``(length - 1) stride - padding + dilation (kernel - 1) + 1 + output_padding`` entries, for the
    padding on both sides.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationships 8 to 14.
    """

    op: Literal["conv_transpose1d"] = "conv_transpose1d"
    rank = 1
    operands = operands_of(1, _CHANNELS, _LAYOUT)
    result = result_of(1)
    elsewhere = ("deconvolution1d", "deconv1d", "conv1dtranspose")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"filters": 2, "kernel": 2}, [(2, 1, 3)]),
        Case({"filters": 1, "kernel": 3, "stride": 2, "padding": 1}, [(2, 2, 3)]),
        Case({"filters": 2, "kernel": 2, "groups": 2, "stride": 3}, [(1, 2, 2)]),
        Case({"filters": 1, "kernel": 2, "stride": 3, "output_padding": 2}, [(1, 1, 2)]),
        Case({"filters": 1, "kernel": 2, "dilation": 2, "padding": [0, 2]}, [(2, 2, 3)]),
    )


class ConvTranspose2d(Transposed):
    """Transposed convolution: the backward pass of `conv2d` by its input.

    Every entry of `x` adds its filter, times the entry, to a window of the result, which has
    ``(size - 1) stride - padding + dilation (kernel - 1) + 1 + output_padding`` entries along each
    axis, for the padding on both sides.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationships 8 to 14.
    """

    op: Literal["conv_transpose2d"] = "conv_transpose2d"
    rank = 2
    operands = operands_of(2, _CHANNELS, _LAYOUT)
    result = result_of(2)
    elsewhere = ("deconvolution", "deconv", "convtranspose", "conv2dtranspose")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"filters": 2, "kernel": 2}, [(2, 1, 2, 3)]),
        Case({"filters": 1, "kernel": [3, 2], "stride": 2, "padding": [1, 0]}, [(2, 2, 2, 2)]),
        Case({"filters": 4, "kernel": 2, "groups": 2, "stride": 3}, [(1, 2, 2, 2)]),
        Case(
            {"filters": 2, "kernel": 2, "stride": [2, 1], "output_padding": [1, 0]}, [(2, 1, 2, 2)]
        ),
        Case({"filters": 2, "kernel": 2, "dilation": [3, 2], "output_padding": 1}, [(2, 2, 2, 1)]),
    )


class ConvTranspose3d(Transposed):
    """Transposed convolution along three axes: the backward pass of `conv3d` by its input.

    Every entry of `x` adds its filter, times the entry, to a window of the result, which has
    ``(size - 1) stride - padding + dilation (kernel - 1) + 1 + output_padding`` entries along each
    axis, for the padding on both sides.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationships 8 to 14.
    """

    op: Literal["conv_transpose3d"] = "conv_transpose3d"
    rank = 3
    operands = operands_of(3, _CHANNELS, _LAYOUT)
    result = result_of(3)
    elsewhere = ("deconvolution3d", "deconv3d", "conv3dtranspose")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"filters": 2, "kernel": 2}, [(2, 1, 1, 2, 2)]),
        Case({"filters": 1, "kernel": [1, 2, 3], "stride": [1, 2, 1]}, [(1, 2, 2, 2, 1)]),
        Case({"filters": 2, "kernel": 2, "groups": 2, "padding": [1, 0, 1]}, [(1, 2, 2, 1, 2)]),
    )
