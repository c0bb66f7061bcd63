"""What is shown of large graphs, and how long that takes at most."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

import graphnn
from graphnn.drawing.diagram.layout import Arrangement, lay_out
from graphnn.drawing.diagram.routing import far
from graphnn.drawing.diagram.runs import runs
from graphnn.drawing.diagram.scene import Box


def chain(count: int, *, every: int = 0) -> graphnn.Network:
    """Affine maps and rectifiers, of which each `every`-th step adds the input."""
    nodes: dict[str, object] = {"x": {"op": "input", "shape": ["batch", 2]}}
    last = "x"
    for number in range(count):
        if every and number % every == every - 1:
            nodes[f"n{number}"] = {"op": "add", "inputs": [last, "x"]}
        elif number % 2:
            nodes[f"n{number}"] = {"op": "relu", "inputs": last}
        else:
            nodes[f"n{number}"] = {"op": "affine", "inputs": last, "units": 2}
        last = f"n{number}"
    return graphnn.loads({"graphnn": 1, "nodes": nodes})


def test_a_small_graph_is_shown_whole():
    assert len(chain(100).draw().view.items) == 101


def test_a_long_chain_is_shown_as_what_repeats():
    net = chain(1000)
    view = net.draw().view
    assert list(view.items) == ["x", "n0", "n1"]
    (frame,) = view.frames.values()
    assert frame.title == "n0 … n999 × 500"
    assert [len(item.nodes) for item in view.items.values()] == [1, 500, 500]
    assert "3,000 parameters" in net.draw().description
    assert [(edge.source, edge.target) for edge in view.edges] == [("x", "n0"), ("n0", "n1")]


def test_all_is_shown_on_request():
    assert len(chain(200).draw(depth=9).view.items) == 201
    assert len(chain(200).draw(expand=True).view.items) == 201


def test_a_node_that_something_else_reads_is_the_last_of_its_run():
    document = {"graphnn": 1, "nodes": {"x": {"op": "input", "shape": ["batch"]}}}
    for number in range(200):
        read = f"n{number - 1}" if number else "x"
        document["nodes"][f"n{number}"] = {"op": "relu", "inputs": read}
    document["nodes"]["y"] = {"op": "add", "inputs": ["n50", "n199"]}
    view = graphnn.loads(document).draw().view
    assert list(view.items) == ["x", "n0", "n51", "y"]
    assert [frame.title for frame in view.frames.values()] == ["n0 … n50 × 51", "n51 … n199 × 149"]
    assert {("n0", "y"), ("n51", "y")} <= {(edge.source, edge.target) for edge in view.edges}


def test_runs_inside_a_block_are_shown_once():
    nodes: dict[str, object] = {"b0": {"op": "relu", "inputs": "p"}}
    for number in range(1, 200):
        nodes[f"b{number}"] = {"op": "relu", "inputs": f"b{number - 1}"}
    document = {
        "graphnn": 1,
        "blocks": {"long": {"inputs": ["p"], "nodes": nodes, "output": "b199"}},
        "nodes": {"x": {"op": "input", "shape": ["batch"]}, "h": {"block": "long", "inputs": "x"}},
    }
    view = graphnn.loads(document).draw().view
    assert list(view.items) == ["x", "h.b0"]
    assert [(frame.title, frame.parent) for frame in view.frames.values()] == [
        ("h", ""),
        ("b0 … b199 × 200", "h"),
    ]


def test_what_is_stacked_of_copies_is_one_line():
    text = """
graphnn: 1
blocks:
  cell:
    inputs: [x, h]
    nodes: {new: {op: add, inputs: [x, h]}}
    output: {h: new}
nodes:
  x: {op: input, shape: [batch, 9, 2]}
  s: {op: constant, value: {zeros: [2]}}
  y: {block: cell, inputs: [x, s], repeat: 9, unstack: x, stack: h}
"""
    view = graphnn.loads(text).draw().view
    edges = [(edge.source, edge.target, edge.copy) for edge in view.edges]
    assert ("y.1.new", "y.h", "every copy") in edges
    assert [target for _, target, _ in edges].count("y.h") == 1


def test_a_repeated_part_begins_where_it_is_joined_by_one_line():
    # Each part reads the one before twice; the first, of another op, does not belong to them.
    nodes: dict[str, object] = {"x": {"op": "input", "shape": ["batch"]}}
    last = "x"
    for number in range(60):
        nodes[f"a{number}"] = {"op": "relu" if number else "elu", "inputs": last}
        nodes[f"b{number}"] = {"op": "tanh", "inputs": last}
        nodes[f"c{number}"] = {"op": "add", "inputs": [f"a{number}", f"b{number}"]}
        last = f"c{number}"
    view = graphnn.loads({"graphnn": 1, "nodes": nodes}).draw().view
    assert [frame.title for frame in view.frames.values()] == ["a1 … c59 × 59"]


@st.composite
def wirings(draw) -> tuple[str, list[list[int]]]:
    """Boxes by their look, each with those before it that it reads."""
    period = draw(
        st.lists(st.tuples(st.sampled_from("ab"), st.sets(st.integers(1, 4))), max_size=4)
    )
    keys, sources = "x", [[]]
    for key, back in period * draw(st.integers(1, 6)):
        sources.append(sorted({max(0, len(keys) - step) for step in back}))
        keys += key
    for _ in range(draw(st.integers(0, 3))):
        sources.append(sorted(draw(st.sets(st.integers(0, len(keys) - 1), max_size=2))))
        keys += draw(st.sampled_from("ab"))
    return keys, sources


@example(("xaaaa", [[], [0], [1], [1], [3]]))
@given(wirings())
def test_copies_that_are_shown_once_are_alike(wiring):
    keys, sources = wiring
    done = 0
    for at, length, times in runs(keys, sources):
        assert at >= done and times >= 3
        done = at + length * times
        for box in range(at, done - length):
            assert keys[box] == keys[box + length]
            read, next_read = sources[box], sources[box + length]
            assert len(read) == len(next_read)
            for a, b in zip(read, next_read, strict=True):
                assert b == a + length or (a == b and a < at)
        for reader in range(done, len(keys)):
            assert all(not at <= box < done - length for box in sources[reader])


def test_where_boxes_repeat():
    assert runs("xabababy", [[], *([at] for at in range(7))]) == [(1, 2, 3)]
    assert runs("xabab", [[], [0], [1], [2], [3]]) == []
    # The second copy of three reads something else.
    assert runs("xaaa", [[], [0], [0], [2]]) == []


def test_lines_over_many_ranks_are_kept_from_the_engine():
    names = [f"n{number}" for number in range(300)]
    edges = list(pairwise(names))
    assert far(names, edges) == set()
    skips = [("n0", name) for name in names[3::3]]
    kept_back = far(names, edges + skips)
    assert 0 < len(kept_back) <= len(skips)
    assert min(kept_back) >= len(edges)


def test_every_line_ends_at_its_boxes():
    names = [f"n{number}" for number in range(300)]
    edges = list(pairwise(names)) + [("n0", name) for name in names[3::3]]
    given = Arrangement(dict.fromkeys(names, (60.0, 24.0)), edges, {}, {}, {})
    for direction in ("down", "right"):
        layout = lay_out(given, direction)
        for (source, target), line in zip(edges, layout.lines, strict=True):
            for name, (x, y) in ((source, line[0]), (target, line[-1])):
                left, top, width, height = layout.boxes[name]
                assert left - 1 <= x <= left + width + 1
                assert top - 1 <= y <= top + height + 1


def test_a_chain_in_which_every_third_op_reads_the_input_is_drawn():
    assert len(chain(150, every=3).draw(depth=9).scene.items) > 600


def test_a_network_with_a_u_shape_is_a_u():
    nodes: dict[str, object] = {"x": {"op": "input", "shape": ["batch", 1, 16, 16]}}
    conv = {"op": "conv2d", "filters": 4, "kernel": 3, "padding": 1}
    nodes["d1"] = {**conv, "inputs": "x"}
    nodes["p1"] = {"op": "max_pool", "inputs": "d1", "kernel": 2}
    nodes["d2"] = {**conv, "inputs": "p1"}
    nodes["p2"] = {"op": "max_pool", "inputs": "d2", "kernel": 2}
    nodes["bottom"] = {**conv, "inputs": "p2"}
    nodes["up2"] = {"op": "upsample", "inputs": "bottom", "factor": 2}
    nodes["u2"] = {"op": "concat", "inputs": ["d2", "up2"], "axis": 1}
    nodes["up1"] = {"op": "upsample", "inputs": "u2", "factor": 2}
    nodes["u1"] = {"op": "concat", "inputs": ["d1", "up1"], "axis": 1}
    scene = graphnn.loads({"graphnn": 1, "nodes": nodes}).draw(direction="right").scene
    boxes = {item.node: item for item in scene.items if isinstance(item, Box)}
    depth = {name: box.y + box.height / 2 for name, box in boxes.items()}
    assert depth["d1"] < depth["d2"] < depth["bottom"] > depth["u2"] > depth["u1"]
