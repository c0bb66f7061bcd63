"""Text comes out as it is written, in every format, whatever it holds."""

from __future__ import annotations

import builtins
import html
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphnn
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.diagram import Diagram
from graphnn.drawing.diagram.scene import Text
from graphnn.drawing.diagram.writers import mermaid, tikz
from places import SPECS

NAMES = [
    r"\Gamma",
    r"net\N",
    r"C:\Nets\new",
    "<script>alert(1)</script>",
    "a \" quote ' and ` another",
    "100% of $x_1^2$ {braces} # & ~",
    "]] --> }} | end",
    "Ωμέγα и число",
    "数字のネット",
    "🦊 fox",
    "&lt; &amp; &#65; #65;",
    "  two  spaces ",
]


def diagram(name: str, **options: object) -> Diagram:
    nodes = {"x": {"op": "input", "shape": ["batch"], "about": name}}
    document = {"graphnn": 1, "name": name, "nodes": nodes}
    return graphnn.loads(document).draw(about=True, **options)


def unescaped_dot(text: str) -> str:
    return html.unescape(re.sub(r"\\(.)", r"\1", text))


def unescaped_tikz(text: str) -> str:
    escapes = {escape: character for character, escape in tikz._SPECIAL.items()}
    pattern = "|".join(map(re.escape, sorted(escapes, key=len, reverse=True)))
    return re.sub(pattern, lambda found: escapes[found[0]], text)


def shown(name: str) -> str:
    """What is drawn: a square where no font of this machine has a character."""
    return "".join(run.text for run in measure.runs(name, "strong"))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_out_as_typed_or_is_warned_of(name: str):
    made = diagram(name)
    root = ElementTree.fromstring(made.content("svg"))
    assert root.findtext("{http://www.w3.org/2000/svg}title") == name
    drawn = "".join(element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text"))
    assert shown(name) in drawn
    missing = measure.missing(name)
    assert (shown(name) == name) or missing
    assert [found.code for found in made.warnings()] == ["no-glyph"] * bool(missing)
    for character in missing:
        assert f"U+{ord(character):04X}" in made.warnings()[0].message


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_escaped_in_every_text_format(name: str):
    made = diagram(name)
    assert name in unescaped_dot(made.content("dot").decode())
    assert html.escape(name) in made.content("html").decode()
    text = made.content("tikz").decode()
    assert "".join(name.split()) in "".join(unescaped_tikz(text).replace("\\ ", " ").split())
    text = mermaid._text(name).replace("<wbr/>", "")
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text) == name
    assert not set(text) & set('"<>[]{}|`\\&')


@settings(max_examples=12, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
def test_any_name_is_drawn_whole(name: str):
    made = diagram(name, title=True)
    texts = [item for item in made.scene.items if isinstance(item, Text)]
    assert name.strip() in {item.text.strip() for item in texts} or not name.strip()
    svg = made.content("svg").decode()
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    lost = measure.missing(name)
    squares = shown(name).count("\N{WHITE SQUARE}") - name.count("\N{WHITE SQUARE}")
    assert (squares > 0) == bool(lost)


def test_joiners_are_not_drawn_even_where_a_font_has_them(monkeypatch):
    monkeypatch.setattr(measure, "_find", lambda character, face: measure.font("regular"))
    measure._drawable.cache_clear()
    runs = measure.runs("a\N{ZERO WIDTH JOINER}b\N{RIGHT-TO-LEFT OVERRIDE}c", "regular")
    measure._drawable.cache_clear()
    assert [run.text for run in runs] == ["abc"]


def test_control_characters_are_visible_or_gone():
    made = diagram("a\u202eb\u2028c\u200bd")
    ElementTree.fromstring(made.content("svg"))
    for format in ("svg", "html", "tikz", "dot", "mermaid"):
        assert "\u202e" not in made.content(format).decode()


DRAWN = f"""
import hashlib, graphnn
diagram = graphnn.load({str(SPECS / "residual_blocks.yaml")!r}).draw(legend=True)
for format in ("svg", "pdf", "png", "html", "tikz", "dot", "mermaid"):
    print(format, hashlib.sha256(diagram.content(format)).hexdigest())
"""


SUMS = """
import builtins, functools, math, operator
plain = builtins.sum
def rounded(values, start=0):
    return functools.reduce(operator.add, values, start)
def exact(values, start=0):
    values = list(values)
    floats = any(type(each) is float for each in values)
    return math.fsum(values) + start if floats else plain(values, start)
builtins.sum = {0}
"""


@pytest.mark.slow
def test_the_same_spec_is_the_same_bytes_whatever_the_hash_seed_and_however_python_adds_floats(
    monkeypatch, capsys
):
    # From Python 3.12 on, sum() compensates what rounding loses.
    rounded, exact = (SUMS.replace("{0}", kind) + DRAWN for kind in ("rounded", "exact"))
    monkeypatch.setattr(builtins, "sum", sum)  # so that it is as before in the end
    exec(rounded, {})
    here = capsys.readouterr().out
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    there = subprocess.check_output([sys.executable, "-c", exact], env=environment, text=True)
    assert here.count("\n") == 7
    assert here == there


@settings(max_examples=5)
@given(st.sampled_from([*measure._FILES]), st.data())
def test_a_subset_is_the_same_bytes_whether_one_was_made_before(face, data):
    known = measure.font(face)
    text = data.draw(st.text([*filter(known.has, sorted(measure._COMMON))], min_size=1))
    measure._CUT.discard(known)
    first = measure._cut.__wrapped__(known, text)
    assert known in measure._CUT
    assert measure._cut.__wrapped__(known, text) == first


@pytest.mark.parametrize("face", measure._FILES)
def test_faces_that_ship_are_truetype_as_pdf_asks(face: measure.Face):
    assert "glyf" in measure.font(face).tables
