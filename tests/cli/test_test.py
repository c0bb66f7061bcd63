"""``graphnn test``."""

from __future__ import annotations

from pathlib import Path

SILENT = "graphnn: 1\nnodes: {x: {op: input, shape: []}}\n"


def test_examples_that_hold(call, line):
    assert (
        call("test", line).output == "ok      line.yaml:11: by hand\n1 example in 1 file: all ok\n"
    )


def test_an_example_that_does_not(call, line):
    text = Path(line).read_text().replace("[[0.5], [2.5]]", "[[0.5], [2.75]]")
    Path(line).write_text(text)
    result = call("test", line)
    assert (result.code, result.err) == (1, "")
    assert result.out == (
        "FAILED  line.yaml:11: by hand\n"
        "error[wrong-output]: 'a' is [[0.5], [2.5]], not [[0.5], [2.75]]\n"
        "   --> line.yaml:13:18\n"
        "    |\n"
        " 13 |     outputs: {a: [[0.5], [2.75]]}\n"
        "    |                  ^^^^^^^^^^^^^^^ off by 0.25\n"
        "    = note: 1 of 2 entries are off; the worst, at [1, 0], is 2.5, not 2.75"
        " give or take 2.76e-07\n"
        "1 example in 1 file: 1 failed\n"
    )


def test_a_file_with_errors_does_not_keep_the_others_from_running(call, line, here):
    (here / "specs" / "deep").mkdir(parents=True)
    Path(line).rename("specs/deep/line.yaml")
    Path("specs/bad.json").write_text('{"graphnn": 1, "nodes": {"x": {"op": "nosuch"}}}')
    Path("specs/none.yml").write_text(SILENT)
    Path("specs/other.json").write_text("{}")
    result = call("test", "specs")
    assert (result.code, result.err) == (1, "")
    assert result.out == (
        "ERROR   specs/bad.json\n"
        "error[unknown-op]: there is no op 'nosuch'\n"
        "  --> specs/bad.json:1:38\n"
        "   |\n"
        ' 1 | {"graphnn": 1, "nodes": {"x": {"op": "nosuch"}}}\n'
        "   |                                      ^^^^^^^^\n"
        "   = help: 'graphnn ops' lists them all\n"
        "none    specs/none.yml: no examples\n"
        "ok      specs/deep/line.yaml:11: by hand\n"
        "1 example in 3 files: 1 file with errors, 1 file without examples\n"
    )


def test_a_file_without_examples(call):
    Path("net.yaml").write_text(SILENT)
    assert call("test", "net.yaml").output == (
        "none    net.yaml: no examples\n"
        "0 examples in 1 file: nothing to test, 1 file without examples\n"
    )


def test_settings_reach_the_examples(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nsizes: {n: 2}\nnodes: {x: {op: input, shape: [n]}, y: {op: sum, inputs: x}}\n"
        "examples:\n  - inputs: {x: {ones: [n]}}\n    outputs: {y: 3}\n"
    )
    assert call("test", "net.yaml").code == 1
    result = call("test", "net.yaml", "--set", "n=3")
    assert (result.code, result.out) == (0, "ok      net.yaml:5\n1 example in 1 file: all ok\n")
