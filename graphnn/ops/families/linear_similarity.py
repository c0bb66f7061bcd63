"""Similarity: products of vectors that are made of length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import ALL, Array, Cotangents, Wanted, misfit
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Case, Op, aliases
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm, call
from graphnn.ops.initializers import Positive
from graphnn.ops.kernels.axes import Axis, normal_axis
from graphnn.ops.kernels.directions import cosine, cosine_by
from graphnn.spec.sizes import Shape, show

EPSILON = "Least length that a vector is divided by."


class CosineSimilarity(Op):
    """Cosine similarity ``y = a b / (|a| |b|)`` of vectors along an axis, the last by default.

    It is 1 for vectors of one direction, and 0 for those at right angles. A length of less than
    `epsilon` counts as that much, so that a vector of zeros is similar to none.

    References
    ----------
    G. Salton and M. J. McGill, Introduction to modern information retrieval, 1983, section 4.1.
    """

    op: Literal["cosine_similarity"] = "cosine_similarity"
    axis: Axis = Field(-1, description="Along which axis; counted from the end where negative.")
    epsilon: Positive = Field(1e-8, description=EPSILON)

    also_called = aliases(axis="dim", epsilon="eps")
    symbol = "cos"
    output_interval = ANY_NUMBER
    operands = (data("a", "..."), data("b", "..."))
    batchwise = True
    analytic = True
    commutative = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(2, 3), (2, 3)]),
        Case({"axis": 1}, [(2, 3, 2), (2, 3, 2)]),
        Case({"axis": 0, "epsilon": 0.5}, [(3,), (3,)]),
    )

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The shape of both, without the axis."""
        first, second = shapes
        if first != second:
            raise misfit("b", second, f"but 'a' has {show(first)}", "both have the same shape")
        axis = normal_axis(self.axis, first, operand="a")
        return (*first[:axis], *first[axis + 1 :])

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether vectors lie along another axis than the first."""
        return normal_axis(self.axis, shapes[0], operand="a") != 0

    def forward(self, a: Array, b: Array) -> Array:
        """``a b / (|a| |b|)``, along the axis."""
        return np.asarray(cosine(a, b, self.axis, self.epsilon))

    def vjp(
        self, cotangent: Array, output: Array, a: Array, b: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``g (v - y u) / |a|``, u and v the vectors with length 1; and likewise for b."""
        share = np.expand_dims(cotangent, self.axis)
        return (
            cosine_by(share, a, b, self.axis, self.epsilon) if wanted[0] else None,
            cosine_by(share, b, a, self.axis, self.epsilon) if wanted[1] else None,
        )

    def branch(self, a: Array, b: Array) -> Array:
        """Which of both lengths are beyond epsilon."""
        squares = self.epsilon**2
        long_a, long_b = ((x * x).sum(axis=self.axis) > squares for x in (a, b))
        return np.asarray(long_a + 2 * long_b)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The sum of products of both, each over its length."""
        axis = [self.axis % len(form.shapes[operands[0]])]
        units = [
            form.add("Div", x, form.add("Max", form.add("ReduceL2", x, axis), self.epsilon))
            for x in operands
        ]
        return form.add("ReduceSum", form.add("Mul", *units), axis, keepdims=0)

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return call("cosine_similarity", *form.names, *self._options(form))

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """What of the other direction does not lie along the own one, over the length."""
        (a, b), options = form.names, self._options(form)
        g = f"np.expand_dims({form.cotangent}, {options[0]})"
        return [call("cosine_by", g, *pair, *options) for pair in ((a, b), (b, a))]

    def to_torch(self, form: CodeForm) -> str:
        """The sum of products of ``F.normalize`` of both."""
        # F.cosine_similarity has another gradient where a length is below epsilon.
        axis, epsilon = self._options(form)
        units = [f"F.normalize({x}, dim={axis}, eps={epsilon})" for x in form.names]
        return f"({units[0]} * {units[1]}).sum(dim={axis})"

    def _options(self, form: CodeForm) -> tuple[int, float]:
        return self.axis % len(form.shapes[0] or ()), self.epsilon
