"""Networks whose moves take paths through the engine that drawn networks seldom take."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from gradient_laws import assert_engine_is_loop

# Rows of which each place has moved, beside what is the same for all of them.
BESIDE = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  a: {op: affine, inputs: x, units: 4}
  y: {op: softmax, inputs: a}
  row: {op: parameter, value: [1, -2, 3, 0.5]}
  number: {op: parameter, value: 0.5}
  loss: {op: {OP}, inputs: {INPUTS}}
"""
# The loss is of whole planes, each of one channel that moved.
PLANES = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2, 4, 5]}
  c: {op: conv2d, inputs: x, filters: 3, kernel: [2, 3]}
  loss: {op: tanh, inputs: c}
"""
# Rows that move each other, to one loss that has no rows and to one of every row.
COUPLED = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  a: {op: affine, inputs: x, units: 2}
  s: {op: softmax, inputs: a, axis: 0}
  over: {op: {OP}, inputs: s, axis: 0}
  each: {op: tanh, inputs: s}
"""


def values(network, rows=4):
    rng = np.random.default_rng(0)
    for array in network.parameters.values():
        array[...] = rng.normal(size=array.shape)
    shape = network.graph.nodes["x"].shape[1:]
    return {"x": rng.normal(size=(rows, *shape))}


def assert_all_agree(network, inputs, loss):
    assert_engine_is_loop(network, inputs, loss=loss)
    assert graphnn.check_gradients(network, inputs, loss=loss)


@pytest.mark.parametrize("op", ["multiply", "maximum"])
@pytest.mark.parametrize("inputs", ["[y, row]", "[row, y]", "[y, number]", "[number, y]"])
def test_rows_beside_one_row_and_beside_a_number(op, inputs):
    network = graphnn.loads(BESIDE.replace("{OP}", op).replace("{INPUTS}", inputs))
    assert_all_agree(network, values(network), "loss")


def test_a_loss_of_planes():
    network = graphnn.loads(PLANES)
    assert_all_agree(network, values(network), "loss")


@pytest.mark.parametrize("op", ["sum", "mean", "cumulative_sum"])
@pytest.mark.parametrize("losses", [["over", "each"], ["over"], ["s", "each"]])
def test_losses_of_rows_that_move_each_other(op, losses):
    network = graphnn.loads(COUPLED.replace("{OP}", op))
    assert_all_agree(network, values(network), losses)
