"""Resizing: more rows and columns of images [batch, channels, height, width]."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, aliases
from graphnn.ops.families._images import Resized, finished, room
from graphnn.ops.kernels.pooling import pooled
from graphnn.ops.kernels.unfolding import images_first, images_last
from graphnn.ops.kernels.windows import Counts, Track
from graphnn.spec import sizes
from graphnn.spec.sizes import Size


class Upsample(Resized):
    """Every entry repeated, `factor` times down and across."""

    op: Literal["upsample"] = "upsample"
    factor: Counts = Field(description="How many rows and columns each one becomes.")
    mode: Literal["nearest"] = Field("nearest", description="How entries are filled in between.")

    also_called = aliases(factor="scale_factor size scale")
    elsewhere = ("upsampling", "resize", "interpolate")
    within_inputs = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"factor": 2}, [(2, 1, 2, 3)]),
        Case({"factor": [1, 3]}, [(2, 2, 2, 1)]),
        Case({"factor": [3, 1], "mode": "nearest"}, [(1, 1, 2, 2)]),
    )

    def _resized(self, height: Size, width: Size) -> tuple[Size, Size]:
        down, across = self.factor
        return sizes.multiply(height, down), sizes.multiply(width, across)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Resize by whole factors."""
        return form.add(
            "Resize",
            *operands,
            None,
            np.array([1, 1, *self.factor], np.float32),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """`x` ``[batch, channels, height, width]`` with its entries repeated."""
        batch, channels, height, width = x.shape
        down, across = self.factor
        y = room(out, (channels, height * down, width * across, batch), x.dtype)
        blocks = y.reshape(channels, height, down, width, across, batch)
        blocks[...] = images_last(x)[:, :, None, :, None]
        return finished(y, None, out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The sum of the cotangents of all copies of an entry."""
        tracks = _blocks(x.shape[2], self.factor[0]), _blocks(x.shape[3], self.factor[1])
        by_x = np.empty(images_last(x).shape, cotangent.dtype)
        pooled(images_last(cotangent), tracks, np.add, 0.0, by_x)
        return (images_first(by_x),)

    numpy = "{x}.repeat({op.factor[0]}, axis=2).repeat({op.factor[1]}, axis=3)"
    numpy_vjp: ClassVar = {
        "x": "{g}.reshape(*{x}.shape[:3], {op.factor[0]}, {x}.shape[3], {op.factor[1]})"
        ".sum(axis=(3, 5))"
    }
    torch = "F.interpolate({x}, scale_factor={op.factor})"


def _blocks(count: int, length: int) -> Track:
    """So many windows of that length, side by side."""
    return Track(count * length, length, length, 1, 0, count)
