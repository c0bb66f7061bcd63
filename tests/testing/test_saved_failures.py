"""Networks of tests that fail: how they are printed, saved, and checked again."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import graphnn
from graphnn.testing import NetworkCase
from nested_pytest import run_pytest

CASE = NetworkCase(
    {
        "graphnn": 1,
        "nodes": {
            "x": {"op": "input", "shape": ["batch", 1]},
            "y": {"op": "affine", "inputs": "x", "weight": [[0.5]], "bias": False},
            "f": {"op": "sum", "inputs": "y"},
        },
    },
    {"x": np.array([[2.0]])},
)
PRINTED = """\
# spec.yaml
graphnn: 1

nodes:
  x: {op: input, shape: [batch, 1]}
  y: {op: affine, inputs: x, weight: [[0.5]], bias: false}
  f: {op: sum, inputs: y}
# graphnn gradcheck spec.yaml --input 'x=[[2.0]]'
"""
OP = """
from typing import Literal
from graphnn.ops import Op, data

class Cube(Op):
    op: Literal["cube"] = "cube"
    operands = (data("x", "..."),)
    batchwise = True

    def forward(self, x):
        return x**3

    def vjp(self, cotangent, output, x):
        return (2 * x**2 * cotangent,)
"""
TEST = """
import cube, graphnn
from hypothesis import Phase, assume, given, settings
from graphnn.testing import networks

@settings(database=None, derandomize=True, deadline=None, phases=[Phase.generate])
@given(networks(["cube"], nodes=2))
def test_gradients(case):
    network = case.network()
    assume(network.parameters)
    assert graphnn.check_gradients(network, case.inputs)
"""


def test_a_case_is_printed_as_a_file_with_the_command_that_checks_it():
    assert repr(CASE) == PRINTED
    assert graphnn.loads(repr(CASE)).run(CASE.inputs)["f"] == 1.0


@pytest.mark.slow
def test_a_failure_is_printed_saved_and_checked_again(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "cube.py").write_text(OP)
    (tmp_path / "test_cube.py").write_text(TEST)
    plugin = ("-p", "graphnn.testing.pytest_plugin")
    code, shown = run_pytest(*plugin, "--graphnn-save-failures", "failed", folder=tmp_path)
    assert code == 1
    folder = tmp_path / "failed" / "test_cube.py-test_gradients"
    assert f"saved: graphnn gradcheck {folder}\n" in shown
    text = (folder / "spec.yaml").read_text()
    assert "op: cube" in text
    assert all(f" {line}\n" in shown for line in text.splitlines())
    command = [sys.executable, "-m", "graphnn", "gradcheck", str(folder), "--import", "cube"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "wrong" in done.stdout
