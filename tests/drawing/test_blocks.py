"""The block style: volumes on a scale, their numbers, skips over the top, brackets, images."""

from __future__ import annotations

from itertools import pairwise
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
    *(
        GALLERY / f"{name}.yaml"
        for name in (
            *("alexnet", "vgg16", "resnet18", "unet", "siamese", "gan", "googlenet"),
            *("apples_and_oranges", "lstm_unrolled", "transformer"),
        )
    ),
    *(
        SPECS / f"{name}.yaml"
        for name in ("lenet5", "cnn_deep", "autoencoder", "mnist", "deep", "paths")
    ),
]
SIDES = ("left.", "right.")
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


PAIR = """
graphnn: 1
blocks:
  cell:
    inputs: x
    nodes:
      a: {op: affine, inputs: x, units: 8}
      b: {op: affine, inputs: a, units: 9}
      c: {op: affine, inputs: b, units: 8}
      s: {op: add, inputs: [a, c]}
    output: s
  tower:
    inputs: x
    nodes:
      one: {block: cell, inputs: x}
      two: {block: cell, inputs: one}
    output: two
nodes:
  x: {op: input, shape: [batch, 8]}
  u: {op: input, shape: [batch, 8]}
  left: {block: tower, inputs: x}
  right: {block: tower, inputs: u, share: left}
  d: {op: subtract, inputs: [left, right]}
"""
SIDE_BY_SIDE = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1, 32, 32]}
  u: {op: input, shape: [batch, 1, 32, 32]}
  c: {op: conv2d, inputs: x, filters: 4, kernel: 3}
  d: {op: conv2d, inputs: u, filters: 4, kernel: 3}
  s: {op: add, inputs: [c, d]}
"""


def drawn(text: str, **options: object) -> Scene:
    return graphnn.loads(text).draw(style="blocks", **options).scene


def words(scene: Scene) -> list[str]:
    return [item.text for item in scene.items if isinstance(item, Text)]


def found(path, **options: object):
    graph = graphnn.load(path).graph
    return volumes(view(graph, DiagramOptions(style="blocks", **options)), expand=False)


def long_chain(outer: str = "") -> str:
    """Convolutions that are all different, in a block that may be in another."""
    nodes = "".join(
        f"      c{at}: {{op: conv2d, inputs: {f'c{at - 1}' if at else 'x'}, filters: {at + 8}, "
        "kernel: 1}\n"
        for at in range(14)
    )
    return f"""
graphnn: 1
blocks:
  body:
    inputs: [x]
    nodes:
{nodes}    output: c13
{outer}nodes:
  x: {{op: input, shape: [batch, 1, 32, 32]}}
  b: {{block: {"outer" if outer else "body"}, inputs: x}}
  p: {{op: max_pool, inputs: b, kernel: 2}}
"""


OUTER = """  outer:
    inputs: [x]
    nodes:
      f: {block: body, inputs: x}
      g: {op: conv2d, inputs: f, filters: 2, kernel: 1}
    output: g
"""


def middles(scene: Scene) -> dict[str, tuple[float, float]]:
    """Of the face of each box, and of each circle."""
    boxes = (item for item in scene.items if isinstance(item, Box))
    return {item.node: (item.x + item.width / 2, item.y + item.height / 2) for item in boxes}


def rows(scene: Scene) -> list[list[str]]:
    """The volumes of each row, of those whose middles are level."""
    found: dict[int, list[str]] = {}
    aside = {
        item.node: max(y for _, y in item.corners) - min(y for _, y in item.corners)
        for item in scene.items
        if isinstance(item, Polygon)  # the far side, drawn last: its height and what it reaches up
    }
    boxes = {item.node: item for item in scene.items if isinstance(item, Box)}
    for name, box in sorted(boxes.items(), key=lambda each: each[1].x):
        up = aside.get(name, box.height) - box.height
        found.setdefault(round(box.y + (box.height - up) / 2), []).append(name)
    return [found[at] for at in sorted(found)]


def run_back(piece: tuple[tuple[float, float], tuple[float, float]]) -> float:
    """How far a piece of a line leads to the left."""
    return piece[0][0] - piece[1][0]


@pytest.mark.parametrize("width", [None, pytest.param("84mm", marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_nothing_overlaps(path, width: str | None):
    assert faults(graphnn.load(path).draw(style="blocks", width=width).scene) == []


def test_two_branches_keep_their_skips_and_brackets():
    scene = drawn(PAIR)
    assert faults(scene) == []
    boxes = [item for item in scene.items if isinstance(item, Box)]
    tops = {side: min(box.y for box in boxes if box.node.startswith(side)) for side in SIDES}
    lows = {side: max(box.y for box in boxes if box.node.startswith(side)) for side in SIDES}
    for path in (item for item in scene.items if isinstance(item, Path)):
        if path.node.startswith("right.") and path.source.startswith("right."):
            assert min(y for _, y in path.points) > lows["left."]
    (title,) = (item for item in scene.items if isinstance(item, Text) and item.text == "left")
    assert lows["left."] < title.y < tops["right."]


def test_sides_are_written_where_no_box_is_read_that_has_them():
    assert words(drawn(SIDE_BY_SIDE)).count("32") == 4
    assert words(drawn(SIDE_BY_SIDE)).count("30") == 4


@pytest.mark.parametrize("outer", ["", OUTER])
def test_brackets_of_parted_blocks_leave_room_for_lines(outer: str):
    scene = drawn(long_chain(outer))
    assert len(rows(scene)) == 2
    assert words(scene).count("f" if outer else "b") == 2  # one a row
    assert faults(scene) == []


@pytest.mark.parametrize("name", ["resnet18", "unet", "googlenet", "vgg16"])
def test_a_network_fits_on_a_page_with_letters_that_can_be_read(name: str):
    scene = graphnn.load(GALLERY / f"{name}.yaml").draw(style="blocks").scene
    assert min(482 / scene.width, 728 / scene.height) > 0.85


def test_a_narrow_picture_has_more_rows_and_no_smaller_letters():
    net = graphnn.load(GALLERY / "vgg16.yaml")
    wide, narrow = (net.draw(style="blocks", width=width) for width in ("200mm", "84mm"))
    assert [len(rows(each.scene)) for each in (wide, narrow)] == [1, 3]
    assert narrow.scene.width == pytest.approx(84 * 72 / 25.4)
    assert narrow.warnings() == ()


def test_rows_are_read_as_a_text_and_counted_by_columns():
    scene = drawn(long_chain(), columns=2)
    every = [f"b.c{at}" for at in range(14)]
    assert [name for row in rows(scene) for name in row] == ["x", *every, "p"]
    assert len(rows(scene)) == 2
    places = middles(scene)
    (turned,) = [
        item
        for item in scene.items
        if isinstance(item, Path) and item.arrow and places[item.source][0] > places[item.node][0]
    ]
    first, second = rows(scene)
    assert (turned.source, turned.node) == (first[-1], second[0])


def test_blocks_that_fit_in_a_row_are_kept_whole():
    nodes = "".join(
        f"      {name}: {{op: conv2d, inputs: {before}, filters: filters, kernel: {size}, "
        f"padding: {size // 2}}}\n"
        for name, before, size in (("a", "x", 1), ("b", "a", 3), ("c", "b", 5))
    )
    calls = "".join(
        f"  k{at}: {{block: three, inputs: {f'k{at - 1}' if at else 'x'}, filters: {at + 8}}}\n"
        for at in range(6)
    )
    scene = drawn(
        f"graphnn: 1\nblocks:\n  three:\n    sizes: [filters]\n    inputs: [x]\n    nodes:\n{nodes}"
        f"    output: c\nnodes:\n  x: {{op: input, shape: [batch, 1, 32, 32]}}\n{calls}",
        width="84mm",
    )
    assert [len(row) for row in rows(scene)] == [4, 3, 3, 3, 3, 3]


def test_no_row_ends_inside_a_block_or_below_a_skip():
    seen = found(GALLERY / "resnet18.yaml")
    frames = {name: each.frame for name, each in seen.volumes.items()}
    scene = graphnn.load(GALLERY / "resnet18.yaml").draw(style="blocks", width="84mm").scene
    tops = {item.node: item.y for item in scene.items if isinstance(item, Box)}
    lines = [item for item in scene.items if isinstance(item, Path) and item.arrow]
    back = [
        max(pairwise([line.start, *(end for _, _, end in line.curves)]), key=run_back)
        for line in lines
        if line.end[0] < line.start[0]
    ]
    gaps = {round(start[1], 6) for start, _ in back}  # the heights at which lines run back
    assert len(gaps) == 4
    for name in set(frames.values()) - {""}:
        inside = [tops[each] for each, frame in frames.items() if frame == name]
        assert not any(min(inside) < gap < max(inside) for gap in gaps)
    for source, target in seen.skips:  # it begins in the same row, or with the line to it
        between = [tops[each] for each in tops if each.split(".")[0] == target.split(".")[0]]
        assert not any(min(between) < gap < max(between) for gap in gaps), source


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


def test_a_u_net_is_a_u():
    scene = graphnn.load(GALLERY / "unet.yaml").draw(style="blocks").scene
    assert rows(scene) == [
        ["x", "e1.1.c", "u1", "j1", "d1.1.c", "y"],
        *([f"p{at - 1}", f"e{at}.1.c", f"u{at}", f"j{at}", f"d{at}.1.c"] for at in (2, 3, 4)),
        ["p4", "b.1.c"],
    ]
    places = middles(scene)
    for one, other in (("u1", "u4"), ("j1", "j4"), ("e1.1.c", "e4.1.c")):
        assert abs(places[one][0] - places[other][0]) < 20  # below one another


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
        ("gan", 3_576_704 + 2_765_568),
        # Of each layer, as of torch.nn.TransformerEncoderLayer(512, 8), and of the embedding.
        ("transformer", 6 * 3_152_384 + 37_000 * 512),
    ],
)
def test_networks_have_as_many_parameters_as_the_literature_says(name: str, count: int):
    graph = graphnn.load(GALLERY / f"{name}.yaml").graph
    assert sum(each.size for each in graph.parameters.values() if each.learned) == count
