"""Error estimates hold, and are not much too wide, over networks of all kinds."""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings

import graphnn
from gradient_cases import digits
from graphnn.gradients.numerical import estimates
from graphnn.testing import networks
from places import ROOT

HELD, WIDE = 0.999, 1000


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("error_estimates")


OPTIONS = [
    *("default", "loop", "order 4", "forward", "richardson", "h = 1e-2", "h = 1e-4", "h = 1e-8"),
]


def test_every_option_is_studied(benchmark):
    assert list(benchmark.OPTIONS) == OPTIONS


@pytest.mark.parametrize(
    "name", [*OPTIONS[:1], *(pytest.param(name, marks=pytest.mark.slow) for name in OPTIONS[1:])]
)
def test_estimates_hold_over_random_networks(benchmark, name):
    found = benchmark.study(range(30), benchmark.OPTIONS[name])
    assert found.entries > 2000
    assert found.share >= HELD
    assert found.median < WIDE


def test_estimates_that_leave_rounding_out_are_caught(benchmark, monkeypatch):
    right = estimates.rounding
    monkeypatch.setattr(estimates, "rounding", lambda *given: right(*given) / 1e4)
    assert benchmark.study(range(5), {}).share < HELD


def test_estimates_hold_over_any_graph():
    outside = total = 0

    @settings(max_examples=30, derandomize=True, database=None)
    @given(networks())
    def draw(case):
        nonlocal outside, total
        net, inputs = case.network(), case.inputs
        truth = graphnn.numerical_gradient(net, inputs, method="complex")
        for name, found in graphnn.numerical_gradient(net, inputs).items():
            error = np.abs(found.value - truth[name].value)[~found.kink]
            outside += int((error > 10 * found.error[~found.kink]).sum())
            total += error.size

    draw()
    assert total > 300
    assert outside <= (1 - HELD) * total


@pytest.mark.parametrize("method", ["probes", "loop"])
def test_a_saturated_network_raises_no_false_alarm(method):
    # The loss is 0 to the last digit and nothing moves it, though its derivatives are not 0.
    net, inputs = digits()
    net.assign({"a2.weight": np.zeros((5, 3)), "a2.bias": [40.0, 0.0, 0.0]})
    inputs["t"][:] = 0
    assert net.loss(inputs) == 0
    assert (graphnn.backprop(net, inputs)["a2.weight"] != 0).any()
    assert graphnn.check_gradients(net, inputs, method=method)


@pytest.mark.parametrize("method", ["probes", "loop"])
def test_a_loss_near_0_rounds_as_the_logarithm_of_a_number_near_1(method):
    net, inputs = digits()
    net.assign({"a2.weight": np.zeros((5, 3)), "a2.bias": [33.0, 0.0, 0.0]})
    inputs["t"][:] = 0
    assert 0 < net.loss(inputs) < 1e-14
    assert graphnn.check_gradients(net, inputs, method=method)


@pytest.mark.parametrize("method", ["probes", "loop"])
def test_large_numbers_that_cancel_are_reported(method):
    # f = (w + 1e8) - 1e8: the sum keeps 8 digits after the point, whatever the loss's own size.
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "w": {"op": "parameter", "value": np.linspace(0.1, 0.9, 50).tolist()},
                "c": {"op": "constant", "value": 1e8},
                "up": {"op": "add", "inputs": ["w", "c"]},
                "down": {"op": "subtract", "inputs": ["up", "c"]},
                "f": {"op": "sum", "inputs": "down"},
            },
        }
    )
    found = graphnn.numerical_gradient(net, method=method)["w.value"]
    error = np.abs(found.value - 1)
    assert error.max() > 1e-4
    assert (error <= 10 * found.error).all()


def test_no_estimate_is_made_where_none_is_asked_for():
    net, inputs = digits()
    exact = graphnn.backprop(net, inputs)["a1.bias"]
    for method, near in (("probes", 1e-8), ("loop", 1e-8), ("complex", 1e-15)):
        found = graphnn.numerical_gradient(net, inputs, method=method, estimate=False)["a1.bias"]
        assert np.isnan(found.error).all()
        np.testing.assert_allclose(found.value, exact, rtol=0, atol=near)


@pytest.mark.parametrize(("errors", "verdict"), [(9.7, "agree"), (10.3, "wrong backward")])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_estimated_error_is_trusted_to_a_factor_of_ten(errors, verdict, sign):
    net, inputs = digits()
    # Of so large a step the error is far more than what backpropagation may round.
    options = {"step": 1e-2, "order": 2}
    found = graphnn.numerical_gradient(net, inputs, **options)["a1.weight"]
    assert found.error.min() > 1e-9
    given = {"a1.weight": found.value + sign * errors * found.error}
    report = graphnn.check_gradients(net, inputs, gradients=given, **options)
    assert report.counts[verdict] == found.value.size
