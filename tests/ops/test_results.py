"""What methods of somebody's op give: anything but their types is an error that names them."""

from __future__ import annotations

import inspect
from typing import Literal

import numpy as np
import pytest

import graphnn
from graphnn.ops import REGISTRY, Op, ShapeError, data
from graphnn.ops._results import _results
from graphnn.testing import check_op
from own_ops import planted

# Checked where they are called, by more than a type; what gives nothing; what only graphnn defines.
ELSEWHERE = {"forward", "vjp", "infer_shape", "check_kinds"}
OURS = {"writing", "bind", "is_default", "data_operands", "parameter_operands", "placed"}


def gives(value, name):
    def method(self, *given, **keywords):
        return value

    method.__name__ = name
    return classmethod(method) if name == "choices" else method


def test_every_method_of_an_op_is_held_or_is_said_not_to_be():
    methods = {
        name
        for name, method in [*vars(Op).items()]  # it grows meanwhile
        if inspect.isfunction(getattr(method, "__func__", method)) and not name.startswith("_")
    }
    assert methods == _results(Op).keys() | ELSEWHERE | OURS


@pytest.mark.parametrize("name", _results(Op))
def test_a_method_that_gives_something_else_is_named(name):
    op = planted(**{name: gives(1.5, name)})()
    with pytest.raises((graphnn.RunError, ShapeError)) as caught:
        getattr(op, name)()
    called = _results(Op)[name][1]
    message = f"'{name}' of planted gives a float, not {called}"
    assert str(caught.value).removeprefix("error[op-failed]: ") == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("branch", np.zeros((2, 2), np.int64)),
        ("branch", None),
        ("update", {"mean": np.float64(1)}),
        ("has_rows", (True, np.bool_(False))),
        ("rows_needed", np.int64(2)),
        ("fused", REGISTRY["tanh"]()),
        ("to_numpy_vjp", ["{g}", None]),
        ("beside", [(1, 2)]),
        ("limit", None),
        ("part", (0, 1, np.int64(2))),
        ("choices", range(3)),
    ],
)
def test_what_a_method_may_give(name, value):
    assert getattr(planted(**{name: gives(value, name)})(), name)() is value


@pytest.mark.parametrize(
    ("name", "value", "given"),
    [
        ("has_rows", True, "a bool"),
        ("has_rows", (1,), "a tuple"),
        ("part", (0, 1), "a tuple"),
        ("update", {"mean": 1.0}, "a dict"),
        ("infer_kind", "double", "a str"),
        ("noise", None, "None"),
    ],
)
def test_parts_of_what_a_method_gives_are_looked_at(name, value, given):
    with pytest.raises((graphnn.RunError, ShapeError), match=f"'{name}' of planted gives {given},"):
        getattr(planted(**{name: gives(value, name)})(), name)()


def test_a_method_of_another_class_is_held_too_and_once():
    class Mixin:
        branch = gives(1.5, "branch")

    class Both(Mixin, Op, register=False):
        op: Literal["both"] = "both"
        operands = (data("x", "..."),)

        def forward(self, x):
            return x

        def vjp(self, cotangent, output, x):
            return (cotangent,)

    with pytest.raises(graphnn.RunError, match="'branch' of both gives a float"):
        Both().branch()
    kind = planted()
    assert kind.branch is Op.branch
    assert (
        planted(planted(branch=gives(None, "branch")), forward=lambda self, x: x)().branch() is None
    )


def test_laws_name_the_method():
    with pytest.raises(graphnn.RunError) as caught:
        check_op(planted(has_rows=gives((1,), "has_rows")))
    assert caught.value.diagnostics[0].message == (
        "'has_rows' of planted gives a tuple, "
        "not a tuple of True or False, one for each data operand"
    )
    assert caught.value.__notes__[0].startswith("'planted' breaks the law '")


def never(self, *shapes):
    raise ShapeError("'k' must be the number of columns")


@pytest.mark.parametrize(
    ("methods", "why"),
    [
        ({"infer_shape": never}, "'k' must be the number of columns"),
        (
            {"signature": gives(1.5, "signature")},
            "'signature' of planted gives a float, not a text",
        ),
    ],
)
def test_an_op_that_fits_no_shapes_says_why(methods, why):
    with pytest.raises(TypeError) as caught:
        check_op(planted(**methods))
    assert str(caught.value) == (
        f"attributes of planted do not fit the shapes of its data: {why}; "
        "define 'choices' or 'beside' in the op class"
    )
