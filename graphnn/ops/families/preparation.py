"""Preparation of columns: ops whose states training takes from its rows before the first epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Op
from graphnn.ops._operands import data, state
from graphnn.ops.code import CodeForm
from graphnn.ops.initializers import Ones, Zeros
from graphnn.spec.sizes import Shape


class Standardize(Op):
    """Columns brought to mean 0 and deviation 1: ``y = (x - mean) / deviation``.

    Before the first epoch, training takes the mean and the standard deviation of each column, an
    entry of the last axis, over all training rows, and keeps them with the weights. A column that
    is constant has the deviation 1. Until then nothing is changed.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Mueller, Efficient BackProp, 1998, section 4.3.
    """

    op: Literal["standardize"] = "standardize"
    elsewhere = ("standardscaler", "normalizer", "scaler", "zscore", "standardization")
    output_interval = ANY_NUMBER
    operands = (
        data("x", "... n"),
        state("mean", "n", Zeros()),
        state("deviation", "n", Ones(), domain=(0.1, 3.0)),
    )
    result = "... n"
    batchwise = True
    analytic = True
    inplace = True

    def forward(
        self, x: Array, mean: Array, deviation: Array, *, out: Array | None = None
    ) -> Array:
        """``(x - mean) / deviation``; x ``[..., n]``, mean and deviation ``[n]``."""
        y: Array = np.subtract(x, mean, out=out)
        y /= deviation
        return y

    def vjp(self, cotangent: Array, output: Array, *arrays: Any) -> Cotangents:
        """``g / deviation`` for x; 0 where g is."""
        by_x = np.zeros_like(cotangent)
        return np.divide(cotangent, arrays[2], out=by_x, where=cotangent != 0), None, None

    def prepared(self, *data: Array) -> Mapping[str, Array]:
        """Mean and deviation of each column."""
        rows = data[0].reshape(-1, data[0].shape[-1])
        deviation = rows.std(axis=0)
        constant = deviation <= 8 * np.finfo(rows.dtype).eps * np.abs(rows).max(axis=0)
        return {"mean": rows.mean(axis=0), "deviation": np.where(constant, 1, deviation)}

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis counts rows: not where it is the axis of the columns."""
        return len(shapes[0]) > 1

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Sub and Div."""
        x, mean, deviation = operands
        return form.add("Div", form.add("Sub", x, mean), deviation)

    numpy = "({x} - {mean}) / {deviation}"
    numpy_vjp: ClassVar = {"x": "{g} / {deviation}"}
    torch = numpy

    def to_torch_layer(self, form: CodeForm) -> str:
        """Mean and deviation of the columns."""
        (columns,) = form.shapes[1] or ()
        zeros, ones = (f"torch.{kind}({columns})" for kind in ("zeros", "ones"))
        return f'nn.ParameterDict({{"mean": {zeros}, "deviation": {ones}}})'


class Impute(Op):
    """Values in place of missing ones, which are NaN: the mean of their column.

    Before the first epoch, training takes the mean of each column, an entry of the last axis, over
    the values that the training rows have, and keeps it with the weights; it is 0 for a column
    without any. An input that such nodes alone read may have missing values.

    References
    ----------
    R. J. A. Little and D. B. Rubin, Statistical Analysis with Missing Data, Wiley, third edition
    2019, section 4.2.1: unconditional mean imputation.
    """

    op: Literal["impute"] = "impute"
    elsewhere = ("simpleimputer", "imputer", "fillna", "fillmissing", "imputation")
    operands = (data("x", "... n"), state("mean", "n", Zeros()))
    result = "... n"
    batchwise = True
    analytic = True
    takes_missing = True

    def forward(self, x: Array, mean: Array) -> Array:
        """``x`` where there is a value, else ``mean``; x ``[..., n]``, mean ``[n]``."""
        return np.where(np.isnan(x), mean, x)

    def vjp(self, cotangent: Array, output: Array, *arrays: Any) -> Cotangents:
        """``g`` where there is a value, else 0."""
        return np.where(np.isnan(arrays[0]), 0, cotangent), None

    def prepared(self, *data: Array) -> Mapping[str, Array]:
        """Mean of the values that each column has."""
        rows = data[0].reshape(-1, data[0].shape[-1])
        there = ~np.isnan(rows)
        total = np.where(there, rows, 0).sum(axis=0)
        return {"mean": total / np.maximum(there.sum(axis=0), 1)}

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis counts rows: not where it is the axis of the columns."""
        return len(shapes[0]) > 1

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """IsNaN and Where."""
        x, mean = operands
        return form.add("Where", form.add("IsNaN", x), mean, x)

    numpy = "np.where(np.isnan({x}), {mean}, {x})"
    numpy_vjp: ClassVar = {"x": "np.where(np.isnan({x}), 0, {g})"}
    torch = "torch.where(torch.isnan({x}), {mean}, {x})"

    def to_torch_layer(self, form: CodeForm) -> str:
        """Mean of the columns."""
        (columns,) = form.shapes[1] or ()
        return f'nn.ParameterDict({{"mean": torch.zeros({columns})}})'
