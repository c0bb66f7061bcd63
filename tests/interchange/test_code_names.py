"""Names and remarks that mean something else in Python, and structure of every kind, as code."""

from __future__ import annotations

import pytest

import graphnn
from written_code import assert_numpy_is, assert_torch_is, moved

STYLES = {"numpy": assert_numpy_is, "torch": assert_torch_is}
BOTH = ["numpy", pytest.param("torch", marks=pytest.mark.oracle)]
HOSTILE = r"""
graphnn: 1
name: "quotes \" and ''' and \\ and é"
description: 'a TRIPLE b \ c'
blocks:
  class:
    about: 'says "hi" TRIPLE and \n'
    inputs: [lambda, x]
    nodes:
      forward: {op: affine, inputs: lambda, units: 3}
      s: {op: add, inputs: [forward, x]}
      self: {op: relu, inputs: s, about: 'a TRIPLE # with \ signs'}
    output: self
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch, 3]}
  import: {op: affine, inputs: x, units: 3}
  l: {op: sigmoid, inputs: import}
  softmax: {op: softmax, inputs: l}
  a-1: {op: affine, inputs: softmax, units: 3, weight: {share: import.weight}}
  params: {op: parameter, value: [1, 2, 3]}
  np: {op: multiply, inputs: [a-1, params]}
  train: {op: batch_norm, inputs: np}
  def-1: {block: class, inputs: [train, np]}
  def: {block: class, inputs: [np, def-1]}
  big: {op: constant, value: [[0.5, 1, 2], [3, 4, 5], [6, 7, 8]]}
  m: {op: matmul, inputs: [def, big]}
  print: {op: mean_squared_error, inputs: [m, t]}
outputs: [m, def]
""".replace("TRIPLE", '"' * 3)


@pytest.mark.parametrize("style", BOTH)
def test_hostile_names_and_remarks_give_valid_code(style, tmp_path):
    STYLES[style](moved(graphnn.loads(HOSTILE, seed=0)), tmp_path)
