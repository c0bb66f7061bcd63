"""Arrays, each drawn by one choice of a text, which costs little and shrinks to zeros."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np

from graphnn.ops import Array, Interval
from graphnn.testing._strategies.drawing import Choices

Values = Literal["tame", "finite", "any"]
_GRID = 100  # numbers of a domain are this many to 1
_WHOLE = 8  # whole numbers in the table
_OFTEN = 8  # how often each is there, all others once
_EXTREME = np.array(
    [0.0, 1.0, -1.0, 5e-324, -1e-300, 1e-8, 800.0, -800.0, 1e15, 1e154, -1e200, 1.7e308]
)


def reals(
    draw: Choices,
    shape: tuple[int, ...],
    domain: Interval = (-3.0, 3.0),
    values: Values = "tame",
) -> Array:
    """An array of hundredths in a domain, or of any floats; entries shrink to 0, or to near it."""
    count = math.prod(shape)
    if values != "tame":
        return _wild(draw.octets(8 * count), values == "any").reshape(shape)
    table = _table(*domain)
    entries: Array = table[np.frombuffer(draw.octets(count), np.uint8)]
    return entries.reshape(shape)


def wholes(draw: Choices, shape: tuple[int, ...], below: int) -> Array:
    """An array of whole numbers from 0 to less than `below`."""
    entries = np.frombuffer(draw.octets(math.prod(shape)), np.uint8).astype(np.int64)
    return (entries % below).reshape(shape)


@lru_cache(maxsize=64)
def _table(low: float, high: float) -> Array:
    """256 numbers of a domain, the simplest first: whole ones, tenths, hundredths."""
    steps = np.arange(math.ceil(low * _GRID), math.floor(high * _GRID) + 1)
    if not steps.size:
        return np.full(256, (low + high) / 2)
    rough = np.select([steps % _GRID == 0, steps % 10 == 0], [0, 1], 2)
    ordered = steps[np.lexsort((steps < 0, abs(steps), rough))]
    simple = np.repeat(ordered[: np.count_nonzero(rough == 0)][:_WHOLE], _OFTEN)
    tenths, others = (ordered[np.sort(rough) == part] for part in (1, 2))
    rest = np.concatenate([tenths, others]) if others.size else ordered
    places = np.linspace(0, len(rest), 256 - len(simple), endpoint=False)
    return np.concatenate([simple, rest[places.astype(int)]]) / _GRID


def _wild(data: bytes, unbounded: bool) -> Array:
    """Eight bytes an entry: every other one extreme, the rest any float by its bits."""
    bits = np.frombuffer(data, ">u8")
    extreme = [*_EXTREME, math.inf, -math.inf, math.nan] if unbounded else _EXTREME
    floats = bits.astype(np.uint64).view(np.float64)
    plain = np.where(np.isfinite(floats), floats, 0.0)
    index = (bits >> np.uint64(8)) % np.uint64(len(extreme))
    chosen = np.where(bits & np.uint64(1), np.asarray(extreme)[index], plain)
    return np.asarray(chosen, np.float64)
