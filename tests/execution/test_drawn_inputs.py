"""Inputs drawn at random: from where the ops that read them are meant to be used."""

from __future__ import annotations

import pytest

import graphnn
from graphnn.execution.drawn_inputs import draw_inputs

NET = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 9]}
  t: {op: input, shape: [batch, 9]}
  free: {op: input, shape: [batch, 9]}
  a: {op: tanh, inputs: x}
  b: {op: log, inputs: x}
  y: {op: sigmoid, inputs: a}
  l: {op: binary_cross_entropy, inputs: [y, t]}
outputs: [a, b, l, free]
"""


# tanh takes -3 to 3 and log 0.5 to 3, of which both take the latter; what nothing reads is alike.
@pytest.mark.parametrize(("name", "low", "high"), [("x", 0.5, 3), ("t", 0, 1), ("free", -1, 1)])
def test_real_numbers_that_all_readers_take(name, low, high):
    drawn = draw_inputs(graphnn.loads(NET), ["x", "t", "free"], 500)[name]
    assert low <= drawn.min() < low + 0.01
    assert high - 0.01 < drawn.max() <= high
