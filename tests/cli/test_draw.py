"""``graphnn draw``."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree


def test_an_svg_named_after_the_spec_in_this_folder(call, here):
    folder = here / "specs"
    folder.mkdir()
    (folder / "net.yaml").write_text("graphnn: 1\nnodes: {x: {op: input, shape: []}}\n")
    result = call("draw", "specs/net.yaml")
    assert (result.code, result.out, result.err) == (0, "wrote 'net.svg'\n", "")
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
    result = call("draw", line, "-o", "net.doc")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(
        "error[unknown-format]: '.doc' of 'net.doc' is not a format that pictures are written in\n"
    )
    assert not Path("net.doc").exists()


def test_a_folder_that_is_not_there(call, line):
    result = call("draw", line, "-o", "nosuch/net.dot")
    assert (result.code, result.out) == (1, "")
    assert result.err == "error[no-such-folder]: there is no folder 'nosuch' to write into\n"
