"""Faults of a graph that the folder of bad specs does not show: limits, many at once, no places."""

from __future__ import annotations

import pytest

import graphnn
from graphnn import graph
from graphnn.diagnostics import Findings, SpecError
from graphnn.spec import build, reader
from growth import assert_linear

X = {"op": "input", "shape": ["batch", 3]}


def faults(document):
    with pytest.raises(SpecError) as caught:
        graphnn.loads(document)
    return caught.value.diagnostics


def test_faults_of_a_dict_have_no_place():
    (found,) = faults({"graphnn": 1, "nodes": {"x": X, "y": {"op": "relu", "inputs": "X"}}})
    assert str(found) == (
        "error[unknown-node]: there is no node 'X'\n   = help: did you mean 'x'?\n"
    )


@pytest.mark.parametrize(
    "examples",
    [
        "[{inputs: {x: {ones: [1, 2]}}, outputs: {NAME: 1}}]",
        "[{properties: {monotone: {input: x, output: NAME}}}]",
        "[{properties: {causal: {input: NAME, output: x, axis: 0}}}]",
    ],
)
def test_a_node_at_fault_is_not_called_missing(examples):
    text = (
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  y: {op: gone, inputs: x}\n"
        "examples: "
    )
    there = graphnn.diagnose_text(text + examples.replace("NAME", "y"))
    assert [each.message for each in there] == ["there is no op 'gone'"]
    missing = graphnn.diagnose_text(text + examples.replace("NAME", "z"))
    assert {each.message for each in missing} == {"there is no op 'gone'", "there is no node 'z'"}


def test_too_many_nodes(monkeypatch):
    monkeypatch.setattr("graphnn.spec._nodes.MAX_NODES", 3)
    nodes = {f"n{number}": X for number in range(4)}
    (found,) = faults({"graphnn": 1, "nodes": nodes, "outputs": ["n0"]})
    assert found.code == "too-many-nodes"
    assert found.message == "the spec has 4 nodes, more than 3"
    assert len(graphnn.loads({"graphnn": 1, "nodes": {"a": X, "b": X, "c": X}}).graph.nodes) == 3


def test_nearest_names_are_looked_for_a_limited_number_of_times():
    def reported(count):
        nodes = {f"n{n}": {"op": "add", "inputs": [f"N{n}", "gone"]} for n in range(count)}
        return faults({"graphnn": 1, "nodes": {"x": X, **nodes}})

    found = assert_linear(reported, 3000)
    assert [d.code for d in found] == ["unknown-node"] * 100 + ["too-many-faults"]
    assert found[-1].message == "checking stopped after 100 faults"
    assert found[0].message == "there is no node 'N0'"
    assert found[0].help == "did you mean 'n0'?"
    assert [d.help for d in found if d.message == "there is no node 'gone'"] == [""] * 50
    helped = [d for d in found if d.help]
    assert 0 < len(helped) < 50


@pytest.mark.slow
def test_nearest_parameters_are_looked_for_a_limited_number_of_times():
    def reported(count):
        names = {f"p{n}": {"share": f"P{n + 1}.value"} for n in range(count)}
        nodes = {name: {"op": "parameter", "value": value} for name, value in names.items()}
        return faults({"graphnn": 1, "nodes": nodes})

    found = assert_linear(reported, 2000)
    assert [d.code for d in found] == ["unknown-parameter"] * 100 + ["too-many-faults"]
    assert found[0].help == "did you mean 'p1.value'?"
    assert found[-2].help == "name it as NODE.PARAMETER, such as a1.weight"


def test_what_was_found_before_is_raised_with_the_rest():
    findings = Findings()
    document = reader.read("graphnn: 3\nnodes: {y: {op: relu, inputs: [z]}}\n")
    spec = build.build(document, None, findings)
    assert [found.code for found in findings.errors] == ["unknown-version"]
    with pytest.raises(SpecError) as caught:
        graph.build(spec, findings)
    assert [found.code for found in caught.value.diagnostics] == ["unknown-version", "unknown-node"]
    with pytest.raises(SpecError) as caught:
        graph.build(spec)
    assert [found.code for found in caught.value.diagnostics] == ["unknown-node"]


def test_an_op_that_is_at_fault_in_every_way():
    (*found,) = faults("""
graphnn: 1
sizes: {units: many}
nodes:
  x: {op: input, shape: [batch, 3]}
  y: {op: affine, inputs: [x, gone], units: units, weight: hee, bias: [1, two], unit: 3, about: 1}
  z: {op: relu, inputs: y}
""")
    assert [(d.span.line, d.span.column, d.message) for d in found] == [
        (3, 16, "the size 'units' must be a whole number from 1 to 2**40, or free, not 'many'"),
        (6, 27, "affine takes 1 input (x), but 'y' has 2"),
        (6, 31, "there is no node 'gone'"),
        (6, 60, "there is no initializer 'hee' for 'y.weight'"),
        (6, 75, "'y.bias' must hold numbers, not 'two'"),
        (6, 81, "affine has no attribute or parameter 'unit'"),
        (6, 97, "'about' must be a text, not 1"),
    ]


def test_long_values_are_shown_by_their_start():
    (found,) = faults({"graphnn": 1, "nodes": {"x": X}, "dtype": "d" * 100})
    assert found.message == f"'dtype' must be float64 or float32, not '{'d' * 37}...'"


def test_values_that_are_wider_than_memory():
    nodes = {
        "p": {"op": "parameter", "shape": [100_000, 1]},
        "q": {"op": "parameter", "shape": [100_000]},
        "y": {"op": "add", "inputs": ["p", "q"]},
        "z": {"op": "relu", "inputs": "y"},
    }
    (found,) = faults({"graphnn": 1, "nodes": nodes})
    message = "'y' would have shape [100000, 100000], more than 1,073,741,824 entries"
    assert (found.code, found.message) == ("too-large", message)


def test_whole_numbers_where_real_ones_belong():
    (found,) = faults(
        {
            "graphnn": 1,
            "nodes": {
                "c": {"op": "constant", "value": [1, 2], "dtype": "int"},
                "d": {"op": "concat", "inputs": ["c", "c"]},
                "y": {"op": "sigmoid", "inputs": "d"},
            },
        }
    )[:1]
    assert found.code == "wrong-kind"
    assert found.message == "sigmoid takes real numbers, but 'd' holds whole numbers"
    assert [note.text for note in found.notes] == ["'d' is concat of 'c', 'c': [4]"]
    assert found.help == ""


def test_whole_numbers_where_the_owner_of_a_parameter_is_at_fault():
    nodes = {
        "x": X,
        "c": {"op": "constant", "value": [1, 2], "dtype": "int"},
        "a": {"op": "affine", "inputs": "x", "units": -2},
        "b": {"op": "affine", "inputs": "c", "units": 2, "weight": {"share": "a.weight"}},
    }
    assert [found.message for found in faults({"graphnn": 1, "nodes": nodes})] == [
        "the 'units' of 'a': a size must be between 1 and 2**40, not -2",
        "affine takes real numbers, but 'c' holds whole numbers",
    ]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            ["batch", 2**20],
            "'{}.weight' would have shape [1048576, 512], more than 268,435,456 entries",
        ),
        ([4, "batch"], "'{}.weight' would have shape [batch, 512], but 'batch' is free"),
        ([2**22, 4], "'{}' would have shape [4194304, 512], more than 1,073,741,824 entries"),
    ],
)
def test_each_of_nodes_that_say_the_same_is_reported(shape, message):
    affine = {"op": "affine", "inputs": "x", "units": 512}
    nodes = {"x": {"op": "input", "shape": shape}, "a": affine, "b": affine}
    found = faults({"graphnn": 1, "nodes": nodes})
    assert [each.message for each in found] == [message.format("a"), message.format("b")]


LSTM = {"op": "lstm", "units": 4}


@pytest.mark.parametrize(
    ("sound", "like", "message"),
    [
        (
            {"op": "sigmoid", "inputs": "r"},
            {"op": "sigmoid", "inputs": "i"},
            "sigmoid takes real numbers, but 'i' holds whole numbers",
        ),
        (
            {"op": "affine", "inputs": "r", "units": 4},
            {"op": "affine", "inputs": "r", "units": 4, "weight": [[1, 2]]},
            "shapes do not fit at 'like': 'weight' has shape [1, 2], but its 'n' must be 3, not 1",
        ),
        (
            {**LSTM, "inputs": {"x": "x", "state": "s"}},
            {**LSTM, "inputs": ["x", "s"]},
            "lstm takes whole numbers, but 's' holds real numbers",
        ),
    ],
)
def test_one_that_differs_from_a_sound_node_in_one_thing(sound, like, message):
    nodes = {
        "r": {"op": "input", "shape": ["batch", 3]},
        "i": {"op": "input", "shape": ["batch", 3], "dtype": "int"},
        "x": {"op": "input", "shape": ["batch", 5, 2]},
        "s": {"op": "input", "shape": ["batch", 8]},
        "sound": sound,
    }
    assert graphnn.loads({"graphnn": 1, "nodes": nodes})
    (found,) = faults({"graphnn": 1, "nodes": {**nodes, "like": like}})
    assert found.message == message


def test_notes_of_many_inputs_stay_short():
    nodes = {f"x{n}": {"op": "input", "shape": ["batch", n + 1]} for n in range(6)}
    nodes["y"] = {"op": "concat", "inputs": list(nodes), "axis": 0}
    nodes["z"] = {"op": "concat", "inputs": [f"x{n}" for n in range(6)]}
    nodes["w"] = {"op": "affine", "inputs": "z", "units": 2, "weight": [[1, 2]]}
    first, second = faults({"graphnn": 1, "nodes": nodes})
    assert [note.text for note in first.notes] == [
        "'x0' is input: [batch, 1]",
        "'x1' is input: [batch, 2]",
        "'x2' is input: [batch, 3]",
        "'x3' is input: [batch, 4]",
    ]
    assert [note.text for note in second.notes] == [
        "'x' is 'z', concat of 'x0', 'x1', 'x2', ...: [batch, 21]"
    ]


def test_a_missing_flatten_is_one_only_where_the_rows_are_flat():
    nodes = {
        "x": {"op": "input", "shape": ["batch", 5, 3]},
        "t": {"op": "input", "shape": ["batch", 5], "dtype": "int"},
        "a": {"op": "affine", "inputs": "x", "units": 4},
        "loss": {"op": "cross_entropy", "inputs": ["a", "t"]},
    }
    # One class a place of the sequence: nothing is to be flattened.
    graphnn.loads({"graphnn": 1, "nodes": nodes})
    nodes["t"]["shape"] = ["batch"]
    (found,) = faults({"graphnn": 1, "nodes": nodes})
    assert found.message.startswith("'a' maps only the last axis of 'x'")
    assert found.help == "put a node {op: flatten, inputs: x} between the two"
    # What is flattened later is no fault of 'a'.
    nodes["f"] = {"op": "flatten", "inputs": "a"}
    nodes["loss"]["inputs"] = ["f", "t"]
    del nodes["t"]["dtype"]
    (found,) = faults({"graphnn": 1, "nodes": nodes})
    assert found.message.startswith("shapes do not fit at 'loss': 'target' has shape [batch]")
    # Rows of a matrix each are not flat either.
    nodes["t"]["shape"] = ["batch", 6, 4]
    nodes["loss"] = {"op": "mean_squared_error", "inputs": ["a", "t"]}
    (found,) = faults({"graphnn": 1, "nodes": nodes})
    assert found.message.startswith("shapes do not fit at 'loss': ")
