"""Arithmetic of whole numbers: real ones made whole, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Case, aliases
from graphnn.ops._operands import Kind, data
from graphnn.ops.code import CodeForm
from graphnn.ops.families._elementwise import Elementwise

_INT64 = 7  # of ONNX's types


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
