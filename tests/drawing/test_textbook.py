"""The textbook style: columns of neurons, the numbers on them, and what is refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import DrawingError
from graphnn.drawing.diagram.scene import Box, Path, Text
from places import SPECS
from scene_faults import faults

CHAINS = ("three_layer", "gates/xor", "gates/and", "mnist", "autoencoder", "overfit_dropout")


def drawn(text: str):
    return graphnn.loads(text).draw(style="textbook").scene


def words(scene) -> list[str]:
    return [item.text for item in scene.items if isinstance(item, Text)]


def circles(scene) -> list[Box]:
    return [item for item in scene.items if isinstance(item, Box) and item.shape == "ellipse"]


def chain(*nodes: str, shape: str = "[batch, 2]") -> str:
    lines = [f"  x: {{op: input, shape: {shape}}}", *(f"  {node}" for node in nodes)]
    return "\n".join(["graphnn: 1", "sizes: {time: free}", "nodes:", *lines])


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("theme", ["light", pytest.param("print", marks=pytest.mark.slow)])
def test_nothing_overlaps_or_is_crossed(name: str, theme: str):
    net = graphnn.load(SPECS / f"{name}.yaml")
    assert faults(net.draw(style="textbook", theme=theme).scene) == []


def test_every_unit_is_connected_with_every_one_of_the_next_column():
    scene = graphnn.load(SPECS / "three_layer.yaml").draw(style="textbook").scene
    arrows = [item for item in scene.items if isinstance(item, Path) and item.arrow]
    inner = sum(units for units in (3, 2, 2))  # an arrow from a to z in each
    assert len(arrows) == (2 + 1) * 3 + (3 + 1) * 2 + (2 + 1) * 2 + inner + 1  # one is marked


def test_units_sums_and_biases_are_named_as_in_the_book():
    seen = words(graphnn.load(SPECS / "three_layer.yaml").draw(style="textbook").scene)
    expected = ["x₁", "x₂", *(f"{v}{n}⁽¹⁾" for v, n in product("az", "₁₂₃")), "a₂⁽³⁾", "y₂"]
    assert {*expected, "w₁₂⁽¹⁾", "hidden 2", "3 units", "h() = sigmoid"} <= set(seen)
    assert seen.count("1") == 3
    assert seen[-1] == "w₁₂⁽¹⁾ is a1.weight[1,0]."


def test_the_marked_weight_leads_from_the_second_input_to_the_first_unit():
    scene = drawn(chain("a: {op: affine, inputs: x, units: 2}"))
    at = {item.text: item for item in scene.items if isinstance(item, Text)}
    marked = max(
        (item for item in scene.items if isinstance(item, Path)), key=lambda p: p.ink.width
    )
    for end, unit in ((marked.start, "x₂"), (marked.end, "y₁")):
        assert np.hypot(end[0] - at[unit].x, end[1] - at[unit].y) < 15


def test_without_a_bias_there_is_no_bias_unit():
    scene = drawn(chain("a: {op: affine, inputs: x, units: 3, bias: false}"))
    assert "1" not in words(scene)


@pytest.mark.parametrize(("units", "shown"), [(8, 8), (9, 6), (784, 6)])
def test_from_nine_units_on_a_column_has_an_ellipsis(units: int, shown: int):
    scene = drawn(
        chain("a: {op: affine, inputs: x, units: 1, bias: false}", shape=f"[batch, {units}]")
    )
    assert sum(word.startswith("x") for word in words(scene)) == shown + 1  # and the node's name
    assert sum(box.width < 5 for box in circles(scene)) == (0 if shown == units else 3)


def test_what_acts_on_all_units_together_is_framed():
    frames = []
    for op in ("softmax", "relu"):
        scene = drawn(chain("a: {op: affine, inputs: x, units: 3}", f"y: {{op: {op}, inputs: a}}"))
        frames.append([item for item in scene.items if isinstance(item, Box) and item.ink.dash])
    assert [len(each) for each in frames] == [1, 0]


def test_images_that_are_flattened_are_a_column():
    nodes = "f: {op: flatten, inputs: x}", "a: {op: affine, inputs: f, units: 2}"
    assert "12 units" in words(drawn(chain(*nodes, shape="[batch, 3, 2, 2]")))


def test_losses_and_targets_are_named_and_not_drawn():
    seen = words(graphnn.load(SPECS / "mnist.yaml").draw(style="textbook").scene)
    assert "Not drawn: loss, the cross_entropy of y and t." in seen
    assert "t" not in seen


REFUSED = {
    "c: {op: conv2d, inputs: x, filters: 2, kernel: 1}": (
        "'c': conv2d does not connect all units of two columns",
        "[batch, 1, 2, 2]",
    ),
    "p: {op: max_pool, inputs: x, kernel: 2}": (
        "'p': max_pool does not connect all units of two columns",
        "[batch, 1, 2, 2]",
    ),
    "a: {op: affine, inputs: x, units: 2}": (
        "'a': its rows are not single columns of units",
        "[batch, 3, 2]",
    ),
    "z: {op: relu, inputs: x}": ("'x': how many units it has is unknown", "[batch, time]"),
    "t: {op: input, shape: [batch]}": (
        "'t': the columns begin with one input of real numbers",
        "[batch, 2]",
    ),
}


@pytest.mark.parametrize("node", REFUSED)
def test_what_cannot_be_shown_is_refused_by_name(node: str):
    message, shape = REFUSED[node]
    with pytest.raises(DrawingError) as caught:
        drawn(chain(node, shape=shape))
    assert [found.message for found in caught.value.diagnostics] == [
        f"the style 'textbook' cannot show {message}"
    ]
    assert [found.span.line for found in caught.value.diagnostics] == [4 if "'x'" in message else 5]


def test_a_reader_is_named_once():
    with pytest.raises(DrawingError) as caught:
        drawn(chain("s: {op: multiply, inputs: [x, x]}"))
    assert [found.message.partition("show ")[2] for found in caught.value.diagnostics] == [
        "'s': multiply reads 2 nodes, a column reads one"
    ]


def test_a_branch_is_refused_at_the_node_that_is_read_twice():
    nodes = (
        "a: {op: affine, inputs: x, units: 2}",
        "b: {op: affine, inputs: x, units: 2}",
        "s: {op: add, inputs: [a, b]}",
    )
    with pytest.raises(DrawingError) as caught:
        drawn(chain(*nodes))
    assert [found.message.partition("show ")[2] for found in caught.value.diagnostics] == [
        "'x': a, b read it, but a column is read by the next alone",
        "'s': add reads 2 nodes, a column reads one",
    ]
