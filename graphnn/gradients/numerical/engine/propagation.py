"""The way of moved channels through the steps of a route: as blocks, and once mixed as rows.

A *move* is a row of the batch, one of its channels, and a value for it. Where an op keeps channels
apart, only the block of numbers that belongs to the channel is computed; an op that mixes channels
makes whole rows of it. Arrays of moves have the moves last: ``[channels, ..., cases]`` for blocks,
``[..., channels, cases]`` for rows, where every channel in play makes every case. NumPy's loops are
then long, and what is the same for all channels or cases is stretched over them without a copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.execution import Step
from graphnn.gradients.numerical.engine.route import Route

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(slots=True)
class State:
    """Some channels on their way.

    Attributes
    ----------
    at : int
        The step to come, as a place in `Route.apart`.
    channels : ndarray of int
    blocks, rows : dict of int to ndarray
        What moved, by slot: ``[channels, ..., cases]``, ``[..., channels, cases]``.
    kinks : ndarray of bool, shape (channels, cases)
    """

    at: int
    channels: Array
    blocks: dict[int, Array]
    rows: dict[int, Array]
    kinks: Array

    def part(self, chosen: Array) -> State:
        """That of some of the channels."""
        return State(
            self.at,
            self.channels[chosen],
            {slot: array[chosen] for slot, array in self.blocks.items()},
            {slot: array[..., chosen, :] for slot, array in self.rows.items()},
            self.kinks[chosen],
        )


Manner = Callable[["Propagation", Step, State], Any]


class Layout:
    """How the arrays of a route's base pass are seen: rows last, and cut to channels.

    Parameters
    ----------
    route : Route
    channels : int
        Number of channels of what moves first.
    """

    def __init__(self, route: Route, channels: int) -> None:
        self.route = route
        self.channels = channels
        self.manners: dict[tuple[Any, ...], Manner] = {}
        self.kinky = any(step.output in route.base.branches for step in route.apart)
        self._turned: dict[int, Array] = {}
        self._branches: dict[int, Array] = {}
        self._dying: dict[int, tuple[int, ...]] = {}
        self.cost = self._cost()

    def features(self, slot: int) -> Shape:
        """Shape of one row."""
        return tuple(self.route.base.values[slot].shape[1:])

    def inner(self, slot: int) -> Shape | None:
        """Shape of a channel's block, where rows can be cut to as many blocks as channels."""
        shape = self.features(slot)
        if shape[:1] == (self.channels,):
            return shape[1:]
        if len(shape) == 1 and shape[0] % self.channels == 0:
            return (shape[0] // self.channels,)
        return None

    def _cost(self) -> int:
        """Entries of the largest array of one move."""
        first = self.route.whole[0].output
        blocks = {first}
        shapes = []
        for step in self.route.apart:
            moved = [slot for slot in step.arguments if slot in blocks and slot is not None]
            keeps = step.op.channelwise or step.op.planewise or step.op.reorders
            if moved and keeps and self.inner(step.output) is not None:
                blocks.add(step.output)
                continue
            shapes.append(self.features(step.output))
            if moved and not self._spreads(step):
                # It is given whole rows of what it reads.
                shapes += [self.features(slot) for slot in moved]
        shapes += [self.inner(slot) or () for slot in blocks]
        return max(math.prod(shape) for shape in shapes)

    def _spreads(self, step: Step) -> bool:
        """Whether the op spreads a block of its first operand by itself."""
        base, inner = self.route.base, self.inner(_first(step))
        if inner is None:
            return False
        still = np.zeros((1, *inner, 1))
        given = base.arguments(step, {})
        spread = base.ops[step.output].spread(still, np.zeros(1, int), self.channels, *given)
        return spread is not None

    def dying(self, step: Step) -> tuple[int, ...]:
        """Slots that nothing reads after `step`."""
        if step.output not in self._dying:
            slots, losses = self.route.base.plan.slots, self.route.losses
            self._dying[step.output] = tuple(
                place
                for place, slot in enumerate(slots)
                if slot.storage in step.dying and place not in losses
            )
        return self._dying[step.output]

    def value(self, slot: int) -> Array:
        """Base value with the rows last."""
        if slot not in self._turned:
            self._turned[slot] = np.ascontiguousarray(_rows_last(self.route.base.values[slot]))
        return self._turned[slot]

    def branch(self, slot: int) -> Array:
        """Likewise, the branches that the op took."""
        if slot not in self._branches:
            branch = np.asarray(self.route.base.branches[slot])
            self._branches[slot] = np.ascontiguousarray(_rows_last(branch))
        return self._branches[slot]


class Propagation:
    """Carries moves of some cases through the steps of a route.

    Parameters
    ----------
    layout : Layout
    samples : ndarray, shape (cases,)
        Row of the batch that each case is of.
    """

    def __init__(self, layout: Layout, samples: Array) -> None:
        self._layout = layout
        self._route = layout.route
        self._samples = samples
        self._alone = bool(samples[0] == samples[-1] == samples.min() == samples.max())
        self._gathered: dict[Any, Array] = {}
        self._rows_of: dict[int, Array] = {}

    def finish(self, channels: Array, change: Array) -> Iterator[tuple[State, Array]]:
        """Differences of the losses, [channels, cases], with the channels that they are of.

        Parameters
        ----------
        channels : ndarray of int
        change : ndarray, shape (channels or 1, ..., cases)
            By how much blocks of the first result move.
        """
        first = self._route.whole[0].output
        if len(change) > 1:
            change = change[channels]
        inner = self._layout.inner(first)
        assert inner is not None
        block = self._base_blocks(first, channels, inner) + change
        kinks = np.zeros((len(channels), len(self._samples)), dtype=bool)
        waiting = [State(0, channels, {first: block}, {}, kinks)]
        while waiting:
            state = waiting.pop()
            while state.at < len(self._route.apart):
                state, still = self._carry(self._route.apart[state.at], state)
                if still is not None:
                    waiting.append(still)
                self._forget(self._route.apart[state.at], state)
                state.at += 1
            yield state, self._losses(state)

    def _forget(self, step: Step, state: State) -> None:
        """Drop what no step to come reads."""
        for slot in self._layout.dying(step):
            state.blocks.pop(slot, None)
            state.rows.pop(slot, None)

    def _carry(self, step: Step, state: State) -> tuple[State, State | None]:
        """Add the result of `step`; channels of `state` that it does not reach are given apart."""
        key = state.at, tuple(state.blocks), tuple(state.rows)
        manner = self._layout.manners.get(key)
        if manner is None:
            manner = self._layout.manners[key] = self._manner(step, state)
        if manner is Propagation._spread:
            return self._spread(step, state)
        manner(self, step, state)
        return state, None

    def _manner(self, step: Step, state: State) -> Manner:
        """How to carry out `step`, which depends on what moved and not on the numbers."""
        if not any(slot in state.blocks or slot in state.rows for slot in step.arguments):
            return Propagation._leave
        if self._keeps_blocks(step, state):
            if step.op.reorders:
                return Propagation._reordered
            return Propagation._on_blocks if step.op.channelwise else Propagation._on_planes
        if self._keeps_entries(step, state):
            return Propagation._on_entries
        return Propagation._spread if self._can_spread(step, state) else Propagation._on_rows

    def _leave(self, step: Step, state: State) -> None:
        """A step that nothing reached."""

    # Blocks to blocks

    def _keeps_blocks(self, step: Step, state: State) -> bool:
        """Whether `step` makes a channel's block of the same channel's blocks."""
        op, layout = step.op, self._layout
        if layout.inner(step.output) is None:
            return False
        if any(slot in state.rows for slot in step.arguments):
            return False
        if op.channelwise:
            return self._lines_up(step)
        first, *others = step.arguments
        if first is None or first not in state.blocks:
            return False
        if any(slot in state.blocks for slot in others):
            return False
        return op.reorders or (op.planewise and layout.features(first)[0] == layout.channels)

    def _lines_up(self, step: Step) -> bool:
        """Whether each operand has an entry for each of the result's, a row's or a number."""
        values = self._route.base.values
        shape = values[step.output].shape
        fit = ((), shape, shape[1:]) if step.op.broadcasts else ((), shape)
        return all(slot is None or values[slot].shape in fit for slot in step.arguments)

    def _reordered(self, step: Step, state: State) -> None:
        block, inner = state.blocks[_first(step)], self._layout.inner(step.output)
        assert inner is not None
        state.blocks[step.output] = block.reshape(len(block), *inner, block.shape[-1])

    def _on_blocks(self, step: Step, state: State) -> None:
        op, inner = step.op, self._layout.inner(step.output)
        assert inner is not None
        given = [self._block(slot, step, state, inner) for slot in step.arguments]
        if step.output in self._route.base.branches:
            here = np.asarray(op.branch(*given))
            self._mark(state, here != self._base_branch_blocks(step, state, inner), 1)
        state.blocks[step.output] = op.forward(*given, **self._over(step, state.blocks))

    def _on_planes(self, step: Step, state: State) -> None:
        op, inner = step.op, self._layout.inner(step.output)
        assert inner is not None
        given = [self._plane(slot, state) for slot in step.arguments]
        if step.output in self._route.base.branches:
            here = _rows_last(np.asarray(op.branch(*given)))
            self._mark(state, here != self._base_branch_blocks(step, state, inner), 1)
        state.blocks[step.output] = _rows_last(op.forward(*given))

    def _mark(self, state: State, crossed: Array, axis: int) -> None:
        """Note kinks; the axes of `crossed` between those of the moves start at `axis`."""
        if crossed.any():
            between = tuple(range(axis, axis + crossed.ndim - 2))
            state.kinks |= crossed.any(axis=between)

    def _block(self, slot: int | None, step: Step, state: State, inner: Shape) -> Array | None:
        """Blocks of an operand of `step`, [channels, ..., cases or 1]."""
        if slot is None:
            return None
        if slot in state.blocks:
            return state.blocks[slot]
        if slot in state.rows:
            own: Array = self._cut(state.rows[slot], inner)[_own(state)]
            return own
        value = self._route.base.values[slot]
        if value.shape == self._route.base.values[step.output].shape:
            return self._base_blocks(slot, state.channels, inner)
        return self._blocks(value[..., None], state.channels, inner) if value.ndim else value

    def _plane(self, slot: int | None, state: State) -> Array | None:
        """Blocks as rows of the channels in play; of a number for each channel, their numbers."""
        if slot is None:
            return None
        if slot in state.blocks:
            return _rows_first(state.blocks[slot])
        value: Array = self._route.base.values[slot][state.channels]
        return value

    # Blocks to rows

    def _can_spread(self, step: Step, state: State) -> bool:
        first, *others = step.arguments
        return (
            first in state.blocks
            and not any(slot in state.blocks or slot in state.rows for slot in others)
            and step.output not in self._route.base.branches
        )

    def _spread(self, step: Step, state: State) -> tuple[State, State | None]:
        """Rows of a step that mixes channels, and the state of those that it does not reach."""
        first = _first(step)
        block = state.blocks[first]
        change = block - self._base_blocks(first, state.channels, block.shape[1:-1])
        if not self._layout.kinky:
            return self._spread_all(step, state, change), None
        reached = (change != 0).reshape(len(change), -1).any(axis=1)
        still = None
        if not reached.any():
            return state, None
        if not reached.all():
            still = state.part(~reached)
            still.at += 1
            state, change = state.part(reached), change[reached]
        return self._spread_all(step, state, change), still

    def _spread_all(self, step: Step, state: State, change: Array) -> State:
        base = self._route.base
        op, count = base.ops[step.output], self._layout.channels
        rows = op.spread(change, state.channels, count, *base.arguments(step, {}))
        if rows is None:
            self._on_rows(step, state)
        else:
            rows += self._base_rows(step.output)
            state.rows[step.output] = rows
        return state

    # Rows to rows

    def _keeps_entries(self, step: Step, state: State) -> bool:
        """Whether `step` works entry by entry on rows, and on blocks that can be put in place."""
        if not step.op.channelwise or not self._lines_up(step):
            return False
        blocks = any(slot in state.blocks for slot in step.arguments)
        whole = any(slot in state.rows for slot in step.arguments)
        return whole and not (blocks and self._layout.inner(step.output) is None)

    def _on_entries(self, step: Step, state: State) -> None:
        """A step that works entry by entry; where blocks moved too, theirs are put in place."""
        op, inner = step.op, self._layout.inner(step.output)
        given = [self._entries(slot, step, state) for slot in step.arguments]
        blocks: list[Array | None] = []
        if any(slot in state.blocks for slot in step.arguments):
            assert inner is not None
            blocks = [self._block(slot, step, state, inner) for slot in step.arguments]
        if step.output in self._route.base.branches:
            here = np.asarray(op.branch(*given))
            if blocks and inner is not None:
                self._cut(here, inner)[_own(state)] = op.branch(*blocks)
            self._mark(state, here != self._base_branch(step.output)[..., None, :], 0)
        put = op.forward(*blocks) if blocks else None
        result = op.forward(*given, **self._over(step, state.rows))
        if blocks and inner is not None:
            self._cut(result, inner)[_own(state)] = put
        state.rows[step.output] = result

    def _entries(self, slot: int | None, step: Step, state: State) -> Array | None:
        """An operand in the layout of rows; a block that moved as it was."""
        if slot is None:
            return None
        if slot in state.rows:
            return state.rows[slot]
        value = self._route.base.values[slot]
        if value.shape == self._route.base.values[step.output].shape:
            return self._base_rows(slot)
        return value[..., None, None] if value.ndim else value

    def _on_rows(self, step: Step, state: State) -> None:
        """Any step, on all rows as one batch."""
        channels, cases = state.kinks.shape
        given: list[Array | None] = []
        for slot in step.arguments:
            if slot is not None and slot in state.blocks and slot not in state.rows:
                state.rows[slot] = self._widened(slot, state)
        for slot, has in zip(step.arguments, self._route.has_rows(step), strict=True):
            if slot is None:
                given.append(None)
            elif slot in state.rows:
                given.append(_rows_first(_flat(state.rows[slot])))
            elif has:
                given.append(self._stretched(self._route.base.values[slot], channels))
            else:
                given.append(self._route.base.values[slot])
        if step.output in self._route.base.branches:
            base = self._stretched(np.asarray(self._route.base.branches[step.output]), channels)
            crossed = np.asarray(step.op.branch(*given)) != base
            self._mark(state, _rows_last(crossed).reshape(*crossed.shape[1:], channels, cases), 0)
        features = self._layout.features(step.output)
        keywords = {}
        if step.op.takes_out:
            out = self._over(step, state.rows).get("out")
            if out is None:
                dtype = np.result_type(*(state.rows[s] for s in step.arguments if s in state.rows))
                out = np.empty((*features, channels, cases), dtype)
            keywords["out"] = _rows_first(_flat(out))
        result = _rows_last(np.asarray(step.op.forward(*given, **keywords)))
        state.rows[step.output] = result.reshape(*features, channels, cases)

    def _stretched(self, value: Array, channels: int) -> Array:
        """Base rows of all cases of so many channels."""
        if self._alone:
            sample = int(self._samples[0])
            shape = channels * len(self._samples), *value.shape[1:]
            return np.broadcast_to(value[sample : sample + 1], shape)
        if channels not in self._rows_of:
            self._rows_of[channels] = np.tile(self._samples, channels)
        stretched: Array = value.take(self._rows_of[channels], axis=0)
        return stretched

    def _widened(self, slot: int, state: State) -> Array:
        block = state.blocks[slot]
        rows = np.empty((*self._layout.features(slot), *state.kinks.shape), block.dtype)
        rows[...] = self._base_rows(slot)
        self._cut(rows, block.shape[1:-1])[_own(state)] = block
        return rows

    def _cut(self, rows: Array, inner: Shape) -> Array:
        """View of rows with their channels as the first axis."""
        return rows.reshape(self._layout.channels, *inner, *rows.shape[-2:])

    def _over(self, step: Step, moved: Mapping[int, Array]) -> dict[str, Array]:
        """To write over the first operand where that moved and nothing reads it any more."""
        op, first = step.op, step.arguments[0]
        if first is None or first not in moved or not (op.inplace and op.takes_out):
            return {}
        slots = self._route.base.plan.slots
        if slots[first].storage != first or first not in step.dying or first in step.arguments[1:]:
            return {}
        if self._layout.features(first) != self._layout.features(step.output):
            return {}
        others = [moved[slot] for slot in step.arguments[1:] if slot in moved and slot is not None]
        return {} if any(a.dtype != moved[first].dtype for a in others) else {"out": moved[first]}

    # Base values

    def _base_blocks(self, slot: int, channels: Array, inner: Shape) -> Array:
        """Blocks with nothing moved, [channels, ..., cases or 1]."""
        rows = self._gather(slot, self._layout.value(slot))
        return self._blocks(rows, channels, inner)

    def _base_rows(self, slot: int) -> Array:
        """Rows with nothing moved, [..., 1, cases or 1]."""
        return self._gather(slot, self._layout.value(slot))[..., None, :]

    def _blocks(self, rows: Array, channels: Array, inner: Shape) -> Array:
        """Cut base rows, [..., cases or 1], to the blocks of some channels."""
        count = self._layout.channels
        cut: Array = rows.reshape(count, *inner, rows.shape[-1])
        return cut if len(channels) == count else cut[channels]

    def _gather(self, key: Any, value: Array) -> Array:
        """`value` of the cases' rows, [..., cases or 1]; what has no rows is the same for all."""
        if key not in self._gathered:
            if value.shape[-1] == 1:
                self._gathered[key] = value
            elif self._alone:
                sample = int(self._samples[0])
                self._gathered[key] = value[..., sample : sample + 1]
            else:
                self._gathered[key] = value.take(self._samples, axis=-1)
        return self._gathered[key]

    def _base_branch(self, slot: int) -> Array:
        return self._gather(("branch", slot), self._layout.branch(slot))

    def _base_branch_blocks(self, step: Step, state: State, inner: Shape) -> Array:
        return self._blocks(self._base_branch(step.output), state.channels, inner)

    def _losses(self, state: State) -> Array:
        """How much the losses differ from the base pass, as parts of the mean."""
        total = np.zeros(state.kinks.shape)
        for loss in self._route.losses:
            if loss in state.rows:
                change = state.rows[loss] - self._base_rows(loss)
                change = change.reshape(-1, *state.kinks.shape).sum(axis=0)
            elif loss in state.blocks:
                block = state.blocks[loss]
                change = block - self._base_blocks(loss, state.channels, block.shape[1:-1])
                change = change.reshape(len(block), -1, block.shape[-1]).sum(axis=1)
            else:
                continue
            total = total + change / self._route.base.values[loss].size
        return total


def _first(step: Step) -> int:
    first = step.arguments[0]
    assert first is not None
    return first


def _own(state: State) -> tuple[Any, ...]:
    """In rows with their channels cut out: the block that each channel in play moved."""
    return state.channels, ..., np.arange(len(state.channels)), slice(None)


def _flat(rows: Array) -> Array:
    """Rows with channels and cases as one axis."""
    return rows.reshape(*rows.shape[:-2], rows.shape[-2] * rows.shape[-1])


def _rows_last(value: Array) -> Array:
    return value.transpose(*range(1, value.ndim), 0)


def _rows_first(value: Array) -> Array:
    return value.transpose(value.ndim - 1, *range(value.ndim - 1))
