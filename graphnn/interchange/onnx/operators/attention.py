"""Attention: one op where it is of sequences whose heads lie side by side, else by its parts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.shapes import reshaped, transposed
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Made, UnsupportedError, Value, shape_of
from graphnn.ops import Array
from graphnn.spec.sizes import Size, product

_HIDDEN = -1e30  # a score that counts for nothing beside any other
_WITH_BIAS, _SHARES = 2, 3  # what ONNX calls outputs of scores


@rule("Attention")
def attention(
    t: Translator, node: ForeignNode, query: Value, key: Value, value: Value, *more: Value | None
) -> Value | list[Value]:
    """`attention`; with a mask, more axes and such, `matmul` and `softmax` and what is between."""
    given = node.attributes
    heads = given.get("q_num_heads", 1)
    if (
        any(each is not None for each in more)
        or any(node.outputs[1:])
        or any(len(shape_of(each)) != 3 for each in (query, key, value))
        or given.get("kv_num_heads", heads) != heads
        or any(given.get(key) for key in ("softcap", "left_window_size", "right_window_size"))
        or not _is_usual(given.get("scale"), heads, shape_of(query)[2])
        or (given.get("is_causal", 0) and shape_of(query)[1] != shape_of(key)[1])
    ):
        return _Attention(t, node, query, key, value, *more).parts()
    causal = bool(given.get("is_causal", 0))
    return t.emit("attention", query, key, value, heads=heads, causal=causal)


def _is_usual(scale: float | None, heads: int, width: Size) -> bool:
    if scale is None:
        return True
    usual = isinstance(width, int) and math.sqrt(heads / width)
    return bool(usual) and math.isclose(scale, usual, rel_tol=1e-6)


@dataclass
class _Attention:
    """Attention by its parts; arrays have axes for rows, heads, places and features."""

    t: Translator
    node: ForeignNode
    query: Value
    key: Value
    value: Value
    mask: Value | None = None
    past_key: Value | None = None
    past_value: Value | None = None
    lengths: Value | None = None

    def parts(self) -> list[Value]:
        """What comes out, what is kept of keys and values, and the scores."""
        t, given = self.t, self.node.attributes
        mask, flat = self.mask, len(shape_of(self.query)) == 3
        q = self._apart(self.query, "q_num_heads")
        k = self._after(self.past_key, self._apart(self.key, "kv_num_heads"))
        v = self._after(self.past_value, self._apart(self.value, "kv_num_heads"))
        _, _, places, features = shape_of(q)
        scale = given.get("scale")
        if scale is None:
            scale = _number(features) ** -0.5
        kept = 0 if self.past_key is None else _number(shape_of(self.past_key)[2])
        turned = transposed(t, self._shared(k, q), (0, 1, 3, 2))
        scores: Made = t.emit("matmul", t.emit("multiply", q, float(scale)), turned)
        if cap := given.get("softcap"):
            scores = t.emit("multiply", t.emit("tanh", t.emit("multiply", scores, 1 / cap)), cap)
        biased, seen = scores, self._seen(places, shape_of(k)[2], kept)
        if mask is not None and shape_of(mask)[-1] != shape_of(k)[2]:
            raise UnsupportedError("its mask is of fewer places than its keys")
        if mask is not None and t.node(mask).kind == "int":
            seen = mask if seen is None else t.emit("multiply", mask, seen)
        elif mask is not None:
            biased = t.emit("add", scores, mask)
        shares = self._shares(biased, seen)
        found: Value = t.emit("matmul", shares, self._shared(v, q))
        if flat:
            found = transposed(t, found, (0, 2, 1, 3))
            rows, steps, *rest = shape_of(found)
            found = reshaped(t, found, (rows, steps, product(rest)))
        mode = given.get("qk_matmul_output_mode", 0)
        if mode == _WITH_BIAS and seen is not None and any(self.node.outputs[3:]):
            raise UnsupportedError("its scores, some minus infinity, are read")
        return [found, k, v, {_WITH_BIAS: biased, _SHARES: shares}.get(mode, scores)]

    def _apart(self, x: Value, key: str) -> Value:
        """`x` with an axis for the heads."""
        if len(shape_of(x)) == 4:
            return x
        heads, (rows, places, width) = self.node.attributes[key], shape_of(x)
        shape = (rows, places, heads, _number(width) // heads)
        return transposed(self.t, reshaped(self.t, x, shape), (0, 2, 1, 3))

    def _after(self, past: Value | None, x: Value) -> Value:
        return x if past is None else self.t.emit("concat", past, x, axis=2)

    def _shared(self, x: Value, query: Value) -> Value:
        """Keys or values, each head as often as queries share it."""
        rows, heads, *rest = shape_of(x)
        wanted = _number(shape_of(query)[1])
        times = wanted // _number(heads)
        if times == 1:
            return x
        apart = reshaped(self.t, x, (rows, heads, 1, *rest))
        stretched = self.t.emit("expand", apart, shape=(rows, heads, times, *rest))
        return reshaped(self.t, stretched, (rows, wanted, *rest))

    def _seen(self, places: Size, keys: Size, kept: int) -> Value | None:
        """1 where a query sees a key, by its place, and 0 elsewhere; None where it sees all."""
        given, lengths = self.node.attributes, self.lengths
        left, right = (given.get(f"{side}_window_size", -1) for side in ("left", "right"))
        if given.get("is_causal", 0):
            right = 0 if right < 0 else min(right, 0)
        if left < 0 and right < 0 and lengths is None:
            return None
        ahead = np.arange(_number(keys)) - np.arange(_number(places))[:, None]
        if lengths is None:
            return _within(ahead - kept, left, right)
        rows = reshaped(self.t, lengths, (shape_of(lengths)[0], 1, 1, 1))
        seen: Made = self.t.emit("greater", rows, np.arange(_number(keys)))
        # The last query stands at the last key that counts.
        if right >= 0:
            own = self.t.emit("less_equal", ahead + _number(places) - right, rows)
            seen = self.t.emit("multiply", seen, own)
        if left >= 0:
            own = self.t.emit("greater_equal", ahead + _number(places) + left, rows)
            seen = self.t.emit("multiply", seen, own)
        return seen

    def _shares(self, scores: Made, seen: Value | None) -> Made:
        """The softmax of the scores that are seen; 0 where nothing is."""
        if seen is None:
            return self.t.emit("softmax", scores)
        held = self.t.emit("where", seen, scores, _HIDDEN)
        return self.t.emit("where", seen, self.t.emit("softmax", held), 0.0)


def _within(ahead: Array, left: int, right: int) -> Array:
    """1 where a key lies so few places before a query, and so few after it."""
    seen: Any = np.ones(ahead.shape, np.int64)
    if right >= 0:
        seen &= ahead <= right
    if left >= 0:
        seen &= -ahead <= left
    return np.asarray(seen)


def _number(size: Size) -> int:
    if not isinstance(size, int):
        raise UnsupportedError("it has a mask, or heads, of a free size")
    return size
