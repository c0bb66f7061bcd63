"""Two independent faults in one file are two errors, wherever the two are.

Faults are planted in sound specs: each knows its code, where it must be reported, and what it
hides. All pairs that do not hide each other are to be reported, and nothing beside them.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import graphnn
from graphnn.diagnostics import Span
from graphnn.spec import reader
from graphnn.spec.values import plain
from graphnn.testing._strategies.faults import (
    DROPPED,
    Fault,
    Place,
    depends,
    faults,
    hides,
    in_json,
)
from graphnn.testing._strategies.layouts import written
from graphnn.testing._strategies.writing import Writer
from places import SPECS

WHOLE = plain(
    reader.read("""
graphnn: 1
name: whole
description: every section
sizes: {pixels: 6, hidden: 4, time: free}
dtype: float64
blocks:
  dense:
    sizes: [units]
    inputs: [p]
    nodes: {w: {op: affine, inputs: p, units: units}, z: {op: relu, inputs: w}}
    output: z
  pair:
    inputs: [p, q]
    nodes: {s: {op: add, inputs: [p, q]}, i: {block: dense, inputs: s, units: 4}}
    output: i
nodes:
  x: {op: input, shape: [batch, pixels]}
  t: {op: input, shape: [batch], dtype: int}
  s: {op: input, shape: [time, 2]}
  a: {op: affine, inputs: x, units: hidden, weight: he}
  b: {op: leaky_relu, inputs: [a], slope: 0.1}
  c: {op: affine, inputs: {x: b}, units: 4, weight: {share: d.weight}}
  d: {op: affine, inputs: b, units: 4, weight: {normal: {std: 0.1}}}
  e: {op: add, inputs: [c, d], about: both}
  y: {op: softmax, inputs: e}
  loss: {op: cross_entropy, inputs: [y, t]}
  m: {op: mean, inputs: s, axis: 0}
  h: {block: dense, inputs: e, units: hidden, repeat: 2}
  k: {block: pair, inputs: {p: h, q: d}}
outputs: [y, m, k]
examples:
- {inputs: {x: [[0, 0, 0, 0, 0, 0]]}, outputs: {y: {sum: 1.0}}}
- {inputs: {x: {ones: [1, pixels]}, t: [2]}, outputs: {loss: [1.0]}}
train:
  data: {npz: elsewhere.npz}
  loss: loss
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 0.1}}
  validation: 0.1
  early_stopping: {patience: 2}
  epochs: 3
search:
  learning_rate: {log_uniform: [0.01, 1.0]}
  time: {choice: [4, 5]}
  metric: validation_accuracy
draw:
  families: {linear: teal}
  ops: {relu: "#ff8800"}
  nodes: {a: red, h: "#fff"}
  mathematical: true
allow: [unused-input]
""")
)
FILES = {
    "rows.csv": ["p,q,kind", "1,2,0", "3,4,1", "5,6,2", "7,8,0", "9,10,1"],
    "held.csv": ["x.0,x.1,t", "1,2,0", "3,4,1"],
}
TRAINED = {
    "graphnn": 1,
    "sizes": {"width": 3},
    "nodes": {
        "x": {"op": "input", "shape": ["batch", 2]},
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
        "a": {"op": "affine", "inputs": "x", "units": "width"},
        "y": {"op": "softmax", "inputs": "a"},
        "loss": {"op": "cross_entropy", "inputs": ["y", "t"]},
        "b": {"op": "affine", "inputs": "x", "units": 2},
        "c": {"op": "tanh", "inputs": "b"},
    },
    "outputs": ["y", "c"],
    "train": {
        "data": {"csv": {"file": "rows.csv", "x": ["p", "q"], "t": "kind"}},
        "validation": {"csv": "held.csv"},
        "test": 1,
        "loss": "loss",
        "metrics": {"accuracy": ["y", "t"]},
        "optimizer": "sgd",
    },
}


@dataclass(frozen=True)
class Cell(Fault):
    """Another line in a file of rows; reported there, at `column`, or in the document."""

    file: str = ""
    line: int = 0
    text: str = ""
    column: int = 0

    def plant(self, document: Any) -> None:
        pass

    def plant_in(self, files: dict[str, list[str]]) -> None:
        files[self.file][self.line - 1] = self.text

    def place(self, writer: Writer) -> Place:
        return (self.file, self.line, self.column) if self.column else super().place(writer)


@dataclass(frozen=True)
class Frozen(Fault):
    """Nothing to train: no parameter is."""

    def plant(self, document: Any) -> None:
        for body in document["nodes"].values():
            if isinstance(body, dict):
                body.setdefault("trainable", False)


NO_FILES: dict[str, list[str]] = {}


def _of_data() -> Iterator[Fault]:
    """Faults of what `TRAINED` trains on."""
    csv, held = ("train", "data", "csv"), ("train", "validation", "csv")
    file, columns = (*csv, "file"), (*csv, "x")
    yield Fault("file-outside", file, "../rows.csv", label="file")
    # The graph has no part in what a file is, nor in the columns that the document names itself.
    header = ("header", "file")
    yield Cell("duplicate-column", (*file, 1), None, file="rows.csv", line=1, text="p,p,kind",
               column=3, label="header", after=("file",))  # fmt: skip
    yield Fault("unknown-column", (*columns, 1), "nosuch", label="x", after=header)
    yield Fault("wrong-type", (*csv, "t"), 0.5, label="t")
    yield Fault("unknown-input", (*csv, "zzz"), "p", key=True, label="key")
    yield Cell("not-a-number", (*file, 3), None, file="rows.csv", line=3, text="3,four,1",
               column=3, label="cell", after=("x", *header))  # fmt: skip
    yield Cell("ragged-row", (*file, 4), None, file="rows.csv", line=4, text="5,6",
               column=1, label="ragged", after=header)  # fmt: skip
    yield Cell("ragged-row", (*held, 3), None, file="held.csv", line=3, text="3,4",
               column=1, label="held")  # fmt: skip
    # What feeds an input that takes columns of its own name is reported by the graph.
    yield Cell("not-a-number", (*held, 2), None, file="held.csv", line=2, text="one,2,0",
               column=1, node="loss", level=2, needs=(("train", "loss"),))  # fmt: skip
    yield Cell("class-outside", (*file, 2), None, file="rows.csv", line=2,
               text="1,2,7", column=5, node="loss", level=2, needs=(("train", "loss"), (*csv, "t")),
               label="class", after=("ragged", *header))  # fmt: skip
    rows = ("cell", "ragged", "x", "t", "key", "class", *header)
    yield Fault("bad-split", ("train", "test"), 100, after=rows, needs=(("train", "data"),))
    split = (("train", "data"), ("train", "test"), ("train", "validation"))
    yield Fault("too-few-rows", ("train", "rows"), 100, after=rows, needs=split)
    needs = (("train", "loss"), ("train", "zzz"))
    yield Fault("no-data", ("train", "data"), DROPPED, ("train",), True, "loss", 2, needs=needs)


def check(
    document: dict[str, Any],
    planted: tuple[Fault, ...],
    *,
    yaml: bool,
    folder: Path,
    files: Mapping[str, list[str]] = NO_FILES,
) -> None:
    changed, lines = copy.deepcopy(document), {name: [*text] for name, text in files.items()}
    for fault in planted:
        fault.plant(changed)
        fault.plant_in(lines)
    for name, text in lines.items():
        (folder / name).write_text("\n".join(text) + "\n")
    if not yaml:
        changed = in_json(changed)
    writer = written(changed, yaml=yaml)
    found = graphnn.diagnose_text(writer.text, folder=folder, json=not yaml)
    errors = [each for each in found if each.severity == "error"]
    shown = [(*_place(each.span), each.code) for each in errors]
    expected = sorted((*fault.place(writer), fault.code) for fault in planted)
    assert sorted(shown) == expected, (writer.text, lines)
    places = [(each.span.source.name, each.span.line, each.span.column) for each in errors]
    assert places == sorted(places)


def _place(span: Span) -> Place:
    name = span.source.name
    return "" if name == "<text>" else Path(name).name, span.line, span.column


def pairs(document: dict[str, Any]) -> Iterator[tuple[Fault, Fault]]:
    upstream = depends(document)
    for one, other in combinations(faults(document), 2):
        if not (hides(one, other, upstream) or hides(other, one, upstream)):
            yield one, other


def pairs_with(these: Iterable[Fault], document: dict[str, Any]) -> Iterator[tuple[Fault, Fault]]:
    """Each of these with each other fault of `document`, and with each other."""
    upstream = depends(document)
    every = [*these]
    for one, other in (*product(every, faults(document)), *combinations(every, 2)):
        if not (hides(one, other, upstream) or hides(other, one, upstream)):
            yield one, other


def data_pairs() -> Iterator[tuple[Fault, Fault]]:
    return pairs_with([*_of_data(), nothing()], TRAINED)


def nothing() -> Fault:
    """Which a node that is lost, or of which `trainable` is, would hide."""
    hidden = {"at": ("train",), "key": True, "after": ("lost", "trainable")}
    return Frozen("nothing-to-train", ("train", "none"), **hidden)


def shipped(name: str) -> dict[str, Any]:
    return plain(reader.read_file(SPECS / name))


DOCUMENTS = {
    "whole": WHOLE,
    "three_layer": shipped("three_layer.yaml"),
    "regression": shipped("regression.yaml"),
    "xor": shipped("gates/xor.yaml"),
}
EVERY = 79  # of all pairs, one in so many is tried each time; run this file itself to try all
MOST = 40
how_many = pytest.mark.parametrize("most", [MOST, pytest.param(400, marks=pytest.mark.slow)])
each_document = pytest.mark.parametrize(
    ("name", "yaml"),
    [
        pytest.param(name, yaml, marks=pytest.mark.slow if (name, yaml) == ("whole", False) else [])
        for name in DOCUMENTS
        for yaml in (True, False)
    ],
)


@pytest.mark.parametrize("share", [4, pytest.param(1, marks=pytest.mark.slow)])
@each_document
def test_one_fault_is_one_error(name, yaml, share):
    check(DOCUMENTS[name], (), yaml=yaml, folder=SPECS)
    found = list(faults(DOCUMENTS[name]))
    for fault in random.Random(f"{name} {yaml}").sample(found, len(found) // share):
        check(DOCUMENTS[name], (fault,), yaml=yaml, folder=SPECS)


@how_many
@each_document
def test_two_faults_are_two_errors(name, yaml, most):
    found = list(pairs(DOCUMENTS[name]))
    assert len(found) > 1000
    for pair in random.Random(f"{name} {yaml}").sample(found, min(most, len(found) // EVERY)):
        check(DOCUMENTS[name], pair, yaml=yaml, folder=SPECS)


@how_many
@pytest.mark.parametrize("yaml", [True, False], ids=["yaml", "json"])
def test_a_fault_of_data_and_any_other_are_two_errors(tmp_path, yaml, most):
    check(TRAINED, (), yaml=yaml, folder=tmp_path, files=FILES)
    for fault in (*_of_data(), nothing()):
        check(TRAINED, (fault,), yaml=yaml, folder=tmp_path, files=FILES)
    found = list(data_pairs())
    assert len(found) > 1000
    for pair in random.Random(f"data {yaml}").sample(found, most):
        check(TRAINED, pair, yaml=yaml, folder=tmp_path, files=FILES)


@pytest.mark.parametrize("yaml", [True, False], ids=["yaml", "json"])
def test_nothing_to_train_and_any_other_fault_are_two_errors(tmp_path, yaml):
    for name, document in DOCUMENTS.items():
        if "train" in document:
            found = list(pairs_with([nothing()], document))
            assert len(found) > 20
            for pair in random.Random(f"{name} {yaml}").sample(found, min(MOST // 3, len(found))):
                check(document, pair, yaml=yaml, folder=SPECS)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        for number, pair in enumerate(data_pairs()):
            yaml = number % 2 == 0
            check(TRAINED, pair, yaml=yaml, folder=Path(folder), files=FILES)
    for document in DOCUMENTS.values():
        for number, pair in enumerate(pairs(document)):
            check(document, pair, yaml=number % 2 == 0, folder=SPECS)
