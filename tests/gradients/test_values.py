"""Gradients against values known by hand, and against each other."""

from typing import ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphnn
from gradient_cases import DIGITS, digits
from graphnn.gradients import Reverse
from graphnn.ops import data, parameter, registered
from graphnn.ops.initializers import Ones
from tables import cases


def by_hand(net, x, t):
    """The textbook's backward pass of the network above, written out in plain NumPy."""
    w1, b1, w2, b2 = (net.parameters[n] for n in net.parameters)
    z1 = 1 / (1 + np.exp(-(x @ w1 + b1)))
    e = np.exp(z1 @ w2 + b2)
    y = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(y[np.arange(len(t)), t]).mean()
    d2 = (y - np.eye(3)[t]) / len(t)
    d1 = d2 @ w2.T * z1 * (1 - z1)
    return loss, [x.T @ d1, d1.sum(axis=0), z1.T @ d2, d2.sum(axis=0)]


def test_backprop_is_the_textbook_backward_pass():
    net, inputs = digits()
    loss, expected = by_hand(net, inputs["x"], inputs["t"])
    found = graphnn.backprop(net, **inputs)
    assert list(found) == ["a1.weight", "a1.bias", "a2.weight", "a2.bias"]
    for array, wanted in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-12, atol=1e-15)
    assert net.loss(inputs) == pytest.approx(loss, rel=1e-14)


def test_the_numerical_gradient_is_the_textbook_backward_pass():
    net, inputs = digits()
    expected = by_hand(net, inputs["x"], inputs["t"])[1]
    for estimate, wanted in zip(
        graphnn.numerical_gradient(net, inputs).values(), expected, strict=True
    ):
        assert (np.abs(estimate.value - wanted) <= 10 * estimate.error).all()
        assert estimate.error.max() < 1e-8
        assert not estimate.kink.any()


@pytest.mark.parametrize("rule", ["central", "forward"])
def test_the_gradient_of_a_sum_of_squares(rule):
    # The textbook's function x0^2 + x1^2 at (3, 4), (0, 2) and (3, 0): the gradient is 2 x.
    text = "{graphnn: 1, nodes: {x: {op: parameter, shape: [2]}, s: {op: power, inputs: x, "
    net = graphnn.loads(text + "exponent: 2}, f: {op: sum, inputs: s}}}")
    for point in ([3.0, 4.0], [0.0, 2.0], [3.0, 0.0]):
        net.assign({"x.value": point})
        found = graphnn.numerical_gradient(net, rule=rule, step=1e-4)["x.value"]
        # By the central rule exactly 2 x but for rounding; by the forward rule 2 x + h.
        offset = 0.0 if rule == "central" else 1e-4
        np.testing.assert_allclose(found.value, 2 * np.array(point) + offset, atol=1e-9)
        assert (np.abs(found.value - 2 * np.array(point)) <= 10 * found.error).all()


def test_two_losses_add_up():
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "x": {"op": "parameter", "value": [1.0, 2.0]},
                "t": {"op": "constant", "value": [0.0, 0.0]},
                "a": {"op": "sum_squared_error", "inputs": ["x", "t"]},
                "b": {"op": "mean_squared_error", "inputs": ["x", "t"]},
            },
        }
    )
    # One value a sample: a = x^2 / 2 and b = x^2; their means over two samples.
    assert net.loss() == pytest.approx((0.5 + 2.0) / 2 + (1.0 + 4.0) / 2)
    np.testing.assert_allclose(graphnn.backprop(net)["x.value"], [1.5, 3.0])
    np.testing.assert_allclose(graphnn.backprop(net, loss="b")["x.value"], [1.0, 2.0])


@pytest.mark.parametrize("activation", ["identity", "relu", "sigmoid"])
@pytest.mark.parametrize("order", [["p", "q"], ["q", "p"]])
def test_a_parameter_moves_one_of_two_losses(activation, order):
    nodes = {
        "x": {"op": "input", "shape": ["batch", 2]},
        "t": {"op": "input", "shape": ["batch", 3]},
    }
    for name in order:
        nodes[f"a{name}"] = {"op": "affine", "inputs": "x", "units": 3}
        nodes[f"z{name}"] = {"op": activation, "inputs": f"a{name}"}
        nodes[name] = {"op": "mean_squared_error", "inputs": [f"z{name}", "t"]}
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(4, 2)), "t": rng.normal(size=(4, 3))}
    assert net.losses() == tuple(order)
    assert graphnn.check_gradients(net, inputs).counts["agree"] == 18


@pytest.mark.parametrize("order", [["shut", "open"], ["open", "shut"]])
def test_a_move_ends_before_one_loss_and_reaches_the_other(order):
    nodes = {
        "x": {"op": "input", "shape": ["batch", 2]},
        "a": {"op": "affine", "inputs": "x", "units": 3, "bias": [-9, -9, 1]},
        "r": {"op": "relu", "inputs": "a"},
        "t": {"op": "input", "shape": ["batch", 3]},
    }
    losses = {name: {"shut": "r", "open": "a"}[name] for name in order}
    for name, read in losses.items():
        nodes[name] = {"op": "mean_squared_error", "inputs": [read, "t"]}
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(4, 2)) / 9, "t": rng.normal(size=(4, 3))}
    assert graphnn.check_gradients(net, inputs).counts["agree"] == 9


def test_a_node_read_twice_by_one_op_gets_both_cotangents():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: parameter, value: [3, -5]}, "
        "m: {op: multiply, inputs: [x, x]}, f: {op: sum, inputs: m}}}"
    )
    np.testing.assert_allclose(graphnn.backprop(net)["x.value"], [6.0, -10.0])


def test_gradients_that_ops_pass_along_are_arrays_of_their_own():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {p: {op: parameter, value: [1, 2]}, q: {op: parameter, value: [3, 4]},"
        " s: {op: add, inputs: [p, q]}, f: {op: sum, inputs: s}}}"
    )
    found = graphnn.backprop(net)
    found["p.value"] *= 7
    np.testing.assert_array_equal(found["q.value"], [1.0, 1.0])
    np.testing.assert_array_equal(graphnn.backprop(net)["p.value"], [1.0, 1.0])


def test_a_pass_gives_the_mean_of_whole_numbers_too():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: input, shape: [batch, 3]}, m: {op: argmax, inputs: x}}}"
    )
    x = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [3.0, 0.0, 0.0]])
    assert Reverse(net, loss="m")({"x": x}).loss == pytest.approx(4 / 3)


def test_shared_parameters_have_one_gradient():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: constant, value: [[1, 2]]}, "
        "a: {op: affine, inputs: x, weight: [[1, 0], [0, 1]], bias: false}, "
        "b: {op: affine, inputs: a, weight: {share: a.weight}, bias: false}, "
        "f: {op: sum, inputs: b}}}"
    )
    # f = sum(x W W); at W = 1: df/dW = x^T (W 1)^T + (x W)^T 1^T = 2 x^T 1^T.
    assert list(net.parameters) == ["a.weight"]
    expected = [[2.0, 2.0], [4.0, 4.0]]
    np.testing.assert_allclose(graphnn.backprop(net)["a.weight"], expected)
    numerical = graphnn.numerical_gradient(net)["a.weight"].value
    np.testing.assert_allclose(numerical, expected, rtol=1e-8)


def test_parameters_that_the_loss_does_not_need_have_gradient_zero():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {p: {op: parameter, value: [1, 2]}, q: {op: parameter, value: [3]},"
        " f: {op: sum, inputs: p}, g: {op: sum, inputs: q}}}"
    )
    np.testing.assert_array_equal(graphnn.backprop(net, loss="f")["q.value"], [0.0])
    np.testing.assert_array_equal(graphnn.backprop(net, loss="f")["p.value"], [1.0, 1.0])


def test_the_gradient_by_an_input():
    net, inputs = digits()
    found = graphnn.backprop(net, inputs, only=["x"])["x"]
    step = 1e-5
    for index in [(0, 0), (2, 3), (3, 5)]:
        moved = [inputs["x"].copy(), inputs["x"].copy()]
        moved[0][index] += step
        moved[1][index] -= step
        up, down = (net.loss(x=x, t=inputs["t"]) for x in moved)
        assert found[index] == pytest.approx((up - down) / (2 * step), rel=1e-6)


@settings(max_examples=20)
@given(rows=st.integers(1, 5), seed=st.integers(0, 1000), step=st.sampled_from([1e-3, 1e-4]))
def test_the_two_gradients_agree(rows, seed, step):
    net, inputs = digits(rows, seed)
    report = graphnn.check_gradients(net, inputs, step=step)
    assert report.ok, str(report)
    assert report.counts["agree"] == 6 * 5 + 5 + 5 * 3 + 3


def test_float32_networks_are_checked_in_float64():
    net = graphnn.loads(DIGITS.replace("nodes:", "dtype: float32\nnodes:"))
    inputs = digits()[1]
    assert graphnn.backprop(net, inputs)["a1.weight"].dtype == np.float32
    assert graphnn.numerical_gradient(net, inputs)["a1.weight"].value.dtype == np.float64
    assert graphnn.check_gradients(net, inputs)


def test_kinks_are_marked():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {p: {op: parameter, value: [0.00005, 0.5, -0.5]}, "
        "r: {op: relu, inputs: p}, f: {op: sum, inputs: r}}}"
    )
    found = graphnn.numerical_gradient(net, step=1e-4)["p.value"]
    assert found.kink.tolist() == [True, False, False]
    np.testing.assert_allclose(found.value, [0.75, 1.0, 0.0], atol=1e-9)
    report = graphnn.check_gradients(net, step=1e-4)
    assert report.ok
    assert (report.counts["agree"], report.counts["kink"]) == (2, 1)


def test_progress_is_reported_and_parameters_survive_an_interruption():
    net, inputs = digits()
    before = {name: array.copy() for name, array in net.parameters.items()}
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        graphnn.numerical_gradient(net, inputs, method="loop", progress=stop)
    assert seen == [(n, 53) for n in range(1, 8)]
    for name, array in net.parameters.items():
        np.testing.assert_array_equal(array, before[name])


@cases(r"""
    options= | expected
    {"method": "magic"}
        | error[unknown-method]: there is no method 'magic'
        \n   = help: there are probes, loop and complex
    {"rule": "centrl"}
        | error[unknown-rule]: there is no rule 'centrl'\n   = help: did you mean 'central'?
    {"step": 0.0} | error[bad-step]: the step must be positive, not 0.0
    {"only": ["a1.wieght"]}
        | error[unknown-parameter]: the network has no parameter 'a1.wieght'
        \n   = help: did you mean 'a1.weight'?
""")
def test_what_makes_no_sense_is_refused(options, expected):
    net, inputs = digits()
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.numerical_gradient(net, inputs, **options)
    assert str(caught.value) == expected


def test_a_network_without_a_loss_says_so():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: parameter, value: [1, 2]}, y: {op: exp, inputs: x}}}"
    )
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.backprop(net)
    assert str(caught.value) == (
        "error[no-loss]: the network has no loss\n"
        "   = help: add a loss op, or name a node: 'train: {loss: NODE}' or loss=..."
    )


@pytest.mark.parametrize("method", ["probes", "loop", "complex"])
def test_inputs_at_fault_are_reported_whatever_the_method(method):
    net, inputs = digits()
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.numerical_gradient(net, inputs | {"x": [[1, 2], [3]]}, method=method)
    assert str(caught.value) == (
        "error[not-numbers]: the input 'x' is not an array of numbers\n"
        "   = help: in nested lists, rows have one length"
    )


TWO = """
graphnn: 1
nodes:
  v: {op: parameter, value: [1, 2]}
  w: {op: parameter, value: [3, 4]}
  y: {op: add, inputs: [v, w]}
  z: {op: multiply, inputs: [y, y]}
  loss: {op: sum, inputs: z}
"""


def test_no_two_gradients_share_memory():
    net = graphnn.loads(TWO)
    found = graphnn.backprop(net, {})
    assert not np.shares_memory(found["v.value"], found["w.value"])
    found["v.value"] *= 0
    assert found["w.value"].tolist() == [8, 12] == graphnn.backprop(net, {})["v.value"].tolist()


def test_an_op_that_writes_in_its_cotangent_spoils_no_later_gradient():
    class Doubled(graphnn.Op, register=False):
        """Twice the sum."""

        op: Literal["doubled"] = "doubled"
        operands: ClassVar = (data("x", "n"),)
        result = ""

        def forward(self, x):
            return np.asarray(2 * x.sum())

        def vjp(self, cotangent, output, x):
            cotangent *= 2
            return (np.full_like(x, cotangent),)

    with registered(Doubled):
        net = graphnn.loads(TWO.replace("op: sum", "op: doubled"))
        for _ in range(2):
            with pytest.raises(graphnn.RunError, match=r"'loss'.*read-only"):
                graphnn.backprop(net, {})


@pytest.mark.parametrize(("signature", "layout"), [("n", "in"), ("n m", "in other")])
def test_a_parameter_whose_layout_has_no_channels(signature, layout):
    class Scaled(graphnn.Op, register=False):
        """Entries times entries of a parameter."""

        op: Literal["scaled"] = "scaled"
        operands: ClassVar = (data("x", "b n m"), parameter("w", signature, Ones(), layout=layout))
        result = "b n m"

        def forward(self, x, w):
            return x * w.reshape(len(w), -1)

        def vjp(self, cotangent, output, x, w):
            by_w = (cotangent * x).sum(axis=0)
            whole = by_w if w.ndim == 2 else by_w.sum(axis=1)
            return cotangent * w.reshape(len(w), -1), whole

    with registered(Scaled):
        net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 70, 2]}
  y: {op: scaled, inputs: x}
  t: {op: input, shape: [batch, 70, 2]}
  loss: {op: mean_squared_error, inputs: [y, t]}
""")
        rng = np.random.default_rng(0)
        found = graphnn.check_gradients(
            net, x=rng.normal(size=(2, 70, 2)), t=rng.normal(size=(2, 70, 2))
        )
        assert found.counts["agree"] == net.parameters["y.w"].size
