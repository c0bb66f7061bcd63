"""The engine gives the numbers of the loop, whatever the graph; planted false facts show."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import graphnn
from gradient_cases import digits, parts
from gradient_laws import assert_engine_is_loop
from graphnn.ops import REGISTRY, Op, data
from graphnn.ops.families.activation import Softmax
from graphnn.ops.families.linear import Affine
from graphnn.testing import NetworkCase, networks


def entropy(*ops):
    """The entropy of a probability of 0.99, and its mean square behind `ops`."""
    nodes = {
        "p": {"op": "parameter", "value": [0.99]},
        "n": {"op": "binary_cross_entropy", "inputs": ["p", "p"]},
    }
    for op in ops:
        nodes["m"] = {"op": op, "inputs": "n"}
        nodes["l"] = {"op": "mean_squared_error", "inputs": ["m", "m"]}
    return NetworkCase({"graphnn": 1, "nodes": nodes, "outputs": [list(nodes)[-1]]}, {})


@pytest.mark.parametrize("examples", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_the_engine_gives_the_numbers_of_the_loop(examples):
    @settings(max_examples=examples)
    @given(
        case=networks(),
        rule=st.sampled_from([("central", 2), ("central", 4), ("forward", 1)]),
        step=st.sampled_from([None, 1e-2, 1e-3, 1e-4, 1e-5]),
        mode=st.sampled_from(["run", "train"]),
        seed=st.integers(0, 99),
        dtype=st.sampled_from(["float64", "float32"]),
    )
    # Steps that lead out of the domain of an op: 0.99 + 0.01 is more than 1 in float32.
    @example(entropy(), ("central", 2), 1e-2, "run", 0, "float32")
    @example(entropy("absolute"), ("central", 2), 1e-2, "run", 0, "float32")
    @example(entropy(), ("central", 4), 1e-2, "run", 0, "float64")
    def law(case, rule, step, mode, seed, dtype):
        net = graphnn.loads({**case.document, "dtype": dtype})
        options = {"rule": rule[0], "order": rule[1], "step": step, "mode": mode, "seed": seed}
        assert_engine_is_loop(net, case.inputs, **options)

    law()


@pytest.mark.parametrize("method", ["loop", "probes"])
@pytest.mark.parametrize(
    ("point", "verdicts"),
    [
        (0.5, {"agree": 2}),
        (0.005, {"agree": 1, "unresolved": 1}),  # the logarithm of -0.005 is not a number
        (0.01, {"agree": 1, "unresolved": 1}),  # that of 0 is infinite
    ],
)
def test_a_step_out_of_the_domain_leaves_the_other_entries(method, point, verdicts):
    nodes = {
        "p": {"op": "parameter", "value": [0.5, point]},
        "y": {"op": "log", "inputs": "p"},
        "f": {"op": "sum", "inputs": "y"},
    }
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    report = graphnn.check_gradients(net, method=method, loss="f", step=0.01, tolerance=1e-3)
    (found,) = report.parameters
    assert {name: count for name, count in found.counts.items() if count} == verdicts


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("rows", [1, 7, 300])
def test_any_number_of_workers_gives_the_same(workers, rows):
    net, inputs = digits(rows)
    found = graphnn.numerical_gradient(net, inputs, workers=workers)
    alone = graphnn.numerical_gradient(net, inputs, workers=1)
    for name, estimate in found.items():
        np.testing.assert_array_equal(estimate.value, alone[name].value)
    assert_engine_is_loop(net, inputs, step=1e-3)


@pytest.mark.parametrize("memory", [1, 5000, 10**6])
def test_little_memory_gives_the_same_by_more_tables(memory):
    net, inputs = digits(20)
    found = graphnn.numerical_gradient(net, inputs, max_memory=memory)
    whole = graphnn.numerical_gradient(net, inputs)
    for name, estimate in found.items():
        for ours, theirs in zip(parts(estimate), parts(whole[name]), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_orders_converge_as_they_promise():
    net, inputs = digits()
    exact = graphnn.backprop(net, inputs)["a1.weight"]

    def worst(order, step):
        options = {"order": order, "step": step, "only": ["a1.weight"], "estimate": False}
        found = graphnn.numerical_gradient(net, inputs, **options)["a1.weight"].value
        return np.abs(found - exact).max()

    # Halving the step divides the error by 2**order.
    assert worst(2, 0.2) / worst(2, 0.1) == pytest.approx(4, rel=0.1)
    assert worst(4, 0.2) / worst(4, 0.1) == pytest.approx(16, rel=0.1)


@pytest.mark.parametrize("order", [2, 4])
def test_the_estimates_hold(order):
    outside = total = 0
    wide = []
    for seed in range(10):
        net, inputs = digits(5, seed)
        exact = graphnn.backprop(net, inputs)
        for name, found in graphnn.numerical_gradient(net, inputs, order=order).items():
            error = np.abs(found.value - exact[name])
            outside += int((error > 10 * found.error + 1e-15).sum())
            total += error.size
            wide.append((found.error / np.maximum(error, 1e-15)).ravel())
    assert outside <= total / 1000
    assert np.median(np.concatenate(wide)) < 1000


def test_an_entry_that_moves_nothing_has_no_error():
    net, inputs = digits()
    inputs["x"][:, 2] = 0
    found = graphnn.numerical_gradient(net, inputs)["a1.weight"]
    assert (found.value[2] == 0).all()
    assert (found.error[2] == 0).all()
    assert (found.error[[0, 1, 3]] > 0).all()


def test_a_parameter_the_loss_does_not_need_has_gradient_zero():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {p: {op: parameter, value: [1, 2]}, q: {op: parameter, value: [3]},"
        " f: {op: sum, inputs: p}, g: {op: sum, inputs: q}}}"
    )
    for method in ("loop", "probes"):
        found = graphnn.numerical_gradient(net, loss="f", method=method)["q.value"]
        assert found.value.tolist() == [0.0]


def test_an_entry_of_a_filter_that_reads_zeros_alone_moves_nothing():
    image = {"op": "parameter", "value": [[[[0.0]]]]}
    filters = {"op": "conv2d", "inputs": "p", "weight": [[[[2.0]]]]}
    nodes = {"p": image, "y": filters, "f": {"op": "sum", "inputs": "y"}}
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    found = graphnn.numerical_gradient(net, loss="f")
    assert found["y.weight"].value.tolist() == [[[[0.0]]]]
    np.testing.assert_allclose(found["p.value"].value, [[[[2.0]]]], rtol=1e-9)


def test_steps_may_differ_by_parameter():
    net, inputs = digits()
    one = graphnn.numerical_gradient(net, inputs, step={"a1.weight": 1e-2})
    other = graphnn.numerical_gradient(net, inputs, step=1e-2)
    default = graphnn.numerical_gradient(net, inputs)
    np.testing.assert_array_equal(one["a1.weight"].value, other["a1.weight"].value)
    np.testing.assert_array_equal(one["a2.weight"].value, default["a2.weight"].value)


NARROW = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch, 3]}
  a: {op: affine, inputs: x, units: 3}
  y: {op: softmax, inputs: a}
  loss: {op: mean_squared_error, inputs: [y, t]}
"""


def test_a_false_claim_of_channels_is_caught(monkeypatch):
    monkeypatch.setattr(Softmax, "channelwise", True)
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(4, 3)), "t": rng.normal(size=(4, 3))}
    with pytest.raises(AssertionError):
        assert_engine_is_loop(graphnn.loads(NARROW), inputs)


@pytest.mark.parametrize("claim", [False, True])
def test_a_false_claim_of_rows_is_caught(claim):
    class Centre(Op):
        """Rows less their mean, which couples them."""

        op: Literal["centre"] = "centre"
        operands = (data("x", "batch n"),)
        result = "batch n"
        batchwise = claim

        def forward(self, x):
            return x - x.mean(axis=0)

    text = NARROW.replace("op: softmax", "op: centre")
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(4, 3)), "t": rng.normal(size=(4, 3))}
    try:
        if claim:
            with pytest.raises(AssertionError):
                assert_engine_is_loop(graphnn.loads(text), inputs)
        else:
            assert_engine_is_loop(graphnn.loads(text), inputs)
    finally:
        del REGISTRY["centre"]


@pytest.mark.parametrize("fact", ["response", "spread"])
def test_a_false_fact_of_affine_is_caught(monkeypatch, fact):
    right = getattr(Affine, fact)

    def wrong(self, *arguments):
        return 1.01 * right(self, *arguments)

    monkeypatch.setattr(Affine, fact, wrong)
    net, inputs = digits()
    with pytest.raises(AssertionError):
        assert_engine_is_loop(net, inputs)


@pytest.mark.parametrize("fact", ["response", "spread"])
def test_facts_that_are_missing_cost_speed_only(monkeypatch, fact):
    monkeypatch.setattr(Affine, fact, lambda self, *arguments: None)
    net, inputs = digits()
    assert_engine_is_loop(net, inputs)


def test_an_order_that_is_not_there():
    net, inputs = digits()
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.numerical_gradient(net, inputs, order=3)
    assert str(caught.value) == (
        "error[unknown-order]: the central rule has no order 3\n   = help: its order is 2 or 4"
    )
