"""Pooling: one number for each window of a channel of images [batch, channels, height, width]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from graphnn.ops._arrays import Array, Cotangents, Saved, misfit
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, aliases
from graphnn.ops._passages import Passage
from graphnn.ops.code import CodeForm, call, changed, shown
from graphnn.ops.families import _images
from graphnn.ops.families._images import AXES, Resized, finished, room
from graphnn.ops.kernels.pooling import first_maxima, maxima, maxima_back, pooled, sums_back
from graphnn.ops.kernels.unfolding import images_first, images_last
from graphnn.ops.kernels.windows import WORDS, Counts, Sides, Slide, Tracks, paddings, pairs
from graphnn.spec.sizes import Shape, Size


class _Pool(Resized):
    """One number for every window of each channel."""

    planewise = True
    also_called = aliases(kernel="size kernel_size pool_size window")

    kernel: Counts = Field(description=_images.KERNEL + ".")
    stride: Counts | None = Field(None, description=_images.STRIDE + "; left out, as the kernel.")
    padding: Sides = Field(
        (0, 0, 0, 0),
        description=_images.PADDING + "; of four numbers, at top, bottom, left and right.",
    )
    ceil_mode: bool = Field(
        False, description="Whether windows count that begin in the image and end beyond it."
    )

    words = WORDS
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"kernel": 2}, [(2, 2, 4, 2)]),
        Case({"kernel": 2}, [(2, 1, 3, 5)]),
        Case({"kernel": [3, 2], "stride": 1}, [(2, 1, 4, 3)]),
        Case({"kernel": [2, 3], "stride": [2, 1], "padding": 1}, [(1, 2, 3, 2)]),
        Case({"kernel": 1, "stride": 2}, [(2, 1, 3, 4)]),
        Case({"kernel": [1, 3], "stride": 4, "padding": [0, 1]}, [(2, 1, 2, 6)]),
        Case({"kernel": 2, "ceil_mode": True}, [(2, 1, 3, 5)]),
        Case({"kernel": [3, 2], "padding": [1, 0, 0, 1]}, [(2, 1, 4, 3)]),
    )

    def passage(
        self, position: int, tracked: Mapping[int, int], shapes: Sequence[Shape]
    ) -> Passage | None:
        """A window slides along height and width; images and channels stay apart."""
        axis = tracked[position]
        if axis < 2 or (self.stride or self.kernel)[axis - 2] != 1:
            return super().passage(position, tracked, shapes)
        before = self.padding[2 * (axis - 2)]
        steps = getattr(self, "dilation", (1, 1))[axis - 2]
        return Passage(axis, -before, (self.kernel[axis - 2] - 1) * steps - before, False)

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Padding of at most half a window that makes room for it; dilation that it leaves room."""
        if key == "dilation":  # after the padding, as fields are in the class
            sides = chosen["padding"]
            return [
                steps
                for steps in pairs(range(1, 3), range(1, 3))
                if _fits(shape, sides, _spans(chosen["kernel"], steps))
                and _seen(sides[::2], steps, shape)
            ]
        if key != "padding":
            return None
        kernel = chosen["kernel"]
        even = [
            (h, h, w, w)
            for h, w in paddings(shape[2:], kernel)
            if 2 * h <= kernel[0] and 2 * w <= kernel[1]
        ]
        uneven = [
            (0, h, w, 0) for h, _, w, _ in even if (h or w) and _fits(shape, (0, h, w, 0), kernel)
        ]
        return [*even, *uneven]

    @field_validator("padding")
    @classmethod
    def _check_padding(
        cls, padding: tuple[int, int, int, int], info: ValidationInfo
    ) -> tuple[int, int, int, int]:
        kernel = info.data.get("kernel", ())
        for number, amount in enumerate(padding if kernel else ()):
            if 2 * amount > kernel[number // 2]:
                raise ValueError(f"{amount} is more than half of the kernel, {kernel[number // 2]}")
        return padding

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """MaxPool or AveragePool."""
        top, bottom, left, right = self.padding
        return form.add(
            self.onnx,
            *operands,
            kernel_shape=[*self.kernel],
            strides=[*(self.stride or self.kernel)],
            pads=[top, left, bottom, right],
            ceil_mode=1 if self.ceil_mode else None,
            **self._onnx_more(),
        )

    def _onnx_more(self) -> dict[str, Any]:
        """Attributes of the operator of one of both."""
        return {}

    def _resized(self, height: Size, width: Size) -> tuple[Size, Size]:
        down, across = self._slides()
        return down.count(height), across.count(width)

    def _steps(self) -> tuple[int, int]:
        """Steps from one entry of a window to the next."""
        return 1, 1

    def _slides(self) -> list[Slide]:
        top, bottom, left, right = self.padding
        ceil = (self.ceil_mode,) * 2
        sides = (top, left), (bottom, right), ceil
        return [*map(Slide, AXES, self.kernel, self.stride or self.kernel, self._steps(), *sides)]

    def _tracks(self, x: Array) -> Tracks:
        down, across = self._slides()
        return down.over(x.shape[2]), across.over(x.shape[3])

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return self._written(self.name, form.names[0])

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Likewise."""
        return [self._written(f"{self.name}_by_x", form.cotangent, form.names[0])]

    def _written(self, function: str, *arguments: str | None) -> str:
        options = {**self._options(), "padding": self._shown_padding()}
        given = changed(options, {**dict.fromkeys(options), **_USUAL})
        stride = self.stride or self.kernel
        return call(function, *arguments, kernel=self.kernel, stride=stride, **given)

    def _options(self) -> dict[str, Any]:
        """What a call says besides, by name."""
        return {"ceil_mode": self.ceil_mode}

    def _shown_padding(self) -> tuple[int, ...]:
        """Two numbers for the same padding on both sides, else four."""
        top, bottom, left, right = self.padding
        return (top, left) if (top, left) == (bottom, right) else self.padding

    def _torch_call(self, function: str, x: str | None, fill: str) -> str:
        """A call of torch, which pads both sides alike."""
        padding = self._shown_padding()
        if len(padding) == 4:
            top, bottom, left, right = self.padding
            x = f"F.pad({x}, ({left}, {right}, {top}, {bottom}){fill})"
            padding = (0, 0)
        options = {**self._options(), "padding": padding}
        stride = None if self.stride in (None, self.kernel) else shown(self.stride)
        given = changed(options, {**dict.fromkeys(options), **_USUAL})
        return call(function, x, shown(self.kernel), stride, **given)


_USUAL = {"padding": (0, 0), "ceil_mode": False, "dilation": (1, 1), "count_include_pad": True}


def _spans(kernel: Sequence[int], steps: Sequence[int]) -> list[int]:
    """Entries from the first of a window to its last, down and across."""
    return [step * (number - 1) + 1 for step, number in zip(steps, kernel, strict=True)]


def _fits(shape: Shape, sides: Sequence[int], spans: Sequence[int]) -> bool:
    """Whether an image with padding on its four sides has room for a window."""
    around = sides[0] + sides[1], sides[2] + sides[3]
    return all(
        not isinstance(size, int) or size + amount >= span
        for size, amount, span in zip(shape[2:], around, spans, strict=True)
    )


def _seen(padding: Sequence[int], steps: Sequence[int], shape: Shape) -> bool:
    """Whether no window falls between the padding and the next entry of a dilated one."""
    return all(
        not amount or step == 1 or (isinstance(size, int) and size >= step)
        for amount, step, size in zip(padding, steps, shape[2:], strict=True)
    )


class MaxPool(_Pool):
    """Largest entry of every window of each channel.

    A result has ``(size + padding - dilation (kernel - 1) - 1) // stride + 1`` rows and columns,
    for the padding on both sides; with `ceil_mode`, the quotient is rounded up. Padding never
    wins. Of several largest entries the first takes the cotangent, row by row.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationship 7.
    """

    op: Literal["max_pool"] = "max_pool"
    dilation: Counts = Field((1, 1), description=_images.DILATION)
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
        if not saved:
            saved = {}
            self.forward(x, saved=saved)
        winners = saved["winners"]
        return (images_first(maxima_back(images_last(cotangent), winners, *self._tracks(x))),)

    def _steps(self) -> tuple[int, int]:
        return self.dilation

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "dilation": self.dilation}

    def _onnx_more(self) -> dict[str, Any]:
        return {"dilations": [*self.dilation] if self.dilation != (1, 1) else None}

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """Channels as they are, and height and width by the windows.

        Raises
        ------
        ShapeError
            A dilated window would hold padding alone.
        """
        if len(shapes[0]) == 4 and not _seen(self.padding[::2], self.dilation, shapes[0]):
            problem = "but windows so far dilated may hold padding alone"
            raise misfit("x", shapes[0], problem, "leave out the padding", "dilation")
        return super().infer_shape(*shapes)

    def to_torch(self, form: CodeForm) -> str:
        """``F.max_pool2d``."""
        if len(self._shown_padding()) == 4 and self.ceil_mode:
            raise NotImplementedError("its padding is of one side, and sizes are rounded up")
        return self._torch_call("F.max_pool2d", form.names[0], ", value=-torch.inf")

    def branch(self, x: Array) -> Array:
        """Which entry of its window each maximum is, the first of those equal but for rounding."""
        return images_first(first_maxima(images_last(x), *self._tracks(x)))


class AveragePool(_Pool):
    """Mean of every window of each channel, the zeros of its padding included or left out.

    A result has ``(size + padding - kernel) // stride + 1`` rows and columns, for the padding on
    both sides; with `ceil_mode`, the quotient is rounded up. What a window reads beyond the padding
    is never part of its mean.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationship 7.
    """

    op: Literal["average_pool"] = "average_pool"
    count_include_pad: bool = Field(
        True, description="Whether the zeros of the padding are part of the mean."
    )
    onnx = "AveragePool"

    elsewhere = ("avgpool", "averagepooling", "avgpooling")
    within_inputs = True

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Means of the windows of `x` ``[batch, channels, height, width]``."""
        rows, columns = self._tracks(x)
        y = room(out, (x.shape[1], rows.count, columns.count, len(x)), x.dtype)
        pooled(images_last(x), (rows, columns), np.add, 0.0, y)
        y /= self._counts((rows, columns), x.dtype)
        return finished(y, None, out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """An even share of the cotangent of every window for each of its entries."""
        tracks = self._tracks(x)
        share = images_last(cotangent) / self._counts(tracks, cotangent.dtype)
        return (images_first(sums_back(share, tracks)),)

    def _counts(self, tracks: Tracks, dtype: Any) -> Any:
        """Entries of which each window has the mean: a number, or an array [rows, columns, 1]."""
        sides = self.padding[:2], self.padding[2:]
        down, across = (
            track.entries(*(side if self.count_include_pad else (0, 0)))
            for track, side in zip(tracks, sides, strict=True)
        )
        whole = self.kernel[0] * self.kernel[1]
        counts = np.multiply.outer(down, across)[:, :, None]
        return whole if (counts == whole).all() else counts.astype(dtype)

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "count_include_pad": self.count_include_pad}

    def _onnx_more(self) -> dict[str, Any]:
        return {"count_include_pad": 1 if self.count_include_pad else None}

    def to_torch(self, form: CodeForm) -> str:
        """``F.avg_pool2d``."""
        if len(self._shown_padding()) == 4 and (self.ceil_mode or not self.count_include_pad):
            raise NotImplementedError("its padding is of one side, and not part of the mean")
        return self._torch_call("F.avg_pool2d", form.names[0], "")


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
