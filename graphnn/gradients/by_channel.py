"""Probes by channel: one number of a row moves, and equal moves of a row are evaluated once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor as Pool
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.gradients.route import ENTRIES, ROWS, Moved, Route, carry_out
from graphnn.plan import Step

Array = NDArray[Any]
_GATHERED = 1 << 23  # entries gathered at once when differences are added up


@dataclass(frozen=True, slots=True)
class _Cases:
    """The different moves that some groups of entries make.

    Attributes
    ----------
    samples, coefficients : ndarray, shape (cases,)
        Row of the batch, and by how much of the offset it moves; no two cases are the same.
    group_of, case_of : ndarray, shape (moves,)
        Every move, by group: which group of entries makes it, and which case it is.
    """

    samples: Array
    coefficients: Array
    group_of: Array
    case_of: Array

    @classmethod
    def of(cls, coefficients: Array) -> _Cases:
        """Those of ``coefficients[rows, groups]``; where it is 0 nothing moves."""
        rows, groups = np.nonzero(coefficients)
        order = np.lexsort((coefficients[rows, groups], rows))
        rows, groups = rows[order], groups[order]
        found = coefficients[rows, groups]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (rows[1:] != rows[:-1]) | (found[1:] != found[:-1])
        case = np.cumsum(new) - 1
        by_group = np.argsort(groups, kind="stable")
        return cls(rows[new], found[new], groups[by_group], case[by_group])

    def added(self, grid: Array, groups: int) -> Array:
        """What cases come to, [cases, channels], added up for each entry, [groups, channels]."""
        total = np.zeros((groups, grid.shape[1]), dtype=grid.dtype)
        add = np.logical_or if grid.dtype == bool else np.add
        many = max(1, _GATHERED // max(1, grid.shape[1]))
        for start in range(0, len(self.group_of), many):
            group_of = self.group_of[start : start + many]
            first = np.flatnonzero(np.r_[True, group_of[1:] != group_of[:-1]])
            parts = add.reduceat(grid[self.case_of[start : start + many]], first, axis=0)
            at = group_of[first]
            total[at] = add(total[at], parts)
        return total


class ByChannel:
    """Each entry moves one channel by offset times a coefficient of the row.

    Rows of the batch with the same coefficient are evaluated once, all channels at a time: `start`
    plus offset times coefficient is a grid [cases, channels] of values that moved one by one.
    """

    def __init__(self, route: Route, coefficients: Array, max_memory: int) -> None:
        self._route = route
        self._first = route.whole[0]
        self._start = route.base.values[self._first.output]
        self._coefficients = coefficients
        self._max_memory = max_memory

    @classmethod
    def fit(cls, route: Route, max_memory: int) -> ByChannel | None:
        """Probes by channel along `route`, if the ops on it state what that takes."""
        if len(route.whole) != 1 or not route.apart or route.whole[0].output in route.losses:
            return None
        step = route.whole[0]
        if step.arguments.count(route.slot) != 1 or route.base.values[step.output].ndim != 2:
            return None
        if step.output in route.base.branches:
            return None
        operand = step.op.operands[step.arguments.index(route.slot)]
        given = route.base.arguments(step, {})
        coefficients = route.base.ops[step.output].response(operand.name, *given)
        return None if coefficients is None else cls(route, coefficients, max_memory)

    def run(
        self,
        offsets: Sequence[float],
        pool: Pool | None,
        progress: Callable[[int], None] | None,
    ) -> tuple[Array, Array, Array]:
        """As `Probes.differences`."""
        groups, channels = self._coefficients.shape[1], self._start.shape[1]
        found = np.zeros((len(offsets), groups, channels))
        crossed = np.zeros(found.shape, dtype=bool)
        stake = np.zeros(groups)
        sizes = self._route.stakes()
        for block in self._blocks(len(offsets)):
            table, count = _Cases.of(self._coefficients[:, block]), block.stop - block.start
            grid, kinks = self._evaluate(table, offsets, pool)
            for number in range(len(offsets)):
                found[number, block] = table.added(grid[number], count)
                crossed[number, block] = table.added(kinks[number], count)
            losses = sizes[table.samples[table.case_of]]
            stake[block] = np.bincount(table.group_of, losses, count)
            if progress is not None:
                progress(block.stop * channels)
        flat = (len(offsets), -1)
        return found.reshape(flat), crossed.reshape(flat), np.repeat(stake, channels)

    def _blocks(self, offsets: int) -> Iterator[slice]:
        """Ranges of groups whose cases fit in the memory allowed."""
        entry = offsets * (8 + 1)  # a difference and whether a kink was crossed
        room = self._max_memory // (entry * self._start.shape[1])
        moves = np.count_nonzero(self._coefficients, axis=0)
        start = total = 0
        for group, count in enumerate(moves.tolist()):
            if total + count > room and group > start:
                yield slice(start, group)
                start, total = group, 0
            total += count
        if start < len(moves):
            yield slice(start, len(moves))

    def _evaluate(
        self, table: _Cases, offsets: Sequence[float], pool: Pool | None
    ) -> tuple[Array, Array]:
        """Differences and kinks, [offsets, cases, channels] each."""
        cases, channels = len(table.samples), self._start.shape[1]
        grid = np.zeros((len(offsets), cases, channels))
        kinks = np.zeros(grid.shape, dtype=bool)
        rows = min(ROWS, max(1, ENTRIES // self._route.width))
        many = max(1, rows // channels)

        def act(task: tuple[int, int]) -> None:
            number, start = task
            there = slice(start, min(start + many, cases))
            grid[number, there], kinks[number, there] = self._chunk(table, there, offsets[number])

        starts = range(0, cases, many)
        tasks = [(number, start) for number in range(len(offsets)) for start in starts]
        for _ in carry_out(act, tasks, pool):
            pass
        return grid, kinks

    def _chunk(self, table: _Cases, cases: slice, offset: float) -> tuple[Array, Array]:
        """Differences and kinks of some cases, [cases, channels] each."""
        route = self._route
        samples = table.samples[cases]
        grid = self._start[samples] + (offset * table.coefficients[cases])[:, None]
        flat = np.repeat(samples, grid.shape[1])
        kinks = np.zeros(grid.shape, dtype=bool)
        channels = {self._first.output: grid}
        moved = Moved({}, flat)
        for step in route.apart:
            if self._stays(step, channels, moved):
                given = self._beside(step, channels, samples)
                channels[step.output] = step.op.forward(*given)
                base = route.base.branches.get(step.output)
                if base is not None:
                    kinks |= np.asarray(step.op.branch(*given)) != base[samples]
                continue
            rows = self._spread(step, channels, samples, moved)
            if rows is None:
                self._widen(step, channels, moved)
                given = route.on_rows(step, moved)
                rows = step.op.forward(*given)
                crossed = route.crossed(step, given, flat)
                if crossed is not None:
                    kinks |= crossed.reshape(kinks.shape)
            moved.rows[step.output] = rows
        for loss in route.losses:
            if loss in channels:
                moved.rows[loss] = self._widened(loss, channels[loss], flat)
        return route.row_losses(moved.rows, flat).reshape(grid.shape), kinks

    def _stays(self, step: Step, channels: Mapping[int, Array], moved: Moved) -> bool:
        """Whether `step` maps moved channels to the same channels, and nothing else moved."""
        values = self._route.base.values
        return (
            step.op.channelwise
            and values[step.output].shape == self._start.shape
            and not any(slot in moved.rows for slot in step.arguments)
            and all(
                slot in channels or values[slot].shape in ((), self._start.shape)
                for slot in step.arguments
                if slot is not None
            )
        )

    def _beside(
        self, step: Step, channels: Mapping[int, Array], samples: Array
    ) -> list[Array | None]:
        values = self._route.base.values
        return [
            channels[slot]
            if slot in channels
            else values[slot][samples]
            if values[slot].ndim
            else values[slot]
            for slot in step.arguments
            if slot is not None
        ]

    def _spread(
        self, step: Step, channels: Mapping[int, Array], samples: Array, moved: Moved
    ) -> Array | None:
        """Rows of `step` when its first operand alone moved, by one channel each."""
        base_pass, first = self._route.base, step.arguments[0]
        others = step.arguments[1:]
        if first is None or first not in channels or step.output in base_pass.branches:
            return None
        if any(slot in channels or slot in moved.rows for slot in others):
            return None
        change = channels[first] - base_pass.values[first][samples]
        base = base_pass.values[step.output][samples]
        rows = base_pass.ops[step.output].spread(change, base, *base_pass.arguments(step, {}))
        return None if rows is None else rows.reshape(-1, *base.shape[1:])

    def _widen(self, step: Step, channels: Mapping[int, Array], moved: Moved) -> None:
        for slot in step.arguments:
            if slot is not None and slot in channels and slot not in moved.rows:
                moved.rows[slot] = self._widened(slot, channels[slot], moved.samples)

    def _widened(self, slot: int, grid: Array, flat: Array) -> Array:
        rows = self._route.base.values[slot][flat]
        width = grid.shape[1]
        rows.reshape(-1, width, width)[:, np.arange(width), np.arange(width)] = grid
        return rows
