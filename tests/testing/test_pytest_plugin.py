"""The pytest plugin, as a user runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from xml.etree import ElementTree

import pytest

from nested_pytest import ENVIRONMENT, run_pytest
from places import ROOT
from tables import cases

XOR = ROOT / "specs" / "gates" / "xor.yaml"
LINE = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 1]}
  y: {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [y, t]}
"""
PLANTED = """\
from graphnn.ops.families.linear import Affine

right = Affine.vjp
Affine.vjp = lambda *a, **k: tuple(c if c is None else 1.01 * c for c in right(*a, **k))
"""


@pytest.fixture
def run(tmp_path):
    """Pytest in a folder of specs: exit code and what it printed, without times."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def run(*arguments):
        code, shown = run_pytest("-p", "graphnn.testing.pytest_plugin", *arguments, folder=tmp_path)
        return code, re.sub(r" in [\d.]+s", "", shown)

    return run


def items(shown):
    return re.findall(r"^(?:\S+::.+?) (?:PASSED|FAILED|SKIPPED)", shown, re.M)


def test_each_spec_is_items_even_without_examples(run, tmp_path):
    (tmp_path / "specs").mkdir()
    shutil.copy(XOR, tmp_path / "specs" / "gate.yaml")
    (tmp_path / "specs" / "line.yaml").write_text(LINE)
    (tmp_path / "specs" / "other.yaml").write_text("no: spec\n")
    code, shown = run("-v", "-rs", "--graphnn", "specs")
    assert code == 0
    assert items(shown) == [
        "specs/gate.yaml::check PASSED",
        "specs/gate.yaml::the truth table PASSED",
        "specs/gate.yaml::what the first layer makes of it PASSED",
        "specs/gate.yaml::gradcheck SKIPPED",
        "specs/gate.yaml::roundtrip PASSED",
        "specs/gate.yaml::draw PASSED",
        "specs/line.yaml::check PASSED",
        "specs/line.yaml::gradcheck PASSED",
        "specs/line.yaml::roundtrip PASSED",
        "specs/line.yaml::draw PASSED",
    ]
    assert "the network has no loss" in shown


@pytest.mark.slow
def test_names_of_examples_are_on_one_line_and_each_is_there_once(run, tmp_path):
    abouts = ["check", "same", "same", "example 3: same", "example 6", None, "a\\nb\\t\\u0007"]
    written = [
        "  - {"
        + (f'about: "{about}", ' if about else "")
        + "inputs: {x: [[1, 2]]}, outputs: {x: [[1, 2]]}}\n"
        for about in abouts
    ]
    (tmp_path / "line.yaml").write_text(LINE + "examples:\n" + "".join(written))
    code, shown = run("-q", "--collect-only", "--graphnn", ".")
    assert code == 0
    assert [line.partition("::")[2] for line in shown.splitlines() if "::" in line] == [
        "check",
        "example 1: check",
        "same",
        "example 3: same",
        "example 4: example 3: same",
        "example 6",
        "example 6: example 6",
        r"a\nb\t\x07",
        "gradcheck",
        "roundtrip",
        "draw",
    ]
    assert "10 passed, 1 deselected" in run("--graphnn", ".", "--deselect", "line.yaml::check")[1]
    assert "1 passed" in run("line.yaml::example 1: check", "--graphnn", ".")[1]


@pytest.mark.slow
def test_names_of_examples_are_those_by_which_pytest_selects_them(run, tmp_path):
    abouts = {"a::b": "a:b", "::c:::": ":c:", "a:b": "example 3: a:b", "d [e::f]": "d [e:f]"}
    written = [
        f'  - {{about: "{about}", inputs: {{x: [[1, 2]]}}, outputs: {{x: [[1, 2]]}}}}\n'
        for about in abouts
    ]
    (tmp_path / "line.yaml").write_text(LINE + "examples:\n" + "".join(written))
    for name in abouts.values():
        code, shown = run("-v", f"line.yaml::{name}", "--graphnn", ".")
        assert code == 0
        assert f"line.yaml::{name} PASSED" in shown
        assert "1 passed" in shown


@pytest.mark.slow
def test_a_failure_is_headed_by_its_file(run, tmp_path):
    (tmp_path / "a.yaml").write_text("graphnn: 1\nnodes: {x: {op: inptu}}\n")
    assert re.search(r"^_+ check of a\.yaml _+$", run("--graphnn", ".")[1], re.M)


@cases(
    """
    ini= | given= | message
    "graphnn_specs = absent" | [] | graphnn_specs: there is no file or folder '{}'
    "" | ["--graphnn", "absent"] | --graphnn: there is no file or folder '{}'
    "" | ["--graphnn", ""] | --graphnn: no file or folder is named; write '.' for this one
    """
)
def test_a_folder_that_is_not_there_is_an_error(ini, given, message, tmp_path):
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
    command = [sys.executable, "-m", "pytest", "-p", "graphnn.testing.pytest_plugin", *given]
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert done.stderr.strip() == f"ERROR: {message.format(tmp_path.resolve() / 'absent')}"


def test_nothing_is_taken_unless_it_is_asked_for(run, tmp_path):
    shutil.copy(XOR, tmp_path / "gate.yaml")
    code, shown = run()
    assert (code, "no tests ran" in shown) == (5, True)


def test_the_plugin_costs_no_import_unless_it_is_asked_for(tmp_path):
    program = (
        "import sys, pytest\n"
        "pytest.main(['-q', '-p', 'graphnn.testing.pytest_plugin', '-p', 'no:cacheprovider'])\n"
        "print(sorted(name for name in sys.modules if name.startswith(('graphnn.', 'numpy'))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.splitlines()[-1]
    assert loaded == "['graphnn.testing', 'graphnn.testing.pytest_plugin']"


def test_a_broken_spec_and_an_example_that_does_not_hold_fail_alone_and_show_where(run, tmp_path):
    (tmp_path / "bad.yaml").write_text(XOR.read_text().replace("[1], [0]]}", "[1], [1]]}", 1))
    (tmp_path / "broken.yaml").write_text("graphnn: 1\nnodes: {x: {op: inptu}}\n")
    (tmp_path / "line.yaml").write_text(LINE)
    (tmp_path / "torn.json").write_text("{")
    code, shown = run("-v", "--graphnn", ".")
    assert code == 1
    assert [item for item in items(shown) if item.endswith("FAILED")] == [
        "bad.yaml::the truth table FAILED",
        "broken.yaml::check FAILED",
        "torn.json::check FAILED",
    ]
    assert "3 failed, 8 passed, 1 skipped" in shown
    assert (
        "error[wrong-output]: 'y' is [[0.0], [1.0], [1.0], [0.0]], "
        "not [[0.0], [1.0], [1.0], [1.0]]\n"
        f"   --> {tmp_path / 'bad.yaml'}:16:18\n"
        "    |\n"
        " 16 |     outputs: {y: [[0], [1], [1], [1]]}\n"
        "    |                  ^^^^^^^^^^^^^^^^^^^^ off by 1\n"
    ) in shown
    assert (
        "error[unknown-op]: there is no op 'inptu'\n"
        f"  --> {tmp_path / 'broken.yaml'}:2:17\n"
        "   |\n"
        " 2 | nodes: {x: {op: inptu}}\n"
        "   |                 ^^^^^\n"
        "   = help: did you mean 'input'?\n"
    ) in shown


@pytest.mark.slow
def test_a_wrong_backward_pass_fails_the_gradient_check(run, tmp_path):
    (tmp_path / "conftest.py").write_text(PLANTED)
    (tmp_path / "line.yaml").write_text(LINE)
    code, shown = run("--graphnn", ".")
    assert code == 1
    assert "FAILED line.yaml::gradcheck" in shown
    assert "3 entries in float64: 3 wrong backward\n  y.weight[" in shown


@pytest.mark.slow
def test_the_setting_takes_folders_for_good(run, tmp_path):
    (tmp_path / "specs").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "specs" / "line.yaml").write_text(LINE)
    (tmp_path / "tests" / "other.yaml").write_text(LINE)
    (tmp_path / "tests" / "test_one.py").write_text("def test_one(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\ngraphnn_specs = specs\ntestpaths = tests\n")
    assert "5 passed" in run()[1]
    assert "1 passed" in run("tests")[1]
    assert "4 passed" in run("specs")[1]
    assert "1 passed" in run("specs/line.yaml::roundtrip")[1]


@pytest.mark.slow
def test_options_of_pytest_work(run, tmp_path):
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.yaml").write_text("graphnn: 1\nnodes: {x: {op: inptu}}\n")
    (tmp_path / "specs" / "b.yaml").write_text(LINE)
    specs = ("--graphnn", "specs")
    assert "2 passed, 3 deselected" in run(*specs, "-k", "draw or roundtrip")[1]
    assert "1 failed" in run(*specs, "-x")[1]
    assert "passed" not in run(*specs, "-x")[1]
    code, shown = run(*specs, "-p", "xdist", "-n", "2")
    assert (code, "1 failed, 4 passed" in shown) == (1, True)
    run(*specs, "--junitxml", "report.xml")
    cases = ElementTree.parse(tmp_path / "report.xml").iter("testcase")
    assert [case.get("name") for case in cases] == [
        "check",
        "check",
        "gradcheck",
        "roundtrip",
        "draw",
    ]


@pytest.mark.slow
def test_the_last_failures_are_run_again(run, tmp_path):
    (tmp_path / "a.yaml").write_text("graphnn: 1\nnodes: {x: {op: inptu}}\n")
    (tmp_path / "b.yaml").write_text(LINE)
    again = ("--graphnn", ".", "-p", "cacheprovider")
    assert "1 failed, 4 passed" in run(*again)[1]
    assert "1 failed" in run(*again, "--lf")[1]
    assert "passed" not in run(*again, "--lf")[1]


@pytest.mark.slow
def test_ops_of_the_project_are_imported(run, tmp_path):
    (tmp_path / "twice.py").write_text(
        "from typing import Literal\nfrom graphnn.ops import Op, data\nclass Twice(Op):\n"
        '    op: Literal["twice"] = "twice"\n    operands = (data("x", "..."),)\n'
        "    def forward(self, x):\n        return 2 * x\n"
    )
    (tmp_path / "pyproject.toml").write_text('[tool.graphnn]\nimport = ["twice"]\n')
    (tmp_path / "a.yaml").write_text(
        "graphnn: 1\nnodes: {x: {op: input, shape: [2]}, y: {op: twice, inputs: x}}\n"
    )
    assert "3 passed, 1 skipped" in run("--graphnn", ".")[1]
    (tmp_path / "twice.py").write_text("1 / 0")
    code, shown = run("--graphnn", ".")
    assert (code, shown) == (4, "")


def test_pytest_finds_the_plugin_where_graphnn_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ((name, module),) = project["entry-points"]["pytest11"].items()
    assert name == module  # so that "-p" and the entry point load it once
    assert hasattr(import_module(module), "pytest_collect_file")
