"""Normalization and dropout against numbers worked out by hand, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import graphnn
from graphnn.diagnostics import SpecError
from graphnn.ops import REGISTRY, ArrayError, ShapeError
from graphnn.ops.families.normalization import BatchNorm, BatchNormTraining, DropoutTraining
from graphnn.ops.families.normalization_axes import LayerNorm
from tables import cases

# Channels (0, 4) and (1, 5) have means 2 and 3 and variance 4, so with 2.25 the root is 2.5.
X = np.array([[0.0, 1.0], [4.0, 5.0]])
GAIN, SHIFT = np.array([2.0, 1.0]), np.array([1.0, -1.0])
ZEROS, ONES = np.zeros(2), np.ones(2)


def close(found, expected):
    assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


def test_batch_norm_in_training_takes_the_statistics_of_the_batch():
    op = BatchNorm(epsilon=2.25).in_training()
    close(op.forward(X, GAIN, SHIFT, ZEROS, ONES), [[-0.6, -1.8], [2.6, -0.2]])
    close(op.forward(X, None, None, ZEROS, ONES), [[-0.8, -0.8], [0.8, 0.8]])


def test_batch_norm_in_training_moves_the_running_statistics():
    op = BatchNorm(epsilon=2.25).in_training()
    found = op.update(np.empty(0), X, GAIN, SHIFT, ZEROS, ONES)
    # A tenth of the means, and nine tenths of 1 with a tenth of the unbiased variance 16 / 2.
    close(found["running_mean"], [0.2, 0.3])
    close(found["running_variance"], [1.7, 1.7])
    quick = BatchNorm(momentum=0.5).in_training()
    close(quick.update(np.empty(0), X, None, None, ONES, ONES)["running_mean"], [1.5, 2.0])


def test_batch_norm_of_images_takes_all_pixels_of_a_channel():
    images = np.array([0.0, 4.0, 1.0, 5.0, 4.0, 0.0, 5.0, 1.0]).reshape(2, 2, 1, 2)
    op = BatchNorm(epsilon=2.25).in_training()
    expected = np.array([-0.6, 2.6, -1.8, -0.2, 2.6, -0.6, -0.2, -1.8]).reshape(2, 2, 1, 2)
    close(op.forward(images, GAIN, SHIFT, ZEROS, ONES), expected)
    found = op.update(np.empty(0), images, None, None, ZEROS, ONES)
    close(found["running_mean"], [0.2, 0.3])
    close(found["running_variance"], [0.9 + 0.1 * 16 / 3] * 2)


def test_batch_norm_in_training_backwards():
    op = BatchNorm(epsilon=2.25).in_training()
    cotangent = np.array([[1.0, 0.0], [0.0, 0.0]])
    found = op.vjp(cotangent, np.empty(0), X, GAIN, SHIFT, ZEROS, ONES)
    # z = (-0.8, 0.8): mean(g) = 0.5 and mean(g z) = -0.4, so 2 / 2.5 * (1 - 0.5 - 0.32) is first.
    close(found[0], [[0.144, 0.0], [-0.144, 0.0]])
    close(found[1], [-0.8, 0.0])
    close(found[2], [1.0, 0.0])
    assert found[3:] == (None, None)


def test_batch_norm_when_run_takes_the_running_statistics():
    op = BatchNorm(epsilon=0.5)
    mean, variance = np.array([1.0, -1.0]), np.array([8.5, 3.5])  # roots 3 and 2
    close(op.forward(X, GAIN, SHIFT, mean, variance), [[1 - 2 / 3, 0.0], [3.0, 2.0]])
    close(op.forward(X, None, None, mean, variance), [[-1 / 3, 1.0], [1.0, 3.0]])
    assert op.update(np.empty(0), X, GAIN, SHIFT, mean, variance) == {}


def test_batch_norm_when_run_backwards():
    op = BatchNorm(epsilon=0.5)
    mean, variance = np.array([1.0, -1.0]), np.array([8.5, 3.5])
    cotangent = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = op.vjp(cotangent, np.empty(0), X, GAIN, SHIFT, mean, variance)
    close(found[0], [[2 / 3, 1.0], [2.0, 2.0]])
    close(found[1], [(-1 + 3 * 3) / 3, (2 * 2 + 4 * 6) / 2])
    close(found[2], [4.0, 6.0])
    assert found[3:] == (None, None)


def test_a_level_far_from_zero_costs_no_digits():
    # The mean of squares less the squared mean would be 0 here, or below.
    x = np.array([[1e9 - 1.0], [1e9 + 1.0]])
    op, zero, one = BatchNormTraining(epsilon=1e-30), ZEROS[:1], ONES[:1]
    close(op.forward(x, None, None, zero, one), [[-1.0], [1.0]])
    close(op.update(np.empty(0), x, None, None, zero, one)["running_variance"], [0.9 + 0.2])


def test_a_channel_of_equal_values_becomes_its_shift():
    x = np.full((3, 2), 7.0)
    op = BatchNormTraining()
    assert op.forward(x, GAIN, SHIFT, ZEROS, ONES).tolist() == [[1.0, -1.0]] * 3


def test_one_value_of_a_channel_has_no_variance():
    op = BatchNormTraining()
    assert op.forward(np.ones((1, 2, 1, 2)), None, None, ZEROS, ONES).tolist() == [[[[0] * 2]] * 2]
    for shape in [(1, 2), (1, 2, 1, 1)]:
        with pytest.raises(ArrayError) as caught:
            op.forward(np.ones(shape), None, None, ZEROS, ONES)
        assert str(caught.value) == (
            "batch_norm needs at least 2 values of each channel in training, not 1"
        )
        assert caught.value.operand == "x"
        assert caught.value.help == "choose a 'batch_size' that leaves no batch of a single row"


def test_layer_norm_of_rows():
    op = LayerNorm(epsilon=2.25)
    close(op.forward(X.T, GAIN, SHIFT), [[-0.6, -0.2], [-0.6, -0.2]])
    close(op.forward(X.T, None, None), [[-0.8, 0.8], [-0.8, 0.8]])
    close(op.forward(X.T[0], None, None), [-0.8, 0.8])


def test_layer_norm_of_rows_backwards():
    op = LayerNorm(epsilon=2.25)
    cotangent = np.array([[0.5, 0.0], [0.0, 2.0]])
    found = op.vjp(cotangent, np.empty(0), X.T, GAIN, SHIFT)
    # h = g gain = (1, 0) in the first row: 1 / 2.5 * (1 - 0.5 - 0.32), as for batch_norm.
    close(found[0], [[0.072, -0.072], [-0.144, 0.144]])
    close(found[1], [-0.4, 1.6])
    close(found[2], [0.5, 2.0])


def test_layer_norm_along_other_axes():
    images = np.array([0.0, 1.0, 4.0, 5.0]).reshape(1, 2, 1, 2)
    along_channels = LayerNorm(epsilon=2.25, axis=1)
    expected = np.array([-0.6, -0.6, -0.2, -0.2]).reshape(1, 2, 1, 2)
    close(along_channels.forward(images, GAIN, SHIFT), expected)
    # Over all four the mean is 2.5 and the variance (6.25 + 2.25) / 2 = 4.25; 6.25 has root 2.5.
    whole = LayerNorm(epsilon=2.0, axis=[3, 1])
    gain = np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = np.array([-1.0, -1.2, 1.8, 4.0]).reshape(1, 2, 1, 2)
    close(whole.forward(images, gain, None), expected)


@pytest.mark.parametrize(
    ("axis", "shape", "sizes"),
    [(-1, (2, 3, 4), (4,)), ([2, 1], (2, 3, 4), (3, 4)), (1, (2, 3, 4), (3,)), (None, (2,), (2,))],
)
def test_layer_norm_has_gain_and_shift_along_its_axes(axis, shape, sizes):
    found = LayerNorm(axis=axis).infer([shape], {})
    assert (found.result, found.parameters) == (shape, {"gain": sizes, "shift": sizes})


@cases(
    """
    op= | shape= | given= | message | operand
    BatchNorm() | (3,) | {} | 'x' has shape [3], but batch_norm takes [batch, channels, ...] | x
    BatchNorm() | (2, 3) | {"running_mean": (4,)}
        | 'running_mean' has shape [4], but its 'channels' must be 3, not 4 | running_mean
    LayerNorm() | () | {} | 'axis' is -1, but 'x' has shape [] | x
    LayerNorm(axis=[0, 2]) | (2, 3) | {} | 'axis' is 2, but 'x' has shape [2, 3] | x
    LayerNorm(axis=[1, -1]) | (2, 3) | {} | 'axis' is [1, -1], which names axis 1 twice | x
    LayerNorm() | (2, 3) | {"shift": (2,)}
        | 'shift' has shape [2], but the axes that layer_norm normalizes along have [3] | shift
    """,
    BatchNorm=BatchNorm,
    LayerNorm=LayerNorm,
)
def test_shapes_that_do_not_fit(op, shape, given, message, operand):
    with pytest.raises(ShapeError) as caught:
        op.infer([shape], given)
    assert (str(caught.value), caught.value.operand) == (message, operand)


def fault(node):
    nodes = {"x": {"op": "input", "shape": ["batch", 3]}, "y": {"inputs": "x", **node}}
    with pytest.raises(SpecError) as caught:
        graphnn.loads({"graphnn": 1, "nodes": nodes})
    return [found.message for found in caught.value.diagnostics]


@cases("""
    node= | message
    {"op": "dropout", "rate": 1} | the 'rate' of 'y' must be less than 1, not 1
    {"op": "dropout", "rate": -0.5} | the 'rate' of 'y' must be at least 0, not -0.5
    {"op": "batch_norm", "epsilon": 0} | the 'epsilon' of 'y' must be more than 0, not 0
    {"op": "batch_norm", "running_mean": False}
        | 'y.running_mean' must be numbers, an initializer, {file: NAME, key: NAME} or {share:
        NODE.PARAMETER}, not false
    {"op": "dropout_training"} | there is no op 'dropout_training'
    {"op": "batch_norm_training"} | there is no op 'batch_norm_training'
""")
def test_specs_that_make_no_sense(node, message):
    assert fault(node) == [message]


def test_dropout_when_run_is_the_identity():
    op = REGISTRY["dropout"](rate=0.9)
    assert op.forward(X) is X
    assert op.vjp(GAIN, X, X)[0] is GAIN


def test_dropout_in_training_multiplies_by_its_mask():
    op = REGISTRY["dropout"](rate=0.75).in_training()
    mask = np.array([[0.0, 4.0], [4.0, 0.0]])
    assert op.forward(X, mask).tolist() == [[0.0, 4.0], [16.0, 0.0]]
    by_x, by_mask = op.vjp(np.array([[1.0, 2.0], [3.0, 4.0]]), X, X, mask)
    assert by_x.tolist() == [[0.0, 8.0], [12.0, 0.0]]
    assert by_mask is None


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_a_mask_drops_as_often_as_the_rate_says_and_keeps_the_mean(rate):
    count = 100_000
    mask = DropoutTraining(rate=rate).noise(np.random.default_rng(0), (100, count // 100), float)
    assert mask.shape == (100, count // 100)
    assert set(np.unique(mask)) <= {0.0, 1 / (1 - rate)}
    # Binomial: five standard deviations.
    assert abs((mask == 0).mean() - rate) <= 5 * np.sqrt(rate * (1 - rate) / count)
    assert abs(mask.mean() - 1) <= 5 * np.sqrt(rate / (1 - rate) / count)


def test_entries_are_dropped_independently():
    mask = DropoutTraining(rate=0.5).noise(np.random.default_rng(0), (400, 200), np.float64)
    correlation = np.corrcoef(mask, rowvar=False) - np.eye(200)
    # 19,900 pairs of 400 rows: standard deviation 1/20, and the largest lies near 4 of those.
    assert np.abs(correlation).max() < 6 / 20


def test_a_seed_drops_the_same_entries_in_both_dtypes():
    op = DropoutTraining(rate=0.3)
    wide = op.noise(np.random.default_rng(7), (50, 3), np.dtype("float64"))
    narrow = op.noise(np.random.default_rng(7), (50, 3), np.dtype("float32"))
    other = op.noise(np.random.default_rng(8), (50, 3), np.dtype("float64"))
    assert (wide.dtype, narrow.dtype) == (np.float64, np.float32)
    assert np.array_equal(wide == 0, narrow == 0)
    assert not np.array_equal(wide, other)


@pytest.mark.parametrize(
    ("op", "shape", "apart"),
    [
        (BatchNorm(), ("batch", 3), True),
        (BatchNorm().in_training(), ("batch", 3), False),
        (LayerNorm(), ("batch", 3), True),
        (LayerNorm(), (3,), False),
        (LayerNorm(axis=[0, 1]), ("batch", 3), False),
        (REGISTRY["dropout"](), ("batch", 3), True),
        (REGISTRY["dropout"]().in_training(), ("batch", 3), True),
        (REGISTRY["dropout"]().in_training(), (), False),
    ],
)
def test_rows_apart(op, shape, apart):
    assert op.rows_apart(shape) is apart
