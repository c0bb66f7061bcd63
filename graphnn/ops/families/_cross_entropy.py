"""What the losses of classes have in common, of class numbers or of rows of probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, PrivateAttr

from graphnn.diagnostics import counted
from graphnn.ops._arrays import Array, ArrayError, Cotangents, Saved, ShapeError, Wanted, misfit
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Op, aliases
from graphnn.ops._operands import Kind, Operand
from graphnn.ops.code import CodeForm, call
from graphnn.ops.families._losses import SHARES, Loss, alike, class_places
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape, show

CLASSES = replace(
    SHARES,
    kind="any",
    below="classes",
    forms=(("batch ...", "int"), ("batch ... classes", "float")),
)
_Weights = Annotated[
    tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], Field(min_length=1)
]


class OfRows(Loss):
    """A loss of the probabilities of classes, or of the scores that a softmax makes them of."""

    grain = 1.0  # the logarithm of a number near 1

    def fused(self, operand: str, source: Op, shape: Shape) -> Op | None:
        """One step, if the softmax is along the classes."""
        found = super().fused(operand, source, shape)
        return found if found is not None and source.gives_shares(shape) else None

    def _weighed(self, form: OnnxForm, logarithms: str, rows: str) -> str:
        """The ONNX form of ``-sum_k r_k l_k`` from rows r and logarithms l."""
        products = form.add("Mul", rows, logarithms)
        return form.add("Neg", form.add("ReduceSum", products, [-1], keepdims=0))


class OfClasses(OfRows):
    """Cross-entropy of probabilities, or of scores.

    The target of each sample becomes a row r, of which the loss is ``-sum_k r_k log(y_k)``. Where
    a sample has several rows, as a sequence has, they are computed as rows of one matrix.
    """

    class_weights: _Weights | None = Field(
        None, description="What each class counts, one number for each; left out, 1."
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=1,
        allow_inf_nan=False,
        description="Share of the target that is spread evenly over all classes.",
    )
    ignored_class: int | None = Field(
        None, description="Class number of what counts for nothing, such as padding: any number."
    )
    counts_ignored: bool = Field(
        False, description="Whether what is ignored counts in means all the same, as a loss of 0."
    )
    _share: float | None = PrivateAttr(None)  # see `fixed`

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
        if key == "counts_ignored":
            return [False, True]
        return [0.0, 0.0, 0.1, 0.5] if key == "label_smoothing" else [None, None, 0]

    def beside(self, operand: Operand, shapes: Sequence[Shape]) -> Sequence[Shape] | None:
        """Class numbers alone where a class is ignored."""
        return [shapes[0][:-1]] if self.ignored_class is not None else None

    def limit(self, operand: Operand, shapes: Sequence[Shape]) -> sizes.Size | None:
        """Class numbers stay below the number of classes."""
        return shapes[0][-1]

    def rows_apart(self, *shapes: Shape) -> bool:
        """Unless what a sample counts depends on how many others are ignored."""
        divides = self.ignored_class is not None and not self.counts_ignored
        return super().rows_apart(*shapes) and (self._share is not None or not divides)

    def fixed(self, *arrays: Any) -> Self:
        """With what each sample counts in this batch."""
        target = arrays[1]
        if self.ignored_class is None or self.counts_ignored:
            return self
        made = self.model_copy()
        made._share = self._shares(target != self.ignored_class)
        return made

    def _shares(self, kept: Array) -> float:
        """What a row counts that is not ignored, so that the mean over all is that over these."""
        if self._share is not None:
            return self._share
        return kept.size / max(int(np.count_nonzero(kept)), 1)

    @property
    def _plain(self) -> bool:
        """Whether the target of a class number is 1 in its place."""
        weighs = self.class_weights is not None or self.ignored_class is not None
        return not (weighs or self.label_smoothing)

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """One number for each sample; None where the signatures say what is wrong."""
        scores, target = shapes
        if len(scores) < 2:
            return None
        if target not in (scores, scores[:-1]):
            rows = show(scores)
            help = f"class numbers have shape {show(scores[:-1])}, rows of probabilities {rows}"
            raise misfit("target", target, f"but '{self.operands[0].name}' has {rows}", help)
        if len(target) == len(scores) and self.ignored_class is not None:
            problem = "which are rows of probabilities: none is of the class to ignore"
            raise misfit("target", target, problem, attribute="ignored_class")
        if isinstance(scores[-1], int):
            self._check_weights(scores[-1], ShapeError)
        return scores[:1]

    def check_kinds(self, shapes: Sequence[Shape], kinds: Sequence[Kind]) -> None:
        """Check that a target without an axis of classes holds whole numbers."""
        if len(shapes[1]) < len(shapes[0]) and kinds[1] != "int":
            problem = "so it must hold class numbers, but it holds real numbers"
            raise misfit("target", shapes[1], problem, "declare the input with 'dtype: int'")

    def _check_weights(self, classes: int, error: type[ShapeError] | type[ArrayError]) -> None:
        """Check that there is a weight for each class, which a free size shows when it is run."""
        count = len(self.class_weights or ())
        if count and count != classes:
            raise error(
                f"'class_weights' holds {counted(count, 'number')}, "
                f"but there are {classes} classes",
                attribute="class_weights",
            )

    def _of_samples(
        self, x: Array, t: Array, out: Array | None = None, saved: Saved | None = None
    ) -> Array:
        """``-sum r log y`` for each sample, the mean over the rows that it has."""
        if x.ndim == 2:
            return self._losses(x, t, out, saved)
        losses = self._losses(*_as_rows(x, t), None, saved)
        means: Array = np.mean(losses.reshape(len(x), -1), axis=1, out=out)
        return means

    def _by_samples(
        self, cotangent: Array, x: Array, t: Array, wanted: Wanted, saved: Saved | None = None
    ) -> Cotangents:
        """Cotangents, those of each row of a sample from its share of the sample's."""
        if x.ndim == 2:
            return self._reverse(cotangent, x, t, wanted, saved)
        rows, targets = _as_rows(x, t)
        count = len(rows) // len(x)
        found = self._reverse(np.repeat(cotangent / count, count), rows, targets, wanted, saved)
        pairs = zip(found, (x, t), strict=True)
        return tuple(None if own is None else own.reshape(like.shape) for own, like in pairs)

    def _losses(self, x: Array, t: Array, out: Array | None, saved: Saved | None) -> Array:
        """The loss of each row of a matrix."""
        raise NotImplementedError

    def _reverse(
        self, cotangent: Array, x: Array, t: Array, wanted: Wanted, saved: Saved | None
    ) -> Cotangents:
        """Cotangents of the rows of a matrix and of their targets."""
        raise NotImplementedError

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
        if kept is None:
            return rows
        share = 1 if self.counts_ignored else self._shares(kept)
        counted: Array = (kept * rows.dtype.type(share))[:, None]
        return rows * counted

    def _slope(self, like: Array) -> Any:
        """The derivative of the rows by the target."""
        weights = self.class_weights
        factors = 1.0 if weights is None else np.asarray(weights, like.dtype)
        return factors * (1 - self.label_smoothing)

    def _chosen(self, form: OnnxForm, logarithms: str, scores: str, target: str) -> str:
        """The ONNX form of the loss, from the logarithms."""
        numbers = len(form.shapes[target]) < len(form.shapes[scores])
        if numbers and self._plain:
            places = form.add("Unsqueeze", target, [-1])
            found = form.add("GatherElements", logarithms, places, axis=-1)
            losses = form.add("Neg", form.add("Squeeze", found, [-1]))
        else:
            rows = self._onnx_rows(form, logarithms, scores, target)
            losses = self._weighed(form, logarithms, rows)
        axes = [*range(1, len(form.shapes[scores]) - 1)]
        return form.add("ReduceMean", losses, axes, keepdims=0) if axes else losses

    def _onnx_rows(self, form: OnnxForm, logarithms: str, scores: str, target: str) -> str:
        """The ONNX form of `_rows`."""
        kept, rows = "", target
        classes = form.shapes[scores][-1]
        if len(form.shapes[target]) < len(form.shapes[scores]):
            if self.ignored_class is not None:
                ignored = form.add("Equal", target, np.array(self.ignored_class))
                kept = form.add("CastLike", form.add("Not", ignored), logarithms)
                rows = form.add("Where", ignored, np.array(0), target)
            rows = form.add("OneHot", rows, form.size(classes), np.array([0.0, 1.0]), axis=-1)
        else:
            rows = form.real(target)
        if self.label_smoothing:
            count = form.add("CastLike", form.size(classes), logarithms)
            rows = form.add("Mul", rows, 1 - self.label_smoothing)
            rows = form.add("Add", rows, form.add("Div", self.label_smoothing, count))
        if self.class_weights is not None:
            rows = form.add("Mul", rows, np.array(self.class_weights))
        if kept and not self.counts_ignored:
            count = form.add("Max", form.add("ReduceSum", kept, keepdims=0), 1.0)
            every = form.add("CastLike", form.add("Size", target), logarithms)
            kept = form.add("Mul", kept, form.add("Div", every, count))
        return form.add("Mul", rows, form.add("Unsqueeze", kept, [-1])) if kept else rows

    def written_target(self, form: CodeForm) -> str:
        """The target, or the rows that stand for it."""
        scores, target = form.names
        if self._plain:
            return str(target)
        weights = None if self.class_weights is None else list(self.class_weights)
        given = {
            "weights": weights,
            "smoothing": self.label_smoothing or None,
            "ignored": self.ignored_class,
            "counted": self.counts_ignored or None,
        }
        return call("target_rows", target, scores, **given)

    def written_slope(self) -> str:
        """The derivative of the rows by the target, as a factor."""
        weights = "" if self.class_weights is None else f" * np.array({list(self.class_weights)})"
        return weights + (f" * {1 - self.label_smoothing}" if self.label_smoothing else "")

    def row_cotangent(self, form: CodeForm) -> str:
        """That of a row, of which a sample may have several."""
        rank = len(form.shapes[0] or ())
        own = super().row_cotangent(form)
        return own if rank == 2 else f"{own} / {form.count(range(1, rank - 1))}"

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return call(self.name, form.names[0], self.written_target(form))

    def torch_weight(self, form: CodeForm) -> str | None:
        """The weights as a tensor; None where there are none."""
        if self.class_weights is None:
            return None
        return f"torch.tensor({list(self.class_weights)}, dtype={form.names[0]}.dtype)"

    def torch_loss(self, function: str, form: CodeForm, x: str, t: str, **options: Any) -> str:
        """A call of a loss of torch with the weights and the class to ignore."""
        weight = self.torch_weight(form)
        scores, target = (len(shape or ()) for shape in form.shapes)
        if scores > 2:
            x = f"{x}.flatten(0, -2)"
            t = f"{t}.flatten(0, -2)" if target == scores else f"{t}.flatten()"
        given = [x, t, *([f"weight={weight}"] if weight else [])]
        return call(function, *given, ignore_index=self.ignored_class, **options, reduction="none")

    def torch_by_sample(self, form: CodeForm, losses: str) -> str:
        """The mean over the rows of each sample, those that are ignored left out."""
        if len(form.shapes[0] or ()) > 2:
            losses = f"{losses}.reshape(len({form.names[0]}), -1).mean(dim=1)"
        if self.ignored_class is None or self.counts_ignored:
            return losses
        t = form.names[1]
        return f"{losses} * {t}.numel() / ({t} != {self.ignored_class}).sum().clamp_min(1)"


def _as_rows(x: Array, t: Array) -> tuple[Array, Array]:
    """Scores as one matrix, and their targets."""
    rows = x.reshape(-1, x.shape[-1])
    return rows, t.reshape(rows.shape if t.ndim == x.ndim else -1)
