"""Ops of the user's own on the command line: ``--import``, pyproject.toml, installed packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphnn.cli.app import COMMANDS
from graphnn.ops import REGISTRY, imports, registered
from own_ops import TWICE
from tables import cases

NET = """\
graphnn: 1
nodes:
  x: {op: input, shape: [2]}
  y: {op: twice, inputs: x}
examples:
  - {inputs: {x: [1, 2]}, outputs: {y: [2, 4]}}
"""


# What commands must be given, other than one file.
NEEDED = {
    "schema": [],
    "lsp": [],
    "ops": [],
    "diff": ["x", "y"],
    "convert": ["x", "-o", "y"],
    "export": ["x", "-o", "y"],
    "import": ["x", "-o", "y"],
    "evaluate": ["x", "--weights", "y"],
    "predict": ["x", "y", "--weights", "z"],
}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with registered():
        yield
    for name in set(sys.modules) - before:
        if name in ("twice", "broken"):
            del sys.modules[name]


@pytest.fixture
def net(here):
    (here / "twice.py").write_text(TWICE)
    (here / "net.yaml").write_text(NET)
    return here


@cases(
    """
    method | command
    branch(self, x) | gradcheck net.yaml
    to_onnx(self, form, x) | export net.yaml -o net.onnx
    to_numpy(self, form) | export net.yaml -o net.py --style numpy
    to_torch(self, form) | export net.yaml -o net.py --style torch
    """
)
def test_a_method_that_fails_is_an_error_with_its_line(call, net, method, command):
    own = f"{TWICE}\n    def {method}:\n        return 1 / 0\n"
    (net / "twice.py").write_text(own)
    nodes = "w: {op: parameter, value: 1}, y: {op: twice, inputs: w}, loss: {op: sum, inputs: y}"
    (net / "net.yaml").write_text(f"graphnn: 1\nnodes: {{{nodes}}}\ntrain: {{loss: loss}}\n")
    result = call(*command.split(), "--import", "twice")
    name = method.partition("(")[0]
    assert result.code == 1
    assert result.err.removeprefix("imported\n") == (
        f"error[op-failed]: '{name}' of twice raises ZeroDivisionError: division by zero\n"
        f"   = note: in twice.py, line {own.count(chr(10))}\n"
    )


def test_a_module_is_imported_before_the_command(call, net):
    result = call("test", "net.yaml", "--import", "twice")
    assert (result.code, result.err) == (0, "imported\n")
    assert result.out == "ok      net.yaml:6\n1 example in 1 file: all ok\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_it(call, name):
    result = call(name, "--import", "no_such_module", *NEEDED.get(name, ["x"]))
    assert result.code == 2
    assert "error[bad-import]: the module 'no_such_module' cannot be imported" in result.err


def test_the_schema_has_the_ops(call, net):
    result = call("schema", "--import", "twice")
    assert "twice" in json.loads(result.out)["definitions"]["node"]["properties"]["op"]["enum"]


def test_a_project_names_modules(call, net):
    (net / "pyproject.toml").write_text('[tool.graphnn]\nimport = ["twice"]\n')
    assert call("check", "net.yaml").out == "net.yaml: fine\n"


def test_only_the_project_in_this_folder_counts(call, net, monkeypatch):
    (net / "pyproject.toml").write_text('[tool.graphnn]\nimport = ["twice"]\n')
    (net / "other").mkdir()
    monkeypatch.chdir(net / "other")
    result = call("check", "../net.yaml")
    assert "error[unknown-op]: there is no op 'twice'" in result.out
    assert "imported" not in result.err


def test_a_file_here_is_taken_for_no_installed_module(call, net):
    (net / "colorsys.py").write_text("1 / 0")
    assert call("test", "net.yaml", "--import", "colorsys", "--import", "twice").code == 0


@cases(r"""
    name | message
    nothing
        | the module 'nothing' cannot be imported: ModuleNotFoundError: No module named 'nothing'
        \n   = help: install it, or call graphnn in the folder where it lies
    twice.py | 'twice.py' is not the name of a module\n   = help: write 'twice'
    a b | 'a b' is not the name of a module
    broken
        | the module 'broken' cannot be imported: TypeError: the class 'Broken' does not declare an
        op: it has no 'forward': write def forward(self, x)
        \n   = note: in broken.py, line 3
""")
def test_a_module_that_cannot_be_imported(call, net, name, message):
    (net / "broken.py").write_text(
        "from typing import Literal\nfrom graphnn.ops import Op, data\nclass Broken(Op):\n"
        '    op: Literal["broken"] = "broken"\n    operands = (data("x", "..."),)\n'
    )
    assert (
        call("check", "net.yaml", "--import", name).usage_error == f"error[bad-import]: {message}\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.graphnn\n", "'pyproject.toml' is not TOML: Expected ']'"),
        ("a = 1" + 5000 * "0", "'pyproject.toml' is not TOML: Exceeds the limit"),
        ("a = " + 9999 * "[", "'pyproject.toml' is nested too deeply"),
        ("a = '\udcff'", "'pyproject.toml' is not TOML: 'utf-8' codec can't decode"),
        ("[tool.graphnn]\nimports = []\n", "[tool.graphnn] of 'pyproject.toml' has no key "),
        ("[tool.graphnn]\nimport = ['x y']\n", "'x y' is not the name of a module"),
    ],
)
def test_a_project_file_with_faults(call, net, text, message):
    (net / "pyproject.toml").write_text(text, errors="surrogateescape")
    assert call("check", "net.yaml").usage_error.startswith(f"error[bad-import]: {message}")


@pytest.mark.parametrize(
    "text",
    ["tool.graphnn.import = 'twice'", "tool.graphnn.import = [1]", "tool.graphnn = 1", "tool = 1"],
)
def test_what_a_project_file_must_hold(call, net, text):
    (net / "pyproject.toml").write_text(text)
    assert call("check", "net.yaml").usage_error == (
        "error[bad-import]: 'import' in [tool.graphnn] of 'pyproject.toml' must be a list of module"
        ' names\n   = help: write import = ["my_ops"]\n'
    )


@pytest.mark.parametrize(
    ("make", "what"),
    [(Path.mkdir, "a folder, not a file"), (os.mkfifo, "not a regular file")],
)
def test_a_project_file_that_is_not_a_regular_file(call, net, make, what):
    project = net / "pyproject.toml"
    make(project)
    assert call("check", "net.yaml").usage_error == (f"error[bad-import]: '{project}' is {what}\n")


def installed(folder: Path, module: str) -> None:
    """What pip leaves of a package that has ops."""
    info = folder / "more_ops-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more-ops\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[graphnn.ops]\nmore = {module}\n")


def check(net: Path, environment: dict[str, str], site: Path) -> tuple[int, str]:
    path = f"{site}:{environment.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "graphnn", "check", net / "net.yaml"],
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_installed_packages_bring_their_ops(net, environment):
    installed(net, "twice")
    code, out = check(net, environment, net)
    assert (code, out) == (0, f"imported\n{net / 'net.yaml'}: fine\n")


def test_what_is_imported_and_what_is_broken(net, monkeypatch):
    installed(net, "twice")
    monkeypatch.syspath_prepend(net)
    assert imports.import_installed() == {}
    assert "twice" in REGISTRY
    del sys.modules["twice"], REGISTRY["twice"]
    (net / "twice.py").write_text("1 / 0")
    assert imports.import_installed() == {"more-ops": "ZeroDivisionError: division by zero"}


@pytest.mark.slow
def test_a_broken_package_harms_nobody_but_is_named(net, environment):
    installed(net, "twyce")
    code, out = check(net, environment, net)
    assert code == 1
    assert "error[unknown-op]: there is no op 'twice'\n" in out
    assert (
        "   = note: the ops of 'more-ops' are missing: ModuleNotFoundError: "
        "No module named 'twyce'\n"
    ) in out
    (net / "net.yaml").write_text(NET.replace("twice", "identity").replace("[2, 4]", "[1, 2]"))
    assert check(net, environment, net) == (0, f"{net / 'net.yaml'}: fine\n")
