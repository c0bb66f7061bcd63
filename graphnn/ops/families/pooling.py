"""Pooling: one number for each window of a channel of images [batch, channels, height, width]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from graphnn.ops._arrays import Array, Cotangents, Saved
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, aliases
from graphnn.ops.code import CodeForm, call, changed, shown
from graphnn.ops.families import _images
from graphnn.ops.families._images import AXES, Resized, finished, room
from graphnn.ops.kernels.pooling import maxima, maxima_back, pooled, sums_back
from graphnn.ops.kernels.unfolding import images_first, images_last
from graphnn.ops.kernels.windows import WORDS, Amounts, Counts, Slide, Tracks, paddings
from graphnn.spec.sizes import Shape, Size


class _Pool(Resized):
    """One number for every window of each channel."""

    planewise = True
    also_called = aliases(kernel="size kernel_size pool_size window")

    kernel: Counts = Field(description=_images.KERNEL + ".")
    stride: Counts | None = Field(None, description=_images.STRIDE + "; left out, as the kernel.")
    padding: Amounts = Field((0, 0), description=_images.PADDING + ".")

    words = WORDS
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"kernel": 2}, [(2, 2, 4, 2)]),
        Case({"kernel": 2}, [(2, 1, 3, 5)]),
        Case({"kernel": [3, 2], "stride": 1}, [(2, 1, 4, 3)]),
        Case({"kernel": [2, 3], "stride": [2, 1], "padding": 1}, [(1, 2, 3, 2)]),
        Case({"kernel": 1, "stride": 2}, [(2, 1, 3, 4)]),
        Case({"kernel": [1, 3], "stride": 4, "padding": [0, 1]}, [(2, 1, 2, 6)]),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Padding of at most half a window that makes room for it."""
        if key != "padding":
            return None
        kernel = chosen["kernel"]
        fits = paddings(shape[2:], kernel)
        return [pair for pair in fits if all(2 * p <= k for p, k in zip(pair, kernel, strict=True))]

    @field_validator("padding")
    @classmethod
    def _check_padding(cls, padding: tuple[int, int], info: ValidationInfo) -> tuple[int, int]:
        for amount, kernel in zip(padding, info.data.get("kernel", ()), strict=False):
            if 2 * amount > kernel:
                raise ValueError(f"{amount} is more than half of the kernel, {kernel}")
        return padding

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """MaxPool or AveragePool."""
        return form.add(
            self.onnx,
            *operands,
            kernel_shape=[*self.kernel],
            strides=[*(self.stride or self.kernel)],
            pads=[*self.padding, *self.padding],
            count_include_pad=1 if self.onnx == "AveragePool" else None,
        )

    def _resized(self, height: Size, width: Size) -> tuple[Size, Size]:
        down, across = self._slides()
        return down.count(height), across.count(width)

    def _slides(self) -> list[Slide]:
        stride = self.kernel if self.stride is None else self.stride
        return [*map(Slide, AXES, self.kernel, stride, (1, 1), self.padding)]

    def _tracks(self, x: Array) -> Tracks:
        down, across = self._slides()
        return down.over(x.shape[2]), across.over(x.shape[3])

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return self._written(self.name, form.names[0])

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Likewise."""
        return [self._written(f"{self.name}_by_x", form.cotangent, form.names[0])]

    def to_torch(self, form: CodeForm) -> str:
        """``F.max_pool2d`` or ``F.avg_pool2d``."""
        function = "F.max_pool2d" if self.name == "max_pool" else "F.avg_pool2d"
        stride = None if self.stride in (None, self.kernel) else shown(self.stride)
        padding = changed({"padding": self.padding}, {"padding": (0, 0)})
        return call(function, form.names[0], shown(self.kernel), stride, **padding)

    def _written(self, function: str, *arguments: str | None) -> str:
        padding = changed({"padding": self.padding}, {"padding": (0, 0)})
        stride = self.stride or self.kernel
        return call(function, *arguments, kernel=self.kernel, stride=stride, **padding)


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
    onnx = "MaxPool"

    elsewhere = ("maxpooling",)
    within_inputs = True

    def forward(self, x: Array, *, out: Array | None = None, saved: Saved | None = None) -> Array:
        """Maxima of the windows of `x` ``[batch, channels, height, width]``."""
        rows, columns = self._tracks(x)
        y = room(out, (x.shape[1], rows.count, columns.count, len(x)), x.dtype)
        if saved is None:
            pooled(images_last(x), (rows, columns), np.maximum, -np.inf, y)
        else:
            saved["winners"] = maxima(images_last(x), rows, columns, y)
        return finished(y, None, out)

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
    onnx = "AveragePool"

    elsewhere = ("avgpool", "averagepooling", "avgpooling")
    within_inputs = True

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Means of the windows of `x` ``[batch, channels, height, width]``."""
        rows, columns = self._tracks(x)
        y = room(out, (x.shape[1], rows.count, columns.count, len(x)), x.dtype)
        pooled(images_last(x), (rows, columns), np.add, 0.0, y)
        y /= self.kernel[0] * self.kernel[1]
        return finished(y, None, out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """An even share of the cotangent of every window for each of its entries."""
        share = images_last(cotangent) / (self.kernel[0] * self.kernel[1])
        return (images_first(sums_back(share, self._tracks(x))),)


class GlobalAveragePool(_images.Images):
    """Mean of each channel, ``[batch, channels]``.

    References
    ----------
    M. Lin, Q. Chen and S. Yan, Network in network, ICLR 2014, section 3.2.
    """

    op: Literal["global_average_pool"] = "global_average_pool"

    elsewhere = ("globalavgpool", "globalaveragepooling")
    within_inputs = True
    result = "batch channels"
    planewise = True

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Mean of each channel of `x` ``[batch, channels, height, width]``."""
        means: Array = np.mean(x, axis=(2, 3), out=out)
        return means

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """GlobalAveragePool without the axes of size 1 that it leaves."""
        return form.flat(form.add("GlobalAveragePool", *operands))

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """An even share of the cotangent for each entry of the channel."""
        share = cotangent / (x.shape[2] * x.shape[3])
        return (np.broadcast_to(share[:, :, None, None], x.shape),)

    numpy = "{x}.mean(axis=(2, 3))"
    torch = "{x}.mean(dim=(2, 3))"

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """An even share of the cotangent for each entry of the channel."""
        share = f"{{g}}[:, :, None, None] / {form.count((2, 3))}"
        return [form.fill(f"np.broadcast_to({share}, {{x}}.shape)", self)]
