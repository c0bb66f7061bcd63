"""The picture of a confusion matrix."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from graphnn.diagnostics import DrawingError
from graphnn.drawing import confusion
from graphnn.drawing.plots import style
from tables import cases

COUNTS = [[8, 2, 0], [0, 5, 5], [0, 0, 1]]


def test_cells_show_counts_and_shares_of_the_true_class(tmp_path):
    figure = confusion(COUNTS, names=["ant", "bee", "cat"], path=tmp_path / "c.png")
    (axes,) = figure.axes
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((0, 0), "8"),
        ((1, 0), "2"),
        ((1, 1), "5"),
        ((2, 1), "5"),
        ((2, 2), "1"),
    }
    shares = axes.images[0].get_array()
    np.testing.assert_array_equal(shares, [[0.8, 0.2, 0], [0, 0.5, 0.5], [0, 0, 1]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ant", "bee", "cat"]
    (recall,) = axes.child_axes
    assert [label.get_text() for label in recall.get_yticklabels()] == ["80%", "50%", "100%"]
    assert recall.get_ylabel() == "recall"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert figure.get_suptitle() == "14 of 21 right"
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_a_class_without_rows_is_white():
    shares = confusion([[1, 0], [0, 0]]).axes[0].images[0].get_array()
    np.testing.assert_array_equal(shares, [[1, 0], [0, 0]])


def test_of_many_classes_the_shades_alone_are_shown():
    figure = confusion(np.eye(100, dtype=int))
    assert not figure.axes[0].texts
    assert max(figure.get_size_inches()) < 14


@cases(r"""
    counts= | message
    [[1, 2, 3]]
        | error[bad-picture-data]: counts of shape (1, 3) are not a confusion matrix
        \n   = help: give one row and one column a class
    [[1.5]] | error[bad-picture-data]: a confusion matrix holds whole numbers that count
    [[-1]] | error[bad-picture-data]: a confusion matrix holds whole numbers that count
""")
def test_counts_that_are_none(counts, message):
    with pytest.raises(DrawingError) as caught:
        confusion(counts)
    assert str(caught.value) == message


def test_without_matplotlib(monkeypatch):
    for name in ("matplotlib", "matplotlib.font_manager", "matplotlib.style"):
        monkeypatch.setitem(sys.modules, name, None)
    for known in (style._families, style._has_glyph, style._lookups):
        known.cache_clear()  # as before the first plot
    with pytest.raises(DrawingError) as caught:
        confusion([[1]], names=["a"])
    assert str(caught.value) == (
        "error[no-matplotlib]: plots need matplotlib, which is not installed\n"
        "   = help: pip install 'graphnn[plot]'"
    )
