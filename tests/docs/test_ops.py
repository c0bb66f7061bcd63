"""The page of each op states what the class states, and its example gives what it shows."""

from __future__ import annotations

import importlib
import re

import numpy as np
import pytest

import graphnn
from docs_pages import blocks
from graphnn.ops import REGISTRY
from graphnn.spec.values import plain
from places import ROOT

OPS = [name for name, op in REGISTRY.items() if not op.internal]


@pytest.fixture(scope="module")
def generate_ops():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield importlib.import_module("generate_ops")


@pytest.fixture(scope="module")
def made(generate_ops, tmp_path_factory):
    place = tmp_path_factory.mktemp("ops")
    (place / "gone.md").write_text("of an op that is no more")
    generate_ops.write(place)
    return place


def values(page):
    """The arrays in the table of the example, by node."""
    table = page.partition("## Example")[2]
    rows = re.findall(r"^\| `(\w+)` \| `(.*)` \|$", table, flags=re.MULTILINE)
    return {name: np.array(eval(text)) for name, text in rows}


def test_there_is_a_page_for_each_op(made):
    assert {path.name for path in made.iterdir()} == {"index.md", *(f"{name}.md" for name in OPS)}
    index = (made / "index.md").read_text()
    assert [name for name in OPS if f"[{name}]({name}.md)" not in index] == []


def test_every_family_is_introduced(made):
    index = (made / "index.md").read_text()
    for family in {REGISTRY[name].family for name in OPS}:
        assert re.search(rf"^## {family.capitalize()}\n\n[A-Z].+\.$", index, flags=re.MULTILINE)
    assert "## Linear\n\nMatrix products.\n" in index


@pytest.mark.parametrize("name", OPS)
def test_example_is_a_spec_that_gives_what_the_page_shows(made, name):
    page = (made / f"{name}.md").read_text()
    (block,) = blocks(page)
    net = graphnn.loads("graphnn: 1\n" + block.text)
    nodes = plain(net.graph.spec.document)["nodes"]
    assert name in [node["op"] for node in nodes.values()]
    shown = values(page)
    inputs = {key: shown.pop(key) for key in list(shown) if nodes[key]["op"] == "input"}
    assert shown or name == "input"
    for key, expected in shown.items():
        found = net.run({k: inputs[k] for k in inputs}, outputs=[key])[key]
        np.testing.assert_allclose(found, expected, rtol=0, atol=5.1e-5)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        # by hand, from the inputs on the page
        ("sum", 0.0),
        ("absolute", [[3.0, 1.8, 0.6], [0.6, 1.8, 3.0]]),
        ("sigmoid", [[0.0474, 0.1419, 0.3543], [0.6457, 0.8581, 0.9526]]),
        ("identity", [[-3.0, -1.8, -0.6], [0.6, 1.8, 3.0]]),
    ],
)
def test_example_values(made, name, result):
    np.testing.assert_allclose(values((made / f"{name}.md").read_text())["y"], result, atol=1e-9)


def test_page_of_affine(made):
    page = (made / "affine.md").read_text()
    for line in (
        "| x | `[..., n]` | input |",
        "| weight | `[n, units]` | parameter, starts as `xavier` |",
        "| bias | `[units]` | parameter, starts as `zeros`, `false` leaves it out |",
        "| **result** | `[..., units]` |  |",
        "| `units` | size |  | Output features; left out, the weight's own number of columns. |",
    ):
        assert line in page.splitlines()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("power", "| `exponent` | number | required | What `x` is raised to. |"),
        ("leaky_relu", "| `slope` | number | `0.01` | Slope below 0. |"),
        ("sum", "| `keepdims` | `true` or `false` | `false` | Whether those axes stay"),
        ("gelu", "| `approximate` | `none` or `tanh` | `none` | tanh puts"),
        ("input", "| `shape` | list of sizes | required |"),
        ("slice", "| `stop` | position |  | Entry to stop before"),
        ("slice", "| `step` | whole number of at least 1 | `1` | Distance between entries. |"),
        ("transpose", "| `axes` | list of whole numbers |  | Which axis"),
        ("sum", "| `axis` | whole number or list of whole numbers |  | Axis, or list of axes"),
        (
            "constant",
            "| `value` | number or list of numbers or `{arange: ...}` or `{zeros: ...}` "
            "or `{ones: ...}` or `{file: ...}` | required | A number, nested lists",
        ),
    ],
)
def test_attributes(made, name, line):
    page = (made / f"{name}.md").read_text()
    assert [row for row in page.splitlines() if row.startswith(line)]
