"""The laws of ops as a user calls them: in one line, named, skipped with a reason."""

from __future__ import annotations

import math
import unittest
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, seed, settings

import graphnn
from drawn_cases import QUICK
from graphnn.ops import REGISTRY
from graphnn.ops.families.activation import Tanh
from graphnn.testing import BrokenLaw, check_op, op_laws
from graphnn.testing.strategies import op_cases


def wrong_tanh():
    class Planted(Tanh):
        op: Literal["planted"] = "planted"

        def vjp(self, cotangent, output, x):
            return (cotangent * (1 - output),)

    return Planted


def test_a_failure_names_op_law_and_the_smallest_case():
    with pytest.raises(BrokenLaw) as caught:
        check_op(wrong_tanh(), settings=settings(QUICK, max_examples=100))
    text = "\n".join([str(caught.value), *caught.value.__notes__])
    assert text.startswith("the cotangent of 'x' by 'vjp' is 0.")
    assert (
        "'planted' breaks the law 'vjp_is_the_gradient': "
        "`vjp` agrees with differences of `forward`, for a random cotangent." in text
    )
    assert "case=OpCase(op=Planted(" in text


@pytest.mark.slow
def test_sizes_shrink_whatever_two_operands_hold():
    """No array may end with zero, so that a size may shrink only where all of them are kept."""
    minimal = {"multiply": 2, "conv2d": 2, "attention": 3}
    shrunk = [(name, smallest(name, number)) for name in minimal for number in range(2)]
    stuck = [each for each in shrunk if sum(map(math.prod, each[1])) > minimal[each[0]]]
    assert len(stuck) <= 1, stuck


def smallest(name, number):
    """Shapes of the smallest case whose arrays all end with something, as a seed finds it."""
    failing = []

    @seed(number)
    @settings(QUICK, derandomize=False, max_examples=100)
    @given(op_cases(name))
    def ends_with_zero(case):
        given = [array for array in case.arrays if array is not None]
        if all(array.flat[-1] for array in given):
            failing[:] = [[array.shape for array in given]]
            raise AssertionError

    with pytest.raises(AssertionError):
        ends_with_zero()
    return failing[0]


def test_every_law_is_an_item_with_its_name():
    laws = op_laws(REGISTRY["tanh"])
    names = [law.__name__ for law in laws]
    assert names[0] == "tanh-inferred_shape_is_computed"
    assert len(set(names)) == len(names) > 20
    laws[0](QUICK)


def test_one_law_is_broken_and_others_hold():
    broken = []
    for law in op_laws(wrong_tanh()):
        try:
            law(QUICK)
        except BrokenLaw:
            broken.append(law.name)
    assert broken == ["vjp_is_the_gradient"]


def test_a_law_is_skipped_with_its_reason():
    skip = {"vjp_is_the_gradient": "a straight-through estimate"}
    check_op(wrong_tanh(), skip=skip, settings=QUICK)
    law = next(law for law in op_laws(wrong_tanh(), skip=skip) if law.name in skip)
    with pytest.raises(unittest.SkipTest, match="a straight-through estimate"):
        law()


def test_what_cannot_be_skipped():
    with pytest.raises(graphnn.UsageError) as caught:
        check_op(REGISTRY["tanh"], skip={"vjp_is_gradient": "slow"})
    assert str(caught.value) == (
        "error[bad-option]: there is no law 'vjp_is_gradient' to skip\n"
        "   = help: did you mean 'vjp_is_the_gradient'?"
    )
    with pytest.raises(graphnn.UsageError, match="no reason is given to skip 'serialises'"):
        op_laws(REGISTRY["tanh"], skip={"serialises": ""})


def test_numpy_warns_of_nothing():
    class Planted(Tanh):
        op: Literal["planted"] = "planted"

        def forward(self, x):
            np.array(1e200) ** 2  # which overflows
            return np.tanh(x)

    check_op(Planted, settings=QUICK)
