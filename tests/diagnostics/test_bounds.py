"""Whatever a file holds, what is said of it can be read: no text is long, nor all of them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

import graphnn
from graphnn.cli import terminal
from graphnn.diagnostics import Diagnostic, GraphnnError, Note, format_diagnostics
from graphnn.spec import reader
from graphnn.spec.values import plain

MESSAGE, TOTAL = 2_000, 20_000  # characters
SPEC = plain(
    reader.read("""
graphnn: 1
name: rich
description: every section
dtype: float64
sizes: {features: 2, hidden: 3}
blocks:
  dense:
    about: a layer
    sizes: [n]
    inputs: [v]
    nodes: {a: {op: affine, inputs: v, units: n}, r: {op: relu, inputs: a}}
    output: r
nodes:
  x: {op: input, shape: [batch, features]}
  t: {op: input, shape: [batch], dtype: int}
  c: {op: constant, value: [[1, 2], [3, 4]]}
  m: {op: matmul, inputs: [x, c]}
  u: {block: dense, inputs: m, n: hidden, repeat: 2}
  z: {op: affine, inputs: {x: u}, units: 2, weight: {uniform: {low: -1, high: 1}}, bias: [0, 0]}
  q: {op: reshape, inputs: z, shape: [batch, 2]}
  d: {op: dropout, inputs: q, rate: 0.5, about: x}
  y: {op: softmax, inputs: d}
  loss: {op: cross_entropy, inputs: [y, t]}
outputs: [y]
examples: [{about: e, inputs: {x: [[1, 2]]}, outputs: {m: [[7, 10]]}}]
train:
  loss: loss
  optimizer: {sgd: {learning_rate: 0.1, schedule: {step: {every: 2}}}}
  epochs: 3
  batch_size: 4
  seed: 1
  metrics: {accuracy: [y, t]}
  data: {csv: {file: rows.csv, x: [a, b], t: c}}
  validation: 0.2
search: {metric: validation_loss, hidden: {choice: [1, 2]}}
""")
)
VALUES = {
    "text": "v" * 5_000,
    "words": "word " * 1_000,
    "control": "\x07" * 3_000,
    "names": [f"n{number}" for number in range(150)],
    "texts": ["w" * 3_000] * 5,
    "mapping": {f"k{number}": number for number in range(150)},
    "mappings": [{"a": 1}] * 150,
    "keys": {letter * 199: 1 for letter in "abcdefgh"},
    "number": 10**300,
    "sum": " + ".join(["features"] * 150),
}


def places(value, at=()):
    """Where every value of a document is."""
    yield at
    items = value.items() if isinstance(value, dict) else ()
    for key, each in enumerate(value) if isinstance(value, list) else items:
        yield from places(each, (*at, key))


def put(value, at, new):
    if not at:
        return new
    copy = value.copy()
    copy[at[0]] = put(value[at[0]], at[1:], new)
    return copy


def assert_short(diagnostics):
    assert max((len(str(found)) for found in diagnostics), default=0) <= MESSAGE
    for format in ("text", "short"):
        assert len(format_diagnostics(diagnostics, format)) <= TOTAL + 100
    assert len(str(GraphnnError(*diagnostics))) <= TOTAL + 100


def test_the_spec_has_every_section_and_is_fine():
    assert [found.code for found in graphnn.diagnose_text(json.dumps(SPEC))] == ["no-such-file"]


@pytest.mark.parametrize(
    "value",
    [name if name == "text" else pytest.param(name, marks=pytest.mark.slow) for name in VALUES],
)
def test_a_monstrous_value_in_any_place(value):
    said = 0
    for at in places(SPEC):
        text = json.dumps(put(SPEC, at, VALUES[value]))
        found = graphnn.diagnose_text(text)
        said += len(found) > 1
        assert_short(found)
    assert said > 30


def test_many_bad_sizes():
    nodes = {
        f"n{n}": {"op": "affine", "inputs": "x", "units": f"u{'v' * 150}{n}"} for n in range(90)
    }
    spec = {"graphnn": 1, "nodes": {"x": SPEC["nodes"]["x"] | {"shape": ["batch", 2]}, **nodes}}
    found = graphnn.diagnose_text(json.dumps(spec, indent=1))
    assert len([each for each in found if each.severity == "error"]) == 90
    assert_short(found)
    assert format_diagnostics(found).endswith(" more are not shown\n")


def test_an_archive_of_many_arrays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = {
        f"array{n}": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]} for n in range(9_000)
    }
    packed = json.dumps(head).encode()
    Path("w.safetensors").write_bytes(struct.pack("<Q", len(packed)) + packed)
    spec = SPEC | {"weights": {"file": "w.safetensors"}}
    found = graphnn.diagnose_text(json.dumps(spec))
    assert any("array0" in each.message + each.help for each in found)
    assert_short(found)


def cut(letter, most):
    return f"{letter * (most - 43)}...{letter * 40}"


def test_every_part_of_a_diagnostic_is_cut():
    found = Diagnostic("usage", "m" * 999, None, "l" * 999, (Note("n" * 999),) * 9, "h" * 999)
    assert (found.message, found.help) == (cut("m", 400), cut("h", 400))
    assert found.label == cut("l", 200)
    notes = [*[cut("n", 200)] * 5, "there are 4 more such notes"]
    assert [note.text for note in found.notes] == notes
    assert Diagnostic("usage", "m" * 400).message == "m" * 400


def test_what_is_not_shown_is_counted(capsys):
    many = [Diagnostic("usage", f"{'m' * 300} {number}") for number in range(1_000)]
    text = str(GraphnnError(*many))
    shown = text.count("error[usage]")
    assert TOTAL - 400 < len(text) < TOTAL + 100
    assert text.endswith(f"\n{1_000 - shown:,} more are not shown")
    assert format_diagnostics(many) == f"{text}\n"
    terminal.report(many)
    assert capsys.readouterr().err == f"{text}\n"
    assert format_diagnostics(many, "short").splitlines()[shown:] == text.splitlines()[-1:]
    assert len(json.loads(format_diagnostics(many, "json"))) == 1_000
