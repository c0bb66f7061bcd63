"""Specs written as code: what it computes, and that a person would have written it."""

from __future__ import annotations

import pytest

import graphnn
from places import ROOT
from written_code import assert_numpy_is, assert_torch_is, moved

SPECS = [
    path
    for path in sorted((ROOT / "specs").rglob("*"))
    if path.suffix in (".yaml", ".json") and path.parent.name != "blocks"
]
QUICK = ("mnist", "residual_blocks", "autoencoder", "lenet5", "xor", "descent", "overfit_dropout")
CASES = [
    path if path.stem in QUICK else pytest.param(path, marks=pytest.mark.slow) for path in SPECS
]
STYLES = {"numpy": assert_numpy_is, "torch": assert_torch_is}
BOTH = ["numpy", pytest.param("torch", marks=pytest.mark.oracle)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("style", BOTH)
def test_every_spec_computes_the_same(style, path, tmp_path):
    STYLES[style](moved(graphnn.load(path)), tmp_path)


@pytest.mark.parametrize("style", BOTH)
def test_copies_that_are_alike_are_a_loop(style, tmp_path):
    net = moved(graphnn.load(ROOT / "specs/residual_blocks.yaml", {"depth": 3}))
    code = STYLES[style](net, tmp_path)
    loop = {"numpy": "for i in range(1, 4):", "torch": "for block in self.b1.values():"}[style]
    assert loop in code
    # One definition serves strides of 1 and of 2.
    start = {"numpy": "def normalized(params, x, stride):", "torch": "class Normalized("}[style]
    assert code.count(start) == 1


@pytest.mark.oracle
def test_dropout_drops_in_training(tmp_path):
    code = assert_torch_is(moved(graphnn.load(ROOT / "specs/overfit_dropout.yaml")), tmp_path)
    assert "nn.Dropout(" in code
    assert "requires_grad_" not in code
    calls = [line for line in code.splitlines() if " = self.d" in line and "(" in line]
    assert len(calls) >= 2


SEQUENCE = """\
graphnn: 1
sizes: {units: 3}
blocks:
  gates:
    sizes: [units]
    inputs: [x, h]
    nodes:
      a: {op: affine, inputs: x, units: units}
      b: {op: affine, inputs: h, units: units}
      s: {op: add, inputs: [a, b]}
    output: s
  cell:
    sizes: [units]
    inputs: [x, h, c]
    nodes:
      kept:  {block: gates, inputs: [x, h], units: units}
      f:     {op: sigmoid, inputs: kept}
      added: {block: gates, inputs: [x, h], units: units}
      g:     {op: tanh, inputs: added}
      left:  {op: multiply, inputs: [f, c]}
      new_c: {op: add, inputs: [left, g]}
      new_h: {op: tanh, inputs: new_c}
    output: {h: new_h, c: new_c}
  step:
    sizes: [units]
    inputs: [x, h]
    nodes:
      s: {block: gates, inputs: [x, h], units: units}
      z: {op: tanh, inputs: s}
    output: {h: z}
nodes:
  x: {op: input, shape: [batch, 4, 2]}
  t: {op: input, shape: [batch, 4, units]}
  zeros: {op: parameter, shape: [1, units]}
  h:
    block: cell
    inputs: {x: x, h: zeros, c: zeros}
    units: units
    repeat: 4
    unstack: x
    stack: [h, c]
    share: true
  k: {block: step, inputs: [h.c, zeros], units: units, repeat: 4, unstack: x, stack: h}
  y: {op: add, inputs: [h.h, k.h]}
  loss: {op: mean_squared_error, inputs: [y, t]}
  size: {op: mean, inputs: h.c}
outputs: y
train: {loss: {loss: 1, size: 0.3}}
"""


BEGUN = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4, 2]}
  n: {op: input, shape: [batch], dtype: int}
  read: {op: %s, inputs: {x: x, lengths: n}, units: 3, bidirectional: true, returns: state}
  h: {op: %s, inputs: {x: x, state: read}, units: 3, bidirectional: true}
  t: {op: input, shape: [batch, 4, 6]}
  loss: {op: mean_squared_error, inputs: [h, t]}
"""


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("style", BOTH)
def test_a_state_is_handed_from_layer_to_layer(style, name, tmp_path):
    STYLES[style](moved(graphnn.loads(BEGUN % (name, name))), tmp_path)


@pytest.mark.parametrize("style", BOTH)
def test_copies_along_a_sequence(style, tmp_path):
    STYLES[style](moved(graphnn.loads(SEQUENCE)), tmp_path)
