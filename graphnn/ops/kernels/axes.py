"""Axes as attributes: their types, and what they mean for a shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from graphnn.ops._arrays import ShapeError
from graphnn.spec.sizes import Shape, show

_SCHEMA = {
    "anyOf": [
        {"type": "integer"},
        {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        {"type": "null"},
    ]
}


def _listed(value: Any) -> Any:
    # One type, not a union, so that a fault is reported once and in its place.
    if isinstance(value, int):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


AXIS = "axis"  # marks an attribute that names axes of the first operand
Axis = Annotated[int, AXIS]
Axes = Annotated[
    Annotated[tuple[int, ...], Field(min_length=1)] | None,
    AXIS,
    BeforeValidator(_listed),
    WithJsonSchema(_SCHEMA),
]


def normal_axis(axis: int, shape: Shape, *, attribute: str = "axis", operand: str = "x") -> int:
    """`axis` counted from the front.

    Raises
    ------
    ShapeError
        `shape` has no such axis.
    """
    rank = len(shape)
    if not -rank <= axis < rank:
        raise ShapeError(
            f"'{attribute}' is {axis}, but '{operand}' has shape {show(shape)}",
            operand,
            f"its axes are {', '.join(map(str, range(rank)))}" if rank else "it has no axes",
            attribute,
        )
    return axis % rank


def normal_axes(axes: Sequence[int] | None, shape: Shape) -> tuple[int, ...]:
    """`axes` counted from the front, in order; all of them for None.

    Raises
    ------
    ShapeError
        `shape` has no such axis, or one is named twice.
    """
    if axes is None:
        return tuple(range(len(shape)))
    found = sorted(normal_axis(axis, shape) for axis in axes)
    for axis in found:
        if found.count(axis) > 1:
            raise ShapeError(
                f"'axis' is [{', '.join(map(str, axes))}], which names axis {axis} twice",
                "x",
                attribute="axis",
            )
    return tuple(found)
