"""What functions of one entry have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Op
from graphnn.ops._operands import Kind, Operand, data
from graphnn.ops.code import CodeForm
from graphnn.ops.kernels.broadcasting import unbroadcast
from graphnn.ops.kernels.ties import is_above


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

    def infer_kind(self, *kinds: Kind) -> Kind:
        """Whole numbers where both are."""
        return "int" if set(kinds) == {"int"} else "float"

    def to_onnx(self, form: OnnxForm, *operands: str | None) -> str:
        """The operator; whole numbers beside real ones are made real first."""
        a, b = operands
        assert a is not None
        assert b is not None
        if form.kinds[a] != form.kinds[b]:
            a, b = form.real(a), form.real(b)
        return form.add(self.onnx, a, b)


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
