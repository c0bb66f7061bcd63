"""Points where a local derivative is infinite, such as that of the square root at 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from graphnn.diagnostics import Diagnostic
from graphnn.gradients._backprop import BlownUp, Reverse
from graphnn.ops import Array

_STEP = 1e-6  # of the entry, or of 1e-6 where that is 0
_SHRINKS = 1e-6  # to a second step, this part of the first
_GROWS = 1.5  # the slope, from the first step to the second: a power below 0.97
_NOISE = 1e3 * float(np.finfo(np.float64).eps)


def fault_of_gradient(
    reverse: Reverse, inputs: Mapping[str, Any], rng: np.random.Generator | None
) -> Diagnostic:
    """What to say of a gradient that is not finite: the node where that begins."""
    what = "the gradient is not finite"
    blown_up = reverse.blown_up(inputs, rng)
    if not blown_up:  # a sum of cotangents overflows
        return Diagnostic("not-finite", what)
    node = f"'{blown_up[0].node}' ({blown_up[0].op.name})"
    if not is_singular(blown_up[0]):
        return Diagnostic("not-finite", f"{what}: {node} is the first to pass back what is not")
    help = "keep what it reads away from there, as by adding a small constant"
    return Diagnostic("not-finite", f"{what}: the slope of {node} is infinite", help=help)


def is_singular(found: BlownUp) -> bool:
    """Whether the slope of the op grows without bound as the step shrinks.

    Judged from `forward` alone, so that a wrong backward pass cannot excuse itself.
    """
    moved = found.arrays[found.operand]
    assert moved is not None
    value = float(np.abs(moved[found.entry]))
    step = _STEP * (value or _STEP)
    with np.errstate(all="ignore"):
        start = np.asarray(found.op.forward(*found.arrays))
        if not np.isfinite(start).all():
            return True
        coarse = max(_changes(found, start, step))
        # What could be rounding of the result shows no slope.
        fine = max(_changes(found, start, step * _SHRINKS, _NOISE * np.abs(start)))
    return fine / _SHRINKS > _GROWS * coarse


def _changes(
    found: BlownUp, start: Array, step: float, noise: Array | float = 0.0
) -> Iterator[float]:
    """The largest of the result beyond `noise`, with the entry moved up, and down."""
    for offset in (step, -step):
        arrays = list(found.arrays)
        arrays[found.operand] = array = np.array(found.arrays[found.operand])
        array[found.entry] += offset
        change = np.abs(found.op.forward(*arrays) - start)
        # On one side the op may be undefined.
        yield float(np.max(change, where=change > noise, initial=0.0))
