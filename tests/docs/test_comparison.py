"""What runs side by side show, read back from the artists of the figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from docs_pages import docs_module
from graphnn.diagnostics import DrawingError
from graphnn.drawing.plots import style
from tables import cases

comparison = docs_module("plots.comparison").comparison
NAN, INF = math.nan, math.inf
PLAIN = {
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.3, 0.6, 1.0],
    "validation_accuracy": [0.2, 0.5, 0.6],
}
DECAY = {
    "loss": [2.5, 1.5, 1.0],
    "accuracy": [0.2, 0.4, 0.8],
    "validation_accuracy": [0.2, 0.5, 0.7],
}


def grid(figure: Figure, columns: int) -> list[list[Axes]]:
    axes = figure.axes
    return [axes[start : start + columns] for start in range(0, len(axes), columns)]


def lines(axes: Axes) -> dict[str, Any]:
    return {str(line.get_label()): np.asarray(line.get_xydata()).tolist() for line in axes.lines}


def ends(axes: Axes) -> list[tuple[str, float, float]]:
    """Text, epoch and height of what stands beside the lines, from below."""
    return sorted(((t.get_text(), *t.xy) for t in axes.texts), key=lambda end: end[2])


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(DrawingError) as caught:
        make()
    return str(caught.value)


def test_a_column_is_a_run_and_a_row_a_measure() -> None:
    figure = comparison({"plain": PLAIN, "decay": DECAY})
    rows = grid(figure, 2)
    assert [axes.get_title("left") for axes in rows[0]] == ["plain", "decay"]
    assert [row[0].get_ylabel() for row in rows] == ["loss", "accuracy"]
    for column, run in enumerate((PLAIN, DECAY)):
        losses = [[epoch, loss] for epoch, loss in enumerate(run["loss"], 1)]
        assert lines(rows[0][column]) == {"training": losses}
        for label, name in (("training", "accuracy"), ("validation", "validation_accuracy")):
            expected = [[epoch, value] for epoch, value in enumerate(run[name], 1)]
            assert lines(rows[1][column])[label] == expected
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["training", "validation"]


def test_all_have_the_same_epochs_and_a_row_the_same_values() -> None:
    short = {"loss": [4.0], "accuracy": [0.1]}
    figure = comparison({"plain": PLAIN, "short": short})
    rows = grid(figure, 2)
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    left, right = rows[0][0].get_xlim()
    assert left <= 1 < 3 < right
    for row in rows:
        assert row[0].get_ylim() == row[1].get_ylim()
    low, high = rows[0][0].get_ylim()
    assert low <= 0.5 < 4.0 <= high


def test_last_values_stand_beside_the_lines() -> None:
    (axes,) = comparison({"plain": PLAIN}, measures=["accuracy"]).axes
    low, high = axes.get_ylim()
    found = ends(axes)
    assert [(text, epoch) for text, epoch, _ in found] == [("0.600", 3), ("1.000", 3)]
    for (_, _, height), value in zip(found, (0.6, 1.0), strict=True):
        assert height == pytest.approx((value - low) / (high - low), abs=0.03)
    colors = {text.get_text(): text.get_color() for text in axes.texts}
    assert colors == {"0.600": style.VERMILLION, "1.000": style.BLUE}


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_last_values_that_are_close_stand_apart_within_the_panel(level: float) -> None:
    run = {"accuracy": [0.0, 1.0, level], "validation_accuracy": [0.0, 0.5, level + 0.002]}
    (axes,) = comparison({"run": run}, measures=["accuracy"]).axes
    (first, _, below), (second, _, above) = ends(axes)
    assert (first, second) == (f"{level:.3f}", f"{level + 0.002:.3f}")
    assert above - below == pytest.approx(0.1)
    assert 0 < below < above < 1


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        ([2.0, 0.00051234], "0.001"),
        ([0.02, 0.00051234], "0.00051"),
        ([250.0, 17.123], "17.1"),
        ([25000.0, 17.123], "17"),
        ([2.5e9, 17123456.0], "1.71e+07"),
        ([2.5e-9, 1.7123e-9], "1.71e-09"),
    ],
)
def test_last_values_have_the_digits_that_matter(losses: list[float], text: str) -> None:
    (axes,) = comparison({"run": {"loss": losses}}, limits={"loss": (0.0, losses[0])}).axes
    assert [found for found, _, _ in ends(axes)] == [text]


def test_a_line_that_ends_earlier_has_its_value_there() -> None:
    run = {"loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 2.5]}
    (axes,) = comparison({"run": run}).axes
    assert [(text, epoch) for text, epoch, _ in ends(axes)] == [("1.000", 3), ("2.500", 2)]


def test_history_numbers_its_epochs() -> None:
    (axes,) = comparison({"run": {"epoch": [5, 6, 7], "loss": [3.0, 2.0, 1.0]}}).axes
    assert lines(axes)["training"] == [[5, 3], [6, 2], [7, 1]]
    left, right = axes.get_xlim()
    assert 4 < left <= 5
    assert right > 7
    assert all(tick <= 7 for tick in axes.get_xticks())


def test_limits_are_those_of_the_axis() -> None:
    figure = comparison({"plain": PLAIN, "decay": DECAY}, limits={"accuracy": (0.0, 1.0)})
    rows = grid(figure, 2)
    assert [axes.get_ylim() for axes in rows[1]] == [(0.0, 1.0)] * 2
    assert rows[0][0].get_ylim() != (0.0, 1.0)


@pytest.mark.parametrize("missing", [NAN, INF, None])
def test_missing_values_leave_gaps(missing: float | None, tmp_path: Path) -> None:
    runs = {"gap": {"loss": [3.0, missing, 1.0]}, "lost": {"loss": [missing] * 3}, "empty": {}}
    figure = comparison(runs, path=tmp_path / "runs.png")
    np.testing.assert_array_equal(lines(figure.axes[0])["training"], [[1, 3], [2, NAN], [3, 1]])
    assert [[t.get_text() for t in axes.texts] for axes in figure.axes] == [
        ["1.000"],
        ["no values"],
        ["no values"],
    ]


@pytest.mark.parametrize("losses", [[1e300, -1e300], [1e-320, 0.0], [5.0], []])
def test_odd_histories(losses: list[float], tmp_path: Path) -> None:
    comparison({"run": {"loss": losses}}, path=tmp_path / "runs.png")
    assert (tmp_path / "runs.png").stat().st_size > 1000


@cases(
    r"""
    given= | message
    {"runs": {}} | there are no runs to compare
    {"runs": {"plain": PLAIN}, "measures": ["acuracy"]}
        | no run has 'acuracy'\n   = help: did you mean 'accuracy'?
    {"runs": {"plain": PLAIN}, "limits": {"loss": (1.0, 1.0)}}
        | no axis reaches from 1 to 1
        \n   = help: limits are finite, and the second is the larger one
    {"runs": {"plain": PLAIN}, "limits": {"loss": (0.0, INF)}}
        | no axis reaches from 0 to inf
        \n   = help: limits are finite, and the second is the larger one
    """,
    INF=INF,
    PLAIN=PLAIN,
)
def test_what_cannot_be_compared(given: dict[str, Any], message: str) -> None:
    assert refusal(lambda: comparison(**given)) == f"error[bad-picture-data]: {message}"
