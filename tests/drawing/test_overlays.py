"""Numbers of a pass on the boxes of a diagram: statistics, a scale, hatching."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import graphnn
from graphnn.drawing.diagram.palette import THEMES
from graphnn.drawing.diagram.scene import Box, Path, Scene, Text
from graphnn.ops.families.activation import Relu
from places import SPECS
from scene_faults import faults

LINE = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 3]}
  a: {op: affine, inputs: x, weight: [[2, -1, 0], [-1, 3, 0]], bias: [0.5, 0, -1]}
  z: {op: relu, inputs: a}
  loss: {op: sum_squared_error, inputs: [z, t]}
"""
# a = [[0.5, 5, -1], [2.5, -1, -1]], z = [[0.5, 5, 0], [2.5, 0, 0]]
ROWS = {"x": [[1, 2], [1, 0]], "t": [[0, 5, 0], [2.5, 0, 0]]}


def drawn(show: str, **options: object) -> Scene:
    net = graphnn.loads(LINE)
    return net.draw(trace=traced(net, show), **options).scene


def traced(net, show: str):
    if show != "check":
        return graphnn.trace(net, ROWS, show=show)
    return graphnn.trace(net, ROWS, report=graphnn.check_gradients(net, ROWS))


def words(scene: Scene, node: str = "") -> list[str]:
    texts = [item for item in scene.items if isinstance(item, Text)]
    return [text.text for text in texts if not node or text.node == node]


def fills(scene: Scene) -> dict[str, str | None]:
    return {item.node: item.ink.fill for item in scene.items if isinstance(item, Box) and item.node}


def test_values_have_mean_deviation_and_range():
    scene = drawn("values")
    assert words(scene, "z")[-3:] == [
        "mean 1.333, sd 1.863",
        "from 0 to 5",
        "1 of 3 units always 0",
    ]
    assert words(scene, "x")[-2:] == ["mean 1, sd 0.7071", "from 0 to 2"]


def test_units_that_are_dead_are_hatched_as_far_as_they_are_many():
    scene = drawn("values")
    strips = [item for item in scene.items if isinstance(item, Box) and item.height == 5.0]
    whole, part = strips
    assert part.width / whole.width == pytest.approx(1 / 3)
    box = next(item for item in scene.items if isinstance(item, Box) and item.node == "z")
    inside = [
        item
        for item in scene.items
        if isinstance(item, Path)
        and not item.arrow
        and part.x <= item.start[0] <= part.x + part.width
        and box.y < item.start[1] < box.y + box.height
    ]
    assert len(inside) >= 3


def test_gradients_have_norms():
    scene = drawn("gradients")
    # Of half a sum of squares, the mean of two rows: (z - t) / 2 where z > 0.
    assert words(scene, "z")[-1] == "gradient norm 0.25"
    assert words(scene, "a")[-3:] == ["gradient norm 0.25", "of weight 0.559", "of bias 0.25"]
    backprop = graphnn.backprop(graphnn.loads(LINE), ROWS)
    assert np.linalg.norm(backprop["a.weight"]) == pytest.approx(0.559, abs=1e-4)


def test_colours_follow_the_scale_and_its_bar():
    scene = drawn("values")
    theme, seen = THEMES["light"], fills(scene)
    assert seen["a"] == theme.scale[2]  # 2.42, the largest
    assert seen["t"] == seen["t"] != theme.scale[2]
    bar = [item for item in scene.items if isinstance(item, Box) and item.height == 8.0]
    colours = [item.ink.fill for item in bar if item.ink.fill is not None and not item.ink.stroke]
    assert len(colours) == 36 == len(set(colours))
    assert "size of a value (root mean square)" in words(scene)
    largest = np.sqrt(np.mean(np.square([0.5, 5, -1, 2.5, -1, -1])))
    assert f"{largest:.4g}" in words(scene)


def test_a_wrong_backward_pass_is_hatched_and_counted():
    net = graphnn.loads(LINE)
    trace = traced(net, "check")
    assert words(net.draw(trace=trace).scene, "a")[-1] == "9 agree"
    planted = dict.fromkeys(("agree", "wrong backward", "kink", "unresolved", "singular"), 0)
    planted |= {"agree": 4, "wrong backward": 2}
    scene = net.draw(trace=replace(trace, verdicts={**trace.verdicts, "a.weight": planted})).scene
    assert words(scene, "a")[-2:] == ["7 agree", "2 wrong backward"]
    whole, part = [item for item in scene.items if isinstance(item, Box) and item.height == 5.0]
    assert part.width / whole.width == pytest.approx(2 / 9)
    assert "hatched: the part that shows a wrong backward pass" in words(scene)


def test_a_planted_wrong_backward_pass_is_seen(monkeypatch):
    right = Relu.vjp
    monkeypatch.setattr(Relu, "vjp", lambda *given: tuple(2 * part for part in right(*given)))
    scene = drawn("check")
    # Two weights and the bias of the one unit that fires and is not what it should be.
    assert words(scene, "a")[-2:] == ["6 agree", "3 wrong backward"]


def test_what_has_no_number_has_no_colour_of_the_scale():
    scene = drawn("check")
    assert fills(scene)["z"] == THEMES["light"].paper


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["cnn", "residual_blocks", "deep"])
def test_nothing_overlaps(name: str, theme: str):
    net = graphnn.load(SPECS / f"{name}.yaml")
    inputs = {
        node.name: np.zeros((2, *node.shape[1:]), int if node.kind == "int" else float)
        for node in net.graph.inputs
    }
    trace = graphnn.trace(net, inputs, show="values")
    assert faults(net.draw(trace=trace, theme=theme).scene) == []


def test_a_trace_of_nothing_leaves_the_diagram_as_it_is():
    net = graphnn.loads(LINE)
    empty = graphnn.Trace({})
    assert net.draw(trace=empty).content("svg") == net.draw().content("svg")
