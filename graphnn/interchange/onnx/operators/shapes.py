"""Arrays arranged otherwise, taken apart and put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphnn.interchange.onnx.layouts import Layout
from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.arithmetic import number
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import (
    Filled,
    Made,
    UnsupportedError,
    Value,
    as_ints,
    as_sizes,
    broadcast,
    open_product,
    shape_of,
)
from graphnn.ops import Array
from graphnn.spec.sizes import Shape, Size, floor_divide, product

_END = 2**31 - 1  # beyond any axis
_MODES: dict[str, Any] = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}
_IMAGES = range(3, 6)  # axes of what has 1 to 3 after its channels
_PIECES = 64  # the most copies that a Tile makes


def reshaped(t: Translator, x: Value, shape: Sequence[Size]) -> Value:
    """`x` in another shape: nothing, `flatten` or `reshape`; or what a chain of such comes to."""
    target = tuple(shape)
    if isinstance(x, Filled):
        return Filled(x.number, target)
    if isinstance(x, Made) and x.shape != target:
        x = _before_reshapes(t, x)
    source = shape_of(x)
    if target == source:
        return x
    if pooled := _pooled(x, target):
        return t.emit("global_average_pool", pooled)
    if product(target) != product(source):
        raise UnsupportedError("its shape does not fit")
    layout = t.layout(x).reshaped(target) if isinstance(x, Made) else None
    return (layout and _of_source(t, x, layout)) or _reshape(t, x, target, layout)


def _before_reshapes(t: Translator, x: Made) -> Made:
    """The array whose entries `x` holds in the same order, in whatever shape."""
    while True:
        layout = t.layout(x)
        if x.op.name in ("reshape", "flatten"):
            (x,) = x.inputs
        elif layout.is_in_order and layout.source is not x:
            x = layout.source
        else:
            return x


def _reshape(t: Translator, x: Value, shape: Shape, layout: Layout | None) -> Made:
    source = shape_of(x)
    if len(source) > 1 and shape == (source[0], product(source[1:])):
        made = t.emit("flatten", x)
    else:
        made = t.emit("reshape", x, shape=shape)
    t.keep_layout(made, layout)
    return made


def _transpose(t: Translator, x: Value, axes: Sequence[int], layout: Layout | None) -> Made:
    made = t.emit("transpose", x, axes=tuple(axes))
    t.keep_layout(made, layout)
    return made


def _of_source(t: Translator, x: Value, layout: Layout) -> Value | None:
    """What has this layout, made of its source in fewer steps than through `x`, if that can be."""
    if layout.source is x:
        # Another reshape is as good as a transpose of axes of size 1, and joins the one before.
        again = layout.is_in_order and layout.source.op.name == "reshape"
        return reshaped(t, x, layout.shape) if again else None
    return arranged(t, layout) if layout.least_steps < layout.steps else None


def arranged(t: Translator, layout: Layout) -> Value:
    """What has a layout, made of its source."""
    source, blocks = layout.source, layout.blocks()
    if layout.is_in_order:
        return reshaped(t, source, layout.shape)
    if (order := layout.order()) is not None:
        return transposed(t, source, order)
    inner = sorted(blocks)
    found = _then(t, source, tuple(map(layout.size, inner)))
    found = _transpose(
        t, found, axes := [*map(inner.index, blocks)], t.layout(found).transposed(axes)
    )
    return _then(t, found, layout.shape)


def _then(t: Translator, x: Made, shape: Shape) -> Made:
    return x if x.shape == shape else _reshape(t, x, shape, t.layout(x).reshaped(shape))


def _pooled(x: Value, target: Shape) -> Made | None:
    """What `x`, a mean over all axes of its channels, is of, where `target` lacks these axes."""
    rank = len(shape_of(x))
    if not isinstance(x, Made) or x.op.name != "mean" or rank not in _IMAGES:
        return None
    axes = sorted(axis % rank for axis in x.given["axis"] or range(rank))
    return x.inputs[0] if axes == [*range(2, rank)] and target == x.shape[:2] else None


def given_axes(node: ForeignNode, value: Value | None) -> tuple[int, ...] | None:
    """Axes, which are an attribute of old operators and an input of new ones."""
    if value is not None:
        return as_ints(value, "axes")
    axes = node.attributes.get("axes")
    return None if axes is None else tuple(axes)


@rule("Reshape")
def reshape(t: Translator, node: ForeignNode, x: Value, shape: Value | None = None) -> Value:
    """`reshape` or `flatten`; free sizes stay free."""
    source = shape_of(x)
    given = np.asarray(node.attributes["shape"]) if shape is None else shape
    wanted = list(as_sizes(given, "shape"))
    if not node.attributes.get("allowzero", 0):
        wanted = [source[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    return reshaped(t, x, open_product(source, wanted))


@rule("Flatten")
def flatten(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`flatten`, or `reshape` from another axis on."""
    shape, axis = shape_of(x), node.attributes.get("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return reshaped(t, x, (product(shape[:axis]), product(shape[axis:])))


@rule("Squeeze")
def squeeze(t: Translator, node: ForeignNode, x: Value, along: Value | None = None) -> Value:
    """`reshape`."""
    shape, axes = shape_of(x), given_axes(node, along)
    gone = (
        {axis for axis, size in enumerate(shape) if size == 1}
        if axes is None
        else {axis % len(shape) for axis in axes}
    )
    return reshaped(t, x, [size for axis, size in enumerate(shape) if axis not in gone])


@rule("Unsqueeze")
def unsqueeze(t: Translator, node: ForeignNode, x: Value, along: Value | None = None) -> Value:
    """`reshape`."""
    shape, axes = list(shape_of(x)), given_axes(node, along) or ()
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    return reshaped(t, x, shape)


def transposed(t: Translator, x: Value, axes: Sequence[int]) -> Value:
    """`x` with its axes in another order; or what a chain of such comes to."""
    if isinstance(x, Filled):
        return Filled(x.number, tuple(x.shape[axis] for axis in axes))
    if list(axes) == list(range(len(axes))):
        return x
    layout = t.layout(x).transposed(axes) if isinstance(x, Made) else None
    return (layout and _of_source(t, x, layout)) or _transpose(t, x, axes, layout)


@rule("Transpose")
def transpose(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`transpose`."""
    default = range(len(shape_of(x)))[::-1]
    return transposed(t, x, tuple(node.attributes.get("perm", default)))


@rule("Concat")
def concat(t: Translator, node: ForeignNode, x: Value, *others: Value | None) -> Value:
    """`concat`."""
    return t.emit("concat", x, *others, axis=node.attributes["axis"]) if others else x


def sliced(
    t: Translator, x: Value, axis: int, start: int, stop: int | None, step: int = 1
) -> Value:
    """Entries of `x` along one axis; a stop of None is the end."""
    shape = shape_of(x)
    axis, size = axis % len(shape), shape[axis]
    if step < 0:
        raise UnsupportedError("it goes backwards")
    if isinstance(size, int):
        start, end, step = slice(start, stop, step).indices(size)
        if end <= start:
            raise UnsupportedError("it gives an array without entries")
        stop = None if end >= size else end
    elif stop is not None and stop >= _END:
        stop = None
    if start == 0 and stop is None and step == 1:
        return x
    if isinstance(x, Filled):
        return _cut(x, axis, start, stop, step)
    found = t.emit("slice", x, axis=axis, start=start, stop=stop, step=step)
    if isinstance(x, Made) and step == 1:
        t.keep_layout(found, _sliced_source(t, t.layout(x), axis, start, stop))
    return found


def _sliced_source(
    t: Translator, layout: Layout, axis: int, start: int, stop: int | None
) -> Layout | None:
    """How a slice lies in one of the source, where it takes whole stretches of that."""
    found = layout.stretch(axis)
    if found is None:
        return None
    along, count, length = found
    stop = count if stop is None else stop
    source = t.node(sliced(t, layout.source, along, start * length, stop * length))
    return layout.of_slice(source, axis, stop - start)


def _cut(x: Filled, axis: int, start: int, stop: int | None, step: int) -> Filled:
    size = x.shape[axis]
    if not isinstance(size, int):
        raise UnsupportedError("it cuts a free size")
    count = len(range(start, size if stop is None else stop, step))
    return Filled(x.number, (*x.shape[:axis], count, *x.shape[axis + 1 :]))


@rule("Slice")
def slice_(
    t: Translator,
    node: ForeignNode,
    x: Value,
    first: Value | None = None,
    end: Value | None = None,
    along: Value | None = None,
    by: Value | None = None,
) -> Value:
    """`slice`, one for each axis."""
    if first is None:
        starts, ends = node.attributes["starts"], node.attributes["ends"]
        axes = node.attributes.get("axes", range(len(starts)))
        steps: Sequence[int] = (1,) * len(starts)
    else:
        starts, ends = as_ints(first, "start"), as_ints(end, "end")
        axes = range(len(starts)) if (a := given_axes(node, along)) is None else a
        steps = (1,) * len(starts) if by is None else as_ints(by, "steps")
    for axis, start, stop, step in zip(axes, starts, ends, steps, strict=True):
        x = sliced(t, x, axis, start, None if stop >= _END else stop, step)
    return x


@rule("Split")
def split(t: Translator, node: ForeignNode, x: Value, lengths: Value | None = None) -> list[Value]:
    """`slice`, one for each part."""
    axis = node.attributes.get("axis", 0)
    size, count = shape_of(x)[axis], len(node.outputs)
    if lengths is not None:
        parts = as_ints(lengths, "split")
    elif "split" in node.attributes:
        parts = tuple(node.attributes["split"])
    elif isinstance(size, int):
        part = -(-size // count)
        parts = tuple(min(part, size - part * number) for number in range(count))
    else:
        raise UnsupportedError("it cuts a free size")
    ends = [int(end) for end in np.cumsum(parts)]
    return [sliced(t, x, axis, end - part, end) for part, end in zip(parts, ends, strict=True)]


@rule("Trilu")
def triangle(t: Translator, node: ForeignNode, x: Value, diagonal: Value | None = None) -> Value:
    """`where`, of a matrix of 0 and 1."""
    offset = (0,) if diagonal is None else as_ints(diagonal, "diagonal")
    rows, columns = shape_of(x)[-2:]
    if not (isinstance(rows, int) and isinstance(columns, int)):
        raise UnsupportedError("its matrices are of a free size")
    side = np.triu if node.attributes.get("upper", 1) else np.tril
    made = t.node(x)
    nothing = np.zeros((), np.float32 if made.kind == "float" else np.int64)
    return t.emit("where", side(np.ones((rows, columns), np.int64), *offset), made, nothing)


@rule("DepthToSpace", "SpaceToDepth")
def blocks(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`reshape`, `transpose` and `reshape`."""
    side, (rows, channels, height, width) = node.attributes["blocksize"], shape_of(x)
    turned = node.attributes.get("mode", "DCR") == "DCR"
    if node.op == "SpaceToDepth":
        fine = (rows, channels, _part(height, side), side, _part(width, side), side)
        order = (0, 3, 5, 1, 2, 4) if turned else (0, 1, 3, 5, 2, 4)
        apart = transposed(t, reshaped(t, x, fine), order)
        return reshaped(t, apart, (rows, product((channels, side, side)), fine[2], fine[4]))
    depth = _part(channels, side * side)
    split = (rows, side, side, depth) if turned else (rows, depth, side, side)
    order = (0, 3, 4, 1, 5, 2) if turned else (0, 1, 4, 2, 5, 3)
    apart = transposed(t, reshaped(t, x, (*split, height, width)), order)
    return reshaped(t, apart, (rows, depth, product((height, side)), product((width, side))))


def _part(size: Size, count: int) -> Size:
    """A size of which so many make up the whole."""
    part = floor_divide(size, count)
    if product((part, count)) != size:
        raise UnsupportedError("its blocks do not fit")
    return part


@rule("Expand")
def expand(t: Translator, node: ForeignNode, x: Value, shape: Value) -> Value:
    """Nothing, or `expand`."""
    source = shape_of(x)
    target = broadcast(source, as_sizes(shape, "shape"))
    if target == source:
        return x
    if isinstance(x, Filled):
        return Filled(x.number, target)
    return t.emit("expand", x, shape=target)


@rule("Tile")
def tile(t: Translator, node: ForeignNode, x: Value, repeats: Value) -> Value:
    """`concat` of copies."""
    for axis, count in enumerate(as_ints(repeats, "repeats")):
        if not 0 < count <= _PIECES:
            raise UnsupportedError("it repeats an array too often")
        if count > 1:
            x = t.emit("concat", *[x] * count, axis=axis)
    return x


@rule("Pad")
def pad(
    t: Translator,
    node: ForeignNode,
    x: Value,
    pads: Value | None = None,
    value: Value | None = None,
    along: Value | None = None,
) -> Value:
    """`pad`, or `affine` by a matrix of 0 and 1 where margins wrap around."""
    shape = shape_of(x)
    if pads is not None:
        given = as_ints(pads, "pads")
    else:
        given = tuple(node.attributes.get("pads") or node.attributes["paddings"])
    axes = given_axes(node, along) or tuple(range(len(shape)))
    sides = [(0, 0)] * len(shape)
    for at, axis in enumerate(axes):
        sides[axis % len(shape)] = (given[at], given[at + len(axes)])
    mode = node.attributes.get("mode", "constant")
    if mode != "constant":
        return _mirrored(t, x, sides, mode)
    return padded(t, x, sides, number(value, "value") or 0.0)


def _mirrored(t: Translator, x: Value, sides: Sequence[tuple[int, int]], mode: str) -> Value:
    """`x` with margins that repeat its entries; by a matrix of 0 and 1 where they wrap around."""
    sizes = shape_of(x)
    margins = [(max(0, before), max(0, after)) for before, after in sides]
    fits = all(
        not isinstance(n, int) or max(margin) < n for n, margin in zip(sizes, margins, strict=True)
    )
    if mode == "edge" or (mode == "reflect" and fits):
        x = _margins(t, x, margins, mode=mode) if any(map(any, margins)) else x
        for axis, (before, after) in enumerate(sides):
            x = sliced(t, x, axis, max(0, -before), min(after, 0) or None)
        return x
    for axis, (before, after) in enumerate(sides):
        if before or after:
            x = _mirrored_along(t, x, axis, (before, after), mode)
    return x


def _mirrored_along(t: Translator, x: Value, axis: int, sides: tuple[int, int], mode: str) -> Value:
    """`x` with such margins along an axis, by a matrix of 0 and 1."""
    (before, after), size = sides, shape_of(x)[axis]
    if not isinstance(size, int):
        raise UnsupportedError(f"its mode is '{mode}', along a free size")
    places = np.pad(np.arange(size), (max(before, 0), max(after, 0)), mode=_MODES[mode])
    stop = len(places) + min(after, 0)
    weight = np.eye(size, dtype=np.float32)[:, places[max(-before, 0) : stop]]
    return by_matrix(t, x, axis, weight)


def by_matrix(t: Translator, x: Value, axis: int, weight: Array) -> Value:
    """`x` with what lies along an axis multiplied by a matrix of constants."""
    rank = len(shape_of(x))
    order = [*(each for each in range(rank) if each != axis), axis]
    made = t.emit("affine", transposed(t, x, order), arrays={"weight": weight, "bias": None})
    made.trainable = False
    return transposed(t, made, sorted(range(rank), key=order.__getitem__))


def padded(t: Translator, x: Value, sides: Sequence[tuple[int, int]], value: float = 0.0) -> Value:
    """`x` with a margin before and after each axis; of negative width, it is cut."""
    for axis, (before, after) in enumerate(sides):
        if before < 0 or after < 0:
            x = sliced(t, x, axis, max(0, -before), min(after, 0) or None)
    wide = [(max(0, before), max(0, after)) for before, after in sides]
    if not any(map(any, wide)):
        return x
    return _margins(t, x, wide, value=value)


def _margins(t: Translator, x: Value, sides: Sequence[tuple[int, int]], **options: Any) -> Value:
    """`x` with margins: of images, of both axes at once."""
    if len(sides) == 4 and not any(map(any, sides[:2])):
        return t.emit("pad", x, padding=(*sides[2], *sides[3]), **options)
    for axis, margin in enumerate(sides):
        if any(margin):
            x = t.emit("pad", x, axis=axis, padding=margin, **options)
    return x
