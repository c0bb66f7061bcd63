"""Hypothesis strategies that derive cases from op classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from pydantic.fields import FieldInfo

from graphnn.ops import Array, Case, Kind, Op, Operand, Role
from graphnn.spec.sizes import Shape, evaluate, free

MARGIN = 1e-3
_LARGEST = 4  # size of an axis
_NUMBERS = 3.0  # bound of attributes that have none
_STEPS = 1024  # values of one operand are this many steps apart at most
_BATCH = {"batch": free("batch")}
_Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpCase:
    """An op and arrays that it fits.

    Attributes
    ----------
    op : Op
        All its sizes are numbers, those left out filled in.
    arrays : tuple of ndarray or None
        One for each operand, data first, noise last; None for a parameter left out. float64 or
        int64.
    declared : Op
        The op as a spec would state it: a size may be the free ``batch``.
    """

    op: Op
    arrays: tuple[Array | None, ...]
    declared: Op

    @property
    def roles(self) -> tuple[Role, ...]:
        """What each of `arrays` is."""
        rest = [operand.role for operand in self.op.operands if operand.role != "data"]
        given: list[Role] = ["data"] * (len(self.arrays) - len(rest))
        return (*given, *rest)

    @property
    def data(self) -> tuple[Array, ...]:
        """Arrays that other nodes give."""
        pairs = zip(self.arrays, self.roles, strict=True)
        return tuple(array for array, role in pairs if role == "data" and array is not None)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shapes of `data`."""
        return tuple(array.shape for array in self.data)

    @property
    def given(self) -> dict[str, Shape]:
        """Shapes of the parameters and states, by name."""
        kept = ("parameter", "state")
        arrays = [a for a, role in zip(self.arrays, self.roles, strict=True) if role in kept]
        return {
            operand.name: array.shape
            for operand, array in zip(self.op.parameter_operands(), arrays, strict=True)
            if array is not None
        }


class Fitting(NamedTuple):
    """An op as a spec would state it, the same with numbers for free sizes, and what fits it."""

    declared: Op
    op: Op
    shapes: tuple[_Numbers, ...]
    kinds: Sequence[Kind]
    table: dict[str, int]


@st.composite
def op_cases(draw: DrawFn, op_class: type[Op]) -> OpCase:
    """Cases of an op: attributes, shapes and values that fit it.

    Shapes come from the op's `cases` if it has any, else from its signatures; attributes from
    the types of its fields; values from the domain of each operand, noise from the op itself. No
    value lies within `MARGIN` of a kink.

    Parameters
    ----------
    op_class : type of Op

    Returns
    -------
    SearchStrategy of OpCase

    Raises
    ------
    TypeError
        The op has no `cases`, and an attribute of a type that no value can be derived from.
    """
    declared, op, shapes, kinds, table = draw(fitting(op_class))
    arrays: list[Array | None] = []
    for position, shape in enumerate(shapes):
        operand = op.data_operands()[min(position, len(op.data_operands()) - 1)]
        whole = "int" in kinds[position:][:1] or operand.kind == "int"
        arrays.append(draw(values(operand, shape, limit(operand, table) if whole else None)))
    given = {
        operand.name: _shape(operand.signature, table, ())
        for operand in op.parameter_operands()
        if not op_class.cases
    }
    inferred = op.infer(shapes, given)
    op = op.model_copy(update=dict(inferred.attributes))
    for operand in op.parameter_operands():
        left_out = operand.optional and draw(st.booleans())
        shape = _numbers(inferred.parameters[operand.name])
        arrays.append(None if left_out else draw(values(operand, shape)))
    for operand in op.operands:
        if operand.role == "noise":
            rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
            arrays.append(op.noise(rng, _numbers(inferred.result), np.float64))
    return OpCase(op, _off_kinks(op, arrays), declared)


def fitting(op_class: type[Op]) -> SearchStrategy[Fitting]:
    """An op, and data shapes that fit it."""
    if not op_class.cases:
        return _derived(op_class)
    return st.sampled_from(op_class.cases).map(lambda case: _stated(case, op_class))


def attributes(op_class: type[Op]) -> SearchStrategy[dict[str, Any]]:
    """Values for the attributes of an op, sizes apart, from the types of its fields."""
    return st.fixed_dictionaries(
        {
            key: _of_field(op_class, key, info)
            for key, info in op_class.model_fields.items()
            if key != "op" and key not in op_class.size_attributes
        }
    )


def _of_field(op_class: type[Op], key: str, info: FieldInfo) -> SearchStrategy[Any]:
    try:
        return _of_type(info.annotation, info.metadata)
    except NotImplementedError:
        raise TypeError(
            f"no value can be derived for '{key}' of {op_class.name}: {info.annotation}; "
            "give the op class some 'cases'"
        ) from None


def _of_type(kind: Any, metadata: Iterable[Any]) -> SearchStrategy[Any]:
    parts = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return st.one_of([_of_type(part, metadata) for part in parts])
    if get_origin(kind) is Annotated:
        extra = [each for item in parts[1:] for each in getattr(item, "metadata", [item])]
        return _of_type(parts[0], extra)
    if get_origin(kind) is Literal:
        return st.sampled_from(parts)
    if kind is int:
        low, high = _bounds(metadata, 1.0)
        return st.integers(math.ceil(low), math.floor(high))
    if kind is float:
        return st.floats(*_bounds(metadata, 1 / _STEPS))
    if kind in (bool, type(None)):
        return st.from_type(kind)
    raise NotImplementedError


def _bounds(metadata: Iterable[Any], gap: float) -> tuple[float, float]:
    """The least and the largest number, `gap` away from bounds that are excluded."""
    inward = {"ge": 0.0, "gt": gap, "le": 0.0, "lt": -gap}
    ends = {
        key[0]: float(getattr(item, key)) + inward[key]
        for item in metadata
        for key in inward
        if hasattr(item, key)
    }
    low = ends.get("g", ends.get("l", _NUMBERS) - 2 * _NUMBERS)
    return low, ends.get("l", low + 2 * _NUMBERS)


def _stated(case: Case, op_class: type[Op]) -> Fitting:
    declared = op_class.model_validate(dict(case.attributes), context=_BATCH)
    shapes = tuple(map(tuple, case.shapes))
    op = declared.bind({"batch": shapes[0][0] if shapes and shapes[0] else 2})
    return Fitting(declared, op, shapes, case.kinds, _table(op, shapes))


def _numbers(shape: Shape) -> _Numbers:
    return tuple(evaluate(size, {}) for size in shape)


def _table(op: Op, shapes: Sequence[_Numbers]) -> dict[str, int]:
    """What the symbols of the data signatures stand for; `cases` are known to fit."""
    table: dict[str, int] = {}
    for operand, shape in zip(op.data_operands(), shapes, strict=False):
        before, _, after = operand.signature.partition("...")
        table.update(zip(before.split(), shape, strict=False))
        table.update(zip(reversed(after.split()), reversed(shape), strict=False))
    return table


@st.composite
def _derived(draw: DrawFn, op_class: type[Op]) -> Fitting:
    axes = " ".join(operand.signature for operand in op_class.operands).split()
    symbols = {axis for axis in axes if axis != "..." and not axis.isdigit()}
    sizes = st.integers(1, _LARGEST)
    table = {symbol: draw(sizes) for symbol in sorted(symbols.union(op_class.size_attributes))}
    values = draw(attributes(op_class))
    for key in op_class.size_attributes:
        optional = not op_class.model_fields[key].is_required()
        if not (optional and draw(st.booleans())):
            values[key] = table[key]
    rest = tuple(draw(st.lists(sizes, max_size=3)))
    shapes = tuple(
        _shape(operand.signature, table, draw(_stretchable(rest)) if op_class.broadcasts else rest)
        for operand in op_class.data_operands()
    )
    op = op_class(**values)
    return Fitting(op, op, shapes, (), table)


@st.composite
def _stretchable(draw: DrawFn, shape: _Numbers) -> _Numbers:
    """A shape that broadcasts to `shape`."""
    kept = shape[draw(st.integers(0, len(shape))) :]
    return tuple(1 if draw(st.booleans()) else size for size in kept)


def _shape(signature: str, table: Mapping[str, int], rest: _Numbers) -> _Numbers:
    shape: list[int] = []
    for symbol in signature.split():
        if symbol == "...":
            shape.extend(rest)
        else:
            shape.append(int(symbol) if symbol.isdigit() else table[symbol])
    return tuple(shape)


def limit(operand: Operand, table: Mapping[str, int]) -> int:
    """What whole numbers of an operand stay below."""
    return table[operand.below] if operand.below else _LARGEST


def values(operand: Operand, shape: _Numbers, below: int | None = None) -> SearchStrategy[Array]:
    """Arrays in the domain of an operand, or of whole numbers from 0 to less than `below`."""
    count = math.prod(shape)
    low, high = operand.domain
    if below is not None:
        entries = st.lists(st.integers(0, below - 1), min_size=count, max_size=count)
        return entries.map(lambda items: np.array(items, np.int64).reshape(shape))
    # Whole steps shrink to simple values, and cost less than floats do.
    steps = st.lists(st.integers(0, _STEPS), min_size=count, max_size=count)
    return steps.map(
        lambda items: (low + (high - low) / _STEPS * np.array(items, np.float64)).reshape(shape)
    )


def _off_kinks(op: Op, arrays: Sequence[Array | None]) -> tuple[Array | None, ...]:
    """`arrays`, moved a little where one of their entries is near a kink."""
    rng = np.random.default_rng(0)
    moved = tuple(arrays)
    for _ in range(50):
        if _is_smooth(op, moved):
            return moved
        moved = tuple(_jostled(array, rng) for array in arrays)
    return reject()


def _jostled(array: Array | None, rng: np.random.Generator) -> Array | None:
    if array is None or array.dtype.kind != "f":
        return array
    return np.asarray(array + rng.uniform(4 * MARGIN, 40 * MARGIN, array.shape))


def _is_smooth(op: Op, arrays: Sequence[Array | None]) -> bool:
    here = op.branch(*arrays)
    if here is None:
        return True
    for position, array in enumerate(arrays):
        if array is None or array.dtype.kind != "f":
            continue
        for index in np.ndindex(array.shape):
            for step in (-MARGIN, MARGIN):
                moved = array.copy()
                moved[index] += step
                there = op.branch(*arrays[:position], moved, *arrays[position + 1 :])
                if not np.array_equal(here, np.asarray(there)):
                    return False
    return True
