"""Blocks repeated along a sequence: what copies carry, unstack, stack and share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import graphnn
from graphnn.gradients import Reverse, backprop, check_gradients
from graphnn.spec import format_text

CELL = """
  cell:
    sizes: [units]
    inputs: [x, h]
    nodes:
      a:   {op: affine, inputs: x, units: units}
      b:   {op: affine, inputs: h, units: units, bias: false}
      s:   {op: add, inputs: [a, b]}
      new: {op: tanh, inputs: s}
    output: {h: new}
"""
RECURRENT = f"""
graphnn: 1
sizes: {{time: 5, units: 4}}
blocks:{CELL}
nodes:
  x:     {{op: input, shape: [batch, time, 3]}}
  t:     {{op: input, shape: [batch, time, units]}}
  start: {{op: constant, value: {{zeros: [1, units]}}}}
  h:
    block: cell
    inputs: [x, start]
    units: units
    repeat: time
    unstack: x
    stack: h
    share: true
  loss:  {{op: mean_squared_error, inputs: [h.h, t]}}
"""
LSTM = """
graphnn: 1
sizes: {time: 6, units: 3}
blocks:
  gates:
    sizes: [units]
    inputs: [x, h]
    nodes:
      a: {op: affine, inputs: x, units: 4 * units}
      b: {op: affine, inputs: h, units: 4 * units}
      s: {op: add, inputs: [a, b]}
      i_: {op: slice, inputs: s, axis: 1, stop: units}
      f_: {op: slice, inputs: s, axis: 1, start: units, stop: 2 * units}
      g_: {op: slice, inputs: s, axis: 1, start: 2 * units, stop: 3 * units}
      o_: {op: slice, inputs: s, axis: 1, start: 3 * units}
      i: {op: sigmoid, inputs: i_}
      f: {op: sigmoid, inputs: f_}
      g: {op: tanh, inputs: g_}
      o: {op: sigmoid, inputs: o_}
    output: {o: o, i: i, f: f, g: g}
  cell:
    sizes: [units]
    inputs: [x, h, c]
    nodes:
      gates: {block: gates, inputs: [x, h], units: units}
      kept:  {op: multiply, inputs: [gates.f, c]}
      added: {op: multiply, inputs: [gates.i, gates.g]}
      new_c: {op: add, inputs: [kept, added]}
      flat:  {op: tanh, inputs: new_c}
      new_h: {op: multiply, inputs: [gates, flat]}
    output: {h: new_h, c: new_c}
nodes:
  x:     {op: input, shape: [batch, time, 2]}
  t:     {op: input, shape: [batch, time, units]}
  zeros: {op: constant, value: {zeros: [1, units]}}
  h:
    block: cell
    inputs: {x: x, h: zeros, c: zeros}
    units: units
    repeat: time
    unstack: x
    stack: [h, c]
    share: true
  loss:  {op: mean_squared_error, inputs: [h.h, t]}
outputs: [h.h, h.c]
"""


def drawn(net, rows=2):
    rng = np.random.default_rng(3)
    return {node.name: rng.normal(size=(rows, *node.shape[1:])) for node in net.graph.inputs}


def test_a_cell_follows_its_equation():
    net = graphnn.loads(RECURRENT)
    given = drawn(net)
    found = net.run({"x": given["x"]}, outputs=["h.h", "h", "h.2"])
    weight, bias = net.parameters["h.1.a.weight"], net.parameters["h.1.a.bias"]
    h = np.zeros((2, 4))
    steps = []
    for at in range(5):
        h = np.tanh(given["x"][:, at] @ weight + bias + h @ net.parameters["h.1.b.weight"])
        steps.append(h)
    assert_allclose(found["h.h"], np.stack(steps, axis=1), rtol=1e-14)
    assert_array_equal(found["h"], found["h.h"][:, -1])
    assert_array_equal(found["h.2"], found["h.h"][:, 1])


def test_both_gradients_of_what_copies_share_agree():
    net = graphnn.loads(RECURRENT)
    report = check_gradients(net, drawn(net))
    assert report.ok
    assert report.counts["agree"] == 12 + 4 + 16


def test_a_shared_gradient_is_the_sum_of_those_apart():
    net = graphnn.loads(RECURRENT)
    apart = graphnn.loads(RECURRENT.replace("    share: true\n", ""))
    apart.assign({name: net.parameters[f"h.1.{name[4:]}"] for name in apart.parameters})
    given = drawn(net)
    together, each = backprop(net, given), backprop(apart, given)
    assert net.loss(given) == apart.loss(given)
    for name in ("a.weight", "a.bias", "b.weight"):
        total = sum(each[f"h.{copy}.{name}"] for copy in range(1, 6))
        assert_allclose(together[f"h.1.{name}"], total, rtol=1e-12)


def test_several_outputs_make_an_lstm_like_torch():
    torch = pytest.importorskip("torch")
    net = graphnn.loads(LSTM)
    given = drawn(net)
    rng = np.random.default_rng(5)
    values = {name: rng.normal(size=array.shape) for name, array in net.parameters.items()}
    net.assign(values)
    theirs = torch.nn.LSTM(2, 3, batch_first=True, dtype=torch.float64)
    names = {"weight_ih_l0": "a.weight", "weight_hh_l0": "b.weight"}
    names |= {"bias_ih_l0": "a.bias", "bias_hh_l0": "b.bias"}
    with torch.no_grad():
        for name, own in names.items():
            getattr(theirs, name).copy_(torch.tensor(values[f"h.1.gates.{own}"].T.copy()))
    sequence, (_, last) = theirs(torch.tensor(given["x"]))
    loss = ((sequence - torch.tensor(given["t"])) ** 2).flatten(1).mean()
    loss.backward()
    found = net.run({"x": given["x"]}, outputs=["h.h", "h.c"])
    assert_allclose(found["h.h"], sequence.detach(), rtol=1e-12, atol=1e-14)
    assert_allclose(found["h.c"][:, -1], last[0].detach(), rtol=1e-12, atol=1e-14)
    gradients = backprop(net, given)
    assert_allclose(net.loss(given), loss.item(), rtol=1e-12)
    for name, own in names.items():
        ours = gradients[f"h.1.gates.{own}"]
        assert_allclose(ours.T, getattr(theirs, name).grad, rtol=1e-10, atol=1e-14)


def test_an_input_that_is_neither_carried_nor_unstacked_is_the_same_in_every_copy():
    text = """
graphnn: 1
blocks:
  add:
    inputs: [x, mask]
    nodes: {s: {op: add, inputs: [x, mask]}}
    output: {x: s}
nodes:
  x: {op: input, shape: [batch, 2]}
  m: {op: constant, value: [1, 10]}
  y: {block: add, inputs: [x, m], repeat: 3}
"""
    net = graphnn.loads(text)
    assert_array_equal(net.run({"x": np.zeros((1, 2))})["y"], [[3, 30]])


def test_copies_that_carry_nothing_are_stacked():
    text = """
graphnn: 1
blocks:
  head:
    inputs: x
    nodes: {a: {op: affine, inputs: x, units: 2}}
    output: {y: a}
nodes:
  x: {op: input, shape: [batch, 3]}
  h: {block: head, inputs: x, repeat: 4, stack: {y: 2}}
"""
    net = graphnn.loads(text)
    x = np.random.default_rng(0).normal(size=(5, 3))
    found = net.run({"x": x}, outputs=["h.y", "h", "h.3.y"])
    assert found["h.y"].shape == (5, 2, 4)
    for copy in range(4):
        weight = net.parameters[f"h.{copy + 1}.a.weight"]
        assert_allclose(found["h.y"][:, :, copy], x @ weight, rtol=1e-14)
    assert_array_equal(found["h"], found["h.y"][:, :, 3])
    assert_array_equal(found["h.3.y"], found["h.y"][:, :, 2])


SHARED = """
graphnn: 1
blocks:
  tower:
    sizes: [units]
    inputs: x
    nodes:
      d: {block: dense, inputs: x, units: units, repeat: 2}
      n: {op: batch_norm, inputs: d}
    output: n
  dense:
    sizes: [units]
    inputs: x
    nodes:
      a: {op: affine, inputs: x, units: units}
      z: {op: tanh, inputs: a}
    output: z
nodes:
  one: {op: input, shape: [batch, 3]}
  two: {op: input, shape: [batch, 3]}
  f: {block: tower, inputs: one, units: 3}
  g: {block: tower, inputs: two, units: 3, share: f}
  s: {op: subtract, inputs: [f, g]}
  loss: {op: mean, inputs: s}
"""


def test_a_use_has_the_parameters_of_another():
    net = graphnn.loads(SHARED)
    assert {name.partition(".")[0] for name in net.parameters} == {"f"}
    assert net.graph.nodes["g.d.2.a"].parameters["weight"] == "f.d.2.a.weight"
    x = np.random.default_rng(0).normal(size=(4, 3))
    found = net.run({"one": x, "two": x}, outputs=["f", "g"])
    assert_array_equal(found["f"], found["g"])


def test_a_state_that_two_uses_share_is_updated_by_both():
    net = graphnn.loads(SHARED)
    rng = np.random.default_rng(0)
    given = {"one": rng.normal(size=(4, 3)), "two": rng.normal(size=(4, 3))}
    names = ["f.n.running_mean", "f.n.running_variance"]
    with np.errstate(all="ignore"):
        both = Reverse(net, mode="train")(given, np.random.default_rng(0)).state
    inner = net.run(given, outputs=["f.d", "g.d"])
    mean = 0.9 * (0.1 * inner["f.d"].mean(axis=0)) + 0.1 * inner["g.d"].mean(axis=0)
    assert sorted(both) == sorted(names)
    assert_allclose(both["f.n.running_mean"], mean, rtol=1e-12)


@pytest.mark.parametrize("shared", ["h", "h.1"])
def test_copies_share_with_those_of_another_use(shared):
    text = f"""
graphnn: 1
blocks:{CELL}
nodes:
  x: {{op: input, shape: [batch, 2, 3]}}
  s: {{op: constant, value: {{zeros: [1, 4]}}}}
  g: {{block: cell, inputs: [x, s], units: 4, repeat: 2, unstack: x, share: {shared}}}
  h: {{block: cell, inputs: [x, s], units: 4, repeat: 2, unstack: x}}
"""
    net = graphnn.loads(text)
    second = "h.2" if shared == "h" else "h.1"
    assert net.graph.nodes["g.2.a"].parameters["weight"] == f"{second}.a.weight"
    assert net.graph.nodes["g.1.a"].parameters["weight"] == "h.1.a.weight"


def test_the_inner_share_of_copies_that_share():
    text = """
graphnn: 1
blocks:
  inner:
    inputs: x
    nodes: {a: {op: affine, inputs: x, units: 3}}
    output: a
  outer:
    inputs: x
    nodes:
      one: {block: inner, inputs: x, repeat: 2}
      two: {block: inner, inputs: one, share: one.2}
    output: two
nodes:
  x: {op: input, shape: [batch, 3]}
  y: {block: outer, inputs: x, repeat: 3, share: true}
"""
    net = graphnn.loads(text)
    assert sorted(net.parameters) == [
        f"y.1.one.{copy}.a.{kind}" for copy in (1, 2) for kind in ("bias", "weight")
    ]
    owners = {
        name: node.parameters["weight"] for name, node in net.graph.nodes.items() if name != "x"
    }
    assert owners["y.3.two.a"] == owners["y.1.two.a"] == "y.1.one.2.a.weight"


@pytest.mark.parametrize("text", [RECURRENT, LSTM, SHARED])
def test_the_text_is_kept_by_formatting_and_json(text):
    net = graphnn.loads(text)
    again = graphnn.loads(format_text(text))
    assert [*again.graph.nodes] == [*net.graph.nodes]
    assert [*again.parameters] == [*net.parameters]
    assert graphnn.diagnose_text(text) == ()


def test_an_input_that_is_unstacked_may_have_the_name_of_an_output():
    text = """
graphnn: 1
blocks:
  double:
    inputs: x
    nodes: {s: {op: add, inputs: [x, x]}}
    output: {x: s}
nodes:
  x: {op: input, shape: [batch, 3, 2]}
  y: {block: double, inputs: x, repeat: 3, unstack: x, stack: x}
  z: {op: identity, inputs: y.2.x}
"""
    net = graphnn.loads(text)
    x = np.arange(12.0).reshape(2, 3, 2)
    found = net.run({"x": x}, outputs=["y.x", "y", "z", "y.2.x.entry"])
    assert_array_equal(found["y.x"], 2 * x)
    assert_array_equal(found["z"], 2 * x[:, 1])
    assert_array_equal(found["y.2.x.entry"], x[:, 1])


@pytest.mark.parametrize("text", [RECURRENT, LSTM, SHARED])
def test_onnx_gives_the_same(text, tmp_path):
    pytest.importorskip("onnxruntime")
    graphnn.export(graphnn.loads(text), tmp_path / "net.onnx")  # which compares every node
    assert (tmp_path / "net.onnx").stat().st_size > 0


def test_inputs_that_are_one_node_keep_their_names_in_tables():
    rows = str(graphnn.loads(LSTM).summary()).splitlines()
    assert [row.split()[2:4] for row in rows if row.startswith("  gates")] == [["x,", "h"]]
    kept = next(row.split() for row in rows if row.startswith("  kept"))
    assert kept[2:4] == ["gates.f,", "c"]
