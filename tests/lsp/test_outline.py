"""The outline of a text: as the reader has it where it is sound, and of use where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphnn.lsp import outline, queries
from graphnn.lsp.document import Document
from graphnn.spec import reader
from places import ROOT

SPECS = sorted((*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "specs").rglob("*.json")))


def places(tokens):
    return sorted((token.start, token.end, token.path, token.key) for token in tokens)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_sound_text_is_scanned_as_it_is_read(path):
    text = path.read_text("utf-8")
    read = list(outline.located(reader.read(text, json=path.suffix == ".json")))
    # A text of several lines is no name of anything, and is left out.
    wanted = [token for token in read if "\n" not in text[token.start : token.end]]
    assert places(outline.scanned(text)) == places(wanted)
    assert len(wanted) > 10


@pytest.mark.parametrize(
    ("text", "path", "key", "prefix"),
    [
        ("", (), True, ""),
        ("gra", (), True, "gra"),
        ("train:\n  ", ("train",), True, ""),
        ("train:\n  lo", ("train",), True, "lo"),
        ("train:\n  loss: l\n  ep", ("train",), True, "ep"),
        ("nodes:\n  x: {", ("nodes", "x"), True, ""),
        ("nodes:\n  x: {op: ", ("nodes", "x", "op"), False, ""),
        ("nodes:\n  x: {op: inp", ("nodes", "x", "op"), False, "inp"),
        ("nodes:\n  x: {op: relu, inp", ("nodes", "x"), True, "inp"),
        ("nodes:\n  x: {op: relu, inputs: [a, ", ("nodes", "x", "inputs", 1), False, ""),
        ("nodes:\n  x:\n    op: relu\n    inp", ("nodes", "x"), True, "inp"),
        ("nodes:\n  x:\n    inputs:\n    - a\n    - b", ("nodes", "x", "inputs", 1), False, "b"),
        ("nodes:\n  x: {op: relu, in\n  y: {op: ", ("nodes", "y", "op"), False, ""),
        ("nodes:\n  x: [{op: 'a, \n  y: {op: ", ("nodes", "y", "op"), False, ""),
        ("name: |\n  x: 1\n  y: {\nnodes:\n  z: {", ("nodes", "z"), True, ""),
        ("examples:\n- inputs: {x: 1}\n  out", ("examples", 0), True, "out"),
        ("examples:\n- about: a\n- ", ("examples", 1), False, ""),
        ("# nodes: {\nsizes: {a: 1, ", ("sizes",), True, ""),
        ("a: b # c: {\nsi", (), True, "si"),
        ('{"nodes": {"x": {"op": "re', ("nodes", "x", "op"), False, "re"),
        ('{"nodes": {"x": {"op": "relu", "in', ("nodes", "x"), True, "in"),
        ('{"outputs": ["a", "', ("outputs", 1), False, ""),
    ],
)
def test_where_the_cursor_stands(text, path, key, prefix):
    assert outline.cursor(text) == outline.Cursor(path, key, prefix)


pieces = st.lists(
    st.sampled_from(
        [
            *(
                "nodes:\n",
                "  x: ",
                "  y:\n",
                "    op: ",
                "relu",
                "{",
                "}",
                "[",
                "]",
                ",",
                ": ",
                "\n",
            ),
            *("- ", "'", '"', "#", " ", "inputs: ", "units: ", "sizes: ", "blocks:\n", "|\n", "\\"),
            *(
                "a",
                "a.b",
                "share: a.weight",
                "&a ",
                "*a",
                "\t",
                "é",
                "😀",
                "train:\n",
                "examples:\n",
            ),
        ]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=150)
@given(pieces, st.booleans())
@example("*a", False)
@example("nodes: &a {x: *a}", False)
@example("- - -\n- {", False)
@example("? {a: b}\n: c", False)
def test_no_text_makes_it_fail(text, json):
    document = Document(text, Path("net.json" if json else "net.yaml"))
    for token in document.tokens:
        assert 0 <= token.start <= token.end <= len(document.text)
    for index in {0, len(document.text) // 2, len(document.text)}:
        offers, length = queries.complete(document, index)
        assert 0 <= length <= index
        assert all(offer.label for offer in offers)
        queries.hover(document, index)
        queries.definition(document, index)
    queries.symbols(document)
    document.formatted()


def test_what_lies_deeper_than_can_be_read_is_passed_over():
    depth = 100_000
    text = f"{{nodes: {'[' * depth}x{']' * depth}, outputs: y}}"
    found = outline.scanned(text)
    assert [token.text for token in found] == ["nodes", "x", "outputs", "y"]
    assert found[-1].path == ("outputs",)
    place = outline.cursor(text[: len(text) // 2])
    assert len(place.path) == 65


def test_many_spaces_take_no_longer_than_other_characters():
    text = f"name: x{' ' * 200_000}y # z\n"
    (_, value) = outline.scanned(text)
    assert value.text == text[6:-5]
