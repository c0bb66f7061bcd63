"""The strategies themselves: what they derive from a class, and where they keep away from."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from pydantic import AfterValidator, Field

from drawn_cases import every_case
from graphnn.ops import REGISTRY, Op, Size, data, parameter
from graphnn.ops.initializers import Zeros
from graphnn.testing.laws.checks import LAWS
from graphnn.testing.strategies import MARGIN, attributes, op_cases

QUICK = settings(max_examples=200, database=None, derandomize=True)


def planted(**fields):
    """An op class with these annotations as fields."""
    namespace = {
        "__annotations__": {"op": Literal["planted"], **fields},
        "__module__": __name__,
        "__doc__": "Planted.",
        "op": "planted",
        "result": "",
        "forward": lambda self: 0.0,
    }
    return type("Planted", (Op,), namespace)


def seen(op_class, key):
    found = []

    @QUICK
    @given(attributes(op_class))
    def collect(values):
        found.append(values[key])

    collect()
    return found


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (Annotated[int, Field(ge=2, le=4)], 2, 4),
        (Annotated[int, Field(gt=2, lt=5)], 3, 4),
        (Annotated[int, Field(le=2)], -4, 2),
        (int, -3, 3),
        (Annotated[float, Field(gt=0, lt=1)], 0.01, 0.99),
        (Annotated[float, Field(ge=10)], 10, 13),
        (float, -3, 3),
    ],
)
def test_numbers_keep_their_bounds(kind, low, high):
    found = seen(planted(number=kind), "number")
    assert low <= min(found)
    assert max(found) <= high
    assert len(set(found)) > 1


class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"


def odd(value):
    if value % 2 == 0:
        raise ValueError("it is even")
    return value


def test_a_value_that_an_op_refuses_is_said():
    with pytest.raises(TypeError) as caught:
        find(op_cases(planted(k=Annotated[int, AfterValidator(odd)])), lambda case: case.op.k == 1)
    assert re.fullmatch(
        r"planted refuses \{'k': -?[02]\}, drawn from the types of its fields: Value error, it is "
        r"even; define its class method 'choices', which lists some",
        str(caught.value),
    )


def test_other_types_take_all_their_values():
    assert set(seen(planted(flag=bool), "flag")) == {False, True}
    assert set(seen(planted(mode=Literal["a", "b"]), "mode")) == {"a", "b"}
    assert set(seen(planted(mode=Mode), "mode")) == {Mode.FAST, Mode.SLOW}
    assert set(seen(planted(even=Annotated[int, Field(ge=1, multiple_of=2)]), "even")) == {2, 4}
    found = seen(planted(bound=Annotated[float, Field(gt=0, le=1)] | None), "bound")
    assert None in found
    assert min(number for number in found if number is not None) > 0


@pytest.mark.parametrize(
    ("bounds", "lengths"),
    [
        ({}, {0, 1, 2, 3}),
        ({"min_length": 1}, {1, 2, 3, 4}),
        ({"max_length": 2}, {0, 1, 2}),
        ({"min_length": 2, "max_length": 2}, {2}),
    ],
)
def test_tuples_keep_their_lengths(bounds, lengths):
    kind = Annotated[tuple[int, ...], Field(**bounds)]
    assert {len(each) for each in seen(planted(axes=kind), "axes")} == lengths


def test_choices_that_list_nothing():
    class Choosing(Op, register=False):
        op: Literal["choosing"] = "choosing"
        k: int = 0
        operands = (data("x", "..."),)

        @classmethod
        def choices(cls, key, chosen, shape):
            return range(len(shape))

        def forward(self, x):
            return x

    with pytest.raises(TypeError) as caught:
        find(op_cases(Choosing), lambda case: False)
    assert str(caught.value) == (
        "attributes of choosing do not fit the shapes of its data: 'choices' lists no 'k' for a "
        "first operand of shape []; name the axes that 'x' must have in the op class"
    )


def test_an_axis_that_nothing_determines():
    class Free(Op, register=False):
        op: Literal["free"] = "free"
        operands = (data("x", "b n"), parameter("w", "n units", Zeros()))
        result = "b units"

        def forward(self, x, w):
            return x @ w

    with pytest.raises(TypeError) as caught:
        find(op_cases(Free), lambda case: True)
    assert str(caught.value) == (
        "attributes of free do not fit the shapes of its data: 'units' is unspecified; add an "
        "attribute 'units: Size', or name it in the signature of the data, in the op class"
    )


def test_a_type_that_has_no_strategy():
    with pytest.raises(TypeError) as caught:
        find(attributes(planted(table=str)), lambda values: True)
    assert str(caught.value) == (
        "no value can be derived for 'table' of planted: <class 'str'>; "
        "define its class method 'choices', which lists some"
    )


def test_sizes_and_numbers_in_signatures():
    class Planted(Op):
        op: Literal["planted"] = "planted"
        units: Size
        rate: float = Field(gt=0)

        operands = (data("x", "2 ... n"), data("label", "n", kind="int"))
        result = "2 ... units"

        def forward(self, x, label):
            return np.repeat(x.sum(axis=-1, keepdims=True), self.units, axis=-1) * self.rate

        def vjp(self, cotangent, output, x, label):
            total = cotangent.sum(axis=-1, keepdims=True) * self.rate
            return np.broadcast_to(total, x.shape), None

    def check(case):
        assert case.data[0].shape[0] == 2
        assert case.data[1].dtype == np.int64
        for name in ("inferred_shape_is_computed", "vjp_is_the_gradient", "serialises"):
            LAWS[name](case)

    assert Planted.size_attributes == ("units",)
    every_case(Planted, check)


@pytest.mark.parametrize("name", ["relu", "maximum", "max", "clip", "absolute"])
def test_no_value_is_near_a_kink(name):
    def check(case):
        here = case.op.branch(*case.arrays)
        rng = np.random.default_rng(0)
        for _ in range(20):
            moved = [
                x if x.dtype.kind == "i" else x + rng.choice([-1, 1], x.shape) * MARGIN / 2
                for x in case.arrays
            ]
            assert np.array_equal(case.op.branch(*moved), here)

    every_case(REGISTRY[name], check)


def test_only_real_numbers_are_moved_away_from_a_kink():
    class Planted(Op):
        op: Literal["planted"] = "planted"

        operands = (
            data("x", "3"),
            data("label", "3", kind="int"),
            parameter("shift", "3", Zeros(), optional=True),
        )
        result = "3"

        def forward(self, x, label, shift):
            return x

        def branch(self, x, label, shift):
            return x > (0 if shift is None else shift)

    absent = []

    def check(case):
        x, label, shift = case.arrays
        absent.append(shift is None)
        assert label.dtype == np.int64
        assert np.abs(x - (0 if shift is None else shift)).min() >= MARGIN

    every_case(Planted, check, max_examples=100)
    assert set(absent) == {False, True}


def test_an_op_with_a_kink_everywhere_is_drawn_all_the_same():
    class Planted(Op):
        op: Literal["planted"] = "planted"

        operands = (data("x", "2"),)
        result = "2"

        def forward(self, x):
            return x

        def branch(self, x):
            return x

    smallest = find(op_cases(Planted), lambda case: True, settings=QUICK)
    assert smallest.arrays[0].shape == (2,)


def test_failures_shrink_to_small_cases():
    relu = REGISTRY["relu"]
    smallest = find(op_cases(relu), lambda case: case.arrays[0].size >= 2, settings=QUICK)
    assert smallest.arrays[0].shape == (2,)
    assert smallest.shapes == ((2,),)
    assert smallest.given == {}


def test_broadcasting_operands_stretch_both_ways():
    found = find(
        op_cases(REGISTRY["add"]),
        lambda case: any(
            a == 1 < b and c > 1 == d
            for a, b in zip(*case.shapes, strict=False)
            for c, d in zip(*case.shapes, strict=False)
        ),
        settings=settings(QUICK, max_examples=5000, phases=[Phase.generate]),
    )
    assert found.shapes[0] != found.shapes[1]
