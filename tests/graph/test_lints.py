"""Warnings: what brings each about, what does not, and how they are silenced."""

from __future__ import annotations

import pytest

import graphnn

X = "  x: {op: input, shape: [batch, 784]}\n"
T = "  t: {op: input, shape: [batch], dtype: int}\n"


def warned(nodes, top=""):
    """Codes with lines of what is said of a spec, which must be sound."""
    found = graphnn.diagnose_text(f"graphnn: 1\nnodes:\n{nodes}{top}")
    assert [each for each in found if each.severity == "error"] == []
    return [(each.code, each.span.line) for each in found]


def layer(weight, then="sigmoid", rows=50):
    weight = f", weight: {weight}" if weight else ""
    return (
        f"  a: {{op: affine, inputs: x, units: {rows}{weight}}}\n  y: {{op: {then}, inputs: a}}\n"
    )


@pytest.mark.parametrize(
    ("weight", "wide"),
    [
        ("", False),
        ("he", False),
        ("{xavier: {gain: 2.9}}", False),  # sqrt(2 / 834) * 28 = 1.371, times 2.9 = 3.98
        ("{xavier: {gain: 3}}", True),
        ("{normal: {std: 0.01}}", False),
        ("{normal: {std: 0.142}}", False),  # 28 * 0.142 = 3.98
        ("{normal: {std: 0.143}}", True),  # 28 * 0.143 = 4.004
        ("{uniform: {low: -0.24, high: 0.24}}", False),  # 0.48 / sqrt(12) * 28 = 3.88
        ("{uniform: {low: -0.25, high: 0.25}}", True),  # 0.50 / sqrt(12) * 28 = 4.04
        ("zeros", False),
        ("orthogonal", False),
    ],
)
def test_a_start_is_too_wide_from_a_spread_of_4(weight, wide):
    assert warned(X + layer(weight)) == ([("saturated-start", 4)] if wide else [])


def test_only_what_goes_flat_can_start_too_wide():
    wide = "{normal: {std: 1}}"
    assert warned(X + layer(wide, "tanh")) == [("saturated-start", 4)]
    assert warned(X + layer(wide, "relu")) == []
    between = layer(wide, "layer_norm") + "  z: {op: sigmoid, inputs: y}\n"
    assert warned(X + between) == []
    numbers = "  a: {op: affine, inputs: x, weight: [[100], [100]]}\n  y: {op: tanh, inputs: a}\n"
    assert warned("  x: {op: input, shape: [batch, 2]}\n" + numbers) == []


def test_a_loss_of_scores():
    scores = X + T + "  a: {op: affine, inputs: x, units: 10}\n"
    loss = "  l: {op: cross_entropy, inputs: [%s, t]}\n"
    assert warned(scores + loss % "a") == [("not-probabilities", 6)]
    between = "  i: {op: identity, inputs: a}\n  f: {op: flatten, inputs: i}\n"
    assert warned(scores + between + loss % "f") == [("not-probabilities", 8)]
    assert warned(scores + "  y: {op: softmax, inputs: a}\n" + loss % "y") == []
    for op in ("exp", "sigmoid"):
        assert warned(scores + f"  y: {{op: {op}, inputs: a}}\n" + loss % "y") == [
            ("not-probabilities", 7)
        ]
    # What divides by a sum may well make probabilities.
    parts = "  s: {op: softplus, inputs: a}\n  n: {op: sum, inputs: s, keepdims: true}\n"
    assert warned(scores + parts + "  y: {op: divide, inputs: [s, n]}\n" + loss % "y") == []
    given = "  p: {op: input, shape: [batch, 10]}\n"
    assert warned(T + given + loss % "p") == [("not-probabilities", 5)]


@pytest.mark.parametrize(
    ("nodes", "warns"),
    [
        ("  p: {op: negative, inputs: a}\n", True),
        ("  p: {op: log, inputs: a}\n", True),
        ("  p: {op: absolute, inputs: a}\n", True),
        ("  p: {op: tanh, inputs: a}\n", True),
        ("  p: {op: slice, inputs: a, axis: 1, stop: 5}\n", True),
        ("  y: {op: softmax, inputs: a}\n  p: {op: slice, inputs: y, axis: 1, stop: 5}\n", False),
        ("  p: {op: clip, inputs: a, low: 0, high: 1}\n", False),
        ("  y: {op: softmax, inputs: a}\n  p: {op: multiply, inputs: [y, y]}\n", False),
    ],
)
def test_what_a_loss_is_warned_of_is_the_interval_of_the_op(nodes, warns):
    found = warned(
        X
        + T
        + "  a: {op: affine, inputs: x, units: 10}\n"
        + nodes
        + "  l: {op: cross_entropy, inputs: [p, t]}\n"
    )
    assert found == ([("not-probabilities", 7)] if warns else [])


def test_pooled_scores_are_no_probabilities():
    image = "  x: {op: input, shape: [batch, 1, 8, 8]}\n"
    scores = "  c: {op: conv2d, inputs: x, filters: 10, kernel: 3}\n%s"
    pooled = (
        "  p: {op: global_average_pool, inputs: %s}\n  l: {op: cross_entropy, inputs: [p, t]}\n"
    )
    assert warned(image + T + scores % "" + pooled % "c") == [("not-probabilities", 7)]
    likely = scores % "  s: {op: sigmoid, inputs: c}\n"
    assert warned(image + T + likely + pooled % "s") == [("not-probabilities", 8)]
    binary = pooled.replace("op: cross_entropy", "op: binary_cross_entropy")
    target = "  t: {op: input, shape: [batch, 10]}\n"
    assert warned(image + target + likely + binary % "s") == []


def test_a_binary_loss_of_scores():
    nodes = X + "  u: {op: input, shape: [batch, 1]}\n  a: {op: affine, inputs: x, units: 1}\n"
    loss = "  l: {op: binary_cross_entropy, inputs: {target: u, prediction: %s}}\n"
    (found,) = graphnn.diagnose_text(f"graphnn: 1\nnodes:\n{nodes}{loss % 'a'}")
    assert (found.code, found.span.column) == ("not-probabilities", 65)
    assert found.help == "put a sigmoid between the two"
    assert warned(nodes + "  y: {op: sigmoid, inputs: a}\n" + loss % "y") == []


def test_a_squared_error_of_a_softmax():
    nodes = X + "  t: {op: input, shape: [batch, 784]}\n  y: {op: %s, inputs: x}\n"
    for loss in ("mean_squared_error", "sum_squared_error"):
        end = f"  l: {{op: {loss}, inputs: [y, t]}}\n"
        assert warned(nodes % "softmax" + end) == [("softmax-squared-error", 6)]
        assert warned(nodes % "sigmoid" + end) == []


def test_sizes_are_used_by_shapes_attributes_blocks_and_examples():
    nodes = (
        "  x: {op: input, shape: [batch, wide]}\n"
        "  a: {op: affine, inputs: x, units: 2 * half}\n"
        "  b: {block: one, inputs: a, repeat: deep, units: out}\n"
    )
    top = (
        "blocks:\n  one:\n    sizes: [units]\n    inputs: x\n"
        "    nodes: {r: {op: affine, inputs: x, units: units}}\n    output: r\n"
        "examples: [{inputs: {x: {zeros: [rows, wide]}}, outputs: {b: {sum: 0}}}]\n"
        "sizes: {wide: 3, half: 2, deep: 2, out: 4, rows: 5, batch: free%s}\n"
    )
    assert warned(nodes, top % "") == []
    assert warned(nodes, top % ", b: 7") == [("unused-size", 13)]


UNREAD = "  a: {op: relu, inputs: x%s}\n  b: {op: tanh, inputs: x}\n  y: {op: exp, inputs: x}\n"


def test_beside_a_loss_a_wire_may_be_forgotten():
    nodes = X + T + "  z1: {op: affine, inputs: x, units: 10}\n  s: {op: tanh, inputs: z1}\n"
    nodes += "  m: {op: softmax, inputs: %s}\n"
    loss = "  l: {op: cross_entropy, inputs: [m, t]}\n"
    assert warned(nodes % "s" + loss) == []
    assert warned(nodes % "z1" + loss) == [("unread-node", 6)]
    assert warned(nodes % "z1" + loss, "outputs: [m, s]\n") == []
    # Without a loss, 's' and 'm' are two results.
    assert warned((nodes % "z1").replace(T, "")) == []


def test_what_another_copy_of_a_block_needs_is_not_unread():
    cell = """\
graphnn: 1
blocks:
  cell:
    inputs: [x, h]
    nodes:
      s: {op: add, inputs: [x, h]}
      y: {op: tanh, inputs: s}
      new: {op: sin, inputs: s}%s
    output: {h: new, told: y}
nodes:
  x: {op: input, shape: [batch, 3, 2]}
  start: {op: constant, value: {zeros: [1, 2]}}
  h: {block: cell, inputs: [x, start], repeat: 3, unstack: x, stack: told}
  t: {op: input, shape: [batch, 3, 2]}
  loss: {op: mean_squared_error, inputs: [h.told, t]}
"""
    codes = [found.code for found in graphnn.diagnose_text(cell % "")]
    assert codes == []  # though nothing reads the last 'new'
    text = cell % "\n      idle: {op: cos, inputs: s}"
    assert [found.code for found in graphnn.diagnose_text(text)] == ["unread-node"]


def test_a_node_allows_what_is_odd_in_it():
    end = "outputs: [y]\n"
    assert warned(X + UNREAD % "", end) == [("unread-node", 4), ("unread-node", 5)]
    assert warned(X + UNREAD % ", allow: unread-node", end) == [("unread-node", 5)]
    assert warned(X + UNREAD % ", allow: [unread-node, unused-size]", end) == [
        ("unused-allow", 4),
        ("unread-node", 5),
    ]


def test_a_file_allows_all_of_a_kind():
    end = "outputs: [y]\nallow: [unread-node]\n"
    assert warned(X + UNREAD % "", end) == []
    assert warned(X + UNREAD % ", allow: unread-node", end) == []
    assert warned(X + UNREAD % "", end.replace("unread-node", "unread-node, unused-size")) == [
        ("unused-allow", 8)
    ]


def test_a_node_of_a_block_allows_in_every_copy():
    top = (
        "blocks:\n  one:\n    inputs: x\n    nodes:\n"
        "      u: {op: exp, inputs: x%s}\n      r: {op: relu, inputs: x}\n    output: r\n"
    )
    use = "  h: {block: one, inputs: x, repeat: 3}\n"
    end = "outputs: [h]\n"
    assert warned(X + use, top % "" + end) == [("unread-node", 9)]
    assert warned(X + use, top % ", allow: unread-node" + end) == []


def test_data_that_are_elsewhere_can_be_allowed():
    nodes = X + "  t: {op: input, shape: [batch, 1]}\n  a: {op: affine, inputs: x, units: 1}\n"
    nodes += "  l: {op: mean_squared_error, inputs: [a, t]}\n"
    top = "train: {data: {npz: nosuch.npz}}\n"
    assert warned(nodes, top) == [("no-such-file", 7)]
    assert warned(nodes, top + "allow: no-such-file\n") == []


def test_nothing_is_said_of_idle_permissions_beside_errors():
    text = f"graphnn: 1\nallow: unused-size\nnodes:\n{X}  y: {{op: rellu, inputs: x}}\n"
    assert [found.code for found in graphnn.diagnose_text(text)] == ["unknown-op"]


BLOCK = (
    "blocks:\n  d:\n    inputs: x\n    nodes:\n"
    "      a: {op: affine, inputs: x, units: 784, weight: {normal: {std: 1}}}\n"
    "      l: {op: relu, inputs: a}\n      z: {op: sigmoid, inputs: a}\n    output: z\n"
    "  e: {inputs: x, nodes: {d: {block: d, inputs: x%s}}, output: d}\n"
)
USES = "  g: {block: d, inputs: x, repeat: 2%s}\n  h: {block: e, inputs: x%s}\n"


def test_a_node_in_a_block_that_nothing_reads():
    net = graphnn.loads(f"graphnn: 1\nnodes:\n{X}{USES % ('', '')}{BLOCK % ''}")
    assert net.graph.outputs == ("g", "h")
    assert warned(X + USES % ("", ""), BLOCK % "") == [("saturated-start", 10), ("unread-node", 11)]
    kept = "outputs: [g, h, h.d.l, g.1.l, g.2.l]\n"
    assert warned(X + USES % ("", ""), kept + BLOCK % "") == [("saturated-start", 11)]


@pytest.mark.parametrize("inner", [True, False])
def test_a_use_of_a_block_allows_for_its_nodes(inner):
    both, one = ", allow: [unread-node, saturated-start]", ", allow: unread-node"
    rest = ("", both) if inner else (both, "")
    assert warned(X + USES % (both, rest[0]), BLOCK % rest[1]) == []
    assert warned(X + USES % (one, rest[0]), BLOCK % rest[1]) == [("saturated-start", 10)]
    idle = ", allow: [unread-node, saturated-start, softmax-squared-error]"
    assert warned(X + USES % (idle, rest[0]), BLOCK % rest[1]) == [("unused-allow", 4)]
