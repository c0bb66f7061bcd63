"""What ops of somebody's own do wrong is said at their nodes, and not in a traceback."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

import graphnn
from graphnn.ops import Op, data, registered

SPEC = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  a: {op: affine, inputs: x, units: 2, weight: ones}
  y: {op: own, inputs: a}
  loss: {op: mean, inputs: y, axis: [0, 1]}
train: {loss: loss}
"""
ROWS = {"x": np.ones((4, 3))}


def twice(x):
    return 2 * x


def by_two(cotangent, output, x):
    return (2 * cotangent,)


def declared(forward=twice, vjp=by_two, infer=None):
    """An op of these functions, not registered."""

    class Own(Op, register=False):
        op: Literal["own"] = "own"
        operands = (data("x", "batch n"),)
        result = "batch n"

        def forward(self, x):
            return forward(x)

        def vjp(self, cotangent, output, x):
            return vjp(cotangent, output, x)

        def infer_shape(self, *shapes):
            return shapes[0] if infer is None else infer(*shapes)

    return Own


def raises(*arrays):
    return arrays[9]


def lack(*arrays):
    return None


IndexError_ = "own raises IndexError: tuple index out of range"


def message(error, own):
    with registered(own), pytest.raises(error) as caught:
        graphnn.backprop(graphnn.loads(SPEC), ROWS)
    return str(caught.value)


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (lack, "gives None, not an array"),
        (lambda x: x.tolist(), "gives a list, not an array"),
        (lambda x: x[0], "gives the shape [2], but [4, 2] is inferred"),
        (lambda x: x.astype(int), "gives int64, but 'float' is inferred"),
        (lambda x: x.astype(object), "gives object, but 'float' is inferred"),
    ],
)
def test_what_a_forward_gives_that_is_no_result(forward, expected):
    assert message(graphnn.RunError, declared(forward)) == (
        f"error[op-failed]: at 'y': 'forward' of own {expected}"
    )


@pytest.mark.parametrize(
    ("vjp", "expected"),
    [
        (lack, "'vjp' of own gives None, not a tuple with a cotangent of each operand"),
        (
            lambda g, y, x: g,
            "'vjp' of own gives an array of float64, not a tuple with a cotangent of each operand",
        ),
        (lambda g, y, x: (g, None), "'vjp' of own gives 2 cotangents for 1 operand"),
        (lambda g, y, x: (), "'vjp' of own gives 0 cotangents for 1 operand"),
        (
            lambda g, y, x: (3,),
            "the cotangent of 'x' by 'vjp' of own is an int, not an array of numbers",
        ),
        (lambda g, y, x: (g[0],), "the cotangent of 'x' by 'vjp' of own has shape [2], not [4, 2]"),
    ],
)
def test_what_a_vjp_gives_that_is_no_cotangents(vjp, expected):
    assert message(graphnn.RunError, declared(vjp=vjp)) == f"error[op-failed]: at 'y': {expected}"


@pytest.mark.parametrize("method", ["forward", "vjp"])
def test_an_error_that_a_method_raises_is_reported_with_its_line(method):
    line = raises.__code__.co_firstlineno + 1
    assert message(graphnn.RunError, declared(**{method: raises})) == (
        f"error[op-failed]: at 'y': '{method}' of {IndexError_}\n"
        f"   = note: in {__file__}, line {line}"
    )


def test_an_op_without_a_vjp_says_what_to_write():
    class Own(Op, register=False):
        op: Literal["own"] = "own"
        operands = (data("x", "..."),)

        def forward(self, x):
            return 2 * x

    assert message(graphnn.RunError, Own) == (
        "error[op-failed]: at 'y': own has no 'vjp', so that there is no gradient by what it "
        "reads\n   = help: write def vjp(self, cotangent, output, x)"
    )


@pytest.mark.parametrize(
    ("infer", "expected"),
    [
        (raises, IndexError_),
        (lambda *shapes: [2, 3], "own infers a list, not a tuple of sizes"),
    ],
)
def test_an_inference_that_fails_is_a_fault_of_the_spec(infer, expected):
    found = message(graphnn.SpecError, declared(infer=infer)).splitlines()[0]
    assert found.startswith(f"error[unknown-shape]: cannot infer the shape of 'y': {expected}")


def test_an_op_that_does_as_it_should_is_as_any_other():
    with registered(declared()):
        found = graphnn.backprop(graphnn.loads(SPEC), ROWS)
    # The mean of 8 entries, each twice a sum of three ones and a bias, over 4 rows and 2 units.
    np.testing.assert_allclose(found["a.bias"], [1, 1])
