"""Entries in places that whole numbers choose, and places of largest entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.shapes import reshaped, sliced, transposed
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import (
    Filled,
    Made,
    UnsupportedError,
    Value,
    as_ints,
    is_known,
    shape_of,
)
from graphnn.ops import Array
from graphnn.spec.sizes import Size

_PIECES = 8  # the most that a Gather may be cut into


def _known(value: Value | None) -> Array | None:
    """The array that is known; None for data."""
    return value if isinstance(value, np.ndarray) and is_known(value) else None


def _from_start(places: Array, size: Size) -> Array:
    """Known places, all counted from the start of an axis."""
    if not isinstance(size, int):
        if places.min(initial=0) < 0:
            raise UnsupportedError("it looks up places of a free size")
        return places
    if places.min(initial=0) < -size or places.max(initial=0) >= size:
        raise UnsupportedError("it looks up a place that is not there")
    return np.where(places < 0, places + size, places)


@rule("Gather")
def gather(t: Translator, node: ForeignNode, x: Value, places: Value) -> Value:
    """`slice` of a few constant places; `embedding` of rows of a weight, or `gather`."""
    shape = shape_of(x)
    axis = node.attributes.get("axis", 0) % len(shape)
    found, size = _known(places), shape[axis]
    if found is None:
        if (table := _known(x)) is not None and table.ndim == 2 and axis == 0:
            return t.emit("embedding", places, arrays={"weight": table})
        return t.emit("gather", x, places, axis=axis)
    if found.size == 0:
        raise UnsupportedError("it gives an array without entries")
    if found.size > _PIECES:
        return t.emit("gather", x, _from_start(found, size), axis=axis)
    if found.ndim:  # one place alone may count from a free end
        found = _from_start(found, size)
    pieces = [_one(t, x, axis, place, size) for place in as_ints(found, "places")]
    whole: Value = pieces[0] if len(pieces) == 1 else t.emit("concat", *pieces, axis=axis)
    if not isinstance(whole, Made | Filled):
        return whole
    return reshaped(t, whole, (*shape[:axis], *found.shape, *shape[axis + 1 :]))


def _one(t: Translator, x: Value, axis: int, place: int, size: Size) -> Value:
    if isinstance(size, int):
        place %= size
    return sliced(t, x, axis, place, None if place == -1 else place + 1)


def _axis_last(rank: int, axis: int) -> list[int]:
    return [*(each for each in range(rank) if each != axis), axis]


def picked(t: Translator, x: Value, places: Value, axis: int) -> Value:
    """For each entry of `places`, the one of `x` that it chooses along the axis."""
    shape, own = shape_of(x), shape_of(places)
    axis, rank = axis % len(shape), len(shape)
    for other, size in enumerate(own):
        if other != axis and size != shape[other]:
            if not isinstance(size, int):
                raise UnsupportedError("it looks up places in a part of free size")
            x = sliced(t, x, other, 0, size)
    order = _axis_last(rank, axis)
    if (known := _known(places)) is not None:
        places = _from_start(known, shape[axis])
    rows, chosen = transposed(t, t.node(x), order), transposed(t, t.node(places), order)
    found = t.emit("gather", rows, chosen, axis=-1, batch_axes=rank - 1)
    return transposed(t, found, sorted(range(rank), key=order.__getitem__))


@rule("GatherElements")
def gather_elements(t: Translator, node: ForeignNode, x: Value, places: Value) -> Value:
    """`gather` with `batch_axes`, between `transpose` where the axis is not the last."""
    return picked(t, x, places, node.attributes.get("axis", 0))


@rule("GatherND")
def gather_nd(t: Translator, node: ForeignNode, x: Value, places: Value) -> Value:
    """`gather`, one for each axis, all but the first with `batch_axes`."""
    *lead, count = shape_of(places)
    shared = node.attributes.get("batch_dims", 0)
    if not isinstance(count, int):
        raise UnsupportedError("it looks up a free number of axes")
    for number in range(count):
        axis = len(lead) if number else shared
        own = _along_last(t, places, number, lead, shape_of(x)[axis])
        x = t.emit("gather", x, own, axis=axis, batch_axes=axis)
    return x


def _along_last(
    t: Translator, places: Value, number: int, lead: Sequence[Size], size: Size
) -> Value:
    """One column of places."""
    if (known := _known(places)) is not None:
        return _from_start(known[..., number], size)
    return reshaped(t, sliced(t, places, -1, number, number + 1), lead)


@rule("OneHot")
def one_hot(t: Translator, node: ForeignNode, x: Value, depth: Value, values: Value) -> Value:
    """`one_hot`, with `multiply` and `add` where it writes other numbers than 0 and 1."""
    (classes,) = as_ints(depth, "depth")
    ends = _known(values)
    if ends is None or ends.size != 2:
        raise UnsupportedError("its numbers are computed from data")
    if t.node(x).kind == "float":
        x = t.emit("cast", x, dtype="int")
    found: Value = t.emit("one_hot", x, classes=classes)
    low, high = (float(each) for each in ends)
    if high - low != 1:
        found = t.emit("multiply", found, high - low)
    if low != 0:
        found = t.emit("add", found, low)
    rank = len(shape_of(x)) + 1
    axis = node.attributes.get("axis", -1) % rank
    order = [*range(axis), rank - 1, *range(axis, rank - 1)]
    return transposed(t, found, order)


@rule("ArgMax", "ArgMin")
def argmax(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`argmax`, of `negative` for the least; from the other end for the last of several."""
    axis = node.attributes.get("axis", 0) % len(shape_of(x))
    if node.op == "ArgMin":
        x = t.emit("negative", x)
    options = {"axis": axis, "keepdims": bool(node.attributes.get("keepdims", 1))}
    if not node.attributes.get("select_last_index", 0):
        return t.emit("argmax", x, **options)
    size = shape_of(x)[axis]
    if not isinstance(size, int):
        raise UnsupportedError("it takes the last of several largest entries of a free size")
    turned = t.emit("gather", x, np.arange(size)[::-1], axis=axis)
    return t.emit("subtract", np.array(size - 1), t.emit("argmax", turned, **options))


@rule("Hardmax")
def hardmax(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`one_hot` of `argmax`."""
    shape = shape_of(x)
    rank = len(shape)
    axis = node.attributes.get("axis", -1 if t.opset >= 13 else 1) % rank
    if t.opset < 13 and axis != rank - 1:
        raise UnsupportedError("it takes several axes as one")
    order = _axis_last(rank, axis)
    largest = t.emit("argmax", transposed(t, x, order), axis=-1)
    found = t.emit("one_hot", largest, classes=shape[axis])
    return transposed(t, found, sorted(range(rank), key=order.__getitem__))
