"""What recurrent layers have in common: steps along time, forth and back, in one or two ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphnn.ops._arrays import ALL, Array, Cotangents, Saved, Wanted
from graphnn.ops._op import ANY_NUMBER, aliases
from graphnn.ops._operands import PARAMETERS_ELSEWHERE, Operand, data
from graphnn.ops.families._recurrence_forms import WrittenRecurrence
from graphnn.ops.kernels.copies import copies
from graphnn.ops.kernels.lengths import own_order, within
from graphnn.ops.kernels.moved_matrices import MovedMatrices
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape

# What options of recurrent layers are called elsewhere.
ELSEWHERE: Mapping[str, str] = aliases(
    units="hidden_size num_hidden num_units state_size",
    bidirectional="bidirection go_backwards direction",
    returns="return_sequences return_state",
    recurrent="recurrent_weight recurrent_initializer recurrent_kernel weight_hh",
    **PARAMETERS_ELSEWHERE,
)
State = tuple[Array, ...]  # what a cell carries, each [batch, units]


def sequence_data(state: str) -> tuple[Operand, Operand, Operand]:
    """The data operands of a recurrent layer whose state has `state` columns."""
    return (
        data("x", "batch time n"),
        data("lengths", "batch", kind="int", optional=True),
        data("state", f"batch {state}", optional=True),
    )


class Recurrence(WrittenRecurrence):
    """A cell that goes along a sequence.

    A cell that goes from the end begins with the last step of each row, not with its padding: in
    the order of its own steps, padding comes after all others in either way.
    """

    output_interval = ANY_NUMBER
    result = "batch time units*ways"
    batchwise = True
    analytic = True

    def beside(self, operand: Operand, shapes: Sequence[Shape]) -> Sequence[Shape] | None:
        """As many columns of the state as there are units."""
        if operand.name != "state" or self.units is None:
            return None
        columns = sizes.multiply(self.units, len(self.carried) * (1 + self.bidirectional))
        return [(shapes[0][0], columns)]

    def forward(
        self,
        x: Array,
        lengths: Array | None,
        state: Array | None,
        weight: Array,
        recurrent: Array,
        bias: Array | None = None,
        *own: Array | None,
        saved: Saved | None = None,
    ) -> Array:
        """States after every step, or the last ones; x ``[batch, time, n]``."""
        inside = within(x, lengths)
        starts = self._starts(x, state, recurrent)
        driven = self._driven(_blank(x, inside), weight, bias, inside)
        kept, shown = [], []
        for way, start in enumerate(starts):
            parts = self._parts(own, way, len(recurrent))
            found = self._run(driven[way], self._block(recurrent, way), start, *parts)
            shown.append(self._shown(found, start, inside, way))
            kept.append(found)
        if saved is not None:
            saved.clear()
            for way, found in enumerate(kept):
                saved.update({f"{key}{way}": array for key, array in found.items()})
        blocks = [each for of_ways in zip(*shown, strict=True) for each in of_ways]
        return np.concatenate(blocks, axis=-1)

    def moved(
        self, operand: str, entries: Array, offset: complex, output: Array, *arrays: Any
    ) -> Array | None:
        """All entries that move the cell of one way in one run of it, on as many times the rows."""
        if operand not in ("weight", "recurrent", "bias"):
            return None
        x, lengths, state, weight, recurrent, bias, *own = arrays
        inside = within(x, lengths)
        groups, columns = np.divmod(entries, weight.shape[1])
        found = copies(output, len(entries), dtype=np.result_type(output, offset))
        starts, units = self._starts(x, state, recurrent), len(recurrent)
        data = _blank(x, inside)
        driven = self._driven(data, weight, bias, inside)
        ways = columns * len(starts) // weight.shape[1]
        for way, start in enumerate(starts):
            chosen = np.flatnonzero(ways == way)
            rows, at, count = groups[chosen], columns[chosen] % driven[way].shape[2], len(chosen)
            apart = copies(driven[way], count, 1, found.dtype)
            many = apart.reshape(len(apart), count * len(x), apart.shape[3])
            own_block = self._block(recurrent, way)
            matrix: Array | MovedMatrices = own_block
            if operand == "recurrent":
                matrix = MovedMatrices(own_block, rows, at, offset)
            else:
                change: Any = offset
                if operand == "weight":
                    along = own_order(data.swapaxes(0, 1), inside, way)
                    change = offset * along[:, :, rows].transpose(2, 0, 1)
                apart[:, np.arange(count), :, at] += change
            begun = tuple(copies(part, count).reshape(count * len(x), units) for part in start)
            kept = self._run(many, matrix, begun, *self._parts(own, way, units))
            within_many = None if inside is None else np.tile(inside, (count, 1))
            for number, block in enumerate(self._shown(kept, begun, within_many, way)):
                place = (number * len(starts) + way) * units
                blocks = block.reshape(count, len(x), *block.shape[1:])
                found[chosen, ..., place : place + units] = blocks
        return found

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        *arrays: Any,
        wanted: Wanted = ALL,
        saved: Saved | None = None,
    ) -> Cotangents:
        """Through the steps, last first; those of the weights are summed over time and rows."""
        if not saved:
            self.forward(*arrays, saved=(saved := {}))
        moving = np.asarray(cotangent.any(axis=tuple(range(1, cotangent.ndim))))
        if not moving.all():
            return self._of_some(cotangent, arrays, wanted, saved, moving)
        x, lengths, state, weight, recurrent, bias, *own = arrays
        batch, time, features = x.shape
        units = len(recurrent)
        inside = within(x, lengths)
        starts = self._starts(x, state, recurrent)
        slopes = np.empty((time, batch, weight.shape[1]), cotangent.dtype)
        by_recurrent = np.empty_like(recurrent)
        by_state = np.empty((len(self.carried), len(starts), batch, units), cotangent.dtype)
        by_own = [None if each is None else np.empty_like(each) for each in own]
        for way, start in enumerate(starts):
            kept = {key[:-1]: array for key, array in saved.items() if key[-1] == str(way)}
            arriving = self._arriving(cotangent, (time, batch, units), inside, way)
            parts = self._parts(own, way, units)
            along, inner, by_start, more = self._back(
                arriving, kept, self._block(recurrent, way), start, *parts
            )
            self._block(slopes, way)[...] = own_order(along, inside, way)
            by_recurrent_here = _pairs(kept["states"][:-1], inner[1:])
            by_recurrent_here += start[0].T @ inner[0]
            self._block(by_recurrent, way)[...] = by_recurrent_here
            by_state[:, way] = by_start
            for place, new in zip(by_own, more, strict=True):
                if place is not None:
                    place[way * units : (way + 1) * units] = new
        rows = slopes.reshape(-1, weight.shape[1])
        by_x = None
        if wanted[0]:
            by_x = (rows @ weight.T).reshape(time, batch, features).swapaxes(0, 1)
        return (
            by_x,
            None,
            None if state is None else self._state_of(by_state, cotangent, inside),
            _pairs(_blank(x, inside).swapaxes(0, 1), slopes) if wanted[3] else None,
            by_recurrent,
            None if bias is None else rows.sum(axis=0),
            *by_own,
        )

    def _shown(
        self, kept: dict[str, Array], start: State, inside: Array | None, way: int
    ) -> list[Array]:
        """What of one way is the result: states [batch, time, units], or the last ones."""
        if inside is not None:
            kept["states"][~inside.T] = 0
        if self.returns == "sequence":
            return [own_order(kept["states"], inside, way).swapaxes(0, 1)]
        return [_last(kept[key], start[at], inside) for at, key in enumerate(self.shown)]

    def _run(
        self, driven: Array, recurrent: Array | MovedMatrices, start: State, *own: Array | None
    ) -> dict[str, Array]:
        """What a cell keeps of its steps, what it carries by name among them.

        Parameters
        ----------
        driven : ndarray, shape (time, batch, gates units)
            What the data give each step; may be written over.
        recurrent : ndarray, shape (units, gates units), or MovedMatrices
        start : tuple of ndarray, shape (batch, units)
            What it carries before its first step.
        *own : ndarray, shape (units,), or None
            Further parameters.
        """
        raise NotImplementedError

    def _back(
        self,
        arriving: Sequence[Array],
        kept: Mapping[str, Array],
        recurrent: Array,
        start: State,
        *own: Array | None,
    ) -> tuple[Array, Array, State, Sequence[Array]]:
        """Cotangents of `driven`, of what `recurrent` gives it, of `start` and of `own`.

        `arriving` holds one for each of what is carried, of shape (time, batch, units).
        """
        raise NotImplementedError

    def _starts(self, x: Array, state: Array | None, recurrent: Array) -> list[State]:
        """What the cell of each way starts from: zeros where no state is given."""
        count, ways, units = len(self.carried), 1 + self.bidirectional, len(recurrent)
        if state is None:
            dtype = np.result_type(x, recurrent)
            return [tuple(np.zeros((count, len(x), units), dtype))] * ways
        blocks = state.reshape(len(x), count, ways, units)
        return [tuple(blocks[:, :, way].swapaxes(0, 1)) for way in range(ways)]

    def _arriving(
        self, cotangent: Array, shape: tuple[int, int, int], inside: Array | None, way: int
    ) -> list[Array]:
        """Cotangents of what a cell carries, in the order of its steps."""
        units = shape[2]
        found = [np.zeros(shape, cotangent.dtype) for _ in self.carried]
        if self.returns == "sequence":
            along = cotangent.swapaxes(0, 1)[:, :, way * units : (way + 1) * units]
            found[0] = own_order(along, inside, way)
            if inside is not None:
                found[0] = np.where(inside.T[..., None], found[0], 0)
            return found
        for number, at in enumerate(self._end_columns(way, units)):
            last, rows = _ends(inside, shape[0], shape[1])
            found[number][last, rows] = cotangent[rows, at]
        return found

    def _end_columns(self, way: int, units: int) -> list[slice]:
        """Where the result has what one way carries after its last step."""
        ways = 1 + self.bidirectional
        places = [(number * ways + way) * units for number in range(len(self.shown))]
        return [slice(at, at + units) for at in places]

    def _state_of(self, by_state: Array, cotangent: Array, inside: Array | None) -> Array:
        """The cotangent of the state; a row without steps hands its own on."""
        found = by_state.transpose(2, 0, 1, 3).reshape(by_state.shape[2], -1)
        if self.returns != "sequence" and inside is not None:
            empty = ~inside[:, 0]
            found[empty, : cotangent.shape[1]] += cotangent[empty]
        return found

    def _driven(
        self, x: Array, weight: Array, bias: Array | None, inside: Array | None
    ) -> list[Array]:
        """For each way, what the data give its steps, in its order."""
        batch, time, features = x.shape
        rows = np.ascontiguousarray(x.swapaxes(0, 1)).reshape(-1, features)
        whole = rows @ weight
        if bias is not None:
            whole += bias
        whole = whole.reshape(time, batch, weight.shape[1])
        if not self.bidirectional:
            return [whole]
        return [
            np.ascontiguousarray(own_order(self._block(whole, way), inside, way)) for way in (0, 1)
        ]

    def _block(self, array: Array, way: int) -> Array:
        """The columns that belong to one way."""
        width = array.shape[-1] // (1 + self.bidirectional)
        return array[..., way * width : (way + 1) * width]

    def _parts(self, own: Sequence[Array | None], way: int, units: int) -> list[Array | None]:
        return [None if a is None else a[way * units : (way + 1) * units] for a in own]

    def _of_some(
        self,
        cotangent: Array,
        arrays: Sequence[Any],
        wanted: Wanted,
        saved: Saved,
        moving: Array,
    ) -> Cotangents:
        """As `vjp`, of the rows that have a cotangent: others pass on nothing, not even NaN."""
        some = {key: array[:, moving] for key, array in saved.items()}
        data, kept = arrays[:3], arrays[3:]
        rows = [None if each is None else each[moving] for each in data]
        found: Sequence[Array | None]
        if moving.any():
            found = self.vjp(cotangent[moving], cotangent, *rows, *kept, wanted=wanted, saved=some)
        else:
            zeros = [None if each is None else np.zeros_like(each) for each in kept]
            found = (rows[0], None, rows[2], *zeros)
        by_data: list[Array | None] = []
        for whole, part in zip(data, found[:3], strict=True):
            by_data.append(None if part is None else np.zeros_like(whole))
            if part is not None:
                by_data[-1][moving] = part  # type: ignore[index]
        return (*by_data, *found[3:])


def _blank(x: Array, inside: Array | None) -> Array:
    """The data with zeros for padding, which may be anything, NaN too."""
    return x if inside is None else np.where(inside[..., None], x, 0)


def _ends(inside: Array | None, time: int, batch: int) -> tuple[Array, Array]:
    """The last steps of the rows that have steps, and these rows."""
    if inside is None:
        return np.full(batch, time - 1), np.arange(batch)
    counts = inside.sum(axis=1)
    rows = np.flatnonzero(counts)
    return counts[rows] - 1, rows


def _last(along: Array, start: Array, inside: Array | None) -> Array:
    """What is carried after the last step of each row; of a row without steps, the start."""
    last, rows = _ends(inside, *along.shape[:2])
    found = np.array(start, along.dtype)
    found[rows] = along[last, rows]
    return found


def _pairs(a: Array, b: Array) -> Array:
    """``sum a^T b`` over all rows of all steps."""
    product: Array = np.ascontiguousarray(a).reshape(-1, a.shape[-1]).T @ np.ascontiguousarray(
        b
    ).reshape(-1, b.shape[-1])
    return product
