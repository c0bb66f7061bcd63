"""Laws of derivatives: `vjp` against differences, and what may change nothing of it."""

from __future__ import annotations

import math

import numpy as np

from graphnn.ops import Array
from graphnn.testing.laws.requirements import (
    STEP,
    array_at,
    copies,
    cotangent_of,
    cotangents,
    differentiable,
    floats,
    moved,
    operands,
    require,
    require_near,
    require_repeatable,
    require_same,
    require_wide,
    slope,
    value,
)
from graphnn.testing.strategies import OpCase


def vjp_is_the_gradient(case: OpCase) -> None:
    """`vjp` agrees with differences of `forward`, for a random cotangent."""
    output = value(case)
    require_repeatable(case, output)  # or differences show nothing
    cotangent = cotangent_of(output)
    found = cotangents(case, cotangent, output)
    needed, real = differentiable(case), floats(case)
    for position, (operand, own) in enumerate(zip(operands(case), found, strict=True)):
        name, array = f"'{operand.name}'", case.arrays[position]
        if array is None:
            require(own is None, f"'vjp' gives a cotangent of {name}, which is left out")
        elif position not in real:
            # Of what may be real numbers too, a cotangent is not used, and harmless.
            allowed = operand.kind == "any" and np.asarray(own).shape == array.shape
            message = f"'vjp' gives a cotangent of {name}, which is of whole numbers"
            require(own is None or allowed, message)
        elif own is not None or position in needed:
            require(own is not None, f"'vjp' gives no cotangent of {name}")
            require_wide(own, f"the cotangent of {name} by 'vjp'")
            expected = _numerical(case, position, cotangent)
            odd = ~np.isfinite(expected)
            message = f"the result is not finite where {name} is moved by {2 * STEP}"
            low, high = operand.domain
            ends = odd & ~((low < array - 2 * STEP) & (array + 2 * STEP < high))
            help = f": let its 'domain' end before, not at {low:g} and {high:g}"
            at = np.argwhere(odd)[:1].ravel().tolist()
            require(not odd.any(), f"{message} at {at}{help if ends.any() else ''}")
            bound = 1e-8 * max(1.0, float(np.abs(expected).max(initial=0)))
            require_near(own, expected, f"the cotangent of {name} by 'vjp'", bound)


def _numerical(case: OpCase, position: int, cotangent: Array) -> Array:
    """Gradient of the outputs weighted by `cotangent`, by fourth-order central differences."""
    gradient = np.empty(array_at(case, position).shape)

    def total(entry: int, step: float) -> float:
        return math.fsum(
            (cotangent * value(case, moved(case.arrays, position, entry, step))).ravel()
        )

    for entry in range(gradient.size):
        near, far = (total(entry, step) - total(entry, -step) for step in (STEP, 2 * STEP))
        gradient.flat[entry] = slope(near, far)
    return gradient


def zero_cotangents_give_zeros(case: OpCase) -> None:
    """A cotangent of 0 gives 0, also where a factor is infinite, as that of a root at 0."""
    rng = np.random.default_rng(4)
    taken = operands(case)
    for _ in range(4):
        arrays = copies(case.arrays)
        for position in floats(case):
            if case.roles[position] != "noise":
                array = array_at(case, position)
                ends = rng.choice(_extremes(taken[position].domain), array.shape)
                arrays[position] = np.where(rng.random(array.shape) < 0.5, ends, array)
        output = value(case, arrays)
        zeros = np.zeros(output.shape)
        for operand, found in zip(taken, case.op.vjp(zeros, output, *arrays), strict=True):
            if found is not None and np.any(found):
                index = tuple(map(int, np.argwhere(found)[0]))
                at = f" at {list(index)}" if index else ""
                pairs = zip(taken, arrays, strict=True)
                where = [f"{each.name} = {a.tolist()}" for each, a in pairs if a is not None]
                message = f"a cotangent of zeros gives one of '{operand.name}' that is"
                require(False, f"{message} {found[index]}{at}, where {', '.join(where)}")
        if case.op.channelwise:
            cotangent = rng.normal(size=output.shape) * (rng.random(output.shape) < 0.5)
            for own, found in zip(arrays, case.op.vjp(cotangent, output, *arrays), strict=True):
                if found is not None and own is not None and own.shape == output.shape:
                    message = "'channelwise', yet an entry of 0 of the cotangent gives another"
                    require(not np.any(found[cotangent == 0]), message)


def _extremes(domain: tuple[float, float]) -> Array:
    """Finite numbers at the ends of what an operand may be, and at those of exponentials."""
    low, high = domain
    numbers = np.array([0.0, 5e-324, 1e-300, 1.0, 800.0, 1e200])
    numbers = np.concatenate([-numbers, numbers]) if low < 0 else numbers
    return numbers[numbers <= 1] if 0 < high <= 1 else numbers


def unwanted_cotangents_change_nothing(case: OpCase) -> None:
    """The keyword `wanted` changes nothing of what is wanted."""
    if not case.op.takes_wanted:
        return
    output = value(case)
    cotangent = cotangent_of(output)
    everything = case.op.vjp(cotangent, output, *case.arrays)
    for position in differentiable(case):
        wanted = tuple(other == position for other in range(len(case.arrays)))
        found = case.op.vjp(cotangent, output, *case.arrays, wanted=wanted)
        what = f"the cotangent of '{operands(case)[position].name}', wanted alone,"
        require_near(found[position], everything[position], what)


def what_is_saved_changes_nothing(case: OpCase) -> None:
    """The keyword `saved` changes neither the result, nor `vjp`, nor `update`."""
    if not case.op.takes_saved:
        return
    output = value(case)
    saved: dict[str, Array] = {}
    # Another run before leaves nothing behind.
    real = floats(case)
    others = [a * 0.5 if a is not None and at in real else a for at, a in enumerate(case.arrays)]
    case.op.forward(*others, saved=saved)
    require_near(case.op.forward(*case.arrays, saved=saved), output, "the result with 'saved'")
    require(saved, "'forward' leaves nothing in 'saved'")
    shared = any(np.shares_memory(array, output) for array in saved.values())
    require(not shared, "an array in 'saved' shares memory with the result")
    cotangent = cotangent_of(output)
    kept = copies(saved.values())
    for _ in range(2):
        found = case.op.vjp(cotangent, output, *case.arrays, saved=saved)
        expected = case.op.vjp(cotangent, output, *case.arrays)
        for operand, one, other in zip(operands(case), found, expected, strict=True):
            what = f"the cotangent of '{operand.name}' with 'saved'"
            require((one is None) == (other is None), f"{what} is there only with it or without")
            if one is not None and other is not None:
                require_near(one, other, what, 1e-13 * (1 + np.abs(other)))
        require_same([*saved.values()], kept, "'vjp' modifies what is saved")
    states = case.op.update(output, *case.arrays)
    if states:
        found_states = case.op.update(output, *case.arrays, saved=saved)
        for name, new in states.items():
            what = f"the new '{name}' with 'saved'"
            require_near(found_states[name], new, what, 1e-13 * np.abs(new))


def continuation_is_analytic(case: OpCase) -> None:
    """The fact `analytic`: imaginary parts of `continued` are the slope, real parts the value."""
    if not case.op.analytic:
        return
    rng, real = np.random.default_rng(1), floats(case)
    ways = [
        rng.uniform(-1, 1, a.shape) if a is not None and at in real else None
        for at, a in enumerate(case.arrays)
    ]

    def at(step: complex) -> list[Array | None]:
        pairs = zip(case.arrays, ways, strict=True)
        return [a if a is None or way is None else a + step * way for a, way in pairs]

    complex_arrays = at(1e-20j)
    before = copies(complex_arrays)
    found = np.asarray(case.op.continued(*complex_arrays))
    require_same(complex_arrays, before, "'continued' modifies an operand")
    output = value(case)
    if output.dtype.kind != "f" or not real:
        require_near(found, output, "the result of 'continued'")
        return
    # What reads them beside complex parameters would have to hold both.
    require(np.iscomplexobj(found), "'continued' makes real numbers of complex ones")
    within = 1e-13 + 1e-12 * np.abs(output)
    require_near(found.real, output, "the real part of 'continued'", within)
    near, far = (value(case, at(step)) - value(case, at(-step)) for step in (STEP, 2 * STEP))
    expected = slope(near, far)
    bound = 1e-9 * max(1.0, float(np.abs(expected).max(initial=0)))
    require_near(found.imag / 1e-20, expected, "the slope by 'continued'", bound)
