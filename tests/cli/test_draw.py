"""``graphnn draw``."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest


def test_an_svg_named_after_the_spec_in_this_folder(call, here):
    folder = here / "specs"
    folder.mkdir()
    (folder / "net.yaml").write_text("graphnn: 1\nnodes: {x: {op: input, shape: []}}\n")
    assert call("draw", "specs/net.yaml").output == "wrote 'net.svg'\n"
    root = ElementTree.fromstring(Path("net.svg").read_text())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_another_name_format_and_direction(call, line):
    for options in ((), ("--direction", "right", "--no-title")):
        result = call("draw", line, "-o", "a.dot", *options)
        assert (result.code, result.out) == (0, "wrote 'a.dot'\n")
        text = Path("a.dot").read_text()
        assert ("rankdir=LR" in text, "line" in text) == (bool(options), not options)


def test_remarks_on_demand(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes: {x: {op: input, shape: [], about: the measured voltage}}\n"
    )
    call("draw", "net.yaml", "-o", "plain.dot")
    call("draw", "net.yaml", "-o", "about.dot", "--about")
    assert "the measured voltage" not in Path("plain.dot").read_text()
    assert "the measured voltage" in Path("about.dot").read_text()


def test_an_unknown_format(call, line):
    assert call("draw", line, "-o", "net.doc").error.startswith(
        "error[unknown-format]: '.doc' of 'net.doc' is not a format that pictures are written in\n"
    )
    assert not Path("net.doc").exists()


def test_a_folder_that_is_not_there(call, line):
    assert (
        call("draw", line, "-o", "nosuch/net.dot").error
        == "error[no-such-folder]: there is no folder 'nosuch' to write into\n"
    )


def test_options_of_numbers_need_numbers(call, line):
    for option, value in (("--loss", "x"), ("--input", "x=1"), ("--inputs", "x.npz")):
        result = call("draw", line, option, value)
        assert (result.code, result.err) == (2, f"error[bad-option]: '{option}' needs '--show'\n")
    needs = "error[bad-option]: '--entries' needs '--show check'\n"
    assert call("draw", line, "--entries", "3").err == needs
    assert call("draw", line, "--entries", "3", "--show", "values").err == needs


CHAIN = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  a: {op: affine, inputs: x, units: 3}
  b: {op: relu, inputs: a}
  c: {op: tanh, inputs: a}
  d: {op: add, inputs: [b, c]}
  e: {op: sum, inputs: d}
"""


def test_standard_output(call):
    Path("net.yaml").write_text(CHAIN)
    assert call("draw", "net.yaml", "-o", "-", "--format", "mermaid").output.startswith(
        "flowchart TB\n    n0(["
    )
    assert not Path("-").exists()


def test_a_description_in_words(call):
    Path("net.yaml").write_text(CHAIN)
    result = call("draw", "net.yaml", "--alt")
    assert result.out == (
        "Network: 6 nodes, 9 parameters. Inputs: x [batch, 2]. Outputs: e []. Operations: "
        "1 affine, 1 relu, 1 tanh, 1 add, 1 sum.\n"
    )
    assert not Path("net.svg").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--batch 3", "'--batch' needs '--show'"),
        ("--loss y --show values", "'--loss' needs '--show gradients'"),
        (
            "--alt -o net.svg",
            "'--alt' prints words, and writes no picture\n   = help: leave out '-o'",
        ),
        (
            "--alt --format svg",
            "'--alt' prints words, and writes no picture\n   = help: leave out '--format'",
        ),
        (
            "--links http://a -o net.pdf",
            "a picture in the format 'pdf' has no links\n"
            "   = help: leave 'links' out, or write it as svg or html",
        ),
    ],
)
def test_options_that_would_change_nothing(call, options, said):
    Path("net.yaml").write_text(CHAIN)
    assert call("draw", "net.yaml", *options.split()).usage_error == f"error[bad-option]: {said}\n"
    assert not list(Path().glob("net.[ps]*"))


def test_a_description_says_how_much_it_leaves_out(call):
    nodes = ", ".join(f"x{at}: {{op: input, shape: []}}" for at in range(8))
    Path("net.yaml").write_text(f"graphnn: 1\nnodes: {{{nodes}}}\n")
    first = "x0 [], x1 [], x2 [], x3 [], x4 [], x5 [], and 2 more"
    assert call("draw", "net.yaml", "--alt").out == (
        f"Network: 8 nodes, 0 parameters. Inputs: {first}. Outputs: {first}.\n"
    )


def test_the_start_of_one_number_is_not_read_with_the_count(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes: {w: {op: parameter, shape: [], value: 100}}\ntrain: {loss: w}\n"
    )
    assert "1, starts as 100" in call("draw", "net.yaml", "-o", "-").out


def test_a_part(call):
    Path("net.yaml").write_text(CHAIN)
    for option, expected in (
        (("--only", "a..c"), "a -> c"),
        (("--only", "d,e"), "d -> e"),
        (("--hide", "x,b,e"), "a -> c c -> d"),
    ):
        assert call("draw", "net.yaml", *option, "-o", "net.dot").code == 0
        lines = Path("net.dot").read_text().splitlines()
        assert " ".join(line.strip() for line in lines if "->" in line) == expected


def test_a_width(call):
    Path("net.yaml").write_text(CHAIN)
    assert call("draw", "net.yaml", "--width", "84mm").out == "wrote 'net.svg'\n"
    assert 'width="238.11pt"' in Path("net.svg").read_text()
    result = call("draw", "net.yaml", "--width", "1cm")
    assert result.err.startswith("warning[small-text]: letters are ")
    for width in ("wide", "0mm", "3"):
        result = call("draw", "net.yaml", "--width", width)
        assert result.code == 2
        assert result.err == (
            f"error[bad-option]: '{width}' is not a length\n"
            "   = help: write a number and a unit: 84mm, 8.4cm, 3.3in, 240pt or 320px\n"
        )


def test_a_node_that_is_not_there(call):
    Path("net.yaml").write_text(CHAIN)
    result = call("draw", "net.yaml", "--hide", "z")
    assert result.code != 0
    assert "error[unknown-node]" in result.err


def test_text_formats_need_no_layout(call, monkeypatch):
    monkeypatch.setattr("graphnn.drawing.diagram.layout.coordinates", None)
    Path("net.yaml").write_text(CHAIN)
    for name in ("net.dot", "net.mmd"):
        assert call("draw", "net.yaml", "-o", name).out == f"wrote '{name}'\n"


def test_numbers_on_demand(call, line):
    options = ("--style", "computation", "--input", "x=[[1, 2]]", "--input", "t=[[0.25]]")
    assert (
        call("draw", line, "-o", "net.svg", "--show", "gradients", *options).output
        == "wrote 'net.svg'\n"
    )
    # 2 - 2 + 0.5 is 0.5; of its square error (0.5 - 0.25)^2 the slope is 0.5.
    texts = [each.text for each in ElementTree.parse("net.svg").iter() if each.text]
    for number in ("[0.5]", "[0.0625]", "[1]"):
        assert number in texts
    result = call("draw", line, "-o", "net.svg", "--show", "values", *options[:4])
    assert result.code == 0
    assert "[0.0625]" not in Path("net.svg").read_text()
    assert call("draw", line, "-o", "net.svg", "--show", "gradients", "--loss", "a").code == 0
    assert "gradient norm" in Path("net.svg").read_text()


def test_verdicts_on_demand(call, line):
    given = ("--input", "x=[[1, 2]]", "--input", "t=[[0.25]]")
    result = call("draw", line, "-o", "net.svg", "--show", "check", *given)
    assert (result.code, result.out) == (0, "wrote 'net.svg'\n")
    assert "3 agree" in Path("net.svg").read_text()
    assert (
        call("draw", line, "-o", "net.svg", "--show", "check", "--entries", "2", *given).code == 0
    )
    assert "2 agree" in Path("net.svg").read_text()


def test_differences_on_demand(call, line):
    Path("old.yaml").write_text(Path(line).read_text().replace("bias: [0.5]", "bias: [0.25]"))
    assert (
        call("draw", line, "--against", "old.yaml", "-o", "net.dot").output == "wrote 'net.dot'\n"
    )
    assert "~ a  affine" in Path("net.dot").read_text()


def test_a_large_network_is_drawn_in_parts_with_a_warning(call):
    nodes: dict[str, object] = {"x": {"op": "input", "shape": ["batch", 2]}}
    for number in range(1010):
        last = f"n{number - 1}" if number else "x"
        nodes[f"n{number}"] = {"op": "affine", "inputs": last, "units": 2 + number}
    Path("net.json").write_text(json.dumps({"graphnn": 1, "nodes": nodes}))
    for suffix in ("dot", "svg"):
        result = call("draw", "net.json", "-o", f"net.{suffix}")
        assert (result.code, result.out) == (0, f"wrote 'net.{suffix}'\n")
        assert result.err.startswith("warning[many-nodes]: 1,009 nodes are drawn in ")
        text = Path(f"net.{suffix}").read_text()
        assert ("n1009" in text, "n500" in text) == (True, False)
