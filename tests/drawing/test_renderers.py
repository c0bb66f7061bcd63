"""Diagrams as text, as Mermaid in Chromium and Graphviz draw them."""

from __future__ import annotations

import subprocess
import tarfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import pytest

import graphnn
from chromium import chromium
from hostile_texts import HOSTILE, PLACES, spec

pytestmark = pytest.mark.browser

RENDER = """
const [text, securityLevel, done] = arguments;
mermaid.initialize({startOnLoad: false, securityLevel});
mermaid.render('picture', text).then(({svg}) => {
  document.body.innerHTML = svg;
  const labels = [...document.querySelectorAll('foreignObject')];
  setTimeout(() => done(labels.map((label) => label.textContent)), 50);
}, (fault) => done([`${fault}`]));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page on which Mermaid runs."""
    folder = tmp_path_factory.mktemp("mermaid")
    subprocess.run(["npm", "pack", "--silent", "mermaid@11.17.2"], cwd=folder, check=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extract("package/dist/mermaid.min.js", folder, filter="data")
    (folder / "page.html").write_text(
        '<!doctype html><meta charset="utf-8"><title>before</title>'
        '<script src="package/dist/mermaid.min.js"></script>'
    )
    with chromium() as browser:
        browser.get((folder / "page.html").as_uri())
        yield browser


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("level", ["strict", "loose"])
@pytest.mark.parametrize("words", HOSTILE)
def test_mermaid_shows_what_is_hostile_as_text(page: Any, words: str, level: str):
    text = graphnn.loads(spec(words)).draw(about=True).content("mermaid").decode()
    labels = page.execute_async_script(RENDER, text, level)
    assert squeezed("".join(labels)).count(squeezed(words)) == PLACES - 1
    assert page.title == "before"


@pytest.mark.parametrize("words", HOSTILE)
def test_graphviz_shows_what_is_hostile_as_text(words: str):
    dot = graphnn.loads(spec(words)).draw(about=True).content("dot")
    done = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, check=True)
    assert done.stderr == b""
    texts = ElementTree.fromstring(done.stdout).iter("{http://www.w3.org/2000/svg}text")
    shown = squeezed("".join(each.text or "" for each in texts))
    assert shown.count(squeezed(words)) == PLACES
