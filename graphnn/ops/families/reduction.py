"""Reductions: axes summed up in one number, or in a number for each entry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, Op, aliases
from graphnn.ops._operands import Kind, data
from graphnn.ops._passages import Passage, Tracked, earlier, folded
from graphnn.ops.code import CodeForm, along, call
from graphnn.ops.families._elementwise import AlongAxis
from graphnn.ops.kernels.axes import Axes, Axis, normal_axes, normal_axis
from graphnn.ops.kernels.ties import first_largest
from graphnn.spec.sizes import Shape


class _Reduction(Op):
    """One number for all entries along the axes."""

    axis: Axes = Field(None, description="Axis, or list of axes; left out, all of them.")
    keepdims: bool = Field(False, description="Whether those axes stay, with size 1.")

    also_called = aliases(axis="dim axes", keepdims="keep_dims keepdim")
    operands = (data("x", "..."),)
    batchwise = True
    analytic = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(2, 3)]),
        Case({"axis": 1}, [(3, 4)]),
        Case({"axis": [-1, 1], "keepdims": True}, [(2, 3, 2)]),
        Case({"axis": [0, 2]}, [(3, 2, 2)]),
        Case({"axis": 0, "keepdims": True}, [(3,)]),
        Case({}, [()]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Axes that go are taken together, in any order; others stay apart."""
        axis, gone = tracked.axis, normal_axes(self.axis, tracked.shapes[0])
        if axis in gone:
            return folded(alike=True)
        return Passage(axis if self.keepdims else axis - sum(each < axis for each in gone))

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The reduction along the axes, counted from the front."""
        (x,) = operands
        axes = None if self.axis is None else [*normal_axes(self.axis, form.shapes[x])]
        return form.add(self.onnx, x, axes, keepdims=int(self.keepdims))

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The shape without the axes, or with 1 in their places."""
        (shape,) = shapes
        axes = normal_axes(self.axis, shape)
        if self.keepdims:
            return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis stays."""
        return bool(shapes[0]) and 0 not in normal_axes(self.axis, shapes[0])

    def _stretched(self, reduced: Array, x: Array) -> Array:
        """`reduced` with an axis of size 1 for each that is gone, so that it broadcasts."""
        axes = normal_axes(self.axis, x.shape)
        return np.reshape(reduced, [1 if axis in axes else n for axis, n in enumerate(x.shape)])

    def to_numpy(self, form: CodeForm) -> str:
        """The method of the array."""
        return form.fill(f"{{x}}.{self._arguments(self.name, form, 'axis', 'keepdims')}", self)

    def _arguments(self, method: str, form: CodeForm, axis: str, keep: str) -> str:
        axes = None if self.axis is None else normal_axes(self.axis, form.shapes[0] or ())
        given = {} if axes is None else {axis: axes[0] if len(axes) == 1 else axes}
        return call(method, **given, **({keep: True} if self.keepdims else {}))

    def _along(self, form: CodeForm) -> str:
        """The cotangent with an axis of size 1 for each that is gone."""
        axes = normal_axes(self.axis, form.shapes[0] or ())
        if self.keepdims or len(axes) == len(form.shapes[0] or ()):
            return form.cotangent
        return f"np.expand_dims({form.cotangent}, {along(axes)})"

    def to_torch(self, form: CodeForm) -> str:
        """The method of the tensor."""
        shape = form.shapes[0] or ()
        axes = along(normal_axes(self.axis, shape)) if shape else "()"
        method = "amax" if self.name == "max" else self.name
        keep = ", keepdim=True" if self.keepdims else ""
        return form.fill(f"{{x}}.{method}(dim={axes}{keep})", self)


class Sum(_Reduction):
    """Sum along axes."""

    op: Literal["sum"] = "sum"
    onnx = "ReduceSum"

    symbol = "Σ"
    elsewhere = ("reducesum",)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Sum of the entries along the axes."""
        total: Array = np.sum(x, axis=self.axis, keepdims=self.keepdims, out=out)
        return total

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent for each entry that went into it."""
        return (np.broadcast_to(self._stretched(cotangent, x), x.shape),)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The cotangent for every entry."""
        return [form.fill(f"np.broadcast_to({self._along(form)}, {{x}}.shape)", self)]


class Mean(_Reduction):
    """Mean along axes."""

    op: Literal["mean"] = "mean"
    onnx = "ReduceMean"

    elsewhere = ("reducemean", "average")
    within_inputs = True

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Mean of the entries along the axes."""
        mean: Array = np.mean(x, axis=self.axis, keepdims=self.keepdims, out=out)
        return mean

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent over the number of entries that went into it."""
        count = math.prod(x.shape[axis] for axis in normal_axes(self.axis, x.shape))
        return (np.broadcast_to(self._stretched(cotangent / count, x), x.shape),)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """An even share of the cotangent for every entry."""
        share = f"{self._along(form)} / {form.count(normal_axes(self.axis, form.shapes[0] or ()))}"
        return [form.fill(f"np.broadcast_to({share}, {{x}}.shape)", self)]


class Max(_Reduction):
    """Maximum along axes; entries that tie for it share the cotangent evenly."""

    op: Literal["max"] = "max"
    onnx = "ReduceMax"

    elsewhere = ("reducemax", "amax")
    within_inputs = True

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """Largest of the entries along the axes."""
        largest: Array = np.max(x, axis=self.axis, keepdims=self.keepdims, out=out)
        return largest

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent for the largest entry; an equal share for each where several are."""
        winners = (x == self._stretched(output, x)).astype(x.dtype)
        winners /= winners.sum(axis=self.axis, keepdims=True)
        return (winners * self._stretched(cotangent, x),)

    def branch(self, x: Array) -> Array:
        """Position of the largest entry along the axes, or of the first equal but for rounding."""
        axes = normal_axes(self.axis, x.shape)
        moved = np.moveaxis(x, axes, range(-len(axes), 0))
        rows = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
        return first_largest(rows)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The cotangent for the largest entries."""
        axes = normal_axes(self.axis, form.shapes[0] or ())
        return [form.fill(f"max_by_x({self._along(form)}, {{x}}, {along(axes)})", self)]


class CumulativeSum(AlongAxis):
    """Cumulative sum ``y_i = x_1 + ... + x_i`` along an axis, the last by default."""

    op: Literal["cumulative_sum"] = "cumulative_sum"
    exclusive: bool = Field(False, description="Whether the entry itself is left out.")
    reverse: bool = Field(False, description="Whether it runs from the last entry to the first.")

    symbol = "Σ"
    elsewhere = ("cumsum", "scan")
    inplace = False

    def passage(self, tracked: Tracked) -> Passage | None:
        """Along its axis, of those before or after; others stay apart."""
        axis = tracked.axis
        if axis != normal_axis(self.axis, tracked.shapes[0]):
            return Passage(axis)
        return Passage(axis, 0, math.inf, False) if self.reverse else earlier(axis)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """The sums so far, along the axis."""
        return self._summed(x, self.reverse, np.empty_like(x) if out is None else out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cumulative sum of ``g`` the other way."""
        return (self._summed(cotangent, not self.reverse, np.empty_like(cotangent)),)

    def _summed(self, x: Array, reverse: bool, out: Array) -> Array:
        before, along = (slice(None),) * (self.axis % x.ndim), slice(None, None, -1)
        if reverse:
            x, turned = x[*before, along], out[*before, along]
        else:
            turned = out
        if self.exclusive:
            turned[*before, :1] = 0
            np.cumsum(x[*before, :-1], axis=self.axis, out=turned[*before, 1:])
        else:
            np.cumsum(x, axis=self.axis, out=turned)
        return out

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """CumSum along the axis."""
        axis = np.array(self.axis, np.int64)
        given = {"exclusive": int(self.exclusive), "reverse": int(self.reverse)}
        return form.add("CumSum", *operands, axis, **given)

    def to_numpy(self, form: CodeForm) -> str:
        """``cumsum``, turned around before and after where it runs from the end."""
        return self._written("{x}", self.reverse, form)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The same of ``g`` the other way."""
        return [self._written("{g}", not self.reverse, form)]

    def _written(self, name: str, reverse: bool, form: CodeForm) -> str:
        text = f"np.flip({name}, {self.axis})" if reverse else name
        text = f"np.cumsum({text}, axis={self.axis})"
        text = f"np.flip({text}, {self.axis})" if reverse else text
        return form.fill(f"{text} - {name}" if self.exclusive else text, self)

    def to_torch(self, form: CodeForm) -> str:
        """``torch.cumsum``, likewise."""
        text = f"{{x}}.flip({self.axis})" if self.reverse else "{x}"
        text = f"torch.cumsum({text}, dim={self.axis})"
        text = f"{text}.flip({self.axis})" if self.reverse else text
        return form.fill(f"{text} - {{x}}" if self.exclusive else text, self)


class Argmax(Op):
    """Position of the largest entry along one axis, the first where several are; a whole number.

    It moves in jumps, so that its derivative is 0 wherever there is one: no gradient goes back
    through it.
    """

    op: Literal["argmax"] = "argmax"
    axis: Axis = Field(-1, description="Along which axis; counted from the end where negative.")
    keepdims: bool = Field(False, description="Whether that axis stays, with size 1.")

    also_called = aliases(axis="dim", keepdims="keep_dims keepdim")
    elsewhere = ("indexofmax",)
    operands = (data("x", "..."),)
    batchwise = True
    analytic = True

    def infer_kind(self, *kinds: Kind) -> Kind:
        """Whole numbers."""
        return "int"

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The shape without the axis, or with 1 in its place."""
        (shape,) = shapes
        axis = normal_axis(self.axis, shape)
        return (*shape[:axis], *[1][: self.keepdims], *shape[axis + 1 :])

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether another axis than the first is searched."""
        return normal_axis(self.axis, shapes[0]) != 0

    def forward(self, x: Array) -> Array:
        """Position of the largest entry along the axis."""
        return np.asarray(np.argmax(x, axis=self.axis, keepdims=self.keepdims))

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """0: a position is flat wherever it does not jump."""
        return (np.zeros_like(x),)

    def branch(self, x: Array) -> Array:
        """The position itself."""
        return self.forward(x)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """ArgMax."""
        return form.add("ArgMax", *operands, axis=self.axis, keepdims=int(self.keepdims))

    numpy_vjp: ClassVar = {"x": "np.zeros_like({x})"}

    def to_numpy(self, form: CodeForm) -> str:
        """The method of the array."""
        keep = ", keepdims=True" if self.keepdims else ""
        return form.fill(f"{{x}}.argmax(axis={self.axis}{keep})", self)

    def to_torch(self, form: CodeForm) -> str:
        """The method of the tensor."""
        keep = ", keepdim=True" if self.keepdims else ""
        return form.fill(f"{{x}}.argmax(dim={self.axis}{keep})", self)
