"""A network that narrows and widens again is drawn as a U, another is not."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

import graphnn
from graphnn.drawing.diagram.scene import Box, Path, Scene

CONV = {"op": "conv2d", "kernel": 3, "padding": 1}
DOUBLE = {
    "inputs": "x",
    "sizes": ["c"],
    "nodes": {
        "a": {**CONV, "inputs": "x", "filters": "c"},
        "b": {**CONV, "inputs": "a", "filters": "c"},
    },
    "output": "b",
}


def u_net(depth: int, *, blocks: bool, loss: bool = False) -> graphnn.Network:
    nodes: dict[str, Any] = {"x": {"op": "input", "shape": ["batch", 1, 16, 16]}}

    def convolve(name: str, source: str, size: int) -> str:
        use = {"block": "double", "c": size} if blocks else {**CONV, "filters": size}
        nodes[name] = {**use, "inputs": source}
        return name

    last = "x"
    for level in range(depth):
        last = convolve(f"down{level}", last, 2 * 2**level)
        nodes[f"pool{level}"] = {"op": "max_pool", "inputs": last, "kernel": 2}
        last = f"pool{level}"
    last = convolve("deepest", last, 2 * 2**depth)
    for level in reversed(range(depth)):
        nodes[f"up{level}"] = {"op": "upsample", "inputs": last, "factor": 2}
        nodes[f"cat{level}"] = {"op": "concat", "inputs": [f"down{level}", f"up{level}"], "axis": 1}
        last = convolve(f"wide{level}", f"cat{level}", 2 * 2**level)
    if loss:
        nodes["t"] = {"op": "input", "shape": ["batch", 2, 16, 16]}
        nodes["loss"] = {"op": "mean_squared_error", "inputs": [last, "t"]}
    spec = {"graphnn": 1, "nodes": nodes} | ({"blocks": {"double": DOUBLE}} if blocks else {})
    return graphnn.loads(spec)


def placed(scene: Scene) -> dict[str, Box]:
    """The box of every node."""
    found = (item for item in scene.items if isinstance(item, Box) and item.node)
    return {item.node: item for item in found if item.ink.stroke}


def across(scene: Scene) -> list[Path]:
    """Lines that go straight from the left to the right."""
    lines = [item for item in scene.items if isinstance(item, Path)]
    level = [line for line in lines if abs(line.start[1] - line.end[1]) < 1e-6]
    return [line for line in level if line.start[0] < line.end[0]]


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("loss", [False, True])
@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize("depth", [2, 3])
def test_a_u_net_is_a_u(depth: int, blocks: bool, loss: bool, direction: str):
    net = u_net(depth, blocks=blocks, loss=loss)
    scene = net.draw(direction=direction).scene
    found = {name: box for name, box in placed(scene).items() if name in net.graph.nodes}
    tail = ".b" if blocks else ""
    # Lines join the halves at one height, and the way round is at the foot.
    joined = {f"cat{level}" for level in range(depth)}
    assert {line.node for line in across(scene)} == joined | {f"up{depth - 1}"}
    # Data go down at the left and up at the right.
    heads = [found[f"down{level}{tail}"] for level in range(depth)]
    tails = [found[f"cat{level}"] for level in range(depth)]
    assert [box.y for box in heads] == sorted(box.y for box in heads)
    assert [box.y for box in tails] == sorted(box.y for box in tails)
    left = max(box.x + box.width for name, box in found.items() if name.startswith(("x", "down")))
    right = min(box.x for name, box in found.items() if name.startswith(("cat", "wide")))
    assert left < right
    for a, b in combinations(found.values(), 2):
        assert (
            a.x + a.width <= b.x
            or b.x + b.width <= a.x
            or (a.y + a.height <= b.y or b.y + b.height <= a.y)
        )
    lines = [item for item in scene.items if isinstance(item, Path)]
    assert all(
        0 <= x <= scene.width and 0 <= y <= scene.height
        for line in lines
        for x, y in (line.start, line.end)
    )


SKIPS = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  a: {op: relu, inputs: x}
  b: {op: relu, inputs: a}
  c: {op: relu, inputs: b}
  d: {op: add, inputs: [c, FIRST]}
  e: {op: relu, inputs: d}
  f: {op: add, inputs: [e, SECOND]}
"""


@pytest.mark.parametrize(
    ("first", "second", "is_u"), [("b", "a", True), ("a", "b", False), ("b", "d", False)]
)
def test_lines_that_cross_or_follow_each_other_are_no_u(first: str, second: str, is_u: bool):
    text = SKIPS.replace("FIRST", first).replace("SECOND", second)
    scene = graphnn.loads(text).draw().scene
    assert bool(across(scene)) == is_u
