"""Where the entries along one axis of an operand go: a fact from which properties follow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphnn.ops._op import Op
    from graphnn.spec.sizes import Shape


@dataclass(frozen=True, slots=True)
class Passage:
    """Where the entries along one axis of an operand go.

    Attributes
    ----------
    axis : int or None
        Axis of the result that goes with it. None where the result has no such axis.
    low, high : float
        Entry i of the result along `axis` depends on the entries i + low to i + high alone; without
        an axis, all of the result depends on the entries low to high alone.
    alike : bool
        Whether a permutation of the entries, in all operands that are tracked together, permutes
        the result likewise, or without an axis leaves it as it is.
    """

    axis: int | None
    low: float = 0
    high: float = 0
    alike: bool = True


def folded(*, alike: bool) -> Passage:
    """All entries go into one."""
    return Passage(None, -math.inf, math.inf, alike)


def mixed(axis: int, *, alike: bool) -> Passage:
    """Each entry of the result along `axis` may depend on all."""
    return Passage(axis, -math.inf, math.inf, alike)


def earlier(axis: int) -> Passage:
    """Each entry of the result along `axis` depends on those up to its own."""
    return Passage(axis, -math.inf, 0, False)


def moved(axis: int, by: int) -> Passage:
    """Entry i of the result along `axis` is made of entry i + `by`."""
    return Passage(axis, by, by, False)


def _stretches(shapes: Sequence[Shape], position: int, axis: int, place: int) -> bool:
    one = shapes[position][axis] == 1
    return one and not all(_is_one(shape, place, shapes) for shape in shapes)


def by_facts(
    op: Op, position: int, tracked: Mapping[int, int], shapes: Sequence[Shape]
) -> Passage | None:
    """What `channelwise`, `batchwise` and `planewise` say."""
    axis = tracked[position]
    apart = op.rows_apart(*shapes)
    drawn = any(operand.role == "noise" for operand in op.operands)
    plain = not drawn and not op.parameter_operands()
    if op.channelwise:
        place = axis + max(map(len, shapes)) - len(shapes[position])
        if _stretches(shapes, position, axis, place):
            return None
        return Passage(place, alike=plain or (place == 0 and apart and not drawn))
    if axis == 0 and apart and op.has_rows(*shapes)[position]:
        return Passage(0, alike=not drawn)
    return Passage(1, alike=plain) if op.planewise and axis == 1 and position == 0 else None


def _is_one(shape: Shape, place: int, shapes: Sequence[Shape]) -> bool:
    at = place - max(map(len, shapes)) + len(shape)
    return at < 0 or shape[at] == 1
