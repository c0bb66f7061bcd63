"""How the arrays of a route's base pass are seen: rows last, and cut to channels."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from graphnn.execution import Step
from graphnn.gradients.numerical.engine.route import Route
from graphnn.ops import Array

Shape = tuple[int, ...]


class Layout:
    """What is the same for all chunks of a route.

    Parameters
    ----------
    route : Route
    channels : int
        Number of channels of what moves first.

    Attributes
    ----------
    handlers : dict
        How steps are carried out, by what moved before them; see `Propagation`.
    kinky : bool
        Whether an op on the way has kinks.
    """

    def __init__(self, route: Route, channels: int) -> None:
        self.route = route
        self.channels = channels
        self.handlers: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self.kinky = any(step.output in route.base.branches for step in route.apart)
        # Base values, and the branches that ops took, with the rows last: made when asked for.
        self.value = cache(partial(_with_rows_last, route.base.values))
        self.branch = cache(partial(_with_rows_last, route.base.branches))

    def features(self, slot: int) -> Shape:
        """Shape of one row."""
        return tuple(self.route.base.values[slot].shape[1:])

    def is_cut(self, slot: int) -> bool:
        """Whether rows can be cut to as many blocks as there are channels."""
        shape = self.features(slot)
        # Of one axis, such as a flattened picture, each channel has as long a run.
        return shape[:1] == (self.channels,) or (len(shape) == 1 and not shape[0] % self.channels)

    def inner(self, slot: int) -> Shape:
        """Shape of a channel's block, where rows can be cut."""
        shape = self.features(slot)
        return shape[1:] if shape[0] == self.channels else (shape[0] // self.channels,)

    @cached_property
    def cost(self) -> int:
        """Entries of the largest array of one move."""
        blocks = {self.route.whole[0].output}
        shapes = []
        for step in self.route.apart:
            moved = [slot for slot in step.arguments if slot in blocks and slot is not None]
            keeps = step.op.channelwise or step.op.planewise or step.op.reorders
            if moved and keeps and self.is_cut(step.output):
                blocks.add(step.output)
                continue
            shapes.append(self.features(step.output))
            if moved and not self._spreads(step):
                # It is given whole rows of what it reads.
                shapes += map(self.features, moved)
        shapes += map(self.inner, blocks)
        return max(map(math.prod, shapes))

    def _spreads(self, step: Step) -> bool:
        """Whether the op spreads a block of its first operand by itself."""
        leading = first(step)
        if not self.is_cut(leading):
            return False
        base, still = self.route.base, np.zeros((1, *self.inner(leading), 1))
        given = base.arguments(step, {})
        op = base.ops[step.output]
        return op.spread(still, np.zeros(1, int), self.channels, *given) is not None

    @cached_property
    def dying(self) -> dict[int, list[int]]:
        """Slots that nothing reads after a step, by the slot of its result."""
        slots = enumerate(self.route.base.plan.slots)
        stored = [(place, slot.storage) for place, slot in slots if place not in self.route.losses]
        return {
            step.output: [place for place, storage in stored if storage in step.dying]
            for step in self.route.apart
        }

    def may_write_over(self, step: Step) -> bool:
        """Whether the first operand's memory may hold the result: nothing else reads it."""
        leading, slots = first(step), self.route.base.plan.slots
        return (
            step.op.inplace
            and step.op.takes_out
            and slots[leading].storage == leading
            and slots[leading].kind == slots[step.output].kind
            and leading in step.dying
            and leading not in step.arguments[1:]
            and self.features(leading) == self.features(step.output)
        )


def first(step: Step) -> int:
    """Slot of the first operand."""
    slot = step.arguments[0]
    assert slot is not None
    return slot


def rows_last(value: Array) -> Array:
    """A view with the rows as the last axis."""
    return value.transpose(*range(1, value.ndim), 0)


def _with_rows_last(arrays: Any, slot: int) -> Array:
    return np.ascontiguousarray(rows_last(arrays[slot]))


def rows_first(value: Array) -> Array:
    """The way back."""
    return value.transpose(value.ndim - 1, *range(value.ndim - 1))
