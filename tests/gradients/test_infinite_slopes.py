"""Slopes that are infinite: what they leave finite, and what is said of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphnn
from graphnn.execution import Step
from graphnn.gradients import Reverse, fault_of_gradient
from graphnn.gradients._backprop import _stopped_at_zeros
from graphnn.ops import REGISTRY
from graphnn.testing.strategies import op_cases

INFINITE = "the gradient is not finite: the slope of 's' (sqrt) is infinite"
ONES = np.ones((2, 3))


def network(nodes, target="[batch, 3]"):
    text = "\n".join(f"  {line}" for line in nodes.strip().splitlines())
    return graphnn.loads(
        "graphnn: 1\nnodes:\n"
        f"  x: {{op: input, shape: [batch, 3]}}\n{text}\n"
        f"  t: {{op: input, shape: {target}}}\n"
        "  l: {op: mean_squared_error, inputs: [m, t]}\n"
    )


ROOT_OF_RECTIFIER = """
w: {op: parameter, value: [-1, 4, -3]}
r: {op: relu, inputs: w}
s: {op: sqrt, inputs: r}
m: {op: multiply, inputs: [s, x]}
"""


def test_the_root_of_a_rectifier_is_flat_where_the_rectifier_is():
    net = network(ROOT_OF_RECTIFIER)
    rows = {"x": ONES, "t": 0 * ONES}
    # The mean of w_1 / 3 over the rows, and of what is 0 around -1 and -3.
    np.testing.assert_allclose(graphnn.backprop(net, rows)["w.value"], [0, 1 / 3, 0], rtol=1e-15)
    assert graphnn.check_gradients(net, rows).counts["agree"] == 3


SIAMESE = """
v: {op: input, shape: [batch, 3]}
y: {op: input, shape: [batch]}
a: {op: affine, inputs: x, units: 2, weight: [[1, 2], [3, 4], [5, 6]], bias: false}
b: {op: affine, inputs: v, units: 2, weight: {share: a.weight}, bias: false}
e: {op: subtract, inputs: [a, b]}
q: {op: power, inputs: e, exponent: 2}
u: {op: sum, inputs: q, axis: 1}
d: {op: sqrt, inputs: u}
p: {op: power, inputs: d, exponent: 2}
m: {op: multiply, inputs: [y, p]}
"""


def test_an_identical_pair_leaves_the_gradient_of_the_others():
    net = network(SIAMESE, "[batch]")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3))
    v = np.array([x[0], rng.normal(size=3)])
    rows = {"x": x, "v": v, "y": np.ones(2), "t": np.zeros(2)}
    found = graphnn.backprop(net, rows)["a.weight"]
    # Of the second pair: l = |g W|^4 / 2 with g = x - v.
    g, weight = x[1] - v[1], net.parameters["a.weight"]
    distance = g @ weight
    expected = 2 * (distance @ distance) * np.outer(g, distance)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


SINGULAR = """
w: {op: parameter, value: [0, 4, 1]}
s: {op: sqrt, inputs: w}
i: {op: identity, inputs: s}
m: {op: multiply, inputs: [i, x]}
"""


def reversed_pass(net, rows):
    reverse = Reverse(net)
    with np.errstate(all="ignore"):
        return reverse(rows), fault_of_gradient(reverse, rows, None)


def test_a_singular_point_names_the_node_where_it_begins():
    found, fault = reversed_pass(network(SINGULAR), {"x": ONES, "t": 1 + ONES})
    assert not found.finite
    assert np.array_equal(np.isfinite(found.gradients["w.value"]), [False, True, True])
    assert fault.message == INFINITE
    assert fault.help == "keep what it reads away from there, as by adding a small constant"


def test_a_cotangent_that_overflows_is_no_infinite_slope():
    nodes = """
w: {op: parameter, value: [1.0e-300, 1.0e-300, 1.0e-300]}
c: {op: constant, value: 1.0e+200}
p: {op: multiply, inputs: [w, c]}
q: {op: multiply, inputs: [p, c]}
m: {op: multiply, inputs: [q, x]}
"""
    # 2/3 of 1e100 / 2 comes to 'q', so 1e300 to 'p', and too much to 'w'.
    found, fault = reversed_pass(network(nodes), {"x": ONES, "t": 0 * ONES})
    assert not found.finite
    assert fault.message == (
        "the gradient is not finite: 'p' (multiply) is the first to pass back what is not"
    )
    assert fault.help == ""


def test_large_gradients_are_finite():
    nodes = "w: {op: parameter, value: [1, 1, 1]}\nm: {op: multiply, inputs: [w, x]}"
    # Squares of 1e160 overflow, which only calls for a closer look.
    found, _ = reversed_pass(network(nodes), {"x": 1e100 * ONES, "t": 1e60 + 0 * ONES})
    assert found.finite
    np.testing.assert_allclose(found.gradients["w.value"], 2 / 3 * 1e200, rtol=1e-12)


@pytest.mark.parametrize(
    ("op", "values", "slopes"),
    [
        ("relu", [-1, 4, -3], [0, 1 / 3, 0]),
        ("{op: clip, low: 0, high: 4}", [-1, 1, 9], [0, 1 / 3, 0]),
        ("step", [-1, -2, -3], [0, 0, 0]),
    ],
)
def test_flat_pieces_stop_what_is_not_finite(op, values, slopes):
    op = op.strip("{}").removeprefix("op: ")
    nodes = ROOT_OF_RECTIFIER.replace("relu", op).replace("[-1, 4, -3]", str(values))
    rows = {"x": ONES, "t": 0 * ONES}
    found = graphnn.backprop(network(nodes), rows)["w.value"]
    np.testing.assert_allclose(found, slopes, rtol=1e-15)


def test_training_stops_before_the_step_and_names_the_node(tmp_path):
    (tmp_path / "data.csv").write_text("x,t\n1,2\n1,3\n")
    (tmp_path / "net.yaml").write_text(
        "graphnn: 1\nnodes:\n"
        "  x: {op: input, shape: [batch, 1]}\n"
        "  w: {op: parameter, value: [0]}\n"
        "  s: {op: sqrt, inputs: w}\n"
        "  m: {op: multiply, inputs: [x, s]}\n"
        "  t: {op: input, shape: [batch, 1]}\n"
        "  l: {op: mean_squared_error, inputs: [m, t]}\n"
        "train: {data: {csv: data.csv}, epochs: 1}\n"
    )
    with pytest.raises(graphnn.GraphnnError) as caught:
        graphnn.train(tmp_path / "net.yaml")
    (found,) = caught.value.diagnostics
    assert found.code == "not-finite"
    assert found.message == INFINITE
    assert found.help == "keep what it reads away from there, as by adding a small constant"


WITH_FACTORS = sorted(name for name, op in REGISTRY.items() if op.factors)


@pytest.mark.parametrize("name", WITH_FACTORS)
def test_0_times_infinity_is_0_where_an_operand_moves_nothing(name):
    @settings(max_examples=8)
    @given(op_cases(REGISTRY[name]), st.integers(0, 2**16))
    def law(case, seed):
        rng = np.random.default_rng(seed)
        arrays = [a if a is None else a * (rng.random(a.shape) < 0.5) for a in case.arrays]
        if name == "divide":
            arrays[1] = case.arrays[1]
        with np.errstate(all="ignore"):
            output = case.op.forward(*arrays)
            cotangent = rng.normal(size=output.shape)
            lost = rng.random(output.shape) < 0.5
            arguments = tuple(None if a is None else n for n, a in enumerate(arrays))
            reached = {n: {n} for n in arguments if n is not None}
            step = Step("y", case.op, arguments, len(arrays))
            vjp = _stopped_at_zeros(case.op.vjp, step, reached)
            found = vjp(np.where(lost, np.inf, cotangent), output, *arrays)
            finite = case.op.vjp(np.where(lost, 0, cotangent), output, *arrays)
        for n, part in enumerate(found):
            for at in np.ndindex(part.shape if part is not None else ()):
                if part is None:
                    continue
                moved = [None if a is None else np.array(a) for a in arrays]
                moved[n][at] += 1
                reaches = (case.op.forward(*moved) != output) & lost
                assert np.isfinite(part[at]) == (not reaches.any())
                if not reaches.any():
                    np.testing.assert_allclose(part[at], finite[n][at], rtol=1e-9, atol=1e-12)

    law()


ROOT_OF_PRODUCT = """
w: {op: parameter, value: [3, 4, 5]}
c: {op: constant, value: [0, 1, 0]}
p: PRODUCT
s: {op: sqrt, inputs: p}
m: {op: multiply, inputs: [s, x]}
"""


@pytest.mark.parametrize(
    "product",
    [
        "{op: multiply, inputs: [w, c]}",
        "{op: matmul, inputs: [v, d]}\n"
        "v: {op: reshape, inputs: w, shape: [1, 3]}\n"
        "d: {op: constant, value: [[0, 0, 0], [0, 1, 0], [0, 0, 0]]}",
        "{op: divide, inputs: [c, i]}\ni: {op: power, inputs: w, exponent: -1}",
    ],
)
def test_the_root_of_what_is_always_0_is_flat(product):
    net = network(ROOT_OF_PRODUCT.replace("PRODUCT", product))
    rows = {"x": ONES, "t": 0 * ONES}
    # Of w_1 / 3 again.
    np.testing.assert_allclose(graphnn.backprop(net, rows)["w.value"], [0, 1 / 3, 0], rtol=1e-15)
    assert graphnn.check_gradients(net, rows).counts["agree"] == 3


def test_two_factors_of_one_parameter_are_singular_where_both_are_0():
    # The root of w w is |w|, and that of v w has partial derivatives on the axes.
    alone = network(ROOT_OF_RECTIFIER.replace("relu, inputs: w", "multiply, inputs: [w, w]"))
    alone.assign({"w.value": [0, 1, 2]})
    rows = {"x": ONES, "t": 1 + ONES}
    assert graphnn.check_gradients(alone, rows).counts["singular"] == 1
    two = ROOT_OF_RECTIFIER.replace("relu, inputs: w", "multiply, inputs: [w, v]")
    two = network(two + "v: {op: parameter, value: [0, 1, 2]}")
    two.assign({"w.value": [0, 1, 2]})
    assert graphnn.check_gradients(two, rows).counts["agree"] == 6
