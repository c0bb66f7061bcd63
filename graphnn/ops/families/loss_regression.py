"""Losses of the differences, products and angles of a prediction and a target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import ALL, Array, Cotangents, Wanted
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import aliases
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm, call, shown
from graphnn.ops.families._losses import Loss, by_row, by_sample, width
from graphnn.ops.initializers import Positive
from graphnn.ops.kernels.directions import cosine, cosine_by
from graphnn.ops.kernels.ties import is_above, is_more


class _MeanDeviation(Loss):
    """The mean, over the entries of a sample, of a function of the difference d = y - t."""

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """The mean of the function for each sample."""
        return np.mean(by_sample(self._terms(y - t)), axis=1, out=out)

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """The derivative of the function, times ``g / n``; and its negative."""
        by_y = by_row(cotangent / width(y), y) * self._slopes(y - t)
        return by_y, -by_y if wanted[1] else None

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Means of the function."""
        terms = self._onnx_terms(form, form.add("Sub", *operands))
        return form.add("ReduceMean", form.flat(terms), [1], keepdims=0)

    def _terms(self, d: Array) -> Array:
        """The function, entry by entry."""
        raise NotImplementedError

    def _slopes(self, d: Array) -> Array:
        """Its derivative."""
        raise NotImplementedError

    def _onnx_terms(self, form: OnnxForm, d: str) -> str:
        """Its ONNX form."""
        raise NotImplementedError


class AbsoluteError(_MeanDeviation):
    """Mean absolute error ``sum_i |y_i - t_i| / n`` of a prediction's n entries.

    References
    ----------
    C. M. Bishop, Pattern recognition and machine learning, 2006, section 1.5.5, eq. 1.91, q = 1.
    """

    op: Literal["absolute_error"] = "absolute_error"

    elsewhere = ("mae", "l1loss", "meanabsoluteerror", "l1")

    def _terms(self, d: Array) -> Array:
        return np.absolute(d)

    def _slopes(self, d: Array) -> Array:
        return np.sign(d)

    def continued(self, y: Array, t: Array) -> Array:
        """As `forward`, with d or ``-d`` by its real part."""
        d = y - t
        return np.asarray(np.mean(by_sample(np.where(d.real < 0, -d, d)), axis=1))

    def branch(self, y: Array, t: Array) -> Array:
        """Whether each entry of the prediction is above the target, by more than rounding."""
        return is_more(y, t)

    def _onnx_terms(self, form: OnnxForm, d: str) -> str:
        return form.add("Abs", d)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g sign(y - t) / n`` and its negative."""
        (y, t), g, over = form.names, self.row_cotangent(form), self.over_entries(form)
        return [f"{g} * np.sign({y} - {t}){over}", f"{g} * np.sign({t} - {y}){over}"]

    def to_torch(self, form: CodeForm) -> str:
        """``F.l1_loss`` of each sample."""
        y, t = form.names
        return self.mean_by_sample(form, f'F.l1_loss({y}, {t}, reduction="none")')


class Huber(_MeanDeviation):
    """Huber loss, the mean of ``d^2 / 2`` where ``|d| <= delta``, else ``delta (|d| - delta / 2)``.

    d is the difference of an entry of the prediction and one of the target: squares where they are
    close, and a slope that no outlier makes larger than `delta`.

    References
    ----------
    P. J. Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35
    (1964), section 4, example (iii).
    """

    op: Literal["huber"] = "huber"
    delta: Positive = Field(1.0, description="The largest slope, and where it begins.")

    also_called = aliases(delta="beta")
    elsewhere = ("huberloss",)

    def _terms(self, d: Array) -> Array:
        size = np.absolute(d)
        inner = np.minimum(size, self.delta)
        terms: Array = inner * (size - 0.5 * inner)
        return terms

    def _slopes(self, d: Array) -> Array:
        return np.clip(d, -self.delta, self.delta)

    def continued(self, y: Array, t: Array) -> Array:
        """As `forward`, with d or ``-d`` by its real part."""
        d = y - t
        size = np.where(d.real < 0, -d, d)
        inner = np.where(size.real < self.delta, size, self.delta)
        return np.asarray(np.mean(by_sample(inner * (size - 0.5 * inner)), axis=1))

    def branch(self, y: Array, t: Array) -> Array:
        """0 where d is up to -delta, 1 in between, 2 above delta."""
        d = y - t
        return is_above(d, -self.delta).astype(np.int8) + is_above(d, self.delta)

    def _onnx_terms(self, form: OnnxForm, d: str) -> str:
        size = form.add("Abs", d)
        inner = form.add("Min", size, self.delta)
        return form.add("Mul", inner, form.add("Sub", size, form.add("Mul", inner, 0.5)))

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return call("huber", *form.names, shown(self.delta))

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g`` times d, held between -delta and delta, over n; and its negative."""
        (y, t), g, over = form.names, self.row_cotangent(form), self.over_entries(form)
        ends = f"-{shown(self.delta)}, {shown(self.delta)}"
        return [
            f"{g} * np.clip({y} - {t}, {ends}){over}",
            f"{g} * np.clip({t} - {y}, {ends}){over}",
        ]

    def to_torch(self, form: CodeForm) -> str:
        """``F.huber_loss`` of each sample."""
        y, t = form.names
        text = f'F.huber_loss({y}, {t}, reduction="none", delta={self.delta})'
        return self.mean_by_sample(form, text)


class Hinge(Loss):
    """Hinge loss, the mean of ``max(margin - t y, 0)`` over the entries of a prediction y.

    Targets t are -1 and 1; an entry adds nothing once it lies beyond the margin on its side.

    References
    ----------
    C. Cortes and V. Vapnik, Support-vector networks, Machine Learning 20 (1995), section 3; the
    squared one: Y. Tang, Deep learning using linear support vector machines, 2013, eq. 6.
    """

    op: Literal["hinge"] = "hinge"
    margin: Positive = Field(1.0, description="Up to which product of both an entry adds to it.")
    squared: bool = Field(False, description="Whether what an entry adds is squared.")

    elsewhere = ("hingeloss", "squaredhinge", "hingeembeddingloss")
    operands = (
        data("prediction", "batch ..."),
        data("target", "batch ...", domain=(-1.0, 1.0)),
    )

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """Mean of ``max(margin - t y, 0)`` for each sample, squared where that is asked for."""
        return np.mean(by_sample(self._terms(self._short(y, t))), axis=1, out=out)

    def continued(self, y: Array, t: Array) -> Array:
        """As `forward`, by real parts."""
        short = self.margin - t * y
        short = np.where(short.real > 0, short, 0)
        return np.asarray(np.mean(by_sample(self._terms(short)), axis=1))

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``-g t / n`` and ``-g y / n`` where ``t y < margin``, times twice the gap if squared."""
        factor = 2 if self.squared else 1
        share = by_row(-factor * cotangent / width(y), y)
        # Finite, so that a cotangent of 0 leaves nothing of it.
        short = np.minimum(self._short(y, t), np.finfo(y.dtype).max)
        share = share * (short if self.squared else short > 0)
        return share * t if wanted[0] else None, share * y if wanted[1] else None

    def branch(self, y: Array, t: Array) -> Array:
        """Whether each entry lies short of the margin."""
        return is_above(-t * y, -self.margin)

    def _short(self, y: Array, t: Array) -> Array:
        short: Array = np.maximum(self.margin - t * y, 0)
        return short

    def _terms(self, short: Array) -> Array:
        return short * short if self.squared else short

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Means of the rectified gaps."""
        short = form.add("Relu", form.add("Sub", self.margin, form.add("Mul", *operands)))
        terms = form.add("Mul", short, short) if self.squared else short
        return form.add("ReduceMean", form.flat(terms), [1], keepdims=0)

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        margin = None if self.margin == 1 and not self.squared else shown(self.margin)
        return call("hinge", *form.names, margin, 2 if self.squared else None)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``-g t / n`` and ``-g y / n`` where ``t y < margin``."""
        (y, t), g = form.names, self.row_cotangent(form)
        gap = f"{shown(self.margin)} - {t} * {y}"
        slope = f"2 * np.maximum({gap}, 0)" if self.squared else f"({gap} > 0)"
        over = self.over_entries(form)
        return [f"-{g} * {slope} * {t}{over}", f"-{g} * {slope} * {y}{over}"]

    def to_torch(self, form: CodeForm) -> str:
        """Its formula."""
        y, t = form.names
        text = f"torch.relu({shown(self.margin)} - {t} * {y})"
        text = f"({text} ** 2)" if self.squared else text
        return self.mean_by_sample(form, text)


class CosineDistance(Loss):
    """Cosine distance ``1 - y t / (|y| |t|)`` of a prediction and a target, each as one vector.

    It is 0 where both have one direction, 2 where they are opposite: `cosine_similarity`, made
    small by training. A length of less than `epsilon` counts as that much.

    References
    ----------
    As for `CosineSimilarity`.
    """

    op: Literal["cosine_distance"] = "cosine_distance"
    epsilon: Positive = Field(1e-8, description="Least length that a vector is divided by.")

    also_called = aliases(epsilon="eps")
    elsewhere = ("cosineembeddingloss", "cosineproximity", "cosineloss")
    grain = 1.0  # the difference of 1 and a cosine near it

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """1 less the cosine, for each sample."""
        return np.subtract(1, cosine(by_sample(y), by_sample(t), 1, self.epsilon), out=out)

    def vjp(
        self, cotangent: Array, output: Array, y: Array, t: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """``-g (v - u cos) / |y|``, u and v both with length 1; and likewise for the target."""
        share, rows = -cotangent[:, None], (by_sample(y), by_sample(t))
        by_y = cosine_by(share, *rows, 1, self.epsilon).reshape(y.shape) if wanted[0] else None
        by_t = None
        if wanted[1]:
            by_t = cosine_by(share, *rows[::-1], 1, self.epsilon).reshape(t.shape)
        return by_y, by_t

    def branch(self, y: Array, t: Array) -> Array:
        """Which of both lengths are beyond epsilon."""
        squares = self.epsilon**2
        long_y, long_t = (np.vecdot(x, x) > squares for x in (by_sample(y), by_sample(t)))
        return np.asarray(long_y + 2 * long_t)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """1 less the sum of products of both, each over its length."""
        rows = [form.flat(x) for x in operands]
        units = [
            form.add("Div", x, form.add("Max", form.add("ReduceL2", x, [1]), self.epsilon))
            for x in rows
        ]
        return form.add("Sub", 1.0, form.add("ReduceSum", form.add("Mul", *units), [1], keepdims=0))

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        y, t = self._rows(form)
        return f"1 - cosine_similarity({y}, {t}, 1, {self.epsilon})"

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """What of the other direction does not lie along the own one, over the length."""
        (y, t), g = self._rows(form), f"-{form.cotangent}[:, None]"
        if form.even:
            g = f"-{form.cotangent}"
        back = "" if len(form.shapes[0] or ()) == 2 else f".reshape({form.names[0]}.shape)"
        return [
            f"cosine_by({g}, {first}, {second}, 1, {self.epsilon}){back}"
            for first, second in ((y, t), (t, y))
        ]

    def _rows(self, form: CodeForm) -> list[str]:
        """Both as a row for each sample."""
        flat = len(form.shapes[0] or ()) == 2
        return [str(name) if flat else f"{name}.reshape(len({name}), -1)" for name in form.names]

    def to_torch(self, form: CodeForm) -> str:
        """1 less the sum of products of ``F.normalize`` of both, for each sample."""
        units = [f"F.normalize({x}, dim=1, eps={self.epsilon})" for x in self._rows(form)]
        return f"1 - ({units[0]} * {units[1]}).sum(dim=1)"
