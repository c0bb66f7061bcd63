"""Headings of frames: inside them, and beside all lines."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path as File

import pytest

import graphnn
from graphnn.drawing.diagram.diagram import Diagram
from graphnn.drawing.diagram.headings import with_headings
from graphnn.drawing.diagram.layout import Arrangement, Layout
from graphnn.drawing.diagram.scene import Box, Ink, Path, Rectangle, Text
from places import ROOT, SPECS
from scene_faults import crosses, inside, overlap, points, rectangle

GALLERY = ROOT / "docs" / "gallery"
FRAMED = sorted(
    path
    for folder in (SPECS, GALLERY)
    for path in folder.glob("*.yaml")
    if "blocks:" in path.read_text()
)
RESIDUAL = """
graphnn: 1
blocks:
  residual:
    about: "Two convolutions, each of which is normalized, and what they read is added to them."
    inputs: [x]
    nodes:
      a: {op: conv2d, inputs: x, filters: 4, kernel: 3, padding: 1}
      r: {op: relu, inputs: a}
      s: {op: add, inputs: [r, x]}
    output: s
nodes:
  x: {op: input, shape: [batch, 4, 8, 8]}
  h: {block: residual, inputs: x, repeat: 9}
"""


def placed(diagram: Diagram) -> tuple[dict[str, Rectangle], dict[str, Rectangle]]:
    """Frames, and the blocks of words that head them."""
    frames: dict[str, Rectangle] = {}
    words: dict[str, Rectangle] = {}
    for item in diagram.scene.items:
        if isinstance(item, Box) and item.node in diagram.view.frames:
            found = words if item.node in frames else frames
            found[item.node] = item.x, item.y, item.width, item.height
    return frames, words


def crossings(diagram: Diagram) -> list[str]:
    """Lines that run over the words of headings."""
    lines = [item for item in diagram.scene.items if isinstance(item, Path)]
    words = placed(diagram)[1]
    return [
        f"{path.source} -> {path.node} crosses the heading of {name}"
        for path in lines
        for name, place in words.items()
        if crosses(points(path), place)
    ]


def leaving(diagram: Diagram) -> list[str]:
    """Words outside their heading, headings outside their frame."""
    frames, headings = placed(diagram)
    texts = [item for item in diagram.scene.items if isinstance(item, Text) and item.node in frames]
    found = [
        f"{text.text!r} leaves the heading of {text.node}"
        for text in texts
        if not inside(rectangle(text), headings[text.node], 0.5)
    ]
    outside = [name for name, place in headings.items() if not inside(place, frames[name])]
    return [*found, *(f"the heading of {name} leaves its frame" for name in outside)]


def misplaced(diagram: Diagram) -> list[str]:
    """Boxes and frames that leave those around them, or overlap others."""
    view, (frames, headings) = diagram.view, placed(diagram)
    around = {name: view.around(item.frame) for name, item in view.items.items()}
    around |= {name: view.around(frame.parent) for name, frame in view.frames.items()}
    places = frames | {
        item.node: (item.x, item.y, item.width, item.height)
        for item in diagram.scene.items
        if isinstance(item, Box) and item.node in view.items
    }
    found = []
    for name, frame in frames.items():
        for other, place in places.items():
            if name in around[other] and not inside(place, frame):
                found.append(f"{other} leaves {name}")
            apart = other != name and name not in around[other] and other not in around[name]
            if apart and overlap(place, frame):
                found.append(f"{other} overlaps {name}")
    pairs = combinations(headings.items(), 2)
    return found + [f"{a} over {b}" for (a, one), (b, two) in pairs if overlap(one, two)]


def faults(diagram: Diagram) -> list[str]:
    """What a reader would object to."""
    return [*crossings(diagram), *leaving(diagram), *misplaced(diagram)]


@pytest.mark.parametrize("direction", ["down", pytest.param("right", marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", FRAMED, ids=lambda path: path.stem)
def test_no_line_crosses_a_heading(path: File, direction: str):
    diagram = graphnn.load(path).draw(direction=direction)
    assert diagram.view.frames
    assert faults(diagram) == []


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("columns", [None, 1, 3])
@pytest.mark.parametrize("about", [False, True])
def test_none_does_where_long_networks_are_wrapped(direction: str, columns: int, about: bool):
    net = graphnn.loads(RESIDUAL)
    assert faults(net.draw(direction=direction, columns=columns, expand=True, about=about)) == []


def arrangement(*, beside: tuple[str, ...] = ()) -> tuple[Arrangement, Layout]:
    """A frame 40 wide around a box, into which a line comes from above; boxes beside it."""
    boxes = {"a": (15.0, 0.0, 10.0, 10.0), "b": (10.0, 60.0, 20.0, 20.0)}
    boxes |= {"left": (-30.0, 60.0, 20.0, 20.0)} if "left" in beside else {}
    boxes |= {"right": (50.0, 60.0, 20.0, 20.0)} if "right" in beside else {}
    frames = {"f": (0.0, 30.0, 40.0, 60.0)}
    line = [(20.0, 10.0), (20.0, 30.0), (20.0, 40.0), (20.0, 60.0)]
    given = Arrangement(
        {name: (width, height) for name, (_, _, width, height) in boxes.items()},
        [("a", "b")],
        {"f": ""},
        {"b": "f"},
        {"f": (30.0, 20.0)},
    )
    return given, Layout(40.0, 90.0, boxes, frames, (line,))


def test_a_frame_becomes_as_wide_as_its_heading_needs():
    given, found = arrangement()
    made, places = with_headings(found, given)
    # The heading ends 3 before the line, and begins 5 after the corner.
    assert places["f"] == (20 - 3 - 30, 32, 30, 20)
    assert made.frames["f"] == (20 - 3 - 30 - 5, 30, 40 + 18, 60)
    assert made.width == 58


@pytest.mark.parametrize(
    ("beside", "left"), [(("left",), 20 + 3), (("right",), 20 - 3 - 30), (("left", "right"), 5)]
)
def test_it_grows_where_nothing_is_beside_it(beside: tuple[str, ...], left: float):
    given, found = arrangement(beside=beside)
    made, places = with_headings(found, given)
    assert places["f"][0] == pytest.approx(left)
    both = len(beside) == 2
    assert (made.frames == found.frames) is both


def test_a_heading_that_is_crossed_is_found(monkeypatch):
    diagram = graphnn.loads(RESIDUAL).draw()
    (name, (x, y, width, height)), *_ = placed(diagram)[1].items()
    middle, low = x + width / 2, y + height
    path = Path((middle, y), (((middle, y), (middle, low), (middle, low)),), Ink(), node="q")
    crossed = replace(diagram.scene, items=(*diagram.scene.items, path))
    monkeypatch.setitem(vars(diagram), "scene", crossed)
    assert faults(diagram) == [f" -> q crosses the heading of {name}"]
