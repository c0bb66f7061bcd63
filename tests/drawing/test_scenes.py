"""Scenes measured by the metrics of their fonts: nothing overflows, overlaps or is crossed out."""

from __future__ import annotations

from math import atan2, cos, dist, radians, sin
from pathlib import Path as File
from typing import get_args

import pytest

import graphnn
from graphnn.drawing.diagram.palette import THEMES
from graphnn.drawing.diagram.scene import (
    Box,
    Ink,
    Path,
    Scene,
    Shape,
    Text,
    arrow_head,
    contains,
    on_outline,
)
from graphnn.drawing.diagram.styles import graph as graph_style
from graphnn.ops import REGISTRY
from places import SPECS
from scene_faults import faults

PLACES = sorted(path for path in SPECS.rglob("*") if path.suffix in (".yaml", ".json"))
PLACES = [path for path in PLACES if "nodes:" in path.read_text().split("blocks:")[0]] or PLACES
HOSTILE = """
graphnn: 1
name: "C:\\\\Nets \\\\Gamma <script>alert(1)</script> 数 é & ' \\" %s {x} $y^2_3$ ~ # -- 𝛼"
nodes:
  x:
    op: input
    shape: [batch, 2]
    about: "\\\\N \\\\G --> <b> ]] }} | a very long remark that has to be cut"
  a_name_that_is_rather_long_and_has_to_fit_into_its_box: {op: affine, inputs: x, units: 3}
  t: {op: input, shape: [batch, 3]}
  loss:
    op: mean_squared_error
    inputs: [a_name_that_is_rather_long_and_has_to_fit_into_its_box, t]
"""


@pytest.mark.parametrize("direction", ["down", pytest.param("right", marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", PLACES, ids=lambda path: path.stem)
def test_nothing_overflows_overlaps_or_is_crossed(path: File, direction: str):
    net = graphnn.load(path)
    assert faults(net.draw(direction=direction, legend=True).scene) == []


def test_neither_does_what_is_hostile():
    assert faults(graphnn.loads(HOSTILE).draw(about=True).scene) == []


@pytest.mark.parametrize("change", ["wider", "moved"])
def test_a_planted_fault_is_found(change: str):
    scene = graphnn.loads(HOSTILE).draw().scene
    items = list(scene.items)
    at = max(n for n, item in enumerate(items) if isinstance(item, Text) and item.node)
    old = items[at]
    assert isinstance(old, Text)
    wide = "W" * 90 if change == "wider" else old.text
    y = old.y if change == "wider" else old.y - 8
    items[at] = Text(old.x, y, wide, old.size, old.colour, old.face, old.anchor, old.node)
    assert faults(Scene(scene.width, scene.height, tuple(items))) != []


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_text_has_contrast_on_all_that_it_stands_on(name):
    theme = THEMES[name]
    grounds = {theme.paper or "#ffffff", theme.frame_fill, *(f for f, _ in theme.families.values())}
    for colour in (theme.ink, theme.faint):
        assert min(contrast(colour, ground) for ground in grounds) >= 4.5
    # Borders and lines are no text: WCAG asks for 3.
    for fill, border in theme.families.values():
        assert contrast(border, fill) >= 3
    assert contrast(theme.line, theme.paper or "#ffffff") >= 3


@pytest.mark.parametrize("name", THEMES)
def test_every_family_of_ops_has_a_colour_and_a_shape(name):
    families = {op.family for op in REGISTRY.values() if not op.internal}
    assert families <= THEMES[name].families.keys()
    assert families <= graph_style._SHAPES.keys()


@pytest.mark.parametrize("name", ["residual_blocks", "lenet5", "mnist"])
def test_arrows_touch_the_outlines_of_boxes(name: str):
    scene = graphnn.load(SPECS / f"{name}.yaml").draw().scene
    boxes = {item.node: item for item in scene.items if isinstance(item, Box)}
    for path in (item for item in scene.items if isinstance(item, Path)):
        box = boxes[path.node]
        x, y = path.end
        middle = box.x + box.width / 2, box.y + box.height / 2
        # A little outwards is outside, a little inwards inside.
        for step, expected in ((0.02, False), (-0.02, True)):
            moved = x + step * (x - middle[0]), y + step * (y - middle[1])
            assert contains(box, moved) is expected, (path.node, path.end)


def gap(box: Box, point: tuple[float, float]) -> float:
    """How far a point is from the nearest of many points of an outline, looked for on its side."""
    middle = box.x + box.width / 2, box.y + box.height / 2
    reach = box.width + box.height
    side = atan2(point[1] - middle[1], point[0] - middle[0])
    around = (
        on_outline(box, (middle[0] + reach * cos(turn), middle[1] + reach * sin(turn)))
        for turn in (side + radians(step / 4) for step in range(-40, 41))
    )
    return min(dist(point, each) for each in around)


@pytest.mark.parametrize("direction", ["down", pytest.param("right", marks=pytest.mark.slow)])
@pytest.mark.parametrize("style", ["graph", "computation"])
@pytest.mark.parametrize("name", ["residual", "lenet5", "mnist", "cnn_deep"])
def test_tips_of_arrows_lie_on_outlines(name: str, style: str, direction: str):
    scene = graphnn.load(SPECS / f"{name}.yaml").draw(style=style, direction=direction).scene
    boxes = {item.node: item for item in scene.items if isinstance(item, Box) and item.node}
    paths = [item for item in scene.items if isinstance(item, Path) and item.node in boxes]
    assert len(paths) > 5
    shapes = {boxes[path.node].shape for path in paths}
    assert shapes & {"trapezium", "slanted", "octagon", "hexagon", "ellipse"}
    for path in paths:
        tip, *_ = arrow_head(path)
        assert gap(boxes[path.node], tip) <= 0.5, (path.source, path.node)


def test_a_tip_that_falls_short_is_found():
    box = Box(10, 20, 60, 24, Ink(), "trapezium", 7.0)
    assert gap(box, (10 + 3.5, 32)) <= 0.5
    assert gap(box, (10, 32)) > 3


@pytest.mark.parametrize("shape", get_args(Shape))
def test_an_outline_is_met_on_the_way_to_the_middle(shape: Shape):
    box = Box(10, 20, 60, 24, Ink(), shape, 7.0)
    for corner in ((10, 20), (70, 20), (70, 44), (10, 44)):
        x, y = on_outline(box, corner)
        assert not contains(box, (x + 0.02 * (x - 40), y + 0.02 * (y - 32)))
        assert contains(box, (x - 0.02 * (x - 40), y - 0.02 * (y - 32)))
    assert contains(box, (40, 32))
    assert (on_outline(box, (10, 20)) == pytest.approx((10, 20), abs=0.02)) == (
        shape in ("rectangle", "trapezium")
    )
