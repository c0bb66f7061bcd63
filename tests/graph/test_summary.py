"""The summary of a network: its costs, as text, and as HTML."""

from __future__ import annotations

import math

import pytest

import graphnn
from graphnn.graph import summarize
from places import ROOT, SPECS

COUNTS = {
    # By hand: a result entry of each takes as many products as the numbers that it sums.
    "affine": ("a: {op: affine, inputs: x, units: 7}", "[batch, 3, 5]", 3 * 7 * 5),
    "matmul": ("a: {op: matmul, inputs: [x, x]}", "[batch, 4, 4]", 4 * 4 * 4),
    "conv2d": (
        "a: {op: conv2d, inputs: x, filters: 6, kernel: [3, 2], groups: 2, padding: 1}",
        "[batch, 4, 8, 9]",
        6 * 8 * 10 * (4 // 2) * 3 * 2,
    ),
    "conv_transpose2d": (
        "a: {op: conv_transpose2d, inputs: x, filters: 6, kernel: 3, stride: 2}",
        "[batch, 4, 5, 5]",
        4 * 5 * 5 * 6 * 3 * 3,
    ),
    "attention": ("a: {op: attention, inputs: [x, x, x]}", "[batch, 5, 4]", 5 * 5 * (4 + 4)),
    "relu": ("a: {op: relu, inputs: x}", "[batch, 4]", 0),
}


def network(node: str, shape: str) -> graphnn.Network:
    return graphnn.loads(f"graphnn: 1\nnodes:\n  x: {{op: input, shape: {shape}}}\n  {node}\n")


@pytest.mark.parametrize(("node", "shape", "count"), COUNTS.values(), ids=COUNTS)
def test_multiply_adds_by_hand(node, shape, count):
    data = network(node, shape).summary().data
    assert [each["multiply_adds"] for each in data["nodes"]] == [0, count]
    assert data["totals"]["multiply_adds"] == count


def test_the_data_of_a_network():
    net = graphnn.loads("""
graphnn: 1
sizes: {time: free}
nodes:
  x: {op: input, shape: [batch, time, 2]}
  w: {op: input, shape: [batch], dtype: int}
  y: {op: affine, inputs: x, units: 3, bias: false, trainable: false}
  m: {op: mean, inputs: y, axis: 1}
  loss: {op: cross_entropy, inputs: [m, w]}
outputs: m
""")
    nothing = {"parameters": {}, "multiply_adds": 0}
    assert net.summary().data == {
        "name": "",
        "description": "",
        "nodes": [
            {"name": "x", "op": "input", "inputs": [], "shape": ["batch", "time", 2]}
            | {"kind": "float", "bytes": 16, **nothing},
            {"name": "w", "op": "input", "inputs": [], "shape": ["batch"]}
            | {"kind": "int", "bytes": 8, **nothing},
            {"name": "y", "op": "affine", "inputs": ["x"], "shape": ["batch", "time", 3]}
            | {"kind": "float", "parameters": {"weight": "y.weight", "bias": None}}
            | {"multiply_adds": 6, "bytes": 24},
            {"name": "m", "op": "mean", "inputs": ["y"], "shape": ["batch", 3]}
            | {"kind": "float", "bytes": 24, **nothing},
            {"name": "loss", "op": "cross_entropy", "inputs": ["m", "w"], "shape": ["batch"]}
            | {"kind": "float", "bytes": 8, **nothing},
        ],
        "parameters": [
            {"name": "y.weight", "shape": [2, 3], "entries": 6, "learned": True}
            | {"trainable": False, "start": "xavier"},
        ],
        "outputs": ["m"],
        "losses": ["loss"],
        "dtype": "float64",
        "totals": {"parameters": 6, "states": 0, "multiply_adds": 6, "bytes": 80},
    }


def test_memory_is_that_of_the_results():
    net = graphnn.load(SPECS / "cnn.yaml")  # float32
    nodes = {each["name"]: each for each in net.summary().data["nodes"]}
    assert nodes["c1"]["bytes"] == 30 * 24 * 24 * 4
    assert nodes["t"]["bytes"] == 8  # a whole number
    values = net.run({"x": [[[[0.0] * 28] * 28]]}, outputs="c1")
    assert values["c1"].nbytes == nodes["c1"]["bytes"]


def test_copies_of_a_block_are_added_up():
    net = graphnn.loads(
        "graphnn: 1\n"
        "blocks:\n"
        "  b:\n"
        "    inputs: [x]\n"
        "    nodes: {a: {op: affine, inputs: x, units: 5}}\n"
        "    output: a\n"
        "nodes:\n"
        "  x: {op: input, shape: [batch, 5]}\n"
        "  h: {block: b, inputs: x, repeat: 3}\n"
    )
    _, use, row = net.summary(costs=True).nodes.rows
    assert use[:5] == ("h x3", "b", "x", "", f"{3 * (25 + 5)} entries")
    assert row[-2:] == (str(3 * 25), str(3 * 5 * 8))


def test_states_are_no_entries_of_a_block():
    """A normalization has two states between its parameters and those of the next layer."""
    net = graphnn.loads("""
graphnn: 1
blocks:
  b:
    inputs: [x]
    nodes:
      n: {op: batch_norm, inputs: x}
      a: {op: affine, inputs: n, units: 5}
    output: a
nodes:
  x: {op: input, shape: [batch, 5]}
  h: {block: b, inputs: x, repeat: 3}
  one: {block: b, inputs: h}
""")
    rows = {row[0]: row[4] for row in net.summary().nodes.rows}
    each = 5 + 5 + 25 + 5  # gain, shift, weight and bias
    assert rows["h x3"] == f"{3 * each} entries"
    assert rows["one"] == f"{each} entries"


def test_parameters_of_copies_are_one_row_where_they_are_alike():
    net = graphnn.loads("""
graphnn: 1
blocks:
  inner: {inputs: [x], nodes: {a: {op: affine, inputs: x, units: 4}}, output: a}
  outer: {inputs: [x], nodes: {i: {block: inner, inputs: x, repeat: 2}}, output: i}
nodes:
  x: {op: input, shape: [batch, 3]}
  h: {block: outer, inputs: x, repeat: 3}
""")
    assert net.summary().parameters.rows == (
        ("h.1.i.1.a.weight", "[3, 4]", "12", "xavier"),
        ("h.1.i.2.a.weight", "[4, 4]", "16", "xavier"),
        ("h.2-3.i.1-2.a.weight", "[4, 4] x4", "64", "xavier"),
        ("h.1-3.i.1-2.a.bias", "[4] x6", "24", "zeros"),
        ("total", "", "116", ""),
    )


@pytest.mark.parametrize(("copies", "read"), [(2, "h.1, h"), (3, "h.1 ... h")])
def test_what_nodes_in_blocks_and_stacks_of_copies_read(copies, read):
    text = f"""
graphnn: 1
blocks:
  sum:
    inputs: [p, q]
    nodes: {{s: {{op: add, inputs: [q, p]}}}}
    output: s
nodes:
  x: {{op: input, shape: [batch, 2]}}
  h: {{block: sum, inputs: [x, x], repeat: {copies}, stack: s}}
"""
    rows = graphnn.loads(text).summary().nodes.rows
    assert [(row[0].strip(), row[2]) for row in rows[1:]] == [
        (f"h x{copies}", "x, x"),
        ("s", "q, p"),
        ("h.s", read),
    ]


def test_text_and_data_agree_with_the_network():
    net = graphnn.load(SPECS / "mnist.yaml")
    summary = net.summary(costs=True)
    count = sum(math.prod(array.shape) for array in net.parameters.values())
    assert summary.data["totals"]["parameters"] == count == 39_760
    lines = str(summary).splitlines()
    assert lines[0] == net.graph.spec.name
    assert any(line.split() == ["total", "39,760"] for line in lines)
    assert "multiply-adds  39,700 a row" in lines  # 784 * 50 + 50 * 10
    assert repr(summary) == str(summary)


def test_html_escapes_what_a_file_says():
    net = graphnn.loads(
        "graphnn: 1\nname: '<script>alert(1)</script>'\ndescription: a & <b>\n"
        "nodes: {x: {op: input, shape: [batch, 2]}}\n"
    )
    page = net._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "a &amp; &lt;b&gt;" in page
    assert page.startswith("<img alt=")


def test_a_network_without_a_name_has_the_title_given():
    graph = network("a: {op: relu, inputs: x}", "[2]").graph
    assert summarize(graph, "net.yaml").title == "net.yaml"


@pytest.mark.parametrize(
    ("name", "count"),
    # Billions of multiply-adds that torchvision publishes with its weights of these networks.
    [("resnet18", 1.81), ("vgg16", 15.47)],
)
def test_multiply_adds_of_networks_in_the_literature(name, count):
    net = graphnn.load(ROOT / "docs" / "gallery" / f"{name}.yaml")
    assert net.summary().data["totals"]["multiply_adds"] / 1e9 == pytest.approx(count, abs=0.005)


@pytest.mark.parametrize(("op", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_multiply_adds_of_a_recurrent_layer_without_its_optional_operands(op, gates):
    text = f"""
graphnn: 1
nodes:
  x: {{op: input, shape: [batch, 7, 5]}}
  h: {{op: {op}, inputs: x, units: 3}}
"""
    totals = graphnn.loads(text).summary(costs=True).data["totals"]
    assert totals["multiply_adds"] == 7 * gates * 3 * (5 + 3)
