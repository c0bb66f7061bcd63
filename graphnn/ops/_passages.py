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


@dataclass(frozen=True, slots=True)
class Tracked:
    """An axis of a data operand whose entries are followed, beside those that go with it.

    Attributes
    ----------
    position : int
        Of the operand among the data.
    axes : mapping of int to int
        The axis of this operand, and those of others whose entries belong to the same ones.
    shapes : sequence of tuple of Size
        Of the data.
    """

    position: int
    axes: Mapping[int, int]
    shapes: Sequence[Shape]

    @property
    def axis(self) -> int:
        """The axis of this operand."""
        return self.axes[self.position]

    @property
    def shape(self) -> Shape:
        """The shape of this operand."""
        return self.shapes[self.position]


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


def _stretches(tracked: Tracked, place: int) -> bool:
    one = tracked.shape[tracked.axis] == 1
    return one and not all(_is_one(shape, place, tracked.shapes) for shape in tracked.shapes)


def by_facts(op: Op, tracked: Tracked) -> Passage | None:
    """What `channelwise`, `batchwise` and `planewise` say."""
    axis, shapes = tracked.axis, tracked.shapes
    apart = op.rows_apart(*shapes)
    drawn = any(operand.role == "noise" for operand in op.operands)
    plain = not drawn and not op.parameter_operands()
    if op.channelwise:
        place = axis + max(map(len, shapes)) - len(tracked.shape)
        if _stretches(tracked, place):
            return None
        return Passage(place, alike=plain or (place == 0 and apart and not drawn))
    if axis == 0 and apart and op.has_rows(*shapes)[tracked.position]:
        return Passage(0, alike=not drawn)
    first = tracked.position == 0
    return Passage(1, alike=plain) if op.planewise and axis == 1 and first else None


def _is_one(shape: Shape, place: int, shapes: Sequence[Shape]) -> bool:
    at = place - max(map(len, shapes)) + len(shape)
    return at < 0 or shape[at] == 1
