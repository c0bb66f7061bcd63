"""The complex step against derivatives known by formula, and what it refuses."""

import math
import pickle
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings

import graphnn
from gradient_cases import dense, digits, images
from graphnn.gradients.numerical.engine.continuation import continued
from graphnn.ops import Op, data, registered
from graphnn.testing import networks

POINTS = np.array([0.1, 0.5, 1.0, 1.7, 2.5])
_ERF = np.vectorize(math.erf)
SIGMOID = 1 / (1 + np.exp(-POINTS))
# Derivatives from calculus, on positive points.
KNOWN = {
    "exp": np.exp(POINTS),
    "log": 1 / POINTS,
    "sqrt": 0.5 / np.sqrt(POINTS),
    "tanh": 1 / np.cosh(POINTS) ** 2,
    "sigmoid": 1 / (2 + 2 * np.cosh(POINTS)),
    "softplus": SIGMOID,
    "relu": np.ones(5),
    "absolute": np.ones(5),
    "step": np.zeros(5),
    "gelu": 0.5 * (1 + _ERF(POINTS / math.sqrt(2)))
    + POINTS * np.exp(-(POINTS**2) / 2) / math.sqrt(2 * math.pi),
    "erf": 2 / math.sqrt(math.pi) * np.exp(-(POINTS**2)),
    "power": -1.5 * POINTS**-2.5,
}


def of_points(op, points=POINTS, **attributes):
    node = {"op": op, "inputs": "p", **attributes}
    nodes = {"p": {"op": "parameter", "value": points.tolist()}, "y": node}
    return graphnn.loads({"graphnn": 1, "nodes": nodes | {"f": {"op": "sum", "inputs": "y"}}})


@pytest.mark.parametrize("op", KNOWN)
def test_derivatives_that_are_known(op):
    net = of_points(op, **({"exponent": -1.5} if op == "power" else {}))
    found = graphnn.numerical_gradient(net, method="complex")["p.value"]
    np.testing.assert_allclose(found.value, KNOWN[op], rtol=1e-14, atol=1e-15)
    assert (np.abs(found.value - KNOWN[op]) <= 10 * found.error).all()
    assert (found.error <= 1e-14 * np.abs(KNOWN[op]).max(initial=1)).all()
    assert not found.kink.any()


def test_far_below_0_too():
    # The derivative of the sigmoid there is exp(x), and of the exponential linear unit as well.
    # Times the step of 1e-20, what is below 1e-288 has no imaginary part left.
    points = np.array([-745.0, -709.5, -640.0, -300.0, -30.0])
    for op in ("sigmoid", "softplus", "elu"):
        found = graphnn.numerical_gradient(of_points(op, points), method="complex")["p.value"]
        np.testing.assert_allclose(found.value, np.exp(points), rtol=1e-12, atol=1e-288)


_CANCELLED = 64 * np.finfo(float).eps


@settings(max_examples=25)
@given(networks())
def test_it_agrees_with_backpropagation_on_any_graph(case):
    net, inputs = case.network(), case.inputs
    exact = graphnn.backprop(net, inputs)
    scale = max((np.abs(array).max() for array in exact.values()), default=0)
    kinks = graphnn.numerical_gradient(net, inputs)
    for name, found in graphnn.numerical_gradient(net, inputs, method="complex").items():
        # Its truncation error is of the order of the square of its step, which is 1e-20. Where a
        # gradient cancels to 0, both leave the rounding of the terms, which here are small numbers.
        smooth, limit = ~kinks[name].kink, 1e-13 * scale + _CANCELLED
        value, expected = found.value[smooth], exact[name][smooth]
        assert (np.abs(value - expected) <= limit + 1e-12 * np.abs(expected)).all()


@pytest.mark.parametrize("mode", ["train", "run"])
@pytest.mark.parametrize("make", [dense, images])
def test_it_agrees_with_backpropagation_in_both_modes(make, mode):
    net, inputs = make()
    exact = graphnn.backprop(net, inputs, mode=mode, seed=5)
    options = {"mode": mode, "seed": 5, "method": "complex"}
    for name, found in graphnn.numerical_gradient(net, inputs, **options).items():
        np.testing.assert_allclose(found.value, exact[name], rtol=1e-11, atol=1e-14)


def test_convolutions_and_pooling():
    net = graphnn.loads(
        """
        graphnn: 1
        nodes:
          x: {op: input, shape: [batch, 2, 6, 6]}
          t: {op: input, shape: [batch], dtype: int}
          c: {op: conv2d, inputs: x, filters: 3, kernel: 3, padding: 1}
          r: {op: leaky_relu, inputs: c}
          p: {op: max_pool, inputs: r, kernel: 2}
          u: {op: conv_transpose2d, inputs: p, filters: 2, kernel: 2, stride: 2}
          q: {op: average_pool, inputs: u, kernel: 3}
          f: {op: flatten, inputs: q}
          y: {op: affine, inputs: f, units: 3}
          s: {op: softmax, inputs: y}
          loss: {op: cross_entropy, inputs: [s, t]}
        """
    )
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(2, 2, 6, 6)), "t": np.array([0, 2])}
    exact = graphnn.backprop(net, inputs)
    for name, found in graphnn.numerical_gradient(net, inputs, method="complex").items():
        np.testing.assert_allclose(found.value, exact[name], rtol=1e-12, atol=1e-16)


def test_a_point_on_a_kink_is_marked_whichever_way_it_bends():
    points = np.array([-1.0, 0.0, 2.0])
    for op, sign in (("relu", 1), ("relu", -1), ("absolute", 1)):
        net = graphnn.loads(
            {
                "graphnn": 1,
                "nodes": {
                    "p": {"op": "parameter", "value": points.tolist()},
                    "c": {"op": "constant", "value": float(sign)},
                    "m": {"op": "multiply", "inputs": ["p", "c"]},
                    "y": {"op": op, "inputs": "m"},
                    "f": {"op": "sum", "inputs": "y"},
                },
            }
        )
        found = graphnn.numerical_gradient(net, method="complex")["p.value"]
        assert found.kink.tolist() == [False, True, False]
        (crossing,) = found.crossings()
        assert (crossing.entry, crossing.node, crossing.index) == ((1,), "y", (1,))


@pytest.fixture
def conjugate():
    with registered():

        class Conjugate(Op):
            """A function of the modulus, which is not analytic; it does not say that it is."""

            op: Literal["square_modulus"] = "square_modulus"
            operands = (data("x", "..."),)
            result = "..."

            def forward(self, x):
                return (x * np.conj(x)).real

        yield


REFUSED = """
graphnn: 1
nodes:
  p: {op: parameter, value: [1, 2]}
  q: {op: parameter, value: [3, 4]}
  m: {op: square_modulus, inputs: p}
  s: {op: add, inputs: [m, q]}
  f: {op: sum, inputs: s}
"""


def test_what_is_not_analytic_is_refused_by_name(conjugate):
    net = graphnn.loads(REFUSED)
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.numerical_gradient(net, method="complex")
    assert str(caught.value) == (
        "error[not-analytic]: the complex step cannot differentiate 'm': "
        "square_modulus is not declared analytic\n"
        "   = help: set 'analytic' in the op's class if it is, or use another method"
    )


def test_what_is_not_on_the_way_need_not_be_analytic(conjugate):
    found = graphnn.numerical_gradient(graphnn.loads(REFUSED), method="complex", only=["q.value"])
    assert found["q.value"].value.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "options",
    [{"rule": "forward"}, {"order": 4}, {"extrapolation": "richardson"}, {"step": "relative"}],
)
def test_rules_of_differences_do_not_go_with_it(options):
    net, inputs = digits()
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.numerical_gradient(net, inputs, method="complex", **options)
    assert str(caught.value) == (
        "error[bad-option]: the complex step has no rules, order or extrapolation\n"
        "   = help: leave them out"
    )


def test_the_step_hardly_matters():
    net, inputs = digits()
    tiny = graphnn.numerical_gradient(net, inputs, method="complex")
    for step in (1e-100, 1e-9, {"a1.weight": 1e-9}):
        for name, found in graphnn.numerical_gradient(
            net, inputs, method="complex", step=step
        ).items():
            np.testing.assert_allclose(found.value, tiny[name].value, rtol=1e-13)


def test_what_workers_get_survives_pickling():
    net, _ = digits()
    plan = continued(net.executor(["loss"]).plan)
    again = pickle.loads(pickle.dumps(plan))
    assert [step.op for step in again.steps] == [step.op for step in plan.steps]
    assert again.steps[1].op.forward(np.array([1j])).dtype == complex
