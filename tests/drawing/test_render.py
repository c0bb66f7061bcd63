"""DOT text to files: the right program, the right flags, whole files, clear refusals."""

from __future__ import annotations

import shutil
import struct
import sys
import sysconfig
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from graphnn.diagnostics import DrawingError, FileError
from graphnn.drawing.diagram import render as rendering
from graphnn.drawing.diagram.render import find_engine, render, to_svg

DOT = 'digraph { node [fontname="Helvetica"]; a [label="Δw → 数 é"]; b; c; a -> b; a -> c }'
SVG = "{http://www.w3.org/2000/svg}"
ALL = ".svg, .png, .jpg, .jpeg, .pdf, .eps, .ps, .svgz, .gif, .webp, .dot, .gv"
posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")


@pytest.fixture
def pure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the PATH, so that only the program beside Python is found."""
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No program to be found anywhere."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(sys, "executable", str(empty / "python"))
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(empty))


class StandIn:
    """A `dot` on the PATH that is a shell script of ours."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "dot"
        self.calls = folder / "calls"
        self.read = folder / "read"

    def does(self, script: str) -> None:
        head = f'#!/bin/sh\necho "$*" >> {self.calls}\ncat > {self.read}\n'
        self.program.write_text(head + script)
        self.program.chmod(0o755)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return StandIn(folder)


def parts(svg: str | bytes, kind: str) -> list[str]:
    """Titles of the nodes, or of the edges, in an SVG picture by Graphviz."""
    groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
    return [group.findtext(f"{SVG}title", "") for group in groups if group.get("class") == kind]


def png_size(content: bytes) -> tuple[int, int]:
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def refusal(dot: str, path: Path) -> str:
    with pytest.raises(DrawingError) as caught:
        render(dot, path)
    return str(caught.value)


def test_svg_holds_every_node_and_edge_and_the_label(pure: None, tmp_path: Path) -> None:
    path = tmp_path / "net.svg"
    assert render(DOT, path) == path
    content = path.read_bytes()
    assert parts(content, "node") == ["a", "b", "c"]
    assert parts(content, "edge") == ["a->b", "a->c"]
    texts = [text.text for text in ElementTree.fromstring(content).iter(f"{SVG}text")]
    assert texts == ["Δw → 数 é", "b", "c"]


def test_to_svg_is_the_same_picture_as_text(pure: None, tmp_path: Path) -> None:
    assert to_svg(DOT) == render(DOT, tmp_path / "net.svg").read_text(encoding="utf-8")


def test_png_has_192_dots_an_inch(pure: None, tmp_path: Path) -> None:
    box = "digraph { graph [pad=0]; a [shape=box, fixedsize=true, width=2, height=1, penwidth=0] }"
    width, height = png_size(render(box, tmp_path / "net.png").read_bytes())
    assert abs(width - 2 * 192) <= 4
    assert abs(height - 1 * 192) <= 4


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "JPG"])
def test_jpeg(pure: None, tmp_path: Path, suffix: str) -> None:
    content = render(DOT, tmp_path / f"net.{suffix}").read_bytes()
    assert content.startswith(b"\xff\xd8\xff")
    assert content.endswith(b"\xff\xd9")


@pytest.mark.parametrize("suffix", ["dot", "gv", "DOT"])
def test_dot_text_is_written_as_it_is_without_any_program(
    nothing: None, tmp_path: Path, suffix: str
) -> None:
    path = render(DOT, tmp_path / f"net.{suffix}")
    assert path.read_bytes() == DOT.encode()


def test_remarks_of_a_program_that_succeeds_are_kept_quiet(
    pure: None, capfd: pytest.CaptureFixture[str]
) -> None:
    to_svg(DOT)  # graphviz-pure remarks on the width of text that is not ASCII
    assert capfd.readouterr() == ("", "")


def test_program_beside_python_is_found_without_a_path(pure: None) -> None:
    engine = find_engine()
    assert Path(engine.program).stem == "graphviz-pure"
    assert not engine.complete


def test_program_in_the_scripts_folder_is_found(
    nothing: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    program = scripts / "graphviz-pure"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    assert find_engine() == rendering.Engine(str(program), complete=False)


@posix
@pytest.mark.parametrize(
    ("suffix", "flags"),
    [
        ("pdf", "-Tpdf"),
        ("svg", "-Tsvg"),
        ("eps", "-Teps"),
        ("svgz", "-Tsvgz"),
        ("png", "-Tpng -Gdpi=192"),
        ("gif", "-Tgif -Gdpi=192"),
        ("webp", "-Twebp -Gdpi=192"),
    ],
)
def test_dot_on_the_path_comes_first(
    stand_in: StandIn, tmp_path: Path, suffix: str, flags: str
) -> None:
    stand_in.does(r"printf 'picture\000\377'")
    path = render(DOT, tmp_path / f"net.{suffix}")
    assert path.read_bytes() == b"picture\x00\xff"
    assert stand_in.calls.read_text() == f"{flags}\n"
    assert stand_in.read.read_bytes() == DOT.encode()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_pdf_by_graphviz_itself(tmp_path: Path) -> None:
    assert render(DOT, tmp_path / "net.pdf").read_bytes().startswith(b"%PDF-")


@posix
@pytest.mark.parametrize(
    ("inches", "dpi"),
    [
        ("2 3", "192"),  # small enough
        ("1000 1000", "10"),  # 1e8 pixels = (1000 in * 10)²
        ("2 32000", "1"),  # 32,000 pixels high
        ("0 64000", "0.5"),
    ],
)
def test_bitmap_of_a_large_graph_has_fewer_dots_an_inch(
    stand_in: StandIn, tmp_path: Path, inches: str, dpi: str
) -> None:
    stand_in.does(f"echo 'graph 1 {inches}'; echo 'stop'")
    large = DOT + " " * 20_000
    render(large, tmp_path / "net.png")
    assert stand_in.calls.read_text() == f"-Tplain\n-Tpng -Gdpi={dpi}\n"


def test_bitmap_of_a_long_chain_fits(pure: None, tmp_path: Path) -> None:
    chain = "digraph {" + "".join(f"a{i} -> a{i + 1};" for i in range(2000)) + "}"
    width, height = png_size(render(chain, tmp_path / "net.png").read_bytes())
    assert 30_000 < height <= 32_767
    assert width < 100


def test_no_program(nothing: None, tmp_path: Path) -> None:
    expected = (
        "error[no-engine]: there is no program to draw with: neither 'dot' nor 'graphviz-pure' "
        "was found\n"
        "   = help: pip install graphviz-pure, or install Graphviz from https://graphviz.org; "
        "a .dot file needs neither"
    )
    assert refusal(DOT, tmp_path / "net.svg") == expected
    with pytest.raises(DrawingError) as caught:
        to_svg(DOT)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("suffix", "instead"),
    [
        ("pdf", ".svg or .png"),
        ("ps", ".svg or .png"),
        ("eps", ".svg or .png"),
        ("svgz", ".svg or .png"),
        ("gif", ".png"),
        ("webp", ".png"),
    ],
)
def test_format_that_needs_dot(pure: None, tmp_path: Path, suffix: str, instead: str) -> None:
    path = tmp_path / f"net.{suffix}"
    assert refusal(DOT, path) == (
        f"error[format-needs-dot]: '{path}' cannot be drawn here: .{suffix} needs Graphviz's own "
        "program 'dot', which is not on the PATH\n"
        f"   = help: install Graphviz from https://graphviz.org, or write {instead} instead"
    )
    assert not path.exists()


def test_unknown_format() -> None:
    assert refusal(DOT, Path("net.pgn")) == (
        "error[unknown-format]: '.pgn' of 'net.pgn' is not a format that pictures are written in\n"
        f"   = help: did you mean '.png'? All formats: {ALL}"
    )
    assert refusal(DOT, Path("net.yaml")) == (
        "error[unknown-format]: '.yaml' of 'net.yaml' is not a format that pictures are written "
        f"in\n   = help: use one of {ALL}"
    )


@pytest.mark.parametrize("name", ["net", ".png", "a.b/net"])
def test_no_suffix(name: str) -> None:
    assert refusal(DOT, Path(name)) == (
        f"error[unknown-format]: '{name}' has no suffix, which decides the picture format\n"
        f"   = help: end the name in one of {ALL}"
    )


def test_text_that_is_not_dot(pure: None, tmp_path: Path) -> None:
    path = tmp_path / "net.svg"
    path.write_text("before")
    program = find_engine().program
    assert refusal("digraph { a -> ", path) == (
        f"error[drawing-failed]: '{program}' failed: Error: <stdin>: syntax error in line 1"
    )
    assert path.read_text() == "before"


def test_text_without_a_graph(pure: None, tmp_path: Path) -> None:
    program = find_engine().program
    assert refusal("", tmp_path / "net.svg") == (
        f"error[drawing-failed]: '{program}' failed: it drew nothing and ended with exit code 0"
    )


@posix
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "it drew nothing and ended with exit code 3"),
        ("printf half; exit 3", "it drew nothing and ended with exit code 3"),
        (
            r"printf 'no\n\tfont\033[2J\377' >&2; exit 1",
            "no font\N{REPLACEMENT CHARACTER}[2J\ufffd",
        ),
        ("printf %0600d 0 >&2; exit 1", "0" * 500 + "..."),
    ],
)
def test_program_that_fails(stand_in: StandIn, tmp_path: Path, script: str, reason: str) -> None:
    stand_in.does(script)
    path = tmp_path / "net.svg"
    expected = f"error[drawing-failed]: '{stand_in.program}' failed: {reason}"
    assert refusal(DOT, path) == expected
    assert not path.exists()


@posix
def test_program_that_cannot_start(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.program.write_bytes(b"\x00not a program")
    stand_in.program.chmod(0o755)
    assert refusal(DOT, tmp_path / "net.svg") == (
        f"error[drawing-failed]: '{stand_in.program}' cannot be started: Exec format error"
    )


@posix
def test_program_that_takes_too_long(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_TIME_LIMIT", 0.3)
    stand_in.does("exec sleep 30")
    assert refusal(DOT, tmp_path / "net.svg") == (
        f"error[drawing-too-slow]: '{stand_in.program}' did not finish within 0.3 seconds\n"
        "   = help: draw a smaller part of the network, or write .dot and lay it out elsewhere"
    )


def test_folder_that_does_not_exist(pure: None, tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        render(DOT, tmp_path / "none" / "net.svg")
    assert str(caught.value) == (
        f"error[no-such-folder]: there is no folder '{tmp_path / 'none'}' to write into"
    )


def test_nothing_else_is_left_in_the_folder(pure: None, tmp_path: Path) -> None:
    path = tmp_path / "net.svg"
    path.write_text("before")
    render(DOT, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.svg"]
    assert parts(path.read_bytes(), "node") == ["a", "b", "c"]
