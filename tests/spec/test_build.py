"""What a spec says, before any op is known."""

from __future__ import annotations

from pathlib import Path

from graphnn.diagnostics import Findings
from graphnn.spec import reader
from graphnn.spec.build import build
from graphnn.spec.sizes import free
from graphnn.spec.values import located, plain
from tables import cases


def built(text):
    findings = Findings()
    document = reader.read(text) if isinstance(text, str) else located(text)
    spec = build(document, Path("folder"), findings)
    return spec, [found.message for found in findings.sorted()]


FULL = """
graphnn: 1
name: a name
description: what it is
sizes: {hidden: 4, time: free, batch: free}
dtype: float32
nodes:
  x: {op: input, shape: [batch, hidden]}
  y: {op: add, inputs: {b: x, a: x}}
outputs: [y, x]
weights: {file: w.npz}
examples:
  - {about: first, inputs: {x: 1}, outputs: {y: 2}, rtol: 0.5, atol: 0}
  - {outputs: {y: 3}}
train:
  data: {npz: a.npz}
  loss: [l, m]
  metrics: {accuracy: [y, t], loss: l}
  optimizer: {sgd: {learning_rate: 0.5}}
  batch_size: 3
  epochs: 4
  seed: 5
  validation: 0.25
  test: 7
  gradient: numerical
"""


def test_a_full_spec():
    spec, faults = built(FULL)
    assert faults == []
    assert (spec.name, spec.description, spec.dtype) == ("a name", "what it is", "float32")
    assert spec.sizes == {"batch": free("batch"), "hidden": 4, "time": free("time")}
    assert spec.folder == Path("folder")
    assert [output.name for output in spec.outputs] == ["y", "x"]
    assert (spec.weights.file.value, spec.weights.partial) == ("w.npz", False)
    first, second = spec.examples
    assert (first.about, first.rtol, first.atol) == ("first", 0.5, 0.0)
    assert plain(first.inputs["x"].value) == 1
    assert (second.about, second.rtol, second.atol) == ("", 1e-7, 1e-9)
    assert second.inputs == {}
    assert plain(second.outputs["y"].value) == 3


def test_nodes():
    spec, _ = built(FULL)
    x, y = spec.nodes.values()
    assert (x.name, x.op.value, x.inputs, x.trainable, x.about) == ("x", "input", (), True, "")
    assert plain(x.fields["shape"].value) == ["batch", "hidden"]
    assert str(x.place.span) == "<text>:8:3"
    assert str(x.inputs_place.span) == "<text>:8:3"
    assert [(r.name, r.operand.value) for r in y.inputs] == [("x", "b"), ("x", "a")]
    assert str(y.inputs_place.span) == "<text>:9:24"
    text = "{graphnn: 1, nodes: {y: {op: relu, inputs: [a, b], trainable: false, about: why}}}"
    (y,) = built(text)[0].nodes.values()
    assert [(r.name, r.operand) for r in y.inputs] == [("a", None), ("b", None)]
    assert (y.trainable, y.about, y.fields) == (False, "why", {})


def test_training():
    train = built(FULL)[0].train
    assert plain(train.data) == {"npz": "a.npz"}
    assert [reference.name for reference in train.loss] == ["l", "m"]
    metrics = [(m.name.value, [node.name for node in m.nodes]) for m in train.metrics]
    assert metrics == [("accuracy", ["y", "t"]), ("loss", ["l"])]
    assert (train.optimizer.name.value, plain(train.optimizer.options)) == (
        "sgd",
        {"learning_rate": 0.5},
    )
    assert (train.batch_size, train.epochs, train.seed) == (3, 4, 5)
    assert (train.validation.value, train.test.value) == (0.25, 7)
    assert train.gradient == "numerical"
    assert str(train.place.span) == "<text>:15:1"


def test_defaults():
    spec, faults = built({"graphnn": 1, "nodes": {"x": {"op": "input"}}, "train": {}})
    assert faults == []
    assert (spec.name, spec.description, spec.dtype) == ("", "", "float64")
    assert spec.sizes == {"batch": free("batch")}
    assert (spec.outputs, spec.weights, spec.examples) == (None, None, ())
    train = spec.train
    assert (train.data, train.loss, train.metrics) == (None, (), ())
    assert (train.optimizer.name.value, plain(train.optimizer.options)) == ("sgd", {})
    assert (train.batch_size, train.epochs, train.seed) == (100, 10, 0)
    assert (train.validation, train.test, train.gradient) == (None, None, "backprop")
    assert built("{graphnn: 1, nodes: {x: {op: input}}}")[0].train is None


def test_an_optimizer_by_name_alone():
    spec, faults = built("{graphnn: 1, nodes: {x: {op: input}}, train: {optimizer: adam}}")
    assert faults == []
    assert (spec.train.optimizer.name.value, plain(spec.train.optimizer.options)) == ("adam", {})


def test_the_spec_stays_whole_without_the_parts_at_fault():
    spec, faults = built("""
graphnn: 1
sizes: {a: 0, b: 2}
nodes: {x: {op: input}, y: 3, z: {op: add, inputs: [x, 4]}}
outputs: [x, 5]
""")
    assert len(faults) == 4
    assert spec.sizes == {"batch": free("batch"), "b": 2}
    assert list(spec.nodes) == ["x", "z"]
    assert [reference.name for reference in spec.nodes["z"].inputs] == ["x", ""]
    assert [reference.name for reference in spec.outputs] == ["x"]


@cases("""
    document= | faults=
    # A misspelt key is reported once, and what it holds is checked as what it means.
    {"graphn": 2, "node": {"x": {"op": "input"}}, "seizes": {"n": 0}}
        | ["a spec has no key 'graphn'", "a spec has no key 'node'", "a spec has no key 'seizes'",
        "the size 'n' must be a whole number from 1 to 2**40, or free, not 0", "the spec is in
        version 2 of the language"]
    {"graphnn": 1, "nodes": {"x": {"op": "input"}}, "node": 3} | ["a spec has no key 'node'"]
    {"graphnn": True, "nodes": {"x": {"op": "input"}}}
        | ["'graphnn' must be the number 1, not true"]
    {"graphnn": 1.0, "nodes": {"x": {"op": "input"}}} | ["'graphnn' must be the number 1, not 1.0"]
    {"graphnn": 1, "nodes": {"x": {"op": "input"}}, "train": {"seed": 2**63}}
        | ["'seed' must be a whole number of at most 2**63 - 1, not 9223372036854775808"]
    {"graphnn": 1, "nodes": {"x": {"op": "input"}}, "examples": [{"outputs": {}, "rtol":
        float("nan"), "atol": 10 ** 400}]}
        | ["'atol' must be a number of at least 0, not 1000000000000000000000000000000000000...",
        "'rtol' must be a number of at least 0, not nan", "an example expects no output"]
    {"graphnn": 1, "nodes": {"x": {"op": "input"}}, "blocks": {}, "search": {}}
        | ["'search' names no setting to vary"]
""")
def test_faults(document, faults):
    assert sorted(built(document)[1]) == sorted(faults)


def test_every_bad_size_is_reported():
    text = "graphnn: 1\nsizes: {1a: 3, 2b: 4, good: 0}\nnodes: {x: {op: input, shape: [batch]}}"
    assert built(text)[1] == [
        "'1a' cannot be the name of a size",
        "'2b' cannot be the name of a size",
        "the size 'good' must be a whole number from 1 to 2**40, or free, not 0",
    ]


def test_what_follows_lines_that_lack_their_indent_is_read():
    text = "graphnn: 1\nnodes:\nx: {op: input, shape: [batch]}\ny: {op: relu, inputs: x}\n"
    text += "name: 3\nseed: 4"
    spec, found = built(text)
    assert list(spec.nodes) == ["x", "y"]
    assert found == [
        "'nodes' is empty, but what follows seems to belong to it",
        "'name' must be a text, not 3",
        "a spec has no key 'seed'",
    ]


def test_a_size_at_fault_hides_no_other():
    nodes = {"x": {"op": "input", "shape": [1]}}
    sizes = {"1st": 1, "2nd": 2, "good": 3, "3rd": 4, "batch": 5, "bad": "x"}
    _, messages = built({"graphnn": 1, "sizes": sizes, "nodes": nodes})
    assert [message.split("'")[1] for message in messages if "node" not in message] == [
        "1st",
        "2nd",
        "3rd",
        "batch",
        "bad",
    ]


def test_a_name_at_fault_hides_no_other_in_a_list():
    block = {"inputs": [[1], [2], "x"], "nodes": {"y": {"op": "relu", "inputs": "x"}}}
    _, messages = built({"graphnn": 1, "blocks": {"b": {**block, "outputs": ["y"]}}, "nodes": {}})
    assert sum("must be a name" in message for message in messages) == 2
