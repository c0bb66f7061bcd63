"""Diagrams: what DOT text says of a graph, and that it is safe and reproducible."""

import re
import xml.etree.ElementTree as ET

import pytest

import graphnn

NET = """
graphnn: 1
name: net <b>& co
nodes:
  x: {op: input, shape: [batch, 2]}
  m: {op: multiply, inputs: [x, x]}
  a: {op: affine, inputs: m, units: 3, about: "<script> & \\" \\\\N"}
  b: {op: affine, inputs: a, weight: zeros, units: 3}
  c: {op: affine, inputs: b, weight: {share: b.weight}, bias: false}
"""


def test_a_node_says_its_name_op_shape_and_parameters():
    text = graphnn.loads(NET).draw()
    found = re.search(r"^\ta \[label=<(.*)> color=", text, re.MULTILINE)
    assert re.sub(r"<[^>]*>", "|", found.group(1)).split("|") == [
        "", "a", "  affine", "", "[batch, 3]", "", "", "weight [2, 3]", "", "", "bias [3]", "",
    ]  # fmt: skip


def test_a_shared_parameter_names_its_owner():
    assert "weight [3, 3] of b<" in graphnn.loads(NET).draw()


def test_both_edges_of_a_node_read_twice_are_drawn():
    assert graphnn.loads(NET).draw().count("x -> m") == 2


def test_the_text_is_the_same_every_time():
    assert graphnn.loads(NET).draw() == graphnn.loads(NET).draw()


def test_names_from_a_file_cannot_break_out():
    svg = graphnn.loads(NET)._repr_svg_()
    texts = [element.text or "" for element in ET.fromstring(svg).iter() if "text" in element.tag]
    assert "net <b>& co" in " ".join(texts)


def test_remarks_are_shown_on_request():
    net = graphnn.loads(NET)
    assert "script" not in net.draw()
    assert "&lt;script&gt; &amp; &quot; \\N" in net.draw(about=True).replace("\\\\", "\\")


@pytest.mark.parametrize("suffix", ["svg", "png", "dot"])
def test_files_without_a_system_package(tmp_path, monkeypatch, suffix):
    monkeypatch.setenv("PATH", "")
    path = tmp_path / f"net.{suffix}"
    text = graphnn.loads(NET).draw(path, direction="right")
    content = path.read_bytes()
    if suffix == "dot":
        assert content.decode() == text
    elif suffix == "png":
        assert content.startswith(b"\x89PNG")
    else:
        assert ET.fromstring(content).tag.endswith("svg")
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
