"""Stretching ops: entries repeated along axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, ArrayError, Cotangents, misfit
from graphnn.ops._inference import Inferred
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, Op, aliases
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm
from graphnn.ops.families.shape import Extent
from graphnn.ops.kernels.broadcasting import unbroadcast
from graphnn.spec.sizes import Expression, Shape, show


class Expand(Op):
    """The same entries along axes of size 1, and along new first axes, as in broadcasting.

    Sizes match from the last axis on: ``[3, 1]`` becomes ``[2, 3, 4]``, say.
    """

    op: Literal["expand"] = "expand"
    shape: tuple[Extent, ...] = Field(
        description="Sizes, outermost first; -1 leaves that of `x` as it is."
    )

    also_called = aliases(shape="size sizes dims target_shape")
    elsewhere = ("broadcast", "broadcastto", "expandas")
    operands = (data("x", "...", kind="any"),)
    batchwise = True
    analytic = True
    within_inputs = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"shape": ["batch", 3]}, [(2, 1)]),
        Case({"shape": [2, -1, 4]}, [(3, 1)]),
        Case({"shape": [-1, 3, 2]}, [(4, 1, 2)]),
        Case({"shape": [3]}, [()]),
        Case({"shape": [2, 2]}, [(2,)], ["int"]),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Axes of size 1 stretched or not, or a new one in front; rows stay where they are free."""
        kept = (-1,) * len(shape)
        free = [size if isinstance(size, Expression) else -1 for size in shape[:1]]
        wide = (*([3] if shape[:1] == (1,) else free), *(3 if n == 1 else n for n in shape[1:]))
        rows = any(isinstance(size, Expression) for size in shape)
        return [wide, kept, *([] if rows or len(shape) > 2 else [(2, *wide), (2, *kept)])]

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """The shape, and -1 as the attribute for each size that stays."""
        found = super().infer(shapes, given)
        (shape,) = shapes
        new = len(self.shape) - len(shape)
        kept = tuple(-1 if own == size else size for own, size in self._pairs(shape))
        return replace(found, attributes={"shape": (*self.shape[:new], *kept)})

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The sizes, those of `x` where they stay."""
        (shape,) = shapes
        new = len(self.shape) - len(shape)
        fits = new >= 0 and -1 not in self.shape[:new]
        if not (fits and all(own == 1 or size in (-1, own) for own, size in self._pairs(shape))):
            raise misfit(
                "x",
                shape,
                f"which does not stretch to 'shape' {show(self.shape)}",
                "sizes match from the last axis on; only a size of 1 stretches",
                "shape",
            )
        own = (kept if size == -1 else size for kept, size in self._pairs(shape))
        return (*self.shape[:new], *own)

    def _pairs(self, shape: Shape) -> list[tuple[Any, Any]]:
        """The size of each axis of `x`, and what it becomes."""
        return [*zip(shape, self.shape[len(self.shape) - len(shape) :], strict=True)]

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis is that of `x`, and stays."""
        (shape,) = shapes
        return len(shape) == len(self.shape) > 0 and self.shape[0] in (-1, shape[0])

    def forward(self, x: Array) -> Array:
        """`x`, stretched."""
        if any(isinstance(size, Expression) for size in self.shape):
            problem = f"a size in {show(self.shape)} is still free"
            raise ArrayError(problem, None, "replace free sizes by numbers with 'bind'")
        new = len(self.shape) - x.ndim
        kept = (own if size == -1 else size for own, size in self._pairs(x.shape))
        target: Any = (*self.shape[:new], *kept)
        # A copy: what is stretched without one cannot be written into.
        return np.broadcast_to(x, target).copy()

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The sum of ``g`` along the axes that were stretched."""
        return (unbroadcast(cotangent, x),)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Expand to the shape."""
        (x,) = operands
        shape = form.shapes[x]
        new = len(self.shape) - len(shape)
        # ONNX takes the larger of both sizes: 1 leaves that of x as it is.
        kept = [1 if size in (-1, own) else size for own, size in self._pairs(shape)]
        target = [*self.shape[:new], *kept]
        if not any(isinstance(size, Expression) for size in target):
            return form.add("Expand", x, [int(str(size)) for size in target])
        return form.add("Expand", x, form.add("Concat", *map(form.size, target), axis=0))

    def to_numpy(self, form: CodeForm) -> str:
        """``np.broadcast_to``."""
        return form.fill(f"np.broadcast_to({{x}}, ({self._written(form)}))", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The sum along the axes that were stretched."""
        same = form.shapes[0] == form.shape
        return [form.fill("{g}" if same else "unbroadcast({g}, {x})", self)]

    def to_torch(self, form: CodeForm) -> str:
        """``expand``."""
        return form.fill(f"{{x}}.expand({self._written(form).rstrip(',') or '()'})", self)

    def _written(self, form: CodeForm) -> str:
        sizes = [form.size(size, 0) for size in form.shape]
        return ", ".join(sizes) + "," * (len(sizes) == 1)
