"""The shapes of a scene are what the writers draw, looked at pixel by pixel."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image as Picture

from graphnn.drawing.diagram.scene import (
    Box,
    Image,
    Ink,
    Path,
    Polygon,
    Scene,
    arrow_head,
    hatching,
    line,
    moved,
    scaled,
)
from graphnn.drawing.diagram.writers import pdf, png, svg, tikz

RED, BLUE = Ink("#ff0000"), Ink("#0000ff")
FOUR = bytes.fromhex("ff000000ff000000ffffff00")
SQUARE = ((0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0))
SCENE = Scene(
    100,
    40,
    (
        Box(0, 0, 40, 20, RED, "ellipse"),
        Polygon(((50, 0), (70, 0), (60, 20)), BLUE),
        Image(80, 0, 20, 20, FOUR, columns=2),
    ),
    "#ffffff",
)


def pixels(scene: Scene) -> np.ndarray:
    """Colours, one pixel a point."""
    return np.array(Picture.open(io.BytesIO(png.write(scene, dpi=72))).convert("RGB"))


def test_an_ellipse_fills_its_middle_and_not_its_corners():
    seen = pixels(SCENE)
    assert tuple(seen[10, 20]) == tuple(seen[10, 2]) == tuple(seen[2, 20]) == (255, 0, 0)
    assert tuple(seen[1, 1]) == tuple(seen[18, 38]) == (255, 255, 255)


def test_a_polygon_is_inside_its_corners():
    seen = pixels(SCENE)
    assert tuple(seen[2, 60]) == tuple(seen[15, 60]) == (0, 0, 255)
    assert tuple(seen[15, 52]) == (255, 255, 255)


@pytest.mark.parametrize("factor", [1, 2])
def test_an_image_shows_each_pixel_as_a_square(factor: int):
    seen = pixels(scaled(SCENE, factor))
    found = [seen[factor * y, factor * x] for y, x in ((5, 85), (5, 95), (15, 85), (15, 95))]
    assert np.array(found, np.uint8).tobytes() == FOUR


def test_an_image_as_a_png_file_is_itself():
    image = Image(0, 0, 1, 1, FOUR, columns=2)
    picture = Picture.open(io.BytesIO(image.png())).convert("RGB")
    assert picture.resize((2, 2), Picture.Resampling.NEAREST).tobytes() == FOUR


def test_the_text_formats_draw_all_of_them():
    tags = [each.tag.rpartition("}")[2] for each in ElementTree.fromstring(svg.write(SCENE))]
    assert {"ellipse", "polygon", "image"} <= set(tags)
    text = tikz.write(SCENE)
    assert r"(20,10) circle[x radius=20bp,y radius=10bp];" in text
    assert "(50,0) -- (70,0) -- (60,20) -- cycle;" in text
    assert re.findall(r"\\fill\[\w+\] \((\d+),(\d+)\) rectangle", text)[1:] == [
        *(("80", "0"), ("90", "0"), ("80", "10"), ("90", "10"))
    ]
    assert pdf.write(SCENE).startswith(b"%PDF-")


@pytest.mark.parametrize("corners", [SQUARE, ((0, 10), (10, 0), (20, 10), (10, 20))])
def test_hatching_stays_inside(corners):
    lines = list(hatching(corners, Ink(None, "#000000")))
    assert len(lines) >= 4
    for path in lines:
        for x, y in (path.start, path.end):
            assert min(x, y) >= -1e-9 and max(x, y) <= 20 + 1e-9
            if corners != SQUARE:
                assert abs(x - 10) + abs(y - 10) <= 10 + 1e-9


def test_shapes_move():
    inked = Ink(None, "#000000")
    for item in (*SCENE.items, line([(0, 0), (5, 5)], inked)):
        there = moved(moved(item, 3, 4), -3, -4)
        assert there == item


def test_an_arrow_points_along_a_line_whose_curve_ends_at_its_control_point():
    path = Path((0, 0), (((0, 0), (0, 10), (0, 10)),), Ink(None, "#000000"), arrow=True)
    assert arrow_head(path, 5, 2) == [(0, 10), (-2, 5), (2, 5)]
