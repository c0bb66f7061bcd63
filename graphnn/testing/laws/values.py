"""Laws of what an op computes: shapes, kinds, precision, memory, and its written form."""

from __future__ import annotations

import json

import numpy as np

from graphnn.ops import Array, Kind
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape, free
from graphnn.testing.laws.requirements import (
    computed,
    copies,
    cotangent_of,
    cotangents,
    differentiable,
    floats,
    operands,
    require,
    require_near,
    require_repeatable,
    require_same,
    require_wide,
    value,
)
from graphnn.testing.strategies import OpCase

BATCH = {"batch": free("batch")}
_NARROW = 2e-5  # what float32 may round, of the largest entry


def inferred_shape_is_computed(case: OpCase) -> None:
    """The shape and the kind that are inferred are those that come out."""
    inferred = case.op.infer(case.placed(case.shapes), case.given)
    output = value(case)
    shapes = f"the result has shape {list(output.shape)}, but {list(inferred.result)} is inferred"
    require(inferred.result == output.shape, shapes)
    kinds: list[Kind] = ["int" if array.dtype.kind == "i" else "float" for array in case.data]
    case.op.check_kinds(case.shapes, kinds)
    kind = case.op.infer_kind(*kinds)
    computed = f"the result is of {output.dtype}, but kind '{kind}' is inferred"
    require({"int": "i", "float": "f"}[kind] == output.dtype.kind, computed)
    require_wide(output, "the result")
    for name, shape in case.given.items():
        found = inferred.parameters[name]
        require(found == shape, f"'{name}' has shape {list(shape)}, but {list(found)} is inferred")


def symbolic_shape_is_computed(case: OpCase) -> None:
    """The shape that is inferred for a free size is the one that comes out."""
    apart = case.op.rows_apart(*case.shapes)
    if not apart and not case.declared.free_names:
        return
    rows = [has and apart for has in case.op.has_rows(*case.shapes)]
    if case.declared.free_names and case.shapes:
        rows[0] = True
    pairs = zip(rows, case.shapes, strict=True)
    symbolic: list[Shape] = [(free("batch"), *shape[1:]) if has else shape for has, shape in pairs]
    output = value(case)
    rowless = f"'batchwise', yet the result has shape {list(output.shape)}, without rows"
    require(output.ndim or not apart, rowless)
    count = output.shape[0] if apart else sizes.evaluate(case.shapes[0][0], {})
    inferred = case.declared.infer(case.placed(symbolic), case.given)
    computed = tuple(sizes.evaluate(size, {"batch": count}) for size in inferred.result)
    with_batch = f"for a free 'batch', {sizes.show(inferred.result)} is inferred"
    require(computed == output.shape, f"the result has shape {list(output.shape)}; {with_batch}")
    completed = case.declared.model_copy(update=dict(inferred.attributes))
    message = "'rows_apart' differs between a free 'batch' and a number"
    require(completed.rows_apart(*symbolic) == apart, message)


def results_are_finite(case: OpCase) -> None:
    """In the domain of the operands, every result is a finite number."""
    output = value(case)
    if not np.isfinite(output).all():
        index = tuple(map(int, np.argwhere(~np.isfinite(output))[0]))
        require(False, f"the result is {output[index]} at {list(index)}")


def serialises(case: OpCase) -> None:
    """Attributes survive writing and reading."""
    for op in (case.op, case.declared):
        text = json.dumps(op.model_dump(mode="json"))
        again = type(op).model_validate_json(text, strict=True, context=BATCH)
        require(again == op, f"{text} is read as {again!r}")
        require(hash(again) == hash(op), f"{text} is read as an op with another hash")


def float32_stays_float32(case: OpCase) -> None:
    """Single precision comes out where it goes in, with the same numbers."""
    output = value(case)
    if output.dtype.kind != "f":
        return
    real = floats(case)
    narrow = [
        array.astype(np.float32) if array is not None and at in real else array
        for at, array in enumerate(case.arrays)
    ]
    small = output.astype(np.float32)
    if real:  # else the executor narrows it, as it does constants
        _require_narrow(value(case, narrow), output, "the result")
    cotangent = cotangent_of(output)
    expected = cotangents(case, cotangent, output)
    found = case.op.vjp(cotangent.astype(np.float32), small, *narrow)
    for position in differentiable(case):
        what = f"the cotangent of '{operands(case)[position].name}'"
        _require_narrow(found[position], expected[position], what)
    states = case.op.update(output, *case.arrays)
    for name, new in case.op.update(small, *narrow).items():
        _require_narrow(new, states[name], f"the new '{name}'")


def _require_narrow(narrow: Array | None, wide: Array | None, what: str) -> None:
    narrow, wide = np.asarray(narrow), np.asarray(wide)
    require(narrow.dtype == np.float32, f"{what} is of {narrow.dtype} where all else is of float32")
    scale = max(1.0, float(np.abs(wide).max(initial=0)))
    require_near(narrow, wide, f"in float32, {what}", _NARROW * scale)


def out_is_written(case: OpCase) -> None:
    """The facts `takes_out` and `inplace`: the result is written where it is asked for."""
    if not case.op.takes_out:
        return
    expected = value(case)
    out = np.full(expected.shape, 7, expected.dtype)
    message = "'forward' does not return the array 'out'"
    require(case.op.forward(*case.arrays, out=out) is out, message)
    require_near(out, expected, "the result in 'out'")
    _check_writing(case, expected)
    first = case.arrays[0]
    fits = first is not None and (first.shape, first.dtype) == (expected.shape, expected.dtype)
    if case.op.inplace and fits:
        arrays = copies(case.arrays)
        require(case.op.forward(*arrays, out=arrays[0]) is arrays[0], message)
        require_near(arrays[0], expected, "the result in place of the first operand")
        require_same(arrays[1:], case.arrays[1:], "writing in place modifies another operand")


def _check_writing(case: OpCase, expected: Array) -> None:
    """`Op.writing` gives `forward`, whatever the values of the operands that it is shown."""
    shown = [None if array is None else np.zeros_like(array) for array in case.arrays]
    for out in (None, np.full(expected.shape, 7, expected.dtype)):
        found = case.op.writing(out, *shown)(*case.arrays)
        require(out is None or found is out, "'writing' does not return the array 'out'")
        require_near(found, expected, "the result by 'writing'")


def nothing_is_modified(case: OpCase) -> None:
    """No method writes into what it is given, or keeps something for the next call."""
    given = copies(case.arrays)
    output = computed(case, given).copy()
    require_same(given, case.arrays, "'forward' modifies an operand")
    require_repeatable(case, output)
    cotangent = cotangent_of(output)
    cotangents(case, cotangent, output)
    beside = [cotangent.copy(), output.copy()]
    case.op.vjp(*beside, *given)
    require_same(beside, [cotangent, output], "'vjp' modifies the cotangent or the output")
    require_same(given, case.arrays, "'vjp' modifies an operand")
    case.op.branch(*given)
    require_same(given, case.arrays, "'branch' modifies an operand")


def memory_is_shared_only_by_views(case: OpCase) -> None:
    """The fact `view`: no other op returns memory of an operand."""
    output = computed(case, case.arrays)
    for position, array in enumerate(case.arrays):
        may = (case.op.view and position == 0) or array is None
        name = operands(case)[position].name
        message = f"the result shares memory with '{name}': copy it, or state 'view'"
        require(may or not np.shares_memory(output, np.asarray(array)), message)


def states_are_replaced_by_their_like(case: OpCase) -> None:
    """`update` gives every state a new array of its shape, or none does."""
    states = {operand.name for operand in case.op.operands if operand.role == "state"}
    before = copies(case.arrays)
    output = value(case)
    found = case.op.update(output, *case.arrays)
    require_same(case.arrays, before, "'update' modifies an operand")
    require(set(found) in (set(), states), f"'update' gives {sorted(found)}, not {sorted(states)}")
    for name, new in found.items():
        shapes = f"the new '{name}' has shape {list(new.shape)}, not {list(case.given[name])}"
        require(new.shape == case.given[name], shapes)
        shared = any(a is not None and np.shares_memory(new, a) for a in case.arrays)
        require(not shared, f"the new '{name}' shares memory with an operand")


def training_takes_the_same(case: OpCase) -> None:
    """`in_training` gives an op of the same operands and shapes, noise apart."""
    other = case.op.in_training()
    require(other.in_training() == other, "'in_training' of the op in training is another op")
    require(other.internal or other is case.op, f"in training it is '{other.name}': not 'internal'")
    own, taken = (
        [operand for operand in op.operands if operand.role != "noise"] for op in (case.op, other)
    )
    require(taken == own, f"in training, '{other.name}' takes other operands")
    shapes = case.placed(case.shapes)
    same = other.infer(shapes, case.given) == case.op.infer(shapes, case.given)
    require(same, f"in training, '{other.name}' has other shapes")
