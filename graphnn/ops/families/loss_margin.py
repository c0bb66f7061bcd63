"""The hinge loss of several classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents, misfit
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm, call, shown
from graphnn.ops.families._losses import Loss, class_places
from graphnn.ops.initializers import Positive
from graphnn.ops.kernels.ties import is_above
from graphnn.spec.sizes import Shape, show


class MulticlassHinge(Loss):
    """Hinge loss of K classes, ``sum_k max(margin - y_c + y_k, 0) / K`` over the classes k but c.

    The target c is a class number. A class adds nothing once the score of c is larger than its
    score by the `margin`. It is torch's ``multi_margin_loss``.

    References
    ----------
    J. Weston and C. Watkins, Support vector machines for multi-class pattern recognition, ESANN
    1999, eq. 3; the squared one: Y. Tang, Deep learning using linear support vector machines, 2013.
    """

    op: Literal["multiclass_hinge"] = "multiclass_hinge"
    margin: Positive = Field(1.0, description="By how much the class should lead over each other.")
    squared: bool = Field(False, description="Whether what a class adds is squared.")

    elsewhere = ("multimarginloss", "multiclasshingeloss")
    operands = (
        data("prediction", "batch classes"),
        data("target", "batch", kind="int", below="classes"),
    )
    cases: ClassVar[tuple[Case, ...]] = (Case({}, [(3, 4), (3,)], ["float", "int"]),)

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """One number for each sample; None where the signatures say what is wrong."""
        scores, target = shapes
        if len(scores) != 2:
            return None
        if target != scores[:1]:
            problem = f"but 'prediction' has {show(scores)}"
            raise misfit("target", target, problem, f"class numbers have shape {show(scores[:1])}")
        return scores[:1]

    def forward(self, y: Array, t: Array, *, out: Array | None = None) -> Array:
        """Mean of ``max(margin - y_c + y_k, 0)`` for each sample, squared where that is asked."""
        short = self._short(y, t)
        return np.mean(short * short if self.squared else short, axis=1, out=out)

    def vjp(self, cotangent: Array, output: Array, y: Array, t: Array) -> Cotangents:
        """``g / K`` where the lead is too small, times twice the gap if squared; minus it at c."""
        short = self._short(y, t)
        slopes: Array = 2 * short if self.squared else (short > 0).astype(y.dtype)
        # Finite, so that a cotangent of 0 leaves nothing of it.
        slopes = np.minimum(slopes, np.finfo(y.dtype).max / y.shape[1])
        slopes[class_places(y, t)] = -slopes.sum(axis=1)
        return slopes * (cotangent / y.shape[1])[:, None], None

    def branch(self, y: Array, t: Array) -> Array:
        """Over which classes the lead is too small."""
        near = is_above(y - y[class_places(y, t)][:, None], -self.margin)
        near[class_places(y, t)] = False
        return near

    def _short(self, y: Array, t: Array) -> Array:
        places = class_places(y, t)
        short: Array = self.margin - y[places][:, None] + y
        short[short.real < 0] = 0
        short[places] = 0
        return short

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Means of the rectified gaps, that of the class itself left out."""
        y, t = operands
        chosen = form.add("GatherElements", y, form.add("Unsqueeze", t, [1]), axis=1)
        short = form.add("Relu", form.add("Add", form.add("Sub", y, chosen), self.margin))
        classes = form.size(form.shapes[y][1])
        others = form.add("OneHot", t, classes, np.array([1.0, 0.0]), axis=1)
        short = form.add("Mul", short, others)
        terms = form.add("Mul", short, short) if self.squared else short
        return form.add("ReduceMean", terms, [1], keepdims=0)

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return self._written("multiclass_hinge", *form.names)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Likewise."""
        return [self._written("multiclass_hinge_back", form.cotangent, *form.names), None]

    def _written(self, function: str, *names: str | None) -> str:
        margin = None if self.margin == 1 and not self.squared else shown(self.margin)
        return call(function, *names, margin, 2 if self.squared else None)

    def to_torch(self, form: CodeForm) -> str:
        """``F.multi_margin_loss``."""
        options = {"p": 2 if self.squared else None}
        margin = None if self.margin == 1 else self.margin
        options_given = {**options, "margin": margin, "reduction": "none"}
        return call("F.multi_margin_loss", *form.names, **options_given)
