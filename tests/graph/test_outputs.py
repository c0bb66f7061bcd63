"""What a graph gives unless told otherwise, what its loss is, and what nobody reads."""

from __future__ import annotations

import pytest

import graphnn
from graphnn.graph.lints import advise

X = "  x: {op: input, shape: [batch, 3]}\n"
T = "  t: {op: input, shape: [batch], dtype: int}\n"


def graph(nodes, top=""):
    return graphnn.loads(f"graphnn: 1\n{top}nodes:\n{nodes}").graph


CASES = {
    "the end of a chain": (
        X + "  h: {op: relu, inputs: x}\n  y: {op: tanh, inputs: h}\n",
        ("y",),
        (),
    ),
    "what a loss alone reads": (
        X + T + "  y: {op: softmax, inputs: x}\n  l: {op: cross_entropy, inputs: [y, t]}\n",
        ("y",),
        ("l",),
    ),
    "several heads, in the order of the file": (
        "  b: {op: tanh, inputs: h}\n  a: {op: exp, inputs: h}\n"
        + X
        + "  h: {op: relu, inputs: x}\n",
        ("b", "a"),
        (),
    ),
    "a head beside a loss": (
        X
        + T
        + "  h: {op: relu, inputs: x}\n  y: {op: softmax, inputs: h}\n"
        + "  l: {op: cross_entropy, inputs: [y, t]}\n  z: {op: tanh, inputs: h}\n",
        ("y", "z"),
        ("l",),
    ),
    "two losses of one head": (
        X
        + "  t: {op: input, shape: [batch, 3]}\n  y: {op: relu, inputs: x}\n"
        + "  l: {op: mean_squared_error, inputs: [y, t]}\n"
        + "  m: {op: sum_squared_error, inputs: [y, t]}\n",
        ("y",),
        ("l", "m"),
    ),
    "a head that is also read by another": (
        X
        + "  t: {op: input, shape: [batch, 3]}\n  y: {op: relu, inputs: x}\n"
        + "  z: {op: sum, inputs: y, axis: 1}\n  l: {op: mean_squared_error, inputs: [y, t]}\n",
        ("z",),
        ("l",),
    ),
    "what is computed from a loss": (
        X
        + "  t: {op: input, shape: [batch, 3]}\n"
        + "  l: {op: mean_squared_error, inputs: [x, t]}\n  r: {op: sqrt, inputs: l}\n",
        ("r",),
        ("l",),
    ),
    "a loss of inputs alone": (
        X + "  t: {op: input, shape: [batch, 3]}\n  l: {op: mean_squared_error, inputs: [x, t]}\n",
        ("l",),
        ("l",),
    ),
    "a constant target is no output": (
        "  x: {op: input, shape: [4, 3]}\n  y: {op: softmax, inputs: x}\n"
        + "  c: {op: constant, value: [0, 1, 2, 0], dtype: int}\n"
        + "  l: {op: cross_entropy, inputs: [y, c]}\n",
        ("y",),
        ("l",),
    ),
    "a parameter that is fitted": (
        "  p: {op: parameter, shape: [2, 3]}\n  c: {op: constant, value: [[1, 2, 3], [4, 5, 6]]}\n"
        + "  l: {op: mean_squared_error, inputs: [p, c]}\n",
        ("p",),
        ("l",),
    ),
    "an input alone": (X, ("x",), ()),
    "a constant alone": ("  c: {op: constant, value: 2}\n", ("c",), ()),
}


@pytest.mark.parametrize(("nodes", "outputs", "losses"), CASES.values(), ids=CASES)
def test_outputs_and_losses(nodes, outputs, losses):
    found = graph(nodes)
    assert found.outputs == outputs
    assert found.losses == losses
    # Beside a loss, an output that it does not depend on is to be listed.
    loose = [name for name in outputs if losses and name not in found.upstream(losses)]
    assert [warning.message for warning in advise(found)] == [END.format(name) for name in loose]


def test_outputs_and_loss_of_the_file_s_choice():
    nodes = X + T + "  y: {op: softmax, inputs: x}\n  l: {op: cross_entropy, inputs: [y, t]}\n"
    nodes += "  s: {op: sum, inputs: y}\n"
    found = graph(nodes, "outputs: [s, x]\ntrain: {loss: [s, l, s]}\n")
    assert found.outputs == ("s", "x")
    assert found.losses == ("s", "l")
    assert graph(nodes, "outputs: y\n").outputs == ("y",)


def warned(nodes, top=""):
    found = [w for w in advise(graph(nodes, top)) if w.code.startswith("un")]
    assert {(w.code, w.severity, w.help) for w in found} <= {
        ("unread-node", "warning", "leave it out, or list it under 'outputs'"),
        ("unused-input", "warning", "let a node read it, or leave it out"),
    }
    return [warning.message for warning in found]


END = "nothing reads '{}', and it is not listed under 'outputs'"
WAY = "is read only by nodes that lead to neither an output nor a loss"


def test_an_input_that_nobody_reads():
    assert warned(X + T + "  y: {op: relu, inputs: x}\n") == [
        "neither an output nor a loss depends on the input 't'"
    ]


def test_a_branch_that_leads_nowhere():
    nodes = (
        X
        + "  a: {op: relu, inputs: x}\n  b: {op: tanh, inputs: a}\n  c: {op: exp, inputs: [a]}\n"
        + "  y: {op: relu, inputs: x}\n"
    )
    assert warned(nodes, "outputs: [y]\n") == [f"'a' {WAY}", END.format("b"), END.format("c")]
    assert warned(nodes, "outputs: [y, b]\n") == [END.format("c")]
    assert warned(nodes) == []


def test_what_a_metric_reads_is_read():
    nodes = X + T + "  a: {op: relu, inputs: x}\n  y: {op: relu, inputs: x}\n"
    top = "outputs: [y]\ntrain: {metrics: {accuracy: [a, t]}}\n"
    assert warned(nodes, top) == []


def test_a_loss_that_training_leaves_aside():
    nodes = (
        X
        + "  t: {op: input, shape: [batch, 3]}\n  y: {op: relu, inputs: x}\n"
        + "  l: {op: mean_squared_error, inputs: [y, t]}\n"
        + "  m: {op: sum_squared_error, inputs: [y, t]}\n"
    )
    assert warned(nodes, "train: {loss: l}\n") == [END.format("m")]


def test_warnings_have_places():
    (warning,) = advise(graph(X + T + "  y: {op: relu, inputs: x}\n"))
    assert str(warning) == (
        "warning[unused-input]: neither an output nor a loss depends on the input 't'\n"
        "  --> <text>:4:3\n"
        "   |\n"
        " 4 |   t: {op: input, shape: [batch], dtype: int}\n"
        "   |   ^\n"
        "   = help: let a node read it, or leave it out\n"
    )
