"""Lookups: entries in places that whole numbers choose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents, ShapeError, misfit
from graphnn.ops._inference import Inferred
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, Op, aliases
from graphnn.ops._operands import Operand, data
from graphnn.ops._passages import Passage, Tracked
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm
from graphnn.ops.kernels.axes import Axis, normal_axis
from graphnn.ops.kernels.rows import add_rows, check_places
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression, Shape, show


class Gather(Op):
    """Entries of `x` along one axis, in the places that whole numbers choose: ``y = x[index]``.

    The axis is replaced by those of `index`. With ``batch_axes: 1`` each row of `index` chooses in
    its own row of `x`, so that for axis 1 ``y[n] = x[n, index[n]]``: the score of an action, say.
    """

    op: Literal["gather"] = "gather"
    axis: Axis = Field(description="Along which axis of `x`; counted from the end where negative.")
    batch_axes: int = Field(
        0, ge=0, description="How many first axes `x` and `index` have in common."
    )

    also_called = aliases(axis="dim", batch_axes="batch_dims")
    elsewhere = ("take", "indexselect", "takealongdim", "gathernd", "gatherelements")
    operands = (data("x", "...", kind="any"), data("index", "...", kind="int"))
    batchwise = True
    analytic = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"axis": 1}, [(2, 3), (2,)], ["float", "int"]),
        Case({"axis": 0}, [(3, 2), (2, 2)], ["float", "int"]),
        Case({"axis": 1, "batch_axes": 1}, [(3, 4), (3,)], ["float", "int"]),
        Case({"axis": -1, "batch_axes": 1}, [(2, 2, 3), (2, 2)], ["float", "int"]),
        Case({"axis": 2, "batch_axes": 1}, [(2, 3, 4, 2), (2, 3)], ["float", "int"]),
        Case({"axis": 2, "batch_axes": 2}, [(2, 2, 3), (2, 2, 2)], ["int", "int"]),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """An axis whose size is a number; only `batch_axes` for which the places are alike."""
        if key == "axis":
            known = [axis for axis, size in enumerate(shape) if isinstance(size, int)]
            return [*known, *(axis - len(shape) for axis in known)] or [0]
        return range(chosen["axis"] % len(shape) + 1)

    def beside(self, operand: Operand, shapes: Sequence[Shape]) -> Sequence[Shape] | None:
        """Places with at most two axes after those in common."""
        common = shapes[0][: self.batch_axes]
        return [(*common, *own) for own in ((), (1,), (2,), (3, 2))]

    def limit(self, operand: Operand, shapes: Sequence[Shape]) -> sizes.Size | None:
        """For the places, how many entries `x` has along the axis."""
        if operand.name != "index":
            return None
        return shapes[0][normal_axis(self.axis, shapes[0])]

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """As `infer_shape`: the dots of both operands stand for different axes."""
        return Inferred(self.infer_shape(*shapes), {}, {})

    def infer_shape(self, *shapes: Shape) -> Shape:
        """That of `x`, with the axes of `index` after its first ones in place of the axis."""
        x, index = shapes
        axis, shared = normal_axis(self.axis, x), self.batch_axes
        if shared > axis:
            raise ShapeError(
                f"'batch_axes' is {shared}, but 'axis' is {self.axis}",
                "x",
                "the axis comes after those that both have in common",
                "batch_axes",
            )
        if len(index) < shared or index[:shared] != x[:shared]:
            raise misfit(
                "index",
                index,
                f"but 'x' has {show(x)}",
                f"with 'batch_axes' {shared} it starts as {show(x[:shared])}",
            )
        return (*x[:axis], *index[shared:], *x[axis + 1 :])

    def has_rows(self, *shapes: Shape) -> tuple[bool, ...]:
        """`x`, unless places along its first axis are chosen; `index`, unless for all rows."""
        x, index = shapes
        if self.batch_axes:
            return True, True
        first = normal_axis(self.axis, x) == 0
        return not first, first and len(index) > 0

    def forward(self, x: Array, index: Array) -> Array:
        """The entries of `x` in the places along the axis."""
        axis = self.axis % x.ndim
        check_places(index, x.shape[axis], "index", f"entries along axis {self.axis} of 'x'")
        if not self.batch_axes:
            return np.take(x, index, axis=axis)
        table, places = self._table(x, index, axis)
        found = table[places].reshape(
            *x.shape[: self.batch_axes], *index.shape[self.batch_axes :], *self._rest(x, axis)
        )
        return np.moveaxis(found, *self._moves(index, axis)).copy()

    def vjp(self, cotangent: Array, output: Array, x: Array, index: Array) -> Cotangents:
        """For each entry of `x`, the sum of ``g`` where it was chosen; none for whole numbers."""
        if x.dtype.kind != "f":
            return None, None
        axis = self.axis % x.ndim
        table, places = self._table(x, index, axis)
        there, here = self._moves(index, axis)
        rows = np.moveaxis(cotangent, here, there).reshape(places.size, -1)
        whole = add_rows(rows, places, len(table))
        moved = whole.reshape(*x.shape[: self.batch_axes], x.shape[axis], *self._rest(x, axis))
        return np.moveaxis(moved, self.batch_axes, axis), None

    def _table(self, x: Array, index: Array, axis: int) -> tuple[Array, Array]:
        """`x` as a matrix with a row for each place, and the rows that are chosen."""
        groups = math.prod(x.shape[: self.batch_axes])
        count = x.shape[axis]
        table = np.moveaxis(x, axis, self.batch_axes).reshape(groups * count, -1)
        places = index.reshape(groups, -1) + count * np.arange(groups)[:, None]
        return table, places.reshape(-1)

    def _rest(self, x: Array, axis: int) -> tuple[int, ...]:
        return (*x.shape[self.batch_axes : axis], *x.shape[axis + 1 :])

    def _moves(self, index: Array, axis: int) -> tuple[list[int], list[int]]:
        """Where the axes of the places are in front, and where in the result."""
        own = range(index.ndim - self.batch_axes)
        return [self.batch_axes + n for n in own], [axis + n for n in own]

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Gather, or GatherND with the axis moved to the front and back."""
        x, index = operands
        rank, shared = len(form.shapes[x]), self.batch_axes
        axis = self.axis % rank
        if not shared:
            return form.add("Gather", x, index, axis=axis)
        order = [*range(shared), axis, *(n for n in range(shared, rank) if n != axis)]
        moved = x if axis == shared else form.add("Transpose", x, perm=order)
        found = form.add("GatherND", moved, form.add("Unsqueeze", index, [-1]), batch_dims=shared)
        own = len(form.shapes[index]) - shared
        if axis == shared or not own:
            return found
        back = [
            *range(shared),
            *range(shared + own, axis + own),
            *range(shared, shared + own),
            *range(axis + own, rank + own - 1),
        ]
        return form.add("Transpose", found, perm=back)

    def to_numpy(self, form: CodeForm) -> str:
        """The places as an index, for each row on its own where rows choose."""
        if self.batch_axes:
            return form.fill(f"gather({{x}}, {{index}}, {self._options(form)})", self)
        return self._indexed(form, *form.names)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Sums of ``g`` by place."""
        if form.kinds[0] != "float":
            return [None, None]
        return [
            form.fill(f"gather_by_x({{g}}, {{x}}, {{index}}, {self._options(form)})", self),
            None,
        ]

    def to_torch(self, form: CodeForm) -> str:
        """The places as an index, mapped over rows where they choose."""
        if not self.batch_axes:
            return self._indexed(form, *form.names)
        text = f"lambda x, i: {self._indexed(form, 'x', 'i')}"
        for _ in range(self.batch_axes - 1):
            text = f"torch.vmap({text})"
        return form.fill(f"torch.vmap({text})({{x}}, {{index}})", self)

    def _indexed(self, form: CodeForm, x: str | None, index: str | None) -> str:
        before = self.axis % len(form.shapes[0] or ()) - self.batch_axes
        return f"{x}[{', '.join([*[':'] * before, str(index)])}]"

    def _options(self, form: CodeForm) -> str:
        axis = self.axis % len(form.shapes[0] or ())
        return f"{axis}, {self.batch_axes}" if self.batch_axes else str(axis)


class OneHot(Op):
    """One-hot rows: for each whole number, 1 in its place and 0 elsewhere.

    Numbers go from 0 to ``classes - 1``; the result has one axis more, and no gradient goes back.
    """

    op: Literal["one_hot"] = "one_hot"
    classes: Size = Field(description="How many numbers there are.")

    also_called = aliases(classes="num_classes depth num_tokens size units")
    elsewhere = ("onehotencoding", "categoryencoding", "tocategorical")
    operands = (data("x", "...", kind="int", below="classes"),)
    result = "... classes"
    batchwise = True
    analytic = True
    output_interval = (0.0, 1.0)
    sums_to_one = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"classes": 3}, [(4,)], ["int"]),
        Case({"classes": 2}, [(2, 2)], ["int"]),
        Case({"classes": 1}, [()], ["int"]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """All axes stay apart."""
        return Passage(tracked.axis)

    def forward(self, x: Array) -> Array:
        """1 where the place is the number, else 0."""
        classes = self.classes
        assert not isinstance(classes, Expression)
        check_places(x, classes, "x", "classes")
        y: Array = np.zeros((x.size, classes))
        y[np.arange(x.size), x.reshape(-1)] = 1
        return y.reshape(*x.shape, classes)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """None: whole numbers have no gradient."""
        return (None,)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """OneHot of 0 and 1."""
        (x,) = operands
        single = not form.shapes[x]
        places = form.add("Unsqueeze", x, [0]) if single else x
        rows = form.add("OneHot", places, form.size(self.classes), np.array([0.0, 1.0]), axis=-1)
        return form.add("Squeeze", rows, [0]) if single else rows

    def to_numpy(self, form: CodeForm) -> str:
        """Rows of the unit matrix."""
        return form.fill(f"np.eye({form.size(self.classes, 0)})[{{x}}]", self)

    def to_torch(self, form: CodeForm) -> str:
        """``F.one_hot``."""
        return form.fill(f"F.one_hot({{x}}, {form.size(self.classes, 0)}).double()", self)
