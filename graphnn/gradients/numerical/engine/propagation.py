"""The way of moved channels through the steps of a route: as blocks, and once mixed as rows.

A *move* is a row of the batch, one of its channels, and a value for it. Where an op keeps channels
apart, only the block of numbers that belongs to the channel is computed; an op that mixes channels
makes whole rows of it. Arrays of moves have the moves last: ``[channels, ..., cases]`` for blocks,
``[..., channels, cases]`` for rows, where every channel in play makes every case. NumPy's loops are
then long, and what is the same for all channels or cases is stretched over them without a copy.

The README of this package draws these arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphnn.execution import Step
from graphnn.gradients.numerical.engine.layout import Layout, Shape, first, rows_first, rows_last
from graphnn.ops import Array


@dataclass(slots=True)
class MovedChannels:
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

    def moves(self, slot: int | None) -> bool:
        """Whether the value of `slot` moved."""
        return slot in self.blocks or slot in self.rows

    def keep(self, chosen: Array) -> MovedChannels:
        """Itself, with some of the channels alone."""
        self.channels = self.channels[chosen]
        self.blocks = {slot: array[chosen] for slot, array in self.blocks.items()}
        self.rows = {slot: array[..., chosen, :] for slot, array in self.rows.items()}
        self.kinks = self.kinks[chosen]
        return self

    def own(self) -> tuple[Any, ...]:
        """Index, in rows with their channels cut out, of the block that each channel moved."""
        return self.channels, ..., np.arange(len(self.channels)), slice(None)


# What carries out a step, and returns the channels that it does not reach.
Handler = Callable[["Propagation", Step, MovedChannels], MovedChannels | None]


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
        self._base = layout.route.base
        self._samples = samples
        # With one row of the batch, what did not move is a view of it, of length 1 and not copied.
        self._alone = bool(samples[0] == samples[-1] == samples.min() == samples.max())
        # Several steps may read the same slot: its base values are gathered once for a chunk.
        self._gathered: dict[Any, Array] = {}
        self._rows_of: dict[int, Array] = {}

    def finish(self, channels: Array, change: Array) -> Iterator[tuple[MovedChannels, Array]]:
        """Differences of the losses, [channels, cases], with the channels that they are of.

        Parameters
        ----------
        channels : ndarray of int
        change : ndarray, shape (channels or 1, ..., cases)
            By how much blocks of the first result move.
        """
        start, steps = self._route.whole[0].output, self._route.apart
        # Of length 1 it is the same for all channels.
        if len(change) > 1:
            change = change[channels]
        block = self._base_blocks(start, channels, self._layout.inner(start)) + change
        kinks = np.zeros((len(channels), len(self._samples)), dtype=bool)
        waiting = [MovedChannels(0, channels, {start: block}, {}, kinks)]
        # A stack, for a step may part a state in two, whose ways are different from there on.
        while waiting:
            state = waiting.pop()
            while state.at < len(steps):
                step = steps[state.at]
                # What moved is the same for every chunk of a route, so that it is decided once.
                key = state.at, tuple(state.blocks), tuple(state.rows)
                handler = self._layout.handlers.get(key)
                if handler is None:
                    handler = self._layout.handlers[key] = self._handler(step, state)
                unreached = handler(self, step, state)
                if unreached is not None:
                    waiting.append(unreached)
                # What no step to come reads makes room.
                for slot in self._layout.dying[step.output]:
                    state.blocks.pop(slot, None)
                    state.rows.pop(slot, None)
                state.at += 1
            yield state, self._losses(state)

    def _handler(self, step: Step, state: MovedChannels) -> Handler:
        """How to carry out `step`, which depends on what moved and not on the numbers."""
        if not any(map(state.moves, step.arguments)):
            return Propagation._leave
        if self._keeps_blocks(step, state):
            if step.op.reorders:
                return Propagation._reordered
            return Propagation._on_blocks if step.op.channelwise else Propagation._on_planes
        if self._keeps_entries(step, state):
            return Propagation._on_entries
        leading, *others = step.arguments
        # Where the op has branches, they have to be compared on whole rows.
        whole = step.output in self._base.branches or any(map(state.moves, others))
        spreads = leading in state.blocks and not whole
        return Propagation._spread if spreads else Propagation._on_rows

    def _leave(self, step: Step, state: MovedChannels) -> None:
        """A step that nothing reached."""

    # Blocks to blocks

    def _keeps_blocks(self, step: Step, state: MovedChannels) -> bool:
        """Whether `step` makes a channel's block of the same channel's blocks."""
        op, layout = step.op, self._layout
        if not layout.is_cut(step.output) or any(slot in state.rows for slot in step.arguments):
            return False
        # Entry by entry, any operand may have moved: its block is cut as the result's is.
        if op.channelwise:
            return self._lines_up(step)
        leading, *others = step.arguments
        # A second operand that moved would have to be cut as the first is, which no op states.
        if leading not in state.blocks or any(slot in state.blocks for slot in others):
            return False
        # Planes are the second axis of the data itself, not a cut through a longer one.
        planes = layout.features(first(step))[:1] == (layout.channels,)
        return op.reorders or (op.planewise and planes)

    def _lines_up(self, step: Step) -> bool:
        """Whether each operand has an entry for each of the result's, a row's or a number."""
        values = self._base.values
        shape = values[step.output].shape
        # Only an op that broadcasts takes one row in the place of all.
        fit = ((), shape, shape[1:]) if step.op.broadcasts else ((), shape)
        return all(slot is None or values[slot].shape in fit for slot in step.arguments)

    def _reordered(self, step: Step, state: MovedChannels) -> None:
        # The same numbers in another shape: such an op need not be called.
        block = state.blocks[first(step)]
        inner = self._layout.inner(step.output)
        state.blocks[step.output] = block.reshape(len(block), *inner, block.shape[-1])

    def _on_blocks(self, step: Step, state: MovedChannels) -> None:
        given = self._operands(self._block, step, state)
        if step.output in self._base.branches:
            self._mark_blocks(step, state, np.asarray(step.op.branch(*given)))
        out = self._over(step, state.blocks)
        state.blocks[step.output] = step.op.forward(*given, **out)

    def _on_planes(self, step: Step, state: MovedChannels) -> None:
        # To the op, cases are rows, and the channels in play are all that there are.
        given = self._operands(self._plane, step, state)
        if step.output in self._base.branches:
            self._mark_blocks(step, state, rows_last(np.asarray(step.op.branch(*given))))
        state.blocks[step.output] = rows_last(step.op.forward(*given))

    def _mark_blocks(self, step: Step, state: MovedChannels, branch: Array) -> None:
        base = self._gather(self._layout.branch, step.output)
        inner = self._layout.inner(step.output)
        _mark(state, branch != self._cut_base(base, state.channels, inner), 1)

    def _operands(
        self, form: Callable[[int, Step, MovedChannels], Array], step: Step, state: MovedChannels
    ) -> list[Array | None]:
        """All operands of `step`, each in the same form."""
        return [None if slot is None else form(slot, step, state) for slot in step.arguments]

    def _block(self, slot: int, step: Step, state: MovedChannels) -> Array:
        """Blocks of an operand of `step`, [channels, ..., cases or 1]."""
        if slot in state.blocks:
            return state.blocks[slot]
        inner = self._layout.inner(step.output)
        # Of a channel's rows, only the channel's own block is wanted here.
        if slot in state.rows:
            return np.asarray(self._cut(state.rows[slot], inner)[state.own()])
        value = self._base.values[slot]
        if value.shape == self._base.values[step.output].shape:
            return self._base_blocks(slot, state.channels, inner)
        # A row's shape, the same for all rows: cut likewise. A number goes as it is.
        return self._cut_base(value[..., None], state.channels, inner) if value.ndim else value

    def _plane(self, slot: int, step: Step, state: MovedChannels) -> Array:
        """Blocks as rows of the channels in play; of a number for each channel, their numbers."""
        if slot in state.blocks:
            return rows_first(state.blocks[slot])
        return np.asarray(self._base.values[slot][state.channels])

    # Blocks to rows

    def _spread(self, step: Step, state: MovedChannels) -> MovedChannels | None:
        """Rows of a step that mixes channels; those that it does not reach are given apart."""
        block, unreached = state.blocks[first(step)], None
        change = block - self._base_blocks(first(step), state.channels, block.shape[1:-1])
        # Behind a kink, such as that of a rectifier which is shut, whole channels stand still.
        # Smooth ops leave none, so that nobody looks.
        if self._layout.kinky:
            reached = (change != 0).reshape(len(change), -1).any(axis=1)
            if not reached.any():
                return None
            if not reached.all():
                unreached = replace(state, at=state.at + 1).keep(~reached)
                state.keep(reached)
                change = change[reached]
        op, count = self._base.ops[step.output], self._layout.channels
        rows = op.spread(change, state.channels, count, *self._base.arguments(step, {}))
        # An op that cannot say how it spreads is run on whole rows.
        if rows is None:
            self._on_rows(step, state)
        else:
            rows += self._base_rows(step.output)
            state.rows[step.output] = rows
        return unreached

    # Rows to rows

    def _keeps_entries(self, step: Step, state: MovedChannels) -> bool:
        """Whether `step` works entry by entry on rows, and on blocks that can be put in place."""
        if not step.op.channelwise or not self._lines_up(step):
            return False
        blocks = any(slot in state.blocks for slot in step.arguments)
        whole = any(slot in state.rows for slot in step.arguments)
        # A block has no place in rows that are not cut as it is.
        return whole and not (blocks and not self._layout.is_cut(step.output))

    def _on_entries(self, step: Step, state: MovedChannels) -> None:
        """A step that works entry by entry; where blocks moved too, theirs are put in place."""
        op = step.op
        given = self._operands(self._entries, step, state)
        blocks: list[Array | None] = []
        inner: Shape = ()
        if any(slot in state.blocks for slot in step.arguments):
            inner = self._layout.inner(step.output)
            blocks = self._operands(self._block, step, state)
        if step.output in self._base.branches:
            here = np.asarray(op.branch(*given))
            # The rows hold the base pass where a block moved: its branches are put in place too.
            if blocks:
                self._cut(here, inner)[state.own()] = op.branch(*blocks)
            base = self._gather(self._layout.branch, step.output)
            _mark(state, here != base[..., None, :], 0)
        # Before the rows, which may be written over their own operand.
        put = op.forward(*blocks) if blocks else None
        result = op.forward(*given, **self._over(step, state.rows))
        if blocks:
            self._cut(result, inner)[state.own()] = put
        state.rows[step.output] = result

    def _entries(self, slot: int, step: Step, state: MovedChannels) -> Array:
        """An operand in the layout of rows; a block that moved as it was."""
        if slot in state.rows:
            return state.rows[slot]
        value = self._base.values[slot]
        # What has the result's shape has rows; else it is a number, or one row for all.
        if value.shape == self._base.values[step.output].shape:
            return self._base_rows(slot)
        return value[..., None, None] if value.ndim else value

    def _on_rows(self, step: Step, state: MovedChannels) -> None:
        """Any step, on all rows as one batch."""
        moves = state.kinks.shape
        given = [
            None if slot is None else self._batch(slot, has_rows, state)
            for slot, has_rows in zip(step.arguments, self._route.has_rows(step), strict=True)
        ]
        # Before the op is run, which may write over its operand.
        if step.output in self._base.branches:
            base = self._stretched(self._base.branches[step.output], moves[0])
            crossed = np.asarray(step.op.branch(*given)) != base
            _mark(state, rows_last(crossed).reshape(*crossed.shape[1:], *moves), 0)
        shape = *self._layout.features(step.output), *moves
        keywords = {}
        if step.op.takes_out:
            # Made here, so that the result has the moves last whatever the op would choose.
            out = self._over(step, state.rows).get("out")
            if out is None:
                moved = [state.rows[slot] for slot in step.arguments if slot in state.rows]
                out = np.empty(shape, np.result_type(*moved))
            keywords["out"] = rows_first(_flat(out))
        result = rows_last(np.asarray(step.op.forward(*given, **keywords)))
        state.rows[step.output] = result.reshape(shape)

    def _batch(self, slot: int, has_rows: bool, state: MovedChannels) -> Array:
        """An operand for all rows as one batch, [channels * cases, ...]."""
        if slot in state.blocks and slot not in state.rows:
            # Kept: a later step may read it as rows too.
            state.rows[slot] = self._widened(slot, state)
        if slot in state.rows:
            return rows_first(_flat(state.rows[slot]))
        value = self._base.values[slot]
        return self._stretched(value, len(state.channels)) if has_rows else value

    def _widened(self, slot: int, state: MovedChannels) -> Array:
        """Rows with a block that moved in its place."""
        block = state.blocks[slot]
        # Base rows are views, stretched: to write into, they have to be copied.
        rows = np.empty((*self._layout.features(slot), *state.kinks.shape), block.dtype)
        rows[...] = self._base_rows(slot)
        self._cut(rows, block.shape[1:-1])[state.own()] = block
        return rows

    def _stretched(self, value: Array, channels: int) -> Array:
        """Base rows of all cases of `channels` channels."""
        # All cases are of one row: a view of it costs nothing, where `take` would copy it.
        if self._alone:
            sample = int(self._samples[0])
            shape = channels * len(self._samples), *value.shape[1:]
            return np.broadcast_to(value[sample : sample + 1], shape)
        if channels not in self._rows_of:
            self._rows_of[channels] = np.tile(self._samples, channels)
        return np.asarray(value.take(self._rows_of[channels], axis=0))

    def _cut(self, rows: Array, inner: Shape) -> Array:
        """View of rows with their channels as the first axis."""
        return rows.reshape(self._layout.channels, *inner, *rows.shape[-2:])

    def _over(self, step: Step, moved: dict[int, Array]) -> dict[str, Array]:
        """To write over the first operand where that moved and nothing reads it any more."""
        leading, *others = step.arguments
        if leading not in moved or not self._layout.may_write_over(step):
            return {}
        out = moved[leading]
        # Beside a complex operand a real one cannot hold the result.
        same = all(moved[slot].dtype == out.dtype for slot in others if slot in moved)
        return {"out": out} if same else {}

    # Base values

    def _base_blocks(self, slot: int, channels: Array, inner: Shape) -> Array:
        """Blocks with nothing moved, [channels, ..., cases or 1]."""
        return self._cut_base(self._gather(self._layout.value, slot), channels, inner)

    def _base_rows(self, slot: int) -> Array:
        """Rows with nothing moved, [..., 1, cases or 1]."""
        return self._gather(self._layout.value, slot)[..., None, :]

    def _cut_base(self, rows: Array, channels: Array, inner: Shape) -> Array:
        """Cut base rows, [..., cases or 1], to the blocks of some channels."""
        count = self._layout.channels
        cut: Array = rows.reshape(count, *inner, rows.shape[-1])
        # An index would copy.
        return cut if len(channels) == count else cut[channels]

    def _gather(self, of: Callable[[int], Array], slot: int) -> Array:
        """What `of` gives, of the cases' rows: [..., cases or 1]."""
        if (of, slot) not in self._gathered:
            value = of(slot)
            # What has no rows is the same for all.
            if value.shape[-1] != 1:
                sample = int(self._samples[0])
                one = value[..., sample : sample + 1]
                value = one if self._alone else value.take(self._samples, axis=-1)
            self._gathered[of, slot] = value
        return self._gathered[of, slot]

    def _losses(self, state: MovedChannels) -> Array:
        """How much the losses differ from the base pass, as parts of the mean."""
        total = np.zeros(state.kinks.shape)
        for loss in self._route.losses:
            # Subtracted entry by entry and then added up, so that less cancels than of sums.
            if loss in state.rows:
                change = state.rows[loss] - self._base_rows(loss)
                change = change.reshape(-1, *state.kinks.shape).sum(axis=0)
            elif loss in state.blocks:
                block = state.blocks[loss]
                change = block - self._base_blocks(loss, state.channels, block.shape[1:-1])
                change = change.reshape(len(block), -1, block.shape[-1]).sum(axis=1)
            else:
                continue
            # A loss is the mean of its entries, all rows of the batch included.
            total = total + change / self._base.values[loss].size
        return total


def _mark(state: MovedChannels, crossed: Array, axis: int) -> None:
    """Note kinks; the axes of `crossed` between those of the moves start at `axis`."""
    # Most chunks cross none, and need not be reduced axis by axis.
    if crossed.any():
        between = tuple(range(axis, axis + crossed.ndim - 2))
        state.kinks |= crossed.any(axis=between)


def _flat(rows: Array) -> Array:
    """Rows with channels and cases as one axis."""
    return rows.reshape(*rows.shape[:-2], rows.shape[-2] * rows.shape[-1])
