"""Curves through a few points stand for all moves of a channel, or say that they do not."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import graphnn
from gradient_laws import assert_engine_is_loop
from graphnn.gradients.numerical.engine import by_channel, chebyshev
from graphnn.ops import REGISTRY, Op, data

EPSILON = float(np.finfo(float).eps)


def fitted(function, count, size=1.0):
    at = chebyshev.points(count)
    values = np.array([[function(t) - function(0.0)] for t in at.places])
    return chebyshev.fit(values, at, np.array([size]))


def value(found, t):
    powers = found.powers[:, 0]
    return sum(a * t ** (power + 1) for power, a in enumerate(powers))


@pytest.mark.parametrize(("count", "degree"), [(4, 3), (8, 6), (16, 14)])
def test_a_polynomial_is_found(count, degree):
    assert chebyshev.points(count).degree == degree  # of more than four, one shows what is left out
    exact = [(-1) ** power * 2.0 / power for power in range(1, degree + 1)]

    def polynomial(t):
        return sum(a * t ** (power + 1) for power, a in enumerate(exact))

    found = fitted(polynomial, count)
    assert found.resolved[0]
    np.testing.assert_allclose(found.powers[:, 0], exact, rtol=0, atol=1e-12 * 4**count)


@pytest.mark.parametrize(
    ("count", "rate", "resolved"),
    [(4, 1e-5, True), (4, 0.1, False), (8, 0.01, True), (8, 1.0, False), (16, 0.3, True)],
)
def test_an_exponential_is_resolved_where_its_series_is_short_enough(count, rate, resolved):
    # The last coefficients are about 2 (rate / 2)^n / n!, n being 4, 7 and 15.
    found = fitted(lambda t: math.exp(rate * t), count)
    assert bool(found.resolved[0]) is resolved
    if resolved:
        for t in np.linspace(-1, 1, 41):
            assert abs(value(found, t) - math.expm1(rate * t)) < 8 * EPSILON


@pytest.mark.parametrize("count", [4, 8, 16])
@pytest.mark.parametrize("kink", [0.0, 0.3, -0.9])
def test_a_kink_is_not_resolved(count, kink):
    assert not fitted(lambda t: abs(t - kink), count).resolved[0]
    assert not fitted(lambda t: t + 1e-3 * abs(t - kink), count).resolved[0]
    assert not fitted(lambda t: float(t > kink), count).resolved[0]


@pytest.mark.parametrize("count", [8, 16])
@pytest.mark.parametrize("end", [-1, 1])
def test_a_bend_at_one_end_is_not_taken_for_noise(count, end):
    assert not fitted(lambda t: t + 2e-9 * math.exp(150 * (end * t - 1)), count).resolved[0]


def test_noise_is_distinguished_from_what_is_there():
    rng = np.random.default_rng(0)
    at = chebyshev.points(8)
    noise = 1e-12 * rng.standard_normal((8, 1000))
    values = 0.3 * at.places[:, None] + noise
    found = chebyshev.fit(values, at, np.full(1000, 1e-3))
    assert found.resolved.mean() > 0.9
    off = found.powers[0] - 0.3
    # Of eight draws, each by 2/8 of a cosine: half of one draw, where no more is kept than that.
    assert np.median(np.abs(off)) == pytest.approx(0.6745 * 0.5e-12, rel=0.3)
    assert 0.5 < np.median(found.noise) / 0.5e-12 < 2


@settings(max_examples=20)
@given(
    seed=st.integers(0, 999),
    activation=st.sampled_from(["sigmoid", "tanh", "relu", "gelu", "softplus", "softmax"]),
    inputs=st.integers(3, 30),
    size=st.sampled_from([0.01, 1.0, 30.0]),
    step=st.sampled_from([None, 1e-8, 1e-4, 1e-2, 0.3]),
    rule=st.sampled_from([("central", 2), ("central", 4), ("forward", 1)]),
)
# A loss that bends sharply at the end of the largest move: coefficients that hardly fall off, 1e-9
# of the slope and 1e6 times rounding.
@example(seed=676, activation="relu", inputs=3, size=30.0, step=0.3, rule=("central", 4))
def test_many_inputs_give_the_numbers_of_the_loop(seed, activation, inputs, size, step, rule):
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "x": {"op": "input", "shape": ["batch", inputs]},
                "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
                "a": {"op": "affine", "inputs": "x", "units": 4, "bias": {"normal": {"std": 1}}},
                "z": {"op": activation, "inputs": "a"},
                "b": {"op": "affine", "inputs": "z", "units": 3},
                "y": {"op": "softmax", "inputs": "b"},
                "loss": {"op": "cross_entropy", "inputs": ["y", "t"]},
            },
        },
        seed=seed,
    )
    rng = np.random.default_rng(seed)
    batch = {"x": size * rng.normal(size=(3, inputs)), "t": rng.integers(0, 3, 3)}
    options = {} if step is None else {"step": step}
    default = EPSILON ** (1 / (rule[1] + 1))
    assert_engine_is_loop(net, batch, rule=rule[0], order=rule[1], **{"step": default, **options})


def test_a_kink_that_an_op_keeps_to_itself_is_found_all_the_same():
    class Bend(Op):
        """Absolute value, without a word of its kink."""

        op: Literal["bend"] = "bend"
        operands = (data("x", "..."),)
        batchwise = True
        channelwise = True

        def forward(self, x):
            return np.abs(x)

    try:
        net = graphnn.loads(
            """
            graphnn: 1
            nodes:
              x: {op: input, shape: [batch, 8]}
              t: {op: input, shape: [batch, 3]}
              a: {op: affine, inputs: x, units: 3}
              z: {op: bend, inputs: a}
              loss: {op: sum_squared_error, inputs: [z, t]}
            """
        )
        rng = np.random.default_rng(0)
        inputs = {"x": rng.normal(size=(4, 8)), "t": rng.normal(size=(4, 3))}
        # The kink lies between 0 and the largest move.
        before = net.parameters["a.weight"]
        net.assign({"a.bias": 1e-4 - (inputs["x"] @ before)[0]})
        assert_engine_is_loop(net, inputs, step=1e-3)
    finally:
        del REGISTRY["bend"]


def test_curves_that_are_off_are_caught(monkeypatch):
    right = chebyshev.points

    def wrong(count):
        at = right(count)
        return chebyshev.Points(at.places, at.coefficients, at.powers * 1.0001)

    monkeypatch.setattr(by_channel, "points", wrong)
    net = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: input, shape: [batch, 6]}, a: {op: affine, inputs: x,"
        " units: 2}, t: {op: input, shape: [batch, 2]}, loss: {op: mean_squared_error,"
        " inputs: [a, t]}}}"
    )
    rng = np.random.default_rng(0)
    with pytest.raises(AssertionError):
        assert_engine_is_loop(
            net, {"x": rng.normal(size=(3, 6)), "t": rng.normal(size=(3, 2))}, step=1e-3
        )


def test_curves_are_what_is_evaluated(monkeypatch):
    moved = []
    right = by_channel.ByChannel._moved
    monkeypatch.setattr(
        by_channel.ByChannel, "_moved", lambda self, *a: moved.append(a) or right(self, *a)
    )
    net = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: input, shape: [batch, 60]}, a: {op: affine, inputs: x,"
        " units: 2, bias: false}, t: {op: input, shape: [batch, 2]}, z: {op: tanh, inputs: a},"
        " loss: {op: mean_squared_error, inputs: [z, t]}}}"
    )
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(3, 60)), "t": rng.normal(size=(3, 2))}
    graphnn.numerical_gradient(net, inputs)
    assert not moved
