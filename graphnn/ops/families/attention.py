"""Attention: places of a sequence that take up what others hold, by how alike they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import ALL, Array, Cotangents, Saved, Wanted, misfit
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Case, Op, aliases
from graphnn.ops._operands import Operand, data
from graphnn.ops._passages import Passage, Tracked, earlier, folded, mixed
from graphnn.ops.code import CodeForm, call
from graphnn.ops.families.activation import softmax
from graphnn.spec.sizes import Shape, Size

_OPSET = 23  # of ONNX, which has Attention from there on


class Attention(Op):
    """Scaled dot-product attention ``y = softmax(q k^T / sqrt(d)) v``, in each of the heads.

    Each place of the query takes a mean of the value's places, weighted by how alike its row of d
    numbers is to theirs in the key. With several `heads` the features of all three are cut into as
    many blocks, which attend apart, and whose results lie side by side; d is the width of a block.
    Queries, keys and values are made by `affine` nodes before, and mixed by one after.

    Where it is `causal`, place i takes from the places up to i alone. `lengths`, one whole number a
    row, hide the padding of shorter rows: of a row of length n the keys from n on count for
    nothing. A row of length 0 has the result 0; a length beyond the last key hides none.

    References
    ----------
    A. Vaswani et al., Attention is all you need, NeurIPS 2017, section 3.2.1, eq. 1; heads: section
    3.2.2; the causal mask: section 3.2.3.
    """

    op: Literal["attention"] = "attention"
    heads: Annotated[int, Field(ge=1)] = Field(
        1, description="Blocks of features, each of which attends apart."
    )
    causal: bool = Field(False, description="Whether no place takes from those after it.")

    also_called = aliases(heads="num_heads n_heads nhead head_count", causal="is_causal use_causal")
    elsewhere = ("scaleddotproductattention", "multiheadattention", "dotproductattention")
    output_interval = ANY_NUMBER
    operands = (
        data("query", "batch queries width"),
        data("key", "batch keys width"),
        data("value", "batch keys features"),
        data("lengths", "batch", kind="int", optional=True),
    )
    result = "batch queries features"
    batchwise = True
    analytic = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({}, [(2, 2, 3), (2, 2, 3), (2, 2, 2)]),
        Case({"heads": 2, "causal": True}, [(1, 3, 4), (1, 3, 4), (1, 3, 4)]),
        Case({}, [(2, 1, 2), (2, 3, 2), (2, 3, 1), (2,)], ["float", "float", "float", "int"]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Queries stay apart; a key and its value are taken up by all, or by those behind."""
        axis = tracked.axis
        if axis != 1 or tracked.position == 3:
            return super().passage(tracked)
        if tracked.position == 0:
            return Passage(1, alike=not self.causal)
        if self.causal:
            return earlier(1)
        together = tracked.axes.get(1) == tracked.axes.get(2) == 1 and len(tracked.shapes) == 3
        return mixed(1, alike=together) if tracked.axes.get(0) == 1 else folded(alike=together)

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Heads that the features of the query can be cut into."""
        if key != "heads":
            return None
        width = shape[2] if len(shape) == 3 and isinstance(shape[2], int) else 1
        return [heads for heads in range(1, width + 1) if width % heads == 0]

    def beside(self, operand: Operand, shapes: Sequence[Shape]) -> Sequence[Shape] | None:
        """As many keys as queries where it is causal; features that the heads can cut."""
        batch, places, width = shapes[0]
        if operand.name == "key":
            return [(batch, keys, width) for keys in ((places,) if self.causal else (1, 2, 3))]
        if operand.name == "value":
            return [(batch, shapes[1][1], self.heads * block) for block in (1, 2)]
        return None

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """None, as the signatures say it, once the heads and the mask fit."""
        query, key, value = shapes[:3]
        if any(len(shape) != 3 for shape in (query, key, value)):
            return None
        for name, shape in (("query", query), ("value", value)):
            self._check_heads(name, shape)
        if self.causal and query[1] != key[1]:
            problem = f"but 'query' has {query[1]} places, and 'causal' takes as many keys"
            raise misfit("key", key, problem, attribute="causal")
        return None

    def _check_heads(self, name: str, shape: Shape) -> None:
        width: Size = shape[2]
        if self.heads > 1 and (not isinstance(width, int) or width % self.heads):
            problem = f"but {width} features cannot be cut into {self.heads} heads"
            raise misfit(name, shape, problem, attribute="heads")

    def forward(
        self,
        query: Array,
        key: Array,
        value: Array,
        lengths: Array | None = None,
        *,
        saved: Saved | None = None,
    ) -> Array:
        """``softmax(q k^T / sqrt(d)) v``; q ``[batch, queries, d]``, k and v with keys."""
        shares = self._shares(query, key, lengths)
        if saved is not None:
            saved["shares"] = shares
        return _merged(shares @ self._apart(value))

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        *arrays: Any,
        wanted: Wanted = ALL,
        saved: Saved | None = None,
    ) -> Cotangents:
        """``s k / sqrt(d)``, ``s^T q / sqrt(d)`` and ``p^T g``: p the softmax, s its argument's.

        That is ``s = p (g v^T - sum (g v^T) p)``.
        """
        query, key, value, lengths = arrays
        shares = saved["shares"] if saved else self._shares(query, key, lengths)
        moving = np.asarray(cotangent.any(axis=(1, 2)))
        if not moving.all():
            return self._of_some(cotangent, arrays, shares, moving)
        own = self._apart(cotangent)
        by_scores = own @ self._apart(value).swapaxes(2, 3)
        by_scores -= np.vecdot(by_scores, shares)[..., None]
        by_scores *= shares
        by_scores *= 1 / math.sqrt(query.shape[2] // self.heads)
        by_value = shares.swapaxes(2, 3) @ own if wanted[2] else None
        return (
            _merged(by_scores @ self._apart(key)) if wanted[0] else None,
            _merged(by_scores.swapaxes(2, 3) @ self._apart(query)) if wanted[1] else None,
            None if by_value is None else _merged(by_value),
            None,
        )

    def _of_some(
        self, cotangent: Array, arrays: Sequence[Any], shares: Array, moving: Array
    ) -> Cotangents:
        """As `vjp`, of the rows that have a cotangent: others pass on nothing, not even NaN."""
        found: list[Array | None] = [np.zeros_like(array) for array in arrays[:3]]
        if moving.any():
            rows = [None if array is None else array[moving] for array in arrays]
            own = self.vjp(cotangent[moving], cotangent, *rows, saved={"shares": shares[moving]})
            for whole, part in zip(found, own, strict=False):
                assert whole is not None
                whole[moving] = part
        return *found, None

    def _shares(self, query: Array, key: Array, lengths: Array | None) -> Array:
        """What each query takes of each key, ``[batch, heads, queries, keys]``."""
        scores = self._apart(query) @ self._apart(key).swapaxes(2, 3)
        scores *= 1 / math.sqrt(query.shape[2] // self.heads)
        places = np.arange(key.shape[1])
        if self.causal:
            scores[..., places > places[:, None]] = -np.inf
        if lengths is None:
            return softmax(scores)
        hidden = places >= np.maximum(lengths, 1)[:, None]
        scores.swapaxes(1, 3)[hidden] = -np.inf
        shares = softmax(scores)
        shares[lengths <= 0] = 0
        return shares

    def _apart(self, x: Array) -> Array:
        """The features of each head, ``[batch, heads, places, features]``."""
        return x.reshape(*x.shape[:2], self.heads, -1).swapaxes(1, 2)

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """One for each feature of each pair of a query and a key, and of a value."""
        query, key, value = operands[:3]
        assert query is not None
        assert key is not None
        assert value is not None
        return query[0] * query[1] * key[1] * (query[2] + value[2])

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Attention, or its formula where it is older, or rows have lengths."""
        query, key, value, lengths = operands
        if form.opset >= _OPSET and lengths is None:
            heads = {"q_num_heads": self.heads, "kv_num_heads": self.heads}
            return form.add("Attention", query, key, value, **heads, is_causal=int(self.causal))
        q, k, v = (self._onnx_apart(form, name) for name in (query, key, value))
        scores = form.add("MatMul", q, form.add("Transpose", k, perm=[0, 1, 3, 2]))
        scores = form.add("Mul", scores, self._onnx_scale(form, query))
        ends = {"start": 1, "end": 2}
        last = form.add("Squeeze", form.add("Shape", key, **ends), [0])
        places = form.add(
            "Range", form.add("Squeeze", [0], [0]), last, form.add("Squeeze", [1], [0])
        )
        shown = None
        if self.causal:
            shown = form.add("LessOrEqual", places, form.add("Unsqueeze", places, [1]))
        if lengths is not None:
            own = form.add("Unsqueeze", lengths, [1, 2, 3])
            here = form.add("Less", places, own)
            shown = here if shown is None else form.add("And", shown, here)
        if shown is not None:
            lowest = float(np.finfo(form.dtype).min)
            scores = form.add("Where", shown, scores, lowest)
        shares = form.add("Softmax", scores, axis=-1)
        if lengths is not None:
            shares = form.add("Where", here, shares, 0.0)
        merged = form.add("Transpose", form.add("MatMul", shares, v), perm=[0, 2, 1, 3])
        return form.add("Reshape", merged, [0, 0, -1])

    def _onnx_apart(self, form: OnnxForm, name: str) -> str:
        heads = form.add("Reshape", name, [0, 0, self.heads, -1])
        return form.add("Transpose", heads, perm=[0, 2, 1, 3])

    def _onnx_scale(self, form: OnnxForm, query: str) -> Any:
        """``1 / sqrt(d)``."""
        width = form.shapes[query][2]
        if isinstance(width, int):
            return 1 / math.sqrt(width // self.heads)
        features = form.add("CastLike", form.add("Shape", query, start=2, end=3), 1.0)
        return form.add("Reciprocal", form.add("Sqrt", features))

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return self._written("attention", form)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """A function of the file, which gives all of them."""
        back = self._written("attention_back", form, form.cotangent)
        return [*(f"{back}[{position}]" for position in range(3)), None]

    def _written(self, function: str, form: CodeForm, *first: str) -> str:
        heads = self.heads if self.heads > 1 else None
        return call(function, *first, *form.names, heads=heads, causal=self.causal or None)

    def to_torch(self, form: CodeForm) -> str:
        """A function of the file."""
        return self._written("attention", form)


def _merged(x: Array) -> Array:
    """The features of all heads side by side."""
    batch, heads, places, features = x.shape
    return x.swapaxes(1, 2).reshape(batch, places, heads * features)
