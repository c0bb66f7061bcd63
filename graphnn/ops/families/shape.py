"""Shape ops: the same numbers, arranged or chosen otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, WithJsonSchema, WrapValidator

from graphnn.ops._arrays import Array, ArrayError, Cotangents, ShapeError, misfit
from graphnn.ops._inference import Inferred
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, Op, aliases
from graphnn.ops._operands import data
from graphnn.ops._passages import Passage, Tracked, moved
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm
from graphnn.ops.kernels.axes import Axis, normal_axis
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression, Monomial, Shape, product, show

Extent = Annotated[
    Size,
    WrapValidator(
        lambda value, handler: -1 if type(value) is int and value == -1 else handler(value)
    ),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": -1}, {"type": "string"}]}),
]


class Arrangement(Op):
    """Another arrangement of one array; the result may share its memory."""

    operands = (data("x", "...", kind="any"),)
    batchwise = True
    analytic = True
    view = True


class _Reordered(Arrangement):
    """The same entries in the same order, in another shape."""

    keeps_entries = True
    reorders = True

    def passage(self, tracked: Tracked) -> Passage | None:
        """Axes up to which both shapes are the same stay apart, and those from which they are."""
        before, after = tracked.shapes[0], self.infer(tracked.shapes, {}).result
        axis = tracked.axis
        if before[: axis + 1] == after[: axis + 1]:
            return Passage(axis)
        place = axis + len(after) - len(before)
        return Passage(place) if place >= 0 and before[axis:] == after[place:] else None

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent in the old shape."""
        return (cotangent.reshape(x.shape),)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The cotangent in the old shape."""
        return [form.fill("{g}.reshape({x}.shape)", self)]

    def to_torch(self, form: CodeForm) -> str:
        """As NumPy's."""
        return self.to_numpy(form)


class Reshape(_Reordered):
    """The same entries in the same order, in another shape."""

    op: Literal["reshape"] = "reshape"
    shape: tuple[Extent, ...] = Field(
        description="Sizes, outermost first; one may be -1, which takes what is left."
    )

    also_called = aliases(shape="size target_shape dims")
    elsewhere = ("view",)
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"shape": ["batch", 2, 3]}, [(4, 6)]),
        Case({"shape": ["batch", -1]}, [(2, 3, 2)]),
        Case({"shape": ["batch * 3", 2]}, [(2, 6)]),
        Case({"shape": [3, 2, 2]}, [(2, 6)]),
        Case({"shape": [3, 4]}, [(1, 3, 4)]),
        Case({"shape": [-1]}, [(2, 3)]),
        Case({"shape": []}, [(1, 1)]),
        Case({"shape": [1, 1]}, [()]),
        Case({"shape": [6]}, [(2, 3)], ["int"]),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Shapes with as many entries; rows stay just where they are free."""
        first, *rest = shape or (1,)
        if isinstance(first, Expression):
            kept = [(first, *split) for split in _splits(rest)]
            return [*kept, (first, -1), *((first * n, -1) for n in rest[:1])]
        moved = [split for split in _splits([first, *rest]) if split[0] != first]
        return [*moved, (-1,), *[()][: sizes.product(shape) == 1]]

    def _target(self) -> list[int]:
        """The shape for NumPy, with -1 for what follows from the array."""
        target = [size if isinstance(size, int) else -1 for size in self.shape]
        if target.count(-1) > 1:
            raise ArrayError(
                f"more than one size in {show(self.shape)} is still free",
                None,
                "replace free sizes by numbers with 'bind'",
            )
        # Of known sizes the first is left open, so that the op works on any number of rows.
        if target and -1 not in target:
            target[0] = -1
        return target

    def forward(self, x: Array) -> Array:
        """`x` in the new shape."""
        return x.reshape(self._target())

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Reshape, in which sizes that are free stay so."""
        (x,) = operands
        return form.add("Reshape", x, form.shape(self.infer_shape(form.shapes[x]), form.shapes[x]))

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """The new shape, also as the attribute where that leaves a size open."""
        found = super().infer(shapes, given)
        return replace(found, attributes={"shape": found.result}) if -1 in self.shape else found

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The new shape, once both are proved to have as many entries."""
        (shape,) = shapes
        if self.shape.count(-1) > 1:
            raise ShapeError(
                f"'shape' is {show(self.shape)}, but only one size may be -1", attribute="shape"
            )
        total = product(shape)
        rest = product(size for size in self.shape if size != -1)
        left = _quotient(total, rest)
        new, problem = show(self.shape), ""
        if -1 not in self.shape and rest != total:
            problem = f"but 'shape' is {new} with {rest}"
        elif left is None:
            problem = f"which {rest} does not divide: no size fits -1 in 'shape' {new}"
        if left is None or problem:
            raise misfit("x", shape, f"{total} entries, {problem}", attribute="shape")
        return tuple(left if size == -1 else size for size in self.shape)

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first size stays, and no later one is open, to take other rows' entries."""
        (shape,) = shapes
        return (
            -1 not in self.shape[1:]
            and bool(shape)
            and bool(self.shape)
            and self.infer_shape(shape)[0] == shape[0]
        )

    def to_numpy(self, form: CodeForm) -> str:
        """``reshape`` to sizes of which one may be open."""
        target = form.target(form.shape) or "()"
        return form.fill(f"{{x}}.reshape({target})", self)


def _splits(shape: Sequence[Size]) -> list[tuple[int, ...]]:
    """Shapes with as many entries as `shape`, of at most three axes, those of few axes first."""
    total = math.prod(size for size in shape if isinstance(size, int))
    pairs = [(n, total // n) for n in range(1, total + 1) if total % n == 0]
    triples = [(a, b, n // b) for a, n in pairs for b in range(1, n + 1) if n % b == 0]
    return [(total,), *pairs, *triples]


def _quotient(total: sizes.Size, divisor: sizes.Size) -> sizes.Size | None:
    """``total / divisor`` where that is exact and `divisor` is a single product, else None."""
    if total == divisor:
        return 1
    (monomial, number), *others = _terms(divisor)
    if others:
        return None
    quotient: sizes.Size = 0
    for atoms, coefficient in _terms(total):
        left = Counter(atoms)
        left.subtract(monomial)
        if coefficient % number or min(left.values(), default=0) < 0:
            return None
        term = (tuple(left.elements()), coefficient // number)
        quotient += Expression((term,))
    return quotient


def _terms(size: sizes.Size) -> tuple[tuple[Monomial, int], ...]:
    return (((), size),) if isinstance(size, int) else size.terms


class Flatten(_Reordered):
    """All axes after the first as one."""

    op: Literal["flatten"] = "flatten"

    operands = (data("x", "batch ...", kind="any"),)

    def forward(self, x: Array) -> Array:
        """`x` ``[batch, ...]`` as a matrix with a row for each sample."""
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Flatten from the second axis on."""
        return form.flat(*operands)

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """The first size, and the product of the others."""
        return (shapes[0][0], product(shapes[0][1:])) if shapes[0] else None

    numpy = "{x}.reshape(len({x}), -1)"


class Transpose(Arrangement):
    """Axes in another order."""

    op: Literal["transpose"] = "transpose"
    axes: tuple[int, ...] | None = Field(
        None,
        description="Which axis of the input each axis of the result is; left out, last to first.",
    )

    also_called = aliases(axes="perm dims order")
    elsewhere = ("permute", "permutedimensions", "swapaxes")
    keeps_entries = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(2, 3)]),
        Case({"axes": [0, 2, 1]}, [(4, 3, 2)]),
        Case({"axes": [-1, 0, 1]}, [(2, 3, 4)]),
        Case({"axes": [0]}, [(3,)]),
        Case({}, [()]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Each axis stays apart, elsewhere."""
        return Passage(self._order(tracked.shapes[0]).index(tracked.axis))

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Every order, counted from either end."""
        orders = [*permutations(range(len(shape)))]
        return [None, *orders, *(tuple(axis - len(shape) for axis in order) for order in orders)]

    def forward(self, x: Array) -> Array:
        """`x` with its axes in the new order."""
        return x.transpose(self.axes)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent with its axes in the old order."""
        return (cotangent.transpose(np.argsort(self._order(x.shape))),)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Transpose to the order."""
        (x,) = operands
        return form.add("Transpose", x, perm=[*self._order(form.shapes[x])] or None)

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The sizes in the new order."""
        (shape,) = shapes
        return tuple(shape[axis] for axis in self._order(shape))

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis stays."""
        return bool(shapes[0]) and self._order(shapes[0])[0] == 0

    def from_front(self, *shapes: Shape) -> dict[str, Any]:
        """The order."""
        return {"axes": self._order(shapes[0])}

    def _order(self, shape: Shape) -> tuple[int, ...]:
        if self.axes is None:
            return tuple(reversed(range(len(shape))))
        order = tuple(normal_axis(axis, shape, attribute="axes") for axis in self.axes)
        if sorted(order) != list(range(len(shape))):
            raise ShapeError(
                f"'axes' is [{', '.join(map(str, self.axes))}], but 'x' has shape {show(shape)}",
                "x",
                f"'axes' names each of {', '.join(map(str, range(len(shape))))} once",
                "axes",
            )
        return order

    def to_numpy(self, form: CodeForm) -> str:
        """``T``, or ``transpose`` to an order."""
        if self.axes is None:
            return form.fill("{x}.T", self)
        return form.fill(f"{{x}}.transpose({', '.join(map(str, self.axes))})", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The cotangent with its axes in the old order."""
        if self.axes is None:
            return [form.fill("{g}.T", self)]
        order = np.argsort(self._order(form.shapes[0] or ())).tolist()
        return [form.fill(f"{{g}}.transpose({', '.join(map(str, order))})", self)]

    def to_torch(self, form: CodeForm) -> str:
        """``permute`` to the order."""
        order = self._order(form.shapes[0] or ())
        return form.fill(f"{{x}}.permute({', '.join(map(str, order)) or '()'})", self)


class Concat(Op):
    """Arrays one after the other along one axis."""

    op: Literal["concat"] = "concat"
    axis: Axis = Field(-1, description="Along which axis; counted from the end where negative.")

    also_called = aliases(axis="dim")
    symbol = "‖"
    elsewhere = ("concatenate", "cat", "merge")
    operands = (data("inputs", "...", kind="any", many=True, varies="axis"),)
    batchwise = True
    analytic = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(2, 3), (2, 1)]),
        Case({"axis": 0}, [(2, 3), (1, 3), (2, 3)]),
        Case({"axis": 1}, [(4, 1, 2), (4, 2, 2)]),
        Case({}, [(3, 2)]),
        Case({}, [(2, 2), (2, 3)], ["int"]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Along its axis they are moved; others stay apart."""
        axis = tracked.axis
        where = self.part(tracked.position, tracked.shapes)
        if where is None:
            return None
        return moved(axis, -where[1]) if axis == where[0] else Passage(axis)

    def part(self, position: int, shapes: Sequence[Shape]) -> tuple[int, int, int] | None:
        """The entries along its axis."""
        axis = normal_axis(self.axis, shapes[0], operand="inputs")
        own = [shape[axis] for shape in shapes[: position + 1]]
        counts = [size for size in own if isinstance(size, int)]
        stop = sum(counts)
        return (axis, stop - counts[-1], stop) if len(counts) == len(own) else None

    def forward(self, *arrays: Array, out: Array | None = None) -> Array:
        """`arrays` one after the other."""
        if out is not None:
            return np.concatenate(arrays, axis=self.axis, out=out)
        # Whole numbers beside float32 must not make float64 of it.
        reals = [array.dtype for array in arrays if array.dtype.kind == "f"]
        return np.concatenate(arrays, axis=self.axis, dtype=reals[0] if reals else None)

    def vjp(self, cotangent: Array, output: Array, *arrays: Array) -> Cotangents:
        """The stretch of the cotangent that each array gave; None for whole numbers."""
        ends = np.cumsum([array.shape[self.axis] for array in arrays])
        pieces = np.split(cotangent, ends[:-1], axis=self.axis)
        return tuple(
            piece if array.dtype.kind == "f" else None
            for piece, array in zip(pieces, arrays, strict=True)
        )

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Concat; whole numbers beside real ones are made real first."""
        return form.add("Concat", *form.alike(*operands), axis=self.axis)

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Sizes along the axis added up; the others must agree."""
        first = shapes[0]
        axis = normal_axis(self.axis, first, operand="inputs")
        total: sizes.Size = 0
        for shape in shapes:
            if _without(shape, axis) != _without(first, axis) or len(shape) != len(first):
                raise ShapeError(
                    f"'inputs' have shapes {show(first)} and {show(shape)}, "
                    f"which may differ on axis {axis} alone",
                    "inputs",
                )
            total += shape[axis]
        return (*first[:axis], total, *first[axis + 1 :])

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether another axis than the first grows."""
        return normal_axis(self.axis, shapes[0], operand="inputs") != 0

    def to_numpy(self, form: CodeForm) -> str:
        """``np.concatenate``."""
        listed = ", ".join(map(str, form.names))
        return f"np.concatenate([{listed}], axis={self.axis})"

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The stretch of the cotangent that each array gave."""
        axis = self.axis % len(form.shape)
        found: list[str | None] = []
        start = "0"
        for position, kind in enumerate(form.kinds):
            size = form.size((form.shapes[position] or ())[axis], position)
            stop = size if start == "0" else _total(start, size)
            stretch = f"{'' if start == '0' else start}:{stop}"
            index = ", ".join([":"] * axis + [stretch])
            found.append(f"{form.cotangent}[{index}]" if kind == "float" else None)
            start = stop
        return found

    def to_torch(self, form: CodeForm) -> str:
        """``torch.cat``."""
        return f"torch.cat([{', '.join(map(str, form.names))}], dim={self.axis})"


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _total(first: str, second: str) -> str:
    """The sum of two sizes as text."""
    numbers = first.isdigit() and second.isdigit()
    return str(int(first) + int(second)) if numbers else f"{first} + {second}"
