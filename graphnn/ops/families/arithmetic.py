"""Arithmetic: functions of one entry, and of two arrays that broadcast."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, NOT_NEGATIVE, Case, aliases
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm, shown
from graphnn.ops.families._elementwise import (
    BentAtZero,
    Broadcast,
    Elementwise,
    OfAnyKind,
    alike,
    share,
)
from graphnn.ops.initializers import AboveLow, Finite
from graphnn.ops.kernels.broadcasting import unbroadcast
from graphnn.ops.kernels.ties import is_above, is_more
from graphnn.spec.sizes import Shape

# The exponents for which NumPy has a function are many times faster than np.power.
_POWERS = {2: np.square, 1: np.positive, 0.5: np.sqrt, -1: np.reciprocal}


class _OfAnySign(Elementwise):
    """A function of each entry alone, that gives whole numbers of whole ones."""

    operands = (data("x", "...", kind="any"),)


class _OfPositive(Elementwise):
    """A function of each positive entry alone."""

    operands = (data("x", "...", domain=(0.5, 3.0)),)


class Add(OfAnyKind):
    """Sum ``y = a + b``."""

    op: Literal["add"] = "add"
    onnx = "Add"

    symbol = "+"
    elsewhere = ("plus", "biasadd")
    commutative = True

    def forward(self, a: Array, b: Array, *, out: Array | None = None) -> Array:
        """``a + b``."""
        return np.add(*alike(a, b), out=out)

    def vjp(self, cotangent: Array, output: Array, a: Array, b: Array) -> Cotangents:
        """``g`` and ``g``, summed over stretched axes."""
        return share(cotangent, a), share(cotangent, b)

    numpy = "{a} + {b}"
    numpy_vjp: ClassVar = {"a": "{g}", "b": "{g}"}
    torch = "{a} + {b}"


class Subtract(OfAnyKind):
    """Difference ``y = a - b``."""

    op: Literal["subtract"] = "subtract"
    onnx = "Sub"

    symbol = "−"
    elsewhere = ("sub", "minus")

    def forward(self, a: Array, b: Array, *, out: Array | None = None) -> Array:
        """``a - b``."""
        return np.subtract(*alike(a, b), out=out)

    def vjp(self, cotangent: Array, output: Array, a: Array, b: Array) -> Cotangents:
        """``g`` and ``-g``, summed over stretched axes."""
        return share(cotangent, a), share(-cotangent, b)

    numpy = "{a} - {b}"
    numpy_vjp: ClassVar = {"a": "{g}", "b": "-{g}"}
    torch = "{a} - {b}"


class Multiply(OfAnyKind):
    """Product ``y = a b``, entry by entry."""

    op: Literal["multiply"] = "multiply"
    onnx = "Mul"

    symbol = "×"
    elsewhere = ("mul", "times", "prod", "hadamard")
    factors = True
    commutative = True

    def forward(self, a: Array, b: Array, *, out: Array | None = None) -> Array:
        """``a b``."""
        return np.multiply(*alike(a, b), out=out)

    def vjp(self, cotangent: Array, output: Array, a: Array, b: Array) -> Cotangents:
        """``g b`` and ``g a``, summed over stretched axes."""
        (by_a, slope), (by_b, other) = alike(cotangent, b), alike(cotangent, a)
        return share(by_a * slope, a), share(by_b * other, b)

    numpy = "{a} * {b}"
    numpy_vjp: ClassVar = {"a": "{g} * {b}", "b": "{g} * {a}"}
    torch = "{a} * {b}"


class Divide(Broadcast):
    """Quotient ``y = a / b``, entry by entry."""

    op: Literal["divide"] = "divide"
    onnx = "Div"

    symbol = "/"
    elsewhere = ("div", "truediv")
    factors = True
    operands = (data("a", "..."), data("b", "...", domain=(0.5, 3.0)))

    def forward(self, a: Array, b: Array, *, out: Array | None = None) -> Array:
        """``a / b``."""
        return np.divide(a, b, out=out)

    def vjp(self, cotangent: Array, output: Array, a: Array, b: Array) -> Cotangents:
        """``g / b`` and ``-g y / b``, summed over stretched axes."""
        share = _settled(cotangent / b, cotangent)
        return unbroadcast(share, a), -unbroadcast(_settled(share * output, cotangent), b)

    numpy = "{a} / {b}"
    numpy_vjp: ClassVar = {"a": "{g} / {b}", "b": "-{g} * {y} / {b}"}
    torch = "{a} / {b}"


class _Choice(OfAnyKind):
    """One of two entries."""

    def vjp(self, cotangent: Array, output: Array, a: Array, b: Array) -> Cotangents:
        """``g`` for the one chosen, half of it where both are equal."""
        nothing = cotangent.dtype.type(0)
        for_a = np.where(a == output, cotangent, nothing)
        for_a = np.where(a == b, 0.5 * cotangent, for_a)
        return share(for_a, a), share(cotangent - for_a, b)

    def branch(self, a: Array, b: Array) -> Array:
        """Whether `a` is more than `b`, by more than rounding makes of two equal ones."""
        return is_more(a, b)


class Maximum(_Choice):
    """Larger of two entries, ``y = max(a, b)``; equal ones get half of the cotangent each."""

    op: Literal["maximum"] = "maximum"
    onnx = "Max"

    commutative = True

    def forward(self, a: Array, b: Array, *, out: Array | None = None) -> Array:
        """``max(a, b)``."""
        return np.maximum(*alike(a, b), out=out)

    numpy = "np.maximum({a}, {b})"
    numpy_vjp: ClassVar = {
        "a": "{g} * larger({a}, {b})",
        "b": "{g} * larger({b}, {a})",
    }
    torch = "torch.maximum({a}, {b})"


class Minimum(_Choice):
    """Smaller of two entries, ``y = min(a, b)``; equal ones get half of the cotangent each."""

    op: Literal["minimum"] = "minimum"
    onnx = "Min"

    commutative = True

    def forward(self, a: Array, b: Array, *, out: Array | None = None) -> Array:
        """``min(a, b)``."""
        return np.minimum(*alike(a, b), out=out)

    numpy = "np.minimum({a}, {b})"
    numpy_vjp: ClassVar = {
        "a": "{g} * larger({b}, {a})",
        "b": "{g} * larger({a}, {b})",
    }
    torch = "torch.minimum({a}, {b})"


class Negative(_OfAnySign):
    """Negative ``y = -x``."""

    op: Literal["negative"] = "negative"
    onnx = "Neg"

    symbol = "−"
    elsewhere = ("neg",)
    output_interval = ANY_NUMBER

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``-x``."""
        return np.negative(x, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``-g``."""
        return (-cotangent,)

    numpy = "-{x}"
    numpy_vjp: ClassVar = {"x": "-{g}"}
    torch = "-{x}"


class Weighted(Elementwise):
    """A loss times its weight in ``train.loss``, ``y = weight x``."""

    op: Literal["weighted"] = "weighted"
    weight: Finite = Field(description="What `x` is multiplied by.")

    internal = True
    symbol = "·"

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``weight x``."""
        return np.multiply(x, self.weight, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``weight g``."""
        return (cotangent * self.weight,)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Mul by the weight."""
        return form.add("Mul", *operands, self.weight)

    numpy = "{op.weight} * {x}"
    numpy_vjp: ClassVar = {"x": "{op.weight} * {g}"}
    torch = "{op.weight} * {x}"


class Power(_OfPositive):
    """Power ``y = x^exponent``; a negative `x` needs a whole exponent."""

    op: Literal["power"] = "power"
    exponent: Finite = Field(description="What `x` is raised to.")

    also_called = aliases(exponent="power exp")
    elsewhere = ("pow",)
    cases: ClassVar[tuple[Case, ...]] = tuple(
        Case({"exponent": exponent}, [(2, 3)]) for exponent in (1.7, 0, 1, 2, 3, 0.5, -1)
    )

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``x^exponent``, entry by entry."""
        return _power(x, self.exponent, out)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Pow with a constant."""
        return form.add("Pow", *operands, self.exponent)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g exponent x^(exponent - 1)``; 0 for the exponent 0, also where x is 0."""
        if self.exponent == 0:
            return (np.zeros_like(cotangent),)
        slope = self.exponent * _power(x, self.exponent - 1, None)
        return (_settled(cotangent * slope, cotangent),)

    def to_numpy(self, form: CodeForm) -> str:
        """``x**exponent``."""
        return form.fill(f"{{x}}**{shown(self.exponent)}", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g exponent x**(exponent - 1)``."""
        if self.exponent == 0:
            return [form.fill("np.zeros_like({x})", self)]
        rest = {1.0: "", 2.0: " * {x}"}.get(self.exponent, f" * {{x}}**{shown(self.exponent - 1)}")
        return [form.fill(f"{{g}} * {shown(self.exponent)}{rest}", self)]

    def to_torch(self, form: CodeForm) -> str:
        """``x**exponent``."""
        return self.to_numpy(form)


class Exp(Elementwise):
    """Exponential ``y = exp(x)``."""

    op: Literal["exp"] = "exp"
    onnx = "Exp"

    elsewhere = ("exponential",)
    output_interval = NOT_NEGATIVE

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``exp(x)``."""
        return np.exp(x, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g y``."""
        return (_settled(cotangent * output, cotangent),)

    numpy = "np.exp({x})"
    numpy_vjp: ClassVar = {"x": "{g} * {y}"}
    torch = "torch.exp({x})"


class Log(_OfPositive):
    """Natural logarithm ``y = log(x)``."""

    op: Literal["log"] = "log"
    onnx = "Log"

    elsewhere = ("ln",)
    output_interval = ANY_NUMBER

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``log(x)``."""
        return np.log(x, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g / x``."""
        return (_settled(cotangent / x, cotangent),)

    numpy = "np.log({x})"
    numpy_vjp: ClassVar = {"x": "{g} / {x}"}
    torch = "torch.log({x})"


class Sqrt(_OfPositive):
    """Square root ``y = sqrt(x)``."""

    op: Literal["sqrt"] = "sqrt"
    onnx = "Sqrt"

    symbol = "√"
    output_interval = NOT_NEGATIVE

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``sqrt(x)``."""
        return np.sqrt(x, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g / (2 y)``."""
        return (_settled(0.5 * cotangent / output, cotangent),)

    numpy = "np.sqrt({x})"
    numpy_vjp: ClassVar = {"x": "{g} / (2 * {y})"}
    torch = "torch.sqrt({x})"


class _Wave(Elementwise):
    """A function that comes back to each value again and again."""

    operands = (data("x", "...", domain=(-6.0, 6.0)),)
    output_interval = ANY_NUMBER  # by its size alone it would count as flat far from 0


class Sin(_Wave):
    """Sine ``y = sin(x)``."""

    op: Literal["sin"] = "sin"
    onnx = "Sin"

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``sin(x)``, x in radians."""
        return np.sin(x, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g cos(x)``."""
        return (cotangent * np.cos(x),)

    numpy = "np.sin({x})"
    numpy_vjp: ClassVar = {"x": "{g} * np.cos({x})"}
    torch = "torch.sin({x})"


class Cos(_Wave):
    """Cosine ``y = cos(x)``."""

    op: Literal["cos"] = "cos"
    onnx = "Cos"

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``cos(x)``, x in radians."""
        return np.cos(x, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``-g sin(x)``."""
        return (-cotangent * np.sin(x),)

    numpy = "np.cos({x})"
    numpy_vjp: ClassVar = {"x": "-{g} * np.sin({x})"}
    torch = "torch.cos({x})"


class Absolute(_OfAnySign, BentAtZero):
    """Absolute value ``y = |x|``."""

    op: Literal["absolute"] = "absolute"
    onnx = "Abs"

    symbol = "|x|"
    elsewhere = ("abs", "absval")
    output_interval = NOT_NEGATIVE

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``|x|``."""
        return np.absolute(x, out=out)

    def continued(self, x: Array) -> Array:
        """``x`` or ``-x``, by its real part: the modulus is not analytic."""
        return np.where(x.real < 0, -x, x)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g sign(x)``, 0 at the kink."""
        return (cotangent * np.sign(x),)

    numpy = "np.abs({x})"
    numpy_vjp: ClassVar = {"x": "{g} * np.sign({x})"}
    torch = "torch.abs({x})"


class Clip(Elementwise):
    """Value held between two bounds, ``y = min(max(x, low), high)``."""

    op: Literal["clip"] = "clip"
    low: Finite | None = Field(None, description="Lower bound; left out, there is none.")
    high: Annotated[Finite | None, AboveLow] = Field(
        None, description="Upper bound; left out, there is none."
    )

    also_called = aliases(low="min min_value", high="max max_value")
    elsewhere = ("clamp", "clipbyvalue")
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"low": -1, "high": 0.5}, [(3, 4)]),
        Case({"low": 0}, [(5,)]),
        Case({"high": 1.5}, [(2, 1, 3)]),
        Case({"low": 1, "high": 4}, [(3,)]),
        Case({"low": -2, "high": 2}, [()]),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """An upper bound above the lower one."""
        low = chosen.get("low")
        return None if low is None else [None, *(low + step / 4 for step in range(1, 13))]

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``min(max(x, low), high)``, entry by entry."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return np.clip(x, low, high, out=out)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Clip between constants."""
        return form.add("Clip", *operands, self.low, self.high)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g`` where `x` lies between the bounds or on one; 0 outside."""
        return (cotangent * (output == x),)

    def branch(self, x: Array) -> Array:
        """-1 up to the lower bound, 0 between the bounds, 1 above the upper one."""
        piece = np.zeros(x.shape, np.int8)
        if self.low is not None:
            piece -= ~is_above(x, self.low)
        if self.high is not None:
            piece += is_above(x, self.high)
        return piece

    numpy_vjp: ClassVar = {"x": "{g} * ({x} == {y})"}

    def to_numpy(self, form: CodeForm) -> str:
        """``np.clip``; what has no bounds stays as it is."""
        return form.fill(self._written("np.clip"), self)

    def to_torch(self, form: CodeForm) -> str:
        """``torch.clamp``, likewise."""
        return form.fill(self._written("torch.clamp"), self)

    def _written(self, function: str) -> str:
        bounded = self.low is not None or self.high is not None
        return f"{function}({{x}}, {{op.low}}, {{op.high}})" if bounded else "{x}"


def _settled(product: Array, cotangent: Array) -> Array:
    """`product` of the cotangent and a slope, 0 where the cotangent is 0 and the slope infinite."""
    # One sum shows whether there is any NaN, in a fraction of the time of a search.
    if np.isfinite(np.add.reduce(product, axis=None)):
        return product
    return np.where(cotangent == 0, product.dtype.type(0), product)


def _power(x: Array, exponent: float, out: Array | None) -> Array:
    special = _POWERS.get(exponent)
    return special(x, out=out) if special else np.power(x, exponent, out=out)
