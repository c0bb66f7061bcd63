"""Blocks on the command line: tables and diagrams with copies shown once or all."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from graphnn.cli.app import application

NET = """\
graphnn: 1
name: net
sizes: {depth: 3}
blocks:
  dense:
    about: a layer
    sizes: [units]
    inputs: x
    nodes:
      a: {op: affine, inputs: x, units: units}
      z: {op: relu, inputs: a}
    output: z
  skip:
    sizes: [units]
    inputs: [left, right]
    nodes:
      d: {block: dense, inputs: left, units: units, repeat: 2}
      s: {op: add, inputs: [d, right]}
    output: s
nodes:
  x: {op: input, shape: [batch, 5]}
  h: {block: dense, inputs: x, units: 4, repeat: depth}
  r: {block: skip, inputs: [h, h.1], units: 4, trainable: false}
  y: {op: affine, inputs: r, weight: {share: h.2.a.weight}}
"""


@pytest.fixture
def net():
    Path("net.yaml").write_text(NET)
    return "net.yaml"


def test_copies_are_shown_once(call, net):
    assert call("show", net).output == (
        "net\n"
        "\n"
        "node    op      inputs    shape       parameters\n"
        "x       input             [batch, 5]\n"
        "h x3    dense   x                     64 entries\n"
        "  a     affine  x         [batch, 4]  weight, bias\n"
        "  z     relu    a         [batch, 4]\n"
        "r       skip    h, h.1                40 entries\n"
        "  d x2  dense   left                  40 entries\n"
        "    a   affine  x         [batch, 4]  weight, bias\n"
        "    z   relu    a         [batch, 4]\n"
        "  s     add     d, right  [batch, 4]\n"
        "y       affine  r         [batch, 4]  weight = h.2.a.weight, bias\n"
        "\n"
        "parameter         shape      entries  starts as\n"
        "h.1.a.weight      [5, 4]          20  xavier\n"
        "h.2-3.a.weight    [4, 4] x2       32  xavier\n"
        "h.1-3.a.bias      [4] x3          12  zeros\n"
        "r.d.1-2.a.weight  [4, 4] x2       32  xavier, not trained\n"
        "r.d.1-2.a.bias    [4] x2           8  zeros, not trained\n"
        "y.bias            [4]              4  zeros\n"
        "total                            108\n"
        "\n"
        "sizes        depth = 3\n"
        "free sizes   batch\n"
        "outputs      y\n"
        "losses       none\n"
        "computes in  float64\n"
    )


def test_every_copy_is_shown_on_request(call, net):
    result = call("show", net, "--expand", "--set", "depth=2")
    assert result.out.split("\n\n")[1] == (
        "node   op      inputs    shape       parameters\n"
        "x      input             [batch, 5]\n"
        "h.1    dense   x                     24 entries\n"
        "  a    affine  x         [batch, 4]  weight, bias\n"
        "  z    relu    a         [batch, 4]\n"
        "h.2    dense   h.1                   20 entries\n"
        "  a    affine  x         [batch, 4]  weight, bias\n"
        "  z    relu    a         [batch, 4]\n"
        "r      skip    h, h.1                40 entries\n"
        "  d.1  dense   left                  20 entries\n"
        "    a  affine  x         [batch, 4]  weight, bias\n"
        "    z  relu    a         [batch, 4]\n"
        "  d.2  dense   d.1                   20 entries\n"
        "    a  affine  x         [batch, 4]  weight, bias\n"
        "    z  relu    a         [batch, 4]\n"
        "  s    add     d, right  [batch, 4]\n"
        "y      affine  r         [batch, 4]  weight = h.2.a.weight, bias"
    )
    assert "r.d.2.a.bias    [4]           4  zeros, not trained\n" in result.out


def test_one_frame_stands_for_all_copies(call, net):
    assert call("draw", net, "-o", "net.dot").code == 0
    text = Path("net.dot").read_text()
    assert text.count("subgraph") == 3
    assert "h × 3  dense" in text
    assert "d × 2  dense" in text
    assert "weight  5×4 ... 4×4" in text
    assert '"h.2.a"' not in text
    # What reads another copy than the last says so.
    assert '"h.1.z" -> "r.s" [label="h.1"' in text
    assert '"h.1.z" -> "r.d.1.a"\n' in text
    assert "a layer" not in text


def test_every_copy_is_drawn_on_request(call, net):
    assert call("draw", net, "--expand", "--about", "-o", "net.dot").code == 0
    text = Path("net.dot").read_text()
    assert text.count("subgraph") == 6
    assert "h.3  dense" in text
    assert "d.2  dense" in text
    assert "[5, 4] ..." not in text
    assert text.count("a layer") == 5
    assert '"h.2.z" -> "h.3.a"' in text


def test_outputs_and_inputs_go_by_the_names_of_uses(call, net):
    assert (
        call(
            "run", net, "--input", "x=[[0, 0, 0, 0, 0]]", "--output", "h.2", "--output", "r"
        ).output
        == "h.2 [1, 4]\n  [[0. 0. 0. 0.]]\nr [1, 4]\n  [[0. 0. 0. 0.]]\n"
    )


def test_a_file_of_blocks_in_a_folder(call):
    Path("specs").mkdir()
    block = "{inputs: x, nodes: {r: {op: relu, inputs: x}}, output: r}"
    Path("specs/blocks.yaml").write_text(f"graphnn: 1\nblocks: {{one: {block}}}\n")
    Path("specs/net.yaml").write_text(
        "graphnn: 1\n"
        "blocks: {file: blocks.yaml}\n"
        "nodes: {x: {op: input, shape: [batch]}, y: {block: one, inputs: x}}\n"
        "examples: [{inputs: {x: [-1, 2]}, outputs: {y: [0, 2]}}]\n"
    )
    assert call("check", "specs").out == "2 files: fine\n"
    result = call("test", "specs")
    assert result.code == 0
    assert result.out.endswith("1 example in 1 file: all ok\n")
    assert call("test", "specs/blocks.yaml").code == 1


def test_every_command_that_loads_a_spec_takes_settings():
    commands = typer.main.get_command(application()).commands
    takes = {name: {p.name for p in found.params} for name, found in commands.items()}
    specs = {name for name, given in takes.items() if given & {"file", "files", "old"}}
    # Two lay the text of a file out anew, and change none of its values; one reads no spec.
    assert {name for name in specs if "set" not in takes[name]} == {"fmt", "convert", "import"}
