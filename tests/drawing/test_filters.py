"""Sheets of filters."""

from __future__ import annotations

import numpy as np
import pytest

from graphnn import drawing
from graphnn.diagnostics import DrawingError


def shown(weight, **options) -> list[np.ndarray]:
    (axes,) = drawing.filters(weight, **options).axes
    return [np.asarray(image.get_array()) for image in axes.images]


def test_nought_is_grey_and_the_furthest_entry_black_or_white():
    weight = [[[[0.0, 0.5], [-2.0, 1.0]]], [[[2.0, 0.0], [0.0, 0.0]]]]
    first, second = shown(weight)
    assert first.tolist() == [[0.5, 0.625], [0.0, 0.75]]
    assert second.tolist() == [[1.0, 0.5], [0.5, 0.5]]


def test_filters_of_colours_have_their_channels_last_whatever_their_width():
    weight = np.zeros((1, 3, 2, 3))
    weight[0, 1, 0, 2] = -4
    weight[0, 2, 1, 0] = 4
    (found,) = shown(weight)
    assert found.shape == (2, 3, 3)
    assert found[0, 2].tolist() == [0.5, 0.0, 0.5]
    assert found[1, 0].tolist() == [0.5, 0.5, 1.0]


def test_filters_of_noughts_are_grey():
    (found,) = shown(np.zeros((1, 1, 2, 2), np.float32))
    assert found.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_filters_before_and_after_stand_on_one_scale():
    figure = drawing.filters([[[[4.0, -2.0]]]], before=[[[[1.0, 0.0]]]], title="now")
    before, after = figure.axes
    assert before.images[0].get_array().tolist() == [[0.625, 0.5]]
    assert after.images[0].get_array().tolist() == [[1.0, 0.25]]
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["before training", "now"]
    # Above each other, without meeting.
    assert before.get_position().y0 >= after.get_position().y1
    # Filters are drawn as large as on a sheet of their own.
    (alone,) = drawing.filters([[[[4.0, -2.0]]]], title="now").axes
    sizes = [axes.images[0].get_window_extent().size for axes in (before, after, alone)]
    np.testing.assert_allclose(sizes, sizes[:1] * 3)


def test_of_many_filters_the_first_are_shown():
    many = np.ones((7, 1, 2, 2))
    before, after = drawing.filters(many, before=many, limit=5).axes
    assert [len(axes.images) for axes in (before, after)] == [5, 5]
    assert before.texts[0].get_text() == "before training (first 5 of 7 shown)"
    assert after.texts[0].get_text() == "after training (first 5 of 7 shown)"


def test_it_is_written(tmp_path):
    drawing.filters(np.eye(3)[None, None], title="one", path=tmp_path / "filters.png")
    assert (tmp_path / "filters.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("shape", [(2, 3, 3), (4, 2, 3, 3)])
def test_what_cannot_be_seen(shape):
    with pytest.raises(DrawingError) as error:
        drawing.filters(np.zeros(shape))
    (found,) = error.value.diagnostics
    assert (found.code, found.message, found.help) == (
        "bad-picture-data",
        f"an array of shape {shape} is not filters that can be seen",
        "filters are [filters, 1 or 3, height, width]: those of a first layer",
    )
