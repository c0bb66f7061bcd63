"""Losses of classes: of class numbers, or of rows of probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import (
    ALL,
    Array,
    ArrayError,
    Cotangents,
    Saved,
    ShapeError,
    Wanted,
    misfit,
)
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, Op, aliases
from graphnn.ops._operands import Kind, Operand, data
from graphnn.ops.code import CodeForm, call
from graphnn.ops.families._losses import (
    PROBABILITY,
    SHARES,
    Loss,
    alike,
    class_places,
    held_log,
    held_log_onnx,
    held_reciprocal,
)
from graphnn.ops.families.activation import NARROW, columns_below_top, log_softmax, softmax
from graphnn.spec.sizes import Shape, show

_CLASSES = replace(
    SHARES, kind="any", below="classes", forms=(("batch", "int"), ("batch classes", "float"))
)
_ROWS = data("target", "batch classes", domain=PROBABILITY)
_Weights = Annotated[
    tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], Field(min_length=1)
]
_DEFAULTS = {"class_weights": None, "label_smoothing": 0.0, "ignored_class": None}


class _OfRows(Loss):
    """A loss of the probabilities of classes, or of the scores that a softmax makes them of."""

    grain = 1.0  # the logarithm of a number near 1

    def fused(self, operand: str, source: Op) -> Op | None:
        """One step, if the softmax is along the classes."""
        found = super().fused(operand, source)
        return found if getattr(source, "axis", -1) in (-1, 1) else None

    def _weighed(self, form: OnnxForm, logarithms: str, rows: str) -> str:
        """The ONNX form of ``-sum_k r_k l_k`` from rows r and logarithms l."""
        products = form.add("Mul", rows, logarithms)
        return form.add("Neg", form.add("ReduceSum", products, [1], keepdims=0))


class _CrossEntropy(_OfRows):
    """Cross-entropy of probabilities, or of scores.

    The target of each sample becomes a row r, of which the loss is ``-sum_k r_k log(y_k)``.
    """

    class_weights: _Weights | None = Field(
        None, description="What each class counts, one number for each; left out, 1."
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of the target that is spread evenly over all classes."
    )
    ignored_class: int | None = Field(
        None, description="Class number of samples whose loss is 0, such as padding: any number."
    )

    also_called = aliases(
        class_weights="weight weights class_weight",
        label_smoothing="smoothing",
        ignored_class="ignore_index ignore_class ignore_label",
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """As many weights as there are classes, and classes that there are."""
        if key == "class_weights":
            count = shape[-1] if shape and isinstance(shape[-1], int) else 1
            return [None, None, (2.0,) * count, tuple(0.5 * n for n in range(1, count + 1))]
        return [0.0, 0.0, 0.1, 0.5] if key == "label_smoothing" else [None, None, 0]

    def beside(self, operand: Operand, shapes: Sequence[Shape]) -> Sequence[Shape] | None:
        """Class numbers alone where a class is ignored."""
        return [shapes[0][:1]] if self.ignored_class is not None else None

    @property
    def _plain(self) -> bool:
        """Whether the target of a class number is 1 in its place."""
        return all(getattr(self, key) == value for key, value in _DEFAULTS.items())

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """One number for each sample; None where the signatures say what is wrong."""
        scores, target = shapes
        if len(scores) != 2:
            return None
        if target not in (scores, scores[:1]):
            rows = show(scores)
            help = f"class numbers have shape {show(scores[:1])}, rows of probabilities {rows}"
            raise misfit("target", target, f"but '{self.operands[0].name}' has {rows}", help)
        if len(target) == 2 and self.ignored_class is not None:
            problem = "which are rows of probabilities: none is of the class to ignore"
            raise misfit("target", target, problem, attribute="ignored_class")
        if isinstance(scores[1], int):
            self._check_weights(scores[1], ShapeError)
        return scores[:1]

    def check_kinds(self, shapes: Sequence[Shape], kinds: Sequence[Kind]) -> None:
        """Check that a target with one axis holds whole numbers."""
        if len(shapes[1]) == 1 and kinds[1] != "int":
            problem = "so it must hold class numbers, but it holds real numbers"
            raise misfit("target", shapes[1], problem, "declare the input with 'dtype: int'")

    def _check_weights(self, classes: int, error: type[ShapeError] | type[ArrayError]) -> None:
        """Check that there is a weight for each class, which a free size shows when it is run."""
        count = len(self.class_weights or ())
        if count and count != classes:
            raise error(
                f"'class_weights' holds {count} {'number' if count == 1 else 'numbers'}, "
                f"but there are {classes} classes",
                attribute="class_weights",
            )

    def _rows(self, t: Array, scores: Array) -> Array:
        """The row r of each sample: what the logarithm of each class counts, but for its sign."""
        kept = None
        if t.ndim == 1:
            if self.ignored_class is not None:
                kept = t != self.ignored_class
                t = np.where(kept, t, 0)
            rows: Array = np.zeros(scores.shape, scores.real.dtype)
            rows[class_places(scores, t)] = 1
        else:
            rows = alike(t, scores)
        if self.label_smoothing:
            rows = rows * (1 - self.label_smoothing)
            rows += self.label_smoothing / scores.shape[1]
        if self.class_weights is not None:
            self._check_weights(scores.shape[1], ArrayError)
            rows = rows * np.asarray(self.class_weights, scores.real.dtype)
        return rows if kept is None else rows * kept[:, None]

    def _slope(self, like: Array) -> Any:
        """The derivative of the rows by the target."""
        weights = self.class_weights
        factors = 1.0 if weights is None else np.asarray(weights, like.dtype)
        return factors * (1 - self.label_smoothing)

    def _chosen(self, form: OnnxForm, logarithms: str, scores: str, target: str) -> str:
        """The ONNX form of the loss, from the logarithms."""
        if len(form.shapes[target]) == 1 and self._plain:
            places = form.add("Unsqueeze", target, [1])
            found = form.add("GatherElements", logarithms, places, axis=1)
            return form.add("Neg", form.add("Squeeze", found, [1]))
        kept, rows = "", target
        classes = form.shapes[scores][1]
        if len(form.shapes[target]) == 1:
            if self.ignored_class is not None:
                ignored = form.add("Equal", target, np.array(self.ignored_class))
                kept = form.add("Unsqueeze", form.add("Not", ignored), [1])
                rows = form.add("Where", ignored, np.array(0), target)
            rows = form.add("OneHot", rows, form.size(classes), np.array([0.0, 1.0]), axis=1)
        else:
            rows = form.real(target)
        if self.label_smoothing:
            count = form.add("CastLike", form.size(classes), logarithms)
            rows = form.add("Mul", rows, 1 - self.label_smoothing)
            rows = form.add("Add", rows, form.add("Div", self.label_smoothing, count))
        if self.class_weights is not None:
            rows = form.add("Mul", rows, np.array(self.class_weights))
        if kept:
            rows = form.add("Mul", rows, form.add("CastLike", kept, logarithms))
        return self._weighed(form, logarithms, rows)

    def _written_target(self, form: CodeForm) -> str:
        """The target, or the rows that stand for it."""
        scores, target = form.names
        if self._plain:
            return str(target)
        weights = None if self.class_weights is None else list(self.class_weights)
        given = {
            "weights": weights,
            "smoothing": self.label_smoothing or None,
            "ignored": self.ignored_class,
        }
        return call("target_rows", target, scores, **given)

    def _written_slope(self) -> str:
        """The derivative of the rows by the target, as a factor."""
        weights = "" if self.class_weights is None else f" * np.array({list(self.class_weights)})"
        return weights + (f" * {1 - self.label_smoothing}" if self.label_smoothing else "")

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return call(self.name, form.names[0], self._written_target(form))

    def _torch_weight(self, form: CodeForm) -> str | None:
        """The weights as a tensor; None where there are none."""
        if self.class_weights is None:
            return None
        return f"torch.tensor({list(self.class_weights)}, dtype={form.names[0]}.dtype)"

    def _torch_loss(self, function: str, form: CodeForm, x: str, t: str, **options: Any) -> str:
        """A call of a loss of torch with the weights and the class to ignore."""
        weight = self._torch_weight(form)
        given = [x, t, *([f"weight={weight}"] if weight else [])]
        return call(function, *given, ignore_index=self.ignored_class, **options, reduction="none")


class CrossEntropy(_CrossEntropy):
    """Cross-entropy ``-sum_k r_k log(y_k)`` of probabilities y, r the target of the sample.

    A target of class numbers c stands for rows r with 1 in place c. With `label_smoothing` s, K
    classes and `class_weights` w, r becomes ``w_k ((1 - s) r_k + s / K)``; it is 0 in the samples
    of `ignored_class`, which count in the mean over the samples all the same. Probabilities below
    the smallest normal number (2.2e-308 in float64) count as that number, so that the loss is
    finite.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, Deep learning, 2016, section 6.2.2. Smoothing:
    C. Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR 2016,
    section 7.
    """

    op: Literal["cross_entropy"] = "cross_entropy"

    elsewhere = (
        "categoricalcrossentropy",
        "sparsecategoricalcrossentropy",
        "multinomiallogisticloss",
    )
    operands = (data("prediction", "batch classes", domain=PROBABILITY), _CLASSES)
    fusions: ClassVar = {"prediction": ("softmax", "softmax_cross_entropy")}
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(4, 3), (4,)], ["float", "int"]),
        Case({}, [(3, 2), (3, 2)], ["float", "float"]),
        Case({}, [(1, 1), (1,)], ["float", "int"]),
        Case({"class_weights": [1, 2], "ignored_class": 1}, [(3, 2), (3,)], ["float", "int"]),
        Case({"label_smoothing": 0.1}, [(3, 2), (3, 2)], ["float", "float"]),
    )

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """``-sum r log y`` for each sample."""
        if t.ndim == 1 and self._plain:
            logs = held_log(y[class_places(y, t)])
            return np.negative(logs, out=out)
        loss = np.vecdot(self._rows(t, y).conj(), held_log(y), out=out)
        return np.negative(loss, out=loss)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Logarithms, held above that of the smallest normal number, and the target's choice."""
        y, t = operands
        return self._chosen(form, held_log_onnx(form, y), y, t)

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``-g r / y``, 0 where y is below the smallest normal number; and ``-g log y dr/dt``."""
        if t.ndim == 1 and self._plain:
            places = class_places(y, t)
            by_y = np.zeros_like(y)
            by_y[places] = -cotangent * held_reciprocal(y[places])
            return by_y, None
        share = -cotangent[:, None]
        return (
            share * self._rows(t, y) * held_reciprocal(y) if wanted[0] else None,
            share * held_log(y) * self._slope(y) if wanted[1] and t.dtype.kind == "f" else None,
        )

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``-g r / y``, and ``-g log y dr/dt``."""
        (y, _), g = form.names, self.row_cotangent(form)
        rows = self._written_target(form)
        rows = f"targets({rows}, {y})" if self._plain else rows
        return [
            f"-{g} * {rows} * reciprocal({y})",
            f"-{g} * log({y}){self._written_slope()}" if form.kinds[1] == "float" else None,
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.nll_loss`` of the logarithms, or the target's choice of them."""
        y, t = form.names
        logs = f"torch.log({y}.clamp_min(torch.finfo({y}.dtype).tiny))"
        weight, smooth = self._torch_weight(form), self.label_smoothing
        weighted = f"({logs} * {weight})" if weight else logs
        if len(form.shapes[1] or ()) == 2:
            rows = f"({t} * {1 - smooth} + {smooth} / {y}.shape[1])" if smooth else t
            return f"-({rows} * {weighted}).sum(dim=1)"
        loss = self._torch_loss("F.nll_loss", form, logs, str(t))
        if not smooth:
            return loss
        even = f"{smooth} * {weighted}.mean(dim=1)"
        if self.ignored_class is not None:
            even += f" * ({t} != {self.ignored_class})"
        return f"{1 - smooth} * {loss} - {even}"


class SoftmaxCrossEntropy(_CrossEntropy):
    """Cross-entropy of the softmax of `logits`, ``-sum_k r_k log(softmax(x)_k)``."""

    op: Literal["softmax_cross_entropy"] = "softmax_cross_entropy"

    operands = (data("logits", "batch classes"), _CLASSES)
    internal = True
    cases: ClassVar[tuple[Case, ...]] = CrossEntropy.cases

    def forward(
        self, x: Array, t: Array, *, out: Array | None = None, saved: Saved | None = None
    ) -> Array:
        """``log(sum exp(x - m)) + m - x_c``, m the row's largest logit, for each sample."""
        chooses = t.ndim == 1 and self._plain
        if chooses and x.shape[1] <= NARROW:
            columns = columns_below_top(x)
            rows, classes = class_places(x, t)
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
            if not chooses:
                # Finite, so that a probability of 0 leaves nothing of it.
                np.maximum(shifted, np.finfo(shifted.dtype).min, out=shifted)
                return np.vecdot(self._rows(t, x).conj(), np.log(totals) - shifted, out=out)
            chosen, totals = shifted[class_places(x, t)], totals[:, 0]
        loss: Array = np.subtract(np.log(totals), chosen, out=out)
        return loss

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The logarithm of the softmax, and the target's choice."""
        x, t = operands
        logarithms = form.add("LogSoftmax", x)
        if len(form.shapes[t]) == 2 or not self._plain:
            # Finite, so that a probability of 0 leaves nothing of it.
            logarithms = form.add("Max", logarithms, float(np.finfo(form.dtype).min))
        return self._chosen(form, logarithms, x, t)

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
        """``g (softmax(x) sum r - r)``, and ``-g log(softmax(x)) dr/dt``."""
        if not saved:
            saved = {}
            self.forward(x, t, saved=saved)
        shares = np.divide(saved["exponentials"], saved["totals"])
        if "places" in saved:
            shares.reshape(-1)[saved["places"]] -= 1
            shares *= cotangent
            return shares.T, None
        by_t = None
        if t.ndim == 1 and self._plain:
            shares[class_places(x, t)] -= 1
        else:
            rows = self._rows(t, x)
            shares *= rows.sum(axis=1, keepdims=True)
            shares -= rows
            if wanted[1] and t.dtype.kind == "f":
                by_t = cotangent[:, None] * -log_softmax(x) * self._slope(x)
        shares *= cotangent[:, None]
        return shares, by_t

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g (softmax(x) sum r - r)``, and ``-g log(softmax(x)) dr/dt``."""
        (x, t), g = form.names, self.row_cotangent(form)
        whole = len(form.shapes[1] or ()) == 1
        if whole and self._plain:
            return [f"{g} * (softmax({x}) - targets({t}, {x}))", None]
        rows = self._written_target(form)
        return [
            f"{g} * (softmax({x}) * {rows}.sum(axis=1, keepdims=True) - {rows})",
            f"-{g} * log_softmax({x}){self._written_slope()}" if form.kinds[1] == "float" else None,
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.cross_entropy`` of each sample."""
        x, t = form.names
        whole = form.kinds[1] == "int" and len(form.shapes[1] or ()) == 2
        target = f"{t}.to({x}.dtype)" if whole else str(t)
        smooth = self.label_smoothing or None
        return self._torch_loss("F.cross_entropy", form, str(x), target, label_smoothing=smooth)


class _Divergence(_OfRows):
    """Kullback-Leibler divergence of a target from probabilities, or from a softmax of scores."""

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """One number for each sample; None where the signatures say what is wrong."""
        return super().infer_shape(*shapes) if len(shapes[0]) == 2 else None


class KlDivergence(_Divergence):
    """Kullback-Leibler divergence ``sum_k t_k log(t_k / y_k)`` of probabilities y from target t.

    Its gradient by y is that of `cross_entropy`; it is 0 where both agree. Logarithms of less than
    the smallest normal number (2.2e-308 in float64) count as that number's, so that a target of 0
    adds nothing.

    References
    ----------
    S. Kullback and R. A. Leibler, On information and sufficiency, Annals of Mathematical
    Statistics 22 (1951), eq. 2.4.
    """

    op: Literal["kl_divergence"] = "kl_divergence"

    symbol = "KL"
    elsewhere = ("kldivloss", "kldivergenceloss", "kld", "kullbackleiblerdivergence")
    operands = (data("prediction", "batch classes", domain=PROBABILITY), _ROWS)
    fusions: ClassVar = {"prediction": ("softmax", "softmax_kl_divergence")}

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """``sum t (log t - log y)`` for each sample."""
        return np.vecdot(t.conj(), held_log(t) - held_log(y), out=out)

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``-g t / y`` and ``g (log t - log y + 1)``; of what is held, as for `cross_entropy`."""
        share = cotangent[:, None]
        return (
            -share * t * held_reciprocal(y) if wanted[0] else None,
            share * (held_log(t) - held_log(y) + t * held_reciprocal(t)) if wanted[1] else None,
        )

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Its formula, with logarithms held above that of the smallest normal number."""
        y, t = operands
        rest = form.add("Sub", held_log_onnx(form, y), held_log_onnx(form, t))
        return self._weighed(form, rest, t)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``-g t / y`` and ``g (log t - log y + 1)``."""
        (y, t), g = form.names, self.row_cotangent(form)
        return [
            f"-{g} * {t} * reciprocal({y})",
            f"{g} * (log({t}) - log({y}) + {t} * reciprocal({t}))",
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.kl_div`` of the logarithms."""
        y, t = form.names
        logs = f"torch.log({y}.clamp_min(torch.finfo({y}.dtype).tiny))"
        return f'F.kl_div({logs}, {t}, reduction="none").sum(dim=1)'


class SoftmaxKlDivergence(_Divergence):
    """Kullback-Leibler divergence of the softmax of `logits` from a target."""

    op: Literal["softmax_kl_divergence"] = "softmax_kl_divergence"

    operands = (data("logits", "batch classes"), _ROWS)
    internal = True

    def forward(self, x: Array, t: Array, *, out: Array | None = None) -> Array:
        """``sum t (log t - log(softmax(x)))`` for each sample."""
        return np.vecdot(t.conj(), held_log(t) - _finite_logs(x), out=out)

    def vjp(
        self, cotangent: Array, output: Array, x: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``g (softmax(x) sum t - t)`` and ``g (log t - log(softmax(x)) + 1)``."""
        share = cotangent[:, None]
        by_t = None
        if wanted[1]:
            by_t = share * (held_log(t) - _finite_logs(x) + t * held_reciprocal(t))
        return share * (softmax(x) * t.sum(axis=1, keepdims=True) - t), by_t

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Its formula, from the logarithm of the softmax."""
        x, t = operands
        lowest = float(np.finfo(form.dtype).min)
        logs = form.add("Max", form.add("LogSoftmax", x), lowest)
        return self._weighed(form, form.add("Sub", logs, held_log_onnx(form, t)), t)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g (softmax(x) sum t - t)`` and ``g (log t - log(softmax(x)) + 1)``."""
        (x, t), g = form.names, self.row_cotangent(form)
        return [
            f"{g} * (softmax({x}) * {t}.sum(axis=1, keepdims=True) - {t})",
            f"{g} * (log({t}) - log_softmax({x}) + {t} * reciprocal({t}))",
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.kl_div`` of the logarithm of the softmax."""
        x, t = form.names
        return f'F.kl_div(torch.log_softmax({x}, dim=1), {t}, reduction="none").sum(dim=1)'


def _finite_logs(x: Array) -> Array:
    """The logarithm of the softmax, finite, so that a probability of 0 leaves nothing of it."""
    logs = log_softmax(x)
    held: Array = np.maximum(logs, np.finfo(logs.dtype).min, out=logs)
    return held
