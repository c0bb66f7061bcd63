"""Texts as they are while someone types: whatever is asked of them has an answer."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphnn.diagnostics import GraphnnError
from graphnn.lsp import queries, reading
from graphnn.lsp.document import Document
from graphnn.testing.strategies import invalid_specs
from graphnn.training import diagnose_text
from places import BAD_SPECS, ROOT

SPECS = [*sorted((ROOT / "specs").rglob("*.yaml")), BAD_SPECS / "cycle-block.yaml"]
CUTS = 4  # of each kind in each file; places asked about in each
START = "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"


def half_typed(text: str, rng: random.Random) -> Iterator[str]:
    """`text` cut off, and without one of its words."""
    words = [found.span() for found in re.finditer(r"[\w.-]+|\S", text)]
    for _ in range(CUTS):
        yield text[: rng.randrange(len(text))]
        start, end = rng.choice(words)
        yield text[:start] + text[end:]


def ask(document: Document, index: int) -> None:
    """Ask all that an editor may; only what is refused on purpose may be raised."""
    queries.complete(document, index)
    queries.hover(document, index)
    queries.definition(document, index)
    queries.references(document, index)
    try:
        queries.rename(document, index, "other")
    except GraphnnError as error:
        assert error.diagnostics


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (number % 3 > 0))
        for number, path in enumerate(SPECS)
    ],
)
def test_every_question_has_an_answer(path):
    text = path.read_text("utf-8")
    rng = random.Random(path.stem)
    for changed in half_typed(text, rng):
        document = Document(changed, path)
        document.diagnose(data=False)
        document.formatted()
        queries.symbols(document)
        for index in (*(rng.randrange(len(changed) + 1) for _ in range(CUTS)), len(changed)):
            ask(document, index)


@pytest.mark.parametrize(
    "rest",
    [
        "  y:\n    inputs: x\n  z: {op: relu, inputs: y}\n",
        "  y: {inputs: x}\n  loss: {op: mean_squared_error, inputs: [y, x]}\n",
        "  2y: {op: relu, inputs: x}\n  z: {op: relu, inputs: 2y}\n",
    ],
)
def test_a_node_without_an_op_that_another_reads(rest):
    document = Document(START + rest, Path("net.yaml"))
    found = queries.hover(document, document.text.index("shape"))
    assert found is not None and found[0].startswith("`shape`: ")
    assert "y" not in document.nodes
    for index in range(len(document.text) + 1):
        ask(document, index)


@settings(max_examples=6)
@given(invalid_specs(most=3), st.randoms(use_true_random=False))
def test_a_text_that_is_read_once_is_checked_as_if_read_anew(tmp_path_factory, case, rng):
    path = tmp_path_factory.getbasetemp() / ("net.json" if case.json else "net.yaml")
    for text in (case.text, *half_typed(case.text, rng)):
        document = Document(text, path)
        assert document.nodes is not None
        assert document.names is not None
        found = diagnose_text(
            document.text, name=str(path), folder=path.parent, json=case.json, data=False
        )
        for _ in range(2):
            assert document.diagnose(data=False) == (found if document.is_spec else ())


def test_a_text_is_read_once(monkeypatch):
    read, texts = reading.reader.read, []
    monkeypatch.setattr(
        reading.reader, "read", lambda text, *a, **o: texts.append(text) or read(text, *a, **o)
    )
    document = Document(START, Path("net.yaml"))
    assert document.is_spec
    assert document.diagnose() == ()
    assert list(document.nodes) == ["x"]
    assert document.names.definition(("node", "", "x")) is not None
    assert texts == [START]
