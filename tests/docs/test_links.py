"""Links of pages that Sphinx does not build lead somewhere, and those to other sites are found.

Those within the documentation are checked by the build, whose warnings are errors, and in a
browser.
"""

from __future__ import annotations

import importlib
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from places import ROOT

_LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")
OUTSIDE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("benchmarks/**/*.md")]
OUTSIDE += ROOT.glob("graphnn/gradients/**/*.md")
CODES = {"/fine": 200, "/gone": 404, "/wary": 403, "/broken": 500}


def marks(page: Path) -> set[str]:
    """Marks of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def faults(page: Path) -> list[str]:
    found = []
    for link in _LINK.findall(page.read_text()):
        name, _, mark = link.partition("#")
        target = page.parent / name if name else page
        missing = not target.exists() or (mark and mark not in marks(target))
        if missing and not link.startswith("http"):
            found.append(link)
    return found


@pytest.mark.parametrize("page", OUTSIDE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path):
    assert faults(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `b`: c\n[1](none.md) [2](page.md#a-b-c) [3](#a-b) [4](https://a.b)\n")
    assert faults(page) == ["none.md", "#a-b"]


@pytest.fixture
def site():
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(CODES[self.path])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_dead_links_to_other_sites_are_listed(site, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    checker = importlib.import_module("links")
    monkeypatch.setattr(checker, "LOCAL", re.compile("https://local.host"))
    page = tmp_path / "page.md"
    page.write_text(
        f"([fine]({site}/fine#mark)), {site}/gone.\n[wary]({site}/wary) {site}/broken\n"
        f"https://local.host/ {site}/gone\n"
    )
    assert checker.main([str(page)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{site}/gone: 404", f"    {page}:1", f"    {page}:3",
        f"{site}/broken: 500", f"    {page}:2", "4 links, 2 dead",
    ]  # fmt: skip
