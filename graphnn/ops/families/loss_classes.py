"""Losses of classes: of class numbers, or of rows of probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from graphnn.ops._arrays import ALL, Array, Cotangents, Saved, Wanted
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm
from graphnn.ops.families._cross_entropy import CLASSES, OfClasses, OfRows
from graphnn.ops.families._losses import (
    PROBABILITY,
    class_places,
    held_log,
    held_log_onnx,
    held_reciprocal,
    picked,
)
from graphnn.ops.families.activation import NARROW, columns_below_top, log_softmax, softmax
from graphnn.ops.kernels.ones import total
from graphnn.spec.sizes import Shape

_ROWS = data("target", "batch classes", domain=PROBABILITY)


class CrossEntropy(OfClasses):
    """Cross-entropy ``-sum_k r_k log(y_k)`` of probabilities y, r the target of the sample.

    A target of class numbers c stands for rows r with 1 in place c. With `label_smoothing` s, K
    classes and `class_weights` w, r becomes ``w_k ((1 - s) r_k + s / K)``. Of a sample with several
    rows, such as a sequence, ``[batch, time, classes]``, the mean counts.

    What is of the `ignored_class` counts for nothing: its r is 0, and the r of the others is larger
    by as much as they are fewer, so that the mean over the batch is the mean over those that count,
    as in torch; 0 where none does. Metrics of the same target ignore it too. With `counts_ignored`
    it counts in the mean, as a loss of 0.

    Probabilities below the smallest normal number (2.2e-308 in float64) count as that number, so
    that the loss is finite.

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
    operands = (data("prediction", "batch ... classes", domain=PROBABILITY), CLASSES)
    fusions: ClassVar = {"prediction": ("softmax", "softmax_cross_entropy")}
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(4, 3), (4,)], ["float", "int"]),
        Case({}, [(3, 2), (3, 2)], ["float", "float"]),
        Case({}, [(1, 1), (1,)], ["float", "int"]),
        Case({"class_weights": [1, 2], "ignored_class": 1}, [(3, 2), (3,)], ["float", "int"]),
        Case({"label_smoothing": 0.1}, [(3, 2), (3, 2)], ["float", "float"]),
        Case({"ignored_class": 0}, [(2, 4, 3), (2, 4)], ["float", "int"]),
    )

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """``-sum r log y`` for each sample."""
        return self._of_samples(y, t, out)

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``-g r / y``, 0 where y is below the smallest normal number; and ``-g log y dr/dt``."""
        return self._by_samples(cotangent, y, t, wanted)

    def _losses(self, y: Array, t: Array, out: Array | None, saved: Saved | None) -> Array:
        if t.ndim == 1 and self._plain:
            logs = held_log(y[class_places(y, t)])
            return np.negative(logs, out=out)
        loss = np.vecdot(self._rows(t, y).conj(), held_log(y), out=out)
        return np.negative(loss, out=loss)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Logarithms, held above that of the smallest normal number, and the target's choice."""
        y, t = operands
        return self._chosen(form, held_log_onnx(form, y), y, t)

    def _reverse(
        self, cotangent: Array, y: Array, t: Array, wanted: Wanted, saved: Saved | None
    ) -> Cotangents:
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
        rows = self.written_target(form)
        rows = f"targets({rows}, {y})" if self._plain else rows
        return [
            f"-{g} * {rows} * reciprocal({y})",
            f"-{g} * log({y}){self.written_slope()}" if form.kinds[1] == "float" else None,
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.nll_loss`` of the logarithms, or the target's choice of them."""
        y, t = form.names
        logs = f"torch.log({y}.clamp_min(torch.finfo({y}.dtype).tiny))"
        weight, smooth = self.torch_weight(form), self.label_smoothing
        weighted = f"({logs} * {weight})" if weight else logs
        if len(form.shapes[1] or ()) == len(form.shapes[0] or ()):
            rows = f"({t} * {1 - smooth} + {smooth} / {y}.shape[-1])" if smooth else t
            return self.torch_by_sample(form, f"-({rows} * {weighted}).sum(dim=-1)")
        loss = self.torch_loss("F.nll_loss", form, logs, str(t))
        if not smooth:
            return self.torch_by_sample(form, loss)
        several = len(form.shapes[0] or ()) > 2
        even = f"{smooth} * {weighted}.mean(dim=-1)"
        if self.ignored_class is not None:
            even += f" * ({t} != {self.ignored_class})"
        even = f"({even}).flatten()" if several else even
        return self.torch_by_sample(form, f"({1 - smooth} * {loss} - {even})")


class SoftmaxCrossEntropy(OfClasses):
    """Cross-entropy of the softmax of `logits`, ``-sum_k r_k log(softmax(x)_k)``."""

    op: Literal["softmax_cross_entropy"] = "softmax_cross_entropy"

    operands = (data("logits", "batch ... classes"), CLASSES)
    internal = True
    cases: ClassVar[tuple[Case, ...]] = CrossEntropy.cases

    def forward(
        self, x: Array, t: Array, *, out: Array | None = None, saved: Saved | None = None
    ) -> Array:
        """``-sum r log softmax(x)`` for each sample."""
        return self._of_samples(x, t, out, saved)

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
        return self._by_samples(cotangent, x, t, wanted, saved)

    def _losses(self, x: Array, t: Array, out: Array | None, saved: Saved | None) -> Array:
        """``log(sum exp(x - m)) + m - x_c``, m the row's largest logit, for each row."""
        chooses = t.ndim == 1 and self._plain
        if chooses and x.shape[1] <= NARROW:
            columns = columns_below_top(x)
            chosen, places = picked(columns, t)
            totals = total(np.exp(columns, out=columns))
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
        if len(form.shapes[t]) == len(form.shapes[x]) or not self._plain:
            # Finite, so that a probability of 0 leaves nothing of it.
            logarithms = form.add("Max", logarithms, float(np.finfo(form.dtype).min))
        return self._chosen(form, logarithms, x, t)

    def _reverse(
        self, cotangent: Array, x: Array, t: Array, wanted: Wanted, saved: Saved | None
    ) -> Cotangents:
        if not saved:
            saved = {}
            self._losses(x, t, None, saved)
        if "places" in saved:
            shares = saved["exponentials"] * (cotangent / saved["totals"])
            shares.reshape(-1)[saved["places"]] -= cotangent
            return shares.T, None
        shares, by_t = np.divide(saved["exponentials"], saved["totals"]), None
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
        if self._plain and form.kinds[1] == "int" and len({len(s or ()) for s in form.shapes}) > 1:
            return [f"{g} * (softmax({x}) - targets({t}, {x}))", None]
        rows = self.written_target(form)
        return [
            f"{g} * (softmax({x}) * {rows}.sum(axis=-1, keepdims=True) - {rows})",
            f"-{g} * log_softmax({x}){self.written_slope()}" if form.kinds[1] == "float" else None,
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.cross_entropy`` of each sample."""
        x, t = form.names
        whole = form.kinds[1] == "int" and len(form.shapes[1] or ()) == len(form.shapes[0] or ())
        target = f"{t}.to({x}.dtype)" if whole else str(t)
        options = {"label_smoothing": self.label_smoothing or None}
        losses = self.torch_loss("F.cross_entropy", form, str(x), target, **options)
        return self.torch_by_sample(form, losses)


class _Divergence(OfRows):
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
