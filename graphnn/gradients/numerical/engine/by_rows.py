"""Probes by rows: the rows that moved, of many probes, run as one batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphnn.gradients.numerical.engine.route import ENTRIES, ROWS, Route
from graphnn.gradients.numerical.engine.strategy import LossChanges, Offsets
from graphnn.ops import Array


class _Rows(NamedTuple):
    """Rows that moved, of all probes of a chunk.

    Attributes
    ----------
    owner, samples : ndarray of int, shape (rows,)
        The probe that moved each, and its place in the batch.
    values : dict of int to ndarray
        By slot, of what `Route.apart` is handed.
    """

    owner: Array
    samples: Array
    values: dict[int, Array]


class ByRows:
    """`whole` is run on the batch for each probe; the rows that moved of many probes run `apart`.

    Where `whole` is one op that states `Op.moved`, it is asked for all probes at once.

    A piece is where it stands among the entries wanted, and the entries.
    """

    def __init__(self, route: Route, entries: Sequence[int] | None = None) -> None:
        self._route = route
        size = route.base.values[route.slot].size
        self._entries = range(size) if entries is None else entries
        self.room: tuple[int, ...] = (len(self._entries),)
        self._operand = _operand_moved_at_once(route)

    def pieces(self, offsets: Offsets) -> Iterator[tuple[int, Sequence[int]]]:
        """As `Strategy.pieces`."""
        many = 64
        if self._route.apart:
            rows = min(ROWS, max(1, ENTRIES // self._route.width))
            many = max(1, rows // self._route.rows)
        for start in range(0, len(self._entries), many):
            yield start, self._entries[start : start + many]

    def place(self, piece: tuple[int, Sequence[int]]) -> tuple[Any, ...]:
        """As `Strategy.place`."""
        start, entries = piece
        return ..., slice(start, start + len(entries))

    def finished(self, found: Array) -> Array:
        """As `Strategy.finished`."""
        return found

    def evaluate(self, piece: tuple[int, Sequence[int]], offsets: Offsets) -> LossChanges:
        """As `Strategy.evaluate`; `loss_scale` is that of the whole loss."""
        _, entries = piece
        changes = LossChanges.none(offsets, (len(entries),))
        for offset, differences, kinks in zip(offsets, *changes[:2], strict=True):
            self._chunk(entries, offset, differences, kinks)
        sizes = map(self._route.base.size, self._route.losses)
        changes.loss_scale[:] = sum(size.mean() for size in sizes)
        return changes

    def _chunk(
        self, entries: Sequence[int], offset: float | complex, differences: Array, crossed: Array
    ) -> None:
        """Put what probes of some entries find into `differences` and `crossed`."""
        rows = self._at_once(entries, offset)
        if rows is None:
            rows = self._one_by_one(entries, offset, differences, crossed)
        if len(rows.owner):
            self._finish(rows, differences, crossed)

    def _at_once(self, entries: Sequence[int], offset: float | complex) -> _Rows | None:
        """The rows that moved, from an op that knows the results of all probes."""
        route, base = self._route, self._route.base
        if self._operand is None:
            return None
        step = route.whole[0]
        slot = step.output
        op, still, given = base.ops[slot], base.values[slot], base.arguments(step, {})
        moved = op.moved(self._operand, np.asarray(entries), offset, still, *given)
        if moved is None:
            return None
        changed = (moved != still).reshape(len(entries), route.rows, -1).any(axis=2)
        owner, samples = np.nonzero(changed)
        # An index copies; where all moved, as they mostly do, there is no need to.
        every = len(owner) == changed.size
        rows = moved.reshape(len(owner), *still.shape[1:]) if every else moved[owner, samples]
        return _Rows(owner, samples, {slot: rows})

    def _one_by_one(
        self, entries: Sequence[int], offset: float | complex, differences: Array, crossed: Array
    ) -> _Rows:
        """The rows that moved, from a pass for each probe; and what such a pass finds itself."""
        route, base = self._route, self._route.base
        each: list[Array] = []
        handed: list[dict[int, Array]] = []
        for position, entry in enumerate(entries):
            moved, crossed[position] = self._whole(entry, offset)
            for loss in route.losses:
                if loss in moved:
                    differences[position] += (moved[loss] - base.values[loss]).mean()
            if route.apart:
                samples = self._moved_samples(moved)
                # Rows alone are kept: whole arrays of all probes at once would be many.
                handed.append({slot: moved[slot][samples] for slot in route.handed})
                each.append(samples)
        owner = np.repeat(np.arange(len(each)), [len(samples) for samples in each])
        rows = {slot: np.concatenate([part[slot] for part in handed]) for slot in route.handed}
        return _Rows(owner, np.concatenate(each) if each else owner, rows)

    def _whole(self, entry: int, offset: float | complex) -> tuple[dict[int, Array], bool]:
        """What one probe makes of the whole batch, and whether it crosses a kink."""
        route, base, crossed = self._route, self._route.base, False
        parameter = base.values[route.slot].astype(np.result_type(float, offset))
        parameter.flat[entry] += offset
        moved = {route.slot: parameter}
        for step in route.whole:
            op, given = base.ops[step.output], base.arguments(step, moved)
            moved[step.output] = np.asarray(op.forward(*given))
            if step.output in base.branches and not crossed:
                here = np.asarray(op.branch(*given))
                crossed = not np.array_equal(here, base.branches[step.output])
        return moved, crossed

    def _moved_samples(self, moved: Mapping[int, Array]) -> Array:
        route = self._route
        changed = np.zeros(route.rows, dtype=bool)
        for slot in route.frontier:
            base = route.base.values[slot]
            if base.shape[:1] == (route.rows,):
                changed |= (moved[slot] != base).reshape(route.rows, -1).any(axis=1)
        return np.flatnonzero(changed)

    def _finish(self, rows: _Rows, differences: Array, crossed: Array) -> None:
        """Run the rows that moved of all probes as one batch, and add up theirs for each."""
        route, base = self._route, self._route.base
        owner, samples, handed = rows
        moved = dict(handed)
        kinks = np.zeros(len(samples), dtype=bool)
        for step in route.apart:
            given = route.on_rows(step, moved, samples)
            moved[step.output] = step.op.forward(*given)
            if step.output in base.branches:
                here = np.asarray(step.op.branch(*given)) != base.branches[step.output][samples]
                kinks |= here.reshape(len(samples), -1).any(axis=1)
        total = np.zeros(len(samples))
        for loss in route.losses:
            # Those of the frontier were added up whole.
            if loss in moved and loss not in handed:
                change = moved[loss] - base.values[loss][samples]
                total = (
                    total + change.reshape(len(samples), -1).sum(axis=1) / base.values[loss].size
                )
        np.add.at(differences, owner, total)
        crossed[owner[kinks]] = True


def _operand_moved_at_once(route: Route) -> str | None:
    """The operand that the parameter is, where one op makes the rows that `apart` is handed."""
    if len(route.whole) != 1:
        return None
    step, base = route.whole[0], route.base
    slot, op = step.output, base.ops[step.output]
    if route.handed != [slot] or slot in {*route.losses, *base.branches}:
        return None
    if op.operands[0].many or len(base.values[slot]) != route.rows:
        return None
    names = [op.operands[place].name for place, s in enumerate(step.arguments) if s == route.slot]
    return names[0] if len(names) == 1 else None
