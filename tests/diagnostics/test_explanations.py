"""Every code is explained, and shown at work where a spec can bring it about."""

from __future__ import annotations

import ast
import difflib
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import graphnn
from graphnn.diagnostics import ALLOWABLE, AREAS, CODES, UsageError, summary
from places import BAD_SPECS, ROOT

PAGES = ROOT / "graphnn" / "diagnostics" / "pages"
EXPLAINED = BAD_SPECS / "explained"
EXAMPLES = sorted(
    path.name
    for path in EXPLAINED.iterdir()
    if path.suffix in (".yaml", ".json") and ".fixed" not in path.name
)
ROOM = ROOT / "graphnn" / "diagnostics"


def test_every_code_is_used():
    paths = {*(ROOT / "graphnn").rglob("*.py")} - {ROOM / "_codes.py"}
    used: set[str] = set()
    for text in (path.read_text("utf-8") for path in paths):
        if any(f'"{code}"' in text for code in CODES):  # parsing takes long
            nodes = ast.walk(ast.parse(text))
            used |= {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    assert set(CODES) - used == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('Diagnostic("unknwon-op", "m")', 'Argument 1 to "Diagnostic"'),
        ('Findings().error("unknwon-op", "m")', 'Argument 1 to "error" of "Findings"'),
        ('Findings().warning("unknown-op", "m")', 'Argument 1 to "warning" of "Findings"'),
    ],
)
def test_a_misspelt_code_is_a_type_error(tmp_path, line, fault):
    pytest.importorskip("mypy")
    shutil.copytree(ROOM, tmp_path / "graphnn" / "diagnostics")
    (tmp_path / "graphnn" / "__init__.py").touch()
    text = "from graphnn.diagnostics import Diagnostic, Findings\n\n"
    (tmp_path / "right.py").write_text(text + 'Findings().error("unknown-op", "m")\n')
    (tmp_path / "wrong.py").write_text(text + line + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "right.py", "wrong.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    (error, summary) = done.stdout.splitlines()
    assert error.startswith(f"wrong.py:3: error: {fault} has incompatible type")
    assert summary == "Found 1 error in 1 file (checked 2 source files)"


@pytest.mark.parametrize("code", CODES)
def test_an_explanation_is_made_of_sentences(code):
    title, text = summary(code)
    assert graphnn.explain(code).startswith(f"# {code}\n\n{title}.\n\n{text}\n")
    assert re.fullmatch(r"[A-Z].*[^.]", title)
    assert len(title) <= 72
    assert text.endswith((".", "'.", "?"))
    assert "  " not in text


def test_every_page_has_a_code():
    assert {path.stem for path in PAGES.iterdir()} == set(CODES)
    assert set(ALLOWABLE) < set(CODES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_has_its_one_fault_and_its_fixed_form_none(name, monkeypatch):
    monkeypatch.chdir(EXPLAINED)
    bad = Path(name)
    fixed = bad.with_suffix(f".fixed{bad.suffix}")
    assert [found.code for found in graphnn.diagnose(bad)] == [bad.stem]
    assert graphnn.diagnose(fixed) == ()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_fixed_file_differs_little(name):
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


def test_the_examples_in_the_package_are_those_of_the_corpus(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    made = dict(importlib.import_module("generate_errors").pages())
    kept = {path: path.read_text("utf-8") for path in PAGES.iterdir()}
    assert made == kept, "run: python docs/generate_errors.py"
    assert sum("## Example" in text for text in made.values()) == len(EXAMPLES) >= 100


def test_pages(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    (tmp_path / "gone.md").write_text("of a code that is no more")
    importlib.import_module("generate_errors").write(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {"index", *CODES}
    assert (tmp_path / "bad-dtype.md").read_text() == graphnn.explain("bad-dtype")
    # Underscores between quotes are not emphasis, nor dashes of an option one long dash.
    assert "digits, `_` and `-`," in (tmp_path / "bad-name.md").read_text()
    assert "`--set` replaces" in (tmp_path / "unknown-setting.md").read_text()
    index = (tmp_path / "index.md").read_text()
    graph = index.partition("\n## Ops and the graph\n")[2].partition("\n## ")[0]
    assert "| [unknown-op](unknown-op.md) | Unknown op |\n" in graph


def test_every_code_is_in_one_area():
    assert [code for codes in AREAS.values() for code in codes] == list(CODES)
    assert len(set(CODES)) == len(CODES)


def test_a_page():
    assert graphnn.explain("unknown-op") == (
        "# unknown-op\n\nUnknown op.\n\n"
        "'graphnn ops' lists the ops with their inputs, parameters and shapes, "
        "'graphnn ops NAME' describes one.\n\n"
        "## Example\n\n"
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
        "## Fixed\n\n"
        "```yaml\ngraphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 3]}\n"
        "  y: {op: relu, inputs: x}\n```\n"
    )


def test_a_code_that_is_not_there():
    with pytest.raises(UsageError) as caught:
        graphnn.explain("unknwon-op")
    assert str(caught.value) == (
        "error[unknown-code]: there is no code 'unknwon-op'\n   = help: did you mean 'unknown-op'?"
    )
