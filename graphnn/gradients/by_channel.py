"""Probes by channel: one channel of a row moves, and equal moves of a row are evaluated once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.gradients.cases import Cases
from graphnn.gradients.route import ENTRIES, Found, Offsets, Route, data_slots
from graphnn.gradients.walk import Layout, Walk

Array = NDArray[Any]
Piece = tuple[slice, slice]
_WORK = 1 << 22  # entries of all moves that a piece is cut to: some milliseconds
_PIECES = 8  # pieces that may be held at once
_FILLED = 5  # a chunk so filled may end with a row of the batch
_MOST = 512  # cases of all offsets from which on a chunk is cut by channels instead


class ByChannel:
    """Each entry moves one channel of every row by offset times what the row responds.

    A piece is a range of groups of entries, see `Op.response`, and a range of rows of the batch.
    """

    def __init__(self, route: Route, axis: int, max_memory: int) -> None:
        step, self._route = route.whole[0], route
        parameter = route.base.values[route.slot]
        self._axis = axis
        self._channels = parameter.shape[axis]
        self._shape = tuple(np.delete(parameter.shape, axis).tolist())  # of groups
        self._groups = math.prod(self._shape)
        self._layout = Layout(route, self._channels)
        self._inner = math.prod(route.base.values[step.output].shape[2:])
        self._kinky = self._layout.kinky
        self._stakes = route.stakes()
        self._max_memory = max_memory

    @classmethod
    def fit(cls, route: Route, max_memory: int) -> ByChannel | None:
        """Probes by channel along `route`, if the ops on it state what that takes."""
        if len(route.whole) != 1 or not route.apart or route.whole[0].output in route.losses:
            return None
        step, values = route.whole[0], route.base.values
        if step.arguments.count(route.slot) != 1 or step.output in route.base.branches:
            return None
        axis = _channel_axis(route)
        shape, channels = values[step.output].shape, values[route.slot].shape
        if axis is None or len(shape) < 2 or shape[1] != channels[axis]:
            return None
        way = cls(route, axis, max_memory)
        return None if way._response(slice(0, 1)) is None else way

    def blank(self, offsets: Offsets) -> Found:
        """As `Way.blank`."""
        shape = self._groups, self._channels
        return Found.of(offsets, shape, self._kinky)

    def pieces(self, offsets: Offsets) -> Iterator[Piece]:
        """As `Way.pieces`."""
        row = self._groups * self._channels * self._layout.cost
        # Memory has no say in this, so that sums are added up in the same order always.
        many = max(1, min(self._route.rows, _WORK // row))
        # Differences and kinks of cases and of groups, and coefficients.
        entry = 2 * len(offsets) * (8 + 1) * self._channels + 2 * 8 * self._inner
        some = max(1, min(self._groups, self._max_memory // (_PIECES * many * entry)))
        for start in range(0, self._groups, some):
            for first in range(0, self._route.rows, many):
                stop = min(first + many, self._route.rows)
                yield slice(start, min(start + some, self._groups)), slice(first, stop)

    def place(self, piece: Piece) -> tuple[Any, ...]:
        """As `Way.place`."""
        return ..., piece[0], slice(None)

    def finished(self, found: Array) -> Array:
        """As `Way.finished`."""
        apart = found.reshape(-1, *self._shape, self._channels)
        return np.moveaxis(apart, -1, 1 + self._axis).reshape(*found.shape[:-2], -1)

    def evaluate(self, piece: Piece, offsets: Offsets) -> Found:
        """As `Way.evaluate`."""
        groups, rows = piece
        response = self._response(rows)
        assert response is not None
        table = Cases.of(response[:, groups], rows.start)
        found = Found.of(offsets, (self._channels, len(table.samples)), self._kinky)
        for cases in self._chunks(table, len(offsets)):
            self._chunk(table, cases, offsets, found)
        count = groups.stop - groups.start
        stakes = table.added(self._stakes[table.samples], count)
        return Found(
            table.added(found.differences, count).swapaxes(1, 2),
            None if found.kinks is None else table.added(found.kinks, count).swapaxes(1, 2),
            np.repeat(stakes[:, None], self._channels, axis=1),
        )

    def _chunk(self, table: Cases, cases: slice, offsets: Offsets, found: Found) -> None:
        """Put what some cases come to into `found`, for all channels and offsets."""
        samples = np.tile(table.samples[cases], len(offsets))
        coefficients = table.coefficients[..., cases]
        change = np.concatenate([offset * coefficients for offset in offsets], axis=-1)
        walk = Walk(self._layout, samples)
        many = max(1, ENTRIES // (self._layout.cost * len(samples)))
        for start in range(0, self._channels, many):
            channels = np.arange(start, min(start + many, self._channels))
            for state, losses in walk.finish(channels, change):
                shape = len(state.channels), len(offsets), -1
                into = slice(None), state.channels, cases
                found.differences[into] = losses.reshape(shape).swapaxes(0, 1)
                if found.kinks is not None:
                    found.kinks[into] = state.kinks.reshape(shape).swapaxes(0, 1)

    def _chunks(self, table: Cases, offsets: int) -> Iterator[slice]:
        """Ranges of cases: of one row of the batch where that has many, else of some rows."""
        full = max(1, ENTRIES // (self._layout.cost * self._channels * offsets))
        # Where there are kinks, rows of the batch stay apart: a channel that is shut for one of
        # them is shut for all its cases, and then need not be carried on.
        most = max(full, _MOST // offsets)
        least = full // _FILLED if self._kinky else most
        edges = np.flatnonzero(np.diff(table.samples)) + 1
        start = 0
        for stop in (*edges.tolist(), len(table.samples)):
            parts = -(-(stop - start) // most)
            if stop - start >= least or stop == len(table.samples):
                for part in range(parts):
                    low = start + (stop - start) * part // parts
                    yield slice(low, start + (stop - start) * (part + 1) // parts)
                start = stop

    def _response(self, rows: slice) -> Array | None:
        """Of some rows of the batch."""
        base, step = self._route.base, self._route.whole[0]
        op, data = base.ops[step.output], data_slots(step)
        shapes = [base.values[slot].shape for slot in data]
        given = base.arguments(step, {})
        apart = op.rows_apart(*shapes)
        if apart:
            for place, has_rows in enumerate(op.has_rows(*shapes)):
                if has_rows:
                    given[place] = base.values[data[place]][rows]
        name = op.operands[step.arguments.index(self._route.slot)].name
        response = op.response(name, *given)
        return response if apart or response is None else response[rows]


def _channel_axis(route: Route) -> int | None:
    """Which axis of the parameter counts channels; None where it is no parameter of the op."""
    step = route.whole[0]
    if step.op.operands[0].many:
        return None
    operand = step.op.operands[step.arguments.index(route.slot)]
    rank = route.base.values[route.slot].ndim
    if operand.role != "parameter" or not rank:
        return None
    words = operand.layout.split() if rank > 1 else ["out"]
    place = words.index("out")
    return place if "..." not in words[:place] else place - len(words) + rank
