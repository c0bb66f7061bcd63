"""The package stays small: no function branches much, and no module is long."""

from __future__ import annotations

import importlib

import pytest

from places import ROOT

visitors = pytest.importorskip("radon.visitors")
pytestmark = pytest.mark.slow

BRANCHES, LINES = 15, 400
MODULES = sorted((ROOT / "graphnn").rglob("*.py"))


def branching(text: str) -> dict[str, int]:
    """Functions with their cyclomatic complexity, where it is too much."""
    blocks = visitors.ComplexityVisitor.from_code(text).blocks
    every = [*blocks, *(method for block in blocks for method in getattr(block, "methods", ()))]
    functions = [block for block in every if not hasattr(block, "methods")]
    return {found.fullname: found.complexity for found in functions if found.complexity > BRANCHES}


def test_no_function_branches_much():
    found = {str(path): branching(path.read_text("utf-8")) for path in MODULES}
    assert {path: functions for path, functions in found.items() if functions} == {}


def test_a_function_that_branches_much_is_found():
    text = "class C:\n    def f(x):\n" + "        if x: pass\n" * BRANCHES
    assert branching(text) == {"C.f": BRANCHES + 1}
    assert branching(text.replace("        if x: pass\n", "", 1)) == {}


def test_no_module_is_long(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    size = importlib.import_module("size")
    lines = {str(path): len(size.code_lines(path.read_text("utf-8"))) for path in MODULES}
    assert {path: count for path, count in lines.items() if count > LINES} == {}
