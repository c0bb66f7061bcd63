"""Sheets of images with what a network makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from graphnn import drawing
from graphnn.errors import DrawingError


def shown(images, made, **options) -> list[np.ndarray]:
    (axes,) = drawing.reconstructions(images, made, **options).axes
    return [np.asarray(image.get_array()) for image in axes.images]


def test_below_each_row_of_images_stands_what_was_made_of_them():
    # Image n is n/10 all over, what is made of it n/10 + 1/20.
    images = np.arange(7.0).reshape(7, 1, 1) / 10 * np.ones((7, 2, 2))
    found = [picture[0, 0] for picture in shown(images, images + 0.05, columns=3)]
    # The seventh would begin a row that is not whole.
    np.testing.assert_allclose(
        found, [0, 0.1, 0.2, 0.05, 0.15, 0.25, 0.3, 0.4, 0.5, 0.35, 0.45, 0.55]
    )
    assert len(shown(images, images, columns=3, limit=5)) == 6
    assert len(shown(images, images, columns=3, limit=1)) == 6
    assert len(shown(images, images)) == 14


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
        "error[bad-picture-data]: images of shape (1, 2, 2) and (1, 2, 3) are not alike"
    )
