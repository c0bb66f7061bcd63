"""Every page of the built documentation, as a phone and a screen show it in Chromium.

``GRAPHNN_SITE`` names a build that is there already, so that it is not made again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

import docs_site
from chromium import chromium
from once import once

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")
pytest.importorskip("latex2mathml")

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What sticks out, apart from what scrolls or is cut within a box of its own.
MEASURE = """
const wide = document.scrollingElement.scrollWidth;
const held = (found) => {
  for (let box = found.parentElement; box && !box.matches('.content'); box = box.parentElement) {
    if (getComputedStyle(box).overflowX !== 'visible') return true;
  }
  return getComputedStyle(found).position === 'fixed';
};
const edge = document.documentElement.clientWidth + 0.5;
const out = [...document.querySelectorAll('.content *')].filter(
  (found) => found.getBoundingClientRect().right > edge && !held(found));
const slanted = [...document.querySelectorAll('.highlight .go')].filter(
  (found) => getComputedStyle(found).fontStyle !== 'normal');
const images = [...document.images].filter((image) => image.complete && !image.naturalWidth);
return {
  wide,
  out: out.slice(0, 3).map((found) => `${found.tagName} ${found.textContent.slice(0, 60)}`),
  slanted: slanted.length,
  broken: images.map((image) => image.src),
  links: [...document.querySelectorAll('a[href]')].map((link) => link.href),
  marks: [...document.querySelectorAll('[id]')].map((found) => found.id),
};
"""
PHONE, SCREEN = 390, 1280


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if there := os.environ.get("GRAPHNN_SITE"):
        return Path(there)
    return once(tmp_path_factory, "site", docs_site.build) / "html"


@pytest.fixture(scope="module")
def measured(site, tmp_path_factory):
    """What is measured of every page, by width and page."""
    written = once(tmp_path_factory, "measured", lambda folder: measure(site, folder))
    rows = json.loads((written / "rows.json").read_text())
    assert len(rows) > 500
    return {(width, site / page): its for width, page, its in rows}


def measure(site, folder):
    rows = []
    with chromium() as browser:
        for width in (PHONE, SCREEN):
            # A window has a least width; this is that of the page in it.
            sizes = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)
            for page in sorted(site.rglob("*.html")):
                browser.get(page.as_uri())
                its = browser.execute_script(MEASURE)
                rows.append((width, str(page.relative_to(site)), its))
    (folder / "rows.json").write_text(json.dumps(rows))


@pytest.mark.parametrize("width", [PHONE, SCREEN])
def test_no_page_is_wider_than_the_window(site, measured, width):
    faults = {
        str(page.relative_to(site)): (its["wide"], its["out"])
        for (at, page), its in measured.items()
        if at == width and (its["wide"] > width or its["out"])
    }
    assert faults == {}


def test_output_is_upright(measured):
    assert {page.name for (_, page), its in measured.items() if its["slanted"]} == set()


def test_every_picture_is_shown(measured):
    assert {page.name: its["broken"] for (_, page), its in measured.items() if its["broken"]} == {}


def test_every_link_within_the_documentation_leads_somewhere(site, measured):
    marks = {page: set(its["marks"]) for (at, page), its in measured.items() if at == SCREEN}
    faults = set()
    for (at, page), its in measured.items():
        if at != SCREEN:
            continue
        for link in set(its["links"]):
            target, mark = urldefrag(unquote(link))
            if not target.startswith("file://"):
                continue
            path = Path(target.removeprefix("file://"))
            fine = path.exists() and (not mark or path.suffix != ".html" or mark in marks[path])
            if not fine:
                faults.add(f"{page.relative_to(site)}: {link}")
    assert faults == set()
