"""Losses: one number for each sample, which training makes small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from graphnn.ops._op import Array, ArrayError, Case, Kind, Op, ShapeError, data
from graphnn.ops.families.activation import NARROW, columns_below_top, log_softmax, sigmoid
from graphnn.spec.sizes import Shape, show

_PROBABILITY = (0.05, 0.95)
_UNSIGNED = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


class _Loss(Op):
    """One number for each sample, from a prediction and a target."""

    operands = (data("prediction", "batch ..."), data("target", "batch ..."))
    result = "batch"
    batchwise = True
    analytic = True
    is_loss = True

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """One number for each sample; None where the signatures say what is wrong."""
        first, second = shapes
        if not first:
            return None
        if first != second:
            raise ShapeError(
                f"'target' has shape {show(second)}, but '{self.operands[0].name}' "
                f"has {show(first)}",
                "target",
                "both have the same shape",
            )
        return first[:1]


class MeanSquaredError(_Loss):
    """Mean squared error ``sum_i (y_i - t_i)^2 / n`` of a prediction's n entries."""

    op: Literal["mean_squared_error"] = "mean_squared_error"

    def forward(self, prediction: Array, target: Array, *, out: Array | None = None) -> Array:
        """``sum (y - t)^2 / n`` for each sample."""
        squares = _squares(prediction, target, out)
        squares /= _width(prediction)
        return squares

    def continued(self, prediction: Array, target: Array) -> Array:
        """As `forward`, without a conjugate."""
        return _dot(prediction - target, prediction - target) / _width(prediction)

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        prediction: Array,
        target: Array,
        *,
        wanted: tuple[bool, ...] = (True, True),
    ) -> tuple[Array | None, ...]:
        """``2 g (y - t) / n`` and its negative."""
        by_prediction = _spread(cotangent * (2 / _width(prediction)), prediction)
        by_prediction = by_prediction * (prediction - target)
        return by_prediction, -by_prediction if wanted[1] else None


class SumSquaredError(_Loss):
    """Half the sum of squares ``sum_i (y_i - t_i)^2 / 2``."""

    op: Literal["sum_squared_error"] = "sum_squared_error"

    def forward(self, prediction: Array, target: Array, *, out: Array | None = None) -> Array:
        """``sum (y - t)^2 / 2`` for each sample."""
        squares = _squares(prediction, target, out)
        squares *= 0.5
        return squares

    def continued(self, prediction: Array, target: Array) -> Array:
        """As `forward`, without a conjugate."""
        return 0.5 * _dot(prediction - target, prediction - target)

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        prediction: Array,
        target: Array,
        *,
        wanted: tuple[bool, ...] = (True, True),
    ) -> tuple[Array | None, ...]:
        """``g (y - t)`` and its negative."""
        by_prediction = _spread(cotangent, prediction) * (prediction - target)
        return by_prediction, -by_prediction if wanted[1] else None


class _Classification(_Loss):
    """A loss whose target is class numbers, or rows of probabilities."""

    grain = 1.0  # the logarithm of a number near 1

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """One number for each sample; None where the signatures say what is wrong."""
        scores, target = shapes
        if len(scores) != 2:
            return None
        if target not in (scores, scores[:1]):
            raise ShapeError(
                f"'target' has shape {show(target)}, but '{self.operands[0].name}' "
                f"has {show(scores)}",
                "target",
                f"class numbers have shape {show(scores[:1])}, "
                f"rows of probabilities {show(scores)}",
            )
        return scores[:1]

    def check_kinds(self, shapes: Sequence[Shape], kinds: Sequence[Kind]) -> None:
        """Check that a target with one axis holds whole numbers."""
        if len(shapes[1]) == 1 and kinds[1] != "int":
            raise ShapeError(
                f"'target' has shape {show(shapes[1])}, so it must hold class numbers, "
                "but it holds real numbers",
                "target",
                "declare the input with 'dtype: int'",
            )


class CrossEntropy(_Classification):
    """Cross-entropy ``-sum_k t_k log(y_k)`` of probabilities y.

    A target of class numbers c stands for rows with 1 in place c. Probabilities below the smallest
    normal number (2.2e-308 in float64) count as that number, so that the loss is finite.
    """

    op: Literal["cross_entropy"] = "cross_entropy"

    operands = (
        data("prediction", "batch classes", domain=_PROBABILITY),
        data("target", "batch ...", kind="any", domain=(0.0, 1.0), below="classes"),
    )
    fusions: ClassVar = {"prediction": ("softmax", "softmax_cross_entropy")}
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(4, 3), (4,)], ["float", "int"]),
        Case({}, [(3, 2), (3, 2)], ["float", "float"]),
        Case({}, [(1, 1), (1,)], ["float", "int"]),
    )

    def forward(self, prediction: Array, target: Array, *, out: Array | None = None) -> Array:
        """``-log y_c``, or ``-sum t log y``, for each sample."""
        if target.ndim == 1:
            logs = _log(prediction[_places(prediction, target)])
            return np.negative(logs, out=out)
        loss = np.vecdot(_like(target, prediction), _log(prediction), out=out)
        return np.negative(loss, out=loss)

    def continued(self, prediction: Array, target: Array) -> Array:
        """As `forward`, without a conjugate."""
        if target.ndim == 1:
            return self.forward(prediction, target)
        return -_dot(_like(target, prediction), _log(prediction))

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        prediction: Array,
        target: Array,
        *,
        wanted: tuple[bool, ...] = (True, True),
    ) -> tuple[Array | None, ...]:
        """``-g t / y``, 0 where y is below the smallest normal number; and ``-g log y``."""
        if target.ndim == 1:
            places = _places(prediction, target)
            by_prediction = np.zeros_like(prediction)
            by_prediction[places] = -cotangent * _reciprocal(prediction[places])
            return by_prediction, None
        spread = -cotangent[:, None]
        return (
            spread * _like(target, prediction) * _reciprocal(prediction) if wanted[0] else None,
            spread * _log(prediction) if wanted[1] and target.dtype.kind == "f" else None,
        )


class SoftmaxCrossEntropy(_Classification):
    """Cross-entropy of the softmax of `logits`, ``-sum_k t_k log(softmax(x)_k)``."""

    op: Literal["softmax_cross_entropy"] = "softmax_cross_entropy"

    operands = (
        data("logits", "batch classes"),
        data("target", "batch ...", kind="any", domain=(0.0, 1.0), below="classes"),
    )
    internal = True
    cases: ClassVar[tuple[Case, ...]] = CrossEntropy.cases

    def forward(
        self,
        logits: Array,
        target: Array,
        *,
        out: Array | None = None,
        saved: dict[str, Array] | None = None,
    ) -> Array:
        """``log(sum exp(x - m)) + m - x_c``, m the row's largest logit, for each sample."""
        if target.ndim == 1 and logits.shape[1] <= NARROW:
            columns = columns_below_top(logits)
            rows, classes = _places(logits, target)
            # One number a place: NumPy finds them in half the time that pairs take.
            places = classes * len(target) + rows
            chosen = columns.reshape(-1)[places]
            totals = np.add.reduce(np.exp(columns, out=columns), axis=0)
            if saved is not None:
                saved.update(exponentials=columns, totals=totals, places=places)
            narrow: Array = np.subtract(np.log(totals), chosen, out=out)
            return narrow
        top = logits.max(axis=1, keepdims=True)
        # A difference that overflows to -infinity has the exponential 0 that it should have.
        shifted = logits - top
        exponentials = np.exp(shifted)
        totals = exponentials.sum(axis=1, keepdims=True)
        if saved is not None:
            saved.update(exponentials=exponentials, totals=totals)
        if target.ndim == 1:
            chosen = shifted[_places(logits, target)]
            loss: Array = np.subtract(np.log(totals[:, 0]), chosen, out=out)
            return loss
        # Finite, so that a probability of 0 leaves nothing of it.
        np.maximum(shifted, np.finfo(shifted.dtype).min, out=shifted)
        return np.vecdot(_like(target, logits), np.log(totals) - shifted, out=out)

    def continued(self, logits: Array, target: Array) -> Array:
        """As `forward`, without a conjugate."""
        if target.ndim == 1:
            return self.forward(logits, target)
        return -_dot(_like(target, logits), log_softmax(logits))

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        logits: Array,
        target: Array,
        *,
        wanted: tuple[bool, ...] = (True, True),
        saved: dict[str, Array] | None = None,
    ) -> tuple[Array | None, ...]:
        """``g (softmax(x) sum t - t)``, and ``-g log(softmax(x))``."""
        if not saved:
            saved = {}
            self.forward(logits, target, saved=saved)
        shares = np.divide(saved["exponentials"], saved["totals"])
        if target.ndim == 1 and logits.shape[1] <= NARROW:
            shares.reshape(-1)[saved["places"]] -= 1
            shares *= cotangent
            return shares.T, None
        by_target = None
        if target.ndim == 1:
            shares[_places(logits, target)] -= 1
        else:
            shares *= target.sum(axis=1, keepdims=True)
            shares -= target
            if wanted[1] and target.dtype.kind == "f":
                by_target = cotangent[:, None] * -log_softmax(logits)
        shares *= cotangent[:, None]
        return shares, by_target


class BinaryCrossEntropy(_Loss):
    """Mean of ``-t log(y) - (1 - t) log(1 - y)`` over the entries of a prediction y.

    Logarithms of less than the smallest normal number (2.2e-308 in float64) count as that
    number's, so that the loss is finite.
    """

    op: Literal["binary_cross_entropy"] = "binary_cross_entropy"

    operands = (
        data("prediction", "batch ...", domain=_PROBABILITY),
        data("target", "batch ...", domain=(0.0, 1.0)),
    )
    grain = 1.0  # logarithms of numbers near 1
    fusions: ClassVar = {"prediction": ("sigmoid", "sigmoid_binary_cross_entropy")}

    def forward(self, prediction: Array, target: Array, *, out: Array | None = None) -> Array:
        """Mean of ``-t log y - (1 - t) log(1 - y)`` for each sample."""
        terms = (target - 1) * _log_rest(prediction)
        terms -= target * _log(prediction)
        return np.mean(_by_sample(terms), axis=1, out=out)

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        prediction: Array,
        target: Array,
        *,
        wanted: tuple[bool, ...] = (True, True),
    ) -> tuple[Array | None, ...]:
        """``g ((1 - t) / (1 - y) - t / y) / n`` and ``g (log(1 - y) - log y) / n``."""
        spread = _spread(cotangent / _width(prediction), prediction)
        by_prediction = by_target = None
        if wanted[0]:
            pull = (1 - target) * _reciprocal(1 - prediction) - target * _reciprocal(prediction)
            by_prediction = spread * pull
        if wanted[1]:
            by_target = spread * (_log_rest(prediction) - _log(prediction))
        return by_prediction, by_target


class SigmoidBinaryCrossEntropy(_Loss):
    """Binary cross-entropy of the sigmoid of `logits`."""

    op: Literal["sigmoid_binary_cross_entropy"] = "sigmoid_binary_cross_entropy"

    operands = (data("logits", "batch ..."), data("target", "batch ...", domain=(0.0, 1.0)))
    internal = True

    def forward(self, logits: Array, target: Array, *, out: Array | None = None) -> Array:
        """Mean of ``log(1 + exp(-|x|)) - x (t - [x > 0])`` for each sample."""
        terms = np.log1p(np.exp(-np.abs(logits)))
        terms -= logits * (target - (logits > 0))
        return np.mean(_by_sample(terms), axis=1, out=out)

    def continued(self, logits: Array, target: Array) -> Array:
        """As `forward`, with `x` or ``-x`` for ``|x|``."""
        above = logits.real > 0
        terms = np.log1p(np.exp(np.where(above, -logits, logits))) - logits * (target - above)
        return np.asarray(np.mean(_by_sample(terms), axis=1))

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        logits: Array,
        target: Array,
        *,
        wanted: tuple[bool, ...] = (True, True),
    ) -> tuple[Array | None, ...]:
        """``g (sigmoid(x) - t) / n`` and ``-g x / n``."""
        spread = _spread(cotangent / _width(logits), logits)
        return (
            spread * (sigmoid(logits) - target) if wanted[0] else None,
            -spread * logits if wanted[1] else None,
        )


def _squares(prediction: Array, target: Array, out: Array | None) -> Array:
    difference = _by_sample(prediction - target)
    return np.vecdot(difference, difference, out=out)


def _dot(a: Array, b: Array) -> Array:
    """Sum of the products of each sample's entries: what `np.vecdot` is for real numbers."""
    return np.asarray(_by_sample(a * b).sum(axis=1))


def _width(x: Array) -> int:
    return math.prod(x.shape[1:])


def _by_sample(x: Array) -> Array:
    return x.reshape(x.shape[0], _width(x))


def _spread(cotangent: Array, like: Array) -> Array:
    return cotangent.reshape(-1, *(1,) * (like.ndim - 1))


def _like(target: Array, scores: Array) -> Array:
    # Rows of whole numbers would turn float32 into float64.
    return target.astype(scores.dtype, copy=False)


def _places(scores: Array, target: Array) -> tuple[Array, Array]:
    """Where each row's class stands."""
    if target.dtype.kind != "i":
        raise ArrayError(f"'target' must hold class numbers, but it holds {target.dtype}", "target")
    count = scores.shape[1]
    # Seen without a sign, negative numbers are large: one comparison finds both faults.
    if target.size and np.maximum.reduce(target.view(_UNSIGNED[target.itemsize])) >= count:
        row = int(np.argmax((target < 0) | (target >= count)))
        raise ArrayError(
            f"'target' holds {target[row]} in row {row}, but there are {count} classes",
            "target",
            f"class numbers go from 0 to {count - 1}",
        )
    return np.arange(target.size), target


def _log(probability: Array) -> Array:
    return _held(np.log(probability))


def _log_rest(probability: Array) -> Array:
    return _held(np.log1p(-probability))


def _held(logarithm: Array) -> Array:
    smallest = np.finfo(logarithm.dtype).smallest_normal
    held: Array = np.maximum(logarithm, np.log(smallest))
    return held


def _reciprocal(probability: Array) -> Array:
    """``1 / y``, and 0 where `_log` has been held."""
    inverse = np.zeros_like(probability)
    smallest = np.finfo(probability.dtype).smallest_normal
    return np.divide(1, probability, out=inverse, where=probability >= smallest)
