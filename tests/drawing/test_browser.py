"""Diagrams as Chromium shows them, where neither Helvetica nor Arial is installed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import graphnn
from chromium import chromium
from hostile_texts import HOSTILE, PLACES, spec
from places import SPECS

pytestmark = pytest.mark.browser

MEASURE = """
const done = arguments[0];
const rectangle = (box) => [box.x, box.y, box.width, box.height];
const shown = document.querySelector('.layer:not([hidden])') ?? document;
const picture = shown.querySelector('svg');
// Browsers round the heights of fonts to whole pixels: have many pixels.
picture.style.width = `${16 * picture.viewBox.baseVal.width}px`;
picture.style.height = `${16 * picture.viewBox.baseVal.height}px`;
picture.classList.remove('far');
window.dispatchEvent(new Event('beforeprint'));  // a page draws no more than is seen
document.fonts.ready.then(() => {
  const texts = [...shown.querySelectorAll('svg text')].map((text) => {
    const owner = text.closest('[data-node]');
    const boxes = owner ? [...owner.querySelectorAll('rect, polygon')] : [];
    const place = rectangle(text.getBBox());
    text.removeAttribute('textLength');
    return {words: text.textContent, place, boxes: boxes.map((box) => rectangle(box.getBBox())),
            free: text.getBBox().width};
  });
  const view = picture.viewBox.baseVal;
  const statuses = [...document.fonts].map((font) => font.status);
  done({texts, page: rectangle(view), fonts: statuses});
});
"""
FILES = sorted(path for path in SPECS.rglob("*.yaml") if path.parent.name != "blocks")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def inside(inner: list[float], outer: list[float], slack: float = 0.1) -> bool:
    x, y, width, height = inner
    left, top, wide, high = outer
    return (
        left - slack <= x
        and top - slack <= y
        and x + width <= left + wide + slack
        and y + height <= top + high + slack
    )


def overlap(a: list[float], b: list[float]) -> bool:
    return all(a[at] < b[at] + b[at + 2] and b[at] < a[at] + a[at + 2] for at in (0, 1))


def faults(browser: Any, path: Path) -> list[str]:
    """What of the texts in a file is drawn over another, outside its box, or in another font."""
    browser.get(path.as_uri())
    found = browser.execute_async_script(MEASURE)
    texts = found["texts"]
    assert texts
    assert "error" not in found["fonts"]
    faults = [
        f"{a['words']!r} over {b['words']!r}"
        for a, b in combinations(texts, 2)
        if overlap(a["place"], b["place"])
    ]
    for text in texts:
        if not any(inside(text["place"], box) for box in text["boxes"] or [found["page"]]):
            faults.append(f"{text['words']!r} leaves its box")
        if abs(text["free"] - text["place"][2]) > 0.02 * text["place"][2] + 0.1:
            faults.append(f"{text['words']!r} is {text['free']} wide in the font of the browser")
    return faults


@pytest.mark.parametrize("format", ["svg", "html"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_texts_stay_in_their_boxes(browser: Any, tmp_path: Path, path: Path, format: str):
    file = tmp_path / f"net.{format}"
    graphnn.load(path).draw(file, legend=True)
    assert faults(browser, file) == []


def test_a_text_that_is_too_wide_is_found(browser: Any, tmp_path: Path):
    file = tmp_path / "net.svg"
    graphnn.load(SPECS / "gates" / "and.yaml").draw(file)
    file.write_text(file.read_text().replace(">affine<", ">an affine map of many units<"))
    assert [fault.split(" is ")[0] for fault in faults(browser, file)] == [
        "'an affine map of many units'"
    ]


@pytest.mark.parametrize("format", ["svg", "html"])
@pytest.mark.parametrize("words", HOSTILE)
def test_what_is_hostile_is_text(browser: Any, tmp_path: Path, words: str, format: str):
    file = tmp_path / f"net.{format}"
    graphnn.loads(spec(words)).draw(file, about=True)
    assert faults(browser, file) == []
    assert browser.title == " ".join(words.split())
    shown = browser.execute_script(
        "const shown = document.querySelector('.layer:not([hidden])') ?? document;"
        "return [...shown.querySelectorAll('svg text')].map((text) => text.textContent).join('')"
    )
    assert "".join(shown.split()).count("".join(words.split())) == PLACES


# The policy that VS Code has for outputs of notebooks; the renderer that ships with it writes what
# _repr_html_ gives into an element, before any other form.
VS_CODE = (
    '<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy content="'
    "default-src 'none'; script-src https: 'unsafe-inline'; style-src https: 'unsafe-inline'; "
    'img-src https: http: data:; font-src https:; connect-src https:; child-src https: data:"><div>'
    "</div><script>document.querySelector('div').innerHTML = OUTPUT</script>"
)
LOADED = """
const [done] = arguments;
const image = document.images[0];
const tell = () => done(image.naturalWidth);
if (image.complete) tell(); else image.addEventListener('load', tell);
"""


def test_a_notebook_of_vs_code_shows_a_diagram_in_its_own_fonts(browser: Any, tmp_path: Path):
    def photographed(html: str) -> bytes:
        path = tmp_path / "cell.html"
        path.write_text(VS_CODE.replace("OUTPUT", json.dumps(html)))
        browser.get(path.as_uri())
        assert browser.execute_async_script(LOADED) > 0
        made: bytes = browser.get_screenshot_as_png()
        return made

    diagram = graphnn.load(SPECS / "gates" / "and.yaml").draw()
    html = diagram._repr_html_()
    shown = photographed(html)
    assert browser.get_log("browser") == []
    bare = re.sub(r"@font-face\{.*?\}", "", diagram._repr_svg_())
    data = base64.b64encode(bare.encode()).decode()
    assert photographed(re.sub('base64,[^"]*', f"base64,{data}", html)) != shown
    assert photographed(html) == shown


def test_pictures_on_one_page_have_roles_names_and_no_effect_on_others(browser: Any):
    nets = [graphnn.load(SPECS / "gates" / name) for name in ("and.yaml", "xor.yaml")]
    pictures = "".join(net._repr_svg_() for net in nets)
    browser.get("about:blank")
    browser.execute_script("document.body.innerHTML = arguments[0] + '<p>x</p>'", pictures)
    found = browser.find_elements("css selector", "svg")
    assert [(each.aria_role, each.accessible_name) for each in found] == [
        ("image", "AND gate"),
        ("image", "XOR gate"),
    ]
    assert browser.find_elements("css selector", "[id]") == []
    rules = browser.execute_script(
        "return [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])"
        ".map((rule) => [rule.type, rule.style.fontFamily, rule.style.src])"
    )
    assert {kind for kind, _, _ in rules} == {5}  # of fonts
    # Fonts are cut to what a picture uses: under one name, one would lack letters of the other.
    assert len({family for _, family, _ in rules}) == len({source for _, _, source in rules}) == 6
