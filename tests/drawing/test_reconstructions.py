"""Sheets of images with what a network makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from graphnn import drawing
from graphnn.diagnostics import DrawingError


def shown(images, made, **options) -> list[np.ndarray]:
    (axes,) = drawing.reconstructions(images, made, **options).axes
    return [np.asarray(image.get_array()) for image in axes.images]


def test_below_each_row_of_images_stands_what_was_made_of_them():
    # Image n is n/10 all over, what is made of it n/10 + 1/20.
    images = np.arange(5.0).reshape(5, 1, 1) / 10 * np.ones((5, 2, 2))
    (axes,) = drawing.reconstructions(images, images + 0.05, columns=3).axes
    extents = [tuple(image.get_extent()) for image in axes.images]
    levels = [float(np.asarray(image.get_array())[0, 0]) for image in axes.images]
    across = sorted({left for left, *_ in extents})
    down = sorted({top for *_, top in extents})
    found = np.full((len(down), len(across)), np.nan)
    for (left, *_, top), level in zip(extents, levels, strict=True):
        found[down.index(top), across.index(left)] = level
    # What is lighter than all images is as light as the lightest.
    np.testing.assert_allclose(
        found,
        [
            [0.0, 0.1, 0.2],
            [0.05, 0.15, 0.25],
            [0.3, 0.4, np.nan],
            [0.35, 0.4, np.nan],
        ],
    )


def test_of_many_images_the_first_are_shown():
    (axes,) = drawing.reconstructions(*np.zeros((2, 7, 2, 2)), limit=5, title="test images").axes
    assert len(axes.images) == 10
    assert axes.texts[0].get_text() == "test images (first 5 of 7 shown)"


def test_what_is_lighter_or_darker_than_all_images_takes_no_contrast():
    images = np.array([[[0.0, 1.0]]])
    before, after = shown(images, np.array([[[-3.0, 7.0]]]))
    assert before.tolist() == after.tolist() == [[0, 1]]


def test_colours():
    red = np.zeros((1, 2, 2, 3))
    red[..., 0] = 1
    before, after = shown(red, 1 - red)
    assert (before[0, 0].tolist(), after[0, 0].tolist()) == ([1, 0, 0], [0, 1, 1])


def test_no_images():
    assert shown(np.zeros((0, 2, 2)), np.zeros((0, 2, 2))) == []


def test_images_that_are_not_alike():
    with pytest.raises(DrawingError) as caught:
        drawing.reconstructions(np.zeros((1, 2, 2)), np.zeros((1, 2, 3)))
    assert str(caught.value) == (
        "error[bad-picture-data]: images of shapes (1, 2, 2) and (1, 2, 3) differ"
    )
