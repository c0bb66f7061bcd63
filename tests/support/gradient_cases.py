"""Networks, random graphs and planted faults that the tests of gradients share."""

import numpy as np
from hypothesis import strategies as st

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


UNARY = ("sigmoid", "tanh", "relu", "leaky_relu", "softplus", "softmax", "log_softmax", "identity")
BINARY = ("add", "multiply", "subtract", "maximum")
KINDS = (
    *("affine", "affine", "unary", "binary", "shift", "shape", "share", "reshape"),
    *("norm", "dropout"),
)
WIDTH = 3


@st.composite
def graphs(draw):
    """A document of a random network on x [batch, 3], with everything that engines trip over."""
    nodes = {
        "x": {"op": "input", "shape": ["batch", WIDTH]},
        "p": {"op": "parameter", "shape": [WIDTH], "value": {"normal": {"std": 0.5}}},
    }
    wide = ["x"]  # nodes of shape [batch, 3]
    affine = []
    for number in range(draw(st.integers(1, 6))):
        name = f"n{number}"
        source = draw(st.sampled_from(wide))
        kind = draw(st.sampled_from(KINDS))
        if kind == "affine" or (kind == "share" and not affine):
            nodes[name] = {"op": "affine", "inputs": source, "units": WIDTH}
            nodes[name]["bias"] = draw(st.sampled_from([{"normal": {"std": 0.3}}, False]))
            affine.append(name)
        elif kind == "share":
            weight = {"share": draw(st.sampled_from(affine)) + ".weight"}
            nodes[name] = {"op": "affine", "inputs": source, "weight": weight}
        elif kind == "unary":
            nodes[name] = {"op": draw(st.sampled_from(UNARY)), "inputs": source}
        elif kind == "binary":
            other = draw(st.sampled_from(wide))
            nodes[name] = {"op": draw(st.sampled_from(BINARY)), "inputs": [source, other]}
        elif kind == "shift":
            nodes[name] = {"op": draw(st.sampled_from(BINARY)), "inputs": [source, "p"]}
        elif kind == "norm":
            normalise = draw(st.sampled_from(["batch_norm", "layer_norm"]))
            nodes[name] = {"op": normalise, "inputs": source, "gain": {"normal": {"std": 1.0}}}
        elif kind == "dropout":
            nodes[name] = {"op": "dropout", "inputs": source, "rate": 0.3}
        elif kind == "reshape":
            nodes[f"{name}a"] = {"op": "reshape", "inputs": source, "shape": ["batch", 1, WIDTH]}
            nodes[name] = {"op": "flatten", "inputs": f"{name}a"}
        else:
            nodes[f"{name}a"] = {"op": "concat", "inputs": [source, draw(st.sampled_from(wide))]}
            nodes[name] = {"op": "slice", "inputs": f"{name}a", "axis": 1, "start": 1, "stop": 4}
        wide.append(name)
    ends = draw(st.sampled_from(["per row", "two losses", "couples rows"]))
    nodes["t"] = {"op": "input", "shape": ["batch", WIDTH]}
    nodes["loss"] = {"op": "mean_squared_error", "inputs": [wide[-1], "t"]}
    if ends == "two losses":
        nodes["other"] = {"op": "sum_squared_error", "inputs": [draw(st.sampled_from(wide)), "t"]}
    if ends == "couples rows":
        nodes["centre"] = {"op": "mean", "inputs": wide[-1], "axis": 0, "keepdims": True}
        nodes["away"] = {"op": "subtract", "inputs": [wide[-1], "centre"]}
        nodes["other"] = {"op": "sum_squared_error", "inputs": ["away", "t"]}
    return {"graphnn": 1, "dtype": draw(st.sampled_from(["float64", "float32"])), "nodes": nodes}
