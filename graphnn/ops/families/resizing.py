"""Resizing: more entries along the axes of arrays [batch, channels, ...]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._inference import Inferred
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, aliases
from graphnn.ops.code import CodeForm, shown
from graphnn.ops.families._images import Resized, finished, room
from graphnn.ops.kernels.pooling import pooled
from graphnn.ops.kernels.unfolding import images_first, images_last
from graphnn.ops.kernels.windows import OpenCounts, Track, pairs
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape, Size


class Upsample(Resized):
    """Every entry of a sequence, an image or a volume repeated, `factor` times along each axis."""

    op: Literal["upsample"] = "upsample"
    factor: OpenCounts = Field(
        description="How many entries each one becomes along each axis, or one number for all."
    )
    mode: Literal["nearest"] = Field("nearest", description="How entries are filled in between.")

    also_called = aliases(factor="scale_factor size scale")
    elsewhere = ("upsampling", "upsamplingnearest", "resize", "interpolate")
    within_inputs = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"factor": 2}, [(2, 1, 2, 3)]),
        Case({"factor": [1, 3]}, [(2, 2, 2, 1)]),
        Case({"factor": [3, 1], "mode": "nearest"}, [(1, 1, 2, 2)]),
        Case({"factor": 2}, [(2, 1, 3)]),
        Case({"factor": [1, 2, 3]}, [(1, 1, 2, 2, 1)]),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Small factors."""
        return pairs(*(range(1, 4) for _ in shape[2:])) if key == "factor" else None

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """The shape, and the factor along each axis.

        Raises
        ------
        ShapeError
            The factor is for another number of axes.
        """
        found = super().infer(shapes, given)
        own = {"factor": self._along("factor", len(shapes[0]) - 2)}
        return Inferred(found.result, found.parameters, own)

    def _resized(self, size: list[Size]) -> tuple[Size, ...]:
        factors = self._along("factor", len(size))
        return tuple(map(sizes.multiply, size, factors))

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Resize by whole factors."""
        factors = self._along("factor", len(form.shapes[operands[0]]) - 2)
        return form.add(
            "Resize",
            *operands,
            None,
            np.array([1, 1, *factors], np.float32),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """`x` ``[batch, channels, ...]`` with its entries repeated."""
        batch, channels, *size = x.shape
        factors = self._along("factor", len(size))
        along = [*zip(size, factors, strict=True)]
        y = room(out, (channels, *(n * factor for n, factor in along), batch), x.dtype)
        apart = [each for pair in along for each in pair]
        once = [each for length in size for each in (length, 1)]
        y.reshape(channels, *apart, batch)[...] = images_last(x).reshape(channels, *once, batch)
        return finished(y, None, out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The sum of the cotangents of all copies of an entry."""
        size = x.shape[2:]
        tracks = (*map(_blocks, size, self._along("factor", len(size))),)
        by_x = np.empty(images_last(x).shape, cotangent.dtype)
        pooled(images_last(cotangent), tracks, np.add, 0.0, by_x)
        return (images_first(by_x),)

    def to_numpy(self, form: CodeForm) -> str:
        """A ``repeat`` along each axis."""
        factors = self._along("factor", len(form.shape) - 2)
        repeats = (f".repeat({factor}, axis={at})" for at, factor in enumerate(factors, 2))
        return f"{form.names[0]}{''.join(repeats)}"

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The sum of the cotangents of all copies of an entry."""
        x, factors = form.names[0], self._along("factor", len(form.shape) - 2)
        apart = ", ".join(f"{x}.shape[{at}], {factor}" for at, factor in enumerate(factors, 2))
        axes = tuple(range(3, 2 * len(factors) + 2, 2))
        text = f"{form.cotangent}.reshape(*{x}.shape[:2], {apart})"
        return [f"{text}.sum(axis={shown(axes)})"]

    def to_torch(self, form: CodeForm) -> str:
        """``F.interpolate``."""
        factors = self._along("factor", len(form.shape) - 2)
        return f"F.interpolate({form.names[0]}, scale_factor={shown(factors)})"


def _blocks(count: int, length: int) -> Track:
    """So many windows of that length, side by side."""
    return Track(count * length, length, length, 1, 0, count)
