"""What the laws are written with: requirements that raise, and the arrays of a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphnn.diagnostics import UsageError, suggestion
from graphnn.execution import distance
from graphnn.execution.network import names_of
from graphnn.ops import Array, Cotangents, Op, Operand
from graphnn.ops.own import fault_of_cotangents, missing_vjp, what
from graphnn.testing.strategies import OpCase

Arrays = Sequence[Array | None]
STEP = 1e-4  # differences look 2 steps to each side, well within strategies.MARGIN


class BrokenLaw(AssertionError):  # noqa: N818 - a broken law is not an error of graphnn
    """A law that an op or a network does not keep."""


def require(truth: Any, message: str) -> None:
    """Raise `BrokenLaw` with the message, unless it is true."""
    if not truth:
        raise BrokenLaw(message)


def require_near(found: Any, expected: Any, what: str, within: Any = 0.0) -> None:
    """Require two arrays of one shape, no entry further apart than `within`; NaN equals NaN."""
    found, expected = np.asarray(found), np.asarray(expected)
    shapes = f"{what} has shape {list(found.shape)}, not {list(expected.shape)}"
    require(found.shape == expected.shape, shapes)
    apart = ~((found == expected) | (distance(found, expected) <= within))
    apart &= ~(np.isnan(found) & np.isnan(expected))
    if apart.any():
        index = tuple(map(int, np.argwhere(apart)[0]))
        place = f" at {list(index)}" if index else ""
        raise BrokenLaw(f"{what} is {found[index]!s}{place}, not {expected[index]!s}")


def require_same(found: Arrays, expected: Arrays, message: str) -> None:
    """Require arrays that are equal to the bit, or left out in both."""
    for one, other in zip(found, expected, strict=True):
        require((one is None) == (other is None), message)
        require(one is None or other is None or np.array_equal(one, other, True), message)


def value(case: OpCase, arrays: Arrays | None = None) -> Array:
    """The op's value at copies of `arrays`, by default those of the case.

    A method that writes into what it is given breaks the law about that, and no other.
    """
    return computed(case, copies(case.arrays if arrays is None else arrays))


def computed(case: OpCase, arrays: Arrays) -> Array:
    """The op's value at these very arrays."""
    found = case.op.forward(*arrays)
    require(
        isinstance(found, np.ndarray | np.generic), f"'forward' gives {what(found)}, not an array"
    )
    return np.asarray(found)


def cotangents(case: OpCase, cotangent: Array, output: Array) -> Cotangents:
    """What the op's vjp gives for copies of all arrays, once it has the form that it must."""
    arrays = copies([cotangent, output, *case.arrays])
    require(type(case.op).vjp is not Op.vjp, f"it has no 'vjp': {missing_vjp(case.op)}")
    found = case.op.vjp(*arrays)
    fault = fault_of_cotangents(found, case.arrays, [each.name for each in operands(case)])
    require(not fault, fault)
    return found


def require_repeatable(case: OpCase, output: Array) -> None:
    """Require that `forward` gives the same result when it is called again."""
    again = "'forward' gives another result when it is called again"
    require_same([value(case)], [output], again)


def require_wide(found: Any, what: str) -> None:
    """Require real numbers in float64, in which all arrays of a case are."""
    dtype = np.asarray(found).dtype
    narrow = dtype.kind == "f" and dtype != np.float64
    require(not narrow, f"{what} is of {dtype} where all else is of float64")


def operands(case: OpCase) -> list[Operand]:
    """The operand that each array is, named after its number where it stands for many."""
    data = case.op.data_operands()
    if data[:1] and data[0].many:
        data = tuple(replace(data[0], name=f"{data[0].name}[{n}]") for n in range(len(case.data)))
    rest = [operand for operand in case.op.operands if operand.role != "data"]
    return [*data, *rest]


def floats(case: OpCase) -> list[int]:
    """Positions of the arrays of real numbers."""
    arrays = enumerate(case.arrays)
    return [at for at, array in arrays if array is not None and array.dtype.kind == "f"]


def differentiable(case: OpCase) -> list[int]:
    """Positions of the arrays that need a cotangent: states and noise may do without."""
    return [at for at in floats(case) if case.roles[at] in ("data", "parameter")]


def array_at(case: OpCase, position: int) -> Array:
    """The array at a position where there is one."""
    found = case.arrays[position]
    assert found is not None
    return found


def cotangent_of(output: Array, seed: int = 0) -> Array:
    """Random, never ones: with ones, a softmax whose backward pass returns zeros would pass."""
    return np.random.default_rng(seed).normal(size=output.shape)


def copies(arrays: Iterable[Array | None]) -> list[Array | None]:
    """Copies of arrays that may be left out."""
    return [None if array is None else array.copy() for array in arrays]


def moved(arrays: Arrays, position: int, entry: int, offset: float) -> list[Array | None]:
    """`arrays` with one entry of one of them moved."""
    others: list[Array | None] = [*arrays]
    changed = np.array(arrays[position])
    changed.flat[entry] += offset
    others[position] = changed
    return others


def slope(near: Any, far: Any) -> Any:
    """The derivative from differences of values one and two `STEP` to each side, of order 4."""
    return (8 * near - far) / (12 * STEP)


def chosen(laws: Iterable[str], skip: Mapping[str, str] | None) -> list[str]:
    """The names among `laws` that are not skipped.

    Raises
    ------
    UsageError
        `skip` names no law, or gives no reason.
    """
    every, skip = list(laws), {} if skip is None else skip
    if not isinstance(skip, Mapping):
        help = f"write skip={{'{every[0]}': 'the reason'}}"
        raise UsageError.of("bad-option", f"'skip' is {skip!r}, not a mapping of laws", help=help)
    names_of(skip)  # which refuses what is not text
    for name, reason in skip.items():
        if name not in every:
            help = suggestion(name, every, f"the laws are {', '.join(every)}")
            raise UsageError.of("bad-option", f"there is no law '{name}' to skip", help=help)
        if not reason:
            raise UsageError.of("bad-option", f"no reason is given to skip '{name}'")
    return [name for name in every if name not in skip]
