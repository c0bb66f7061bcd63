"""Outlines: which copies stand for which, how groups nest, and what they are called."""

from __future__ import annotations

import pytest

import graphnn
from graphnn.graph import Group, outline, show_shapes

NET = """
graphnn: 1
blocks:
  half: {inputs: x, nodes: {p: {op: max_pool, inputs: x, kernel: 2}}, output: p}
  two:
    inputs: x
    nodes:
      h: {block: half, inputs: x, repeat: 2}
      z: {op: relu, inputs: h}
    output: z
nodes:
  y: {op: relu, inputs: t.1.h.1}
  x: {op: input, shape: [batch, 1, 64, 64]}
  t: {block: two, inputs: x, repeat: 2}
  o: {block: half, inputs: t, repeat: 1}
  s: {block: half, inputs: o}
"""


def drawn(seen):
    return [
        "  " * depth + (item.title if isinstance(item, Group) else item.name)
        for depth, item in seen.walk()
    ]


def test_one_copy_for_all():
    graph = graphnn.loads(NET).graph
    seen = outline(graph)
    assert drawn(seen) == [
        *("y", "x", "t x2", "  h x2", "    t.1.h.1.p", "  t.1.z"),
        *("o x1", "  o.1.p", "s", "  s.p"),
    ]
    assert [node.name for node in seen.alike["t.1.h.1.p"]] == [
        *("t.1.h.1.p", "t.1.h.2.p", "t.2.h.1.p", "t.2.h.2.p")
    ]
    assert {name: seen.shown[name] for name in ("y", "t.2.h.2.p", "t.2.z", "s.p")} == {
        **{"y": "y", "t.2.h.2.p": "t.1.h.1.p", "t.2.z": "t.1.z", "s.p": "s.p"}
    }
    shapes = [node.shape for node in seen.alike["t.1.h.1.p"]]
    assert show_shapes(shapes) == "[batch, 1, 32, 32] ... [batch, 1, 4, 4]"


def test_every_copy():
    graph = graphnn.loads(NET).graph
    seen = outline(graph, expand=True)
    assert drawn(seen) == [
        *("y", "x"),
        *("t.1", "  h.1", "    t.1.h.1.p", "  h.2", "    t.1.h.2.p", "  t.1.z"),
        *("t.2", "  h.1", "    t.2.h.1.p", "  h.2", "    t.2.h.2.p", "  t.2.z"),
        *("o x1", "  o.1.p", "s", "  s.p"),
    ]
    assert all(seen.shown[name] == name for name in graph.nodes)


def test_in_the_order_of_the_schedule():
    graph = graphnn.loads(NET).graph
    assert drawn(outline(graph, order=graph.nodes))[:2] == ["x", "t x2"]


@pytest.mark.parametrize(
    ("node", "name"),
    [
        *(("x", "x"), ("t.2.z", "t"), ("t.1.z", "t.1"), ("t.1.h.2.p", "t.1.h")),
        *(("t.1.h.1.p", "t.1.h.1"), ("o.1.p", "o"), ("s.p", "s")),
    ],
)
def test_shortest_names(node, name):
    assert outline(graphnn.loads(NET).graph).name(node) == name


def test_shapes_of_copies():
    assert show_shapes([(1, 2), (1, 2)]) == "[1, 2]"
    assert show_shapes([(1, 2), (3, 4), (5, 6)]) == "[1, 2] ... [5, 6]"
    assert show_shapes([(1, 2), (3, 4), (1, 2)]) == "[1, 2] ..."
