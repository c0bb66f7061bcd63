"""What the pages show beside what Sphinx does by itself."""

from __future__ import annotations

import pytest

from docs_pages import docs_module

pytest.importorskip("sphinx")


def test_output_that_begins_with_a_hash_is_no_prompt():
    text = "$ cat fruit.yaml\n# Predicts 3 columns.\ngraphnn: 1\n$ echo $?\n0\n"
    found = [
        (str(kind), value.strip())
        for kind, value in docs_module("rendering").Console().get_tokens(text)
        if "Prompt" in str(kind) or "Output" in str(kind)
    ]
    assert found == [
        ("Token.Generic.Prompt", "$"),
        ("Token.Generic.Output", "# Predicts 3 columns."),
        ("Token.Generic.Output", "graphnn: 1"),
        ("Token.Generic.Prompt", "$"),
        ("Token.Generic.Output", "0"),
    ]


def test_attributes_described_together_have_an_entry_each():
    lines = [
        "What it is.",
        "",
        ":ivar width, n_iter_: How far it goes,",
        "    and how often.",
        ":vartype width, n_iter_: int",
        r":ivar run\_: The run.",
        "",
    ]
    docs_module("rendering").name_attributes(None, "class", "name", None, None, lines)
    assert lines == [
        *("What it is.", "", ":ivar width: How far it goes,", "    and how often."),
        *(r":ivar n_iter\_: How far it goes,", "    and how often.", ":vartype width: int"),
        *(r":vartype n_iter\_: int", r":ivar run\_: The run.", ""),
    ]
