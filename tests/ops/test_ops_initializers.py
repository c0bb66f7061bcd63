"""Initializers: the distributions that the literature prescribes."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from graphnn.initializers import INITIALIZERS, Initializer, _Scaled

SHAPE = (300, 200)


def draw(name, shape=SHAPE, **options):
    return INITIALIZERS[name](**options).draw(np.random.default_rng(0), shape)


def test_names():
    assert sorted(INITIALIZERS) == [
        "constant",
        "he",
        "normal",
        "ones",
        "uniform",
        "xavier",
        "zeros",
    ]


@pytest.mark.parametrize("name", ["zeros", "ones", "normal", "uniform", "xavier", "he"])
@pytest.mark.parametrize("shape", [(), (3,), (3, 2), (2, 3, 4)])
def test_shape_dtype_and_repetition(name, shape):
    first, second = draw(name, shape), draw(name, shape)
    assert np.shape(first) == shape
    assert np.asarray(first).dtype == np.float64
    assert np.array_equal(first, second)


def test_fixed_values():
    assert (draw("zeros") == 0).all()
    assert (draw("ones") == 1).all()
    assert (draw("constant", value=0.7) == 0.7).all()


# 60,000 numbers: their standard deviation is within 1.5 % of the true one (5 standard errors).
@pytest.mark.parametrize(
    ("name", "options", "std"),
    [
        ("normal", {}, 0.01),
        ("normal", {"std": 2.0}, 2.0),
        ("uniform", {}, 0.1 / np.sqrt(12)),
        ("xavier", {}, np.sqrt(2 / 500)),
        ("xavier", {"distribution": "uniform"}, np.sqrt(2 / 500)),
        ("he", {}, np.sqrt(2 / 300)),
        ("he", {"distribution": "uniform"}, np.sqrt(2 / 300)),
    ],
)
def test_spread(name, options, std):
    numbers = draw(name, **options)
    assert abs(numbers.std() / std - 1) < 0.015
    assert abs(numbers.mean()) < 5 * std / np.sqrt(numbers.size)


def test_mean_and_bounds():
    assert abs(draw("normal", mean=3.0).mean() - 3) < 1e-3
    numbers = draw("uniform", low=1.0, high=2.0)
    assert 1 <= numbers.min() < 1.001
    assert 1.999 < numbers.max() < 2
    bound = np.sqrt(6 / 500)  # Glorot and Bengio 2010, eq. 16
    numbers = np.abs(draw("xavier", distribution="uniform"))
    assert 0.999 * bound < numbers.max() <= bound


def test_fan_of_higher_axes_counts_all_but_the_last():
    numbers = draw("he", (10, 30, 200))
    assert abs(numbers.std() / np.sqrt(2 / 300) - 1) < 0.015


@pytest.mark.parametrize("options", [{"low": 1.0}, {"low": 0.5, "high": 0.5}])
def test_bounds_the_wrong_way_round(options):
    with pytest.raises(ValidationError) as caught:
        INITIALIZERS["uniform"](**options)
    (error,) = caught.value.errors()
    high = options.get("high", 0.05)
    assert error["loc"] == ("high",)
    assert error["msg"] == f"Value error, {high} is not above 'low', {options['low']}"


def test_a_bound_that_is_no_number_is_told_once():
    with pytest.raises(ValidationError) as caught:
        INITIALIZERS["uniform"](low="x", high=1.0)
    assert [error["loc"] for error in caught.value.errors()] == [("low",)]


def test_a_rule_draws_its_own_numbers():
    with pytest.raises(NotImplementedError):
        Initializer().draw(np.random.default_rng(0), (1,))
    with pytest.raises(NotImplementedError):
        _Scaled().draw(np.random.default_rng(0), (1,))
