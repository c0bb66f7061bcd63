"""Networks and planted faults that the tests of gradients share."""

import numpy as np

import graphnn

DIGITS = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 6]}
  t:    {op: input, shape: [batch], dtype: int}
  a1:   {op: affine, inputs: x, units: 5}
  z1:   {op: sigmoid, inputs: a1}
  a2:   {op: affine, inputs: z1, units: 3}
  y:    {op: softmax, inputs: a2}
  loss: {op: cross_entropy, inputs: [y, t]}
"""


def parts(estimate):
    return estimate.value, estimate.error, estimate.kink


def digits(rows: int = 4, seed: int = 0):
    rng = np.random.default_rng(seed)
    inputs = {"x": rng.normal(size=(rows, 6)), "t": rng.integers(0, 3, rows)}
    return graphnn.loads(DIGITS, seed=seed), inputs


DENSE = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 5]}
  t:    {op: input, shape: [batch], dtype: int}
  a:    {op: affine, inputs: x, units: 6}
  n:    {op: batch_norm, inputs: a}
  z:    {op: tanh, inputs: n}
  d:    {op: dropout, inputs: z, rate: 0.4}
  b:    {op: affine, inputs: d, units: 4}
  m:    {op: layer_norm, inputs: b}
  y:    {op: softmax, inputs: m}
  loss: {op: cross_entropy, inputs: [y, t]}
"""
IMAGES = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 12]}
  t:    {op: input, shape: [batch, 2]}
  a:    {op: affine, inputs: x, units: 12}
  i:    {op: reshape, inputs: a, shape: [batch, 2, 3, 2]}
  n:    {op: batch_norm, inputs: i}
  d:    {op: dropout, inputs: n}
  m:    {op: layer_norm, inputs: d, axis: [1, 2]}
  f:    {op: flatten, inputs: m}
  y:    {op: affine, inputs: f, units: 2}
  loss: {op: mean_squared_error, inputs: [y, t]}
"""


WIDE = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 80]}
  t:    {op: input, shape: [batch], dtype: int}
  a:    {op: affine, inputs: x, units: 110}
  z:    {op: tanh, inputs: a}
  b:    {op: affine, inputs: z, units: 12}
  y:    {op: softmax, inputs: b}
  loss: {op: cross_entropy, inputs: [y, t]}
"""


def wide(dtype="float64"):
    """A network of 10,000 entries and more, on 20 rows."""
    rng = np.random.default_rng(1)
    net = graphnn.loads(f"dtype: {dtype}\n{WIDE}", seed=1)
    return net, {"x": rng.normal(size=(20, 80)), "t": rng.integers(0, 12, 20)}


def dense(seed=3):
    rng = np.random.default_rng(0)
    net = moved(graphnn.loads(DENSE, seed=seed))
    return net, {"x": rng.normal(size=(7, 5)), "t": rng.integers(0, 4, 7)}


def images():
    rng = np.random.default_rng(1)
    net = moved(graphnn.loads(IMAGES, seed=3))
    return net, {"x": rng.normal(size=(3, 12)), "t": rng.normal(size=(3, 2))}


def moved(net):
    """`net` with every array away from its start: gains of 1 and shifts of 0 hide faults."""
    rng = np.random.default_rng(2)
    for array in net.arrays.values():
        array += rng.uniform(0.1, 0.5, array.shape)
    return net


def plant(monkeypatch, op_class, change):
    """Let `change` spoil what `op_class` gives back for its cotangents."""
    right = op_class.vjp

    def wrong(self, cotangent, output, *arrays, **keywords):
        return change(right(self, cotangent, output, *arrays, **keywords))

    monkeypatch.setattr(op_class, "vjp", wrong)
