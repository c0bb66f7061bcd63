"""What a graph gives unless the spec says otherwise, what its loss is, and what nobody reads."""

from __future__ import annotations

import graphnn
from graphnn.graph.lints import advise
from tables import cases

X = "  x: {op: input, shape: [batch, 3]}\n"
T = "  t: {op: input, shape: [batch], dtype: int}\n"


def graph(nodes, top=""):
    return graphnn.loads(f"graphnn: 1\n{top}nodes:\n{nodes}").graph


@cases(
    """
    id | nodes | outputs | losses
    the end of a chain | $ROWS, h: {op: relu, inputs: x}, y: {op: tanh, inputs: h} | y |
    what a loss alone reads
        | $CLASSES, y: {op: softmax, inputs: x}, l: {op: cross_entropy, inputs: [y, t]} | y | l
    several heads, in the order of the file
        | b: {op: tanh, inputs: h}, a: {op: exp, inputs: h}, $ROWS, h: {op: relu, inputs: x} | b a |
    a head beside a loss
        | $CLASSES, h: {op: relu, inputs: x}, y: {op: softmax, inputs: h},
        l: {op: cross_entropy, inputs: [y, t]}, z: {op: tanh, inputs: h} | y z | l
    two losses of one head
        | $INPUTS, y: {op: relu, inputs: x}, l: {op: mean_squared_error, inputs: [y, t]},
        m: {op: sum_squared_error, inputs: [y, t]} | y | l m
    a head that is also read by another
        | $INPUTS, y: {op: relu, inputs: x}, z: {op: sum, inputs: y, axis: 1},
        l: {op: mean_squared_error, inputs: [y, t]} | z | l
    what is computed from a loss
        | $INPUTS, l: {op: mean_squared_error, inputs: [x, t]}, r: {op: sqrt, inputs: l} | r | l
    a loss of inputs alone | $INPUTS, l: {op: mean_squared_error, inputs: [x, t]} | l | l
    a constant target is no output
        | x: {op: input, shape: [4, 3]}, y: {op: softmax, inputs: x},
        c: {op: constant, value: [0, 1, 2, 0], dtype: int},
        l: {op: cross_entropy, inputs: [y, c]} | y | l
    a parameter that is fitted
        | p: {op: parameter, shape: [2, 3]}, c: {op: constant, value: [[1, 2, 3], [4, 5, 6]]},
        l: {op: mean_squared_error, inputs: [p, c]} | p | l
    an input alone | $ROWS | x |
    a constant alone | c: {op: constant, value: 2} | c |
    """,
    ROWS="x: {op: input, shape: [batch, 3]}",
    INPUTS="x: {op: input, shape: [batch, 3]}, t: {op: input, shape: [batch, 3]}",
    CLASSES="x: {op: input, shape: [batch, 3]}, t: {op: input, shape: [batch], dtype: int}",
)
def test_outputs_and_losses(nodes, outputs, losses):
    outputs, losses = tuple(outputs.split()), tuple(losses.split())
    found = graphnn.loads(f"{{graphnn: 1, nodes: {{{nodes}}}}}").graph
    assert (found.outputs, found.losses) == (outputs, losses)
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
