"""Pooling: one number for each window of a channel, of arrays [batch, channels, ...]."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from graphnn.ops._arrays import Array, Cotangents, Saved, misfit
from graphnn.ops._inference import Inferred
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, aliases
from graphnn.ops._passages import Passage, Tracked
from graphnn.ops.code import CodeForm, along, call, changed, shown
from graphnn.ops.families import _images
from graphnn.ops.families._images import Resized, finished, room
from graphnn.ops.kernels import windows
from graphnn.ops.kernels.pooling import first_maxima, maxima, maxima_back, pooled, sums_back
from graphnn.ops.kernels.unfolding import images_first, images_last
from graphnn.ops.kernels.windows import OpenAmounts, OpenCounts, Side, Slide, Tracks
from graphnn.spec.sizes import Shape, Size

_WINDOWS = ("kernel", "stride", "padding", "dilation")


class _Pool(Resized):
    """One number for every window of each channel."""

    planewise = True
    sided = ("padding",)
    also_called = aliases(kernel="size kernel_size pool_size window")

    kernel: OpenCounts = Field(description=_images.KERNEL + ".")
    stride: OpenCounts | None = Field(
        None, description=_images.STRIDE + "; left out, as the kernel."
    )
    padding: OpenAmounts = Field(0, description=_images.PADDING + ".")
    dilation: OpenCounts = Field(1, description=_images.DILATION)
    ceil_mode: bool = Field(
        False, description="Whether windows count that begin in the image and end beyond it."
    )

    words = windows.WORDS
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"kernel": 2}, [(2, 2, 4, 2)]),
        Case({"kernel": 2, "stride": 1}, [(2, 1, 4)]),
        Case({"kernel": [1, 2, 2]}, [(1, 1, 3, 4, 2)]),
        Case({"kernel": 2}, [(2, 1, 3, 5)]),
        Case({"kernel": [3, 2], "stride": 1}, [(2, 1, 4, 3)]),
        Case({"kernel": [2, 3], "stride": [2, 1], "padding": 1}, [(1, 2, 3, 2)]),
        Case({"kernel": 1, "stride": 2}, [(2, 1, 3, 4)]),
        Case({"kernel": [1, 3], "stride": 4, "padding": [0, 1]}, [(2, 1, 2, 6)]),
        Case({"kernel": 2, "ceil_mode": True}, [(2, 1, 3, 5)]),
        Case({"kernel": [3, 2], "padding": [1, 0, 0, 1]}, [(2, 1, 4, 3)]),
        Case({"kernel": 2, "dilation": 2, "stride": 1}, [(2, 1, 4)]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """A window slides along the axes after the channels; images and channels stay apart."""
        axis, rank = tracked.axis, len(tracked.shape) - 2
        if axis < 2 or self._steps(rank)[axis - 2] != 1:
            return super().passage(tracked)
        before, _ = self._sides(rank)[axis - 2]
        steps = self._along("dilation", rank)[axis - 2]
        span = (self._along("kernel", rank)[axis - 2] - 1) * steps
        return Passage(axis, -before, span - before, False)

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Small windows, padding of at most half of one that makes room, and dilation in it."""
        size = shape[2:]
        if key in ("kernel", "stride"):
            every = windows.pairs(*(range(1, 4) for _ in size))
            return [None, *every] if key == "stride" else every
        if key == "dilation":  # after the padding, as fields are in the class
            return _dilations(size, chosen)
        return _paddings(size, chosen["kernel"]) if key == "padding" else None

    @field_validator("padding")
    @classmethod
    def _check_padding(cls, padding: Any, info: ValidationInfo) -> Any:
        kernel = info.data.get("kernel", ())
        ends = padding if isinstance(padding, tuple) else (padding,)
        own = kernel if isinstance(kernel, tuple) else (kernel,)
        if len(own) > 1 and len(ends) == 2 * len(own):
            own = tuple(k for k in own for _ in range(2))
        count = max(len(own), len(ends))
        if {len(own), len(ends)} <= {1, count}:  # else the shape of `x` shows what is wrong
            every = zip((ends * count)[:count], (own * count)[:count], strict=True)
            for amount, k in every:
                if 2 * amount > k:
                    raise ValueError(f"{amount} is more than half of the kernel, {k}")
        return padding

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """The shape, and the attributes with a number for each axis.

        Raises
        ------
        ShapeError
            No window fits, or an attribute is for another number of axes.
        """
        found = super().infer(shapes, given)
        rank = len(shapes[0]) - 2
        own = {key: self._along(key, rank) for key in _WINDOWS if getattr(self, key) is not None}
        own["padding"] = windows.per_axis(own["padding"], rank, sided=True)
        return Inferred(found.result, found.parameters, own)

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """Channels as they are, and the other sizes by the windows.

        Raises
        ------
        ShapeError
            No window fits, or a dilated one would hold padding alone.
        """
        found = super().infer_shape(*shapes)
        rank = len(shapes[0]) - 2
        if found is not None and self._reads_all():
            steps = self._along("dilation", rank)
            if not _seen(self._sides(rank), steps, shapes[0][2:]):
                problem = "but windows so far dilated may hold padding alone"
                raise misfit("x", shapes[0], problem, "leave out the padding", "dilation")
        return found

    def _reads_all(self) -> bool:
        """Whether every window must read an entry, for one of padding alone has no value."""
        return True

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """MaxPool or AveragePool."""
        rank = len(form.shapes[operands[0]]) - 2
        around, dilation = self._sides(rank), self._along("dilation", rank)
        dilated = any(step > 1 for step in dilation)
        if dilated and form.opset < self._dilates_from:
            raise NotImplementedError(f"its windows are dilated before opset {self._dilates_from}")
        return form.add(
            self.onnx,
            *operands,
            kernel_shape=[*self._along("kernel", rank)],
            strides=[*self._steps(rank)],
            pads=[*(first for first, _ in around), *(last for _, last in around)],
            dilations=[*dilation] if dilated else None,
            ceil_mode=1 if self.ceil_mode else None,
            **self._onnx_more(),
        )

    _dilates_from: ClassVar[int] = 18

    def _onnx_more(self) -> dict[str, Any]:
        """Attributes of the operator of one of both."""
        return {}

    def _resized(self, size: list[Size]) -> tuple[Size, ...]:
        pairs = zip(self._slides(len(size)), size, strict=True)
        return tuple(slide.count(length) for slide, length in pairs)

    def _steps(self, rank: int) -> tuple[int, ...]:
        """Steps from one window to the next."""
        return self._along("kernel" if self.stride is None else "stride", rank)

    def _sides(self, rank: int) -> list[Side]:
        """Padding before and after each axis."""
        return windows.sides(self._along("padding", rank), rank)

    def _slides(self, rank: int) -> list[Slide]:
        return windows.slides(
            self._along("kernel", rank),
            self._steps(rank),
            self._along("dilation", rank),
            self._along("padding", rank),
            self.ceil_mode,
        )

    def _tracks(self, x: Array) -> Tracks:
        rank = x.ndim - 2
        steps = self._steps(rank), self._along("dilation", rank), self._along("padding", rank)
        return windows.tracks(self._along("kernel", rank), *steps, self.ceil_mode, x.shape[2:])

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return self._written(self.name, form, form.names[0])

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Likewise."""
        return [self._written(f"{self.name}_by_x", form, form.cotangent, form.names[0])]

    def _written(self, function: str, form: CodeForm, *arguments: str | None) -> str:
        rank = len(form.shape) - 2
        kernel, stride = shown(self._along("kernel", rank)), shown(self._steps(rank))
        return call(function, *arguments, kernel, stride, **self._options(rank))

    def _options(self, rank: int, *without: str) -> dict[str, Any]:
        """What a call says besides, by name, where that is not the usual."""
        options = {
            "padding": windows.per_axis(self._along("padding", rank), rank, sided=True),
            "dilation": self._along("dilation", rank),
            "ceil_mode": self.ceil_mode,
            **self._more(),
        }
        usual = {"padding": (0,) * rank, "dilation": (1,) * rank, "count_include_pad": True}
        kept = {key: value for key, value in options.items() if key not in without}
        return changed(kept, {"ceil_mode": False, **usual})

    def _more(self) -> dict[str, Any]:
        """What a call of one of both says besides."""
        return {}

    def _torch_call(self, form: CodeForm, function: str, fill: str) -> str:
        """A call of torch, which pads both sides alike."""
        rank, x = len(form.shape) - 2, str(form.names[0])
        options = self._options(rank)
        if self._pads_apart(form):
            ends = tuple(end for side in reversed(self._sides(rank)) for end in side)
            x = f"F.pad({x}, {ends}{fill})"
            options = self._options(rank, "padding")
        kernel, stride = self._along("kernel", rank), self._steps(rank)
        steps = None if stride == kernel else shown(stride)
        return call(f"F.{function}{rank}d", x, shown(kernel), steps, **options)

    def _pads_apart(self, form: CodeForm) -> bool:
        """Whether torch's own pools lack the padding: that of both sides differs."""
        return any(first != last for first, last in self._sides(len(form.shape) - 2))


def _dilations(size: Shape, chosen: Mapping[str, Any]) -> list[Any]:
    around = windows.sides(chosen["padding"], len(size))
    return [
        steps
        for steps in windows.pairs(*(range(1, 3) for _ in size))
        if _fits(size, around, _spans(chosen["kernel"], steps)) and _seen(around, steps, size)
    ]


def _paddings(size: Shape, kernel: Sequence[int]) -> list[Any]:
    even = [
        amounts
        for amounts in windows.paddings(size, kernel)
        if all(2 * n <= k for n, k in zip(amounts, kernel, strict=True))
    ]
    apart = [[_one_side(at, n) for at, n in enumerate(each)] for each in even if any(each)]
    fitting = [around for around in apart if _fits(size, around, kernel)]
    return [*even, *(tuple(end for side in around for end in side) for around in fitting)]


def _one_side(at: int, amount: int) -> Side:
    """Padding after the first axis, and before the others in turn."""
    return (amount, 0) if at % 2 else (0, amount)


def _spans(kernel: Sequence[int], steps: Sequence[int]) -> list[int]:
    """Entries from the first of a window to its last, along each axis."""
    return [step * (number - 1) + 1 for step, number in zip(steps, kernel, strict=True)]


def _fits(size: Shape, around: Sequence[Side], spans: Sequence[int]) -> bool:
    """Whether an image with padding has room for a window."""
    return all(
        not isinstance(length, int) or length + sum(side) >= span
        for length, side, span in zip(size, around, spans, strict=True)
    )


def _seen(around: Sequence[Side], steps: Sequence[int], size: Shape) -> bool:
    """Whether no window falls between the padding and the next entry of a dilated one."""
    return all(
        not side[0] or step == 1 or (isinstance(length, int) and length >= step)
        for side, step, length in zip(around, steps, size, strict=True)
    )


class MaxPool(_Pool):
    """Largest entry of every window of each channel of a sequence, an image or a volume.

    A result has ``(size + padding - dilation (kernel - 1) - 1) // stride + 1`` entries along each
    axis, for the padding on both sides; with `ceil_mode`, the quotient is rounded up. Padding never
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
        """Maxima of the windows of `x` ``[batch, channels, ...]``."""
        tracks = self._tracks(x)
        y = room(out, (x.shape[1], *(track.count for track in tracks), len(x)), x.dtype)
        if saved is None:
            pooled(images_last(x), tracks, np.maximum, -np.inf, y)
        else:
            saved["winners"] = maxima(images_last(x), tracks, y)
        return finished(y, None, out)

    def vjp(
        self, cotangent: Array, output: Array, x: Array, *, saved: Saved | None = None
    ) -> Cotangents:
        """The cotangent of every window for its largest entry."""
        if not saved:
            saved = {}
            self.forward(x, saved=saved)
        winners = saved["winners"]
        return (images_first(maxima_back(images_last(cotangent), winners, self._tracks(x))),)

    def to_torch(self, form: CodeForm) -> str:
        """``F.max_pool2d`` and its like."""
        if self.ceil_mode and self._pads_apart(form):
            raise NotImplementedError("its padding is of one side, and sizes are rounded up")
        return self._torch_call(form, "max_pool", ", value=-torch.inf")

    def branch(self, x: Array) -> Array:
        """Which entry of its window each maximum is, the first of those equal but for rounding."""
        return images_first(first_maxima(images_last(x), self._tracks(x)))


class AveragePool(_Pool):
    """Mean of every window of each channel, the zeros of its padding included or left out.

    A result has ``(size + padding - dilation (kernel - 1) - 1) // stride + 1`` entries along each
    axis, for the padding on both sides; with `ceil_mode`, the quotient is rounded up. What a window
    reads beyond the padding is never part of its mean.

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
    _dilates_from = 19

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Means of the windows of `x` ``[batch, channels, ...]``."""
        tracks = self._tracks(x)
        y = room(out, (x.shape[1], *(track.count for track in tracks), len(x)), x.dtype)
        pooled(images_last(x), tracks, np.add, 0.0, y)
        y /= self._counts(tracks, x.dtype)
        return finished(y, None, out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """An even share of the cotangent of every window for each of its entries."""
        tracks = self._tracks(x)
        share = images_last(cotangent) / self._counts(tracks, cotangent.dtype)
        return (images_first(sums_back(share, tracks)),)

    def _counts(self, tracks: Tracks, dtype: Any) -> Any:
        """Entries of which each window has the mean: a number, or an array over the windows."""
        around = self._sides(len(tracks))
        counted = [
            track.entries(*(side if self.count_include_pad else (0, 0)))
            for track, side in zip(tracks, around, strict=True)
        ]
        whole = math.prod(track.kernel for track in tracks)
        counts = reduce(np.multiply.outer, counted)[..., None]
        return whole if (counts == whole).all() else counts.astype(dtype)

    def _reads_all(self) -> bool:
        return not self.count_include_pad

    def _pads_apart(self, form: CodeForm) -> bool:
        """Likewise, or a volume is smaller than a window, which ``F.avg_pool3d`` refuses."""
        rank, size = len(form.shape) - 2, (form.shapes[0] or ())[2:]
        pairs = zip(size, self._along("kernel", rank), strict=True)
        small = rank == 3 and any(isinstance(n, int) and n < kernel for n, kernel in pairs)
        return small or super()._pads_apart(form)

    def _more(self) -> dict[str, Any]:
        return {"count_include_pad": self.count_include_pad}

    def _onnx_more(self) -> dict[str, Any]:
        return {"count_include_pad": 1 if self.count_include_pad else None}

    def to_torch(self, form: CodeForm) -> str:
        """``F.avg_pool2d`` and its like."""
        if self._pads_apart(form) and (self.ceil_mode or not self.count_include_pad):
            raise NotImplementedError("its padding is of one side, and not part of the mean")
        if any(step > 1 for step in self._along("dilation", len(form.shape) - 2)):
            raise NotImplementedError("its windows are dilated, which torch has for maxima alone")
        return self._torch_call(form, "avg_pool", "")


class GlobalAveragePool(_images.Images):
    """Mean of each channel of a sequence, an image or a volume, ``[batch, channels]``.

    References
    ----------
    M. Lin, Q. Chen and S. Yan, Network in network, ICLR 2014, section 3.2.
    """

    op: Literal["global_average_pool"] = "global_average_pool"

    elsewhere = ("globalavgpool", "globalaveragepooling")
    within_inputs = True
    result = "batch channels"
    planewise = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(2, 1, 2, 2)]),
        Case({}, [(2, 2, 3)]),
        Case({}, [(1, 2, 2, 1, 2)]),
    )

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Mean of each channel of `x` ``[batch, channels, ...]``."""
        means: Array = np.mean(x, axis=tuple(range(2, x.ndim)), out=out)
        return means

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """GlobalAveragePool without the axes of size 1 that it leaves."""
        return form.flat(form.add("GlobalAveragePool", *operands))

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """An even share of the cotangent for each entry of the channel."""
        share = cotangent / math.prod(x.shape[2:])
        return (np.broadcast_to(share.reshape(*share.shape, *(1,) * (x.ndim - 2)), x.shape),)

    def to_numpy(self, form: CodeForm) -> str:
        """The mean along all axes but the first two."""
        return f"{form.names[0]}.mean(axis={along(self._axes(form))})"

    def to_torch(self, form: CodeForm) -> str:
        """Likewise."""
        return f"{form.names[0]}.mean(dim={along(self._axes(form))})"

    @staticmethod
    def _axes(form: CodeForm) -> range:
        return range(2, len(form.shapes[0] or ()))

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """An even share of the cotangent for each entry of the channel."""
        axes = self._axes(form)
        share = f"{{g}}[:, :, {', '.join('None' for _ in axes)}] / {form.count(axes)}"
        return [form.fill(f"np.broadcast_to({share}, {{x}}.shape)", self)]
