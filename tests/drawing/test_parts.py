"""Networks of thousands of nodes, in which nothing repeats, are shown in parts."""

from __future__ import annotations

import re
from itertools import chain, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphnn
from graphnn.drawing.diagram import folding
from graphnn.drawing.diagram.parts import parts
from graphnn.drawing.diagram.routing import ranks


def branching(count: int) -> graphnn.Network:
    """Affine maps that two ops read, whose results are added; no two shapes alike."""
    nodes: dict[str, object] = {"x": {"op": "input", "shape": ["batch", 2]}}
    last = "x"
    for number in range(count // 4):
        nodes[f"a{number}"] = {"op": "affine", "inputs": last, "units": 3 + number}
        nodes[f"r{number}"] = {"op": "relu", "inputs": f"a{number}"}
        nodes[f"t{number}"] = {"op": "tanh", "inputs": f"a{number}"}
        nodes[f"s{number}"] = {"op": "add", "inputs": [f"r{number}", f"t{number}"]}
        last = f"s{number}"
    return graphnn.loads({"graphnn": 1, "nodes": nodes})


@st.composite
def wirings(draw) -> list[list[int]]:
    """What each of up to 600 boxes reads, in an order of their own."""
    count = draw(st.integers(0, 600))
    chance = draw(st.randoms(use_true_random=False))
    reach = draw(st.sampled_from([1, 5, 1000]))
    names = list(range(count))
    if draw(st.booleans()):
        chance.shuffle(names)
    sources: list[list[int]] = [[] for _ in names]
    for place in range(1, count):
        near = range(max(0, place - reach), place)
        sources[names[place]] = [names[each] for each in chance.choices(near, k=2)]
    return sources


@pytest.mark.parametrize("examples", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_parts_hold_every_box_once_and_can_be_put_in_order(examples):
    settings(max_examples=examples)(given(wirings(), st.booleans())(assert_in_order))()


def assert_in_order(sources, apart):
    read = set(chain.from_iterable(sources))
    ends = [box for box, each in enumerate(sources) if not each or box not in read]
    alone = set(ends[:12]) if apart else set()
    found = parts(sources, alone)
    assert sorted(chain.from_iterable(found)) == list(range(len(sources)))
    assert all([box] in found for box in alone)
    assert len(found) <= 2 * 60 + len(alone)
    number = {str(box): str(place) for place, part in enumerate(found) for box in part}
    lines = {
        (number[str(source)], number[str(box)])
        for box, each in enumerate(sources)
        for source in each
    }
    lines = {(a, b) for a, b in lines if a != b}
    assert len(lines) <= 16 * 15 / 2 + 16 * len(alone) or len(lines) <= 240
    # Ranks rise along every line only where there is no circle.
    rank = ranks([str(place) for place in range(len(found))], sorted(lines))
    assert all(rank[a] < rank[b] for a, b in lines)


def test_a_chain_is_cut_where_a_single_array_is_read():
    # Of every four boxes, the first is read by two, whose results the fourth reads.
    sources: list[list[int]] = [[]]
    for first in range(1, 1200, 4):
        sources += [[first - 1], [first], [first], [first + 1, first + 2]]
    found = parts(sources, {0})
    assert found[0] == [0]
    for before, part in pairwise(found[1:]):
        assert part[0] == before[-1] + 1
        assert (part[0] - 1) % 4 == 0
    assert {len(part) for part in found[1:-1]} == {20}


def test_a_large_network_is_drawn_in_parts():
    net = branching(1200)
    made = net.draw()
    view = made.view
    assert list(view.items)[:2] == ["x", "a0..s4"]
    item = view.items["a0..s4"]
    assert (item.label, item.what) == ("a0 … s4", "5 affine, 5 relu, 5 tanh, 5 add")
    shown = [node.name for each in view.items.values() for node in each.nodes]
    assert sorted(shown) == sorted(net.graph.nodes)
    inputs = [each for each in view.items.values() if each.nodes[0].op.is_input]
    results = [each for each in view.items.values() if each.nodes[-1].name == "s299"]
    assert [each.part for each in (*inputs, *results)] == [False, False]
    assert len(view.items) == 62
    assert all(edge.operand == edge.copy == "" for edge in view.edges)
    assert len({(edge.source, edge.target) for edge in view.edges}) == len(view.edges)
    words = made.content("mermaid").decode()
    assert "a0 … s4" in words.replace("#8230;", "…")
    # Weights and biases of five affine maps, each one unit wider than that before.
    sizes = [2, 3, 4, 5, 6, 7]
    count = sum(a * b + b for a, b in pairwise(sizes))
    assert f"20 nodes, {count} parameters" in made.content("svg").decode()


def test_a_part_is_opened_by_its_name():
    net = branching(1200)
    name = list(net.draw().view.items)[1]
    opened = net.draw(only=name).view
    assert list(opened.items) == [f"{op}{number}" for number in range(5) for op in "arts"]
    assert not any(item.part for item in opened.items.values())


def test_all_is_shown_on_request():
    net = branching(1200)
    for options in ({"expand": True}, {"depth": 0}):
        assert len(net.draw(**options).view.items) == 1201
    assert len(net.draw(style="computation").view.items) == 1201


def test_a_page_of_a_large_network_has_the_parts_alone():
    page = branching(2004).draw().content("html").decode()
    assert re.findall(r'class="layer"[^>]*', page) == ['class="layer"']


@pytest.mark.parametrize("count", [998, 1002])
def test_a_smaller_network_is_drawn_whole(count: int):
    view = branching(count).draw().view
    assert any(item.part for item in view.items.values()) is (count > folding.WHOLE_UP_TO)
