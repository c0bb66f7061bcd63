"""Laws of the facts that an op states and the engines use; one that is not stated holds."""

from __future__ import annotations

import math

import numpy as np

from graphnn.ops import Array
from graphnn.testing.laws.requirements import (
    array_at,
    copies,
    floats,
    moved,
    operands,
    require,
    require_near,
    value,
)
from graphnn.testing.strategies import OpCase


def rows_alone_are_rows_together(case: OpCase) -> None:
    """The fact `batchwise`: rows alone, or repeated, give the same rows of the result."""
    if not case.op.rows_apart(*case.shapes):
        return
    rows = case.op.has_rows(*case.shapes)
    count = {array.shape[0] for array, has in zip(case.data, rows, strict=True) if has}
    output = value(case)
    message = f"data of {sorted(count)} rows give a result of shape {list(output.shape)}"
    require(count == {*output.shape[:1]}, message)

    def at(chosen: Array) -> Array:
        has = iter(rows)
        found: list[Array | None] = []
        for array, role in zip(case.arrays, case.roles, strict=True):
            by_row = role == "noise" or (role == "data" and array is not None and next(has))
            found.append(array[chosen] if array is not None and by_row else array)
        return value(case, found)

    everything = np.arange(output.shape[0])
    for chosen in (*everything[:, None], np.repeat(everything[::-1], 3)):
        expected = output[chosen]
        what = f"the result for the rows {chosen.tolist()} alone"
        require_near(at(chosen), expected, what, 1e-12 * (1 + np.abs(expected)))


def entries_in_place_depend_on_their_own(case: OpCase) -> None:
    """The fact `channelwise`: a moved entry moves the result in its own place alone."""
    if not case.op.channelwise:
        return
    output = value(case)
    rng = np.random.default_rng(2)
    for operand, array in zip(operands(case), case.arrays, strict=True):
        # What has no entry for each of the result's has none in their places.
        if array is not None and array.ndim:
            fits = np.broadcast_shapes(array.shape, output.shape)
            message = (
                f"'{operand.name}' has shape {list(array.shape)}, the result {list(output.shape)}"
            )
            require(output.shape == (fits if case.op.broadcasts else array.shape), message)
    for position in floats(case):
        if array_at(case, position).shape != output.shape or not output.size:
            continue
        index = tuple(int(rng.integers(size)) for size in output.shape)
        entry = int(np.ravel_multi_index(index, output.shape)) if index else 0
        result = value(case, moved(case.arrays, position, entry, 0.25)).copy()
        result[index] = output[index]
        what = f"with '{operands(case)[position].name}' moved at {list(index)}, the result"
        require_near(result, output, what)


def planes_depend_on_their_own(case: OpCase) -> None:
    """The fact `planewise`: chosen channels alone give the chosen channels of the result."""
    if not case.op.planewise:
        return
    output = value(case)
    first, others = array_at(case, 0), case.arrays[1:]
    message = f"an operand of shape {list(first.shape)} gives a result of {list(output.shape)}"
    require(output.ndim > 1 and first.shape[:2] == output.shape[:2], message)
    fits = all(other is None or other.shape[:1] == output.shape[1:2] for other in others)
    require(fits, "an operand has not one entry a channel")
    for chosen in ([0], list(range(output.shape[1]))[::-1] * 2):
        arrays = [first[:, chosen], *(None if a is None else a[chosen] for a in others)]
        expected = output[:, chosen]
        what = f"the result for the channels {chosen} alone"
        require_near(value(case, arrays), expected, what, 1e-12 * (1 + np.abs(expected)))


def operands_change_places(case: OpCase) -> None:
    """The fact `commutative`: exchanged operands give the same result."""
    if not case.op.commutative:
        return
    require(len(case.arrays) == 2, f"it has {len(case.arrays)} operands, not 2")
    a, b = array_at(case, 0), array_at(case, 1)
    require(a.shape == b.shape or case.op.broadcasts, "the operands have different shapes")
    require_near(case.op.forward(b, a), value(case), "the result of exchanged operands")


def rows_keep_their_entries(case: OpCase) -> None:
    """The fact `reorders`: a row of the result has the entries of the operand's, in order."""
    if not case.op.reorders:
        return
    require(len(case.arrays) == 1, f"it has {len(case.arrays)} operands, not 1")
    if case.op.rows_apart(*case.shapes):
        x, output = array_at(case, 0), value(case)
        rows = x.reshape(len(x), -1)
        require_near(output.reshape(len(x), -1), rows, "the result, each row flat,")


def results_lie_in_the_interval(case: OpCase) -> None:
    """The fact `output_interval`: no result lies outside."""
    if case.op.output_interval is not None:
        low, high = case.op.output_interval
        require(low < high, f"the interval {low} to {high} is empty")
        _require_between(value(case), low, high)


def results_lie_within_the_inputs(case: OpCase) -> None:
    """The fact `within_inputs`: each result lies between entries of the data, 0 among them."""
    if case.op.within_inputs:
        require(len(case.arrays) == 1, f"it has {len(case.arrays)} operands, not 1")
        x = array_at(case, 0)
        low, high = min(0, x.min(initial=0)), max(0, x.max(initial=0))
        _require_between(value(case), low, high, slack=1e-12)


def _require_between(output: Array, low: float, high: float, slack: float = 0.0) -> None:
    outside = ~((output >= low - slack) & (output <= high + slack))
    if outside.any():
        found = output[outside].flat[0]
        require(False, f"the result {found} does not lie between {low} and {high}")


def entries_are_kept(case: OpCase) -> None:
    """The fact `keeps_entries`: the result has the entries of the operand, each once."""
    if case.op.keeps_entries:
        require(len(case.arrays) == 1, f"it has {len(case.arrays)} operands, not 1")
        own = np.sort(array_at(case, 0).ravel())
        require_near(np.sort(value(case).ravel()), own, "the result, sorted,")


def results_add_up_to_one(case: OpCase) -> None:
    """The fact `sums_to_one`: results add up to 1 along the axis of the op, or the last one."""
    if case.op.sums_to_one:
        require(case.op.output_interval == (0, 1), "'output_interval' is not (0, 1)")
        axis = getattr(case.op, "axis", -1)
        total = value(case).sum(axis=axis)
        require_near(total, np.ones_like(total), f"the sum along axis {axis}", 1e-12)


def missing_values_are_taken(case: OpCase) -> None:
    """The fact `takes_missing`: NaN in the first operand gives a finite result and no slope."""
    if not case.op.takes_missing or not array_at(case, 0).size:
        return
    holed = array_at(case, 0).copy()
    holed.flat[::2] = np.nan
    arrays = (holed, *case.arrays[1:])
    output = case.op.forward(*arrays)
    require(bool(np.isfinite(output).all()), "a missing value makes a result that is not finite")
    (slope, *_) = case.op.vjp(np.ones_like(output), output, *arrays)
    require(slope is not None and not slope[np.isnan(holed)].any(), "its slope is not 0")


def parameters_move_channels_as_stated(case: OpCase) -> None:
    """The method `response`: what it says of every entry of a parameter is what happens."""
    output = value(case)
    for position, operand in enumerate(case.op.operands):
        if operand.role != "parameter" or case.arrays[position] is None:
            continue
        stated = case.op.response(operand.name, *case.arrays)
        if stated is None:
            continue
        parameter = array_at(case, position)
        words = operand.layout.split() if parameter.ndim > 1 else ["out"]
        message = f"'response' needs an axis 'out' in the layout of '{operand.name}'"
        require("out" in words, f"{message}, which is '{operand.layout}'")
        axis = words.index("out")
        axis = axis if "..." not in words[:axis] else axis - len(words)
        by_channel = np.moveaxis(np.arange(parameter.size).reshape(parameter.shape), axis, 0)
        _require_response(stated, output, len(by_channel), parameter.size)
        for channel, entries in enumerate(by_channel):
            for group, entry in enumerate(entries.ravel().tolist()):
                expected = np.zeros_like(output)
                expected[:, channel] = 0.5 * stated[:, group, channel if stated.shape[2] > 1 else 0]
                found = value(case, moved(case.arrays, position, entry, 0.5)) - output
                what = f"with entry {entry} of '{operand.name}' moved, the change of the result"
                require_near(found, expected, what, 1e-10 * (1 + np.abs(expected)))


def _require_response(stated: Array, output: Array, channels: int, size: int) -> None:
    """Require the shape that `Op.response` states: axes after the groups may stretch."""
    shape = (*output.shape[:1], size // max(channels, 1), *output.shape[1:])
    pairs = [*zip(stated.shape, shape, strict=False)]
    fits = stated.ndim == len(shape) and all(own == size for own, size in pairs[:2])
    fits = fits and all(own in (1, size) for own, size in pairs[2:])
    message = f"'response' gives an array of shape {list(stated.shape)}, which does not stretch to"
    require(fits, f"{message} {list(shape)}")


def branch_changes_at_kinks_alone(case: OpCase) -> None:
    """The method `branch`: it has an entry for each row or result, and changes at kinks alone."""
    branch = case.op.branch(*copies(case.arrays))
    if branch is None:
        return
    output, shape = value(case), np.shape(branch)
    message = f"'branch' gives an array of shape {list(shape)}, the result has {list(output.shape)}"
    if case.op.channelwise:
        require(shape == output.shape, f"{message}: 'channelwise', it needs one of each entry")
    elif case.op.rows_apart(*case.shapes):
        require(shape[:1] == output.shape[:1], f"{message}: 'batchwise', it needs as many rows")
    rng = np.random.default_rng(5)
    arrays = copies(case.arrays)
    for position in floats(case):
        array = array_at(case, position)
        arrays[position] = array + 1e-9 * rng.uniform(-1, 1, array.shape)
    there = np.asarray(case.op.branch(*arrays))
    message = "'branch' changes where all numbers are moved by 1e-9 or less: it may at kinks alone"
    require(np.array_equal(branch, there, True), message)


def results_of_many_moves_are_as_stated(case: OpCase) -> None:
    """The method `moved`: its results are those of each entry of a parameter moved alone."""
    output = value(case)
    for position, operand in enumerate(case.op.operands):
        if operand.role != "parameter" or case.arrays[position] is None:
            continue
        entries = np.arange(array_at(case, position).size)[::-1]
        found = case.op.moved(operand.name, entries, 0.5, output, *copies(case.arrays))
        if found is None:
            continue
        alone = [value(case, moved(case.arrays, position, entry, 0.5)) for entry in entries]
        expected = np.reshape(alone, (len(entries), *output.shape))
        what = f"what 'moved' gives for entries of '{operand.name}'"
        require_near(found, expected, what, 1e-10 * (1 + np.abs(expected)))


def moved_blocks_spread_as_stated(case: OpCase) -> None:
    """The method `spread`: what it says of rows with one block moved is what happens."""
    if not case.op.rows_apart(*case.shapes) or case.op.operands[0].kind == "int":
        return
    x, output = array_at(case, 0), value(case)
    features = x.shape[1:]
    width, rng = math.prod(features), np.random.default_rng(3)
    counts = {count: (width // count,) for count in range(1, width + 1) if width % count == 0}
    for count, inner in ({**counts, features[0]: features[1:]} if features else {}).items():
        if len(features) > 1 and count != features[0]:
            continue
        samples = np.array([len(x) - 1, 0, len(x) - 1])
        channels = np.array([count - 1, 0]) if count > 1 else np.array([0])
        change = rng.uniform(-0.5, 0.5, (len(channels), *inner, len(samples)))
        found = case.op.spread(change, channels, count, *copies(case.arrays))
        if found is None:
            continue
        shape = (*output.shape[1:], len(channels), len(samples))
        message = f"'spread' gives the shape {list(found.shape)}, not {list(shape)}"
        require(found.shape == shape, message)
        for number, channel in enumerate(channels):
            rows = x[samples].copy()
            rows.reshape(len(samples), count, *inner)[:, channel] += np.moveaxis(
                change[number], -1, 0
            )
            whole = np.concatenate([x, rows])
            expected = value(case, [whole, *case.arrays[1:]])[len(x) :] - output[samples]
            stated = np.moveaxis(found[..., number, :], -1, 0)
            what = f"with block {channel} of {count} moved, 'spread'"
            require_near(stated, expected, what, 1e-10 * (1 + np.abs(expected)))
