"""Convolution: filters that slide along sequences, images and volumes [batch, channels, ...]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array
from graphnn.ops._op import Case
from graphnn.ops._passages import Passage, Tracked
from graphnn.ops.code import CodeForm
from graphnn.ops.families._filters import Filters, operands_of, result_of
from graphnn.ops.families._images import PADDING
from graphnn.ops.initializers import FILTERS
from graphnn.ops.kernels import unfolding, windows
from graphnn.ops.kernels.windows import Side, Slide, Tracks
from graphnn.spec.sizes import Shape, Size

_CHANNELS = "filters channels/groups"


class Convolution(Filters):
    """Filters times windows, for any number of axes."""

    onnx = "Conv"
    padding: windows.Padding = Field(0, description=PADDING + "; or 'same'.", validate_default=True)

    words = windows.ALL_WORDS

    def passage(self, tracked: Tracked) -> Passage | None:
        """A window slides along the axes after the channels; images stay apart."""
        axis = tracked.axis
        known = axis > 1 and self.kernel is not None and self.padding != "same"
        if not known or self.stride[axis - 2] != 1:
            return super().passage(tracked)
        assert self.kernel is not None
        assert not isinstance(self.padding, str)
        before, _ = windows.sides(self.padding, self.rank)[axis - 2]
        span = self.dilation[axis - 2] * (self.kernel[axis - 2] - 1)
        return Passage(axis, -before, span - before, False)

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Padding that makes room for a window, on one side too, or "same"."""
        if key != "padding":
            return super().choices(key, chosen, shape)
        spans = [d * (k - 1) + 1 for d, k in zip(chosen["dilation"], chosen["kernel"], strict=True)]
        even = windows.paddings(shape[2:], spans)
        before = tuple(end for amount in even[0] for end in (2 * amount + 1, 0))
        return [*even, "same", before]

    def spread(self, change: Array, channels: Array, count: int, *arrays: Array) -> Array | None:
        """The moved channels through the filters that read them."""
        x, weight, *_ = arrays
        if count != x.shape[1]:
            return None
        tracks = self._tracks(x, weight)
        filters, depth = len(weight) // self.groups, weight.shape[1]
        new = [track.count for track in tracks]
        shape = (len(weight), *new, len(channels), change.shape[-1])
        spread = np.zeros(shape, np.result_type(change, weight))
        for place, channel in enumerate(channels.tolist()):
            group, own = divmod(channel, depth)
            chosen = slice(group * filters, (group + 1) * filters)
            part = np.empty((filters, *new, shape[-1]), spread.dtype)
            one = np.ascontiguousarray(change[place : place + 1])
            unfolding.correlate(one, weight[chosen, own : own + 1], tracks, 1, part)
            spread[chosen, ..., place, :] = part
        return spread

    def _onnx_padding(self, x: Shape, weight: Shape) -> dict[str, Any]:
        around = self._sides(x[2:], weight[2:])
        if around is None:
            return {"auto_pad": "SAME_UPPER"}
        return {"pads": [*(before for before, _ in around), *(after for _, after in around)]}

    def _sides(self, size: Shape, kernel: Shape) -> list[Side] | None:
        """Padding before and after each axis; None where that depends on a free size."""
        if self.padding != "same":
            return windows.sides(self.padding, self.rank)
        # With a stride of 1, padding depends on no size.
        known = [n if isinstance(n, int) else 1 for n in size]
        pairs = zip(size, self.stride, strict=True)
        if any(not isinstance(n, int) and stride > 1 for n, stride in pairs):
            return None
        tracks = [slide.over(n) for slide, n in zip(self._slides(kernel), known, strict=True)]
        return [(track.before, track.after) for track in tracks]

    def _slides(self, kernel: Sequence[Any]) -> list[Slide]:
        return windows.slides(kernel, self.stride, self.dilation, self.padding)

    def _result(self, size: Sequence[Size], kernel: Sequence[Size]) -> tuple[Size, ...]:
        pairs = zip(self._slides(kernel), size, strict=True)
        return tuple(slide.count(length) for slide, length in pairs)

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        steps = self.stride, self.dilation, self.padding
        return windows.tracks(weight.shape[2:], *steps, False, x.shape[2:])

    def to_numpy(self, form: CodeForm) -> str:
        """``convolution``, plus the bias."""
        x, weight, _ = form.names
        return self._biased(form, self._written("convolution", x, weight))

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """By the images and by the filters a function each."""
        (x, weight, _), g = form.names, form.cotangent
        return [
            self._written("convolution_by_x", g, f"{x}.shape", weight),
            self._written("convolution_by_weight", g, x, weight),
            self._bias_vjp(form),
        ]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.Conv2d`` and its like."""
        options = self._options(*(["padding"] if self._is_apart(form) else []))
        return self._layer(form, "Conv", (form.shapes[1] or ())[0], **options)

    def torch_given(self, form: CodeForm) -> Sequence[str]:
        """The images, padded before the layer where it can pad both sides alike alone."""
        x, shapes = str(form.names[0]), (form.shapes[0] or (), form.shapes[1] or ())
        if not self._is_apart(form):
            return [x]
        around = self._sides(shapes[0][2:], shapes[1][2:])
        if around is None:
            raise NotImplementedError("its padding, 'same', depends on a free size")
        ends = tuple(end for side in reversed(around) for end in side)
        return [f"F.pad({x}, {ends})"]

    def _is_apart(self, form: CodeForm) -> bool:
        """Whether padding is another than the layers of torch have."""
        if self.padding != "same":
            return len(self.padding) > self.rank
        around = self._sides((1,) * self.rank, (form.shapes[1] or ())[2:]) or ()
        return any(step > 1 for step in self.stride) or any(a != b for a, b in around)


class Conv1d(Convolution):
    """Cross-correlation of sequences with filters: a convolution along one axis.

    ``y[n, f, r] = bias[f] + sum over d, i of weight[f, d, i] x[n, d', s r + i]`` for a stride of s,
    the d' being channels of the filter's group. A result has
    ``(length + padding - dilation (kernel - 1) - 1) // stride + 1`` entries along the axis, for the
    padding on both sides.

    Padding of ``[dilation (kernel - 1), 0]`` makes it causal: no entry of the result depends on
    later ones of the sequence. The padding "same" is that of `conv2d`.

    References
    ----------
    A. van den Oord et al., WaveNet: a generative model for raw audio, arXiv:1609.03499, 2016,
    section 2.1.
    """

    op: Literal["conv1d"] = "conv1d"
    rank = 1
    operands = operands_of(1, _CHANNELS, FILTERS)
    result = result_of(1)
    elsewhere = ("convolution1d", "temporalconvolution")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"filters": 2, "kernel": 2}, [(2, 1, 4)]),
        Case({"filters": 2, "kernel": 2, "dilation": 2, "padding": [2, 0]}, [(2, 1, 4)]),
        Case({"filters": 2, "kernel": 3, "stride": 2, "padding": 1}, [(2, 2, 5)]),
        Case({"filters": 2, "kernel": 2, "groups": 2}, [(1, 2, 3)]),
        Case({"filters": 1, "kernel": 2, "stride": 2, "padding": "same"}, [(2, 2, 5)]),
    )


class Conv2d(Convolution):
    """Cross-correlation of images with filters, which is what networks call a convolution.

    ``y[n, f, r, c] = bias[f] + sum over d, i, j of weight[f, d, i, j] x[n, d', s r + i, s c + j]``
    for a stride of s, the d' being channels of the filter's group. A result has
    ``(size + padding - dilation (kernel - 1) - 1) // stride + 1`` entries along each axis, for the
    padding on both sides.

    The padding "same" gives a result of size over stride, rounded up, as in TensorFlow: zeros as
    many as that takes, on both sides, the odd one at the bottom and on the right.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285, 2016, relationships 1 to 6 and 15. "same":
    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """

    op: Literal["conv2d"] = "conv2d"
    rank = 2
    operands = operands_of(2, _CHANNELS, FILTERS)
    result = result_of(2)
    elsewhere = ("convolution", "conv", "convolution2d")
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
        Case({"filters": 1, "kernel": 2, "padding": [1, 0, 0, 2]}, [(2, 1, 2, 2)]),
    )


class Conv3d(Convolution):
    """Cross-correlation of volumes, or of films, with filters: a convolution along three axes.

    ``y[n, f, q, r, c] = bias[f] + sum over d, h, i, j of
    weight[f, d, h, i, j] x[n, d', s q + h, s r + i, s c + j]`` for a stride of s, the d' being
    channels of the filter's group. A result has
    ``(size + padding - dilation (kernel - 1) - 1) // stride + 1`` entries along each axis, for the
    padding on both sides. The padding "same" is that of `conv2d`.

    References
    ----------
    D. Tran et al., Learning spatiotemporal features with 3D convolutional networks, ICCV 2015,
    section 3.1.
    """

    op: Literal["conv3d"] = "conv3d"
    rank = 3
    operands = operands_of(3, _CHANNELS, FILTERS)
    result = result_of(3)
    elsewhere = ("convolution3d", "volumetricconvolution")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"filters": 2, "kernel": 2}, [(2, 1, 2, 3, 2)]),
        Case({"filters": 1, "kernel": [1, 2, 3], "stride": [1, 2, 1]}, [(1, 2, 2, 2, 3)]),
        Case({"filters": 2, "kernel": 2, "groups": 2, "padding": [1, 0, 1]}, [(1, 2, 1, 2, 2)]),
        Case({"filters": 1, "kernel": 2, "dilation": [2, 1, 1]}, [(1, 1, 3, 2, 2)]),
        Case({"filters": 1, "kernel": [2, 1, 2], "padding": "same"}, [(1, 1, 2, 2, 2)]),
    )
