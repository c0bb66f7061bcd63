"""The gallery: specs that are sound, counted as in the literature, and pictures of all of them."""

from __future__ import annotations

import importlib
import re

import pytest

import graphnn
from places import ROOT

SPECS = sorted((ROOT / "docs" / "gallery").glob("*.yaml"))
PAGE = (ROOT / "docs" / "gallery.md").read_text()


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_spec_is_sound_and_formatted(path):
    assert graphnn.diagnose(path) == ()
    assert graphnn.format_text(path.read_text()) == path.read_text()


@pytest.mark.parametrize("name", ["apples_and_oranges", "two_layer"])
def test_examples_of_small_ones_come_out(name):
    results = graphnn.run_examples(graphnn.load(ROOT / "docs" / "gallery" / f"{name}.yaml"))
    assert results and all(result.ok for result in results)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_has_its_picture(path):
    assert f"(figures/gallery_{path.stem}.svg)" in PAGE


@pytest.mark.slow
def test_every_picture_of_the_page_is_made(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "docs")
    importlib.import_module("figures_gallery").write(tmp_path)
    shown = set(re.findall(r"\(figures/(gallery_\w+\.svg)\)", PAGE))
    assert shown == {path.name for path in tmp_path.iterdir()}
