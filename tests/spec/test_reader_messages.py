"""What the reader says of mistakes in YAML and in JSON, to the letter."""

from __future__ import annotations

import ast

import pytest
import yaml

from graphnn.diagnostics import SpecError
from graphnn.spec import reader
from places import BAD_SPECS


def mistakes(language: str) -> list[object]:
    """Texts, as Python writes them, and what is said of each."""
    words = (BAD_SPECS / "mistakes" / f"{language}.txt").read_text(encoding="utf-8")
    parts = [each.split("\n", 2) for each in words.removeprefix("# ").rstrip("\n").split("\n\n# ")]
    return [pytest.param(ast.literal_eval(text), said, id=name) for name, text, said in parts]


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="the words are those of libyaml")
@pytest.mark.parametrize(("text", "said"), mistakes("yaml"))
def test_message_of_a_mistake_in_yaml(text, said):
    with pytest.raises(SpecError) as caught:
        reader.read(text, "net", json=False)
    assert str(caught.value) == said


@pytest.mark.parametrize(("text", "said"), mistakes("json"))
def test_message_of_a_mistake_in_json(text, said):
    with pytest.raises(SpecError) as caught:
        reader.read(text, "net", json=True)
    assert str(caught.value) == said
