"""What functions of one entry have in common."""

from __future__ import annotations

from typing import ClassVar

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._op import Op
from graphnn.ops._operands import Operand, data


class Elementwise(Op):
    """A function of each entry alone."""

    operands: ClassVar[tuple[Operand, ...]] = (data("x", "..."),)
    batchwise = True
    channelwise = True
    analytic = True
    inplace = True


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
    """A function with a kink or a jump at 0."""

    def branch(self, x: Array) -> Array:
        """Whether each entry is positive."""
        return x > 0
