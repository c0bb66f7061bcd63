"""Laws that every op keeps, each a function of one case that raises AssertionError."""

from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import Phase, given, settings

from graphnn.ops import REGISTRY, Op
from graphnn.spec import sizes
from graphnn.spec.sizes import free
from graphnn.testing.strategies import OpCase, op_cases

BATCH = {"batch": free("batch")}
STEP = 1e-4  # the gradient looks 2 steps to each side, well within strategies.MARGIN


def runnable(op_class):
    return op_class.forward is not Op.forward


def every_case(op_class, law, max_examples=20, phases=tuple(Phase)):
    """Apply `law` to cases of an op; the first failure is raised as it is."""

    @settings(
        max_examples=max_examples,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=phases,
    )
    @given(op_cases(op_class))
    def run(case):
        law(case)

    run()


def value(case, arrays=None):
    return np.asarray(case.op.forward(*(case.arrays if arrays is None else arrays)))


def floats(case):
    return [
        position
        for position, array in enumerate(case.arrays)
        if array is not None and array.dtype.kind == "f"
    ]


def differentiable(case):
    """Positions of the arrays that need a cotangent: states and noise may do without."""
    return [at for at in floats(case) if case.roles[at] in ("data", "parameter")]


def cotangent_of(output, seed=0):
    # Random, never ones: with ones a softmax whose backward returns zero passes.
    return np.random.default_rng(seed).normal(size=output.shape)


def copies(arrays):
    return [None if array is None else array.copy() for array in arrays]


def same(left, right):
    return all(
        (a is None) == (b is None) and (a is None or np.array_equal(a, b))
        for a, b in zip(left, right, strict=True)
    )


def inferred_shape_is_computed(case: OpCase):
    inferred = case.op.infer(case.shapes, case.given)
    output = value(case)
    assert inferred.result == output.shape
    kinds = ["int" if array.dtype.kind == "i" else "float" for array in case.data]
    case.op.check_kinds(case.shapes, kinds)
    assert {"int": "i", "float": "f"}[case.op.infer_kind(*kinds)] == output.dtype.kind
    for name, shape in case.given.items():
        assert inferred.parameters[name] == shape


def symbolic_shape_is_computed(case: OpCase):
    apart = case.op.rows_apart(*case.shapes)
    if not apart and not case.declared.free_names:
        return
    rows = [has and apart for has in case.op.has_rows(*case.shapes)]
    if case.declared.free_names and case.shapes:
        rows[0] = True
    symbolic = [
        (free("batch"), *shape[1:]) if has else shape
        for has, shape in zip(rows, case.shapes, strict=True)
    ]
    count = case.shapes[0][0] if not apart else value(case).shape[0]
    inferred = case.declared.infer(symbolic, case.given)
    computed = tuple(sizes.evaluate(size, {"batch": count}) for size in inferred.result)
    assert computed == value(case).shape
    completed = case.declared.model_copy(update=dict(inferred.attributes))
    assert completed.rows_apart(*symbolic) == apart


def vjp_is_the_gradient(case: OpCase):
    output = value(case)
    cotangent = cotangent_of(output)
    found = case.op.vjp(cotangent, output, *case.arrays)
    assert len(found) == len(case.arrays)
    for position, array in enumerate(case.arrays):
        if position not in floats(case):
            assert found[position] is None or array is not None
            continue
        if found[position] is None and position not in differentiable(case):
            continue
        expected = numerical(case, position, cotangent)
        assert found[position] is not None
        assert np.shape(found[position]) == array.shape
        bound = 1e-8 * max(1.0, float(np.abs(expected).max()))
        assert np.abs(found[position] - expected).max() <= bound


def numerical(case, position, cotangent):
    """Gradient of the outputs weighted by `cotangent`, by fourth-order central differences."""
    arrays = copies(case.arrays)
    gradient = np.empty(arrays[position].shape)

    def objective(index, step):
        kept = arrays[position][index]
        arrays[position][index] = kept + step
        total = math.fsum((cotangent * value(case, arrays)).ravel())
        arrays[position][index] = kept
        return total

    for index in np.ndindex(gradient.shape):
        near = objective(index, STEP) - objective(index, -STEP)
        far = objective(index, 2 * STEP) - objective(index, -2 * STEP)
        gradient[index] = (8 * near - far) / (12 * STEP)
    return gradient


def zero_cotangents_give_zeros(case: OpCase):
    """Also where a factor of the backward pass is infinite, as that of a root at 0."""
    rng = np.random.default_rng(4)
    operands = {operand.name: operand for operand in case.op.operands}
    data = case.op.data_operands()
    many = [data[min(at, len(data) - 1)] for at in range(len(case.data))]
    named = [*many, *(each for each in operands.values() if each.role != "data")]
    for _ in range(4):
        arrays = copies(case.arrays)
        for position in floats(case):
            if case.roles[position] != "noise":
                array = arrays[position] = np.array(arrays[position])
                ends = extremes(named[position].domain)
                moved = rng.random(array.shape) < 0.5
                array[...] = np.where(moved, rng.choice(ends, array.shape), array)
        with np.errstate(all="ignore"):
            output = value(case, arrays)
            cotangent = np.zeros(output.shape)
            for found in case.op.vjp(cotangent, output, *arrays):
                assert found is None or not np.any(found)
            if case.op.channelwise:
                cotangent = rng.normal(size=output.shape) * (rng.random(output.shape) < 0.5)
                for found, array in zip(
                    case.op.vjp(cotangent, output, *arrays), arrays, strict=True
                ):
                    if found is not None and array.shape == output.shape:
                        assert not np.any(found[cotangent == 0])


def extremes(domain):
    """Finite numbers at the ends of what an operand may be, and at those of exponentials."""
    low, high = domain
    numbers = np.array([0.0, 5e-324, 1e-300, 1.0, 800.0, 1e200])
    numbers = np.concatenate([-numbers, numbers]) if low < 0 else numbers
    return numbers[numbers <= 1] if 0 < high <= 1 else numbers


def unwanted_cotangents_change_nothing(case: OpCase):
    if not case.op.takes_wanted:
        return
    output = value(case)
    cotangent = cotangent_of(output)
    everything = case.op.vjp(cotangent, output, *case.arrays)
    for position in differentiable(case):
        wanted = tuple(other == position for other in range(len(case.arrays)))
        found = case.op.vjp(cotangent, output, *case.arrays, wanted=wanted)
        assert np.array_equal(found[position], everything[position])


def what_is_saved_changes_nothing(case: OpCase):
    if not case.op.takes_saved:
        return
    output = value(case)
    saved = {}
    # Another run before leaves nothing behind.
    others = [a * 0.5 if at in floats(case) else a for at, a in enumerate(case.arrays)]
    case.op.forward(*others, saved=saved)
    assert np.array_equal(case.op.forward(*case.arrays, saved=saved), output)
    assert saved
    assert not any(np.shares_memory(array, output) for array in saved.values())
    cotangent = cotangent_of(output)
    kept = dict(zip(saved, copies(saved.values()), strict=True))
    for _ in range(2):
        found = case.op.vjp(cotangent, output, *case.arrays, saved=saved)
        expected = case.op.vjp(cotangent, output, *case.arrays)
        for one, other in zip(found, expected, strict=True):
            assert (one is None) == (other is None)
            assert one is None or np.allclose(one, other, rtol=1e-13, atol=1e-13)
        assert same(saved.values(), kept.values())
    if case.op.update(output, *case.arrays):
        found = case.op.update(output, *case.arrays, saved=saved)
        for name, new in case.op.update(output, *case.arrays).items():
            np.testing.assert_allclose(found[name], new, rtol=1e-13)


def rows_alone_are_rows_together(case: OpCase):
    if not case.op.rows_apart(*case.shapes):
        return
    rows = case.op.has_rows(*case.shapes)
    count = {array.shape[0] for array, has in zip(case.data, rows, strict=True) if has}
    output = value(case)
    assert count == {output.shape[0]}
    rest = list(zip(case.arrays, case.roles, strict=True))[len(case.data) :]

    def at(chosen):
        data = [array[chosen] if has else array for array, has in zip(case.data, rows, strict=True)]
        others = [array[chosen] if role == "noise" else array for array, role in rest]
        return value(case, [*data, *others])

    everything = np.arange(output.shape[0])
    for chosen in (*everything[:, None], np.repeat(everything[::-1], 3)):
        np.testing.assert_allclose(at(chosen), output[chosen], rtol=1e-12, atol=1e-12)


def serialises(case: OpCase):
    for op in (case.op, case.declared):
        text = json.dumps(op.model_dump(mode="json"))
        again = type(op).model_validate_json(text, strict=True, context=BATCH)
        assert again == op
        assert hash(again) == hash(op)


def float32_stays_float32(case: OpCase):
    output = value(case)
    if output.dtype.kind != "f":
        return
    narrow = [
        array.astype(np.float32) if position in floats(case) else array
        for position, array in enumerate(case.arrays)
    ]
    if narrow:
        found = value(case, narrow)
        assert found.dtype == np.float32
        close(found, output)
    cotangent = cotangent_of(output)
    expected = case.op.vjp(cotangent, output, *case.arrays)
    by_operand = case.op.vjp(cotangent.astype(np.float32), output.astype(np.float32), *narrow)
    for name, new in case.op.update(output.astype(np.float32), *narrow).items():
        assert new.dtype == np.float32
        close(new, case.op.update(output, *case.arrays)[name])
    for position in differentiable(case):
        assert np.asarray(by_operand[position]).dtype == np.float32
        close(by_operand[position], expected[position])


def close(narrow, wide):
    scale = max(1.0, float(np.abs(wide).max(initial=0)))
    assert np.abs(narrow - wide).max(initial=0) <= 2e-5 * scale


def out_is_written(case: OpCase):
    if not case.op.takes_out:
        return
    expected = value(case)
    out = np.full(expected.shape, 7, expected.dtype)
    assert case.op.forward(*case.arrays, out=out) is out
    assert np.array_equal(out, expected)
    fits = case.arrays[0].shape == expected.shape and case.arrays[0].dtype == expected.dtype
    if case.op.inplace and fits:
        arrays = copies(case.arrays)
        assert case.op.forward(*arrays, out=arrays[0]) is arrays[0]
        assert np.array_equal(arrays[0], expected)
        assert same(arrays[1:], case.arrays[1:])


def nothing_is_modified(case: OpCase):
    before = copies(case.arrays)
    output = value(case)
    assert same(case.arrays, before)
    cotangent = cotangent_of(output)
    given = copies([cotangent, output])
    case.op.vjp(cotangent, output, *case.arrays)
    assert same([cotangent, output, *case.arrays], [*given, *before])
    case.op.branch(*case.arrays)
    assert same(case.arrays, before)


def memory_is_shared_only_by_views(case: OpCase):
    output = value(case)
    for position, array in enumerate(case.arrays):
        may = case.op.view and position == 0
        assert may or array is None or not np.shares_memory(output, array)


def continuation_is_analytic(case: OpCase):
    if not case.op.analytic:
        return
    rng = np.random.default_rng(1)
    ways = [
        None if at not in floats(case) else rng.uniform(-1, 1, a.shape)
        for at, a in enumerate(case.arrays)
    ]
    moved = [
        a if way is None else a + 1e-20j * way for a, way in zip(case.arrays, ways, strict=True)
    ]
    before = copies(moved)
    found = np.asarray(case.op.continued(*moved))
    assert same(moved, before)
    output = value(case)
    assert found.shape == output.shape
    if output.dtype.kind != "f" or not floats(case):
        assert np.array_equal(found, output)
        return
    np.testing.assert_allclose(found.real, output, rtol=1e-12, atol=1e-13)

    def at(step):
        return value(
            case,
            [
                a if way is None else a + step * way
                for a, way in zip(case.arrays, ways, strict=True)
            ],
        )

    slope = (8 * (at(STEP) - at(-STEP)) - (at(2 * STEP) - at(-2 * STEP))) / (12 * STEP)
    bound = 1e-9 * max(1.0, float(np.abs(slope).max(initial=0)))
    assert np.abs(found.imag / 1e-20 - slope).max(initial=0) <= bound


def states_are_replaced_by_their_like(case: OpCase):
    states = [operand.name for operand in case.op.operands if operand.role == "state"]
    before = copies(case.arrays)
    output = value(case)
    found = case.op.update(output, *case.arrays)
    assert same(case.arrays, before)
    assert set(found) in (set(), set(states))
    for name, new in found.items():
        assert new.shape == case.given[name]
        assert not any(a is not None and np.shares_memory(new, a) for a in (*before, *case.arrays))


def training_takes_the_same(case: OpCase):
    other = case.op.in_training()
    assert other.in_training() == other
    assert other.internal or other is case.op
    taken = [operand for operand in other.operands if operand.role != "noise"]
    assert taken == [operand for operand in case.op.operands if operand.role != "noise"]
    assert other.infer(case.shapes, case.given) == case.op.infer(case.shapes, case.given)


def entries_in_place_depend_on_their_own(case: OpCase):
    """The fact `channelwise`: a moved entry moves the result in its own place alone."""
    if not case.op.channelwise:
        return
    output = value(case)
    rng = np.random.default_rng(2)
    for array in case.arrays:
        # What has no entry for each of the result's has none in their places.
        if array is not None and array.ndim:
            fits = np.broadcast_shapes(array.shape, output.shape)
            assert output.shape == (fits if case.op.broadcasts else array.shape)
    for position in floats(case):
        if case.arrays[position].shape != output.shape or not output.size:
            continue
        index = tuple(int(rng.integers(size)) for size in output.shape)
        arrays = copies(case.arrays)
        arrays[position] = np.array(arrays[position])
        arrays[position][index] += 0.25
        moved = value(case, arrays)
        moved[index] = output[index]
        assert np.array_equal(moved, output, equal_nan=True)


def planes_depend_on_their_own(case: OpCase):
    """The fact `planewise`: chosen channels alone give the chosen channels of the result."""
    if not case.op.planewise:
        return
    output = value(case)
    first, *others = case.arrays
    assert output.ndim > 1
    assert first.shape[:2] == output.shape[:2]
    assert all(other is None or other.shape[:1] == output.shape[1:2] for other in others)
    for chosen in ([0], list(range(output.shape[1]))[::-1] * 2):
        arrays = [first[:, chosen], *(None if a is None else a[chosen] for a in others)]
        np.testing.assert_allclose(value(case, arrays), output[:, chosen], rtol=1e-12, atol=1e-12)


def operands_change_places(case: OpCase):
    """The fact `commutative`."""
    if case.op.commutative:
        assert len(case.arrays) == 2
        a, b = case.arrays
        assert a.shape == b.shape or case.op.broadcasts
        with np.errstate(all="ignore"):
            assert np.array_equal(case.op.forward(b, a), value(case))


def rows_keep_their_entries(case: OpCase):
    """The fact `reorders`."""
    if case.op.reorders:
        assert len(case.op.operands) == 1
    if case.op.reorders and case.op.rows_apart(*case.shapes):
        (x,), output = case.arrays, value(case)
        assert np.array_equal(output.reshape(len(x), -1), x.reshape(len(x), -1))


def results_lie_in_the_interval(case: OpCase):
    """The fact `output_interval`."""
    if case.op.output_interval is not None:
        low, high = case.op.output_interval
        assert low < high
        output = value(case)
        assert (output >= low).all()
        assert (output <= high).all()


def results_lie_within_the_inputs(case: OpCase):
    """The fact `within_inputs`."""
    if case.op.within_inputs:
        assert len(case.arrays) == 1
        x, output = case.arrays[0], value(case)
        slack = 1e-12
        assert (output >= min(0, x.min(initial=0)) - slack).all()
        assert (output <= max(0, x.max(initial=0)) + slack).all()


def entries_are_kept(case: OpCase):
    """The fact `keeps_entries`."""
    if case.op.keeps_entries:
        assert len(case.arrays) == 1
        assert np.array_equal(np.sort(value(case).ravel()), np.sort(case.arrays[0].ravel()))


def results_add_up_to_one(case: OpCase):
    """The fact `sums_to_one`."""
    if case.op.sums_to_one:
        assert case.op.output_interval == (0, 1)
        np.testing.assert_allclose(value(case).sum(axis=-1), 1, rtol=1e-12)


def parameters_move_channels_as_stated(case: OpCase):
    """The fact `response`: what it says of every entry of a parameter is what happens."""
    output = value(case)
    for position, operand in enumerate(case.op.operands):
        if operand.role != "parameter" or case.arrays[position] is None:
            continue
        stated = case.op.response(operand.name, *case.arrays)
        if stated is None:
            continue
        parameter = case.arrays[position]
        words = operand.layout.split() if parameter.ndim > 1 else ["out"]
        axis = words.index("out")
        axis = axis if "..." not in words[:axis] else axis - len(words)
        by_channel = np.moveaxis(np.arange(parameter.size).reshape(parameter.shape), axis, 0)
        for channel, entries in enumerate(by_channel):
            for group, entry in enumerate(entries.ravel()):
                arrays = copies(case.arrays)
                arrays[position].flat[entry] += 0.5
                expected = np.zeros_like(output)
                own = stated[:, group, channel if stated.shape[2] > 1 else 0]
                expected[:, channel] = 0.5 * own
                moved = value(case, arrays) - output
                np.testing.assert_allclose(moved, expected, rtol=1e-10, atol=1e-10)


def moved_blocks_spread_as_stated(case: OpCase):
    """The fact `spread`: what it says of rows with one block moved is what happens."""
    if not case.op.rows_apart(*case.shapes) or case.op.operands[0].kind == "int":
        return
    x, output = case.arrays[0], value(case)
    features = x.shape[1:]
    width, rng = math.prod(features), np.random.default_rng(3)
    counts = {count: (width // count,) for count in range(1, width + 1) if width % count == 0}
    for count, inner in ({**counts, features[0]: features[1:]} if features else {}).items():
        if len(features) > 1 and count != features[0]:
            continue
        samples = np.array([len(x) - 1, 0, len(x) - 1])
        channels = np.array([count - 1, 0]) if count > 1 else np.array([0])
        change = rng.uniform(-0.5, 0.5, (len(channels), *inner, len(samples)))
        found = case.op.spread(change, channels, count, *case.arrays)
        if found is None:
            continue
        assert found.shape == (*output.shape[1:], len(channels), len(samples))
        for number, channel in enumerate(channels):
            rows = x[samples].copy()
            rows.reshape(len(samples), count, *inner)[:, channel] += np.moveaxis(
                change[number], -1, 0
            )
            whole = np.concatenate([x, rows])
            moved = value(case, [whole, *case.arrays[1:]])[len(x) :] - output[samples]
            np.testing.assert_allclose(
                np.moveaxis(found[..., number, :], -1, 0), moved, rtol=1e-10, atol=1e-10
            )


LAWS = {
    law.__name__: law
    for law in (
        inferred_shape_is_computed,
        symbolic_shape_is_computed,
        vjp_is_the_gradient,
        zero_cotangents_give_zeros,
        unwanted_cotangents_change_nothing,
        what_is_saved_changes_nothing,
        rows_alone_are_rows_together,
        serialises,
        float32_stays_float32,
        out_is_written,
        nothing_is_modified,
        memory_is_shared_only_by_views,
        continuation_is_analytic,
        states_are_replaced_by_their_like,
        training_takes_the_same,
        entries_in_place_depend_on_their_own,
        planes_depend_on_their_own,
        rows_keep_their_entries,
        results_lie_in_the_interval,
        results_lie_within_the_inputs,
        entries_are_kept,
        operands_change_places,
        results_add_up_to_one,
        parameters_move_channels_as_stated,
        moved_blocks_spread_as_stated,
    )
}
RUNNABLE = [name for name, op_class in REGISTRY.items() if runnable(op_class)]
