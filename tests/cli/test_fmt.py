"""``graphnn fmt``."""

from __future__ import annotations

from pathlib import Path

import pytest

ODD = "graphnn:   1\nnodes: {x: {op: input, shape: [2]}}  # a network\n"
EVEN = "graphnn: 1\n\nnodes:  # a network\n  x: {op: input, shape: [2]}\n"


@pytest.fixture
def odd(here: Path) -> str:
    Path("odd.yaml").write_text(ODD)
    return "odd.yaml"


def test_lays_out_what_is_not(call, odd):
    Path("even.yaml").write_text(EVEN)
    result = call("fmt", odd, "even.yaml")
    assert (result.code, result.out) == (0, "wrote 'odd.yaml'\n")
    assert result.err == "1 file formatted, 1 unchanged\n"
    assert Path(odd).read_text() == EVEN
    result = call("fmt", ".")
    assert (result.code, result.out, result.err) == (0, "", "2 unchanged\n")


def test_check_names_files_and_writes_nothing(call, odd):
    result = call("fmt", "--check", odd)
    assert (result.code, result.out) == (1, "would change 'odd.yaml'\n")
    assert result.err == "1 file would change\n"
    assert Path(odd).read_text() == ODD
    call("fmt", odd)
    assert call("fmt", "--check", odd).code == 0


def test_diff_shows_what_would_change(call, odd):
    result = call("fmt", "--diff", odd)
    assert (result.code, result.err) == (1, "1 file would change\n")
    assert result.out == (
        "--- odd.yaml\n"
        "+++ odd.yaml\n"
        "@@ -1,2 +1,4 @@\n"
        "-graphnn:   1\n"
        "-nodes: {x: {op: input, shape: [2]}}  # a network\n"
        "+graphnn: 1\n"
        "+\n"
        "+nodes:  # a network\n"
        "+  x: {op: input, shape: [2]}\n"
    )
    assert Path(odd).read_text() == ODD


def test_diff_shows_ends_of_lines(call, here):
    Path("net.yaml").write_bytes(b"graphnn: 1\r\nallow: []")
    assert call("fmt", "--diff", "net.yaml").out == (
        "--- net.yaml\n"
        "+++ net.yaml\n"
        "@@ -1,2 +1,2 @@\n"
        "-graphnn: 1\N{REPLACEMENT CHARACTER}\n"
        "-allow: []\n"
        "\\ No newline at end of file\n"
        "+graphnn: 1\n"
        "+allow: []\n"
    )


def test_json(call, here):
    Path("net.json").write_text('{"graphnn":1,"nodes":{"x":{"op":"input","shape":[2]}}}')
    assert call("fmt", "net.json").code == 0
    assert Path("net.json").read_text() == (
        '{\n  "graphnn": 1,\n  "nodes": {\n    "x": {"op": "input", "shape": [2]}\n  }\n}\n'
    )


def test_a_bad_file_is_reported_and_left_alone(call, odd):
    Path("bad.yaml").write_text("graphnn: [1\n")
    result = call("fmt", "bad.yaml", odd)
    assert (result.code, result.out) == (1, "wrote 'odd.yaml'\n")
    assert result.err == (
        "error[yaml-syntax]: this is not YAML: did not find expected ',' or ']'\n"
        "  --> bad.yaml:1:12\n"
        "   |\n"
        " 1 | graphnn: [1\n"
        "   |          - ^ the text ends here\n"
        "   |          |\n"
        "   |          the bracket is opened here\n"
        "   = help: close the '[' with ']'\n"
        "\n"
        "1 file formatted\n"
    )
    assert Path("bad.yaml").read_text() == "graphnn: [1\n"


def test_nothing_but_a_bad_file(call, here):
    Path("bad.json").write_text("{")
    result = call("fmt", "bad.json", "--check")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error[json-syntax]: ")
    assert result.err.endswith("\n\n")


def test_in_a_folder_only_specs_are_laid_out(call, odd):
    Path("other.yaml").write_text("a:    1\n")
    call("fmt", ".")
    assert Path("other.yaml").read_text() == "a:    1\n"


def test_a_folder_without_files(call, here):
    result = call("fmt", ".")
    assert result.code == 1
    assert result.err == "error[no-such-file]: there is no .yaml, .yml or .json file in '.'\n"
