"""Every code is explained, and shown at work where a spec can bring it about."""

from __future__ import annotations

import ast
import difflib
import importlib
import re
from pathlib import Path

import pytest

import graphnn
from graphnn.diagnostics import UsageError, codes
from graphnn.ops import REGISTRY
from graphnn.training import Augmentation
from graphnn.training.fitting.optimizers import Optimizer
from graphnn.training.fitting.schedules import Schedule

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "graphnn" / "diagnostics" / "pages"
EXPLAINED = ROOT / "tests" / "bad_specs" / "explained"
EXAMPLES = sorted(
    path.name
    for path in EXPLAINED.iterdir()
    if path.suffix in (".yaml", ".json") and ".fixed" not in path.name
)
MAKERS = ("error", "warning", "Diagnostic", "Fault", "fail", "refuse", "stop", "fault", "_fault")
NOT_CODES = {"double-quoted", "graphviz-pure", "python-api", "spec-language"}


def test_every_code_of_the_source_is_explained_and_no_other():
    found: set[str] = set()
    for path in sorted((ROOT / "graphnn").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"\A[a-z]+(?:-[a-z]+)+\Z", node.value))
            if isinstance(node, ast.Call) and _name(node.func) in MAKERS:
                found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    for family in (Optimizer.family, Schedule.family):
        found |= {f"unknown-{family}", f"bad-{family}"}
    found |= {f"bad-{Augmentation.family}"}
    codes_like = {each for each in found if re.fullmatch(r"[a-z]+(?:-[a-z]+)*", each)}
    assert codes_like - NOT_CODES - REGISTRY.keys() == codes().keys()


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


@pytest.mark.parametrize("code", codes().values(), ids=list(codes()))
def test_an_explanation_is_made_of_sentences(code):
    assert re.fullmatch(r"[A-Z].*[^.]", code.title)
    assert len(code.title) <= 72
    assert code.text.endswith((".", "'.", "?"))
    assert "  " not in code.text


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_has_its_one_fault_and_its_mended_form_none(name, monkeypatch):
    monkeypatch.chdir(EXPLAINED)
    bad = Path(name)
    mended = bad.with_suffix(f".fixed{bad.suffix}")
    assert [found.code for found in graphnn.diagnose(bad)] == [bad.stem]
    assert graphnn.diagnose(mended) == ()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_mended_file_differs_little(name):
    bad = EXPLAINED / name
    lines = [
        path.read_text("utf-8", errors="replace").splitlines()
        for path in (bad, bad.with_suffix(f".fixed{bad.suffix}"))
    ]
    changed = [
        line
        for line in difflib.unified_diff(*lines, n=0, lineterm="")
        if line[:1] in "+-" and line[:4] not in ("+++ ", "--- ")
    ]
    assert 0 < len(changed) <= 6


def test_the_examples_in_the_package_are_those_of_the_corpus(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    importlib.import_module("generate_errors").write_examples(tmp_path)
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    kept = {
        path.name: path.read_text("utf-8")
        for path in (ROOT / "graphnn/diagnostics/pages").iterdir()
    }
    assert made == kept, "run: python docs/generate_errors.py"
    assert len(made) == len(EXAMPLES) >= 100


def test_pages(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    (tmp_path / "gone.md").write_text("of a code that is no more")
    importlib.import_module("generate_errors").write(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {"index", *codes()}
    assert (tmp_path / "bad-dtype.md").read_text() == graphnn.explain("bad-dtype")
    row = "| [unknown-op](unknown-op.md) | An op that does not exist |\n"
    assert row in (tmp_path / "index.md").read_text()


def test_a_page():
    assert graphnn.explain("unknown-op") == (
        "# unknown-op\n\nAn op that does not exist.\n\n"
        "'graphnn ops' lists the ops with their inputs, parameters and shapes, "
        "'graphnn ops NAME' tells all about one.\n\n"
        "## At fault\n\n"
        "```yaml\ngraphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 3]}\n"
        "  y: {op: rellu, inputs: x}\n```\n\n"
        "```text\n"
        "error[unknown-op]: there is no op 'rellu'\n"
        "  --> unknown-op.yaml:4:11\n"
        "   |\n"
        " 4 |   y: {op: rellu, inputs: x}\n"
        "   |           ^^^^^\n"
        "   = help: did you mean 'relu'?\n"
        "```\n\n"
        "## Mended\n\n"
        "```yaml\ngraphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 3]}\n"
        "  y: {op: relu, inputs: x}\n```\n"
    )


def test_a_code_that_is_not_there():
    with pytest.raises(UsageError) as caught:
        graphnn.explain("unknwon-op")
    assert str(caught.value) == (
        "error[unknown-code]: there is no code 'unknwon-op'\n   = help: did you mean 'unknown-op'?"
    )
