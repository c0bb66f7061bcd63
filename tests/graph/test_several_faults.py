"""Where a list or a mapping holds several faults, each is reported, and what is right is kept."""

from __future__ import annotations

import pytest

import graphnn

SPEC = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
"""


def messages(text):
    return [found.message for found in graphnn.diagnose_text(text) if found.severity == "error"]


AFFINE = "  y: {op: affine, inputs: x, units: 2, weight: {normal: {OPTIONS}}}"


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        (
            "  y: {op: relu, inputs: x, shape: [gone, 3, lost]}",
            "there is no size 'gone'",
            "there is no size 'lost'",
        ),
        (
            AFFINE.replace("OPTIONS", "stdd: 1, meen: 2"),
            "the initializer 'normal' has no option 'meen'",
            "the initializer 'normal' has no option 'stdd'",
        ),
        (
            AFFINE.replace("OPTIONS", "stdd: 1, mean: no"),
            "'mean' of 'normal' must be",
            "the initializer 'normal' has no option 'stdd'",
        ),
        (
            "examples: [{properties: {casul: {input: x, output: x}, monotune: {input: x}}}]",
            "'properties' has no key 'casul'",
            "'properties' has no key 'monotune'",
        ),
    ],
)
def test_both_are_reported(text, first, second):
    found = sorted(messages(SPEC + text))
    assert len(found) == 2
    assert found[0].startswith(first)
    assert found[1].startswith(second)


@pytest.mark.parametrize("lacking", ["gain", "shift"])
def test_a_parameter_left_out_leaves_the_others(lacking):
    net = graphnn.loads(SPEC + f"  y: {{op: batch_norm, inputs: x, {lacking}: false}}\n")
    assert [*net.parameters] == [f"y.{name}" for name in ("gain", "shift") if name != lacking]
    assert [*net.state] == ["y.running_mean", "y.running_variance"]


def test_every_node_of_a_block_counts(monkeypatch):
    monkeypatch.setattr("graphnn.spec.blocks.expansion.MAX_NODES", 13)
    text = """
graphnn: 1
blocks:
  inner:
    inputs: [x]
    nodes: {a: {op: relu, inputs: x}, b: {op: tanh, inputs: a}, c: {op: exp, inputs: b}}
    output: c
nodes:
  x: {op: input, shape: [batch, 3]}
  h: {block: inner, inputs: x, repeat: TIMES}
"""
    assert len(graphnn.loads(text.replace("TIMES", "4")).graph.nodes) == 13
    assert messages(text.replace("TIMES", "5")) == [
        "with 'h' unfolded the spec has more than 13 nodes"
    ]
