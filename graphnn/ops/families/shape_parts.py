"""Parts of an array along one axis: a stretch of its entries, and one alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, ArrayError, Cotangents, ShapeError
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, aliases
from graphnn.ops._passages import Passage, Tracked, folded, moved
from graphnn.ops._sizes import Position
from graphnn.ops.code import CodeForm
from graphnn.ops.families.shape import Arrangement
from graphnn.ops.kernels.axes import Axis, normal_axis
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression, Shape, show

_END = 2**63 - 1  # for ONNX, which counts from the front, the end of any axis


class PartOfAxis(Arrangement):
    """A part of the entries along one axis, of which the attributes say which.

    Attributes
    ----------
    positions : tuple of str
        The attributes that count entries, from the end where they are negative.
    """

    axis: Axis = Field(description="Along which axis; counted from the end where negative.")

    positions: ClassVar[tuple[str, ...]]
    within_inputs = True

    def passage(self, tracked: Tracked) -> Passage | None:
        """Other axes stay apart."""
        axis, own = tracked.axis, normal_axis(self.axis, tracked.shapes[0])
        return None if axis == own else Passage(axis)

    def place(self, x: Array) -> tuple[Any, ...]:
        """What picks the part, once all sizes are known.

        Raises
        ------
        ArrayError
            The axis is too short.
        """
        raise NotImplementedError

    def written(self, form: CodeForm) -> str:
        """The same as code."""
        raise NotImplementedError

    def forward(self, x: Array) -> Array:
        """The part of `x`."""
        taken: Array = x[self.place(x)]
        return taken

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent where it was taken from, 0 elsewhere."""
        whole = np.zeros(x.shape, cotangent.dtype)
        whole[self.place(x)] = cotangent
        return (whole,)

    def bind(self, bindings: Mapping[str, int]) -> Self:
        """The same op with positions that are numbers.

        Raises
        ------
        ArrayError
            An expression comes out negative, which would count from the other end.
        """
        bound = super().bind(bindings)
        for key in self.positions:
            stated, number = getattr(self, key), getattr(bound, key)
            if isinstance(stated, Expression) and number < 0:
                raise ArrayError(
                    f"'{key}' is {stated}, which is {number} here, before the first entry", "x"
                )
        return bound

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether it is along another axis than the first."""
        return normal_axis(self.axis, shapes[0]) != 0

    def from_front(self, *shapes: Shape) -> dict[str, Any]:
        """The axis, and the positions along it; one that is left out is the end."""
        axis = normal_axis(self.axis, shapes[0])
        size = shapes[0][axis]
        stated = {key: getattr(self, key) for key in self.positions}
        places = {
            key: size if position is None else _from_front(position, size)
            for key, position in stated.items()
        }
        return {"axis": axis, **places}

    def to_numpy(self, form: CodeForm) -> str:
        """The part by its index."""
        return form.fill(f"{{x}}[{self.written(form)}]", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Zeros but for the part."""
        return [form.fill(f"put_back({{g}}, {{x}}, np.s_[{self.written(form)}])", self)]

    def to_torch(self, form: CodeForm) -> str:
        """As NumPy's."""
        return self.to_numpy(form)


class Slice(PartOfAxis):
    """Entries ``start, start + step, ...`` before `stop` along one axis."""

    op: Literal["slice"] = "slice"
    start: Position = Field(0, description="First entry; counted from the end where negative.")
    stop: Position | None = Field(
        None, description="Entry to stop before, counted likewise; left out, it goes to the end."
    )
    step: int = Field(1, ge=1, description="Distance between entries.")

    also_called = aliases(axis="dim", start="starts", stop="ends end")
    elsewhere = ("narrow", "stridedslice", "crop")
    positions = ("start", "stop")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"axis": 1, "start": 1, "stop": 3}, [(2, 4)]),
        Case({"axis": -1, "start": -1}, [(3, 2, 4)]),
        Case({"axis": 0, "stop": -1, "step": 2}, [(6, 2)]),
        Case({"axis": 1, "start": 1, "step": 2}, [(2, 4)]),
        Case({"axis": 0, "start": -2}, [(3,)]),
        Case({"axis": 0, "stop": 2}, [(3,)], ["int"]),
        Case({"axis": 0, "start": "batch // 3", "stop": "batch - 1"}, [(6, 2)]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Along its axis they are moved, where none is left out between; others stay apart."""
        axis, start = tracked.axis, self.start
        plain = isinstance(start, int) and start >= 0 and self.step == 1
        if axis != normal_axis(self.axis, tracked.shapes[0]) or not plain:
            return super().passage(tracked)
        assert isinstance(start, int)
        return moved(axis, start)

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Bounds that leave at least one entry; of an axis whose size is free, expressions."""
        if key == "axis":
            return None
        size = shape[chosen["axis"]]
        if not isinstance(size, int):
            default: Any = cls.model_fields[key].default
            bounds = {"start": size // 2, "stop": size}
            return [default, bounds[key]] if key in bounds else [default]
        if key == "start":
            return [*range(size), *range(-1, -size - 1, -1)]
        first = chosen["start"] % size
        if key == "step":
            return range(1, size + 1)
        return [None, *range(first + 1, size + 1), *range(first + 1 - size, 0)]

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Slice of one axis."""
        stop = _END if self.stop is None else self.stop
        bounds = form.size(self.start), form.size(stop)
        return form.add("Slice", *operands, *bounds, [self.axis], [self.step])

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The size along the axis counted, the others kept."""
        (shape,) = shapes
        axis = normal_axis(self.axis, shape)
        start, stop = self._checked_bounds(shape, axis, ShapeError)
        length = stop - start
        count = (length + self.step - 1) // self.step
        return (*shape[:axis], count, *shape[axis + 1 :])

    def place(self, x: Array) -> tuple[Any, ...]:
        """The stretch."""
        axis = self.axis % x.ndim
        # Sizes that are free in the spec are known only now.
        start, stop = self._checked_bounds(x.shape, axis, ArrayError)
        return (*(slice(None),) * axis, slice(start, stop, self.step))

    def _checked_bounds(
        self, shape: Shape, axis: int, error: type[ShapeError] | type[ArrayError]
    ) -> tuple[sizes.Size, sizes.Size]:
        """First entry, and the one to stop before; bounds of a free size wait for the run."""
        size, stop = shape[axis], self.stop
        start, end = (
            _from_front(self.start, size),
            size if stop is None else _from_front(stop, size),
        )
        length = end - start
        fault, attribute = "", None
        if isinstance(start, int) and start < 0:
            fault = f"'start' is {self.start}, before the first entry of axis {self.axis}"
            attribute = "start"
        elif isinstance(size, int) and isinstance(end, int) and end > size:
            fault = f"'stop' is {stop}, past the end of axis {self.axis}"
            attribute = "stop"
        elif isinstance(length, int) and length < 1:
            fault = f"nothing lies between {self.start} and {end} of axis {self.axis}"
        if fault:
            raise error(f"{fault}: 'x' has shape {show(shape)}", "x", attribute=attribute)
        return start, end

    def written(self, form: CodeForm) -> str:
        """The stretch behind the axes before it."""
        axis = self.axis % len(form.shape)
        start = form.size(self.start, 0) if self.start != 0 else ""
        stop = "" if self.stop is None else form.size(self.stop, 0)
        step = "" if self.step == 1 else f":{self.step}"
        return ", ".join([":"] * axis + [f"{start}:{stop}{step}"])


class Select(PartOfAxis):
    """One entry of an axis, which the result no longer has.

    ``y = x[:, index]`` for axis 1, as ``torch.select``.
    """

    op: Literal["select"] = "select"
    index: Position = Field(description="Which entry; counted from the end where negative.")

    also_called = aliases(axis="dim", index="entry position")
    elsewhere = ("unstack", "unbind")
    positions = ("index",)
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"axis": 1, "index": 2}, [(2, 4)]),
        Case({"axis": -1, "index": -1}, [(3, 2, 4)]),
        Case({"axis": 0, "index": 1}, [(3, 2)]),
        Case({"axis": 0, "index": "batch - 2"}, [(5,)]),
        Case({"axis": 1, "index": 0}, [(2, 3)], ["int"]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Along its axis, one entry alone; others stay apart."""
        axis, own = tracked.axis, normal_axis(self.axis, tracked.shapes[0])
        if axis != own:
            return Passage(axis - (axis > own))
        index, size = self.index, tracked.shapes[0][axis]
        place = index % size if isinstance(index, int) and isinstance(size, int) else index
        if not isinstance(place, int) or place < 0:
            return folded(alike=False)
        return Passage(None, place, place, False)

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Every entry, counted from either end; of an axis whose size is free, the ends."""
        if key == "axis":
            return None
        size = shape[chosen["axis"]]
        if not isinstance(size, int):
            return [0, -1, size - 1]
        return [*range(size), *range(-1, -size - 1, -1)]

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The other sizes."""
        (shape,) = shapes
        axis = normal_axis(self.axis, shape)
        self._check(shape, axis, ShapeError)
        return (*shape[:axis], *shape[axis + 1 :])

    def place(self, x: Array) -> tuple[Any, ...]:
        """The entry, with all axes behind."""
        axis = self.axis % x.ndim
        self._check(x.shape, axis, ArrayError)
        # The dots make an array of a single number too.
        return (*(slice(None),) * axis, self.index, ...)

    def _check(self, shape: Shape, axis: int, error: type[ShapeError] | type[ArrayError]) -> None:
        size, index = shape[axis], self.index
        if not isinstance(size, int) or not isinstance(index, int) or -size <= index < size:
            return
        end = "past the end of" if index >= 0 else "before the first entry of"
        problem = f"'index' is {index}, {end} axis {self.axis}: 'x' has shape {show(shape)}"
        raise error(problem, "x", attribute="index")

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Gather of one entry."""
        (x,) = operands
        axis = self.axis % len(form.shapes[x])
        if isinstance(self.index, int):
            return form.add("Gather", x, np.array(self.index, np.int64), axis=axis)
        return form.add("Squeeze", form.add("Gather", x, form.size(self.index), axis=axis), [axis])

    def written(self, form: CodeForm) -> str:
        """The entry behind the axes before it."""
        axis = self.axis % (len(form.shape) + 1)
        return ", ".join([":"] * axis + [form.size(self.index, 0)])


def _from_front(position: sizes.Size, size: sizes.Size) -> sizes.Size:
    """`position` along an axis of `size`, counted from its front."""
    behind = isinstance(position, int) and position < 0
    return size + position if behind else position
