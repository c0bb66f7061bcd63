"""What a name of an ONNX graph stands for while it is translated.

A value is a node of the network in the making (`Made`), an array that is known (its entries may be
sizes that are still free), or one number for all entries of a shape (`Filled`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphnn.ops import Array, Kind, Op
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression, Shape, Size


class UnsupportedError(Exception):
    """A node has no counterpart here; the text says why."""


@dataclass(eq=False, slots=True)
class Made:
    """A node in the making.

    Attributes
    ----------
    op : Op
    inputs : list of Made
    arrays : dict of str to ndarray or None
        Values of its parameters; None for one left out.
    shape : Shape
    kind : {"float", "int"}
    origin : str
        The ONNX node that it is of.
    hints : tuple of str
        Names that it could have, the best first.
    trainable : bool
    """

    op: Op
    inputs: list[Made]
    arrays: Mapping[str, Array | None]
    shape: Shape
    kind: Kind
    origin: str = ""
    hints: tuple[str, ...] = ()
    trainable: bool = True
    scopes: tuple[str, ...] = ()
    about: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filled:
    """One number for all entries of a shape, of which some sizes are free."""

    number: float
    shape: Shape


Value = Made | Filled | Array


def is_known(value: Value | None) -> bool:
    """Whether `value` is an array without free sizes."""
    return isinstance(value, np.ndarray) and value.dtype != object


def stated(value: Value | None) -> Array | None:
    """The array that `value` is, or that its node states; None for what is computed."""
    if isinstance(value, Made):
        if value.op.name == "constant":
            return np.asarray(value.given["value"])
        return value.arrays["value"] if value.op.name == "parameter" else None
    return value if isinstance(value, np.ndarray) else None


def stated_number(value: Value | None) -> float | None:
    """The one real number that `value` states."""
    array = stated(value)
    one = array is not None and array.dtype.kind == "f" and array.size == 1
    return float(array.reshape(-1)[0]) if one and array is not None else None


def shape_of(value: Value) -> Shape:
    """The shape of any value."""
    return tuple(value.shape)


def as_sizes(value: Value | None, what: str) -> tuple[Size, ...]:
    """Sizes that `value` holds, whichever its shape.

    Raises
    ------
    UnsupportedError
        It is computed.
    """
    if not isinstance(value, np.ndarray):
        raise UnsupportedError(f"its {what} is computed from data")
    return tuple(
        entry if isinstance(entry, Expression) else int(entry) for entry in value.reshape(-1)
    )


def as_ints(value: Value | None, what: str) -> tuple[int, ...]:
    """Whole numbers that `value` holds.

    Raises
    ------
    UnsupportedError
        It is computed, or depends on a free size.
    """
    found = as_sizes(value, what)
    if not all(isinstance(size, int) for size in found):
        raise UnsupportedError(f"its {what} depends on a free size")
    return tuple(size for size in found if isinstance(size, int))


def packed(entries: list[Size], shape: tuple[int, ...]) -> Array:
    """An array of sizes: whole numbers where none is free."""
    if all(isinstance(entry, int) for entry in entries):
        return np.array(entries, np.int64).reshape(shape)
    array = np.empty(len(entries), object)
    array[:] = entries
    return array.reshape(shape)


def combined(op: str, a: Array, b: Array) -> Array:
    """The op of two arrays of sizes, entry by entry.

    Raises
    ------
    UnsupportedError
        There is no such arithmetic of free sizes.
    """
    left, right = np.broadcast_arrays(a.astype(object), b.astype(object))
    pairs = zip(left.reshape(-1), right.reshape(-1), strict=True)
    try:
        found = [_COMBINE[op](_size(x), _size(y)) for x, y in pairs]
    except KeyError:
        raise UnsupportedError("it computes with free sizes") from None
    except sizes.SizeError as error:
        raise UnsupportedError(str(error)) from None
    return packed(found, left.shape)


def _size(entry: Any) -> Size:
    if isinstance(entry, Expression):
        return entry
    if int(entry) != entry:
        raise UnsupportedError("it computes with free sizes")
    return int(entry)


def _divided(a: Size, b: Size) -> Size:
    if isinstance(b, int):
        return sizes.floor_divide(a, b)
    for factor in range(1, 65):
        if sizes.multiply(b, factor) == a:
            return factor
    raise UnsupportedError("it divides by a free size")


def _same(a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        return int(a == b)
    if a == b:
        return 1
    if (isinstance(a, int) and a < 1) or (isinstance(b, int) and b < 1):
        return 0  # a size is at least 1
    raise UnsupportedError("it compares free sizes")


_COMBINE = {
    "Add": sizes.add,
    "Sub": sizes.subtract,
    "Mul": sizes.multiply,
    "Div": _divided,
    "Equal": _same,
}


def open_product(shape: Shape, wanted: list[Size]) -> list[Size]:
    """`wanted`, in which -1 is replaced by what is left of the entries of `shape`."""
    if wanted.count(-1) != 1:
        return wanted
    rest = sizes.product(size for size in wanted if size != -1)
    left = quotient(sizes.product(shape), rest)
    return [left if size == -1 else size for size in wanted]


def quotient(total: Size, rest: Size) -> Size:
    """One size by another, rounded down.

    Raises
    ------
    UnsupportedError
        It has no form here.
    """
    if isinstance(rest, int):
        if rest == 0:
            raise UnsupportedError("it has an array without entries")
        return sizes.floor_divide(total, rest)
    if isinstance(total, Expression) and len(total.terms) == len(rest.terms) == 1:
        (above, top), (below, bottom) = total.terms[0], rest.terms[0]
        left = list(above)
        for atom in below:
            if atom not in left:
                break
            left.remove(atom)
        else:
            if top % bottom == 0:
                product: Size = top // bottom
                for atom in left:
                    product = sizes.multiply(product, Expression((((atom,), 1),)))
                return product
    raise UnsupportedError("a free size is left over in its shape")


def broadcast(a: Shape, b: Shape) -> Shape:
    """The shape that two shapes broadcast to.

    Raises
    ------
    UnsupportedError
        They do not, or it is not known whether they do.
    """
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    found: list[Size] = []
    for left, right in pairs:
        if left != right and 1 not in (left, right):
            raise UnsupportedError(f"{sizes.show(a)} does not broadcast against {sizes.show(b)}")
        found.append(right if left == 1 else left)
    return tuple(found)


def entries(shape: Shape) -> int:
    """How many entries an array has, of a shape without free sizes."""
    return math.prod(size for size in shape if isinstance(size, int))
