"""Attributes of ops, from the types of their fields and what the ops say of their choices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from graphnn.ops import Op, Shape, ShapeError, Size
from graphnn.spec.sizes import show
from graphnn.testing._strategies.drawing import Choices

_REACH = 3  # how far numbers go from a bound, or from 0 where there is none
_GRID = 100  # real numbers are multiples of one over this
_Drawn = Callable[[Choices], Any]


class NoChoiceError(ShapeError):
    """An attribute has no value that fits the first operand."""


def drawn(draw: Choices, op_class: type[Op], shape: Shape, sizes: int) -> dict[str, Any]:
    """Values for the attributes of an op, for a first operand of a shape.

    Parameters
    ----------
    op_class : type of Op
    shape : tuple of Size
        Its sizes are numbers, but for the first, which may be free.
    sizes : int
        The largest of the attributes that are sizes.

    Raises
    ------
    TypeError
        An attribute has a type that no value can be derived from.
    NoChoiceError
        `Op.choices` lists no value of an attribute.
    """
    chosen: dict[str, Any] = {}
    for key, typed in _fields(op_class):
        listed = op_class.choices(key, chosen, shape)
        if listed is not None:
            if not len(listed):
                where = f"a first operand of shape {show(shape)}"
                raise NoChoiceError(f"'choices' lists no '{key}' for {where}")
            chosen[key] = draw.one_of(listed)
        elif key in op_class.size_attributes:
            chosen[key] = draw.integer(1, sizes)
        else:
            chosen[key] = typed(len(shape))(draw)
    return chosen


@st.composite
def attributes(
    draw: DrawFn, op_class: type[Op], shape: Shape = (), sizes: int = 4
) -> dict[str, Any]:
    """As `drawn`, which says the rest."""
    return drawn(Choices(draw), op_class, shape, sizes)


_Typed = Callable[[int], _Drawn]


@lru_cache(maxsize=1024)
def _fields(op_class: type[Op]) -> list[tuple[str, _Typed]]:
    return [(key, _of_field(op_class, key)) for key in op_class.attribute_names]


def _of_field(op_class: type[Op], key: str) -> _Typed:
    info = op_class.model_fields[key]

    @lru_cache(maxsize=8)
    def typed(rank: int) -> _Drawn:
        try:
            return _of_type(info.annotation, info.metadata, rank)
        except NotImplementedError:
            raise TypeError(
                f"no value can be derived for '{key}' of {op_class.name}: {info.annotation}; "
                "define its class method 'choices', which lists some"
            ) from None

    return typed


def _of_type(kind: Any, metadata: Iterable[Any], rank: int) -> _Drawn:
    parts = get_args(kind)
    if "numbers" in metadata:
        return _nested
    if "axis" in metadata:
        return _axes(kind, rank)
    if kind == Size:
        return lambda draw: draw.integer(1, _REACH)
    if get_origin(kind) in (Union, UnionType):
        simple_first = sorted(parts, key=lambda part: part is not type(None))
        ways = [_of_type(part, metadata, rank) for part in simple_first]
        return lambda draw: draw.one_of(ways)(draw)
    if get_origin(kind) is Annotated:
        extra = [each for item in parts[1:] for each in getattr(item, "metadata", [item])]
        return _of_type(parts[0], extra, rank)
    if get_origin(kind) is Literal:
        return lambda draw: draw.one_of(parts)
    if get_origin(kind) is tuple:
        return _tuple(parts, metadata, rank)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda draw: draw.one_of([*kind])
    return _of_scalar(kind, metadata)


def _tuple(parts: tuple[Any, ...], metadata: Iterable[Any], rank: int) -> _Drawn:
    if parts[-1] is Ellipsis:
        item = _of_type(parts[0], (), rank)
        least, most = _lengths(metadata)
        return lambda draw: tuple(item(draw) for _ in range(draw.integer(least, most)))
    items = [_of_type(part, (), rank) for part in parts]
    return lambda draw: tuple(item(draw) for item in items)


def _lengths(metadata: Iterable[Any]) -> tuple[int, int]:
    least = max(getattr(item, "min_length", None) or 0 for item in [None, *metadata])
    most = [getattr(item, "max_length", None) for item in metadata]
    return least, min([least + _REACH, *(bound for bound in most if bound is not None)])


def _of_scalar(kind: Any, metadata: Iterable[Any]) -> _Drawn:
    if kind is int:
        step = max(getattr(item, "multiple_of", None) or 1 for item in [None, *metadata])
        low, high = _bounds(metadata, 1)
        low, high = -(-low // step), max(high // step, -(-low // step))
        return lambda draw: step * draw.integer(low, high)
    if kind is float:
        low, high = _bounds(metadata, _GRID)
        return lambda draw: draw.integer(low, high) / _GRID
    if kind in (bool, type(None)):
        values = (False, True) if kind is bool else (None,)
        return lambda draw: draw.one_of(values)
    raise NotImplementedError


def _bounds(metadata: Iterable[Any], grid: int) -> tuple[int, int]:
    """The least and the largest number of steps, one step away from bounds that are excluded."""
    ends: dict[str, int] = {}
    for item in metadata:
        for key, whole, inward in (
            ("ge", math.ceil, 0),
            ("gt", math.floor, 1),
            ("le", math.floor, 0),
            ("lt", math.ceil, -1),
        ):
            if getattr(item, key, None) is not None:
                ends[key[0]] = whole(getattr(item, key) * grid) + inward
    reach = _REACH * grid
    if "g" not in ends and "l" not in ends:
        return -reach, reach
    low = ends.get("g", ends.get("l", 0) - 2 * reach)
    return low, min(ends.get("l", low + reach), low + reach)


def _axes(kind: Any, rank: int) -> _Drawn:
    """One axis; or, where the type takes several, all, or some, counted from either end."""
    if kind is int:
        return lambda draw: draw.integer(-rank, rank - 1)

    def chosen(draw: Choices) -> tuple[int, ...] | None:
        bits, backward = draw.integer(0, 2**rank - 1), draw.integer(0, 2**rank - 1)
        named = (axis for axis in range(rank) if bits >> axis & 1)
        return tuple(axis - rank if backward >> axis & 1 else axis for axis in named) or None

    return chosen


def _nested(draw: Choices) -> Any:
    """A number, or nested lists of whole or of real numbers."""
    shape, real = draw.extents(0, 2, _REACH), draw.chance(2)

    def filled(rank: int) -> Any:
        if rank < len(shape):
            return [filled(rank + 1) for _ in range(shape[rank])]
        return draw.integer(-300, 300) / _GRID if real else draw.integer(-_REACH, _REACH)

    return filled(0)
