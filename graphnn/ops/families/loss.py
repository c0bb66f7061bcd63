"""Losses: one number for each sample, which training makes small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from graphnn.ops._arrays import ALL, Array, Cotangents, Wanted
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm
from graphnn.ops.families._losses import (
    PROBABILITY,
    SHARES,
    Loss,
    by_row,
    by_sample,
    held_log,
    held_log_onnx,
    held_log_rest,
    held_reciprocal,
    width,
)
from graphnn.ops.families.activation import sigmoid


class _SquaredError(Loss):
    """Squares of the differences of prediction and target, added up and divided."""

    unsuited: ClassVar[Mapping[str, str]] = {
        "softmax": "use cross_entropy, which also learns from rows that are surely wrong, "
        "where the slope of a softmax vanishes"
    }

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """``sum (y - t)^2 / d`` for each sample."""
        difference = by_sample(y - t)
        # vecdot takes the conjugate of its first argument, which `continued` must not.
        squares = np.vecdot(difference.conj(), difference, out=out)
        squares /= self._divisor(y)
        return squares

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``2 g (y - t) / d`` and its negative."""
        by_y = by_row(cotangent * (2 / self._divisor(y)), y) * (y - t)
        return by_y, -by_y if wanted[1] else None

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Squares of the differences, a row for each sample, summed up."""
        difference = form.flat(form.add("Sub", *operands))
        return self._summed(form, form.add("Mul", difference, difference))

    def _summed(self, form: OnnxForm, squares: str) -> str:
        """The ONNX form of the sum over each row of `squares`, divided."""
        return form.add("ReduceMean", squares, [1], keepdims=0)

    def _divisor(self, y: Array) -> int:
        """What the sum of squares is divided by, d: the number of entries."""
        return width(y)


class MeanSquaredError(_SquaredError):
    """Mean squared error ``sum_i (y_i - t_i)^2 / d`` of a prediction's d entries."""

    op: Literal["mean_squared_error"] = "mean_squared_error"

    elsewhere = ("mse", "mseloss")

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``2 g (y - t) / d`` and its negative."""
        (y, t), factor = form.names, f"2 * {self.row_cotangent(form)}"
        over = self.over_entries(form)
        return [f"{factor} * ({y} - {t}){over}", f"{factor} * ({t} - {y}){over}"]

    def to_torch(self, form: CodeForm) -> str:
        """``F.mse_loss`` of each sample."""
        y, t = form.names
        return self.mean_by_sample(form, f'F.mse_loss({y}, {t}, reduction="none")')


class SumSquaredError(_SquaredError):
    """Half the sum of squares, ``sum_i (y_i - t_i)^2 / d`` with d = 2."""

    op: Literal["sum_squared_error"] = "sum_squared_error"

    elsewhere = ("sse", "euclideanloss")

    def _divisor(self, y: Array) -> int:
        return 2

    def _summed(self, form: OnnxForm, squares: str) -> str:
        return form.add("Mul", form.add("ReduceSum", squares, [1], keepdims=0), 0.5)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g (y - t)`` and its negative."""
        (y, t), factor = form.names, self.row_cotangent(form)
        return [f"{factor} * ({y} - {t})", f"{factor} * ({t} - {y})"]

    def to_torch(self, form: CodeForm) -> str:
        """Half the sum of squares of each sample."""
        y, t = form.names
        flat = len(form.shapes[0] or ()) == 1
        squares = f"({y} - {t}) ** 2"
        return f"{squares} / 2" if flat else f"({squares}).flatten(1).sum(dim=1) / 2"


class BinaryCrossEntropy(Loss):
    """Mean of ``-t log(y) - (1 - t) log(1 - y)`` over the entries of a prediction y.

    Logarithms of less than the smallest normal number (2.2e-308 in float64) count as that
    number's, so that the loss is finite.
    """

    op: Literal["binary_cross_entropy"] = "binary_cross_entropy"

    elsewhere = ("bce", "bceloss")
    operands = (data("prediction", "batch ...", domain=PROBABILITY), SHARES)
    grain = 1.0  # logarithms of numbers near 1
    fusions: ClassVar = {"prediction": ("sigmoid", "sigmoid_binary_cross_entropy")}

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """Mean of ``-t log y - (1 - t) log(1 - y)`` for each sample."""
        terms = (t - 1) * held_log_rest(y)
        terms -= t * held_log(y)
        return np.mean(by_sample(terms), axis=1, out=out)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Means of ``(t - 1) log(1 - y) - t log y``."""
        y, t = operands
        rest = form.add(
            "Mul", form.add("Sub", t, 1.0), held_log_onnx(form, form.add("Sub", 1.0, y))
        )
        terms = form.add("Sub", rest, form.add("Mul", t, held_log_onnx(form, y)))
        return form.add("ReduceMean", form.flat(terms), [1], keepdims=0)

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``g ((1 - t) / (1 - y) - t / y) / n`` and ``g (log(1 - y) - log y) / n``."""
        share = by_row(cotangent / width(y), y)
        return (
            share * ((1 - t) * held_reciprocal(1 - y) - t * held_reciprocal(y))
            if wanted[0]
            else None,
            share * (held_log_rest(y) - held_log(y)) if wanted[1] else None,
        )

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g ((1 - t) / (1 - y) - t / y) / n`` and ``g (log(1 - y) - log y) / n``."""
        (y, t), g = form.names, self.row_cotangent(form)
        over = self.over_entries(form)
        return [
            f"{g} * ((1 - {t}) * reciprocal(1 - {y}) - {t} * reciprocal({y})){over}",
            f"{g} * (log(1 - {y}) - log({y})){over}",
        ]

    def to_torch(self, form: CodeForm) -> str:
        """Its formula: torch holds logarithms above -100."""
        y, t = form.names
        tiny = f"torch.finfo({y}.dtype).tiny"
        terms = (
            f"-{t} * torch.log({y}.clamp_min({tiny})) "
            f"- (1 - {t}) * torch.log((1 - {y}).clamp_min({tiny}))"
        )
        flat = len(form.shapes[0] or ()) == 1
        return terms if flat else self.mean_by_sample(form, f"({terms})")


class SigmoidBinaryCrossEntropy(Loss):
    """Binary cross-entropy of the sigmoid of `logits`."""

    op: Literal["sigmoid_binary_cross_entropy"] = "sigmoid_binary_cross_entropy"

    operands = (data("logits", "batch ..."), SHARES)
    internal = True

    def forward(self, x: Array, t: Array, *, out: Array | None = None) -> Array:
        """Mean of ``log(1 + exp(-|x|)) - x (t - [x > 0])`` for each sample."""
        terms = np.log1p(np.exp(-np.abs(x)))
        terms -= x * (t - (x > 0))
        return np.mean(by_sample(terms), axis=1, out=out)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Means of ``log(1 + exp(-|x|)) - x t + max(x, 0)``."""
        x, t = operands
        tail = form.add("Softplus", form.add("Neg", form.add("Abs", x)))
        rest = form.add("Sub", form.add("Relu", x), form.add("Mul", x, t))
        terms = form.flat(form.add("Add", tail, rest))
        return form.add("ReduceMean", terms, [1], keepdims=0)

    def continued(self, x: Array, t: Array) -> Array:
        """As `forward`, with `x` or ``-x`` for ``|x|``."""
        above = x.real > 0
        terms = np.log1p(np.exp(np.where(above, -x, x))) - x * (t - above)
        return np.asarray(np.mean(by_sample(terms), axis=1))

    def vjp(
        self, cotangent: Array, output: Array, x: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``g (sigmoid(x) - t) / n`` and ``-g x / n``."""
        share = by_row(cotangent / width(x), x)
        return (
            share * (sigmoid(x) - t) if wanted[0] else None,
            -share * x if wanted[1] else None,
        )

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g (sigmoid(x) - t) / n`` and ``-g x / n``."""
        (x, t), g = form.names, self.row_cotangent(form)
        over = self.over_entries(form)
        return [f"{g} * (sigmoid({x}) - {t}){over}", f"-{g} * {x}{over}"]

    def to_torch(self, form: CodeForm) -> str:
        """``F.binary_cross_entropy_with_logits`` of each sample."""
        x, t = form.names
        text = f'F.binary_cross_entropy_with_logits({x}, {t}, reduction="none")'
        return self.mean_by_sample(form, text)
