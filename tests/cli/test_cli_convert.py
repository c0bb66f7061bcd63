"""``graphnn convert``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import graphnn
from graphnn.spec import reader
from graphnn.spec.formatter import format_file
from graphnn.spec.values import plain

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))


def test_there_and_back(call, here):
    Path("net.yaml").write_text(
        "graphnn: 1  # the first\nnodes:\n  # an input\n  x: {op: input, shape: [batch, 2]}\n"
    )
    result = call("convert", "net.yaml", "-o", "net.json")
    assert (result.code, result.out) == (0, "wrote 'net.json'\n")
    assert result.err == "2 comments left out: JSON has none\n"
    assert Path("net.json").read_text() == (
        "{\n"
        '  "graphnn": 1,\n'
        '  "nodes": {\n'
        '    "x": {"op": "input", "shape": ["batch", 2]}\n'
        "  }\n"
        "}\n"
    )
    result = call("convert", "net.json", "-o", "back.yml")
    assert (result.code, result.out, result.err) == (0, "wrote 'back.yml'\n", "")
    assert Path("back.yml").read_text() == (
        "graphnn: 1\n\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
    )


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_law_of_all_specs(path, here):
    shutil.copytree(ROOT / "specs", "specs")  # with the files that specs name
    own = Path("specs", path.relative_to(ROOT / "specs"))
    made = [own.with_name("made.json"), own.with_name("made.yaml")]
    graphnn.convert(own, made[0])
    graphnn.convert(*made)
    wanted = repr(plain(reader.read_file(path)))
    for name in made:
        assert repr(plain(reader.read_file(name))) == wanted
        before, after = format_file(name, write=False)
        assert before == after


def test_aliases_are_written_out_and_numbers_kept(here):
    Path("net.yaml").write_text("a: &n [1.0e-7, 0x1f, .5, ~]\nb: *n\n")
    assert graphnn.convert("net.yaml", "net.json") == 0
    assert Path("net.json").read_text() == (
        '{\n  "a": [1.0e-7, 31, 0.5, null],\n  "b": [1.0e-7, 31, 0.5, null]\n}\n'
    )


def test_from_yaml_to_yaml_comments_stay(call, here):
    Path("net.yaml").write_text("a:  1 # one\n")
    for name in ("other.yaml", "net.yaml"):
        result = call("convert", "net.yaml", "-o", name)
        assert (result.code, result.out, result.err) == (0, f"wrote '{name}'\n", "")
        assert Path(name).read_text() == "a: 1  # one\n"


def test_another_suffix(call, here):
    Path("net.yaml").write_text("a: 1\n")
    result = call("convert", "net.yaml", "-o", "net.toml")
    assert result.code == 2
    assert result.err == (
        "error[unknown-format]: 'net.toml' is neither .yaml nor .json\n"
        "   = help: the suffix says which of the two to write\n"
    )


def test_a_bad_file_writes_nothing(call, here):
    Path("bad.yaml").write_text("a: 1\na: 2\n")
    result = call("convert", "bad.yaml", "-o", "bad.json")
    assert result.code == 1
    assert result.err.startswith(
        "error[duplicate-key]: the key 'a' is given twice in one mapping\n"
    )
    assert not Path("bad.json").exists()


@pytest.mark.parametrize(
    "line",
    [
        "blocks: {file: there.yaml}",
        "blocks: {file: [there.yaml]}",
        "weights: {file: there.yaml}",
        "train: {data: {csv: there.yaml}}",
    ],
)
def test_a_file_that_would_not_be_found_is_not_left_behind(call, here, line):
    Path("there.yaml").touch()
    Path("o").mkdir()
    Path("net.yaml").write_text(f"graphnn: 1\n{line}\n")
    result = call("convert", "net.yaml", "-o", "o/net.json")
    place = line.index("there.yaml") + 1
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error[file-left-behind]: the spec names 'there.yaml', which would not be found from 'o'\n"
        f"  --> net.yaml:2:{place}\n"
        "   |\n"
        f" 2 | {line}\n"
        f"   | {' ' * (place - 1)}^^^^^^^^^^\n"
        "   = help: write into '.', or move the files with it\n"
    )
    assert not Path("o/net.json").exists()
    assert call("convert", "net.yaml", "-o", "net.json").code == 0


def test_a_spec_that_names_no_file_may_be_written_anywhere(call, here):
    Path("o").mkdir()
    Path("free").touch()
    Path("net.yaml").write_text("graphnn: 1\nname: free\nweights: {file: gone.npz}\n")
    assert call("convert", "net.yaml", "-o", "o/net.json").code == 0
