"""Plans: only what is wanted, in memory that is known to be free."""

from __future__ import annotations

import pytest

import graphnn
from graphnn.diagnostics import UsageError
from graphnn.execution._plan import make

SPEC = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 3}
  y: {op: softmax, inputs: a}
  l: {op: cross_entropy, inputs: [y, t]}
  c: {op: constant, value: [1, 2, 3]}
  s: {op: add, inputs: [a, c]}
  r: {op: reshape, inputs: s, shape: [batch, 3, 1]}
  q: {op: multiply, inputs: [s, s]}
  e: {op: sum, inputs: r}
outputs: [e]
"""


def plan(*wanted):
    return make(graphnn.loads(SPEC).graph, wanted)


def steps(*wanted):
    return [(step.node, step.op.name) for step in plan(*wanted).steps]


def test_only_what_is_wanted():
    assert steps("y") == [("a", "affine"), ("y", "softmax")]
    assert steps("x") == []
    assert steps("c") == [("c", "constant")]
    assert steps("q") == [("a", "affine"), ("c", "constant"), ("s", "add"), ("q", "multiply")]
    assert list(plan("q").inputs) == ["x"]
    assert list(plan("l").inputs) == ["x", "t"]
    assert list(plan("c").parameters) == []
    assert list(plan("y").parameters) == ["a.weight", "a.bias"]


def test_a_loss_of_a_softmax_is_one_step():
    assert steps("l") == [("a", "affine"), ("l", "softmax_cross_entropy")]
    assert steps("l", "y") == [("a", "affine"), ("y", "softmax"), ("l", "softmax_cross_entropy")]


def test_a_loss_of_something_else_stays():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  t: {op: input, shape: [batch, 4]}
  l: {op: cross_entropy, inputs: [x, t]}
""")
    assert [step.op.name for step in make(net.graph, ["l"]).steps] == ["cross_entropy"]


def test_what_is_wanted_twice_is_there_once():
    assert list(plan("y", "y").outputs) == ["y"]


def named(found):
    """Arguments and what dies, by name."""
    name = [slot.name for slot in found.slots]
    return {
        step.node: ([name[slot] for slot in step.arguments], [name[slot] for slot in step.dying])
        for step in found.steps
    }


def test_values_die_at_their_last_use():
    assert named(plan("e", "q")) == {
        "a": (["x", "a.weight", "a.bias"], []),
        "c": ([], []),
        "s": (["a", "c"], ["a"]),
        "r": (["s"], []),  # the same memory as s
        "q": (["s", "s"], []),
        "e": (["r"], ["s"]),
    }


def test_a_view_keeps_what_it_views():
    found = plan("r")
    assert named(found)["r"] == (["s"], [])
    slots = {slot.name: number for number, slot in enumerate(found.slots)}
    assert found.slots[slots["r"]].storage == slots["s"]
    assert found.slots[slots["s"]].storage == slots["s"]


def test_roles():
    roles = {slot.name: slot.role for slot in plan("e", "l").slots}
    assert roles == {
        "x": "input",
        "t": "input",
        "a": "value",
        "a.weight": "parameter",
        "a.bias": "parameter",
        "c": "constant",
        "s": "value",
        "r": "value",
        "e": "value",
        "l": "value",
    }


def test_an_unknown_node():
    with pytest.raises(UsageError) as caught:
        plan("y", "lost")
    assert str(caught.value) == "error[unknown-node]: there is no node 'lost'"
    with pytest.raises(UsageError) as caught:
        plan("Y")
    assert str(caught.value) == (
        "error[unknown-node]: there is no node 'Y'\n   = help: did you mean 'y'?"
    )
