"""Stacking: arrays as the entries of a new axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents, ShapeError
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, Op, aliases
from graphnn.ops._operands import data
from graphnn.ops._passages import Passage, Tracked
from graphnn.ops.code import CodeForm
from graphnn.ops.kernels.axes import Axis
from graphnn.spec.sizes import Shape, show


class Stack(Op):
    """Arrays of one shape as the entries of a new axis.

    ``y[:, i] = inputs[i]`` for axis 1, as ``np.stack``.
    """

    op: Literal["stack"] = "stack"
    axis: Axis = Field(
        1, description="Which axis of the result is new; counted from the end where negative."
    )

    also_called = aliases(axis="dim")
    elsewhere = ("pack",)
    operands = (data("inputs", "...", kind="any", many=True),)
    batchwise = True
    analytic = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(2, 3), (2, 3)]),
        Case({"axis": 0}, [(2, 3), (2, 3), (2, 3)]),
        Case({"axis": -1}, [(4, 2), (4, 2)]),
        Case({"axis": 0}, [()]),
        Case({}, [(2,), (2,)], ["int"]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Each axis stays apart, beside the new one."""
        new = self.axis % (len(tracked.shapes[0]) + 1)
        return Passage(tracked.axis + (tracked.axis >= new))

    def part(self, position: int, shapes: Sequence[Shape]) -> tuple[int, int, int]:
        """An entry of the new axis."""
        return self.axis % (len(shapes[0]) + 1), position, position + 1

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Every axis that the result can have, from either end."""
        rank = len(shape) + 1
        return [*range(rank - 1, -1, -1), *range(-rank, 0)]

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The one shape, with an axis for the inputs."""
        first = shapes[0]
        for shape in shapes:
            if shape != first:
                problem = f"'inputs' have shapes {show(first)} and {show(shape)}"
                raise ShapeError(f"{problem}, which must be the same", "inputs")
        rank = len(first) + 1
        if not -rank <= self.axis < rank:
            raise ShapeError(
                f"'axis' is {self.axis}, but the result has {rank} axes",
                "inputs",
                f"its axes are {', '.join(map(str, range(rank)))}",
                "axis",
            )
        axis = self.axis % rank
        return (*first[:axis], len(shapes), *first[axis:])

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis is not the new one."""
        return self.axis % (len(shapes[0]) + 1) != 0

    def from_front(self, *shapes: Shape) -> dict[str, Any]:
        """The axis of the result."""
        return {"axis": self.axis % (len(shapes[0]) + 1)}

    def forward(self, *arrays: Array, out: Array | None = None) -> Array:
        """`arrays` along the new axis."""
        if out is not None:
            return np.stack(arrays, axis=self.axis, out=out)
        # Whole numbers beside float32 must not make float64 of it.
        reals = [array.dtype for array in arrays if array.dtype.kind in "fc"]
        return np.stack(arrays, axis=self.axis, dtype=reals[0] if reals else None)

    def vjp(self, cotangent: Array, output: Array, *arrays: Array) -> Cotangents:
        """The entry of the cotangent that each array gave; None for whole numbers."""
        pieces = np.moveaxis(cotangent, self.axis, 0)
        return tuple(
            piece if array.dtype.kind == "f" else None
            for piece, array in zip(pieces, arrays, strict=True)
        )

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Concat of each with a new axis; whole numbers beside real ones are made real first."""
        axis = self.axis % (len(form.shapes[operands[0]]) + 1)
        stretched = [form.add("Unsqueeze", x, [axis]) for x in form.alike(*operands)]
        return form.add("Concat", *stretched, axis=axis)

    def to_numpy(self, form: CodeForm) -> str:
        """``np.stack``."""
        return f"np.stack([{', '.join(map(str, form.names))}], axis={self.axis})"

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The entry of the cotangent that each array gave."""
        before = ":, " * (self.axis % len(form.shape))
        return [
            f"{form.cotangent}[{before}{place}]" if kind == "float" else None
            for place, kind in enumerate(form.kinds)
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``torch.stack``."""
        return f"torch.stack([{', '.join(map(str, form.names))}], dim={self.axis})"
