"""Examples: read from a spec, run, and compared with what the network gives."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import graphnn
from graphnn.diagnostics import SpecError
from graphnn.execution import diagnose_examples, run_examples
from graphnn.execution._examples import read_example
from tables import cases

# y = softmax(x); with scores 0 and log 3 the probabilities are 1/4 and 3/4.
LOG3 = math.log(3)
NETWORK = """\
graphnn: 1
sizes: {n: 2, time: free}
nodes:
  x: {op: input, shape: [batch, n]}
  k: {op: input, shape: [time], dtype: int}
  y: {op: softmax, inputs: x}
  s: {op: sum, inputs: x}
outputs: [y, s, k]
examples:
"""


def network(examples: str, folder: Path | str = "."):
    return graphnn.loads(NETWORK + examples, folder=folder)


def one(examples: str, folder: Path | str = "."):
    (result,) = run_examples(network(examples, folder))
    return result


def faults(net):
    return diagnose_examples(net.graph)


def reported(examples: str) -> str:
    """The one fault of one example, checked to be found before the example is run too."""
    net = network(examples)
    (result,) = run_examples(net)
    (fault,) = result.diagnostics
    assert faults(net) == (fault,)
    assert not result.ok
    return str(fault)


@pytest.mark.parametrize(
    "example",
    [
        f"inputs: {{x: [[0, {LOG3}], [0, 0]]}}, outputs: {{y: [[0.25, 0.75], [0.5, 0.5]]}}",
        f"inputs: {{x: [[0, {LOG3}]]}}, outputs: {{s: {LOG3}}}",
        "inputs: {x: {zeros: [3, n]}}, outputs: {s: 0, y: {sum: 1}}",
        "inputs: {x: {ones: [3, 2 * 1]}}, outputs: {s: 6, y: {sum: [1, 1, 1], argmax: 0}}",
        "inputs: {x: [[1, 2], [2, 1], [3, 4]]}, outputs: {y: {argmax: [1, 0, 1]}}",
        "inputs: {k: [1, 2, 3]}, outputs: {k: [1, 2, 3]}",
        "inputs: {k: {ones: [4]}}, outputs: {k: {ones: [4]}}",
        "inputs: {x: [[1, 1]], k: [7]}, outputs: {s: 2}",  # more inputs than are needed
        "inputs: {x: [[1, 1]]}, outputs: {s: 2.5}, atol: 0.5",
        "inputs: {x: [[1, 1]]}, outputs: {s: 2.5}, rtol: 0.2",
    ],
)
def test_examples_that_hold(example):
    result = one(f"  - {{{example}}}\n")
    assert result.ok
    assert result
    assert str(result) == "example 1: ok"


@pytest.mark.parametrize(
    "example",
    [
        "inputs: {x: [[1, 1]]}, outputs: {s: 2.5}, atol: 0.49",
        "inputs: {x: [[1, 1]]}, outputs: {s: 2.5}, rtol: 0.19",
        "inputs: {x: [[1, 1]]}, outputs: {s: 2.000001}",
        "inputs: {x: [[1, 1]]}, outputs: {s: 0}, rtol: 100",  # relative to the expected value
    ],
)
def test_tolerances_are_kept(example):
    result = one(f"  - {{{example}}}\n")
    assert not result.ok
    assert not result


def test_the_largest_difference_is_reported_whether_or_not_it_is_allowed():
    example = "  - {inputs: {x: [[1, 1]]}, outputs: {s: 2.25, y: [[0.5, 0.375]]}, atol: %s}\n"
    assert one(example % 0.3).difference == 0.25
    assert one(example % 0.2).difference == 0.25
    assert one("  - {inputs: {x: [[1, 1]]}, outputs: {y: {argmax: 1}}}\n").difference == 1


def test_a_spec_without_examples():
    net = graphnn.loads("graphnn: 1\nnodes: {x: {op: input, shape: []}}\n")
    assert run_examples(net) == ()
    assert faults(net) == ()


def test_results_are_numbered_and_placed():
    results = run_examples(
        network(
            "  - {about: first, inputs: {x: [[1, 1]]}, outputs: {s: 2}}\n"
            "  - {inputs: {x: [[1, 1]]}, outputs: {s: 3}}\n"
        )
    )
    assert [(r.number, r.about, r.ok) for r in results] == [(1, "first", True), (2, "", False)]
    assert [(r.span.line, r.span.column) for r in results] == [(10, 5), (11, 5)]


def test_a_wrong_value():
    result = one("  - {inputs: {x: [[1, 1]]}, outputs: {s: 3}}\n")
    assert str(result) == (
        "example 1: FAILED\n"
        "error[wrong-output]: 's' is 2.0, not 3.0\n"
        "   --> <text>:10:42\n"
        "    |\n"
        " 10 |   - {inputs: {x: [[1, 1]]}, outputs: {s: 3}}\n"
        "    |                                          ^ off by 1"
    )


def test_a_wrong_entry():
    result = one(
        f"  - {{inputs: {{x: [[0, 0], [0, {LOG3}]]}}, outputs: {{y: [[0.5, 0.5], [0.25, 1]]}}}}\n"
    )
    (fault,) = result.diagnostics
    assert fault.message.startswith("'y' is [[0.5, 0.5], [0.2")
    assert fault.message.endswith("]], not [[0.5, 0.5], [0.25, 1.0]]")
    assert fault.label == "off by 0.25"
    (note,) = fault.notes
    assert note.text.startswith("1 of 4 entries are off; the worst, at [1, 1], is 0.7")
    assert note.text.endswith(", not 1.0 give or take 1.01e-07")


def test_wrong_properties():
    result = one("  - {inputs: {x: [[1, 2], [2, 1]]}, outputs: {y: {sum: 2, argmax: [1, 1]}}}\n")
    first, second = result.diagnostics
    assert first.message == "the sum of 'y' along its last axis is [1.0, 1.0], not 2.0"
    assert first.label == "off by 1"
    assert second.message == "the argmax of 'y' is [1, 0], not [1, 1]"
    assert second.label == ""
    assert [n.text for n in second.notes] == [
        "1 of 2 entries are off; the worst, at [1], is 0, not 1"
    ]


def test_a_large_value_is_shown_in_part():
    result = one(
        "  - {inputs: {k: [1, 2, 3, 4, 5, 6, 7, 8]}, outputs: {k: [1, 2, 3, 4, 5, 6, 7, 9]}}\n"
    )
    assert result.diagnostics[0].message == "'k' is [1, 2, ..., 7, 8], not [1, 2, ..., 7, 9]"


def test_a_value_of_another_shape():
    result = one("  - {inputs: {x: [[1, 2]]}, outputs: {y: [[1, 0], [0, 1]], s: 3}}\n")
    (fault,) = result.diagnostics
    assert fault.message == "'y' has shape [1, 2], not [2, 2]"
    assert result.difference == math.inf


def test_a_property_of_another_shape():
    result = one("  - {inputs: {x: [[1, 2]]}, outputs: {y: {argmax: [1, 1]}}}\n")
    (fault,) = result.diagnostics
    assert fault.message == "the argmax of 'y' has shape [1], not [2]"


def test_differences_that_overflow():
    result = one("  - {inputs: {k: [1]}, outputs: {k: [1]}}\n")
    assert result.ok
    net = graphnn.loads(
        "graphnn: 1\nnodes: {x: {op: input, shape: [2]}}\n"
        "examples: [{inputs: {x: [1.0e+308, 1.0e+308]}, outputs: {x: {sum: -1.0e+308}}}]\n"
    )
    (result,) = run_examples(net)
    assert result.difference == math.inf
    assert result.diagnostics[0].label == "off by inf"


def test_a_run_that_fails_is_placed_at_its_example():
    net = graphnn.loads(
        "graphnn: 1\nnodes: {x: {op: input, shape: [1]}, y: {op: log, inputs: x}}\n"
        "examples:\n  - {inputs: {x: [0]}, outputs: {y: [0]}}\n"
    )
    assert faults(net) == ()
    (result,) = run_examples(net)
    (fault,) = result.diagnostics
    assert fault.code == "not-finite"
    assert str(fault.span) == "<text>:4:5"


@pytest.mark.parametrize(
    ("rows", "help"), [(1, "for one value along '1', put it in brackets: [[5, 6]]"), (2, "")]
)
def test_brackets_are_proposed_where_they_would_fit(rows, help):
    fault = diagnose_of(f"""
graphnn: 1
nodes: {{x: {{op: input, shape: [{rows}, 2]}}}}
outputs: [x]
examples: [{{inputs: {{x: [5, 6]}}, outputs: {{x: {{ones: [{rows}, 2]}}}}}}]
""")
    assert fault.message == f"'x' is given in shape [2], but it has [{rows}, 2]"
    assert fault.help == help


def diagnose_of(text):
    """The one error of a text."""
    (fault,) = [each for each in graphnn.diagnose_text(text) if each.severity == "error"]
    return fault


def test_examples_see_the_parameters_as_they_are():
    net = graphnn.loads(
        "graphnn: 1\nnodes: {p: {op: parameter, value: [1, 2]}}\n"
        "examples: [{outputs: {p: [1, 2]}}]\n"
    )
    assert run_examples(net)[0].ok
    net.parameters["p.value"][0] = 5
    assert not run_examples(net)[0].ok


@cases("""
    example | message | help
    inputs: {x: [[1, 2, 3]]}, outputs: {s: 3} | 'x' is given in shape [1, 3], but it has [batch, 2]
        |
    inputs: {x: [1, 2]}, outputs: {s: 3} | 'x' is given in shape [2], but it has [batch, 2]
        | for one value along 'batch', put it in brackets: [[1, 2]]
    inputs: {x: [[1, 2]]}, outputs: {y: 3} | 'y' is given in shape [], but it has [batch, 2] |
    inputs: {k: []}, outputs: {k: [1]} | 'k' is given in shape [0], but it has [time] |
    inputs: {k: [1.5]}, outputs: {k: [1]} | 'k' must hold whole numbers, not 1.5 |
    inputs: {x: word}, outputs: {s: 3}
        | 'x' must be numbers, {zeros: SHAPE}, {ones: SHAPE} or {file: NAME, key: NAME}, not 'word'
        |
    inputs: {x: {zeros: [1, 2], ones: [1, 2]}}, outputs: {s: 3}
        | 'x' must be numbers, {zeros: SHAPE}, {ones: SHAPE} or {file: NAME, key: NAME}, not a
        mapping
        |
    inputs: {x: {zeros: 3}}, outputs: {s: 3} | a shape is a list of sizes such as [1, 3], not 3 |
    inputs: {x: {zeros: [1, m]}}, outputs: {s: 3} | there is no size 'm' |
    inputs: {x: {zeros: [1, tme]}}, outputs: {s: 3} | there is no size 'tme' | did you mean 'time'?
    inputs: {x: {zeros: [batch, 2]}}, outputs: {s: 3} | 'batch' is free, so it has no value here
        | an example says how many there are: write a number
    inputs: {x: {zeros: [1, 2 +]}}, outputs: {s: 3} | a number or a name is missing at the end |
    inputs: {x: {zeros: [0, 2]}}, outputs: {s: 3}
        | a size is a whole number of at least 1, or a name, not 0 |
    inputs: {x: {zeros: [1.5, 2]}}, outputs: {s: 3}
        | a size is a whole number of at least 1, or a name, not 1.5 |
    inputs: {x: {zeros: [true, 2]}}, outputs: {s: 3}
        | a size is a whole number of at least 1, or a name, not true |
    inputs: {x: {zeros: [1000000000, 2]}}, outputs: {s: 3}
        | an array of shape [1000000000, 2] has more than 16,777,216 entries |
    inputs: {x: {file: 3}}, outputs: {s: 3} | 'x' must be {file: NAME, key: NAME}, not a mapping |
    inputs: {x: {file: x.npz, kee: w}}, outputs: {s: 3}
        | 'x' must be {file: NAME, key: NAME}, not a mapping |
    inputs: {x: {file: ../x.npz}}, outputs: {s: 3}
        | '../x.npz' lies outside the folder of the spec that names it
        | put the file beside the spec, or in a folder below it
    outputs: {s: 3} | an example does not give 'x' of shape [batch, 2]
        | list it under 'inputs', to compute s
    inputs: {x: [[1, 1]]}, outputs: {s: {sum: 1}} | 's' is a single number: it has no axis for 'sum'
        |
    inputs: {x: [[1, 1]]}, outputs: {y: {sum: a}}
        | the sum of 'y' along its last axis must hold numbers, not 'a' |
    inputs: {x: [[1, 1]]}, outputs: {y: {argmax: [0.5]}}
        | the argmax of 'y' must hold whole numbers, not 0.5 |
    inputs: {x: [[1, 1]]}, outputs: {y: {sum: [[1, 1]]}}
        | the sum of 'y' along its last axis has shape [batch], not [1, 2] |
    inputs: {x: [[1, 1]]}, outputs: {y: {mean: 1}}
        | 'y' must be numbers, {zeros: SHAPE}, {ones: SHAPE}, {file: NAME, key: NAME}, {sum:
        NUMBERS} or {argmax: NUMBERS}, not a mapping
        |
""")
def test_an_example_that_cannot_be_read(example, message, help):
    lines = reported(f"  - {{{example}}}\n").splitlines()
    assert lines[0].partition("]: ")[2] == message
    assert lines[1].startswith("   --> <text>:10:")
    assert [line for line in lines if "= help" in line] == ([f"    = help: {help}"] if help else [])


@pytest.mark.parametrize(
    ("given", "expected", "message", "label"),
    [
        (2**62, [-(2**62)], f"'y' is [{2**62}], not [{-(2**62)}]", "off by 9.22337e+18"),
        (1 - 2**63, [2**63 - 1], f"'y' is [{1 - 2**63}], not [{2**63 - 1}]", "off by 1.84467e+19"),
        (2**63 - 1, [-1], f"'y' is [{2**63 - 1}], not [-1]", "off by 9.22337e+18"),
        (
            2**63 - 1,
            {"sum": -2.0},
            "the sum of 'y' along its last axis is 1.8446744073709552e+19, not -2.0",
            "off by 1.84467e+19",
        ),
    ],
)
def test_whole_numbers_do_not_wrap_around(given, expected, message, label):
    shape = [2] if "sum" in expected else [1]
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "x": {"op": "input", "shape": shape, "dtype": "int"},
                "y": {"op": "reshape", "inputs": "x", "shape": shape},
            },
            "examples": [{"inputs": {"x": [given] * shape[0]}, "outputs": {"y": expected}}],
        }
    )
    (result,) = run_examples(net)
    assert [(found.message, found.label) for found in result.diagnostics] == [(message, label)]


def test_all_faults_of_all_examples_at_once_by_place():
    net = network(
        "  - {inputs: {x: [[1]], k: word}, outputs: {y: [], s: {argmax: 1, sum: 1}}}\n"
        "  - {outputs: {k: [1]}}\n"
    )
    places = [(f.span.line, f.span.column) for f in faults(net)]
    assert places == [(10, 18), (10, 28), (10, 48), (10, 56), (10, 67), (11, 5)]
    with pytest.raises(SpecError) as caught:
        read_example(net, net.graph.spec.examples[0])
    assert len(caught.value.diagnostics) == 5
    first, second = run_examples(net)
    assert (len(first.diagnostics), len(second.diagnostics)) == (5, 1)


def test_a_size_at_fault_is_not_said_to_be_free():
    text = NETWORK.replace("time: free", "time: many")
    (found,) = graphnn.diagnose_text(
        text + "  - {inputs: {x: {zeros: [time, n]}}, outputs: {s: 0}}"
    )
    assert (
        found.message
        == "the size 'time' must be a whole number from 1 to 2**40, or free, not 'many'"
    )


def test_arrays_of_files(tmp_path):
    np.savez(tmp_path / "x.npz", x=[[1.0, 2.0]], other=[[3.0, 4.0]])
    (tmp_path / "data").mkdir()
    save_file({"s": np.array(7.0)}, tmp_path / "data" / "s.safetensors")
    assert one("  - {inputs: {x: {file: x.npz}}, outputs: {s: 3}}\n", tmp_path).ok
    example = (
        "  - {inputs: {x: {file: x.npz, key: other}}, outputs: {s: {file: data/s.safetensors}}}\n"
    )
    assert one(example, tmp_path).ok
    result = one("  - {inputs: {x: {file: x.npz, key: othr}}, outputs: {s: 3}}\n", tmp_path)
    (fault,) = result.diagnostics
    assert fault.message == "'x.npz' has no array 'othr'"
    assert fault.help == "did you mean 'other'?"
    assert (fault.span.line, fault.span.column) == (10, 37)


@pytest.mark.parametrize(("number", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_nothing_agrees_with_a_number_of_a_file_that_is_not_finite(tmp_path, number, shown):
    np.savez(tmp_path / "s.npz", s=number)
    result = one("  - {inputs: {x: [[1, 1]]}, outputs: {s: {file: s.npz}}}\n", tmp_path)
    (fault,) = result.diagnostics
    assert (fault.message, fault.label) == (f"'s' is 2.0, not {shown}", "off by inf")


def test_a_tolerance_that_overflows():
    assert one("  - {inputs: {x: [[1, 1]]}, outputs: {s: 3}, rtol: 1e308}\n").ok


def test_an_example_as_arrays():
    net = network("  - {inputs: {x: {zeros: [1, n]}, k: [1]}, outputs: {y: {argmax: 0}, s: 0}}\n")
    example = read_example(net, net.graph.spec.examples[0])
    assert {name: array.tolist() for name, array in example.inputs.items()} == {"x": [[0.0, 0.0]]}
    assert [(e.output, e.property, e.value.tolist()) for e in example.expectations] == [
        ("y", "argmax", 0),
        ("s", "", 0.0),
    ]
