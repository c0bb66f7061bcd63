"""The benchmarks that drive Chromium run, and print a table."""

from __future__ import annotations

import pytest

from benchmark_runs import numbers, printed

pytestmark = pytest.mark.browser


def test_the_page_of_a_large_diagram():
    first, _, *rows = printed("page.py").splitlines()
    assert first.startswith("37 nodes, ")
    assert [row[:18].strip() for row in rows] == [
        *("open", "search", "fold one block", "fold all blocks", "unfold all blocks", "zoom")
    ]
    assert all(numbers(row)[0] >= 0 and numbers(row)[1] > 0 for row in rows)


def test_the_way_from_saving_to_the_picture():
    lines = printed("preview.py").splitlines()
    known, shown, longest, drawn = (numbers(line)[0] for line in lines)
    assert 0 < known <= shown <= longest
    assert drawn > 0
