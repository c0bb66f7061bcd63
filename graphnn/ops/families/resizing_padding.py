"""Padding: arrays with a margin along some axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from graphnn.ops._arrays import Array, ArrayError, Cotangents, ShapeError, misfit
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, Op, aliases
from graphnn.ops._operands import data
from graphnn.ops._passages import Passage, Tracked, moved
from graphnn.ops.code import CodeForm, call
from graphnn.ops.initializers import Finite
from graphnn.ops.kernels.axes import Axis, normal_axis
from graphnn.ops.kernels.unfolding import images_first, images_last
from graphnn.ops.kernels.windows import Amount, several
from graphnn.spec.sizes import Shape, show


def _sides(value: Any, info: ValidationInfo) -> Any:
    """One number on all sides, those of one axis or of two."""
    if info.data.get("axis") is None:
        return several(value, 4, "[top, bottom, left, right]")
    return several(value, 2, "[before, after]")


_NUMBERS = [{"type": "integer", "minimum": 0}, {"type": "string"}]
Sides = Annotated[
    tuple[Amount, ...],
    BeforeValidator(_sides),
    WithJsonSchema(
        {
            "anyOf": [
                *_NUMBERS,
                {"type": "array", "items": {"anyOf": _NUMBERS}, "minItems": 2, "maxItems": 4},
            ]
        }
    ),
]
Margin = tuple[int, int]


class Pad(Op):
    """An array with a margin: of images, around height and width; else along one axis.

    The margin holds one value; or, by ``mode``, the entries next to the edge in reverse, without
    that at the edge (``reflect``), or the entry at the edge again and again (``edge``).

    References
    ----------
    ``numpy.pad``, whose modes these are.
    """

    op: Literal["pad"] = "pad"
    axis: Axis | None = Field(
        None,
        description="Along which axis; counted from the end where negative; left out, the last "
        "two, which are height and width of images.",
    )
    mode: Literal["constant", "reflect", "edge"] = Field(
        "constant", description="What the margin holds: `value`, or entries of the array."
    )
    padding: Sides = Field(
        description="Entries before and after along the axis, [before, after]; of images, rows at "
        "top and bottom, columns on the left and on the right, in that order; one number is all."
    )
    value: Finite = Field(0.0, description="Value of a constant margin.")

    also_called = aliases(padding="pads pad paddings", axis="dim")
    elsewhere = (
        "zeropadding",
        "zeropad",
        "constantpad",
        "padding",
        "reflectionpad",
        "replicationpad",
    )
    operands = (data("x", "... n"),)
    batchwise = True
    analytic = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"padding": 1}, [(2, 1, 2, 1)]),
        Case({"padding": [0, 2, 1, 0], "value": -4.5}, [(2, 2, 1, 2)]),
        Case({"padding": 0}, [(1, 1, 2, 2)]),
        Case({"axis": 1, "padding": [2, 0]}, [(2, 3)]),
        Case({"axis": -1, "padding": [1, 2], "mode": "reflect"}, [(2, 3)]),
        Case({"padding": [1, 0, 0, 2], "mode": "edge"}, [(2, 1, 2, 3)]),
        Case({"axis": 0, "padding": 1, "mode": "edge"}, [(2,)]),
    )

    def from_front(self, *shapes: Shape) -> dict[str, Any]:
        """The axis, if one is named."""
        return {} if self.axis is None else {"axis": normal_axis(self.axis, shapes[0])}

    def passage(self, tracked: Tracked) -> Passage | None:
        """Along what a constant margin is put to they are moved; others stay apart."""
        axis = tracked.axis
        before, after = self._margins(tracked.shapes[0], ShapeError)[axis]
        if not before and not after:
            return Passage(axis)
        return moved(axis, -before) if self.mode == "constant" else None

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Two axes of what has three, and margins that can be reflected."""
        if key == "axis":
            return [*([None] if len(shape) > 2 else []), *range(-len(shape), len(shape))]
        if key != "padding":
            return None
        axes = [-2, -1] if chosen["axis"] is None else [chosen["axis"]]
        reflected, own = chosen["mode"] == "reflect", [shape[axis] for axis in axes]
        most = [
            2 if not reflected else min(2, size - 1) if isinstance(size, int) else 0 for size in own
        ]
        ends = [end for limit in most for end in (limit, limit)]
        return [(0,) * len(ends), tuple(ends), (*ends[:1], *(0,) * (len(ends) - 1))]

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """`x` within the margin."""
        margins = self._margins(x.shape, ArrayError)
        if x.ndim == 4 and self.axis is None:  # images, which lie innermost
            y = images_first(self._padded(images_last(x), [*margins[1:], margins[0]]))
        else:
            y = self._padded(x, margins)
        if out is None:
            return y
        out[...] = y
        return out

    def _padded(self, x: Array, margins: list[Margin]) -> Array:
        if self.mode == "constant":
            return np.pad(x, margins, constant_values=self.value)
        return np.pad(x, margins, mode=self.mode)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent without its margin, to which that of the margin is added where it is of."""
        by_x = cotangent
        for axis, (before, after) in enumerate(self._margins(x.shape, ArrayError)):
            if before or after:
                by_x = _without(by_x, axis, before, after, self.mode)
        return (by_x,)

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The sizes with the margins added."""
        (shape,) = shapes
        margins = self._margins(shape, ShapeError)
        return tuple(size + sum(margin) for size, margin in zip(shape, margins, strict=True))

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether another axis than the first is padded."""
        return self.axis is None or normal_axis(self.axis, shapes[0]) != 0

    def _margins(self, shape: Shape, error: type[ShapeError] | type[ArrayError]) -> list[Margin]:
        """The margins of all axes."""
        found: list[Margin] = [(0, 0)] * len(shape)
        pairs = [*zip(self.padding[::2], self.padding[1::2], strict=True)]
        if self.axis is not None:
            found[normal_axis(self.axis, shape)] = pairs[0]
        elif len(pairs) < 2:  # of a copy, which nothing has validated
            raise ShapeError("'axis' is unspecified", attribute="axis")
        elif len(shape) < 3:
            problem = "but without an axis, pad takes arrays of 3 or more axes"
            raise misfit("x", shape, problem, "name the axis: axis: 1", "axis")
        else:
            found[-2:] = pairs
        if self.mode == "reflect":
            for size, margin in zip(shape, found, strict=True):
                if isinstance(size, int) and max(margin) >= size:
                    problem = f"'padding' is {max(margin)}, but 'x' has shape {show(shape)}"
                    help = "as many entries can be reflected as there are but one"
                    raise error(problem, "x", help, "padding")
        return found

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Pad with the value, or in its mode."""
        (x,) = operands
        margins = self._margins(form.shapes[x], ShapeError)
        ends = [*(before for before, _ in margins), *(after for _, after in margins)]
        if self.mode == "constant":
            return form.add("Pad", x, ends, self.value)
        return form.add("Pad", x, ends, mode=self.mode)

    def _written(self, form: CodeForm) -> str:
        """The margins as NumPy takes them."""
        margins = self._margins(form.shapes[0] or (), ShapeError)
        return f"[{', '.join(map(str, margins))}]"

    def to_numpy(self, form: CodeForm) -> str:
        """``np.pad``."""
        value: dict[str, Any] = {} if self.value == 0 else {"constant_values": self.value}
        given = value if self.mode == "constant" else {"mode": self.mode}
        return call("np.pad", form.names[0], self._written(form), **given)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The cotangent without its margin."""
        mode = {} if self.mode == "constant" else {"mode": self.mode}
        return [call("without_margin", form.cotangent, self._written(form), **mode)]

    def to_torch(self, form: CodeForm) -> str:
        """``F.pad``, which names the last axis first; by index where the margin holds entries."""
        margins = self._margins(form.shapes[0] or (), ShapeError)
        if self.mode == "constant":
            while len(margins) > 1 and margins[0] == (0, 0):
                margins = margins[1:]
            flat = tuple(end for margin in reversed(margins) for end in margin)
            value = {} if self.value == 0 else {"value": self.value}
            return call("F.pad", form.names[0], repr(flat), **value)
        text = str(form.names[0])
        for axis, margin in enumerate(margins):
            if any(margin):
                places = f"np.pad(np.arange({form.names[0]}.shape[{axis}]), {margin}, "
                places = f'torch.from_numpy({places}mode="{self.mode}"))'
                text += f"[{', '.join([':'] * axis + [places])}]"
        return text


def _without(g: Array, axis: int, before: int, after: int, mode: str) -> Array:
    """The cotangent of what was padded along one axis."""
    size = g.shape[axis] - before - after
    moved = np.moveaxis(g, axis, 0)
    inner = moved[before : before + size]
    if mode != "constant":
        inner = inner.copy()
        modes: Any = mode
        places = np.pad(np.arange(size), (before, after), mode=modes)
        outside = np.r_[:before, before + size : len(places)]
        np.add.at(inner, places[outside], moved[outside])
    return np.moveaxis(inner, 0, axis)
