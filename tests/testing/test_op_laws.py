"""The laws of ops as a user calls them: in one line, named, skipped with a reason."""

from __future__ import annotations

import math
import re
import unittest
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis.database import InMemoryExampleDatabase

import graphnn
from drawn_cases import QUICK
from graphnn.ops import REGISTRY, Op, data, parameter
from graphnn.ops.families.activation import Tanh
from graphnn.ops.initializers import Zeros
from graphnn.testing import BrokenLaw, check_op, op_laws
from graphnn.testing.laws.checks import LAWS, law_by_law
from graphnn.testing.laws.derivatives import vjp_is_the_gradient, zero_cotangents_give_zeros
from graphnn.testing.laws.facts import (
    branch_changes_at_kinks_alone,
    parameters_move_channels_as_stated,
    rows_keep_their_entries,
)
from graphnn.testing.strategies import OpCase, op_cases
from own_ops import planted
from places import ROOT


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


def doubles_in_place(self, cotangent, output, x):
    cotangent *= 2
    return (cotangent,)


@pytest.mark.parametrize(
    ("methods", "message", "law"),
    [
        (
            {"forward": lambda self, x: None},
            "'forward' gives None, not an array",
            "inferred_shape_is_computed",
        ),
        (
            {"vjp": lambda self, g, y, x: 2 * g},
            "'vjp' gives an array of float64, not a tuple with a cotangent of each operand",
            "vjp_is_the_gradient",
        ),
        (
            {"vjp": Op.vjp},
            "it has no 'vjp': write def vjp(self, cotangent, output, x)",
            "vjp_is_the_gradient",
        ),
        (
            {"vjp": doubles_in_place},
            "'vjp' modifies the cotangent or the output",
            "nothing_is_modified",
        ),
        (
            {"vjp": lambda self, g, y, x: (np.add(g, g, out=x),)},
            "'vjp' modifies an operand",
            "nothing_is_modified",
        ),
        (
            {"vjp": lambda self, g, y, x: ((2 * g).astype(np.float32),)},
            "the cotangent of 'x' by 'vjp' is of float32 where all else is of float64",
            "vjp_is_the_gradient",
        ),
        (
            {"forward": lambda self, x: (2 * x).astype(np.float32)},
            "the result is of float32 where all else is of float64",
            "inferred_shape_is_computed",
        ),
        (
            {
                "forward": lambda self, x: np.asarray(2 * x.sum()),
                "vjp": lambda self, g, y, x: (np.full(x.shape, 2 * g),),
                "result": "",
                "batchwise": True,
            },
            "'batchwise', yet the result has shape [], without rows",
            "symbolic_shape_is_computed",
        ),
    ],
)
def test_a_slip_is_reported_as_what_it_is(methods, message, law):
    with pytest.raises(BrokenLaw) as caught:
        check_op(planted(**methods), settings=QUICK)
    assert str(caught.value) == message
    assert caught.value.__notes__[0].startswith(f"'planted' breaks the law '{law}'")


def test_not_a_number_near_the_case_is_no_wrong_gradient():
    wrong = planted(forward=lambda self, x: np.where(x > 2.5, np.nan, 2 * x))
    case = OpCase(wrong(), (np.full((1, 1), 2.5),), wrong())
    with pytest.raises(BrokenLaw) as caught:
        vjp_is_the_gradient(case)
    assert str(caught.value) == "the result is not finite where 'x' is moved by 0.0002 at [0, 0]"


def test_a_cotangent_of_zeros_that_is_lost_is_shown_with_the_numbers_it_was_lost_for():
    lossy = planted(vjp=lambda self, g, y, x: (np.full(x.shape, np.nan),))
    with pytest.raises(BrokenLaw) as caught:
        zero_cotangents_give_zeros(OpCase(lossy(), (np.zeros((1, 1)),), lossy()))
    assert str(caught.value) == (
        "a cotangent of zeros gives one of 'x' that is nan at [0, 0], where x = [[0.0]]"
    )


def test_rows_that_keep_their_entries_are_of_one_operand():
    class Reordering(REGISTRY["stack"]):
        op: Literal["planted"] = "planted"
        reorders = True

    with pytest.raises(BrokenLaw, match="it has 2 operands, not 1"):
        rows_keep_their_entries(OpCase(Reordering(), (np.zeros(1), np.zeros(1)), Reordering()))


LINEAR = {
    "operands": (data("x", "batch n"), parameter("w", "n m", Zeros(), layout="in out")),
    "result": "batch m",
    "forward": lambda self, x, w: x @ w,
    "vjp": lambda self, g, y, x, w: (g @ w.T, x.T @ g),
}


@pytest.mark.parametrize(
    ("methods", "law", "message"),
    [
        (
            {"branch": lambda self, x: x, "channelwise": True},
            branch_changes_at_kinks_alone,
            "'branch' changes where all numbers are moved by 1e-9 or less: it may at kinks alone",
        ),
        (
            {"branch": lambda self, x: (x > 0).ravel(), "channelwise": True},
            branch_changes_at_kinks_alone,
            "'branch' gives an array of shape [6], the result has [2, 3]: 'channelwise', it needs "
            "one of each entry",
        ),
        (
            {"branch": lambda self, x: (x > 0).ravel()},
            branch_changes_at_kinks_alone,
            "'branch' gives an array of shape [6], the result has [2, 3]: 'batchwise', it needs "
            "as many rows",
        ),
        (
            {**LINEAR, "response": lambda self, operand, x, w: x},
            parameters_move_channels_as_stated,
            "'response' gives an array of shape [2, 3], which does not stretch to [2, 3, 2]",
        ),
        (
            {
                **LINEAR,
                "operands": (data("x", "batch n"), parameter("w", "n m", Zeros(), layout="n m")),
                "response": lambda self, operand, x, w: x[..., None],
            },
            parameters_move_channels_as_stated,
            "'response' needs an axis 'out' in the layout of 'w', which is 'n m'",
        ),
    ],
)
def test_what_a_method_gives_in_another_form_is_a_broken_law(methods, law, message):
    op = planted(**methods)()
    arrays = (np.full((2, 3), 0.5), np.zeros((3, 2)))[: len(op.operands)]
    with pytest.raises(BrokenLaw) as caught:
        law(OpCase(op, arrays, op))
    assert str(caught.value) == message


def test_a_domain_that_ends_where_the_op_does_is_named():
    operands = (data("x", "batch n", domain=(0.0, 4.0)),)
    root = planted(
        forward=lambda self, x: np.sqrt(x),
        vjp=lambda self, g, y, x: (g / (2 * y),),
        operands=operands,
    )
    case = OpCase(root(), (np.zeros((1, 1)),), root())
    with pytest.raises(BrokenLaw) as caught, np.errstate(all="ignore"):
        vjp_is_the_gradient(case)
    assert str(caught.value) == (
        "the result is not finite where 'x' is moved by 0.0002 at [0, 0]: "
        "let its 'domain' end before, not at 0 and 4"
    )


def test_a_result_that_differs_from_call_to_call_is_called_no_wrong_gradient():
    calls = iter(range(10**6))
    counting = planted(forward=lambda self, x: 2 * x + next(calls))
    case = OpCase(counting(), (np.zeros((1, 1)),), counting())
    with pytest.raises(BrokenLaw, match="'forward' gives another result when it is called again"):
        vjp_is_the_gradient(case)


def test_a_failure_that_is_kept_is_no_other_ops():
    """Or it would begin with the case of the first op, which is not the smallest of the second."""
    kept = settings(QUICK, database=InMemoryExampleDatabase(), max_examples=100)
    some = planted(vjp=lambda self, g, y, x: (2.0 * g + (x.size > 2),))
    every = type("Every", (planted(vjp=lambda self, g, y, x: (2.0 * g + 1,)),), {}, register=False)
    found = []
    for op in (some, every):
        with pytest.raises(BrokenLaw) as caught:
            check_op(op, settings=kept)
        found.append(re.search(r"arrays=\((.*?)\)", caught.value.__notes__[1], re.S)[1])
    assert found[1] == "array([[0.]]"
    assert found[0] != found[1]


def test_a_result_that_differs_from_call_to_call_breaks_a_law():
    calls = iter(range(10**6))
    counting = planted(forward=lambda self, x: 2 * x + next(calls))
    with pytest.raises(BrokenLaw, match="'forward' gives another result when it is called again"):
        next(law for law in op_laws(counting) if law.name == "nothing_is_modified")(QUICK)


def test_a_case_that_shrinks_stays_one_of_its_law():
    """At 0 the product is 0 too, and another law is broken, of memory that is shared."""

    def doubled(self, x):
        x *= 2
        return x

    twice = planted(forward=doubled)
    cases = [OpCase(twice(), (np.full((1, 1), at),), twice()) for at in (1.0, 0.0)]
    check = law_by_law(twice, ["nothing_is_modified", "memory_is_shared_only_by_views"])
    with pytest.raises(BrokenLaw, match="'forward' modifies an operand"):
        check(cases[0])
    check(cases[1])


def test_the_page_about_ops_has_every_law():
    text = (ROOT / "docs" / "adding-an-op.md").read_text()
    assert [name for name in LAWS if f"`{name}`" not in text] == []


@pytest.mark.parametrize("call", [check_op, op_laws, op_cases])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("tahn", "error[unknown-op]: there is no op 'tahn'\n   = help: did you mean 'tanh'?"),
        (None, "error[bad-option]: None is neither a class of an op nor the name of one"),
        (
            Op,
            "error[bad-option]: the class 'Op' declares no op\n"
            '   = help: write op: Literal["op"] = "op" in it',
        ),
    ],
)
def test_what_is_no_op_is_refused(call, given, message):
    with pytest.raises(graphnn.UsageError) as caught:
        call(given)
    assert str(caught.value) == message


def test_numpy_warns_of_nothing():
    class Planted(Tanh):
        op: Literal["planted"] = "planted"

        def forward(self, x):
            np.array(1e200) ** 2  # which overflows
            return np.tanh(x)

    check_op(Planted, settings=QUICK)
