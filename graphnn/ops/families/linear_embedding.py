"""Embedding: the product of a matrix and rows that are 1 in one place, by looking rows up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Op, aliases
from graphnn.ops._operands import data, parameter
from graphnn.ops._passages import Passage
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm, call
from graphnn.ops.initializers import Normal
from graphnn.ops.kernels.rows import add_rows, check_places
from graphnn.spec.sizes import Shape


class Embedding(Op):
    """Embedding ``y = weight[x]``: for each whole number the row of the weight in that place.

    It is ``one_hot(x) weight``, without the zeros. Numbers go from 0 to ``vocabulary - 1``. The
    gradient by the weight is 0 in the rows that no number of the batch stands for.

    References
    ----------
    Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin, A neural probabilistic language model,
    Journal of Machine Learning Research 3 (2003), section 2: the matrix C.
    """

    op: Literal["embedding"] = "embedding"
    vocabulary: Size | None = Field(
        None, description="Rows of the weight; left out, the weight's own number."
    )
    units: Size | None = Field(
        None, description="Features of a row; left out, the weight's own number of columns."
    )

    also_called = aliases(
        vocabulary="num_embeddings input_dim vocab_size vocab num_entries",
        units="embedding_dim output_dim features size dim num_output",
        weight="embeddings_initializer table",
    )
    elsewhere = ("embed", "embeddinglookup", "lookuptable")
    output_interval = ANY_NUMBER
    operands = (
        data("x", "...", kind="int", below="vocabulary"),
        parameter("weight", "vocabulary units", Normal(std=1.0)),
    )
    result = "... units"
    batchwise = True
    analytic = True

    def passage(
        self, position: int, tracked: Mapping[int, int], shapes: Sequence[Shape]
    ) -> Passage | None:
        """All axes stay apart."""
        return Passage(tracked[position])

    def forward(self, x: Array, weight: Array, *, out: Array | None = None) -> Array:
        """``weight[x]``; weight ``[vocabulary, units]``."""
        check_places(x, len(weight), "x", "rows in the vocabulary")
        # The places are checked, so that NumPy need not, for which it would go through a buffer.
        return np.take(weight, x, axis=0, out=out, mode="clip")

    def vjp(self, cotangent: Array, output: Array, x: Array, weight: Array) -> Cotangents:
        """For each row of the weight, the sum of ``g`` where it was looked up; none for x."""
        rows = cotangent.reshape(-1, weight.shape[1])
        return None, add_rows(rows, x.reshape(-1), len(weight))

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """1 in the rows that look up the entry's row, of a batch of single numbers."""
        x, weight = arrays
        if x.ndim != 1:
            return None
        looked_up: Array = x[:, None] == np.arange(len(weight))
        return looked_up[..., None].astype(weight.dtype)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Gather of rows."""
        x, weight = operands
        return form.add("Gather", weight, x, axis=0)

    numpy = "{weight}[{x}]"
    numpy_vjp: ClassVar = {"weight": "add_rows({g}, {x}, {weight})"}

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.Embedding``."""
        sizes: Sequence[Any] = form.shapes[1] or ()
        return call("nn.Embedding", *sizes)
