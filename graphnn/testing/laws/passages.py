"""The law of `Op.passage`: what it says of the entries along each axis is what happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from graphnn.ops import Array, Passage, Tracked
from graphnn.testing.laws.requirements import require_near, value
from graphnn.testing.strategies import OpCase


def entries_along_axes_go_where_stated(case: OpCase) -> None:
    """The method `passage`: what it says of the entries along each axis is what happens."""
    for tracked in _groups(case):
        passed = [case.op.passage(Tracked(n, tracked, case.shapes)) for n in tracked]
        known = [each for each in passed if each is not None]
        if len(known) < len(passed) or len({each.axis for each in known}) > 1:
            continue
        for (position, axis), passage in zip(tracked.items(), known, strict=True):
            _require_reach(case, position, axis, passage)
        goes = known[0].axis
        if all(each.alike for each in known) and _others_are_level(case, tracked, goes):
            _require_alike(case, tracked, goes)


def _groups(case: OpCase) -> Iterator[dict[int, int]]:
    """An axis of one operand, and the same axis of all."""
    for position, array in enumerate(case.data):
        yield from ({position: axis} for axis in range(array.ndim))
    for axis in range(max((array.ndim for array in case.data), default=0)):
        group = {n: axis for n, array in enumerate(case.data) if array.ndim > axis}
        if len(group) > 1 and len({case.data[n].shape[axis] for n in group}) == 1:
            yield group


def _with(case: OpCase, data: Mapping[int, Array]) -> list[Array | None]:
    """The arrays of the case with other data."""
    given = [n for n, array in enumerate(case.arrays) if array is not None]
    return [data.get(given.index(n)) if n in given[: len(case.data)] and given.index(n) in data
            else array for n, array in enumerate(case.arrays)]  # fmt: skip


def _at(axis: int, place: int) -> tuple[slice | int, ...]:
    return (*(slice(None),) * axis, place)


def _require_reach(case: OpCase, position: int, axis: int, passage: Passage) -> None:
    """A changed entry changes those of the result alone that may depend on it."""
    output, x = value(case).copy(), case.data[position]
    for place in range(x.shape[axis]):
        changed = x.copy()
        changed[_at(axis, place)] = np.roll(x.reshape(-1), 1).reshape(x.shape)[_at(axis, place)]
        result = value(case, _with(case, {position: changed})).copy()
        if passage.axis is None:
            if passage.low <= place <= passage.high:
                continue
        else:
            for at in range(output.shape[passage.axis]):
                if at + passage.low <= place <= at + passage.high:
                    result[_at(passage.axis, at)] = output[_at(passage.axis, at)]
        what = f"with entry {place} of axis {axis} of operand {position} changed, the result"
        require_near(result, output, what, 1e-12 * (1 + np.abs(output)))


def _others_are_level(case: OpCase, tracked: Mapping[int, int], axis: int | None) -> bool:
    """Whether no operand besides varies along the axis of the result, as far as is known."""
    for position, shape in enumerate(case.shapes if axis is not None else ()):
        for own, size in enumerate(shape if position not in tracked else ()):
            passed = case.op.passage(Tracked(position, {position: own}, case.shapes))
            if size != 1 and (passed is None or passed.axis == axis):
                return False
    return True


def _require_alike(case: OpCase, tracked: Mapping[int, int], axis: int | None) -> None:
    """Entries in another order, in all operands that are tracked, give the result in that order."""
    count = {case.data[n].shape[own] for n, own in tracked.items()}.pop()
    order, output = np.arange(count)[::-1], value(case).copy()
    turned = {n: np.take(case.data[n], order, own) for n, own in tracked.items()}
    expected = output if axis is None else np.take(output, order, axis)
    what = f"the result of reversed entries, by operand those of axis {dict(tracked)},"
    require_near(value(case, _with(case, turned)), expected, what, 1e-10 * (1 + np.abs(expected)))
