"""``graphnn run``."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

SOFTMAX = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, weight: [[1, 0], [0, 1]]}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: {file: rows.npz, x: x, t: t}}
  metrics: {accuracy: [y, t]}
  batch_size: 2
"""
# With equal scores both classes have probability 1/2, so that the loss is log 2; with scores
# apart by log 3 they have 1/4 and 3/4.
ROWS = np.array([[0, 0], [0, 0], [0, math.log(3)]])


def classifier(**options: str) -> None:
    np.savez("rows.npz", x=ROWS, t=[0, 1, 1])
    np.savez("test.npz", x=ROWS[2:], t=[0])
    lines = "".join(f"  {key}: {value}\n" for key, value in options.items())
    Path("net.yaml").write_text(SOFTMAX + lines)


def test_outputs_for_numbers_on_the_command_line(call, line):
    assert (
        call("run", line, "--input", "x=[[1, 2], [3, 4]]").output
        == "a [2, 1]\n  [[0.5]\n   [2.5]]\n"
    )


def test_any_nodes_and_inputs_in_several_forms(call, line):
    np.savez("t.npz", t=[[1.5], [4.5]])
    call_it = ("run", line, "--output", "loss", "--output", "a", "--input", "x={zeros: [2, 2]}")
    result = call(*call_it, "--input", "t=t.npz")
    assert (result.code, result.err) == (0, "")
    # a = 0.5, so that the errors are (0.5 - 1.5)^2 and (0.5 - 4.5)^2.
    assert result.out == "loss [2]\n  [ 1. 16.]\na [2, 1]\n  [[0.5]\n   [0.5]]\n"


def test_inputs_of_a_file_that_may_hold_more(call, line):
    np.savez("all.npz", x=[[1, 2]], t=[[0]], other=[1])
    assert call("run", line, "--inputs", "all.npz").out == "a [1, 1]\n  [[0.5]]\n"
    result = call("run", line, "--inputs", "all.npz", "--input", "x=[[3, 4]]")
    assert result.out == "a [1, 1]\n  [[2.5]]\n"


@pytest.mark.parametrize("command", ["run", "grad", "gradcheck"])
def test_a_file_with_no_input_is_not_passed_over(call, line, command):
    np.savez("wrong.npz", X=[[1, 2]], T=[[0]])
    result = call(command, line, "--inputs", "wrong.npz")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error[unknown-input]: 'wrong.npz' has arrays for no input: X, T\n"
        "   = help: call them as the inputs are: x, t\n"
    )


def test_outputs_are_saved(call, line):
    result = call("run", line, "--input", "x=[[1, 2]]", "--save", "out.npz")
    assert (result.code, result.err) == (0, "wrote 'out.npz'\n")
    with np.load("out.npz") as saved:
        assert {name: saved[name].tolist() for name in saved} == {"a": [[0.5]]}


def test_other_weights(call, line):
    np.savez("w.npz", **{"a.bias": [10.5]})
    result = call("run", line, "--input", "x=[[1, 2]]", "--weights", "w.npz")
    assert result.out == "a [1, 1]\n  [[10.5]]\n"
    np.savez("w.npz", **{"b.bias": [10.5]})
    result = call("run", line, "--input", "x=[[1, 2]]", "--weights", "w.npz")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error[unknown-parameter]: ")
    assert result.err.endswith("\n   = help: did you mean 'a.bias'?\n")


def test_a_network_without_inputs(call, descent):
    assert call("run", descent).out == "f []\n  25.\n"


def test_a_missing_input_is_wrong_usage(call, line):
    assert call("run", line).usage_error == (
        "error[missing-input]: the input 'x' of shape [batch, 2] is missing\n"
        "   = help: give it by --input 'x=...'\n"
    )


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ("y=[1]", 2, "error[unknown-input]: the network has no input 'y'\n"),
        ("a=[1]", 2, "error[unknown-input]: the network has no input 'a'\n"),
        ("x", 2, "error[bad-option]: 'x' does not say what to set\n"),
        ("x=[[1, 2]", 2, "error["),
        ("x=[[1, 2], [3]]", 2, "error[ragged-array]: 'x' has a row of 1 "),
        ("x=[[1, a]]", 2, "error[not-numbers]: 'x' must hold numbers, not 'a'\n"),
        ("x=[[1, 2, 3]]", 2, "error[wrong-shape]: 'x' is given in shape [1, 3]"),
        ("x=true", 2, "error[bad-array]: 'x' must be numbers, "),
        ("x=no.npz", 1, "error[no-such-file]: there is no file 'no.npz'\n"),
        ("x=word", 1, "error[unknown-format]: 'word' is neither .npz nor .safetensors\n"),
        ("t=[[1]]", 2, "error[missing-input]: the input 'x' of shape [batch, 2] is missing\n"),
    ],
)
def test_an_input_that_cannot_be_taken(call, line, value, code, message):
    result = call("run", line, "--input", value)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(message)


def test_an_input_is_shown_with_its_fault(call, line):
    result = call("run", line, "--input", "x=[[1, .inf]]")
    assert result.code == 2
    assert result.err == (
        "error[non-finite-number]: '.inf' is not a finite number\n"
        "  --> --input:1:9\n"
        "   |\n"
        " 1 | x: [[1, .inf]]\n"
        "   |         ^^^^\n"
        "   = help: every number of a spec must be finite\n"
    )


def test_an_output_that_is_not_there(call, line):
    assert call("run", line, "--input", "x=[[1, 2]]", "--output", "b").usage_error.startswith(
        "error[unknown-node]: there is no node 'b'\n"
    )


def test_a_result_that_is_not_finite(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes: {x: {op: input, shape: [2]}, y: {op: log, inputs: x}}\n"
    )
    assert call("run", "net.yaml", "--input", "x=[1, -1]").error == (
        "error[not-finite]: the result is not finite: 'y' (log) is the first to give NaN at [1]\n"
    )


def test_the_test_rows_are_measured_in_batches(call):
    classifier(test="{npz: {file: test.npz, x: x, t: t}}")
    assert call("run", "net.yaml").output == (
        "1 test row in batches of 2\nloss      1.3863\naccuracy  0.0000\n"  # -log(1/4)
    )


def test_without_test_rows_others_are_measured_and_named(call):
    classifier()
    result = call("run", "net.yaml")
    loss = (2 * math.log(2) - math.log(3 / 4)) / 3
    assert result.out == (
        f"3 training rows in batches of 2\nloss      {loss:.4f}\naccuracy  0.6667\n"
    )
    classifier(validation="1")
    assert call("run", "net.yaml").out.startswith("1 validation row in batches of 2\n")


def test_values_on_the_rows_that_are_measured(call):
    classifier()
    result = call("run", "net.yaml", "--output", "y", "--save", "y.npz")
    assert (result.code, result.err) == (0, "wrote 'y.npz'\n")
    assert result.out.endswith("\ny [3, 2]\n  [[0.5  0.5 ]\n   [0.5  0.5 ]\n   [0.25 0.75]]\n")
    with np.load("y.npz") as saved:
        np.testing.assert_allclose(saved["y"], [[0.5, 0.5], [0.5, 0.5], [0.25, 0.75]])


def test_a_metric_that_reads_too_little(call):
    classifier()
    Path("net.yaml").write_text(SOFTMAX.replace("accuracy: [y, t]", "accuracy: y"))
    assert call("run", "net.yaml").error.startswith(
        "error[wrong-inputs]: accuracy reads 2 nodes, but is given 1\n   --> net.yaml:10:13\n"
    )
