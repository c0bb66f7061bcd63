"""The laws of networks as a user calls them."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.execution import Executor
from graphnn.ops import REGISTRY
from graphnn.testing import (
    BrokenLaw,
    assert_equivalent,
    assert_gradients_agree,
    check_network,
)

TEXT = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 3]}
  t:    {op: input, shape: [batch, 2]}
  a:    {op: affine, inputs: x, units: 4}
  z:    {op: tanh, inputs: a}
  y:    {op: affine, inputs: z, units: 2}
  loss: {op: mean_squared_error, inputs: [y, t]}
outputs: [y]
"""
RENAMED = TEXT.replace(" a:", " hidden:").replace("inputs: a,", "inputs: hidden,")
RENAMED = RENAMED.replace("inputs: a}", "inputs: hidden}")


def test_a_sound_network_keeps_the_laws():
    check_network(graphnn.loads(TEXT))


def wrong_vjp(monkeypatch):
    right = REGISTRY["tanh"].vjp
    wrong = lambda *arrays: tuple(1.01 * found for found in right(*arrays))  # noqa: E731
    monkeypatch.setattr(REGISTRY["tanh"], "vjp", wrong)


def test_a_wrong_backward_pass_is_caught(monkeypatch):
    wrong_vjp(monkeypatch)
    net = graphnn.loads(TEXT)
    with pytest.raises(BrokenLaw, match="wrong backward") as caught:
        check_network(net)
    assert caught.value.__notes__ == [
        "the network breaks the law 'backprop_is_the_numerical_gradient': "
        "Backpropagation agrees with the numerical gradient."
    ]
    check_network(net, skip={"backprop_is_the_numerical_gradient": "planted"})
    with pytest.raises(graphnn.UsageError, match="there is no law 'backprop' to skip"):
        check_network(net, skip={"backprop": "planted"})


def test_gradients_that_agree_and_that_do_not():
    net = graphnn.loads(TEXT)
    rng = np.random.default_rng(0)
    batch = {"x": rng.normal(size=(4, 3)), "t": rng.normal(size=(4, 2))}
    assert_gradients_agree(net, batch)
    given = graphnn.backprop(net, batch)
    given["a.bias"][1] *= 1.01
    with pytest.raises(BrokenLaw, match=r"a\.bias\[1\]: wrong backward \(1 of 4\)"):
        assert_gradients_agree(net, batch, gradients=given)


def test_a_false_fact_is_caught(monkeypatch):
    monkeypatch.setattr(REGISTRY["softmax"], "channelwise", True)
    net = graphnn.loads(TEXT.replace("op: tanh", "op: softmax"))
    with pytest.raises((BrokenLaw, ValueError)):
        check_network(net)


def test_a_run_that_depends_on_the_one_before_is_caught(monkeypatch):
    right, last = Executor.run, [0.0]

    def run(self, inputs, parameters):
        found = right(self, inputs, parameters)
        last[0] += 1
        return {name: value + 1e-9 * last[0] for name, value in found.items()}

    monkeypatch.setattr(Executor, "run", run)
    with pytest.raises(BrokenLaw, match="'y' in a second run is"):
        check_network(graphnn.loads(TEXT))


def test_a_network_without_a_loss_or_parameters():
    nodes = {"x": {"op": "input", "shape": ["batch", 2]}, "y": {"op": "relu", "inputs": "x"}}
    check_network(graphnn.loads({"graphnn": 1, "nodes": nodes}))


def test_equivalent_networks():
    assert_equivalent(graphnn.loads(TEXT), graphnn.loads(TEXT, seed=3))
    assert_equivalent(graphnn.loads(TEXT), graphnn.loads(RENAMED), names={"a": "hidden"})
    assert_equivalent(graphnn.loads(TEXT, seed=3), graphnn.loads(RENAMED), names={"a": "hidden"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tanh", "sigmoid", "'y' of the second is "),
        ("[batch, 3]", "[batch, 4]", "their inputs differ: 'x' float [batch, 3], "),
        ("units: 4", "units: 5", "their parameters differ: 'a.weight' [3, 4], "),
        ("outputs: [y]", "outputs: [z]", "their outputs differ: 'y' [batch, 2], "),
    ],
)
def test_networks_that_differ(old, new, message):
    with pytest.raises(BrokenLaw) as caught:
        assert_equivalent(graphnn.loads(TEXT), graphnn.loads(TEXT.replace(old, new)))
    assert str(caught.value).startswith(message)
