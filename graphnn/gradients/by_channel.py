"""Probes by channel: one number of a row moves, and equal moves of a row are evaluated once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.gradients.route import ENTRIES, ROWS, Moved, Offsets, Route, nothing
from graphnn.plan import Step

Array = NDArray[Any]
_PROBES = 1 << 20  # moves of one number of a row that a piece is cut to
_PIECES = 8  # pieces that may be held at once


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
    def of(cls, coefficients: Array, first: int) -> _Cases:
        """Those of ``coefficients[rows, groups]`` from row `first` on; where 0 nothing moves."""
        rows, groups = np.nonzero(coefficients)
        order = np.lexsort((coefficients[rows, groups], rows))
        rows, groups = rows[order], groups[order]
        found = coefficients[rows, groups]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (rows[1:] != rows[:-1]) | (found[1:] != found[:-1])
        case = np.cumsum(new) - 1
        by_group = np.argsort(groups, kind="stable")
        return cls(first + rows[new], found[new], groups[by_group], case[by_group])

    def added(self, grid: Array, groups: int) -> Array:
        """What cases come to, [cases, channels], added up for each entry, [groups, channels]."""
        total = np.zeros((groups, grid.shape[1]), dtype=grid.dtype)
        if len(self.group_of):
            add = np.logical_or if grid.dtype == bool else np.add
            first = np.flatnonzero(np.r_[True, self.group_of[1:] != self.group_of[:-1]])
            total[self.group_of[first]] = add.reduceat(grid[self.case_of], first, axis=0)
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
        self._channels = self._start.shape[1]
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

    def pieces(self, offsets: Offsets) -> Iterator[tuple[slice, slice]]:
        """As `Way.pieces`: ranges of groups, and of rows of the batch."""
        entry = 2 * len(offsets) * (8 + 1)  # differences and kinks of cases, and of their groups
        room = self._max_memory // (_PIECES * entry * self._channels)
        rows, groups = self._coefficients.shape
        # Memory has no say in this, so that sums are added up in the same order always.
        many = max(1, min(rows, _PROBES // (groups * self._channels)))
        some = max(1, min(groups, room // many))
        for start in range(0, groups, some):
            for first in range(0, rows, many):
                yield slice(start, min(start + some, groups)), slice(first, first + many)

    def place(self, piece: tuple[slice, slice], found: Array) -> Array:
        """As `Way.place`."""
        return found.reshape(len(found), -1, self._channels)[:, piece[0]]

    def evaluate(self, piece: tuple[slice, slice], offsets: Offsets) -> tuple[Array, Array]:
        """As `Way.evaluate`."""
        groups, rows = piece
        table = _Cases.of(self._coefficients[rows, groups], rows.start)
        cases = len(table.samples)
        differences, kinks = nothing(offsets, cases * self._channels)
        differences = differences.reshape(len(offsets), cases, self._channels)
        kinks = kinks.reshape(differences.shape)
        many = max(1, min(ROWS, ENTRIES // self._route.width) // self._channels)
        for number, offset in enumerate(offsets):
            for start in range(0, cases, many):
                there = slice(start, min(start + many, cases))
                differences[number, there], kinks[number, there] = self._chunk(table, there, offset)
        count = groups.stop - groups.start
        return (
            np.stack([table.added(grid, count) for grid in differences]),
            np.stack([table.added(grid, count) for grid in kinks]),
        )

    def stake(self) -> Array:
        """Of the rows that each entry moves."""
        return np.repeat(self._route.stakes() @ (self._coefficients != 0), self._channels)

    def _chunk(self, table: _Cases, cases: slice, offset: float | complex) -> tuple[Array, Array]:
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
