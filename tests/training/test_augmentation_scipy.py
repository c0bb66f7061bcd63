"""Images turned, resized and moved as SciPy does it."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphnn.training.fitting.augmentation import turned

ndimage = pytest.importorskip("scipy.ndimage")
pytestmark = pytest.mark.oracle


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
    st.floats(-1, 1).map(lambda fill: round(fill, 3)),
)
@example(1, 1, 0, 0.5)
@settings(max_examples=50)
def test_turning_and_moving_are_those_of_scipy(height, width, seed, fill):
    rng = np.random.default_rng(seed)
    images = rng.random((3, 2, height, width))
    angles, zooms = rng.uniform(-180, 180, 3), rng.uniform(0.5, 2, 3)
    shifts = rng.uniform(-4, 4, (3, 2))
    found = turned(images, angles, zooms, shifts, fill=fill)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    for n in range(3):
        c, s = np.cos(np.radians(angles[n])), np.sin(np.radians(angles[n]))
        matrix = np.array([[c, s], [-s, c]]) / zooms[n]
        offset = middle - matrix @ (middle + shifts[n])
        for channel in range(2):
            wanted = ndimage.affine_transform(
                images[n, channel], matrix, offset, order=1, mode="grid-constant", cval=fill
            )
            np.testing.assert_allclose(found[n, channel], wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("angle", [-30, 45, 100])
def test_turning_is_against_the_clock_as_in_scipy(angle):
    images = np.random.default_rng(0).random((1, 1, 7, 7))
    found = turned(images, [angle], [1], [[0, 0]])
    wanted = ndimage.rotate(images[0, 0], angle, reshape=False, order=1, mode="grid-constant")
    np.testing.assert_allclose(found[0, 0], wanted, atol=1e-12)
