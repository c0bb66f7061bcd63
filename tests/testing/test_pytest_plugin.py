"""The pytest plugin, as a user runs it."""

from __future__ import annotations

import re
import shutil

import pytest

from nested_pytest import run_pytest
from places import ROOT

XOR = ROOT / "specs" / "gates" / "xor.yaml"


@pytest.fixture
def run(tmp_path):
    """Pytest in a folder of specs: exit code and what it printed, without times."""

    def run(*arguments):
        code, told = run_pytest("-p", "graphnn.testing.pytest_plugin", *arguments, folder=tmp_path)
        return code, re.sub(r" in [\d.]+s", "", told)

    return run


def test_examples_that_hold_pass_and_one_that_does_not_shows_where(run, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    shutil.copy(XOR, tmp_path / "good.yaml")
    (tmp_path / "bad.yaml").write_text(XOR.read_text().replace("[1], [0]]}", "[1], [1]]}", 1))
    (tmp_path / "other.yaml").write_text("no: spec\n")
    code, told = run()
    assert code == 1
    assert "1 failed, 3 passed" in told
    assert (
        "error[wrong-output]: 'y' is [[0.0], [1.0], [1.0], [0.0]], "
        "not [[0.0], [1.0], [1.0], [1.0]]\n"
        f"   --> {tmp_path / 'bad.yaml'}:16:18\n"
        "    |\n"
        " 16 |     outputs: {y: [[0], [1], [1], [1]]}\n"
        "    |                  ^^^^^^^^^^^^^^^^^^^^ off by 1\n"
    ) in told
    assert "FAILED bad.yaml::the truth table" in told


def test_a_file_with_errors_is_an_error_and_one_that_is_no_spec_is_left_alone(run, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "broken.yaml").write_text("graphnn: 1\nnodes: {x: {op: inptu}}\n")
    (tmp_path / "compose.yml").write_text("services: {}\n")
    (tmp_path / "torn.json").write_text("{")
    code, told = run()
    assert code == 2
    assert "error[unknown-op]: there is no op 'inptu'\n" in told
    assert "ERROR broken.yaml" in told
    assert "torn.json" not in told
    code, told = run("torn.json")
    assert code == 2
    assert "ERROR torn.json" in told
