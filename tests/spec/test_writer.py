"""Documents written back: the same values, in the layout of the documentation."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from documents import documents
from graphnn.spec import format_text, reader, to_yaml
from graphnn.spec.values import Map, Scalar, Seq, located, plain
from graphnn.spec.writing.layout import to_json
from places import SPECS

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["null", "True", "~", "1e3", "0x1f", "no", "- a", "a: b", "#", "<<", "*a", "&a", "!b", ".nan"]
)


@given(documents(TEXTS, "sizes", "nodes", "train", "examples", "outputs", "name"))
@example({})
@example({"nodes": {"x": {"a\u2028b": "\u0085\ufeff\x7f\x00\U0001f600", "n": [1e16, 1e-7, -0.0]}}})
@example({"name": "x" * 300, "outputs": ["y" * 60, "z" * 60]})
def test_written_and_read_back(document):
    value = located(document)
    text, json_text = to_yaml(value), to_json(value)
    assert repr(plain(reader.read(text))) == repr(document)
    assert repr(plain(reader.read(json_text))) == repr(document)
    assert repr(json.loads(json_text)) == repr(document)
    assert format_text(text) == text
    assert format_text(json_text, json=True) == json_text


def test_layout():
    document = {
        "graphnn": 1,
        "name": "two layers",
        "sizes": {"pixels": 784, "hidden": 50},
        "nodes": {
            "x": {"op": "input", "shape": ["batch", "pixels"]},
            "y": {"op": "affine", "inputs": "x", "units": "2 * hidden", "bias": False},
        },
        "outputs": ["y"],
        "examples": [{"inputs": {"x": {"zeros": [1, "pixels"]}}, "outputs": {"y": [[0.5, None]]}}],
        "train": {"loss": "y", "optimizer": {"sgd": {"learning_rate": 1e-3}}},
    }
    assert (
        to_yaml(located(document))
        == """\
graphnn: 1
name: two layers
sizes: {pixels: 784, hidden: 50}

nodes:
  x: {op: input, shape: [batch, pixels]}
  y: {op: affine, inputs: x, units: "2 * hidden", bias: false}

outputs: [y]

examples:
  - inputs: {x: {zeros: [1, pixels]}}
    outputs: {y: [[0.5, null]]}

train:
  loss: y
  optimizer: {sgd: {learning_rate: 0.001}}
"""
    )


def test_many_sizes_take_a_line_each():
    sizes = {f"a-size-of-quite-a-long-name-{number}": number for number in range(1, 4)}
    assert (
        to_yaml(located({"sizes": sizes, "nodes": {}, "train": {}}))
        == """\
sizes:
  a-size-of-quite-a-long-name-1: 1
  a-size-of-quite-a-long-name-2: 2
  a-size-of-quite-a-long-name-3: 3

nodes: {}
train: {}
"""
    )


@pytest.mark.parametrize("path", sorted(SPECS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_specs(path):
    document = reader.read_file(path)
    assert repr(plain(reader.read(to_yaml(document)))) == repr(plain(document))


# --- located values


def test_values_as_python_shows_them():
    value = located({"a": [1, "b", None], "c": (True,)})
    assert repr(value) == (
        "Map({'a': Seq([Scalar(1), Scalar('b'), Scalar(None)]), 'c': Seq([Scalar(True)])})"
    )
    assert plain(value) == {"a": [1, "b", None], "c": [True]}
    assert value.span is None
    assert "a" in value
    assert "b" not in value
    assert value.get("b") is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Scalar(None), "nothing"),
        (Scalar(True), "true or false"),
        (Scalar(3), "a number"),
        (Scalar(0.5), "a number"),
        (Scalar("x"), "a text"),
        (Seq([]), "a list"),
        (Map({}), "a mapping"),
    ],
)
def test_kinds(value, kind):
    assert value.kind == kind
