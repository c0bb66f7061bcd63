"""Embedding: the product of a matrix and rows that are 1 in one place, by looking rows up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents, ShapeError
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Op, aliases
from graphnn.ops._operands import data, parameter
from graphnn.ops._passages import Passage, Tracked
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm, call
from graphnn.ops.initializers import Normal
from graphnn.ops.kernels.rows import add_rows, check_places
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape


class Embedding(Op):
    """Embedding ``y = weight[x]``: for each whole number the row of the weight in that place.

    It is ``one_hot(x) weight``, without the zeros. Numbers go from 0 to ``vocabulary - 1``. The
    gradient by the weight is 0 in the rows that no number of the batch stands for. The number that
    is `padding` gives zeros, whatever its row of the weight holds, which no gradient moves.

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
    padding: Annotated[int, Field(ge=0)] | None = Field(
        None, description="The number that stands for padding, whose row counts as zeros."
    )

    also_called = aliases(
        padding="padding_idx mask_zero",
        vocabulary="num_embeddings input_dim vocab_size vocab num_entries count rows",
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

    def passage(self, tracked: Tracked) -> Passage | None:
        """All axes stay apart."""
        return Passage(tracked.axis)

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """A padding that is in the vocabulary."""
        return [None, None, 0] if key == "padding" else None

    def solve_sizes(
        self, shapes: Sequence[Shape], given: Mapping[str, Shape]
    ) -> Mapping[str, sizes.Size]:
        """None, once the padding is in the vocabulary."""
        count = self.vocabulary or given.get("weight", (None,))[0]
        if self.padding is not None and isinstance(count, int) and self.padding >= count:
            problem = f"'padding' is {self.padding}, but numbers go from 0 to {count - 1}"
            raise ShapeError(problem, attribute="padding")
        return {}

    def forward(self, x: Array, weight: Array, *, out: Array | None = None) -> Array:
        """``weight[x]``; weight ``[vocabulary, units]``."""
        check_places(x, len(weight), "x", "rows in the vocabulary")
        # The places are checked, so that NumPy need not, for which it would go through a buffer.
        rows: Array = np.take(weight, x, axis=0, out=out, mode="clip")
        if self.padding is not None:
            rows[x == self.padding] = 0
        return rows

    def vjp(self, cotangent: Array, output: Array, x: Array, weight: Array) -> Cotangents:
        """For each row of the weight, the sum of ``g`` where it was looked up; none for x."""
        rows = cotangent.reshape(-1, weight.shape[1])
        found = add_rows(rows, x.reshape(-1), len(weight))
        if self.padding is not None:
            found[self.padding] = 0
        return None, found

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """1 in the rows that look up the entry's row, of a batch of single numbers."""
        x, weight = arrays
        if x.ndim != 1:
            return None
        looked_up: Array = x[:, None] == np.arange(len(weight))
        if self.padding is not None:
            looked_up[:, self.padding] = False
        return looked_up[..., None].astype(weight.dtype)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Gather of rows, zeros for padding."""
        x, weight = operands
        rows = form.add("Gather", weight, x, axis=0)
        if self.padding is None:
            return rows
        padding = form.add("Equal", x, np.array(self.padding))
        return form.add("Where", form.add("Unsqueeze", padding, [-1]), 0.0, rows)

    def to_numpy(self, form: CodeForm) -> str:
        """Rows by their places."""
        return form.fill(f"{{weight}}[{{x}}]{self._kept(form)}", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """A function of the file, of the cotangent of what is not padding."""
        return [None, form.fill(f"add_rows({{g}}{self._kept(form)}, {{x}}, {{weight}})", self)]

    @property
    def torch(self) -> str:  # type: ignore[override]
        """``F.embedding``, where padding counts as zeros; else `to_torch_layer` alone."""
        if self.padding is None:
            return ""
        return f"F.embedding({{x}}, {{weight}}) * ({{x}} != {self.padding})[..., None]"

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.Embedding``, or its weight."""
        shape: Sequence[Any] = form.shapes[1] or ()
        if self.padding is None:
            return call("nn.Embedding", *shape)
        zeros = f"torch.zeros({', '.join(map(str, shape))})"
        return f'nn.ParameterDict({{"weight": nn.Parameter({zeros})}})'

    def _kept(self, form: CodeForm) -> str:
        """A factor that is 0 for padding."""
        return "" if self.padding is None else f" * ({form.names[0]} != {self.padding})[..., None]"
