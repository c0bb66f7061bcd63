"""The page that compares diagrams of other tools: its table, its pictures, and what makes them."""

from __future__ import annotations

import re

import pytest

from benchmark_runs import printed
from places import ROOT

PAGE = (ROOT / "docs" / "diagrams.md").read_text()
PICTURES = ROOT / "docs" / "_static" / "diagrams"
TOOLS = ["Netron", "Keras", "torchview", "torchvista", "visualtorch", "graphnn"]


def rows() -> list[list[str]]:
    """The cells of the table of what each shows."""
    table = PAGE.split("## What each shows")[1].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_table_has_a_column_for_each_tool_and_25_rows():
    head, _, *body = rows()
    assert head == ["", *TOOLS]
    assert len(body) >= 25
    assert [row for row in body if len(row) != 7 or not all(row)] == []
    assert len({row[0] for row in body}) == len(body)


def test_what_is_read_is_marked_and_nothing_of_graphnn_is():
    cells = [cell for row in rows()[2:] for cell in row[1:]]
    assert any("[^read]" in cell for cell in cells)
    assert not any("[^read]" in row[-1] for row in rows())
    assert PAGE.count("[^read]: ") == 1


def test_others_are_ahead_somewhere():
    assert [row[0] for row in rows()[2:] if row[-1] == "no" and set(row[1:-1]) != {"no"}] != []


def test_every_picture_is_shown_and_small():
    shown = re.findall(r"\(_static/diagrams/(\w+\.png)\)", PAGE)
    there = sorted(PICTURES.iterdir())
    assert sorted(shown) == [path.name for path in there]
    assert max(path.stat().st_size for path in there) < 200_000
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in there)


@pytest.mark.browser
def test_the_script_draws_with_what_is_there_and_skips_the_rest_by_name(tmp_path):
    lines = printed("diagrams.py", options=["--output", str(tmp_path)]).splitlines()
    drawn = {line.split(":")[0] for line in lines if line.endswith(" kB")}
    skipped = {line.split(":")[0] for line in lines if ": skipped, there is no " in line}
    assert "graphnn" in drawn
    assert drawn.isdisjoint(skipped)
    assert drawn | skipped == {
        "netron",
        "keras",
        "torchview",
        "torchvista",
        "visualtorch",
        "graphnn",
    }
    named = {path.name for path in tmp_path.iterdir()}
    assert {"mnist_graphnn.png", "mnist_graphnn_textbook.png"} <= named
