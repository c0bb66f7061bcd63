"""A law: a spec with blocks is the spec that a naive unfolding writes out."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

import graphnn


@st.composite
def specs(draw):
    """A spec whose blocks use those before them, and read anything that is there."""
    blocks = {}
    for number in range(draw(st.integers(1, 3))):
        inputs = ["p", "q"][: draw(st.integers(1, 2))]
        nodes = draw(bodies(inputs, blocks))
        # A block may have any of its nodes for its output.
        blocks[f"b{number}"] = {
            "sizes": ["n"],
            "inputs": inputs,
            "nodes": nodes,
            "output": draw(st.sampled_from(sorted(nodes))),
        }
    nodes = {"x": {"op": "input", "shape": ["batch", 2]}}
    nodes |= draw(bodies(["x"], blocks))
    return {"graphnn": 1, "sizes": {"n": draw(st.integers(1, 3))}, "blocks": blocks, "nodes": nodes}


@st.composite
def bodies(draw, inputs, blocks):
    there, nodes = list(inputs), {}
    for number in range(draw(st.integers(1, 4))):
        read = st.sampled_from(there)
        name = f"m{number}"
        kind = draw(st.sampled_from(["add", "tanh", *blocks]))
        if kind == "add":
            nodes[name] = {"op": "add", "inputs": [draw(read), draw(read)]}
        elif kind == "tanh":
            nodes[name] = {"op": "tanh", "inputs": draw(read)}
        else:
            wanted = blocks[kind]["inputs"]
            nodes[name] = {"block": kind, "inputs": {key: draw(read) for key in wanted}}
            nodes[name]["n"] = draw(st.sampled_from(["n", 2, "n + 1"]))
            if len(wanted) == 1 and draw(st.booleans()):
                nodes[name]["repeat"] = draw(st.sampled_from(["n", 1, 2]))
        there.append(name)
    # The order of the file is not that in which nodes read each other.
    return dict(draw(st.permutations(list(nodes.items()))))


def unfolded(document):
    """Every node with what it reads, by substitution on texts, the slow and plain way."""
    found, outputs = {}, {}

    def value(size, n):
        return eval(str(size), {"n": n})

    def go(nodes, prefix, given, n):
        for name, node in nodes.items():
            full = prefix + name
            if "op" in node:
                inputs = node.get("inputs", [])
                inputs = [inputs] if isinstance(inputs, str) else inputs
                found[full] = [given.get(read, prefix + read) for read in inputs]
                continue
            block = document["blocks"][node["block"]]
            inner = value(node["n"], n)
            read = {key: given.get(r, prefix + r) for key, r in node["inputs"].items()}
            for number in range(1, value(node.get("repeat", 1), n) + 1):
                place = f"{full}.{number}" if "repeat" in node else full
                go(block["nodes"], f"{place}.", read, inner)
                outputs[place] = f"{place}.{block['output']}"
                read = dict.fromkeys(read, place)
            outputs[full] = outputs[place]

    go(document["nodes"], "", {}, document["sizes"]["n"])

    def real(name):
        while name in outputs:
            name = outputs[name]
        return name

    return {name: tuple(map(real, read)) for name, read in found.items()}


@settings(max_examples=60)
@given(specs())
@example(
    {
        "graphnn": 1,
        "sizes": {"n": 2},
        "blocks": {
            "b0": {
                "sizes": ["n"],
                "inputs": ["p"],
                "nodes": {"m0": {"op": "add", "inputs": ["p", "p"]}},
                "output": "m0",
            }
        },
        "nodes": {
            "m1": {"block": "b0", "inputs": {"p": "m0"}, "n": "n + 1", "repeat": "n"},
            "m0": {"block": "b0", "inputs": {"p": "x"}, "n": 2},
            "x": {"op": "input", "shape": ["batch", 2]},
        },
    }
)
def test_unfolding(document):
    expected = unfolded(document)
    graph = graphnn.loads(document).graph
    assert list(graph.spec.nodes) == list(expected)
    assert {name: node.inputs for name, node in graph.nodes.items()} == expected
