"""Which texts of a spec name files."""

from __future__ import annotations

import pytest

from graphnn.spec import mentions, reader
from graphnn.training import SOURCES, VOCABULARY

# Of each kind of data: what may be written, with every file called FILE, and nothing else.
DATA = {
    "npz": ["FILE", "{file: FILE, x: images, file2: path}"],
    "csv": ["FILE", "{file: FILE, x: [size, path], path: kind}"],
    "idx": ["FILE", "[FILE, FILE]", "{x: FILE, file: FILE}"],
    "parquet": ["FILE", "{file: FILE, x: [size, path], path: kind}"],
    "characters": ["FILE", "{file: FILE, x: text, path: next}"],
    "words": ["FILE", "{file: FILE, x: text, path: next}"],
    "texts": ["{file: FILE, x: text, path: label}"],
    "additions": ["{digits: 2, x: question, file: answer}"],
    "copy": ["{length: 3, x: sequence, file: answer}"],
    "sorting": ["{length: 3, x: sequence, file: answer}"],
    "folder": ["FILE", "{path: FILE, x: images, file: labels}"],
    "mnist": ["{x: images, t: labels, file: images, path: labels}"],
}


def named(text: str) -> list[object]:
    return [name.value for name in mentions(reader.read(text), "file", VOCABULARY)]


def test_every_kind_of_data_is_here():
    assert DATA.keys() == SOURCES.keys()


@pytest.mark.parametrize("rows", ["data", "validation", "test"])
@pytest.mark.parametrize(("kind", "written"), [(k, w) for k, ws in DATA.items() for w in ws])
def test_files_of_data(rows, kind, written):
    found = named(f"train: {{{rows}: {{{kind}: {written}}}, loss: file}}\n")
    assert found == ["FILE"] * written.count("FILE")


@pytest.mark.parametrize(
    "text",
    [
        "blocks: {file: FILE}",
        "blocks: {file: [FILE, FILE]}",
        "weights: {file: FILE, partial: true}",
        "nodes: {a: {op: affine, inputs: x, weight: {file: FILE, key: file}}}",
        "nodes: {file: {op: affine, file: {file: FILE}}}",
        "blocks: {file: {inputs: file, nodes: {a: {weight: {file: FILE}}}, output: file}}",
        "examples: [{inputs: {file: {file: FILE}}, outputs: {y: {file: FILE, key: a}}}]",
    ],
)
def test_files_of_other_things(text):
    assert named(text) == ["FILE"] * text.count("FILE")


@pytest.mark.parametrize(
    "text",
    [
        "name: file",
        "sizes: {file: free}",
        "nodes: {y: {block: b, inputs: {file: x}, file: hidden}, z: {op: add, inputs: [file, x]}}",
        "blocks: {b: {nodes: {y: {op: relu, inputs: {file: x}}}}}",
        "examples: [{inputs: {file: [[1, 2]]}, outputs: {file: {sum: 1}}}]",
        "train: {loss: file, metrics: {accuracy: [file, t]}, data: {}, validation: 0.1}",
        "search: {file: {choice: [a, b]}}",
    ],
)
def test_what_names_no_file(text):
    assert named(text) == []


def test_a_file_of_data_may_be_called_by_a_number():
    assert named("train: {data: {csv: 2024}}") == [2024]
