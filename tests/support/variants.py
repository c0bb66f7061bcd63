"""Cases of an op for each way that code takes: ranks, choices of an attribute, what is left out.

They are made, not drawn: of a few draws, most miss a way that takes two choices at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, combinations, product
from math import prod
from typing import Any, Literal, get_args, get_origin

import numpy as np

from graphnn.ops import Array, Case, Op, Operand, ShapeError
from graphnn.spec.sizes import Shape, SizeError, free
from graphnn.testing.strategies import OpCase

# What must be given of ops that state no cases.
GIVEN: dict[str, dict[str, Any]] = {
    "affine": {"units": 2},
    "embedding": {"vocabulary": 4, "units": 2},
    "gru": {"units": 2},
    "lstm": {"units": 2},
    "rnn": {"units": 2},
    "weighted": {"weight": 0.3},
}
SIZES = {"batch": 3, "channels": 2, "classes": 3, "n": 3, "time": 4, "units": 2}
MIDDLES: list[tuple[int, ...]] = [(), (2,), (2, 3)]  # what ... stands for
MOST = 4  # whole numbers of an operand without a limit stay below it


def variants(op_class: type[Op]) -> Iterator[OpCase]:
    """The cases that an op states, or made ones; with all parameters, and with those it needs."""
    rng = np.random.default_rng(0)
    for case, operands in _stated(op_class) if op_class.cases else _made(op_class):
        rows = case.shapes[0][0] if case.shapes and case.shapes[0] else 1
        declared = op_class.model_validate(case.attributes, context={"batch": free("batch")})
        bound = declared.bind({"batch": rows})
        inferred = bound.infer(op_class.placed(operands, case.shapes), {})
        op = bound.model_copy(update=inferred.attributes)
        data = _data(rng, op, case, operands)
        noise = [
            op.noise(rng, inferred.result, np.float64)
            for operand in op.operands
            if operand.role == "noise"
        ]
        parameters = op.parameter_operands()
        for lacking in {False, any(operand.optional for operand in parameters)}:
            kept = [
                None
                if operand.optional and lacking
                else rng.uniform(*operand.domain, inferred.parameters[operand.name])
                for operand in parameters
            ]
            yield OpCase(op, (*data, *kept, *noise), declared)


def opened(case: OpCase) -> Iterator[tuple[tuple[Shape | None, ...], Shape]]:
    """Shapes of the operands and of the result, with one or two axes of the first left open.

    Each that the op allows with all other sizes as they are.
    """
    shapes = [None if array is None else array.shape for array in case.arrays]
    axes = range(len(case.shapes[0]) if case.shapes else 0)
    for some in chain(combinations(axes, 1), combinations(axes, 2)):
        open_sizes = zip(some, (free("wide"), free("high")), strict=False)
        first = (*(dict(enumerate(case.shapes[0])) | dict(open_sizes)).values(),)
        with suppress(ShapeError, SizeError):
            inferred = case.op.infer(case.placed([first, *case.shapes[1:]]), case.given)
            yield (first, *shapes[1:]), inferred.result


def _stated(op_class: type[Op]) -> Iterator[tuple[Case, Sequence[Operand]]]:
    operands = op_class.data_operands()
    for case in op_class.cases:
        many = bool(operands) and operands[0].many
        yield case, operands * len(case.shapes) if many else operands[: len(case.shapes)]


def _made(op_class: type[Op]) -> Iterator[tuple[Case, Sequence[Operand]]]:
    """Each choice of attributes with each rank, and with data left out."""
    chosen = {
        key: values
        for key, info in op_class.model_fields.items()
        if key != "op" and (values := _values(op_class, key, info.annotation))
    }
    data = op_class.data_operands()
    needed = [operand for operand in data if not operand.optional]
    middles = [
        middle
        for middle in MIDDLES
        if not middle or any("..." in operand.signature for operand in data)
    ]
    for values in product(*chosen.values()):
        attributes = GIVEN.get(op_class.name, {}) | dict(zip(chosen, values, strict=True))
        for count, middle in product(range(len(needed), len(data) + 1), middles):
            for operands in combinations(data, count):
                if operands[: len(needed)] != (*needed,):
                    continue
                shapes = [_shape(operand.signature, middle, attributes) for operand in operands]
                if () in shapes and "axis" in op_class.model_fields:
                    continue
                yield Case(attributes, shapes), operands
                if all(operand.kind == "any" for operand in operands):
                    yield Case(attributes, shapes, ["int"] * count), operands


def _values(op_class: type[Op], key: str, annotation: Any) -> Sequence[Any]:
    """All that an attribute can be, or what the op offers to tests; none for sizes and the like."""
    if annotation is bool:
        return [True, False]
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if type(None) in get_args(annotation):
        return [*dict.fromkeys(op_class.choices(key, {}, ()) or ())]
    return []


def _data(
    rng: np.random.Generator, op: Op, case: Case, operands: Sequence[Operand]
) -> Sequence[Array | None]:
    kinds = [*case.kinds] or [operand.kind for operand in operands]
    arrays = []
    for n, (operand, shape) in enumerate(zip(operands, case.shapes, strict=True)):
        limit = op.limit(operand, case.shapes) or MOST
        if kinds[n % len(kinds)] != "int":
            arrays.append(rng.uniform(*operand.domain, shape))
        elif operand.kind == "int":  # of classes, places and lengths each in turn
            arrays.append(np.asarray(np.arange(1, 1 + prod(shape)).reshape(shape) % limit))
        else:
            arrays.append(rng.integers(0, limit, shape))
    placed = op.placed(operands, arrays)
    return [*placed, *[None] * (len(op.data_operands()) - len(placed))]


def _shape(signature: str, middle: tuple[int, ...], given: dict[str, Any]) -> tuple[int, ...]:
    known = SIZES | {"ways": 1 + given.get("bidirectional", False)}
    shape: list[int] = []
    for symbol in signature.split():
        if symbol == "...":
            shape += middle
        else:
            shape.append(prod(int(f) if f.isdigit() else known[f] for f in symbol.split("*")))
    return (*shape,)
