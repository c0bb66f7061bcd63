"""The folder of bad specs: what is said of each, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphnn
from places import BAD_SPECS

SPECS = sorted(path.name for path in BAD_SPECS.iterdir() if path.suffix in (".yaml", ".json"))


@pytest.mark.parametrize("name", SPECS)
def test_what_is_said(name, monkeypatch):
    monkeypatch.chdir(BAD_SPECS)
    found = graphnn.diagnose(name)
    expected = Path(name).with_suffix(".expected").read_text(encoding="utf-8")
    assert str(graphnn.GraphnnError(*found)) + "\n" == expected
    errors = tuple(each for each in found if each.severity == "error")
    if errors and not any(each.code == "no-network" for each in errors):
        with pytest.raises(graphnn.GraphnnError) as caught:
            graphnn.train(name)
        assert caught.value.diagnostics[0].severity == "error"
    if name.startswith("two-faults"):
        assert len(found) == 2
    else:
        assert any(_named(name, diagnostic.code) for diagnostic in found)


def _named(name, code):
    stem = Path(name).stem
    return stem == code or stem.startswith(f"{code}-")


def test_every_spec_has_its_text_and_every_text_its_spec():
    texts = {path.stem for path in BAD_SPECS.glob("*.expected")}
    assert texts == {Path(name).stem for name in SPECS}
    assert len(SPECS) == len(texts)
