"""What ops state of where entries go is all that can be seen, for free sizes too.

That it is true is a law; what is left out would cost proofs, and no number would show it.
"""

from __future__ import annotations

import numpy as np
import pytest

from graphnn.ops import REGISTRY, Op, Passage, Tracked
from graphnn.testing.laws.requirements import value
from variants import opened, variants

RUNNABLE = [name for name, op_class in REGISTRY.items() if op_class.forward is not Op.forward]
# Ops of which it depends on other attributes, or on a parameter, whether entries stay apart.
UNSTATED = {
    "batch_norm": "training mixes what running does not",
    "batch_norm_training": "along the channels alone",
    "attention": "features of values stay apart with one head",
    "conv1d": "with as many groups as channels",
    "conv2d": "with as many groups as channels",
    "conv3d": "with as many groups as channels",
    "conv_transpose1d": "with as many groups as channels",
    "conv_transpose3d": "with as many groups as channels",
    "cosine_similarity": "axes besides that of the vectors",
    "cross_entropy": "rows of several samples",
    "softmax_cross_entropy": "rows of several samples",
    "gather": "axes besides that of the index",
    "local_response_norm": "axes after the channels",
    "cumulative_sum": "of two entries, the first goes to the second alone",
    "expand": "axes that are new in front",
    "upsample": "axes that are not resized",
    "standardize": "statistics of each feature",
    "impute": "fillings of each feature",
    "prelu": "one slope for all",
}


def changed(case, before, position, axis, place):
    """Which entries of the result any of some other values at one place of an axis change."""
    x, rng = case.data[position], np.random.default_rng(place)
    found = np.zeros(before.shape, dtype=bool)
    at = (*(slice(None),) * axis, place)
    places = [n for n, array in enumerate(case.arrays) if array is not None]
    for _ in range(6):
        other = x.copy()
        other[at] = rng.choice(x.ravel(), x[at].shape)
        arrays = [*case.arrays]
        arrays[places[position]] = other
        found |= ~np.isclose(value(case, arrays), before, rtol=1e-9, atol=0, equal_nan=True)
    return found


def ways(case, position, axis):
    """Axes of the result and shifts by which each entry along an axis goes alone."""
    before, count = value(case).copy(), case.data[position].shape[axis]
    shifts = {n: set() for n, size in enumerate(before.shape) if size >= count}
    for place in range(count if shifts else 0):
        hit = np.nonzero(changed(case, before, position, axis, place))
        for result in [*shifts]:
            shifts[result] |= {place - at for at in hit[result].tolist()}
            if len(shifts[result]) > 1:
                del shifts[result]
        if not shifts:
            break
    return {(result, *shift) for result, shift in shifts.items() if shift}


@pytest.mark.parametrize("name", sorted({*RUNNABLE} - {*UNSTATED}))
def test_entries_that_go_alone_are_stated(name):
    for case in variants(REGISTRY[name]):
        for position, x in enumerate(case.data):
            for axis in range(x.ndim if x.dtype == float else 0):
                found = ways(case, position, axis) if x.shape[axis] > 1 else set()
                stated = case.op.passage(Tracked(position, {position: axis}, case.shapes))
                if found:
                    assert stated is not None, (case, position, axis)
                    assert (stated.axis, stated.low) in found, (case, position, axis)
                    assert stated.high == stated.low


def with_one(shapes, axis):
    return [(*shape[:axis], 1, *shape[axis + 1 :]) for shape in shapes]


@pytest.mark.parametrize("name", [name for name in RUNNABLE if REGISTRY[name].channelwise])
def test_an_axis_of_one_entry_in_all_operands_goes_where_a_longer_one_does(name):
    for case in variants(REGISTRY[name]):
        if len({*case.shapes}) > 1:
            continue
        for axis in range(case.data[0].ndim):
            shapes = with_one(case.shapes, axis)
            stated = case.op.passage(Tracked(0, {0: axis}, shapes))
            assert stated == case.op.passage(Tracked(0, {0: axis}, case.shapes))


@pytest.mark.parametrize("op", ["add", "multiply", "maximum"])
@pytest.mark.parametrize(
    ("shapes", "axis", "stated"),
    [
        ([(1, 3), (2, 3)], 0, None),  # one row goes to both
        ([(2, 1), (2, 3)], 1, None),
        ([(1, 3), (1, 3)], 0, Passage(0)),
        ([(1, 3), (3,)], 0, Passage(0)),
        ([(1, 3), (3,)], 1, Passage(1)),
        ([(3,), (2, 3)], 0, Passage(1)),
        ([(1,), (2, 3)], 0, None),
        ([(1,), (2, 1)], 0, Passage(1)),
    ],
)
def test_what_is_stretched_goes_to_several(op, shapes, axis, stated):
    assert REGISTRY[op]().passage(Tracked(0, {0: axis}, shapes)) == stated


def covers(wide: Passage, narrow: Passage) -> bool:
    reach = wide.low <= narrow.low and narrow.high <= wide.high
    return wide.axis == narrow.axis and reach and wide.alike <= narrow.alike


@pytest.mark.parametrize("name", RUNNABLE)
def test_of_free_sizes_no_more_is_stated_than_of_each_number(name):
    for case in variants(REGISTRY[name]):
        for (first, *_), _ in opened(case):
            shapes = [first, *case.shapes[1:]]
            for position, shape in enumerate(shapes):
                for axis in range(len(shape)):
                    tracked = {position: axis}
                    stated = case.op.passage(Tracked(position, tracked, shapes))
                    known = case.op.passage(Tracked(position, tracked, case.shapes))
                    assert stated is None or known is None or covers(stated, known)
