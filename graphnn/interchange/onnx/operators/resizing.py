"""Images made larger and smaller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from graphnn.interchange.onnx.folding import fold
from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.shapes import by_matrix
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import (
    UnsupportedError,
    Value,
    as_sizes,
    is_known,
    shape_of,
)
from graphnn.ops import Array
from graphnn.spec.sizes import Shape, Size

T = TypeVar("T")

_IMAGES = range(3, 6)  # axes of what has 1 to 3 after its channels


def _is_of_images(factors: list[int]) -> bool:
    """Whether axes of images alone grow, by whole factors."""
    return len(factors) in _IMAGES and factors[:2] == [1, 1] and 0 not in factors


@rule("Resize", "Upsample")
def resize(t: Translator, node: ForeignNode, x: Value, *given: Value | None) -> Value:
    """`upsample` where every entry is repeated, else `affine` by a matrix for each axis."""
    shape, attributes = shape_of(x), node.attributes
    if attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UnsupportedError("it keeps the aspect ratio")
    scales, wanted = _targets(node, given, shape)
    factors = _factors(scales, wanted, shape)
    mapping = attributes.get("coordinate_transformation_mode", "half_pixel")
    rounding = attributes.get("nearest_mode", "round_prefer_floor")
    repeats = node.op == "Upsample" or _repeats(mapping, rounding, factors)
    if repeats and _is_of_images(factors) and attributes.get("mode", "nearest") == "nearest":
        return t.emit("upsample", x, factor=tuple(factors[2:]))
    if node.op == "Upsample" or t.opset < 11 or mapping == "tf_crop_and_resize":
        raise UnsupportedError("it crops, or is of an old kind and does not repeat entries")
    for axis, by in enumerate(scales or factors):
        if by != 1:
            weight = _weight(t, node, shape[axis], _at(scales, axis), _at(wanted, axis))
            x = by_matrix(t, x, axis, weight)
    return x


def _at(values: Sequence[T] | None, axis: int) -> T | None:
    return None if values is None else values[axis]


def _targets(
    node: ForeignNode, inputs: Sequence[Value | None], shape: Shape
) -> tuple[list[float] | None, list[Size] | None]:
    """How many times as large every axis becomes, or its size then."""
    axes = [axis % len(shape) for axis in node.attributes.get("axes", range(len(shape)))]
    first, scaled, sized = [*inputs, None, None, None][:3]  # the first of a Resize is its region
    if sized is not None:
        sizes = dict(zip(axes, as_sizes(sized, "sizes"), strict=True))
        return None, [sizes.get(axis, size) for axis, size in enumerate(shape)]
    given = first if node.op == "Upsample" else None
    if "scales" in node.attributes:
        given = np.asarray(node.attributes["scales"])
    if scaled is not None and shape_of(scaled) != (0,):
        given = scaled
    if not (isinstance(given, np.ndarray) and is_known(given)):
        raise UnsupportedError("its scales are computed from data")
    scales = dict(zip(axes, given.reshape(-1).tolist(), strict=True))
    return [scales.get(axis, 1.0) for axis in range(len(shape))], None


def _factors(scales: list[float] | None, wanted: list[Size] | None, shape: Shape) -> list[int]:
    """How many entries each one becomes, by axis; 0 where that is not a whole number."""
    if wanted is not None:
        return [_factor(size, own) for size, own in zip(wanted, shape, strict=True)]
    return [int(each) if each == int(each) else 0 for each in scales or ()]


def _weight(
    t: Translator, node: ForeignNode, size: Size, scale: float | None, wanted: Size | None
) -> Array:
    """What every entry along an axis adds to those of the result, by onnx's own reference."""
    if not isinstance(size, int) or not isinstance(wanted, int | None):
        raise UnsupportedError("it resizes a free size otherwise than by repeating")
    kept = {key: value for key, value in node.attributes.items() if key != "axes"}
    rows: Value = np.eye(size, dtype=np.float32)
    sizes = None if wanted is None else np.array([size, wanted])
    scales = None if scale is None else np.array([1, scale], np.float32)
    one = ForeignNode("Resize", "", ("x", "", "s", "n"), ("y",), kept)
    found = fold(one, [rows, None, scales, sizes][: 3 if sizes is None else 4], t.opset)
    if found is None or not found[0].size:
        raise UnsupportedError("its options do not fit")
    return np.asarray(found[0], np.float32)


def _factor(wanted: Size, size: Size) -> int:
    if wanted == size:
        return 1
    whole = isinstance(wanted, int) and isinstance(size, int) and wanted % size == 0
    return int(str(wanted)) // int(str(size)) if whole else 0


def _repeats(mapping: str, rounding: str, factors: list[int]) -> bool:
    """Whether entries of the result are those of the source, each repeated."""
    if {*factors} == {1}:
        return True
    if mapping == "asymmetric":
        return rounding == "floor"
    return mapping in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round")
