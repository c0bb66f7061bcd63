"""The documentation builds without a warning, and needs no network to be read."""

from __future__ import annotations

import html
import re

import pytest

import docs_site
from graphnn.diagnostics import CODES, page_url
from graphnn.ops import REGISTRY
from once import once
from places import ROOT

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")
pytest.importorskip("latex2mathml")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return once(tmp_path_factory, "site", docs_site.build) / "html"


def test_every_page_is_there(site):
    names = [page.relative_to(ROOT / "docs").with_suffix("") for page in pages()]
    missing = [name for name in names if not (site / f"{name}.html").exists()]
    assert missing == []


def pages():
    made = (
        "_build",
        "errors",
        "figures",
        "ops",
        "performance-table.md",
        "performance-table-older.md",
        "plants-table.md",
        "tables",
    )
    found = (ROOT / "docs").rglob("*.md")
    return [page for page in found if page.relative_to(ROOT / "docs").parts[0] not in made]


@pytest.mark.parametrize("name", [n for n, op in REGISTRY.items() if not op.internal])
def test_every_op_has_a_page(site, name):
    assert f"<h1>{name}<" in (site / "ops" / f"{name}.html").read_text()


def test_every_code_has_a_page_where_its_link_leads(site):
    host = "https://graphnn.readthedocs.io/page/"
    for code in CODES:
        path = site / page_url(code).removeprefix(host)
        assert f"<h1>{code}<" in path.read_text(), code


def test_public_names_are_documented(site):
    page = (site / "python-api.html").read_text()
    for name in (
        "load",
        "Network.run",
        "check_gradients",
        "GradientEstimate",
        "train",
        "Diagnostic",
    ):
        assert f'id="graphnn.{name}"' in page
    for name in ("Op", "Op.vjp", "data", "parameter", "state", "noise", "register", "Inferred"):
        assert f'id="graphnn.ops.{name}"' in page


def test_formulas_and_types_are_rendered(site):
    page = (site / "ops" / "affine.html").read_text()
    assert "y=xW+b" in re.sub(r"<[^>]*>|\s", "", html.unescape(page))
    assert "<math " in page
    # rst's double backticks would show where Markdown is expected
    assert "``" not in page


def test_no_page_needs_the_network(site):
    loaded = r'<(?:script|img|iframe)[^>]*\ssrc="(https?:)?//|<link[^>]*rel="stylesheet"[^>]*//'
    for page in site.rglob("*.html"):
        assert re.search(loaded, page.read_text()) is None, page.name


def test_every_picture_is_there(site):
    for page in site.rglob("*.html"):
        for source in re.findall(r'<img[^>]*\ssrc="([^"]+)"', page.read_text()):
            assert (page.parent / source).stat().st_size > 1000, (page.name, source)
