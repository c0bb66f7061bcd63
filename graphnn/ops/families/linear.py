"""Linear ops: matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import ALL, Array, Cotangents, Wanted
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Case, Op, aliases
from graphnn.ops._operands import PARAMETERS_ELSEWHERE, data, parameter
from graphnn.ops._passages import Passage, Tracked
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm, along, call
from graphnn.ops.initializers import Xavier, Zeros
from graphnn.ops.kernels.broadcasting import unbroadcast
from graphnn.ops.kernels.copies import copies
from graphnn.ops.kernels.ones import total
from graphnn.spec.sizes import Shape


class Affine(Op):
    """Affine map ``y = x W + b`` of the last axis."""

    also_called = aliases(
        units="size features out_features neurons outputs num_output num_units hidden_size dim",
        **PARAMETERS_ELSEWHERE,
    )

    op: Literal["affine"] = "affine"
    units: Size | None = Field(
        None, description="Output features; left out, the weight's own number of columns."
    )

    elsewhere = ("dense", "linear", "innerproduct", "gemm", "fc", "fullyconnected", "addmm")
    output_interval = ANY_NUMBER
    operands = (
        data("x", "... n"),
        parameter("weight", "n units", Xavier()),
        parameter("bias", "units", Zeros(), optional=True),
    )
    result = "... units"
    batchwise = True
    factors = True
    analytic = True
    torch_reversed = ("weight",)
    torch_unlayered = "F.linear({x}, {weight}.T, {bias})"

    def passage(self, tracked: Tracked) -> Passage | None:
        """All axes but the last stay apart."""
        axis = tracked.axis
        return Passage(axis) if axis < len(tracked.shapes[0]) - 1 else None

    def forward(
        self, x: Array, weight: Array, bias: Array | None, *, out: Array | None = None
    ) -> Array:
        """``x @ weight + bias``; x ``[..., n]``, weight ``[n, units]``, bias ``[units]``."""
        if x.ndim > 1 and (out is None or out.flags.c_contiguous):
            y = out if out is not None else np.empty((*x.shape[:-1], weight.shape[1]), x.dtype)
            return self.writing(y, x, weight, bias)(x, weight, bias)
        y = np.matmul(x, weight, out=out)
        if bias is not None:
            y += bias
        return y

    def writing(self, out: Array | None, *arrays: Any) -> Callable[..., Array]:
        """One product of all rows, which is faster than one for each leading index."""
        x = arrays[0]
        if out is None or x.ndim < 2 or not out.flags.c_contiguous:
            return super().writing(out, *arrays)
        rows, flat = _rows(out), x.ndim == 2
        # What is of the bias's shape needs no iterator of NumPy.
        shifted = rows[0] if len(rows) == 1 else rows
        add = np.add

        def affine(x: Array, weight: Array, bias: Array | None) -> Array:
            # On small matrices `dot` is quicker to begin than np.matmul.
            (x if flat else _rows(x)).dot(weight, rows)
            if bias is not None:
                add(shifted, bias, shifted)
            return out

        return affine

    def vjp(
        self, cotangent: Array, output: Array, *arrays: Any, wanted: Wanted = ALL
    ) -> Cotangents:
        """Cotangents of x, weight and bias: ``g W^T``, ``x^T g`` and the sum of g's rows."""
        x, weight, bias = arrays
        flat = x.ndim == 2
        rows = cotangent if flat else _rows(cotangent)
        by_x = rows.dot(weight.T) if wanted[0] else None
        return (
            by_x if by_x is None or flat else by_x.reshape(x.shape),
            _pairs(x if flat else _rows(x), rows) if wanted[1] else None,
            total(rows) if wanted[2] and bias is not None else None,
        )

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """One for each entry of the result and of a row of `x`."""
        return _products(result, operands[0])

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Gemm of a matrix, MatMul and Add of what has other axes."""
        x, weight, bias = operands
        if len(form.shapes[x]) == 2:
            return form.add("Gemm", x, weight, bias)
        product = form.add("MatMul", x, weight)
        return product if bias is None else form.add("Add", product, bias)

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis counts rows: not where it is the axis that is mapped."""
        return len(shapes[0]) > 1

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """``x`` for the weight, whose entry (g, c) moves channel c by ``h x[g]``; 1 for bias."""
        x = arrays[0]
        if x.ndim != 2:
            return None
        return x[:, :, None] if operand == "weight" else np.ones((len(x), 1, 1), x.dtype)

    def moved(
        self, operand: str, entries: Array, offset: complex, output: Array, *arrays: Array
    ) -> Array:
        """The result with ``h x[..., g]``, for the bias h, added to one column."""
        x, weight = arrays[:2]
        groups, columns = np.divmod(entries, weight.shape[1])
        moved = copies(output, len(entries), dtype=np.result_type(output, offset))
        change = np.moveaxis(x[..., groups], -1, 0) if operand == "weight" else 1
        moved[np.arange(len(entries)), ..., columns] += offset * change
        return moved

    def spread(self, change: Array, channels: Array, count: int, *arrays: Array) -> Array | None:
        """The change of a block times the rows of the weight that are the block's."""
        x, weight = arrays[0], arrays[1]
        if x.ndim != 2:
            return None
        block = weight.reshape(count, -1, weight.shape[1])[channels]
        shape = (weight.shape[1], len(channels), change.shape[-1])
        rows = np.empty(shape, np.result_type(change, weight))
        if block.shape[1] == 1:
            np.multiply(block[:, 0].T[..., None], change.reshape(shape[1:]), out=rows)
        else:
            change = change.reshape(len(channels), -1, change.shape[-1])
            np.matmul(block.swapaxes(1, 2), change, out=rows.swapaxes(0, 1))
        return rows

    def to_numpy(self, form: CodeForm) -> str:
        """``x @ weight + bias``."""
        return form.fill("{x} @ {weight}" + " + {bias}" * (form.names[2] is not None), self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g W.T``, ``x.T g`` and the sum of g's rows."""
        rank = len(form.shape)
        rows = ", ".join(map(str, range(rank - 1)))
        weight = {1: "np.outer({x}, {g})", 2: "{x}.T @ {g}"}.get(
            rank, f"np.tensordot({{x}}, {{g}}, axes=([{rows}], [{rows}]))"
        )
        bias = "{g}" if rank == 1 else f"{{g}}.sum(axis={along(range(rank - 1))})"
        parts = ["{g} @ {weight}.T", weight, bias if form.names[2] else None]
        return [part and form.fill(part, self) for part in parts]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.Linear``."""
        inputs, units = form.shapes[1] or ()
        return call("nn.Linear", inputs, units, bias=None if form.names[2] else False)


class MatMul(Op):
    """Matrix product ``a b`` of the last two axes; leading axes broadcast as in NumPy."""

    op: Literal["matmul"] = "matmul"
    onnx = "MatMul"

    symbol = "·"
    elsewhere = ("mm", "bmm", "dot", "batchmatmul")
    output_interval = ANY_NUMBER
    operands = (data("a", "... m n"), data("b", "... n p"))
    result = "... m p"
    broadcasts = True
    batchwise = True
    factors = True
    analytic = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(3, 4), (4, 2)]),
        Case({}, [(2, 3, 4), (4, 5)]),
        Case({}, [(3, 4), (2, 4, 5)]),
        Case({}, [(2, 3, 4), (2, 4, 5)]),
        Case({}, [(2, 1, 3, 4), (5, 4, 1)]),
        Case({}, [(1, 3, 1), (3, 1, 2)]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Rows of `a`, columns of `b`, and leading axes stay apart."""
        axis = tracked.axis - len(tracked.shape)
        if axis == (-1, -2)[tracked.position]:
            return None
        if axis < -2 and tracked.shape[axis] == 1:
            return None  # it may stretch
        return Passage(axis + max(map(len, tracked.shapes)))

    def forward(self, a: Array, b: Array, *, out: Array | None = None) -> Array:
        """``a @ b``; a ``[..., m, n]``, b ``[..., n, p]``."""
        return np.matmul(a, b, out=out)

    def vjp(
        self, cotangent: Array, output: Array, a: Array, b: Array, *, wanted: Wanted = ALL
    ) -> Cotangents:
        """Cotangents ``g b^T`` and ``a^T g``, summed over stretched axes."""
        by_a = by_b = None
        if wanted[0]:
            by_a = unbroadcast(cotangent @ b.swapaxes(-1, -2), a)
        if wanted[1] and b.ndim == 2:
            by_b = _rows(a).T @ _rows(cotangent)
        elif wanted[1]:
            by_b = unbroadcast(a.swapaxes(-1, -2) @ cotangent, b)
        return by_a, by_b

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """One for each entry of the result and of a row of `a`."""
        return _products(result, operands[0])

    def has_rows(self, *shapes: Shape) -> tuple[bool, ...]:
        """As for any op that broadcasts; where both are matrices, `a` has rows, `b` has not."""
        if max(map(len, shapes)) == 2:
            return (True, False)
        return super().has_rows(*shapes)

    numpy = "{a} @ {b}"
    torch = "{a} @ {b}"

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g b.T`` and ``a.T g``, summed over stretched axes."""
        by_a = form.fill(f"{{g}} @ {self._turned(form, 1)}", self)
        by_b = form.fill(f"{self._turned(form, 0)} @ {{g}}", self)
        return [
            text
            if (form.shapes[n] or ())[:-2] == form.shape[:-2]
            else f"unbroadcast({text}, {name})"
            for n, (text, name) in enumerate(zip((by_a, by_b), form.names, strict=True))
        ]

    def _turned(self, form: CodeForm, position: int) -> str:
        flat = len(form.shapes[position] or ()) == 2
        return f"{form.names[position]}{'.T' if flat else '.swapaxes(-1, -2)'}"


def _products(result: Sequence[int], rows: Sequence[int] | None) -> int:
    assert rows is not None
    return math.prod(result) * rows[-1]


def _rows(x: Array) -> Array:
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def _pairs(a: Array, b: Array) -> Array:
    """``a^T b``; NumPy's product is slow for one row."""
    product: Array = np.multiply(a.T, b) if len(a) == 1 else a.T.dot(b)
    return product
