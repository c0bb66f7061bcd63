"""Losses with weights: the sum that training makes small, and its gradient."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

import graphnn
from graphnn.gradients import backprop, check_gradients
from tables import cases

NETWORK = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  a: {op: affine, inputs: x, units: 2}
  z: {op: tanh, inputs: a}
  y: {op: affine, inputs: z, units: 4}
  reconstruction: {op: mean_squared_error, inputs: [y, x]}
  s: {op: power, inputs: a, exponent: 2}
  divergence: {op: sum, inputs: s, axis: 1}
"""
X = np.random.default_rng(0).normal(size=(6, 4))


def network(loss):
    return graphnn.loads(NETWORK + f"train: {{loss: {loss}, epochs: 2}}\n")


def test_the_loss_is_the_weighted_sum_of_the_means():
    net = network("{reconstruction: 2.5, divergence: 0.1}")
    values = net.run({"x": X}, outputs=["reconstruction", "divergence"])
    means = {name: value.mean() for name, value in values.items()}
    wanted = 2.5 * means["reconstruction"] + 0.1 * means["divergence"]
    assert_allclose(net.loss({"x": X}), wanted, rtol=1e-14)


def test_the_gradient_is_the_weighted_sum_of_gradients():
    net = network("{reconstruction: 1, divergence: 0.1}")
    parts = [backprop(net, {"x": X}, loss=name) for name in ("reconstruction", "divergence")]
    for name, found in backprop(net, {"x": X}).items():
        assert_allclose(found, parts[0][name] + 0.1 * parts[1][name], rtol=1e-12)
    assert check_gradients(net, {"x": X}).ok


def test_outputs_are_those_without_weights():
    assert network("{reconstruction: 1, divergence: 0.1}").graph.outputs == ("y",)
    weighted = network("{reconstruction: 1, divergence: 0.1}").graph.losses
    assert weighted == ("reconstruction", "divergence.weighted")
    assert network("{reconstruction: 1, divergence: 1}").graph.losses == (
        "reconstruction",
        "divergence",
    )


def test_a_weight_is_a_setting():
    text = NETWORK + "train: {loss: {reconstruction: 1, divergence: 0.1}}\n"
    net = graphnn.loads(text, {"train.loss.divergence": 0.5})
    assert net.graph.nodes["divergence.weighted"].op.weight == 0.5


def test_a_use_of_a_block_is_weighted():
    text = """
graphnn: 1
blocks:
  error:
    inputs: x
    nodes: {s: {op: power, inputs: x, exponent: 2}, m: {op: sum, inputs: s, axis: 1}}
    output: {first: s, second: m}
nodes:
  x: {op: input, shape: [batch, 4]}
  a: {op: affine, inputs: x, units: 2}
  e: {block: error, inputs: a}
train: {loss: {e.second: 3}}
"""
    net = graphnn.loads(text)
    value = net.run({"x": X}, outputs=["e.second"])["e.second"]
    assert_allclose(net.loss({"x": X}), 3 * value.mean(), rtol=1e-14)


def test_training_takes_the_steps_of_the_weighted_gradient():
    net = network("{reconstruction: 1, divergence: 0.1}")
    before = {name: array.copy() for name, array in net.parameters.items()}
    step = backprop(net, {"x": X})
    text = NETWORK + "train: {loss: {reconstruction: 1, divergence: 0.1}, epochs: 1}\n"
    given = {"optimizer.sgd.learning_rate": 0.5, "train.batch_size": 6}
    trained = graphnn.train(graphnn.loads(text, given), data={"x": X}).network
    for name, array in trained.parameters.items():
        assert_allclose(array, before[name] - 0.5 * step[name], rtol=1e-12, atol=1e-15)


@cases("""
    loss | message
    {divergnce: 0.1} | there is no node 'divergnce'
    {divergence: -1} | the weight of 'divergence' must be a number of at least 0, not -1
    {divergence: much} | the weight of 'divergence' must be a number of at least 0, not 'much'
    {} | 'loss' is empty
""")
def test_what_is_refused(loss, message):
    found = graphnn.diagnose_text(NETWORK + f"train: {{loss: {loss}}}\n", data=False)
    assert message in [each.message for each in found if each.severity == "error"]
