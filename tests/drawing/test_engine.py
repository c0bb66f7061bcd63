"""The program that gives coordinates: which one is found, and what is said where it fails."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from graphnn.diagnostics import DrawingError
from graphnn.drawing.diagram import engine
from graphnn.drawing.diagram.engine import coordinates, find_engine
from tables import cases

DOT = "digraph { a; b; c; a -> b; a -> c }"
posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No program to be found anywhere but in the folder `bin`, which is on the PATH."""
    empty, programs = tmp_path / "empty", tmp_path / "bin"
    empty.mkdir()
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "executable", str(empty / "python"))
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(empty))
    return programs


def stand_in(folder: Path, script: str, name: str = "dot") -> str:
    """A program that is a shell script of ours."""
    program = folder / name
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\ncat > {folder / 'read'}\n{script}\n")
    program.chmod(0o755)
    return str(program)


def refusal(text: str = DOT) -> str:
    with pytest.raises(DrawingError) as caught:
        coordinates(text)
    return str(caught.value)


def test_every_node_and_edge_has_a_place():
    answer = coordinates(DOT)
    assert {node["name"] for node in answer["objects"]} == {"a", "b", "c"}
    assert all("pos" in part for part in (*answer["objects"], *answer["edges"]))


def test_program_beside_python_is_found_without_a_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert Path(find_engine()).stem == "graphviz-pure"


def test_program_in_the_scripts_folder_is_found(nothing, monkeypatch, tmp_path):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    program = stand_in(scripts, "", "graphviz-pure")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    assert find_engine() == program


@posix
def test_the_bundled_program_comes_before_dot(monkeypatch, tmp_path):
    stand_in(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(find_engine()).stem == "graphviz-pure"


@posix
def test_dot_is_asked_where_nothing_else_is(nothing):
    program = stand_in(nothing, """echo '{"objects": []}'""")
    assert find_engine() == program
    assert coordinates(DOT) == {"objects": []}
    assert (nothing / "read").read_text() == DOT


def test_no_program(nothing):
    assert refusal() == (
        "error[no-engine]: no program lays diagrams out: neither 'graphviz-pure' nor 'dot' was "
        "found\n"
        "   = help: pip install graphviz-pure, or install Graphviz from https://graphviz.org; "
        "a .dot or .mmd file needs neither"
    )


def test_text_that_is_not_dot():
    program = find_engine()
    assert refusal("digraph { a -> ") == (
        f"error[drawing-failed]: '{program}' failed: Error: <stdin>: syntax error in line 1"
    )


@posix
@cases(r"""
    script= | reason=
    "exit 3" | "it drew nothing and ended with exit code 3"
    "printf half; exit 3" | "it drew nothing and ended with exit code 3"
    r"printf 'no\n\tfont\033[2J\377' >&2; exit 1" | "no font\N{REPLACEMENT CHARACTER}[2J\ufffd"
    "printf %0060d 0 >&2; exit 1" | "0" * 50 + "..."
""")
def test_program_that_fails(nothing, monkeypatch, script: str, reason: str):
    monkeypatch.setattr(engine, "_MAX_MESSAGE", 50)
    program = stand_in(nothing, script)
    assert refusal() == f"error[drawing-failed]: '{program}' failed: {reason}"


@posix
def test_program_that_cannot_start(nothing):
    program = nothing / "dot"
    program.write_bytes(b"\x00not a program")
    program.chmod(0o755)
    assert refusal() == (f"error[drawing-failed]: '{program}' cannot be started: Exec format error")


@posix
def test_program_that_takes_too_long(nothing, monkeypatch):
    monkeypatch.setattr(engine, "_TIME_LIMIT", 0.3)
    program = stand_in(nothing, "exec sleep 30")
    assert refusal() == (
        f"error[drawing-too-slow]: '{program}' did not finish within 0.3 seconds\n"
        "   = help: draw a smaller part of the network, or fold its blocks with --depth 0"
    )
