"""Attention that a model spells out in matrix products and a softmax, read as one op.

The axis of the heads goes back into the features, from which it has been cut::

    query           [batch, places, heads*width]   what the op reads
    as it is read   [batch, heads, places, width]  or [batch*heads, places, width]
"""

from __future__ import annotations

import math

import numpy as np

from graphnn.interchange.onnx.operators.shapes import reshaped, transposed
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Made, Value, stated, stated_number
from graphnn.ops import Array
from graphnn.spec.sizes import Size, product

_HIDDEN = -1e4  # a score that counts for nothing beside others
_CLOSE = 1e-6  # of a scale in float32
_MOVES = ("transpose", "reshape", "flatten")
_MOST_MOVES = 8


def spelt_attention(t: Translator, shares: Value, value: Value) -> Value | None:
    """What ``softmax(scale q k^T) v`` is as one op; None where it is something else."""
    if not (isinstance(shares, Made) and isinstance(value, Made)):
        return None
    read = _read(t, shares)
    if read is None or len(value.shape) != len(read[0].shape):
        return None
    query, key, causal = read
    heads = {_heads(t, each) for each in (query, key, value)}
    if len(heads) > 1 or (found := heads.pop()) is None:
        return None
    rows, count = found
    joined = [_joined(t, each, rows, count) for each in (query, key, value)]
    made = t.emit("attention", *joined, heads=count, causal=causal)
    places, features = query.shape[-2], value.shape[-1]
    apart = transposed(t, reshaped(t, made, (rows, places, count, features)), (0, 2, 1, 3))
    return reshaped(t, apart, (*query.shape[:-2], places, features))


def _read(t: Translator, shares: Made) -> tuple[Made, Made, bool] | None:
    """The queries and keys that `shares` are of, and whether they are causal."""
    masked, causal = _scores(shares)
    scores, scale = _unscaled(t, masked) if masked else (shares, 1.0)
    if scores.op.name != "matmul":
        return None
    (query, by_query), (turned, by_key) = (_unscaled(t, each) for each in scores.inputs)
    rank, width = len(query.shape), query.shape[-1]
    if rank not in (3, 4) or len(turned.shape) != rank or not isinstance(width, int):
        return None
    usual = math.isclose(scale * by_query * by_key, width**-0.5, rel_tol=_CLOSE)
    if not usual or (causal and query.shape[-2] != turned.shape[-1]):
        return None
    key = t.node(transposed(t, turned, (*range(rank - 2), rank - 1, rank - 2)))
    return query, key, causal


def _heads(t: Translator, x: Made) -> tuple[Size, int] | None:
    """How many rows and heads the first axes of an array are; None where nothing has been cut."""
    layout = t.layout(x)
    if len(x.shape) == 4:
        cut = layout.source is not x
        return (x.shape[0], x.shape[1]) if cut and isinstance(x.shape[1], int) else None
    *outer, inner = [layout.parts[part] for part in layout.axes[0]] or [1]
    return (product(outer), inner) if outer and isinstance(inner, int) else (x.shape[0], 1)


def _joined(t: Translator, x: Made, rows: Size, heads: int) -> Value:
    """An array with the features of its heads side by side."""
    places, width = x.shape[-2:]
    side = transposed(t, reshaped(t, x, (rows, heads, places, width)), (0, 2, 1, 3))
    return reshaped(t, side, (rows, places, product((heads, width))))


def _scores(shares: Made) -> tuple[Made | None, bool]:
    """What `shares` are the softmax of, and whether places after a query's are hidden in it."""
    last = len(shares.shape) - 1
    if shares.op.name != "softmax" or shares.given.get("axis", -1) not in (-1, last):
        return None, False
    (masked,) = shares.inputs
    if masked.op.name == "add":
        for scores, mask in (masked.inputs, masked.inputs[::-1]):
            if (array := stated(mask)) is not None and _is_after(array <= _HIDDEN):
                return (scores, True) if not array[array > _HIDDEN].any() else (masked, False)
    if masked.op.name == "where":
        condition, *sides = masked.inputs
        seen, hidden = stated(condition), [stated(each) for each in sides]
        for at, after in ((1, seen == 0), (0, seen != 0)):
            array = hidden[at]
            if seen is not None and array is not None and (array <= _HIDDEN).all():
                return (sides[1 - at], True) if _is_after(np.asarray(after)) else (masked, False)
    return masked, False


def _is_after(hidden: Array) -> bool:
    """Whether just what comes after the diagonal is hidden, in all rows and heads."""
    *lead, rows, columns = (1, 1, *hidden.shape)
    if rows != columns or rows == 1 or set(lead) != {1}:
        return False
    after = np.triu(np.ones((rows, rows), bool), 1)
    return np.array_equal(hidden.reshape(rows, rows), after)


def _unscaled(t: Translator, x: Made) -> tuple[Made, float]:
    """`x` without the number that it has been multiplied by, also before it was moved."""
    path: list[Made] = []
    made = x
    while made.op.name in _MOVES and len(path) < _MOST_MOVES:
        path.append(made)
        (made,) = made.inputs
    found = _factor(made)
    if found is None:
        return x, 1.0
    inner, factor = found
    for move in reversed(path):
        turned = move.op.name == "transpose"
        inner = t.node(
            transposed(t, inner, move.given["axes"]) if turned else reshaped(t, inner, move.shape)
        )
    return inner, factor


def _factor(made: Made) -> tuple[Made, float] | None:
    """What is multiplied by one number, and the number."""
    if made.op.name not in ("multiply", "divide"):
        return None
    pairs = [made.inputs] if made.op.name == "divide" else [made.inputs, made.inputs[::-1]]
    for inner, other in pairs:
        number = stated_number(other)
        if number is not None and number > 0 and inner.shape == made.shape:
            return inner, 1 / number if made.op.name == "divide" else number
    return None
