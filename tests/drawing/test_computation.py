"""The style of computation graphs: circles, and the right numbers at the right lines."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.drawing.diagram import numbers
from graphnn.drawing.diagram.scene import Box, Path, Text
from places import ROOT, SPECS
from scene_faults import faults

SHOPPING = ROOT / "docs" / "gallery" / "apples_and_oranges.yaml"
GIVEN = {"apple": 100, "apples": 2, "orange": 150, "oranges": 3, "tax": 1.1}
# At the line out of each: the value, and the gradient, as the book prints them.
BOOK = {
    **{"apple": ("100", "2.2"), "apples": ("2", "110"), "orange": ("150", "3.3")},
    **{"oranges": ("3", "165"), "tax": ("1.1", "650"), "apple_price": ("200", "1.1")},
    **{"orange_price": ("450", "1.1"), "all": ("650", "1.1"), "price": ("715", "1")},
}


def drawn(net, direction: str, **given):
    trace = graphnn.trace(net, **given) if given else None
    return net.draw(style="computation", direction=direction, trace=trace).scene


@pytest.mark.parametrize("direction", ["down", "right"])
def test_the_numbers_of_the_book_stand_at_their_lines(direction: str):
    net = graphnn.load(SHOPPING)
    scene = drawn(net, direction, **GIVEN)
    # A line out of a place is drawn, then the arrow back, the value and the gradient at it.
    after: dict[str, list[str]] = {}
    items = [item for item in scene.items if isinstance(item, Path | Text)]
    order = [(node.name, name) for node in net.graph.nodes.values() for name in node.inputs]
    lines = [at for at, item in enumerate(items) if isinstance(item, Path) and item.node]
    for at, source in zip(lines, [*(name for _, name in order), "price"], strict=True):
        after[source] = [item.text for item in items[at + 2 : at + 4]]
    assert {name: tuple(texts) for name, texts in after.items()} == BOOK


@pytest.mark.parametrize("direction", ["down", "right"])
def test_gradients_have_another_colour_and_arrows_back(direction: str):
    scene = drawn(graphnn.load(SHOPPING), direction, **GIVEN)
    arrows = [item for item in scene.items if isinstance(item, Path)]
    forward, back = ([path for path in arrows if bool(path.node) is on] for on in (True, False))
    assert len(forward) == len(back) == 9
    assert {path.ink.stroke for path in forward}.isdisjoint(path.ink.stroke for path in back)
    axis = 0 if direction == "right" else 1
    assert all(path.end[axis] > path.start[axis] for path in forward)
    assert all(path.end[axis] < path.start[axis] for path in back)


@pytest.mark.parametrize("direction", ["down", "right"])
def test_lines_end_on_their_circles(direction: str):
    scene = drawn(graphnn.load(SPECS / "three_layer.yaml"), direction, x=[[1.0, 0.5]], loss="y")
    circles = {item.node: item for item in scene.items if isinstance(item, Box)}
    ends = [
        (item.end, circles[item.node])
        for item in scene.items
        if isinstance(item, Path) and item.node in circles
    ]
    assert len(ends) == 12
    for (x, y), circle in ends:
        dx = (x - circle.x - circle.width / 2) / (circle.width / 2)
        dy = (y - circle.y - circle.height / 2) / (circle.height / 2)
        assert dx * dx + dy * dy == pytest.approx(1)


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("name", ["three_layer", "gates/xor", "deep", "residual_blocks", "cnn"])
def test_nothing_overlaps_or_is_crossed(name: str, direction: str):
    assert faults(drawn(graphnn.load(SPECS / f"{name}.yaml"), direction)) == []


@pytest.mark.parametrize("direction", ["down", "right"])
def test_neither_do_numbers(direction: str):
    net = graphnn.load(SPECS / "mnist.yaml")
    x = np.random.default_rng(0).uniform(size=(3, 784))
    assert faults(drawn(net, direction, x=x, t=[1, 2, 3])) == []
    assert faults(drawn(graphnn.load(SHOPPING), direction, **GIVEN)) == []


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array(715.0000000000001), ["715"]),
        (np.array(-0.31682708), ["−0.3168"]),
        (np.array([1.0, 2.5]), ["[1, 2.5]"]),
        (np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]), ["[0.1, 0.3, 0.5]", "[0.2, 0.4, 0.6]"]),
        (np.array([12345.0, 1e-9]), ["[12,345, 1e−09]"]),
        (np.array([[3.0] * 4, [4.0] * 4]), ["[2, 4]", "norm 10"]),
        (np.zeros((0, 3)), ["[0, 3]", "norm 0"]),
    ],
)
def test_small_arrays_are_numbers_and_large_ones_shape_and_norm(array, expected):
    assert numbers.lines(array) == expected


def test_a_parameter_that_is_a_node_stands_for_itself():
    net = graphnn.load(SPECS / "descent.yaml")
    scene = net.draw(style="computation", trace=graphnn.trace(net)).scene
    texts = [item.text for item in scene.items if isinstance(item, Text)]
    assert "x" in texts and "x.value" not in texts
    # f = x^2 + y^2 at (-3, 4)
    assert {"[−3, 4]", "[9, 16]", "25", "[−6, 8]", "[1, 1]"} <= set(texts)


# y = g(g(g(x)))^2 for g(x) = x + x^2, by copies of a block that has another inside.
REPEATED = """
graphnn: 1
nodes:
  x: {op: input, shape: []}
  h: {block: grow, inputs: x, repeat: 3}
  y: {op: multiply, inputs: [h, h]}
blocks:
  grow:
    inputs: [x]
    nodes:
      p: {block: square, inputs: x}
      s: {op: add, inputs: [x, p]}
    output: s
  square:
    inputs: [x]
    nodes:
      m: {op: multiply, inputs: [x, x]}
    output: m
"""


def lines_of(scene) -> set[tuple[str, str]]:
    return {
        (item.source, item.node) for item in scene.items if isinstance(item, Path) and item.node
    }


def boxes_of(scene) -> list[str]:
    return [item.node for item in scene.items if isinstance(item, Box)]


def test_a_folded_block_has_the_value_out_of_it_and_the_gradient_into_it():
    net = graphnn.loads(REPEATED)
    trace = graphnn.trace(net, x=1.0, loss="y")
    scene = net.draw(style="computation", depth=0, trace=trace).scene
    assert boxes_of(scene) == ["h.1", "y"]
    assert lines_of(scene) == {("x", "h.1"), ("h.1", "y"), ("y", "the end of y")}
    texts = [item.text for item in scene.items if isinstance(item, Text)]
    # h = 42, y = h^2, dy/dx = 2 h (1 + 12) (1 + 4) (1 + 2); h comes back on both lines to y.
    expected = ["1", "16,380", "42", "42", "42", "42", "1764", "1"]
    assert sorted(texts[: len(expected)]) == sorted(expected)
    assert {"h × 3", "grow"} <= set(texts)
    assert faults(scene) == []


@pytest.mark.parametrize("direction", ["down", "right"])
def test_lines_end_on_the_outline_of_folded_blocks(direction: str):
    net = graphnn.load(SPECS / "residual_blocks.yaml")
    scene = net.draw(style="computation", depth=1, direction=direction).scene
    blocks = {
        item.node: item for item in scene.items if isinstance(item, Box) and item.shape == "rounded"
    }
    ends = [
        (end, blocks[name])
        for item in scene.items
        if isinstance(item, Path) and item.node
        for name, end in ((item.node, item.end), (item.source, item.start))
        if name in blocks
    ]
    assert len(ends) == 12
    for (x, y), box in ends:
        dx, dy = x - box.x - box.width / 2, y - box.y - box.height / 2
        assert max(abs(2 * dx / box.width), abs(2 * dy / box.height)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "boxes"),
    [
        ({"depth": 0, "expand": True}, ["h.1", "h.2", "h.3", "y"]),
        ({"depth": 1}, ["h.1.p", "h.1.s", "h.2.p", "h.2.s", "h.3.p", "h.3.s", "y"]),
        ({}, ["h.1.p.m", "h.1.s", "h.2.p.m", "h.2.s", "h.3.p.m", "h.3.s", "y"]),
        ({"only": "x..h.1.s"}, ["h.1.p.m", "h.1.s"]),
    ],
)
def test_copies_have_their_own_circles_or_are_folded(options: dict, boxes: list[str]):
    scene = graphnn.loads(REPEATED).draw(style="computation", **options).scene
    assert sorted(boxes_of(scene)) == boxes
    assert ("h.1.s", "h.2.s") in lines_of(scene) or "h.2.s" not in boxes


def test_a_large_graph_is_folded():
    net = graphnn.loads(REPEATED.replace("repeat: 3", "repeat: 80"))
    assert len(boxes_of(net.draw(style="computation", expand=True).scene)) == 161
    assert boxes_of(net.draw(style="computation").scene) == ["h.1", "y"]


@pytest.mark.parametrize(("name", "pages"), [("resnet18", 2.5), ("lstm_unrolled", 1)])
def test_blocks_are_folded_where_their_circles_would_not_fit_a_page(name: str, pages: float):
    net = graphnn.load(ROOT / "docs" / "gallery" / f"{name}.yaml")
    folded, whole = (net.draw(style="computation", expand=on).scene for on in (False, True))
    page = 482 * 728 * 2**2  # points of A4, at half size
    assert folded.width * folded.height < page
    assert whole.width * whole.height > pages * page


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cnn_deep", {"direction": "right"}),
        ("cnn_deep", {"direction": "right", "width": "84mm"}),
        ("deep", {"direction": "right"}),
        ("residual_blocks", {"direction": "right", "depth": 1}),
        ("residual_blocks", {"depth": 0, "columns": 2}),
    ],
)
def test_long_chains_are_wrapped(name: str, options: dict):
    net = graphnn.load(SPECS / f"{name}.yaml")
    net = net.draw(style="computation", **options)
    whole = graphnn.load(SPECS / f"{name}.yaml").draw(
        style="computation", **{**options, "width": None, "columns": 1}
    )
    assert lines_of(net.scene) == lines_of(whole.scene)
    assert sorted(boxes_of(net.scene)) == sorted(boxes_of(whole.scene))
    natural = [drawing.scene.width / drawing.scene.height for drawing in (net, whole)]
    assert abs(np.log(natural[0] * 728 / 482)) < abs(np.log(natural[1] * 728 / 482))  # as a page
    assert faults(net.scene) == []
