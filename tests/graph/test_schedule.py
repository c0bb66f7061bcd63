"""The order of a graph, and cycles that have none."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphnn
from graphnn.testing import networks
from growth import assert_linear

INPUT = {"op": "input", "shape": ["batch", 2]}


def spec(nodes):
    return {"graphnn": 1, "nodes": nodes}


def schedule(nodes):
    return list(graphnn.loads(spec(nodes)).graph.nodes)


def by_hand(reads):
    """Kahn's algorithm, word by word: of what is ready, what the file has first."""
    order = []
    while len(order) < len(reads):
        order.append(
            next(
                name for name in reads if name not in order and all(r in order for r in reads[name])
            )
        )
    return order


@settings(max_examples=30)
@given(networks(nodes=8, blocks=False), st.data())
def test_order_is_that_of_the_file_as_far_as_edges_allow(case, data):
    document = case.document
    nodes = dict(data.draw(st.permutations([*document["nodes"].items()])))
    reads = {name: listed(body.get("inputs", [])) for name, body in nodes.items()}
    graph = graphnn.loads({**document, "nodes": nodes}).graph
    order = list(graph.nodes)
    assert order == by_hand(reads)
    assert all(order.index(r) < order.index(name) for name, read in reads.items() for r in read)
    assert graph.wiring.readers == {
        name: [reader for reader, read in reads.items() if name in read] for name in reads
    }
    edges = sorted((a, b, key) for a, b, key in graph.network.edges(keys=True))
    assert edges == sorted(
        (r, name, at) for name, read in reads.items() for at, r in enumerate(read)
    )


def listed(inputs):
    """What a node reads, in the order of its operands, however the spec writes it."""
    if isinstance(inputs, dict):
        return [*inputs.values()]
    return [inputs] if isinstance(inputs, str) else inputs


def test_ties_follow_the_file():
    nodes = {
        "z": {"op": "add", "inputs": ["c", "a"]},
        "c": {"op": "relu", "inputs": "x"},
        "b": {"op": "relu", "inputs": "x"},
        "x": INPUT,
        "a": {"op": "relu", "inputs": "x"},
    }
    assert schedule(nodes) == ["x", "c", "b", "a", "z"]


def test_file_order_of_inputs():
    nodes = {"y": {"op": "add", "inputs": ["b", "a"]}, "b": INPUT, "c": INPUT, "a": INPUT}
    graph = graphnn.loads(spec(nodes)).graph
    assert [found.name for found in graph.inputs] == ["b", "c", "a"]
    assert list(graph.nodes) == ["b", "c", "a", "y"]


def test_both_edges_of_a_node_that_reads_another_twice():
    graph = graphnn.loads(spec({"x": INPUT, "y": {"op": "multiply", "inputs": ["x", "x"]}})).graph
    assert list(graph.network.edges(keys=True)) == [("x", "y", 0), ("x", "y", 1)]
    assert graph.nodes["y"].inputs == ("x", "x")


def chain(count, first):
    nodes = {"n0": first}
    for number in range(1, count):
        nodes[f"n{number}"] = {"op": "relu", "inputs": f"n{number - 1}"}
    return nodes


def test_a_long_chain_backwards():
    count = 3000
    nodes = dict(reversed(chain(count, INPUT).items()))
    net = graphnn.loads(spec(nodes))
    assert list(net.graph.nodes) == [f"n{number}" for number in range(count)]
    assert net.graph.outputs == (f"n{count - 1}",)


# --- cycles


def faults(nodes):
    with pytest.raises(graphnn.SpecError) as caught:
        graphnn.loads(spec(nodes))
    return [
        (found.code, found.message, [note.text for note in found.notes])
        for found in caught.value.diagnostics
    ]


MESSAGE = "nodes read each other in a circle: "


def test_a_node_that_reads_itself():
    nodes = {"x": INPUT, "y": {"op": "add", "inputs": ["x", "y"]}}
    assert faults(nodes) == [("cycle", f"{MESSAGE}y -> y", ["'y' reads 'y'"])]


def test_two_cycles_apart_and_what_follows_them():
    nodes = {
        "x": INPUT,
        "a": {"op": "add", "inputs": ["x", "b"]},
        "b": {"op": "relu", "inputs": "a"},
        "c": {"op": "add", "inputs": ["x", "d"]},
        "d": {"op": "relu", "inputs": "c"},
        "e": {"op": "affine", "inputs": "d"},  # how many units nobody asks, after a cycle
        "f": {"op": "affine", "inputs": "x"},
    }
    assert faults(nodes) == [
        ("cycle", f"{MESSAGE}a -> b -> a", ["'b' reads 'a'", "'a' reads 'b'"]),
        ("cycle", f"{MESSAGE}c -> d -> c", ["'d' reads 'c'", "'c' reads 'd'"]),
        (
            "unknown-shape",
            "cannot infer the shape of 'f': 'units' is unspecified",
            ["'x' is input: [batch, 2]"],
        ),
    ]


def test_a_cycle_starts_with_its_first_node_in_the_file():
    nodes = {
        "tail": {"op": "relu", "inputs": "c"},
        "b": {"op": "relu", "inputs": "a"},
        "c": {"op": "relu", "inputs": "b"},
        "a": {"op": "relu", "inputs": "c"},
    }
    notes = ["'c' reads 'b'", "'a' reads 'c'", "'b' reads 'a'"]
    assert faults(nodes) == [("cycle", f"{MESSAGE}b -> c -> a -> b", notes)]


def test_a_cycle_that_the_first_node_is_not_on_is_reported_once():
    # All five lie in one knot; whichever of its circles is reported, it is one.
    nodes = {
        "a": {"op": "add", "inputs": ["b", "e"]},
        "b": {"op": "add", "inputs": ["c", "a"]},
        "c": {"op": "add", "inputs": ["d", "b"]},
        "d": {"op": "add", "inputs": ["e", "c"]},
        "e": {"op": "add", "inputs": ["a", "d"]},
    }
    ((code, message, _),) = faults(nodes)
    assert code == "cycle"
    circle = message.removeprefix(MESSAGE).split(" -> ")
    assert circle[0] == circle[-1] == min(circle)
    for read, reader in pairwise(circle):
        assert read in nodes[reader]["inputs"]


def test_a_cycle_of_thousands():
    def found(count):
        return faults(chain(count, {"op": "relu", "inputs": f"n{count - 1}"}))

    ((code, message, notes),) = assert_linear(found, 5000)
    assert code == "cycle"
    assert message == (
        f"{MESSAGE}n0 -> n1 -> n2 -> n3 -> n4 -> n5 -> ... "
        "-> n4996 -> n4997 -> n4998 -> n4999 -> n0"
    )
    assert notes == ["'n1' reads 'n0'", "'n2' reads 'n1'", "'n3' reads 'n2'", "'n4' reads 'n3'"]


CYCLES = """
import graphnn
reads = {"x": "ab", "a": "bcx", "b": "cax", "c": "ab", "d": "ef", "e": "fd", "f": "de", "g": "dx"}
nodes = {name: {"op": "concat", "inputs": list(letters)} for name, letters in reads.items()}
try:
    graphnn.loads({"graphnn": 1, "nodes": nodes})
except graphnn.GraphnnError as error:
    print(error)
"""


@pytest.mark.slow
def test_cycles_do_not_depend_on_the_hash_seed():
    shown = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", CYCLES]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=600
        )
        shown.add(done.stdout)
    (text,) = shown
    assert text.count("error[cycle]") == 2
