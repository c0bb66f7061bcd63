"""The gallery: specs that are sound, counted as in the literature, and pictures of all of them."""

from __future__ import annotations

import importlib
import re

import numpy as np
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


def test_an_unrolled_lstm_gives_what_one_node_gives():
    whole, unrolled = (
        graphnn.load(ROOT / "docs" / "gallery" / f"{name}.yaml")
        for name in ("lstm", "lstm_unrolled")
    )
    same = {"h.weight": "h.1.a.weight", "h.recurrent": "h.1.b.weight", "h.bias": "h.1.a.bias"}
    random = np.random.default_rng(0)
    for name, array in whole.parameters.items():
        array[...] = random.normal(size=array.shape)
        unrolled.parameters[same.get(name, name)][...] = array
    x = random.normal(size=(3, 4, 28))
    np.testing.assert_allclose(unrolled.run(x=x)["y"], whole.run(x=x)["y"], rtol=1e-12)


@pytest.mark.slow
def test_every_picture_of_the_page_is_made(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "docs")
    importlib.import_module("figures_gallery").write(tmp_path)
    shown = set(re.findall(r"\(figures/(gallery_\w+\.svg)\)", PAGE))
    assert shown == {path.name for path in tmp_path.iterdir()}
