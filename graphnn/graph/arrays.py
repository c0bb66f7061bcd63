"""Located numbers to arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from graphnn.diagnostics import SpecError, counted
from graphnn.ops import Array
from graphnn.spec import brief, number_help
from graphnn.spec.sizes import show
from graphnn.spec.values import Scalar, Seq, Value

FINITE = "save finite weights: the training may have diverged"  # as help


def is_numbers(value: Value) -> bool:
    """Whether `value` is written as a number or as nested lists."""
    if isinstance(value, Scalar):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    return isinstance(value, Seq)


def is_finite(*arrays: Array) -> bool:
    """Whether all entries are; quicker than `first_not_finite`."""
    squares = 0.0
    for array in arrays:
        if array.dtype.kind == "f":
            flat = array.ravel("K")
            squares += float(flat.dot(flat))
    # A sum of squares takes less time than a search, but may overflow.
    return math.isfinite(squares) or all(np.isfinite(array).all() for array in arrays)


def outermost_first(array: Array) -> list[int]:
    """Axes of `array`, in the order in which they lie in memory."""
    return sorted(range(array.ndim), key=lambda axis: -array.strides[axis])


def first_not_finite(array: Array) -> str:
    """The first entry of `array` that is not finite, with its index; nothing where all are."""
    if array.dtype.kind != "f" or not (bad := ~np.isfinite(array)).any():
        return ""
    at = np.argwhere(bad)[0]
    value = array[tuple(at)]
    shown = "NaN" if np.isnan(value) else ("infinity" if value > 0 else "-infinity")
    return f"{shown} at {show(int(index) for index in at)}" if at.size else shown


def from_value(value: Value, what: str, dtype: type = np.float64) -> Array:
    """The array that a number or nested lists of numbers stand for.

    Parameters
    ----------
    value : Value
    what : str
        What the array is, for messages.
    dtype : type
        ``numpy.float64``, or ``numpy.int64`` to accept whole numbers only.

    Raises
    ------
    SpecError
        An entry is not a number, or lists side by side differ in length; the first such place.
    """
    shape = _shape(value)
    # Not by count: the shape is only what the first of every list promises.
    flat: Array = np.fromiter(_entries(value, shape, what, dtype), dtype)
    return flat.reshape(shape)


def _shape(value: Value) -> tuple[int, ...]:
    shape = []
    while isinstance(value, Seq):
        shape.append(len(value.items))
        if not value.items:
            break
        value = value.items[0]
    return tuple(shape)


def _entries(value: Value, shape: tuple[int, ...], what: str, dtype: type) -> Iterator[float]:
    # As deep as the reader's limit allows, so an explicit stack costs nothing and never overflows.
    pending: list[tuple[Value, int]] = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if depth < len(shape):
            if not isinstance(item, Seq):
                raise _wrong(what, f"a list of {counted(shape[depth], 'entry')} here", item)
            if len(item.items) != shape[depth]:
                length = counted(len(item.items), "entry")
                message = f"{what} has a row of {length} beside one of {shape[depth]}"
                raise SpecError.of("ragged-array", message, item.span)
            pending.extend((entry, depth + 1) for entry in reversed(item.items))
        else:
            yield _number(item, what, dtype)


def _number(item: Value, what: str, dtype: type) -> float:
    wanted = "whole numbers" if dtype is np.int64 else "numbers"
    if not isinstance(item, Scalar) or isinstance(item.value, bool):
        raise _wrong(what, wanted, item)
    number = item.value
    if isinstance(number, int):
        if abs(number) >= 2**63:
            raise _wrong(what, "numbers below 2**63", item)
        return number
    if not isinstance(number, float) or dtype is np.int64:
        raise _wrong(what, wanted, item)
    return number


def _wrong(what: str, wanted: str, item: Value) -> SpecError:
    message = f"{what} must hold {wanted}, not {brief(item)}"
    return SpecError.of("not-numbers", message, item.span, help=number_help(item))
