"""Activations that let through a share of an entry, against answers known from elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graphnn.ops import REGISTRY
from op_values import pull, run

pytestmark = pytest.mark.usefixtures("warnings_off")

HUGE = 1e308
EXTREMES = np.array([-HUGE, -1000.0, 0.0, 1000.0, HUGE])


@pytest.mark.parametrize(
    ("name", "values", "slopes"),
    [
        ("silu", [0, 0, 0, 1000, HUGE], [0, 0, 0.5, 1, 1]),
        ("mish", [0, 0, 0, 1000, HUGE], [0, 0, 0.6, 1, 1]),  # tanh(log 2) = (4 - 1) / (4 + 1)
        ("softsign", [-1, -1000 / 1001, 0, 1000 / 1001, 1], [0, 1001.0**-2, 1, 1001.0**-2, 0]),
        ("hard_sigmoid", [0, 0, 0.5, 1, 1], [0, 0, 1 / 6, 0, 0]),
        ("hard_swish", [0, 0, 0, 1000, HUGE], [0, 0, 0.5, 1, 1]),
    ],
)
def test_values_and_slopes_at_extremes(name, values, slopes):
    assert_allclose(run(name, EXTREMES), values, rtol=1e-15, atol=1e-300)
    assert_allclose(pull(name, np.full(5, 3.0), EXTREMES)[0], 3 * np.array(slopes), rtol=1e-15)


def test_silu_and_mish_keep_their_digits_far_below_zero():
    x = np.array([-700.0, -40.0, -30.0, -1.0, 2.0, 25.0])
    exact = [value * math.exp(value) / (1 + math.exp(value)) for value in x]
    assert_allclose(run("silu", x), exact, rtol=1e-15)
    exact = [value * math.tanh(math.log1p(math.exp(value))) for value in x]
    assert_allclose(run("mish", x), exact, rtol=1e-14)


def test_the_least_values_of_silu_and_mish():
    # Where the slope is 0: -0.27846 at -1.27846 (Elfwing et al. 2018), -0.30884 (Misra 2020).
    x = np.linspace(-3, 0, 300001)
    assert_allclose(run("silu", x).min(), -0.27846, atol=5e-6)
    assert_allclose(x[run("silu", x).argmin()], -1.27846, atol=1e-5)
    assert_allclose(run("mish", x).min(), -0.30884, atol=5e-6)


def test_hard_swish_by_hand():
    x = [-4.0, -3.0, -1.0, 1.0, 3.0, 4.0]
    assert_allclose(run("hard_swish", x), [0, 0, -1 / 3, 2 / 3, 3, 4], rtol=1e-15)
    assert_allclose(pull("hard_swish", np.ones(6), x)[0], [0, 0, 1 / 6, 5 / 6, 1, 1], rtol=1e-15)
    assert_array_equal(REGISTRY["hard_swish"]().branch(np.array(x)), [0, 0, 1, 1, 1, 2])


def test_prelu_has_a_slope_for_each_channel():
    x = [[[-1.0, 2.0], [-3.0, -4.0]], [[-5.0, 6.0], [7.0, -8.0]]]
    slope = [0.5, -1.0]
    assert_array_equal(run("prelu", x, slope), [[[-0.5, 2], [3, 4]], [[-2.5, 6], [7, 8]]])
    by_x, by_slope = pull("prelu", np.ones((2, 2, 2)), x, slope)
    assert_array_equal(by_x, [[[0.5, 1], [-1, -1]], [[0.5, 1], [1, -1]]])
    assert_array_equal(by_slope, [-6, -15])


def test_waves_by_hand():
    x = np.array([0, math.pi / 6, math.pi / 2, 100 * math.pi])
    assert_allclose(run("sin", x), [0, 0.5, 1, 0], atol=1e-13)
    assert_allclose(run("cos", x), [1, math.sqrt(0.75), 0, 1], atol=1e-13)
    assert_allclose(pull("cos", [2.0], [math.pi / 2])[0], [-2])
