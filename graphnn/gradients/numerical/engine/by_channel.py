"""Probes by channel: one channel of a row moves, and equal moves of a row are evaluated once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from graphnn.gradients.numerical.engine.base_pass import data_slots
from graphnn.gradients.numerical.engine.cases import Cases
from graphnn.gradients.numerical.engine.chebyshev import Curves, fit, points
from graphnn.gradients.numerical.engine.layout import Layout
from graphnn.gradients.numerical.engine.propagation import Propagation
from graphnn.gradients.numerical.engine.route import ENTRIES, Route
from graphnn.gradients.numerical.engine.strategy import LossChanges, Offsets
from graphnn.gradients.numerical.rules import EPSILON
from graphnn.ops import Array

Piece = tuple[slice, slice]
_WORK = 1 << 22  # entries of all moves that a piece is cut to: some milliseconds
_CURVED = 1 << 19  # likewise, where curves stand for most of the moves
_PIECES = 8  # pieces that may be held at once
_FILLED = 5  # a chunk so filled may end with a row of the batch
_MOST = 512  # cases of all offsets from which on a chunk is cut by channels instead
_POINTS = (4, 8, 16)  # of a curve, until it is resolved
_BLOCK = 256  # groups whose sums are taken in one product, whatever the memory


class ByChannel:
    """Each entry moves one channel of every row by offset times what the row responds.

    Where that is one number a row, a row's loss is a curve over it for each channel, and all
    entries of the channel, at all offsets, are points of that curve. A few points resolve it;
    where they do not, as at a kink, every move is evaluated by itself.

    A piece is a range of groups of entries, see `Op.response`, and a range of rows of the batch.
    """

    def __init__(self, route: Route, axis: int, max_memory: int) -> None:
        step, self._route = route.whole[0], route
        parameter = route.base.values[route.slot]
        self._axis = axis
        self._channels = parameter.shape[axis]
        self._shape = tuple(np.delete(parameter.shape, axis).tolist())  # of groups
        self._groups = math.prod(self._shape)
        self.room: tuple[int, ...] = (self._groups, self._channels)
        self._layout = Layout(route, self._channels)
        self._inner = math.prod(route.base.values[step.output].shape[2:])
        self._loss_scales = route.loss_scales()
        self._max_memory = max_memory
        response = self._response(slice(0, 1))
        self._curved = None if response is None else response.shape[2:] == (1,)

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
        return None if way._curved is None else way

    def pieces(self, offsets: Offsets) -> Iterator[Piece]:
        """As `Strategy.pieces`."""
        moves = _POINTS[0] if self._curved else self._groups
        work = _CURVED if self._curved else _WORK
        # Memory has no say in this, so that sums are added up in the same order always.
        many = max(1, min(self._route.rows, work // (moves * self._channels * self._layout.cost)))
        # Differences and kinks of cases and of groups, and coefficients.
        entry = 2 * len(offsets) * (8 + 1) * self._channels + 2 * 8 * self._inner
        held = self._max_memory // (_PIECES * entry)
        least, some = (_BLOCK, held // _BLOCK * _BLOCK) if self._curved else (1, held // many)
        some = min(self._groups, max(least, some))
        # As many rows in each, so that no worker waits for one with a larger piece.
        parts = -(-self._route.rows // many)
        edges = [self._route.rows * part // parts for part in range(parts + 1)]
        for start in range(0, self._groups, some):
            for first, stop in pairwise(edges):
                yield slice(start, min(start + some, self._groups)), slice(first, stop)

    def place(self, piece: Piece) -> tuple[Any, ...]:
        """As `Strategy.place`."""
        return ..., piece[0], slice(None)

    def finished(self, found: Array) -> Array:
        """As `Strategy.finished`."""
        apart = found.reshape(-1, *self._shape, self._channels)
        return np.moveaxis(apart, -1, 1 + self._axis).reshape(*found.shape[:-2], -1)

    def evaluate(self, piece: Piece, offsets: Offsets) -> LossChanges:
        """As `Strategy.evaluate`."""
        groups, rows = piece
        response = self._response(rows)
        assert response is not None
        left = np.ones((len(response), self._channels), dtype=bool)
        if not self._curved:
            every = np.arange(rows.start, rows.stop)
            return self._moved(response[:, groups], left, every, offsets)
        curves = _Sums(response[:, :, 0], groups, offsets, self._channels)
        for count in _POINTS:
            chosen = left & (curves.moves > count)[:, None]
            if not chosen.any():
                break
            left &= ~self._curves(curves, chosen, count, rows.start)
        changes = curves.changes()
        rest = np.flatnonzero(left.any(axis=1) & (curves.moves > 0))
        # A few rows at a time: all together may have as many moves as there are entries and rows.
        held = (groups.stop - groups.start) * self._channels * len(offsets)
        parts = -(-len(rest) * held // _WORK)
        for some in np.array_split(rest, max(1, min(parts, len(rest)))):
            if len(some):
                moved = response[some][:, groups]
                changes.add(..., self._moved(moved, left[some], some + rows.start, offsets))
        return changes

    def _curves(self, sums: _Sums, chosen: Array, count: int, first: int) -> Array:
        """Add what curves resolve of the chosen rows and channels, and return which those are.

        The rows are those from `first` on of the batch.
        """
        rows, channels = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
        at = points(count)
        samples = np.repeat(first + rows, count)
        change = (sums.reach[rows, None] * at.places).ravel()
        losses = np.zeros((self._channels, len(samples)))
        kinks = np.zeros(losses.shape, dtype=bool)
        many = max(1, ENTRIES // (self._layout.cost * len(channels) * count)) * count
        for start in range(0, len(samples), many):
            some = slice(start, start + many)
            propagation = Propagation(self._layout, samples[some])
            for state, part in propagation.finish(channels, change[None, some]):
                losses[state.channels, some] = part.imag if sums.complex else part
                kinks[state.channels, some] = state.kinks
        shape = len(channels), len(rows), count
        smooth = ~kinks[channels].reshape(shape).any(axis=2).T
        values = losses[channels].reshape(shape).transpose(2, 1, 0)
        # An imaginary part is a difference of nothing, and rounded as it is itself.
        sizes = self._loss_scales[first + rows, None]
        if sums.complex:
            sizes = np.abs(values).max(axis=0)
        curves = fit(values, at, sizes)
        resolved = smooth & curves.resolved & chosen[np.ix_(rows, channels)]
        sums.add(curves, resolved, rows, channels)
        done = np.zeros_like(chosen)
        done[np.ix_(rows, channels)] = resolved
        return done

    def _moved(self, response: Array, left: Array, rows: Array, offsets: Offsets) -> LossChanges:
        """What every move of some rows of the batch does, in the channels `left` of each."""
        table, count = Cases.of(response, rows), response.shape[1]
        changes = LossChanges.none(offsets, (self._channels, len(table.samples)))
        channels = np.flatnonzero(left.any(axis=0))
        for cases in self._chunks(table, len(offsets)):
            self._chunk(table, cases, offsets, channels, changes)
        # Channels are carried on for all rows together; curves have resolved some of them.
        wanted = left[np.searchsorted(rows, table.samples)].T
        differences, kinks = changes.differences, changes.kinks
        if not wanted.all():
            differences, kinks = differences * wanted, kinks & wanted
        whole = LossChanges.none(offsets, (count, self._channels))
        table.add_up(differences, whole.differences.swapaxes(1, 2))
        table.add_up(wanted * self._loss_scales[table.samples], whole.loss_scale.T)
        if self._layout.kinky:
            table.add_up(kinks, whole.kinks.swapaxes(1, 2))
        return whole

    def _chunk(
        self, table: Cases, cases: slice, offsets: Offsets, channels: Array, changes: LossChanges
    ) -> None:
        """Put the results of some cases into `changes`, for some channels and all offsets."""
        samples = np.tile(table.samples[cases], len(offsets))
        coefficients = table.coefficients[..., cases]
        change = np.concatenate([offset * coefficients for offset in offsets], axis=-1)
        propagation = Propagation(self._layout, samples)
        many = max(1, ENTRIES // (self._layout.cost * len(samples)))
        for start in range(0, len(channels), many):
            for state, losses in propagation.finish(channels[start : start + many], change):
                shape = len(state.channels), len(offsets), -1
                into = slice(None), state.channels, cases
                changes.differences[into] = losses.reshape(shape).swapaxes(0, 1)
                changes.kinks[into] = state.kinks.reshape(shape).swapaxes(0, 1)

    def _chunks(self, table: Cases, offsets: int) -> Iterator[slice]:
        """Ranges of cases: of one row of the batch where that has many, else of some rows."""
        full = max(1, ENTRIES // (self._layout.cost * self._channels * offsets))
        # Where there are kinks, rows of the batch stay apart: a channel that is shut for one of
        # them is shut for all its cases, and then need not be carried on.
        most = max(full, _MOST // offsets)
        least = full // _FILLED if self._layout.kinky else most
        edges = np.flatnonzero(np.diff(table.samples)) + 1
        start = 0
        for stop in (*edges.tolist(), len(table.samples)):
            parts = -(-(stop - start) // most)
            if parts and (stop - start >= least or stop == len(table.samples)):
                cuts = [start + (stop - start) * part // parts for part in range(parts + 1)]
                yield from map(slice, cuts, cuts[1:])
                start = stop

    def _response(self, rows: slice) -> Array | None:
        """Of some rows of the batch."""
        base, step = self._route.base, self._route.whole[0]
        op = base.ops[step.output]
        shapes = [base.values[slot].shape for slot in data_slots(step)]
        given = base.arguments(step, {})
        apart = op.rows_apart(*shapes)
        if apart:
            for place, has_rows in enumerate(self._route.has_rows(step)):
                if has_rows:
                    given[place] = np.asarray(given[place])[rows]
        name = op.operands[step.arguments.index(self._route.slot)].name
        response = op.response(name, *given)
        return response if apart or response is None else response[rows]


class _Sums:
    """Sums over rows, for every entry at every offset, of the losses read off curves.

    Parameters
    ----------
    response : ndarray, shape (rows, groups)
    groups : slice
        Those whose entries are wanted.
    offsets : sequence of float or complex
        On one axis. Of complex ones only the imaginary parts are summed, all that a complex step
        is made of.
    channels : int

    Attributes
    ----------
    reach : ndarray, shape (rows,)
        The largest move of each row.
    moves : ndarray of int, shape (rows,)
        How many entries at how many offsets move each row.
    complex : bool
    """

    def __init__(self, response: Array, groups: slice, offsets: Offsets, channels: int) -> None:
        self._offsets = offsets
        self._channels = channels
        largest = max(offsets, key=abs)
        self._scales = np.array([(offset / largest).real for offset in offsets])
        self.complex = isinstance(largest, complex)
        response = response.real
        reach = np.abs(response).max(axis=1, initial=0)
        self.reach: Array = reach * largest
        self.moves = np.count_nonzero(response, axis=1) * len(offsets)
        with np.errstate(invalid="ignore"):
            self._parts: Array = np.nan_to_num(response[:, groups] / reach[:, None])
        shape = self._parts.shape[1], channels
        self._differences = np.zeros((len(offsets), *shape))
        self._loss_scale = np.zeros(shape)

    def add(self, curves: Curves, resolved: Array, rows: Array, channels: Array) -> None:
        """Add the curves that are `resolved`, [rows, channels]."""
        parts = self._parts[rows]
        powers = np.where(resolved, curves.powers, 0)
        by_offset = self._scales[:, None] ** np.arange(1, len(powers) + 1)
        weights = by_offset[:, :, None, None] * powers
        weights = weights.reshape(len(self._offsets), -1, len(channels))
        moves = np.concatenate([parts**power for power in range(1, len(powers) + 1)])
        sizes = np.where(resolved, curves.noise / EPSILON, 0)
        every: Any = slice(None) if len(channels) == self._channels else channels
        for start in range(0, parts.shape[1], _BLOCK):
            block = slice(start, start + _BLOCK)
            self._differences[:, block, every] += moves[:, block].T @ weights
            self._loss_scale[block, every] += np.abs(parts[:, block]).T @ sizes

    def changes(self) -> LossChanges:
        """The sums, where no kink was crossed."""
        differences = 1j * self._differences if self.complex else self._differences
        kinks = np.zeros(differences.shape, dtype=bool)
        return LossChanges(differences, kinks, self._loss_scale)


def _channel_axis(route: Route) -> int | None:
    """Which axis of the parameter counts channels; None where the op does not declare one."""
    step = route.whole[0]
    if step.op.operands[0].many:
        return None
    operand = step.op.operands[step.arguments.index(route.slot)]
    rank = route.base.values[route.slot].ndim
    if operand.role != "parameter" or not rank:
        return None
    words = operand.layout.split()
    if "out" not in words:
        return None
    place = words.index("out")
    return place if "..." not in words[:place] else place - len(words) + rank
