"""Attributes of ops, from the types of their fields and what the ops say of their choices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from graphnn.ops import Op, Shape, Size
from graphnn.testing._strategies.drawing import integers, one_of

_REACH = 3  # how far numbers go from a bound, or from 0 where there is none
_GRID = 100  # real numbers are multiples of one over this


def drawn(draw: DrawFn, op_class: type[Op], shape: Shape, sizes: int) -> dict[str, Any]:
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
    """
    chosen: dict[str, Any] = {}
    for key, typed in _fields(op_class):
        listed = op_class.choices(key, chosen, shape)
        if listed is not None:
            chosen[key] = one_of(draw, listed)
        elif key in op_class.size_attributes:
            chosen[key] = draw(integers(1, sizes))
        else:
            chosen[key] = draw(typed(len(shape)))
    return chosen


@st.composite
def attributes(
    draw: DrawFn, op_class: type[Op], shape: Shape = (), sizes: int = 4
) -> dict[str, Any]:
    """As `drawn`, which says the rest."""
    return drawn(draw, op_class, shape, sizes)


_Typed = Callable[[int], SearchStrategy[Any]]


@lru_cache(maxsize=1024)
def _fields(op_class: type[Op]) -> list[tuple[str, _Typed]]:
    return [(key, _of_field(op_class, key)) for key in op_class.attribute_names]


def _of_field(op_class: type[Op], key: str) -> _Typed:
    info = op_class.model_fields[key]

    @lru_cache(maxsize=8)
    def typed(rank: int) -> SearchStrategy[Any]:
        try:
            return _of_type(info.annotation, info.metadata, rank)
        except NotImplementedError:
            raise TypeError(
                f"no value can be derived for '{key}' of {op_class.name}: {info.annotation}; "
                "define 'choices' in the op class"
            ) from None

    return typed


def _of_type(kind: Any, metadata: Iterable[Any], rank: int) -> SearchStrategy[Any]:
    parts = get_args(kind)
    if "numbers" in metadata:
        return _nested()
    if "axis" in metadata:
        return _axes(kind, rank)
    if kind == Size:
        return integers(1, _REACH)
    if get_origin(kind) in (Union, UnionType):
        simple_first = sorted(parts, key=lambda part: part is not type(None))
        return st.one_of([_of_type(part, metadata, rank) for part in simple_first])
    if get_origin(kind) is Annotated:
        extra = [each for item in parts[1:] for each in getattr(item, "metadata", [item])]
        return _of_type(parts[0], extra, rank)
    if get_origin(kind) is Literal:
        return st.sampled_from(parts)
    if get_origin(kind) is tuple:
        if parts[-1] is Ellipsis:
            return st.lists(_of_type(parts[0], (), rank), max_size=_REACH).map(tuple)
        return st.tuples(*(_of_type(part, (), rank) for part in parts))
    return _of_scalar(kind, metadata)


def _of_scalar(kind: Any, metadata: Iterable[Any]) -> SearchStrategy[Any]:
    if kind is int:
        low, high = _bounds(metadata, 1)
        return integers(low, high)
    if kind is float:
        low, high = _bounds(metadata, _GRID)
        return integers(low, high).map(lambda steps: steps / _GRID)
    if kind in (bool, type(None)):
        return st.from_type(kind)
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


def _axes(kind: Any, rank: int) -> SearchStrategy[Any]:
    """One axis; or, where the type takes several, all, or some, counted from either end."""
    if kind is int:
        return integers(-rank, rank - 1)

    def chosen(bits: int, backward: int) -> tuple[int, ...] | None:
        named = (axis for axis in range(rank) if bits >> axis & 1)
        return tuple(axis - rank if backward >> axis & 1 else axis for axis in named) or None

    every = integers(0, 2**rank - 1)
    return st.builds(chosen, every, every)


def _nested() -> SearchStrategy[Any]:
    """A number, or nested lists of whole or of real numbers."""
    shapes = st.lists(integers(1, _REACH), max_size=2)
    whole, real = integers(-_REACH, _REACH), integers(-300, 300).map(lambda n: n / _GRID)

    def filled(shape: list[int], entry: SearchStrategy[Any]) -> SearchStrategy[Any]:
        for size in reversed(shape):
            entry = st.lists(entry, min_size=size, max_size=size)
        return entry

    return st.tuples(shapes, st.sampled_from([whole, real])).flatmap(lambda both: filled(*both))
