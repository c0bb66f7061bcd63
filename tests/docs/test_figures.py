"""The diagrams that the README shows are those of the specs."""

from __future__ import annotations

import importlib
import re

import pytest

import graphnn
from places import ROOT

KEPT = {"xor": "gates/xor.yaml", "mnist": "mnist.yaml"}


@pytest.fixture(scope="module")
def figures():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield importlib.import_module("figures")


@pytest.fixture(scope="module")
def made(figures, tmp_path_factory):
    place = tmp_path_factory.mktemp("kept")
    figures.write_kept(place)
    return place


def texts(svg):
    return re.findall(r"<text[^>]*>(.*?)</text>", svg)


def test_all_that_is_kept_is_made(made):
    kept = {path.name for path in (ROOT / "docs" / "_static").glob("*.svg")}
    assert kept == {path.name for path in made.iterdir()} == {f"{name}.svg" for name in KEPT}


@pytest.mark.parametrize("name", KEPT)
def test_kept_diagram_is_up_to_date(made, name):
    kept = (ROOT / "docs" / "_static" / f"{name}.svg").read_text()
    again = (made / f"{name}.svg").read_text()
    assert texts(kept) == texts(again)
    assert kept == again


@pytest.mark.parametrize(("name", "spec"), KEPT.items())
def test_kept_diagram_shows_every_node(made, name, spec):
    shown = texts((made / f"{name}.svg").read_text())
    assert [node for node in graphnn.load(ROOT / "specs" / spec).graph.nodes if node in shown] == [
        *graphnn.load(ROOT / "specs" / spec).graph.spec.nodes
    ]


def test_graphviz_on_the_path_does_not_change_them(figures, made, tmp_path, monkeypatch):
    fake = tmp_path / "bin" / "dot"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    figures.write_kept(tmp_path / "kept")
    for path in made.iterdir():
        assert (tmp_path / "kept" / path.name).read_bytes() == path.read_bytes()
