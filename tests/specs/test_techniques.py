"""The specs of training techniques do what theory says of them."""

import math

import numpy as np
import pytest

import graphnn
from places import SPECS

STEPS = 30
START = np.array([-7.0, 2.0])
SLOPE = np.array([0.1, 2.0])  # the gradient of x^2/20 + y^2 is this times the point


def path_of(optimizer):
    net = graphnn.load(SPECS / "paths.yaml", {"optimizer": optimizer})
    point = net.parameters["point.value"]
    points = [point.copy()]
    graphnn.train(net, progress=lambda _: points.append(point.copy()))
    assert len(points) == STEPS + 1
    return np.array(points)


def test_the_path_of_descent_is_a_geometric_sequence():
    # Every step multiplies the point by 1 - 0.95 (0.1, 2) = (0.905, -0.9).
    expected = START * np.array([0.905, -0.9]) ** np.arange(STEPS + 1)[:, None]
    found = path_of({"sgd": {"learning_rate": 0.95}})
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    shipped = graphnn.train(SPECS / "paths.yaml").network.parameters["point.value"]
    np.testing.assert_array_equal(shipped, found[-1])


def test_the_path_of_momentum_is_a_linear_recurrence():
    # Point and velocity of each axis are multiplied by one matrix a step.
    expected = []
    for start, slope in zip(START, SLOPE, strict=True):
        matrix = np.array([[1 - 0.1 * slope, -0.1 * 0.9], [slope, 0.9]])
        states = [np.linalg.matrix_power(matrix, k) @ [start, 0] for k in range(STEPS + 1)]
        expected.append([state[0] for state in states])
    found = path_of({"momentum": {"learning_rate": 0.1}})
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-10)


def test_the_path_of_adagrad():
    point, squares, expected = START.copy(), np.zeros(2), [START.copy()]
    for _ in range(STEPS):
        squares += (SLOPE * point) ** 2
        point -= 1.5 * SLOPE * point / (np.sqrt(squares) + 1e-10)
        expected.append(point.copy())
    found = path_of({"adagrad": {"learning_rate": 1.5}})
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)
    # Its first step is the learning rate along both axes, however steep each is.
    np.testing.assert_allclose(found[1] - found[0], [1.5, -1.5], rtol=1e-9)


def test_the_path_of_adam():
    point, m, v, expected = START.copy(), np.zeros(2), np.zeros(2), [START.copy()]
    for t in range(1, STEPS + 1):
        m = 0.9 * m + 0.1 * SLOPE * point
        v = 0.999 * v + 0.001 * (SLOPE * point) ** 2
        point -= 0.3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        expected.append(point.copy())
    found = path_of({"adam": {"learning_rate": 0.3}})
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def layers(op, start):
    """Values of the five layers for 1,000 rows of normal numbers."""
    text = (SPECS / "initializers.yaml").read_text().partition("examples:")[0]
    text = text.replace("op: sigmoid", f"op: {op}").replace("weight: xavier", f"weight: {start}")
    x = np.random.default_rng(0).normal(size=(1000, 100))
    found = graphnn.loads(text).run(x=x)
    assert list(found) == ["z1", "z2", "z3", "z4", "z5"]
    return list(found.values())


@pytest.mark.parametrize(
    ("start", "factor"),
    [
        ("{normal: {std: 1}}", 100 / 2),
        ("{normal: {std: 0.01}}", 0.01 / 2),
        ("xavier", 1 / 2),
        ("he", 1.0),
    ],
)
def test_rectifiers_multiply_the_mean_square_layer_by_layer(start, factor):
    # He et al. 2015, eq. 8: with weights of variance s, a layer of n multiplies it by n s / 2. It
    # is so in the mean over all weights; in one network of width 100, products of 5 random
    # factors of relative variance 5/100 lie well within a factor of 3.
    for depth, values in enumerate(layers("relu", start), 1):
        assert 1 / 3 < np.mean(values**2) / factor**depth < 3
        assert abs((values == 0).mean() - 0.5) < 0.1


def test_sigmoids_saturate_under_wide_weights():
    # The first layer's sums are normal with variance 100: beyond logit(0.99) with this chance.
    saturated = 1 - math.erf(math.log(99) / 10 / math.sqrt(2))
    first, *_, last = layers("sigmoid", "{normal: {std: 1}}")
    assert ((first < 0.01) | (first > 0.99)).mean() == pytest.approx(saturated, abs=0.02)
    assert ((last < 0.1) | (last > 0.9)).mean() > 0.6


def test_sigmoids_say_nothing_under_narrow_weights():
    # All units of the last layer give much the same for every row: about a half, as the sum of
    # 100 halves with weights of 0.01 has a standard deviation of 0.05, and a sigmoid's slope is
    # 1/4 there.
    *_, last = layers("sigmoid", "{normal: {std: 0.01}}")
    assert np.std(last) == pytest.approx(0.05 / 4, rel=0.3)
    assert last.std(axis=0).max() < 1e-5
    assert 0.45 < last.min() < last.max() < 0.55


def test_xavier_keeps_sigmoids_spread_and_off_their_ends():
    for values in layers("sigmoid", "xavier"):
        assert 0.1 < np.std(values) < 0.3
        assert ((values < 0.01) | (values > 0.99)).mean() < 0.01
