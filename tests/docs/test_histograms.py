"""What a grid of histograms shows, read back from the artists of its figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from docs_pages import docs_module
from graphnn.diagnostics import DrawingError
from tables import cases

histograms = docs_module("plots.histograms").histograms
NAN, INF = math.nan, math.inf
QUARTERS = [0.1, 0.3, 0.3, 0.6, 0.6, 0.6, 0.9, 0.9]  # 1, 2, 3 and 2 of 8 in the quarters of 0 to 1


def heights(axes: Axes) -> list[float]:
    (bars,) = axes.patches
    return bars.get_data().values.tolist()


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def ends(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def one(values: Any, **options: Any) -> Axes:
    (axes,) = histograms({"row": {"column": values}}, **options).axes
    return axes


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(DrawingError) as caught:
        make()
    return str(caught.value)


def test_bars_are_shares_of_the_values() -> None:
    axes = one(QUARTERS, limits=(0, 1), bins=4)
    assert heights(axes) == [1 / 8, 2 / 8, 3 / 8, 2 / 8]
    assert axes.patches[0].get_data().edges.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert ends(axes) == ["0", "1"]
    assert texts(axes) == ["std 0.27"]
    assert np.std(QUARTERS) == pytest.approx(0.27, abs=0.005)


def test_arrays_of_any_shape_and_kind_count_whole() -> None:
    axes = one(np.arange(24).reshape(2, 3, 4), bins=3)
    assert heights(axes) == [8 / 24] * 3
    assert ends(axes) == ["0", "23"]
    assert heights(one([True, False, True, True], bins=2)) == [0.25, 0.75]


def test_a_panel_reaches_over_its_own_values() -> None:
    axes = one([-2000.0, 0.0, 0.0, 6000.0], bins=4)
    assert ends(axes) == ["\N{MINUS SIGN}2,000", "6,000"]
    assert heights(axes) == [0.25, 0.5, 0, 0.25]


def test_rows_and_columns() -> None:
    figure = histograms(
        {"small": {"a": [0, 1], "b": [0, 0, 0, 1]}, "large": {"b": [5, 6], "c": [7, 9]}}, bins=2
    )
    panels = figure.axes
    assert len(panels) == 6
    assert [axes.get_title("center") for axes in panels[:3]] == ["a", "b", "c"]
    assert [panels[0].get_ylabel(), panels[3].get_ylabel()] == ["small", "large"]
    drawn = [bool(axes.patches) for axes in panels]
    assert drawn == [True, True, False, False, True, True]
    assert heights(panels[1]) == [0.75, 0.25]
    assert ends(panels[5]) == ["7", "9"]
    for axes in (panels[2], panels[3]):
        assert not any(spine.get_visible() for spine in axes.spines.values())
        assert (ends(axes), texts(axes)) == ([], [])


def test_a_row_has_one_scale_with_room_for_the_words() -> None:
    figure = histograms({"one": {"a": [0, 1], "b": [0, 0, 0, 1]}, "two": {"a": [0, 1]}}, bins=2)
    tops = [axes.get_ylim()[1] for axes in figure.axes]
    assert tops[0] == tops[1] > 0.75
    assert 0.5 < tops[2] < 0.9 * tops[0]


def test_what_lies_outside_is_reported() -> None:
    axes = one([*QUARTERS, -5.0, 7.0, 8.0, 9.0], limits=(0, 1), bins=4)
    assert heights(axes) == [1 / 12, 2 / 12, 3 / 12, 2 / 12]
    assert texts(axes)[1:] == ["← 8 %", "25 % →"]
    assert texts(one([0.5] * 999 + [3.0], limits=(0, 1)))[1:] == ["< 1 % →"]


def test_bars_are_cut_off_and_reported() -> None:
    axes = one(QUARTERS, limits=(0, 1), bins=4, top=0.3)
    assert heights(axes) == [1 / 8, 2 / 8, 0.3, 2 / 8]
    assert texts(axes)[1:] == ["38 %"]
    # Side by side they are one.
    axes = one(QUARTERS, limits=(0, 1), bins=4, top=0.2)
    assert heights(axes) == [1 / 8, 0.2, 0.2, 0.2]
    assert texts(axes)[1:] == ["88 %"]
    axes = one([0.1, 0.1, 0.4, 0.9, 0.9], limits=(0, 1), bins=4, top=0.3)
    assert texts(axes)[1:] == ["40 %", "40 %"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "no values"),
        ([NAN, INF, -INF], "3 not finite"),
        ([NAN, 1.0, 3.0, 1e301], "std 1, 2 not finite"),
    ],
)
def test_values_that_cannot_be_drawn_are_counted(values: list[float], words: str) -> None:
    assert texts(one(values))[0] == words


def test_values_that_are_not_finite_count_among_all() -> None:
    assert heights(one([NAN, 1.0, 3.0, 3.0], bins=2)) == [0.25, 0.5]


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        (3.0, ["1.5", "4.5"]),
        (-3.0, ["\N{MINUS SIGN}4.5", "\N{MINUS SIGN}1.5"]),
        (0.0, ["\N{MINUS SIGN}0.5", "0.5"]),
        (5e-324, ["\N{MINUS SIGN}0.5", "0.5"]),
    ],
)
def test_values_that_are_all_the_same_stand_in_the_middle(value: float, labels: list[str]) -> None:
    axes = one([value] * 4, bins=3)
    assert heights(axes) == [0, 1, 0]
    assert ends(axes) == labels
    assert texts(axes) == ["std 0"]


def test_the_ends_of_what_a_float_holds() -> None:
    axes = one([-1e300, 1e300, 1e300], bins=2)
    assert heights(axes) == [1 / 3, 2 / 3]
    assert ends(axes) == ["\N{MINUS SIGN}1×10³⁰⁰", "1×10³⁰⁰"]
    assert texts(axes) == ["std 9.4×10²⁹⁹"]


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 0.00012, ["0", "0.00012"]),
        (0.0, 1.24e-5, ["0", "1.2×10⁻⁵"]),
        (0.0, 12345.0, ["0", "12,000"]),
        (0.0, 123456.0, ["0", "1.2×10⁵"]),
        (0.0, 9.96, ["0", "10"]),
        (1.001, 1.003, ["1.001", "1.003"]),
        (4.0, 4.0000002, ["4", "+2×10⁻⁷"]),
    ],
)
def test_numbers_as_people_write_them(low: float, high: float, labels: list[str]) -> None:
    assert ends(one([low, high])) == labels


def test_long_names_are_cut() -> None:
    figure: Figure = histograms({"r" * 50: {"c" * 50: [1.0]}})
    assert figure.axes[0].get_ylabel().endswith("r…")
    assert figure.axes[0].get_title("center").endswith("c…")
    assert len(figure.axes[0].get_title("center")) < 30


@cases(
    r"""
    values= | options= | message
    {} | {} | there are no values to draw
    {"row": {}} | {} | there are no values to draw
    {"row": {"a": [1.0]}} | {"limits": (2, 1)}
        | no axis reaches from 2 to 1\n   = help: the second of two finite limits is larger
    {"row": {"a": [1.0]}} | {"limits": (0, INF)}
        | no axis reaches from 0 to inf\n   = help: the second of two finite limits is larger
    {"row": {"a": [1.0]}} | {"top": 0.0}
        | bars cannot be cut off at 0\n   = help: a share is above 0, at most 1
    {"row": {"a": [1.0]}} | {"bins": 0}
        | a histogram cannot have 0 bins\n   = help: it has 1 to 10,000
    """,
    INF=INF,
)
def test_what_makes_no_picture(values: Any, options: Any, message: str) -> None:
    assert refusal(lambda: histograms(values, **options)) == f"error[bad-picture-data]: {message}"
