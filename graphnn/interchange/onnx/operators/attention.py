"""Attention of sequences whose heads lie side by side."""

from __future__ import annotations

import math

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import UnsupportedError, Value, shape_of


@rule("Attention")
def attention(t: Translator, node: ForeignNode, inputs: list[Value | None]) -> Value:
    """`attention`, of arrays with three axes, without a mask or what is kept of earlier runs."""
    query, key, value, *more = inputs
    assert query is not None
    assert key is not None
    assert value is not None
    given = node.attributes
    if any(each is not None for each in more) or any(node.outputs[1:]):
        raise UnsupportedError("it has a mask, or keeps keys and values")
    if any(len(shape_of(each)) != 3 for each in (query, key, value)):
        raise UnsupportedError("its arrays have four axes")
    heads = given.get("q_num_heads", 1)
    if given.get("kv_num_heads", heads) != heads or given.get("softcap"):
        raise UnsupportedError("several queries share a key, or scores are capped")
    width = shape_of(query)[2]
    scale = given.get("scale")
    if scale is not None and not (
        isinstance(width, int) and math.isclose(scale, math.sqrt(heads / width), rel_tol=1e-6)
    ):
        raise UnsupportedError("its scores have another scale")
    causal = bool(given.get("is_causal", 0))
    return t.emit("attention", query, key, value, heads=heads, causal=causal)
