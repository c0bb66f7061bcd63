"""Losses: one number for each sample, which training makes small."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from graphnn.ops._arrays import ALL, Array, ArrayError, Cotangents, Saved, Wanted, misfit
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, Op
from graphnn.ops._operands import Kind, data
from graphnn.ops.code import CodeForm, call
from graphnn.ops.families.activation import NARROW, columns_below_top, log_softmax, sigmoid
from graphnn.ops.kernels.rows import first_outside
from graphnn.spec.sizes import Shape, show

_PROBABILITY = (0.05, 0.95)
_SHARES = data("target", "batch ...", domain=(0.0, 1.0))
_CLASSES = replace(
    _SHARES, kind="any", below="classes", forms=(("batch", "int"), ("batch classes", "float"))
)


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
            problem = f"but '{self.operands[0].name}' has {show(first)}"
            raise misfit("target", second, problem, "both have the same shape")
        return first[:1]

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return call(self.name, *form.names)

    def _spread(self, form: CodeForm) -> str:
        """The cotangent against the prediction."""
        return form.rows(len(form.shapes[0] or ()))

    def _by_sample(self, form: CodeForm, text: str) -> str:
        """The mean over each sample, of a torch expression."""
        flat = len(form.shapes[0] or ()) == 1
        return text if flat else f"{text}.flatten(1).mean(dim=1)"

    def _entries(self, form: CodeForm) -> str:
        return form.count(range(1, len(form.shapes[0] or ())))


class _SquaredError(_Loss):
    """Squares of the differences of prediction and target, added up and divided."""

    unsuited: ClassVar[Mapping[str, str]] = {
        "softmax": "use cross_entropy, which also learns from rows that are surely wrong, "
        "where the slope of a softmax vanishes"
    }

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """``sum (y - t)^2 / d`` for each sample."""
        difference = _by_sample(y - t)
        # vecdot takes the conjugate of its first argument, which `continued` must not.
        squares = np.vecdot(difference.conj(), difference, out=out)
        squares /= self._divisor(y)
        return squares

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``2 g (y - t) / d`` and its negative."""
        by_y = _spread(cotangent * (2 / self._divisor(y)), y) * (y - t)
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
        return _width(y)


class MeanSquaredError(_SquaredError):
    """Mean squared error ``sum_i (y_i - t_i)^2 / d`` of a prediction's d entries."""

    op: Literal["mean_squared_error"] = "mean_squared_error"

    elsewhere = ("mse", "mseloss")

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``2 g (y - t) / d`` and its negative."""
        (y, t), factor = form.names, f"2 * {self._spread(form)}"
        over = "" if self._entries(form) == "1" else f" / {self._entries(form)}"
        return [f"{factor} * ({y} - {t}){over}", f"{factor} * ({t} - {y}){over}"]

    def to_torch(self, form: CodeForm) -> str:
        """``F.mse_loss`` of each sample."""
        y, t = form.names
        return self._by_sample(form, f'F.mse_loss({y}, {t}, reduction="none")')


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
        (y, t), factor = form.names, self._spread(form)
        return [f"{factor} * ({y} - {t})", f"{factor} * ({t} - {y})"]

    def to_torch(self, form: CodeForm) -> str:
        """Half the sum of squares of each sample."""
        y, t = form.names
        flat = len(form.shapes[0] or ()) == 1
        squares = f"({y} - {t}) ** 2"
        return f"{squares} / 2" if flat else f"({squares}).flatten(1).sum(dim=1) / 2"


class _Classification(_Loss):
    """A loss whose target is class numbers, or rows of probabilities."""

    grain = 1.0  # the logarithm of a number near 1

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """One number for each sample; None where the signatures say what is wrong."""
        scores, target = shapes
        if len(scores) != 2:
            return None
        if target not in (scores, scores[:1]):
            rows = show(scores)
            help = f"class numbers have shape {show(scores[:1])}, rows of probabilities {rows}"
            raise misfit("target", target, f"but '{self.operands[0].name}' has {rows}", help)
        return scores[:1]

    def check_kinds(self, shapes: Sequence[Shape], kinds: Sequence[Kind]) -> None:
        """Check that a target with one axis holds whole numbers."""
        if len(shapes[1]) == 1 and kinds[1] != "int":
            problem = "so it must hold class numbers, but it holds real numbers"
            raise misfit("target", shapes[1], problem, "declare the input with 'dtype: int'")

    def _chosen(self, form: OnnxForm, logarithms: str, target: str) -> str:
        """The ONNX form of ``-sum_k t_k l_k`` from the logarithms l."""
        if len(form.shapes[target]) == 1:
            places = form.add("Unsqueeze", target, [1])
            found = form.add("GatherElements", logarithms, places, axis=1)
            return form.add("Neg", form.add("Squeeze", found, [1]))
        products = form.add("Mul", form.real(target), logarithms)
        return form.add("Neg", form.add("ReduceSum", products, [1], keepdims=0))


class CrossEntropy(_Classification):
    """Cross-entropy ``-sum_k t_k log(y_k)`` of probabilities y.

    A target of class numbers c stands for rows with 1 in place c. Probabilities below the smallest
    normal number (2.2e-308 in float64) count as that number, so that the loss is finite.
    """

    op: Literal["cross_entropy"] = "cross_entropy"

    elsewhere = (
        "categoricalcrossentropy",
        "sparsecategoricalcrossentropy",
        "multinomiallogisticloss",
    )
    operands = (data("prediction", "batch classes", domain=_PROBABILITY), _CLASSES)
    fusions: ClassVar = {"prediction": ("softmax", "softmax_cross_entropy")}
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(4, 3), (4,)], ["float", "int"]),
        Case({}, [(3, 2), (3, 2)], ["float", "float"]),
        Case({}, [(1, 1), (1,)], ["float", "int"]),
    )

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """``-log y_c``, or ``-sum t log y``, for each sample."""
        if t.ndim == 1:
            logs = _log(y[_places(y, t)])
            return np.negative(logs, out=out)
        loss = np.vecdot(_like(t, y).conj(), _log(y), out=out)
        return np.negative(loss, out=loss)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Logarithms, held above that of the smallest normal number, and the target's choice."""
        y, t = operands
        return self._chosen(form, _held_onnx(form, y), t)

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``-g t / y``, 0 where y is below the smallest normal number; and ``-g log y``."""
        if t.ndim == 1:
            places = _places(y, t)
            by_y = np.zeros_like(y)
            by_y[places] = -cotangent * _reciprocal(y[places])
            return by_y, None
        spread = -cotangent[:, None]
        return (
            spread * _like(t, y) * _reciprocal(y) if wanted[0] else None,
            spread * _log(y) if wanted[1] and t.dtype.kind == "f" else None,
        )

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``-g t / y``, and ``-g log y``."""
        (y, t), g = form.names, self._spread(form)
        return [
            f"-{g} * targets({t}, {y}) * reciprocal({y})",
            f"-{g} * log({y})" if form.kinds[1] == "float" else None,
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.nll_loss`` of the logarithms, or the target's choice of them."""
        y, t = form.names
        logs = f"torch.log({y}.clamp_min(torch.finfo({y}.dtype).tiny))"
        if form.kinds[1] == "int" and len(form.shapes[1] or ()) == 1:
            return f'F.nll_loss({logs}, {t}, reduction="none")'
        return f"-({t} * {logs}).sum(dim=1)"


class SoftmaxCrossEntropy(_Classification):
    """Cross-entropy of the softmax of `logits`, ``-sum_k t_k log(softmax(x)_k)``."""

    op: Literal["softmax_cross_entropy"] = "softmax_cross_entropy"

    operands = (data("logits", "batch classes"), _CLASSES)
    internal = True
    cases: ClassVar[tuple[Case, ...]] = CrossEntropy.cases

    def forward(
        self, x: Array, t: Array, *, out: Array | None = None, saved: Saved | None = None
    ) -> Array:
        """``log(sum exp(x - m)) + m - x_c``, m the row's largest logit, for each sample."""
        if t.ndim == 1 and x.shape[1] <= NARROW:
            columns = columns_below_top(x)
            rows, classes = _places(x, t)
            # One number a place: NumPy finds them in half the time that pairs take.
            places = classes * len(t) + rows
            chosen = columns.reshape(-1)[places]
            totals = np.add.reduce(np.exp(columns, out=columns), axis=0)
            if saved is not None:
                saved.update(exponentials=columns, totals=totals, places=places)
        else:
            # A difference that overflows to -infinity has the exponential 0 that it should have.
            shifted = x - x.max(axis=1, keepdims=True)
            exponentials = np.exp(shifted)
            totals = exponentials.sum(axis=1, keepdims=True)
            if saved is not None:
                saved.update(exponentials=exponentials, totals=totals)
            if t.ndim == 2:
                # Finite, so that a probability of 0 leaves nothing of it.
                np.maximum(shifted, np.finfo(shifted.dtype).min, out=shifted)
                return np.vecdot(_like(t, x).conj(), np.log(totals) - shifted, out=out)
            chosen, totals = shifted[_places(x, t)], totals[:, 0]
        loss: Array = np.subtract(np.log(totals), chosen, out=out)
        return loss

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The logarithm of the softmax, and the target's choice."""
        x, t = operands
        logarithms = form.add("LogSoftmax", x)
        if len(form.shapes[t]) == 2:
            # Finite, so that a probability of 0 leaves nothing of it.
            logarithms = form.add("Max", logarithms, float(np.finfo(form.dtype).min))
        return self._chosen(form, logarithms, t)

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        x: Array,
        t: Array,
        *,
        wanted: Wanted = ALL,
        saved: Saved | None = None,
    ) -> Cotangents:
        """``g (softmax(x) sum t - t)``, and ``-g log(softmax(x))``."""
        if not saved:
            saved = {}
            self.forward(x, t, saved=saved)
        shares = np.divide(saved["exponentials"], saved["totals"])
        if t.ndim == 1 and x.shape[1] <= NARROW:
            shares.reshape(-1)[saved["places"]] -= 1
            shares *= cotangent
            return shares.T, None
        by_t = None
        if t.ndim == 1:
            shares[_places(x, t)] -= 1
        else:
            shares *= t.sum(axis=1, keepdims=True)
            shares -= t
            if wanted[1] and t.dtype.kind == "f":
                by_t = cotangent[:, None] * -log_softmax(x)
        shares *= cotangent[:, None]
        return shares, by_t

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g (softmax(x) sum t - t)``, and ``-g log(softmax(x))``."""
        (x, t), g = form.names, self._spread(form)
        if len(form.shapes[1] or ()) == 1:
            return [f"{g} * (softmax({x}) - targets({t}, {x}))", None]
        return [
            f"{g} * (softmax({x}) * {t}.sum(axis=1, keepdims=True) - {t})",
            f"-{g} * log_softmax({x})" if form.kinds[1] == "float" else None,
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.cross_entropy`` of each sample."""
        x, t = form.names
        whole = form.kinds[1] == "int" and len(form.shapes[1] or ()) == 2
        return f'F.cross_entropy({x}, {t}{f".to({x}.dtype)" if whole else ""}, reduction="none")'


class BinaryCrossEntropy(_Loss):
    """Mean of ``-t log(y) - (1 - t) log(1 - y)`` over the entries of a prediction y.

    Logarithms of less than the smallest normal number (2.2e-308 in float64) count as that
    number's, so that the loss is finite.
    """

    op: Literal["binary_cross_entropy"] = "binary_cross_entropy"

    elsewhere = ("bce", "bceloss")
    operands = (data("prediction", "batch ...", domain=_PROBABILITY), _SHARES)
    grain = 1.0  # logarithms of numbers near 1
    fusions: ClassVar = {"prediction": ("sigmoid", "sigmoid_binary_cross_entropy")}

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """Mean of ``-t log y - (1 - t) log(1 - y)`` for each sample."""
        terms = (t - 1) * _log_rest(y)
        terms -= t * _log(y)
        return np.mean(_by_sample(terms), axis=1, out=out)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Means of ``(t - 1) log(1 - y) - t log y``."""
        y, t = operands
        rest = form.add("Mul", form.add("Sub", t, 1.0), _held_onnx(form, form.add("Sub", 1.0, y)))
        terms = form.add("Sub", rest, form.add("Mul", t, _held_onnx(form, y)))
        return form.add("ReduceMean", form.flat(terms), [1], keepdims=0)

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``g ((1 - t) / (1 - y) - t / y) / n`` and ``g (log(1 - y) - log y) / n``."""
        spread = _spread(cotangent / _width(y), y)
        return (
            spread * ((1 - t) * _reciprocal(1 - y) - t * _reciprocal(y)) if wanted[0] else None,
            spread * (_log_rest(y) - _log(y)) if wanted[1] else None,
        )

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g ((1 - t) / (1 - y) - t / y) / n`` and ``g (log(1 - y) - log y) / n``."""
        (y, t), g = form.names, self._spread(form)
        over = "" if self._entries(form) == "1" else f" / {self._entries(form)}"
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
        return terms if flat else self._by_sample(form, f"({terms})")


class SigmoidBinaryCrossEntropy(_Loss):
    """Binary cross-entropy of the sigmoid of `logits`."""

    op: Literal["sigmoid_binary_cross_entropy"] = "sigmoid_binary_cross_entropy"

    operands = (data("logits", "batch ..."), _SHARES)
    internal = True

    def forward(self, x: Array, t: Array, *, out: Array | None = None) -> Array:
        """Mean of ``log(1 + exp(-|x|)) - x (t - [x > 0])`` for each sample."""
        terms = np.log1p(np.exp(-np.abs(x)))
        terms -= x * (t - (x > 0))
        return np.mean(_by_sample(terms), axis=1, out=out)

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
        return np.asarray(np.mean(_by_sample(terms), axis=1))

    def vjp(
        self, cotangent: Array, output: Array, x: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``g (sigmoid(x) - t) / n`` and ``-g x / n``."""
        spread = _spread(cotangent / _width(x), x)
        return (
            spread * (sigmoid(x) - t) if wanted[0] else None,
            -spread * x if wanted[1] else None,
        )

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g (sigmoid(x) - t) / n`` and ``-g x / n``."""
        (x, t), g = form.names, self._spread(form)
        over = "" if self._entries(form) == "1" else f" / {self._entries(form)}"
        return [f"{g} * (sigmoid({x}) - {t}){over}", f"-{g} * {x}{over}"]

    def to_torch(self, form: CodeForm) -> str:
        """``F.binary_cross_entropy_with_logits`` of each sample."""
        x, t = form.names
        text = f'F.binary_cross_entropy_with_logits({x}, {t}, reduction="none")'
        return self._by_sample(form, text)


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
    """The place of each row's class."""
    if target.dtype.kind != "i":
        raise ArrayError(f"'target' must hold class numbers, but it holds {target.dtype}", "target")
    count = scores.shape[1]
    if wrong := first_outside(target, count):
        (row,) = wrong
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


def _held_onnx(form: OnnxForm, probability: str) -> str:
    """The ONNX form of `_log`."""
    smallest = float(np.finfo(form.dtype).smallest_normal)
    return form.add("Log", form.add("Max", probability, smallest))


def _reciprocal(probability: Array) -> Array:
    """``1 / y``, and 0 where `_log` has been held."""
    inverse = np.zeros_like(probability)
    smallest = np.finfo(probability.dtype).smallest_normal
    return np.divide(1, probability, out=inverse, where=probability >= smallest)
