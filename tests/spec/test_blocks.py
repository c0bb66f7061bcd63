"""Blocks: what they unfold to, by name, structure and value."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import Findings, SpecError, UsageError
from graphnn.spec import build, reader, to_yaml
from graphnn.spec.values import plain

BLOCKS = """
graphnn: 1
sizes: {depth: 2, width: 3}
blocks:
  dense:
    about: a layer
    sizes: [units]
    inputs: [x]
    nodes:
      z: {op: tanh, inputs: a}
      a: {op: affine, inputs: x, units: units, about: a map}
    output: z
  skip:
    sizes: [inner]
    inputs: x
    nodes:
      d: {block: dense, inputs: x, units: 2 * inner, repeat: inner - 1}
      o: {op: affine, inputs: d, units: inner}
      s: {op: add, inputs: [x, o]}
    output: s
  mix:
    sizes: []
    inputs: [left, right]
    nodes: {m: {op: subtract, inputs: {b: right, a: left}}}
    output: m
nodes:
  y: {block: mix, inputs: {right: x, left: h}}
  x: {op: input, shape: [batch, width]}
  h: {block: skip, inputs: x, inner: width, repeat: depth}
  w: {op: add, inputs: [h.1, h.2.o]}
"""
# The same network, unfolded by hand.
FLAT = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  a111: {op: affine, inputs: x, units: 6}
  z111: {op: tanh, inputs: a111}
  a121: {op: affine, inputs: z111, units: 6}
  z121: {op: tanh, inputs: a121}
  o1: {op: affine, inputs: z121, units: 3}
  s1: {op: add, inputs: [x, o1]}
  a211: {op: affine, inputs: s1, units: 6}
  z211: {op: tanh, inputs: a211}
  a221: {op: affine, inputs: z211, units: 6}
  z221: {op: tanh, inputs: a221}
  o2: {op: affine, inputs: z221, units: 3}
  s2: {op: add, inputs: [s1, o2]}
  y: {op: subtract, inputs: [s2, x]}
"""


def spec_of(text):
    findings = Findings()
    spec = build.build(reader.read(text), None, findings)
    assert findings.sorted() == ()
    return spec


def test_names_follow_the_file():
    assert list(spec_of(BLOCKS).nodes) == [
        *("y.m", "x"),
        *("h.1.d.1.z", "h.1.d.1.a", "h.1.d.2.z", "h.1.d.2.a", "h.1.o", "h.1.s"),
        *("h.2.d.1.z", "h.2.d.1.a", "h.2.d.2.z", "h.2.d.2.a", "h.2.o", "h.2.s"),
        "w",
    ]


def test_what_nodes_read():
    nodes = spec_of(BLOCKS).nodes
    read = {name: [r.name for r in node.inputs] for name, node in nodes.items()}
    assert read["h.1.d.1.a"] == ["x"]
    assert read["h.1.d.1.z"] == ["h.1.d.1.a"]
    assert read["h.1.d.2.a"] == ["h.1.d.1.z"]
    assert read["h.1.o"] == ["h.1.d.2.z"]
    assert read["h.1.s"] == ["x", "h.1.o"]
    assert read["h.2.d.1.a"] == ["h.1.s"]
    assert read["h.2.s"] == ["h.1.s", "h.2.o"]
    assert read["y.m"] == ["x", "h.2.s"]
    assert read["w"] == ["h.1.s", "h.2.o"]


def test_a_use_and_its_copies_stand_for_their_outputs():
    aliases = spec_of(BLOCKS).aliases
    assert aliases == {
        **{"y": "y.m", "h": "h.2.s", "h.1": "h.1.s", "h.2": "h.2.s"},
        **{"h.1.d": "h.1.d.2.z", "h.1.d.1": "h.1.d.1.z", "h.1.d.2": "h.1.d.2.z"},
        **{"h.2.d": "h.2.d.2.z", "h.2.d.1": "h.2.d.1.z", "h.2.d.2": "h.2.d.2.z"},
    }


def test_structure_is_kept():
    spec = spec_of(BLOCKS)
    assert list(spec.blocks) == ["dense", "skip", "mix"]
    assert spec.blocks["dense"].about == "a layer"
    assert list(spec.calls) == ["y", "h", "h.1.d", "h.2.d"]
    call = spec.calls["h.2.d"]
    assert (call.block.name, call.repeat, call.scope["units"]) == ("dense", 2, 6)
    assert call.parent is spec.calls["h"].instances[1]
    assert [instance.name for instance in call.instances] == ["h.2.d.1", "h.2.d.2"]
    assert [r.name for r in call.inputs] == ["h.1.s"]
    node = spec.nodes["h.2.d.1.a"]
    assert node.instance is call.instances[0]
    assert (node.instance.number, node.about) == (1, "a map")
    assert spec.nodes["x"].instance is None
    assert spec.nodes["y.m"].instance.number is None
    # A place is where the block stands, for all copies alike.
    assert node.place is spec.nodes["h.1.d.2.a"].place is spec.blocks["dense"].nodes["a"].place


def test_values_are_those_of_the_network_unfolded_by_hand():
    net, flat = graphnn.loads(BLOCKS), graphnn.loads(FLAT)
    pairs = {"o1": "h.1.o", "o2": "h.2.o"}
    pairs |= {f"a{i}{j}1": f"h.{i}.d.{j}.a" for i in (1, 2) for j in (1, 2)}
    values = {
        f"{ours}.{key}": flat.parameters[f"{theirs}.{key}"]
        for theirs, ours in pairs.items()
        for key in ("weight", "bias")
    }
    assert values.keys() == net.parameters.keys()
    net.assign(values)
    x = np.random.default_rng(0).normal(size=(5, 3))
    expected = flat.run(x=x, outputs=["y", "s1", "z211"])
    found = net.run(x=x, outputs=["y", "h.1", "h.2.d.1", "w"])
    np.testing.assert_array_equal(found["y"], expected["y"])
    np.testing.assert_array_equal(found["h.1"], expected["s1"])
    np.testing.assert_array_equal(found["h.2.d.1"], expected["z211"])
    assert np.abs(expected["y"]).max() > 0.1


def test_outputs_go_by_the_names_of_uses():
    net = graphnn.loads(BLOCKS, {"width": 2})
    assert net.graph.outputs == ("y", "w")
    assert net.run(x=[[1, 2]]).keys() == {"y", "w"}
    with pytest.raises(UsageError) as caught:
        net.run(x=[[1, 2]], outputs="h.3")
    assert caught.value.diagnostics[0].message == "there is no node 'h.3'"
    assert caught.value.diagnostics[0].help == "did you mean 'h.2'?"


def test_a_setting_changes_sizes_and_repeats():
    net = graphnn.loads(BLOCKS, {"depth": 4, "width": 2})
    assert net.graph.node("h").name == "h.4.s"
    assert net.graph.parameters["h.3.d.1.a.weight"].shape == (2, 4)
    assert "h.1.d.2.a" not in net.graph.nodes
    assert "h.1.d.1.a" in net.graph.nodes  # numbered, though there is one copy only


def test_shares_stay_in_their_copy_and_reach_any_from_outside():
    net = graphnn.loads("""
graphnn: 1
blocks:
  tied:
    inputs: x
    nodes:
      a: {op: affine, inputs: x, units: 3}
      b: {op: affine, inputs: a, weight: {share: a.weight}}
      i: {block: one, inputs: b}
      c: {op: affine, inputs: i, weight: {share: i.l.weight}, bias: {share: i.bias}}
    output: c
  one: {inputs: x, nodes: {l: {op: affine, inputs: x, units: 3}}, output: l}
nodes:
  x: {op: input, shape: [batch, 3]}
  h: {block: tied, inputs: x, repeat: 2}
  y: {op: affine, inputs: h, weight: {share: h.2.a.weight}, bias: {share: h.1.b.bias}}
""")
    assert list(net.parameters) == [
        *("h.1.a.weight", "h.1.a.bias", "h.1.b.bias", "h.1.i.l.weight", "h.1.i.l.bias"),
        *("h.2.a.weight", "h.2.a.bias", "h.2.b.bias", "h.2.i.l.weight", "h.2.i.l.bias"),
    ]
    nodes = net.graph.nodes
    assert nodes["h.2.b"].parameters["weight"] == "h.2.a.weight"
    assert nodes["h.2.c"].parameters == {"weight": "h.2.i.l.weight", "bias": "h.2.i.l.bias"}
    assert nodes["y"].parameters == {"weight": "h.2.a.weight", "bias": "h.1.b.bias"}


def test_a_use_that_is_not_trained():
    net = graphnn.loads("""
graphnn: 1
blocks:
  one: {inputs: x, nodes: {l: {op: affine, inputs: x, units: 3}}, output: l}
  two:
    inputs: x
    nodes:
      a: {block: one, inputs: x, trainable: false, about: stays}
      b: {block: one, inputs: a, repeat: 1}
    output: b
nodes:
  x: {op: input, shape: [batch, 3]}
  h: {block: two, inputs: x}
  g: {block: two, inputs: h, trainable: false}
""")
    assert net.trainable == ("h.b.1.l.weight", "h.b.1.l.bias")
    assert net.graph.spec.calls["h.a"].spec.about == "stays"


def test_nodes_of_blocks_are_named_in_every_section(tmp_path):
    weights = {"h.1.a.weight": [[2.0]], "h.1.a.bias": [0.0], "h.2.a.weight": [[3.0]]}
    np.savez(tmp_path / "w.npz", **weights)
    net = graphnn.loads(
        """
graphnn: 1
blocks:
  dense: {inputs: x, nodes: {a: {op: affine, inputs: x, units: 1}}, output: a}
  error: {inputs: [y, t], nodes: {e: {op: mean_squared_error, inputs: [y, t]}}, output: e}
nodes:
  x: {op: input, shape: [batch, 1]}
  t: {op: input, shape: [batch, 1]}
  h: {block: dense, inputs: x, repeat: 2}
  l: {block: error, inputs: [h, t]}
outputs: [h, h.1, h.2.a]
weights: {file: w.npz, partial: true}
examples:
  - inputs: {x: [[1]], t: [[0]]}
    outputs: {h: [[6]], h.1.a: [[2]], l: [36], h.2: {sum: 6}}
train: {loss: l, metrics: {mean_absolute_error: [h.1, t]}, data: {csv: data.csv}}
""",
        folder=tmp_path,
    )
    values = net.run(x=[[1.0]])
    assert {name: float(value[0, 0]) for name, value in values.items()} == {
        **{"h": 6.0, "h.1": 2.0, "h.2.a": 6.0}
    }
    assert net.loss(x=[[1.0]], t=[[0.0]]) == 36.0
    assert all(graphnn.run_examples(net))
    assert net.graph.losses == ("l",)


def test_blocks_are_written_and_read_back():
    document = reader.read(BLOCKS)
    text = to_yaml(document)
    again = spec_of(text)
    assert list(again.nodes) == list(spec_of(BLOCKS).nodes)
    assert "\n  dense:\n    about: a layer\n    sizes: [units]\n" in text
    assert plain(reader.read(text)) == plain(document)


def test_json_says_the_same():
    document = plain(reader.read(BLOCKS))
    spec = build.build(reader.read(json.dumps(document), json=True), None, Findings())
    assert list(spec.nodes) == list(spec_of(BLOCKS).nodes)


@pytest.mark.slow
def test_ten_thousand_copies():
    net = graphnn.loads("""
graphnn: 1
blocks:
  one:
    inputs: x
    nodes: {a: {op: add, inputs: [x, o]}, o: {op: constant, value: 1}}
    output: a
nodes:
  x: {op: input, shape: [batch]}
  h: {block: one, inputs: x, repeat: 10000}
""")
    assert len(net.graph.nodes) == 20_001
    assert net.run(x=[0.0, 5.0])["h"].tolist() == [10_000.0, 10_005.0]


def test_too_many_sets_of_sizes(monkeypatch):
    monkeypatch.setattr("graphnn.spec.blocks.expansion.MAX_SETS", 20)
    blocks = {"b0": {"sizes": "n", "inputs": "x", "output": "a"}}
    blocks["b0"]["nodes"] = {"a": {"op": "affine", "inputs": "x", "units": "n"}}
    for level in range(1, 5):
        halves = {
            "left": {"block": f"b{level - 1}", "inputs": "x", "n": "2 * n"},
            "right": {"block": f"b{level - 1}", "inputs": "left", "n": "2 * n + 1"},
        }
        blocks[f"b{level}"] = {"sizes": "n", "inputs": "x", "nodes": halves, "output": "right"}
    x = {"op": "input", "shape": ["batch", 2]}

    def spec(level):
        y = {"block": f"b{level}", "inputs": "x", "n": 1}
        return {"graphnn": 1, "blocks": blocks, "nodes": {"x": x, "y": y}}

    # A tree of 1 + 2 + 4 + 8 blocks, each with a size of its own, and one of twice as many.
    assert len(graphnn.loads(spec(3)).graph.nodes) == 9
    with pytest.raises(SpecError) as caught:
        graphnn.loads(spec(4))
    assert [(found.code, found.message) for found in caught.value.diagnostics] == [
        ("too-many-nodes", "the spec uses blocks with more than 20 different sets of sizes")
    ]
