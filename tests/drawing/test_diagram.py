"""Diagrams of networks: what they say, and the files that they become."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import xml.etree.ElementTree as ElementTree

import pytest

import graphnn
from graphnn.diagnostics import DrawingError, FileError, UsageError
from graphnn.drawing.diagram.scene import Box, Text
from graphnn.drawing.diagram.styles import NAMES
from places import SPECS

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
ALL = ".svg, .pdf, .png, .html, .tex, .tikz, .dot, .gv, .mmd"


@pytest.fixture
def net():
    return graphnn.loads(NET)


def words(diagram, node: str = "") -> list[str]:
    """The texts of a scene, or of one of its boxes."""
    texts = [item for item in diagram.scene.items if isinstance(item, Text)]
    return [text.text for text in texts if not node or text.node == node]


def test_a_node_says_its_name_op_shape_and_parameters(net):
    assert words(net.draw(), "a") == [
        *("a", "affine", "[batch, 3]"),
        *("weight", "2×3", "6", "bias", "3", "3"),
    ]


def test_a_shared_parameter_names_its_owner(net):
    assert words(net.draw(), "c")[3:] == ["output", "[batch, 3]", "weight", "3×3", "= b.weight"][1:]


def test_both_edges_of_a_node_read_twice_are_drawn(net):
    assert net.draw().content("dot").decode().count("x -> m") == 2


def test_remarks_are_shown_on_request(net):
    remark = '<script> & " \\N'
    for text in (" ".join(words(net.draw(about=on))) for on in (False, True)):
        assert (remark in text) == (text is not None and "script" in text)
    assert "script" not in " ".join(words(net.draw()))


def test_names_from_a_file_cannot_break_out(net):
    texts = [element.text or "" for element in ElementTree.fromstring(net._repr_svg_()).iter()]
    assert "net <b>& co" in texts


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        ("svg", b"<svg "),
        ("pdf", b"%PDF-"),
        ("png", b"\x89PNG"),
        ("html", b"<!doctype html>"),
        ("tex", b"% Drawn by graphnn"),
        ("tikz", b"% Drawn by graphnn"),
        ("dot", b"digraph"),
        ("mmd", b"flowchart"),
    ],
)
def test_files_without_a_system_package(net, tmp_path, monkeypatch, suffix: str, start: bytes):
    monkeypatch.setenv("PATH", "")
    path = tmp_path / f"net.{suffix}"
    diagram = net.draw(path, direction="right")
    assert path.read_bytes().startswith(start)
    assert path.read_bytes() == diagram.content(
        {"tex": "tikz", "mmd": "mermaid"}.get(suffix, suffix)
    )
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_png_has_192_dots_an_inch(net):
    diagram = net.draw()
    content = diagram.content("png")
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert abs(width - diagram.scene.width * 192 / 72) <= 2
    assert abs(height - diagram.scene.height * 192 / 72) <= 2


def refusal(net, path: str) -> str:
    with pytest.raises(DrawingError) as caught:
        net.draw(path)
    return str(caught.value)


def test_unknown_format(net):
    assert refusal(net, "net.pgn") == (
        "error[unknown-format]: '.pgn' of 'net.pgn' is not a format that pictures are written in\n"
        f"   = help: did you mean '.png'? All formats: {ALL}"
    )
    assert refusal(net, "net.jpg") == (
        "error[unknown-format]: '.jpg' of 'net.jpg' is not a format that pictures are written "
        f"in\n   = help: did you mean '.png'? All formats: {ALL}"
    )


@pytest.mark.parametrize("name", ["net", ".png", "a.b/net"])
def test_no_suffix(net, name: str):
    assert refusal(net, name) == (
        f"error[unknown-format]: '{name}' has no suffix, which decides the picture format\n"
        f"   = help: end the name in one of {ALL}"
    )


def test_folder_that_does_not_exist(net, tmp_path):
    with pytest.raises(FileError) as caught:
        net.draw(tmp_path / "none" / "net.svg")
    assert str(caught.value) == (
        f"error[no-such-folder]: there is no folder '{tmp_path / 'none'}' to write into"
    )


def test_a_width_that_makes_letters_too_small_is_warned_of(net):
    diagram = net.draw(width=30.0)
    assert diagram.scene.width == pytest.approx(30)
    (warning,) = diagram.warnings()
    assert (warning.code, warning.severity) == ("small-text", "warning")
    assert net.draw().warnings() == ()


def test_links_lead_to_lines(net):
    svg = net.draw(links="https://example.org/net.yaml").content("svg").decode()
    assert 'href="https://example.org/net.yaml#L6"' in svg


def test_html_is_one_file_that_loads_nothing_and_whose_policy_allows_its_script_alone(net):
    text = net.draw(about=True).content("html").decode()
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()) for each in scripts]
    allowed = " ".join(f"'sha256-{digest.decode()}'" for digest in digests)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith(f"default-src 'none'; script-src {allowed}; ")
    assert html.escape('<script> & " \\N') in text
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []


def test_every_box_stands_for_a_node(net):
    boxes = [item for item in net.draw().scene.items if isinstance(item, Box) and item.node]
    assert [box.node for box in boxes] == list(net.graph.spec.nodes)


FACTS = """
graphnn: 1
name: facts
nodes:
  x: {op: input, shape: [batch, 1, 4, 4]}
  c: {op: conv2d, inputs: x, filters: 2, kernel: 3, padding: 1, weight: zeros, bias: [1, -2]}
  n: {op: batch_norm, inputs: c}
  k: {op: constant, value: [2, -1.5]}
  p: {op: power, inputs: n, exponent: 2}
"""


def test_attributes_first_values_and_states_are_shown():
    made = graphnn.loads(FACTS).draw()
    assert words(made, "c") == [
        *("c", "conv2d", "kernel 3×3, padding 1×1", "[batch, 2, 4, 4]"),
        *("weight", "2×1×3×3", "18, zeros", "bias", "2", "2, [1, -2]"),
    ]
    assert "value [2, -1.5]" in words(made, "k")
    assert "exponent 2" in " ".join(words(made, "p"))
    italic = {i.text for i in made.scene.items if isinstance(i, Text) and i.face == "italic"}
    assert {"running_mean", "running_variance"} <= italic
    assert "24 parameters, 4 in state" in words(made)


def test_attributes_are_written_as_in_a_spec():
    nodes = {
        "x": {"op": "input", "shape": ["batch", 4, 6]},
        "s": {"op": "attention", "inputs": ["x", "x", "x"], "heads": 2, "causal": True},
    }
    made = graphnn.loads({"graphnn": 1, "nodes": nodes}).draw()
    assert "heads 2, causal true" in words(made, "s")


def test_what_is_frozen_says_so():
    document = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  a: {op: affine, inputs: x, units: 3, bias: false, trainable: false}
"""
    assert words(graphnn.loads(document).draw(), "a")[-3:] == ["weight", "2×3", "6, frozen"]


@pytest.mark.parametrize("style", NAMES)
def test_every_style_becomes_a_page(style):
    net = graphnn.load(SPECS / "mnist.yaml")
    page = net.draw(style=style).content("html").decode()
    assert page.count("<svg ") == 1 and "two-layer digits" in page


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " JavaScript:alert(1)//", "data:text/html,x"]
)
def test_links_run_nothing(net, address: str):
    with pytest.raises(UsageError) as caught:
        net.draw(links=address)
    scheme = address.strip().partition(":")[0]
    assert str(caught.value) == (
        f"error[bad-option]: links do not lead to '{scheme}:'\n"
        "   = help: use http, https, file, vscode, or no scheme"
    )


def test_notebooks_show_an_image_whether_they_are_trusted_or_not(net):
    made = net.draw()
    assert repr(made) == f"<Diagram of {made.description}>"
    found = re.fullmatch(
        r'<img alt="([^"]*)" src="data:image/svg\+xml;base64,(.*)">', made._repr_html_()
    )
    assert found is not None
    assert html.unescape(found[1]) == made.description
    assert base64.b64decode(found[2]) == made.content("svg")
