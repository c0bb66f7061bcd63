"""What functions of one entry have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Op, aliases
from graphnn.ops._operands import Operand, data
from graphnn.ops.code import CodeForm
from graphnn.ops.kernels.axes import Axis, normal_axis
from graphnn.ops.kernels.broadcasting import unbroadcast
from graphnn.ops.kernels.ties import is_above
from graphnn.spec.sizes import Shape


class Elementwise(Op):
    """A function of each entry alone."""

    operands: ClassVar[tuple[Operand, ...]] = (data("x", "..."),)
    batchwise = True
    channelwise = True
    analytic = True
    inplace = True


class Broadcast(Elementwise):
    """A function of entries of several arrays, which broadcast as in NumPy."""

    operands: ClassVar[tuple[Operand, ...]] = (data("a", "..."), data("b", "..."))
    broadcasts = True

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Those of the class, summed over stretched axes."""
        parts = super().to_numpy_vjp(form)
        return [
            form.folded(part, n) if part and form.kinds[n] == "float" else None
            for n, part in enumerate(parts)
        ]


class OfAnyKind(Broadcast):
    """A function of two entries, each a real number or a whole one."""

    operands: ClassVar[tuple[Operand, ...]] = (
        data("a", "...", kind="any"),
        data("b", "...", kind="any"),
    )

    def to_onnx(self, form: OnnxForm, *operands: str | None) -> str:
        """The operator; whole numbers beside real ones are made real first."""
        return form.add(self.onnx, *form.alike(*operands))


def share(part: Array, like: Array) -> Array | None:
    """The part of a cotangent that `like` is given, of its shape; None for whole numbers."""
    return None if like.dtype.kind == "i" else unbroadcast(part, like)


def alike(a: Array, b: Array) -> tuple[Array, Array]:
    """Both arrays, whole numbers beside real ones in the dtype of these.

    NumPy makes float64 of int64 beside float32.
    """
    if a.dtype is not b.dtype and "f" in (a.dtype.kind, b.dtype.kind):
        if a.dtype.kind == "i":
            return a.astype(b.dtype), b
        if b.dtype.kind == "i":
            return a, b.astype(a.dtype)
    return a, b


class AlongAxis(Elementwise):
    """A function of the entries along one axis."""

    axis: Axis = Field(-1, description="Along which axis; counted from the end where negative.")

    also_called = aliases(axis="dim")
    channelwise = False

    def infer_shape(self, *shapes: Shape) -> Shape:
        """That of `x`, which has such an axis."""
        normal_axis(self.axis, shapes[0])
        return shapes[0]

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis counts rows: not where the function is along it."""
        return normal_axis(self.axis, shapes[0]) != 0


class Unchanged(Elementwise):
    """The array itself."""

    keeps_entries = True
    inplace = False
    view = True

    def forward(self, x: Array) -> Array:
        """`x` itself."""
        return x

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent itself."""
        return (cotangent,)

    numpy = "{x}"
    numpy_vjp: ClassVar = {"x": "{g}"}
    torch = "{x}"


class BentAtZero(Elementwise):
    """A function with a kink at 0."""

    def branch(self, x: Array) -> Array:
        """Whether each entry is positive, by more than rounding."""
        return is_above(x, 0)
