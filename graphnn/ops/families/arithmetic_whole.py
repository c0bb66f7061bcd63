"""Arithmetic of whole numbers: real ones made whole, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field

from graphnn.ops._arrays import Array, Cotangents, ShapeError
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, aliases
from graphnn.ops._operands import Kind, data
from graphnn.ops.code import CodeForm, shown
from graphnn.ops.families._elementwise import Elementwise
from graphnn.ops.initializers import Finite
from graphnn.spec.sizes import Shape

_INT64 = 7  # of ONNX's types


def _not_zero(number: float) -> float:
    if number == 0:
        raise ValueError("nothing can be divided by 0")
    return number


Divisor = Annotated[Finite, AfterValidator(_not_zero)]


class Cast(Elementwise):
    """The same numbers as real or as whole ones, without what comes after the point."""

    op: Literal["cast"] = "cast"
    dtype: Kind = Field(description="Whether the result holds real numbers or whole ones.")

    also_called = aliases(dtype="type to")
    elsewhere = ("astype", "totensor", "tofloat", "toint")
    operands = (data("x", "...", kind="any"),)
    inplace = False
    within_inputs = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"dtype": "float"}, [(2, 3)], ["int"]),
        Case({"dtype": "int"}, [(2, 3)]),
        Case({"dtype": "float"}, [(2,)]),
        Case({"dtype": "int"}, [()], ["int"]),
    )

    def infer_kind(self, *kinds: Kind) -> Kind:
        """The attribute `dtype`."""
        return self.dtype

    def forward(self, x: Array) -> Array:
        """`x` itself, or as numbers of the other kind; `trunc(x)` where that is whole."""
        if self.dtype == "int":
            return np.trunc(x).astype(np.int64)
        return x.astype(np.float64) if x.dtype.kind == "i" else x.copy()

    def continued(self, x: Array) -> Array:
        """As the real part, where the result is whole."""
        return self.forward(np.real(x) if self.dtype == "int" else x)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent; 0 where the result is whole."""
        if x.dtype.kind == "i":
            return (None,)
        return (cotangent if self.dtype == "float" else np.zeros(x.shape, cotangent.dtype),)

    def branch(self, x: Array) -> Array:
        """The whole number that each entry becomes; one piece where the result is real."""
        if self.dtype == "float":
            return np.zeros(x.shape)
        whole = np.trunc(x.real)
        # Of the complex step: on a whole number, and nearer to 0 a little further on.
        nearer = (x.real == whole) & (x.imag * whole < 0)
        return np.asarray(whole - nearer * np.sign(whole))

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Cast; nothing between numbers of one kind."""
        (x,) = operands
        if form.kinds[x] == self.dtype:
            return form.add("Identity", x)
        return form.real(x) if self.dtype == "float" else form.add("Cast", x, to=_INT64)

    def to_numpy(self, form: CodeForm) -> str:
        """``astype``."""
        return form.fill(f"{{x}}.astype({self.dtype})", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The cotangent, of real numbers."""
        return [form.cotangent if form.kinds[0] == self.dtype == "float" else None]

    def to_torch(self, form: CodeForm) -> str:
        """As the numbers of the module, or whole."""
        x, *layer = form.names
        if self.dtype == "int":
            return f"{x}.long()"
        return f"{x}.to({layer[0]})" if layer else str(x)

    def to_torch_layer(self, form: CodeForm) -> str:
        """Nothing but the dtype and the device that the module has."""
        whole = self.dtype == "int" or form.kinds[0] == "float"
        return "" if whole else "nn.Buffer(torch.zeros(0), persistent=False)"


class _ByNumber(Elementwise):
    """What a division by a number gives, whose quotient is made whole."""

    divisor: Divisor = Field(
        description="What each entry is divided by: not 0; of whole numbers a whole one."
    )
    rounding: Literal["floor", "trunc"] = Field(
        "floor",
        description="Which whole number a quotient becomes: the next one below, as in Python, or "
        'with "trunc" the next one towards 0, as in C and ONNX.',
    )

    operands = (data("x", "...", kind="any"),)
    inplace = False

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Divisors of both signs, most of them whole."""
        return [2, 3, -2, 1, -3, 0.75] if key == "divisor" else None

    def check_kinds(self, shapes: Sequence[Shape], kinds: Sequence[Kind]) -> None:
        """Whole numbers are divided by a whole number."""
        if kinds[0] == "int" and not self.divisor.is_integer():
            raise ShapeError(
                f"'x' holds whole numbers, but its 'divisor' is {self.divisor}",
                "x",
                "give a whole number, or make 'x' real by {op: cast, dtype: float}",
                "divisor",
            )

    @property
    def shown_divisor(self) -> str:
        """The divisor as code has it."""
        return shown(self.divisor)

    def branch(self, x: Array) -> Array:
        """The whole quotient."""
        quotient = x / self.divisor
        whole = self._rounded(quotient.real)
        # Of the complex step: on a whole number, and in the piece before it a little further on.
        side = np.sign(whole) if self.rounding == "trunc" else 1
        before = (quotient.real == whole) & (quotient.imag * side < 0)
        return np.asarray(whole - before * side)

    def _rounded(self, quotient: Array) -> Array:
        return np.floor(quotient) if self.rounding == "floor" else np.trunc(quotient)


class FloorDivide(_ByNumber):
    """Whole quotient ``y = floor(x / divisor)``, of real numbers or of whole ones.

    It moves in jumps, so that no gradient goes back through it.
    """

    op: Literal["floor_divide"] = "floor_divide"

    symbol = "//"
    elsewhere = ("floordiv", "truncatediv", "idivide", "intdiv", "floor")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"divisor": 2}, [(2, 3)], ["int"]),
        Case({"divisor": -3, "rounding": "trunc"}, [(4,)], ["int"]),
        Case({"divisor": 0.75}, [(2, 3)]),
        Case({"divisor": -2, "rounding": "trunc"}, [(3,)]),
    )

    def forward(self, x: Array) -> Array:
        """The quotient, rounded."""
        if x.dtype.kind != "i":
            return np.asarray(self._rounded(x / self.divisor))
        divisor = int(self.divisor)
        whole = x if self.rounding == "floor" else x - np.fmod(x, divisor)
        return np.asarray(whole // divisor)

    def continued(self, x: Array) -> Array:
        """That of the real part."""
        return self.forward(np.real(x)).astype(x.dtype, copy=False)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """0, of real numbers."""
        return (None if x.dtype.kind == "i" else np.zeros_like(cotangent),)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Div, of whole numbers without what is left over; Floor or Ceil of real ones."""
        (x,) = operands
        if form.kinds[x] == "int":
            divisor = np.array(int(self.divisor))
            if self.rounding == "floor":
                x = form.add("Sub", x, form.add("Mod", x, divisor))
            return form.add("Div", x, divisor)
        quotient = form.add("Div", x, self.divisor)
        below = form.add("Floor", quotient)
        if self.rounding == "floor":
            return below
        return form.add("Where", form.add("Less", x, 0.0), *self._ends(form, quotient, below))

    def _ends(self, form: OnnxForm, quotient: str, below: str) -> tuple[str, str]:
        """What a quotient becomes below x = 0 and above it."""
        above = form.add("Ceil", quotient)
        return (above, below) if self.divisor > 0 else (below, above)

    def to_numpy(self, form: CodeForm) -> str:
        """``//``, or ``np.floor`` or ``np.trunc`` of the quotient."""
        if form.kinds[0] == "float":
            return form.fill(f"np.{self.rounding}({{x}} / {self.shown_divisor})", self)
        left = "{x}" if self.rounding == "floor" else "({x} - np.fmod({x}, {op.shown_divisor}))"
        return form.fill(f"{left} // {{op.shown_divisor}}", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """0, of real numbers."""
        return [f"np.zeros_like({form.cotangent})" if form.kinds[0] == "float" else None]

    def to_torch(self, form: CodeForm) -> str:
        """``torch.div``, or ``torch.floor`` or ``torch.trunc`` of the quotient."""
        if form.kinds[0] == "float":
            return form.fill(f"torch.{self.rounding}({{x}} / {self.shown_divisor})", self)
        option = f'rounding_mode="{self.rounding}"'
        return form.fill(f"torch.div({{x}}, {{op.shown_divisor}}, {option})", self)


class Remainder(_ByNumber):
    """What is left over, ``y = x - divisor floor(x / divisor)``, of real or of whole numbers.

    It has the sign of the divisor; with ``rounding: trunc`` that of `x`.
    """

    op: Literal["remainder"] = "remainder"

    symbol = "mod"
    elsewhere = ("mod", "modulo", "fmod", "floormod", "truncatemod")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"divisor": 2}, [(2, 3)], ["int"]),
        Case({"divisor": -3}, [(4,)], ["int"]),
        Case({"divisor": 0.75}, [(2, 3)]),
        Case({"divisor": 2, "rounding": "trunc"}, [(3,)]),
    )

    def forward(self, x: Array) -> Array:
        """What is left over."""
        whole = x.dtype.kind == "i"
        divisor = int(self.divisor) if whole else x.dtype.type(self.divisor)
        return np.asarray((np.remainder if self.rounding == "floor" else np.fmod)(x, divisor))

    def continued(self, x: Array) -> Array:
        """The imaginary part as it is: the slope is 1."""
        return self.forward(np.real(x)) + 1j * np.imag(x) if np.iscomplexobj(x) else self.forward(x)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """The cotangent, of real numbers."""
        return (None if x.dtype.kind == "i" else cotangent,)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Mod; of real numbers ONNX has the one with the sign of x, which is moved."""
        (x,) = operands
        if form.kinds[x] == "int":
            return form.add(
                "Mod", x, np.array(int(self.divisor)), fmod=int(self.rounding != "floor")
            )
        left = form.add("Mod", x, self.divisor, fmod=1)
        if self.rounding == "trunc":
            return left
        wrong = form.add("Less" if self.divisor > 0 else "Greater", left, 0.0)
        return form.add("Where", wrong, form.add("Add", left, self.divisor), left)

    def to_numpy(self, form: CodeForm) -> str:
        """``np.remainder`` or ``np.fmod``."""
        function = "remainder" if self.rounding == "floor" else "fmod"
        return form.fill(f"np.{function}({{x}}, {self.shown_divisor})", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The cotangent, of real numbers."""
        return [form.cotangent if form.kinds[0] == "float" else None]

    def to_torch(self, form: CodeForm) -> str:
        """``torch.remainder`` or ``torch.fmod``."""
        function = "remainder" if self.rounding == "floor" else "fmod"
        return form.fill(f"torch.{function}({{x}}, {self.shown_divisor})", self)
