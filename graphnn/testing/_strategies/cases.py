"""Cases of one op: attributes, shapes and values that fit it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from graphnn.ops import Array, Op, Operand, Role, ShapeError
from graphnn.spec.sizes import Shape, evaluate
from graphnn.testing._strategies.arguments import check_flag, check_values, check_whole, class_of
from graphnn.testing._strategies.arrays import Values, reals, wholes
from graphnn.testing._strategies.attributes import NoChoiceError
from graphnn.testing._strategies.drawing import Choices, independent
from graphnn.testing._strategies.fitting import BATCH, Fit, first_shape, fit_of, fitted

MARGIN = 1e-3
_TRIES = 20  # at moving arrays off kinks


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
        The op as a spec would state it: a size may be the free ``batch``, or left out.
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

    def placed(self, values: Sequence[Any]) -> list[Any]:
        """Values for `data` by operand, with None for an operand left out between; `Op.placed`."""
        operands = self.op.data_operands()
        given = [o for o, array in zip(operands, self.arrays, strict=False) if array is not None]
        return self.op.placed(given, values)

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


def op_cases(
    op: type[Op] | str, *, sizes: int = 4, values: Values = "tame", kinks: bool = False
) -> SearchStrategy[OpCase]:
    """Cases of an op: attributes, shapes and values that fit it.

    Shapes come from the op's signatures; attributes from the types of its fields and from
    `Op.choices`; values from the domain of each operand, noise from the op itself. No case is
    rejected for what the op computes.

    Parameters
    ----------
    op : type of Op, or str
        A class, or the name of one that is registered.
    sizes : int
        The largest size of an axis.
    values : {"tame", "finite", "any"}
        Numbers of the operands' domains, `MARGIN` or more from a kink where there is room; any
        finite floats; or any floats.
    kinks : bool
        Whether tame numbers may lie on a kink, as where entries tie for the largest.

    Returns
    -------
    SearchStrategy of OpCase

    Raises
    ------
    UsageError
        An argument is not as it should be.
    TypeError
        An attribute has a type that no value can be derived from.
    """
    op_class = class_of(op)
    check_whole("sizes", sizes, 1, 1000)
    check_values(values)
    check_flag("kinks", kinks)
    return independent(_op_cases(op_class, sizes, values, kinks))


@st.composite
def _op_cases(draw: DrawFn, op_class: type[Op], sizes: int, values: Values, kinks: bool) -> OpCase:
    choices = Choices(draw)
    fit, rows = _bound(choices, op_class, sizes)
    bindings = {"batch": rows}
    data: list[Array] = []
    for place in fit.places:
        shape = _numbers(place.shape, rows)
        if place.below is None:
            data.append(reals(choices, shape, place.operand.domain, values))
        else:
            data.append(wholes(choices, shape, place.below))
    arrays: list[Array | None] = op_class.placed([place.operand for place in fit.places], data)
    arrays += [None] * (len(op_class.data_operands()) - len(arrays))  # of those left out
    arrays += [kept(choices, operand, fit, values) for operand in op_class.parameter_operands()]
    for operand in op_class.operands:
        if operand.role == "noise":
            rng = np.random.default_rng(choices.integer(0, 2**32 - 1))
            shape = _numbers(fit.inferred.result, rows)
            arrays.append(fit.stated.noise(rng, shape, np.float64))
    bound = fit.stated.bind(bindings).model_copy(
        update={
            key: _numbers(value, rows) if isinstance(value, tuple) else _numbers((value,), rows)[0]
            for key, value in fit.inferred.attributes.items()
        }
    )
    smooth = values == "tame" and not kinks
    settled = off_kinks(bound, arrays) if smooth else tuple(arrays)
    return OpCase(bound, settled, fit.declared)


def kept(draw: Choices, operand: Operand, fit: Fit, values: Values) -> Array | None:
    """Numbers for a parameter or a state of a fit; None for one that is left out."""
    if operand.optional and not draw.chance(2):
        return None
    shape = _numbers(fit.inferred.parameters[operand.name], 1)
    return reals(draw, shape, operand.domain, values)


def _bound(draw: Choices, op_class: type[Op], sizes: int) -> tuple[Fit, int]:
    """A fit, and how many rows a free batch has."""
    shape = first_shape(draw, op_class, sizes, sizes)
    rows = evaluate(shape[0], {}) if shape else draw.integer(1, sizes)
    free = bool(shape) and draw.chance(2)
    fit = fitted(draw, op_class, (BATCH, *shape[1:]), sizes) if free else None
    why: ShapeError | None = None
    for _ in range(_TRIES):
        try:
            fit = fit or fit_of(draw, op_class, shape, sizes)
        except ShapeError as error:
            why = error
            continue
        needed = fit.stated.rows_needed(*(_numbers(place.shape, rows) for place in fit.places))
        if rows >= needed:
            return fit, rows
        rows = needed
        shape, fit = (rows, *shape[1:]), fit if BATCH in fit.places[0].shape else None
    shown = f": {why}" if why else ""
    message = f"attributes of {op_class.name} do not fit the shapes of its data{shown}"
    raise TypeError(f"{message}; {_remedy(op_class, why)} in the op class")


def _remedy(op_class: type[Op], why: ShapeError | None) -> str:
    """What to write in a class of which no case can be drawn."""
    given = [axis for each in op_class.data_operands() for axis in each.axes]
    if isinstance(why, NoChoiceError):
        return f"name the axes that '{op_class.operands[0].name}' must have"
    for operand in op_class.parameter_operands():
        for axis in operand.axes:
            known = axis in ("...", *given, *op_class.size_attributes) or axis.isdigit()
            if not known and op_class.solve_sizes is Op.solve_sizes:
                return f"add an attribute '{axis}: Size', or name it in the signature of the data,"
    return "define 'choices' or 'beside'"


def _numbers(shape: Shape, rows: int) -> tuple[int, ...]:
    return tuple(evaluate(size, {"batch": rows}) for size in shape)


def off_kinks(op: Op, arrays: Sequence[Array | None]) -> tuple[Array | None, ...]:
    """`arrays`, moved a little where one of their entries is near a kink."""
    moved = tuple(arrays)
    if not op.bends:
        return moved
    rng = np.random.default_rng(0)
    for attempt in range(_TRIES):
        if _is_smooth(op, moved):
            break
        reach = 40 * MARGIN * (attempt + 1)
        moved = tuple(_jostled(array, rng, reach) for array in moved)
    return moved


def _jostled(array: Array | None, rng: np.random.Generator, reach: float) -> Array | None:
    if array is None or array.dtype.kind != "f":
        return array
    return np.asarray(array + rng.uniform(4 * MARGIN, reach, array.shape))


def _is_smooth(op: Op, arrays: Sequence[Array | None]) -> bool:
    here = np.asarray(op.branch(*arrays))
    for position, array in enumerate(arrays):
        if array is None or array.dtype.kind != "f":
            continue
        for entries in _apart(op, array, first=position == 0):
            for step in (-MARGIN, MARGIN):
                moved = array.copy()
                moved[entries] += step
                there = op.branch(*arrays[:position], moved, *arrays[position + 1 :])
                if not np.array_equal(here, np.asarray(there)):
                    return False
    return True


def _apart(op: Op, array: Array, *, first: bool) -> Iterable[Any]:
    """Which entries may move at once, as the op keeps them apart."""
    if op.channelwise:
        return [...]
    if first and op.planewise and op.batchwise:
        return ((slice(None), slice(None), *index) for index in np.ndindex(array.shape[2:]))
    return np.ndindex(array.shape)
