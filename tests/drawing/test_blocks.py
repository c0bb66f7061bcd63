"""The block style: volumes on a scale, their numbers, skips over the top, brackets, images."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import DrawingError
from graphnn.drawing.diagram.folding import view
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.diagram.scene import Box, Image, Path, Polygon, Scene, Text
from graphnn.drawing.diagram.volumes import volumes
from places import ROOT, SPECS
from scene_faults import faults

GALLERY = ROOT / "docs" / "gallery"
DRAWN = [
    *(GALLERY / f"{name}.yaml" for name in ("alexnet", "vgg16", "resnet18", "unet", "siamese")),
    *(SPECS / f"{name}.yaml" for name in ("lenet5", "cnn_deep", "autoencoder", "mnist", "deep")),
]
PYRAMID = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1, 64, 16]}
  c: {op: conv2d, inputs: x, filters: 4, kernel: 1}
  p: {op: max_pool, inputs: c, kernel: 2}
"""
RESIDUAL = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4, 8, 8]}
  c: {op: conv2d, inputs: x, filters: 4, kernel: 1}
  d: {op: conv2d, inputs: c, filters: 4, kernel: 1}
  s: {op: add, inputs: [d, x]}
  m: {op: global_average_pool, inputs: s}
"""


def drawn(text: str, **options: object) -> Scene:
    return graphnn.loads(text).draw(style="blocks", **options).scene


def words(scene: Scene) -> list[str]:
    return [item.text for item in scene.items if isinstance(item, Text)]


def found(path, **options: object):
    graph = graphnn.load(path).graph
    return volumes(view(graph, DiagramOptions(style="blocks", **options)), expand=False)


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_nothing_overlaps(path):
    assert [
        each for each in faults(graphnn.load(path).draw(style="blocks").scene) if "over" in each
    ] == []


def test_sides_are_on_the_scale_that_is_stated():
    scene = drawn(PYRAMID)
    faces = {item.node: item for item in scene.items if isinstance(item, Box)}
    # 64 rows become 32; 1 map becomes 4.
    assert faces["c"].height / faces["p"].height == pytest.approx(sqrt(2))
    assert faces["c"].width / faces["x"].width == pytest.approx(2)
    sides = [item for item in scene.items if isinstance(item, Polygon) and item.node == "c"]
    tops = [max(x for x, _ in side.corners) - faces["c"].x - faces["c"].width for side in sides]
    # It reaches aside by its width, which is a quarter of its height.
    assert tops == [pytest.approx(0.28 * faces["c"].height / 2)] * 2
    assert {"64", "16", "1", "4", "32", "8"} <= set(words(scene))
    assert any("square roots" in each for each in words(scene))


def test_what_changes_no_size_belongs_to_the_volume_before():
    seen = found(SPECS / "lenet5.yaml").volumes
    assert {name: [item.name for item in each.items] for name, each in seen.items()} == {
        **{"x": ["x"], "c1": ["c1", "z1"], "s2": ["s2"], "c3": ["c3", "z3"], "s4": ["s4"]},
        **{"c5": ["c5", "z5", "f"], "a6": ["a6", "z6"], "a7": ["a7", "y"]},
    }
    assert [each.size for each in seen.values()][-3:] == [(120, 1, 1), (84, 1, 1), (10, 1, 1)]


def test_what_repeats_is_drawn_once_with_a_bracket():
    seen = found(GALLERY / "alexnet.yaml").volumes
    assert {name: each.count for name, each in seen.items() if each.count > 1} == {"c3": 2, "a6": 2}
    scene = graphnn.load(GALLERY / "vgg16.yaml").draw(style="blocks").scene
    brackets = [text for text in words(scene) if "×" in text and text[0] in "c×"]
    assert brackets == ["× 2", "c5 × 3", "c4 × 3", "c3 × 3", "c2 × 2", "c1 × 2"]
    every = graphnn.load(GALLERY / "vgg16.yaml").draw(style="blocks", expand=True).scene
    assert words(every).count("conv2d") == 13


def test_skips_pass_over_the_top_of_what_lies_between():
    scene = drawn(RESIDUAL)
    boxes = {item.node: item for item in scene.items if isinstance(item, Box)}
    assert boxes["s"].shape == "ellipse"
    paths = [item for item in scene.items if isinstance(item, Path) and item.arrow]
    assert len(paths) == 4  # c and d are alike, and drawn once
    arc = min(paths, key=lambda path: min(y for _, _, (_, y) in path.curves))
    assert arc.node == "s"
    x, y = (arc.end[0] - boxes["s"].x - 7, arc.end[1] - boxes["s"].y - 7)
    assert np.hypot(x, y) == pytest.approx(7)  # the radius of the circle
    assert y < -6
    corners = [y for item in scene.items if isinstance(item, Polygon) for _, y in item.corners]
    assert min(y for _, _, (_, y) in arc.curves) < min(corners)


def test_the_skips_of_a_u_net_are_its_four():
    assert found(GALLERY / "unet.yaml").skips == (
        *(("e4.1.c", "j4"), ("e3.1.c", "j3"), ("e2.1.c", "j2"), ("e1.1.c", "j1")),
    )


def test_a_projection_is_a_branch_and_no_skip():
    seen = found(GALLERY / "resnet18.yaml")
    assert len(seen.skips) == 4
    assert ("b2.1.s", "b3a.cx") in seen.edges


def test_images_show_the_input_the_filters_and_the_maps():
    net = graphnn.load(SPECS / "cnn.yaml")
    x = np.zeros((1, 1, 28, 28))
    x[0, 0, :, 7] = 1.0
    scene = net.draw(style="blocks", trace=graphnn.trace(net, x=x, show="values")).scene
    images = [item for item in scene.items if isinstance(item, Image)]
    shown = {name: [each for each in images if each.node == name] for name in ("x", "c1", "p1")}
    assert {name: len(each) for name, each in shown.items()} == {"x": 1, "c1": 9 + 4, "p1": 4}
    (image,) = shown["x"]
    pixels = np.frombuffer(image.pixels, np.uint8).reshape(image.rows, image.columns, 3)
    np.testing.assert_array_equal(pixels, np.repeat(255 * x[0, 0, :, :, None], 3, axis=2))
    weight = net.parameters["c1.weight"][0, 0]
    first = np.frombuffer(shown["c1"][0].pixels, np.uint8).reshape(5, 5, 3)[..., 0]
    assert first.argmax() == weight.argmax()
    assert (first.min(), first.max()) == (0, 255)


def test_a_picture_of_three_channels_has_colours():
    nodes = "  x: {op: input, shape: [batch, 3, 2, 2]}\n  z: {op: relu, inputs: x}"
    net = graphnn.loads(f"graphnn: 1\nnodes:\n{nodes}")
    x = np.zeros((1, 3, 2, 2))
    x[0, 1, 0, 1] = 2.0
    scene = net.draw(style="blocks", trace=graphnn.trace(net, x=x, show="values")).scene
    image = next(item for item in scene.items if isinstance(item, Image))
    assert image.pixels == bytes([0, 0, 0, 0, 255, 0, *[0] * 6])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("[batch, 3, side, 5]", "a box needs all sizes of [3, side, 5]"),
        ("[batch, 2, 3, 4, 5]", "a box has three axes, not the 4 of [2, 3, 4, 5]"),
    ],
)
def test_what_has_no_box_is_refused_by_name(shape: str, message: str):
    text = f"graphnn: 1\nsizes: {{side: free}}\nnodes:\n  x: {{op: input, shape: {shape}}}\n"
    with pytest.raises(DrawingError) as caught:
        drawn(text)
    (fault,) = caught.value.diagnostics
    assert fault.message == f"the style 'blocks' cannot show 'x': {message}"
    assert fault.span.line == 4


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("alexnet", 62_378_344),  # one tower
        ("vgg16", 138_357_544),
        ("resnet18", 11_689_512),
        ("unet", 31_030_658),
        ("siamese", 38_951_745),
    ],
)
def test_networks_have_as_many_parameters_as_the_literature_says(name: str, count: int):
    graph = graphnn.load(GALLERY / f"{name}.yaml").graph
    assert sum(each.size for each in graph.parameters.values() if each.learned) == count
