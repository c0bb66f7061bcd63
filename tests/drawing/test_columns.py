"""Long chains in columns: in reading order, with lines that stay in one piece and cross no box."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import atan2, degrees

import numpy as np
import pytest
from numpy.typing import NDArray

import graphnn
from graphnn.drawing.diagram.columns import PAGE, wrapped
from graphnn.drawing.diagram.labels import along
from graphnn.drawing.diagram.layout import Arrangement, Layout, lay_out
from graphnn.drawing.diagram.scene import Box, Rectangle
from scene_faults import overlap

CHAIN = [f"n{number}" for number in range(40)]
BLOCKS = [*pairwise(CHAIN), *((CHAIN[at], CHAIN[at + 4]) for at in range(0, 36, 4))]
Edges = list[tuple[str, str]]


def laid_out(edges: Edges, direction: str = "down") -> Layout:
    return lay_out(Arrangement(dict.fromkeys(CHAIN, (60.0, 40.0)), edges, {}, {}, {}), direction)


def in_columns(edges: Edges, direction: str = "down", columns: int | None = None) -> Layout:
    sources = [source for source, _ in edges]
    return wrapped(laid_out(edges, direction), sources, direction, PAGE, columns)


def inside(points: NDArray[np.float64], box: Rectangle, slack: float) -> NDArray[np.bool_]:
    """Which points, a row each, are inside a box that is widened by `slack` on each side."""
    x, y, width, height = box
    least, most = (x - slack, y - slack), (x + width + slack, y + height + slack)
    return ((points >= least) & (points <= most)).all(axis=1)


def faults(layout: Layout, edges: Edges) -> list[str]:
    """What a reader would object to."""
    page = (0.0, 0.0, layout.width, layout.height)
    found = [
        f"{a} overlaps {b}"
        for (a, first), (b, second) in combinations(layout.boxes.items(), 2)
        if overlap(first, second)
    ]
    for (source, target), line in zip(edges, layout.lines, strict=True):
        points = np.array(list(along(line)))
        for name, end in ((source, points[:1]), (target, points[-1:])):
            if not inside(end, layout.boxes[name], 1.0):
                found.append(f"the line {source} -> {target} misses {name}")
        for name, box in layout.boxes.items():
            if name not in (source, target) and inside(points, box, -1.0).any():
                found.append(f"the line {source} -> {target} crosses {name}")
        if not inside(points, page, 0.1).all():
            found.append(f"the line {source} -> {target} leaves the page")
        longest = np.abs(np.diff(points, axis=0)).sum(axis=1).max()
        if longest > max(layout.width, layout.height) / 10:
            found.append(f"the line {source} -> {target} leaps by {longest:.0f}")
    return found


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("edges", [list(pairwise(CHAIN)), BLOCKS], ids=["chain", "blocks"])
@pytest.mark.parametrize("columns", [None, 3])
def test_lines_stay_whole_and_cross_no_box(edges: Edges, direction: str, columns: int | None):
    layout = in_columns(edges, direction, columns)
    assert layout.boxes != laid_out(edges, direction).boxes
    assert faults(layout, edges) == []


def test_the_order_is_that_of_reading():
    places = [
        (layout.boxes[name][axis], layout.boxes[name][1 - axis])
        for axis, direction in enumerate(("down", "right"))
        for layout in [in_columns(list(pairwise(CHAIN)), direction, 4)]
        for name in CHAIN
    ]
    for start in (0, len(CHAIN)):
        part = places[start : start + len(CHAIN)]
        assert part == sorted(part)
        assert len({across for across, _ in part}) == 4


def kinks(layout: Layout) -> list[float]:
    """By how many degrees lines turn where one curve meets the next, but for nothing."""
    found = []
    for line in layout.lines:
        for at in range(3, len(line) - 1, 3):
            before = next((each for each in line[at - 1 :: -1] if each != line[at]), line[at])
            after = next((each for each in line[at + 1 :] if each != line[at]), line[at])
            into = atan2(line[at][1] - before[1], line[at][0] - before[0])
            out = atan2(after[1] - line[at][1], after[0] - line[at][0])
            turn = abs(degrees(out - into)) % 360
            found.append(min(turn, 360 - turn))
    return [turn for turn in found if turn > 1]


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("columns", [2, 3, 7])
def test_lines_that_were_cut_have_no_kink(direction: str, columns: int):
    layout = in_columns(BLOCKS, direction, columns)
    assert len(layout.lines[len(CHAIN) - 1]) > 4
    assert kinks(layout) == []


def test_a_kink_is_found():
    layout = in_columns(BLOCKS, columns=3)
    cut = next(line for line in layout.lines if len(line) > 20)
    cut[9] = (cut[9][0] + 5, cut[9][1])
    assert kinks(layout) != []


def lengths(layout: Layout) -> list[float]:
    """Of the columns, from the top of the first box to the bottom of the last."""
    columns: dict[float, list[Rectangle]] = {}
    for box in layout.boxes.values():
        columns.setdefault(box[0], []).append(box)
    return [column[-1][1] + column[-1][3] - column[0][1] for _, column in sorted(columns.items())]


@pytest.mark.parametrize("columns", range(2, 9))
def test_columns_are_of_one_length(columns: int):
    found = lengths(in_columns(list(pairwise(CHAIN)), columns=columns))
    assert len(found) == columns
    row = 40 + 21.6  # a box and the way to the next
    assert max(found) - min(found[:-1]) <= row + 0.1
    # The last may be shorter by what the others cannot share.
    assert max(found) - found[-1] <= max(row, max(found) / 2) + 0.1


def test_boxes_of_many_heights_make_even_columns():
    heights = {name: 20.0 + 7 * (number * number % 11) for number, name in enumerate(CHAIN)}
    sizes = {name: (60.0, height) for name, height in heights.items()}
    whole = lay_out(Arrangement(sizes, list(pairwise(CHAIN)), {}, {}, {}))
    found = lengths(wrapped(whole, CHAIN[:-1], "down", PAGE, columns=4))
    boxes = list(whole.boxes.values())

    def length(first: int, last: int) -> float:
        return boxes[last - 1][1] + boxes[last - 1][3] - boxes[first][1]

    def uneven(found: Sequence[float], longest: float) -> float:
        return sum((1 - each / longest) ** 2 for each in found[:-1])

    every = [
        [length(0, a), length(a, b), length(b, c), length(c, 40)]
        for a, b, c in combinations(range(1, 40), 3)
    ]
    # All ways to cut it into four, of which none is shorter, or as short and more even.
    shortest = min(max(each) for each in every)
    assert max(found) <= shortest + 1.5
    longest = max(found)
    rivals = [each for each in every if max(each) <= longest and each[-1] >= longest / 2]
    assert uneven(found, longest) <= min(uneven(each, longest) for each in rivals) + 1e-3


def test_a_line_that_is_lost_is_found():
    edges = list(pairwise(CHAIN))
    layout = in_columns(edges)
    (x, y, width, height) = layout.boxes["n20"]
    layout.boxes["n20"] = (x + 200, y, width, height)
    assert faults(layout, edges) != []


def chain(count: int, **more: object) -> graphnn.Network:
    nodes: dict[str, object] = {"x": {"op": "input", "shape": ["batch", 2]}}
    for number in range(count):
        nodes[f"n{number}"] = {"op": "relu", "inputs": f"n{number - 1}" if number else "x"}
    return graphnn.loads({"graphnn": 1, "nodes": {**nodes, **more}})


def test_a_chain_fits_a_page_where_it_would_else_be_too_small():
    scene = chain(60).draw().scene
    assert 0.4 < scene.width / scene.height < 1.0
    assert chain(60).draw(columns=1).scene.height > 3 * scene.height
    assert chain(10).draw().scene == chain(10).draw(columns=1).scene
    assert scene.width <= PAGE[0]


@pytest.mark.parametrize(("boxes", "columns"), [(9, 1), (14, 1), (17, 2), (19, 2)])
def test_what_is_legible_has_columns_where_letters_become_much_larger(boxes: int, columns: int):
    edges = list(pairwise(CHAIN[:boxes]))
    chain = lay_out(Arrangement(dict.fromkeys(CHAIN[:boxes], (60.0, 40.0)), edges, {}, {}, {}))
    assert 728 / chain.height > 0.5  # legible as it is
    found = wrapped(chain, [source for source, _ in edges], "down", PAGE)
    assert len({x for x, *_ in found.boxes.values()}) == columns


def test_what_cannot_be_cut_stays_whole():
    # The input is read at the very end, so that each cut would part two lines.
    net = chain(40, y={"op": "add", "inputs": ["n39", "x"]})
    assert net.draw().scene == net.draw(columns=1).scene
    assert net.draw(columns=4).scene.height < net.draw().scene.height / 2


@pytest.mark.parametrize("direction", ["down", pytest.param("right", marks=pytest.mark.slow)])
def test_what_would_be_far_too_long_is_cut_where_several_nodes_are_read_across(direction: str):
    # The first box is read by every third, so that each cut parts two lines or more.
    names = [f"n{number}" for number in range(60)]
    edges = [*pairwise(names), *(("n0", name) for name in names[3::3])]
    sizes = dict.fromkeys(names, (60.0, 40.0))
    sources = [source for source, _ in edges]
    whole = lay_out(Arrangement(sizes, edges, {}, {}, {}), direction)
    layout = wrapped(whole, sources, direction, PAGE)
    assert max(layout.width / PAGE[0], layout.height / PAGE[1]) < 2
    assert max(whole.width / PAGE[0], whole.height / PAGE[1]) > 5
    assert faults(layout, edges) == []
    # With cuts of single lines alone, it stays as it is.
    assert wrapped(whole, sources, direction, PAGE, parted=1) == whole


def test_frames_are_not_cut():
    document = """
graphnn: 1
blocks:
  pair:
    nodes:
      a: {op: relu, inputs: x}
      b: {op: tanh, inputs: a}
    inputs: [x]
    output: b
nodes:
  x: {op: input, shape: [batch, 2]}
"""
    uses = [f"  p{n}: {{block: pair, inputs: {f'p{n - 1}' if n else 'x'}}}" for n in range(20)]
    scene = graphnn.loads("\n".join([document.rstrip(), *uses, ""])).draw(expand=True).scene
    boxes = {item.node: item for item in scene.items if isinstance(item, Box) and item.node}
    for number in range(20):
        first, second = boxes[f"p{number}.a"], boxes[f"p{number}.b"]
        assert first.y < second.y
        assert abs(first.x - second.x) < 40
