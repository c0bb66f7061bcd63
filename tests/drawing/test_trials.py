"""Pictures of a search."""

from __future__ import annotations

import numpy as np
import pytest

from graphnn import drawing
from graphnn.diagnostics import DrawingError
from graphnn.drawing.plots import style
from tables import cases


def test_a_curve_for_each_trial_and_the_best_in_colour(tmp_path):
    curves = {1: [0.5, 0.7], 2: [0.4], 5: [0.6, 0.9, 0.8]}
    path = tmp_path / "curves.png"
    figure = drawing.trial_curves(curves, measure="validation_accuracy", best=5, path=path)
    [axes] = figure.axes
    lines = [line for line in axes.lines if line.get_linestyle() != "None"]
    found = {line.get_label(): line for line in lines}
    np.testing.assert_array_equal(
        found["best, trial 5"].get_xydata(), [[1, 0.6], [2, 0.9], [3, 0.8]]
    )
    assert found["best, trial 5"].get_color() == style.VERMILLION
    drawn = [list(line.get_ydata()) for line in lines if line.get_color() != style.VERMILLION]
    assert [0.5, 0.7] in drawn
    # A trial of one epoch is a point.
    assert [0.4] in [list(line.get_ydata()) for line in axes.lines if line.get_marker() == "o"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "validation accuracy")
    assert axes.get_yscale() == "linear"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "3 trials",
        "best, trial 5",
    ]
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1.0, 1e-3], "log"), ([1.0, 0.5], "linear"), ([1.0, 0.0], "linear"), ([1e9, None], "linear")],
)
def test_what_falls_through_decades_is_on_a_logarithmic_axis(values, scale):
    [axes] = drawing.trial_curves({1: values}, measure="loss").axes
    assert axes.get_yscale() == scale


def test_a_panel_for_each_setting():
    settings = {"rate": [0.01, 1.0, 0.1], "units": ["20", "100", "5"], "rows": [3, 9, 5]}
    results = [0.3, 0.9, 0.6]
    figure = drawing.trial_values(settings, results, measure="accuracy", log=["rate"], best=1)
    rate, units, rows = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes] == ["rate", "units", "rows"]
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "linear", "linear"]
    assert rate.get_ylabel() == "accuracy"
    points = [axes.collections[0].get_offsets().tolist() for axes in figure.axes]
    assert points[0] == [[0.01, 0.3], [1.0, 0.9], [0.1, 0.6]]
    # Choices that are numbers stand in their order.
    assert [label.get_text() for label in units.get_xticklabels()] == ["5", "20", "100"]
    assert points[1] == [[1.0, 0.3], [2.0, 0.9], [0.0, 0.6]]
    assert points[2] == [[3.0, 0.3], [9.0, 0.9], [5.0, 0.6]]
    best = [axes.collections[1].get_offsets().tolist() for axes in figure.axes]
    assert best == [[[1.0, 0.9]], [[2.0, 0.9]], [[9.0, 0.9]]]
    assert rate.get_shared_y_axes().joined(rate, rows)


@cases(r"""
    names= | labels=
    ["relu", "tanh", "leaky_relu"] | ["leaky_relu", "relu", "tanh"]
    ["{adam: {learning_rate: 0.01}}", "{adam: {learning_rate: 0.001}}"] | ["0.001", "0.01"]
    ["{adam: {learning_rate: 0.01}}", "{sgd: {learning_rate: 0.1}}", "adam"]
        | ["adam", "adam\nlearn…g_rate\n0.01", "sgd\nlearn…g_rate\n0.1"]
    ["null", "{shift: 2, rotate: 10}"] | ["null", "shift\n2\nrotate\n10"]
    ["{adam: {beta1: 0.8}}", "{adam: {beta1: 0.8, beta2: 0.9}}"] | ["adam", "beta2\n0.9"]
    ["[[0.1, 0.2], 0.3]", "[0.1, [0.2, 0.3]]"] | ["1: 0.1\n0.2\n0.3", "2: 0.1\n0.2\n0.3"]
    ["a_very_long_name_of_a_thing"] | ["a_ver…_thing"]
""")
def test_long_choices_are_distinguished(names, labels):
    [axes] = drawing.trial_values({"it": names}, [0.1] * len(names), measure="loss").axes
    found = [label.get_text() for label in axes.get_xticklabels()]
    assert sorted(found) == sorted(labels)
    assert len(set(found)) == len(names)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.12, 0.65, ["0.2", "0.3", "0.5"]),
        (0.0065, 0.13, ["0.01", "0.02", "0.05", "0.1"]),
        (0.001, 0.15, ["0.001", "0.003", "0.01", "0.03", "0.1"]),
        (1e-7, 1.0, ["10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]),
    ],
)
def test_a_short_logarithmic_axis_has_labels_between_powers_of_ten(low, high, shown):
    figure = drawing.trial_values({"rate": [low, high]}, [1, 2], measure="loss", log=["rate"])
    axis = figure.axes[0].xaxis
    inside = [
        (place, label.get_text())
        for minor in (False, True)
        for place, label in zip(
            axis.get_ticklocs(minor=minor), axis.get_ticklabels(minor=minor), strict=True
        )
        if figure.axes[0].get_xlim()[0] <= place <= figure.axes[0].get_xlim()[1]
    ]
    assert [text for _, text in sorted(inside) if text] == shown


def test_nothing_to_draw():
    for draw in (
        lambda: drawing.trial_curves({}, measure="loss"),
        lambda: drawing.trial_values({}, [1.0], measure="loss"),
        lambda: drawing.trial_values({"rate": []}, [], measure="loss"),
    ):
        with pytest.raises(DrawingError) as caught:
            draw()
        assert str(caught.value) == "error[bad-picture-data]: there are no trials to draw"
