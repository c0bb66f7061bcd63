"""What losses have in common."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from graphnn.ops._arrays import Array, ArrayError, misfit
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Op
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm, call
from graphnn.ops.kernels.rows import first_outside
from graphnn.spec.sizes import Shape, show

PROBABILITY = (0.05, 0.95)
SHARES = data("target", "batch ...", domain=(0.0, 1.0))


class Loss(Op):
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

    def row_cotangent(self, form: CodeForm) -> str:
        """The cotangent against the prediction."""
        return form.rows(len(form.shapes[0] or ()))

    def mean_by_sample(self, form: CodeForm, text: str) -> str:
        """The mean over each sample, of a torch expression."""
        flat = len(form.shapes[0] or ()) == 1
        return text if flat else f"{text}.flatten(1).mean(dim=1)"

    def over_entries(self, form: CodeForm) -> str:
        """The division by the number of entries of a sample, as text."""
        count = form.count(range(1, len(form.shapes[0] or ())))
        return "" if count == "1" else f" / {count}"


def width(x: Array) -> int:
    """How many entries a sample has."""
    return math.prod(x.shape[1:])


def by_sample(x: Array) -> Array:
    """A row for each sample."""
    return x.reshape(x.shape[0], width(x))


def by_row(cotangent: Array, like: Array) -> Array:
    """The cotangent, one number a sample, against all entries of the samples."""
    return cotangent.reshape(-1, *(1,) * (like.ndim - 1))


def alike(target: Array, scores: Array) -> Array:
    """The target in the precision of the scores."""
    # Rows of whole numbers would turn float32 into float64.
    return target.astype(scores.dtype, copy=False)


def class_places(scores: Array, target: Array) -> tuple[Array, Array]:
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


def picked(columns: Array, target: Array) -> tuple[Array, Array]:
    """The entry of each sample's class, and its place, in a matrix of a row for each class.

    A place is one number: NumPy finds them in half the time that pairs take.
    """
    if target.dtype.kind == "i":
        starts, samples = _starts(*columns.shape)
        places = starts.take(target + 1, mode="clip")
        places += samples
        try:
            return columns.take(places), places
        except IndexError:
            pass
    class_places(columns.T, target)
    raise AssertionError("class_places accepts a class outside the matrix")


@lru_cache(maxsize=8)
def _starts(classes: int, samples: int) -> tuple[Array, Array]:
    """Where the row of each class starts, and how far each sample is from there.

    One start before the first class and one after the last lead outside the matrix.
    """
    starts = np.arange(-1, classes + 1) * samples
    starts[0] = -starts[-1] - samples
    return starts, np.arange(samples)


def held_log(probability: Array) -> Array:
    """Logarithm, of no less than the smallest normal number."""
    return _held(np.log(probability))


def held_log_rest(probability: Array) -> Array:
    """`held_log` of 1 less the probability."""
    return _held(np.log1p(-probability))


def _held(logarithm: Array) -> Array:
    smallest = np.finfo(logarithm.dtype).smallest_normal
    held: Array = np.maximum(logarithm, np.log(smallest))
    return held


def held_log_onnx(form: OnnxForm, probability: str) -> str:
    """The ONNX form of `held_log`."""
    smallest = float(np.finfo(form.dtype).smallest_normal)
    return form.add("Log", form.add("Max", probability, smallest))


def held_reciprocal(probability: Array) -> Array:
    """``1 / y``, and 0 where `held_log` has been held."""
    inverse = np.zeros_like(probability)
    smallest = np.finfo(probability.dtype).smallest_normal
    return np.divide(1, probability, out=inverse, where=probability >= smallest)
