"""Comparisons, which give 1 where they hold and 0 elsewhere, and the choice by such numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case
from graphnn.ops._operands import Kind, data
from graphnn.ops.code import CodeForm
from graphnn.ops.families._elementwise import Broadcast, alike, share

_INT64, _BOOL = 7, 9  # of ONNX's types


class _Comparison(Broadcast):
    """1 where two entries compare so, else 0."""

    operands = (data("a", "...", kind="any"), data("b", "...", kind="any"))
    inplace = False
    output_interval = (0.0, 1.0)
    compared: ClassVar[np.ufunc]
    sign: ClassVar[str]

    def infer_kind(self, *kinds: Kind) -> Kind:
        """Whole numbers."""
        return "int"

    def forward(self, a: Array, b: Array) -> Array:
        """1 where it holds, else 0."""
        holds: Array = self.compared(a, b)
        return np.asarray(holds).astype(np.int64)

    def continued(self, a: Array, b: Array) -> Array:
        """As the real parts compare."""
        return self.forward(np.real(a), np.real(b))

    def vjp(self, cotangent: Array, output: Array, a: Array, b: Array) -> Cotangents:
        """Nothing: the result is constant but for jumps."""
        return np.zeros(a.shape, cotangent.dtype), np.zeros(b.shape, cotangent.dtype)

    def branch(self, a: Array, b: Array) -> Array:
        """Which of the two is larger."""
        return np.asarray((a > b).astype(np.int8) - (b > a))

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The comparison, and its truth values as numbers."""
        return form.add("Cast", form.add(self.onnx, *form.alike(*operands)), to=_INT64)

    def to_numpy(self, form: CodeForm) -> str:
        """The comparison as whole numbers."""
        return form.fill(f"({{a}} {self.sign} {{b}}).astype(int)", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Nothing."""
        return [None, None]

    def to_torch(self, form: CodeForm) -> str:
        """The comparison as whole numbers."""
        return form.fill(f"({{a}} {self.sign} {{b}}).long()", self)


class Equal(_Comparison):
    """Whether two entries are the same number: 1 if they are, else 0."""

    op: Literal["equal"] = "equal"
    onnx = "Equal"

    symbol = "="
    sign = "=="
    elsewhere = ("eq", "equals")
    commutative = True
    compared = np.equal


class NotEqual(_Comparison):
    """Whether two entries are different numbers: 1 if they are, else 0."""

    op: Literal["not_equal"] = "not_equal"

    symbol = "≠"
    sign = "!="
    elsewhere = ("ne", "notequals")
    commutative = True
    compared = np.not_equal

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """What Equal gives, from 1."""
        return form.add("Sub", np.array(1, np.int64), Equal().to_onnx(form, *operands))


class Less(_Comparison):
    """Whether one entry is less than another: 1 if it is, else 0."""

    op: Literal["less"] = "less"
    onnx = "Less"

    symbol = "<"
    sign = "<"
    elsewhere = ("lt", "lessthan")
    compared = np.less


class LessEqual(_Comparison):
    """Whether one entry is at most another: 1 if it is, else 0."""

    op: Literal["less_equal"] = "less_equal"
    onnx = "LessOrEqual"

    symbol = "≤"
    sign = "<="
    elsewhere = ("le", "lessorequal", "lessthanorequal")
    compared = np.less_equal


class Greater(_Comparison):
    """Whether one entry is more than another: 1 if it is, else 0."""

    op: Literal["greater"] = "greater"
    onnx = "Greater"

    symbol = ">"
    sign = ">"
    elsewhere = ("gt", "greaterthan")
    compared = np.greater


class GreaterEqual(_Comparison):
    """Whether one entry is at least another: 1 if it is, else 0."""

    op: Literal["greater_equal"] = "greater_equal"
    onnx = "GreaterOrEqual"

    symbol = "≥"
    sign = ">="
    elsewhere = ("ge", "greaterorequal", "greaterthanorequal")
    compared = np.greater_equal


class Where(Broadcast):
    """One of two entries: that of `a` where the condition is not 0, else that of `b`."""

    op: Literal["where"] = "where"

    elsewhere = ("cond", "ternary", "maskedfill")
    operands = (
        data("condition", "...", kind="int"),
        data("a", "...", kind="any"),
        data("b", "...", kind="any"),
    )
    inplace = False
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(2, 3), (2, 3), (2, 3)], ["int", "float", "float"]),
        Case({}, [(3,), (2, 1), ()], ["int", "float", "float"]),
        Case({}, [(2, 2), (2, 2), (2,)], ["int", "int", "int"]),
        Case({}, [(2,), (2,), (2,)], ["int", "float", "int"]),
    )

    def forward(self, condition: Array, a: Array, b: Array) -> Array:
        """`a` where the condition is not 0, else `b`."""
        return np.where(condition, *alike(a, b))

    def vjp(
        self, cotangent: Array, output: Array, condition: Array, a: Array, b: Array
    ) -> Cotangents:
        """The cotangent for the one that is chosen."""
        nothing = cotangent.dtype.type(0)
        for_a = np.where(condition, cotangent, nothing)
        for_b = np.where(condition, nothing, cotangent)
        return None, share(for_a, a), share(for_b, b)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Where, of the condition as truth values."""
        condition, *chosen = operands
        truth = form.add("Cast", condition, to=_BOOL)
        return form.add("Where", truth, *form.alike(*chosen))

    numpy = "np.where({condition}, {a}, {b})"

    numpy_vjp: ClassVar = {
        "a": "np.where({condition}, {g}, 0)",
        "b": "np.where({condition}, 0, {g})",
    }
    torch = "torch.where({condition} != 0, {a}, {b})"
