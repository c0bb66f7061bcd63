"""A law: a spec with blocks is the spec that a naive unfolding writes out."""

from __future__ import annotations

from hypothesis import example, given, settings

import graphnn
from graphnn.testing.strategies import EquivalentSpecs, equivalent_specs

READ_BEFORE = EquivalentSpecs(
    first="""
graphnn: 1
sizes: {n: 2}
blocks:
  b:
    sizes: [n]
    inputs: p
    nodes: {m: {op: add, inputs: [p, p]}}
    output: m
nodes:
  u: {block: b, inputs: {p: v}, n: n + 1, repeat: n}
  v: {block: b, inputs: {p: x}, n: 2}
  x: {op: input, shape: [batch, 2]}
""",
    second="""
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  v: {op: add, inputs: [x, x]}
  u1: {op: add, inputs: [v, v]}
  u2: {op: add, inputs: [u1, u1]}
""",
    names={"u.1.m": "u1", "u.2.m": "u2", "v.m": "v", "x": "x"},
    inputs={},
)
TWO_INPUTS = EquivalentSpecs(
    first="""
graphnn: 1
blocks:
  inner:
    inputs: [p, q]
    nodes: {m: {op: subtract, inputs: [p, q]}}
    output: m
  outer:
    inputs: [p, q]
    nodes: {i: {block: inner, inputs: {q: p, p: q}}, j: {block: inner, inputs: [i, q]}}
    output: j
nodes:
  x: {op: input, shape: [batch, 2]}
  y: {op: input, shape: [batch, 2]}
  u: {block: outer, inputs: [x, y]}
""",
    second="""
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  y: {op: input, shape: [batch, 2]}
  i: {op: subtract, inputs: [y, x]}
  j: {op: subtract, inputs: [i, y]}
""",
    names={"x": "x", "y": "y", "u.i.m": "i", "u.j.m": "j"},
    inputs={},
)


@settings(max_examples=25)
@given(equivalent_specs(ops=["add", "tanh", "affine"], nodes=4, blocks=0.5))
@example(READ_BEFORE)
@example(TWO_INPUTS)
def test_unfolding(pair):
    one, two = graphnn.loads(pair.first).graph, graphnn.loads(pair.second).graph
    assert list(one.spec.nodes) == list(pair.names)
    for name, node in one.nodes.items():
        other = two.nodes[pair.names[name]]
        assert other.op.model_dump() == node.op.model_dump()
        assert other.inputs == tuple(pair.names[read] for read in node.inputs)
        assert other.shape == node.shape
