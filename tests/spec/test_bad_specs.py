"""The folder of bad specs: what is said of each, to the letter, and that no code is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import graphnn

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "bad_specs"
SPECS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".yaml", ".json"))
CHECKED = (
    *sorted((ROOT / "graphnn" / "spec").glob("*.py")),
    *(
        ROOT / "graphnn" / f"{name}.py"
        for name in (
            "advice",
            "arrays",
            "archives",
            "binding",
            "errors",
            "executor",
            "files",
            "graph",
            "network",
            "shares",
        )
    ),
    ROOT / "graphnn" / "plan.py",
)
# Codes that no spec alone can bring about, with the tests that do.
ELSEWHERE = {
    "bad-dtype": "tests/network/test_network_values.py",
    "bad-seed": "tests/network/test_network_start.py",
    "bad-value": "tests/executor/test_executor_faults.py",
    "data-too-large": "tests/network/test_network_archives.py",
    "file-too-large": "tests/files/test_files.py",
    "missing-input": "tests/executor/test_executor_faults.py",
    "no-network": "tests/spec/test_spec_block_files.py",
    "no-loss": "tests/network/test_network_values.py",
    "no-such-folder": "tests/files/test_files.py",
    "not-finite": "tests/executor/test_executor_faults.py",
    "not-whole": "tests/executor/test_executor_faults.py",
    "out-of-memory": "tests/executor/test_executor_faults.py",
    "size-conflict": "tests/executor/test_executor_faults.py",
    "too-many-aliases": "tests/spec/test_spec_reader_hostile.py",
    "too-many-anchors": "tests/spec/test_spec_reader_hostile.py",
    "too-many-files": "tests/spec/test_spec_block_files.py",
    "too-many-faults": "tests/spec/test_spec_reader_hostile.py",
    "too-many-values": "tests/spec/test_spec_reader_hostile.py",
    "too-many-warnings": "tests/errors/test_errors.py",
    "unknown-setting": "tests/network/test_network_settings.py",
    "unreadable-file": "tests/files/test_files.py",
    "unwritable-file": "tests/files/test_files.py",
}
NOT_CODES = {"double-quoted"}  # words of libyaml's messages


@pytest.mark.parametrize("name", SPECS)
def test_what_is_said(name, monkeypatch):
    monkeypatch.chdir(FOLDER)
    found = graphnn.diagnose(name)
    expected = Path(name).with_suffix(".expected").read_text(encoding="utf-8")
    assert str(graphnn.GraphnnError(*found)) + "\n" == expected
    errors = tuple(each for each in found if each.severity == "error")
    if errors and not any(each.code == "no-network" for each in errors):
        with pytest.raises(graphnn.GraphnnError) as caught:
            graphnn.train(name)
        assert caught.value.diagnostics[0].severity == "error"
    if name.startswith("two-faults"):
        assert len(found) == 2
    else:
        assert any(_named(name, diagnostic.code) for diagnostic in found)


def _named(name, code):
    stem = Path(name).stem
    return stem == code or stem.startswith(f"{code}-")


def test_every_spec_has_its_text_and_every_text_its_spec():
    texts = {path.stem for path in FOLDER.glob("*.expected")}
    assert texts == {Path(name).stem for name in SPECS}
    assert len(SPECS) == len(texts)


def test_every_code_is_tested():
    here = {
        match[1]
        for path in FOLDER.glob("*.expected")
        for match in re.finditer(r"^(?:error|warning)\[([a-z-]+)\]", path.read_text("utf-8"), re.M)
    }
    codes = set().union(*map(_codes, CHECKED)) - NOT_CODES
    assert {"cycle", "unknown-op", "shape-mismatch", "non-finite-number"} <= codes
    assert codes <= here | ELSEWHERE.keys()
    assert not here & ELSEWHERE.keys()


@pytest.mark.parametrize(("code", "where"), ELSEWHERE.items())
def test_tested_elsewhere(code, where):
    assert f'"{code}' in (ROOT / where).read_text("utf-8") or f"[{code}]" in (
        ROOT / where
    ).read_text("utf-8")


def _codes(path):
    """What a module uses as a code: the first argument of a fault, and words with hyphens."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(re.findall(r"\A[a-z]+(?:-[a-z]+)+\Z", node.value))
        if isinstance(node, ast.Call) and _name(node.func) in ("error", "warning", "Diagnostic"):
            found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    return found


def _name(function):
    return getattr(function, "attr", getattr(function, "id", ""))
