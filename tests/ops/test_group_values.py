"""Normalization of groups, of neighbours and by the mean square, against work by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import ValidationError

import graphnn
from graphnn.ops import ArrayError, ShapeError
from graphnn.spec.sizes import free
from op_values import op

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 6, 2, 4))


def test_two_groups_by_hand():
    # Channels 0 and 1 hold 0, 4 (mean 2, variance 4); 2 and 3 hold 1, 5. With 2.25 the root is 2.5.
    x = np.array([[0.0, 4.0, 1.0, 5.0]])
    made = op("group_norm", groups=2, epsilon=2.25)
    assert_allclose(made.forward(x, None, None), [[-0.8, 0.8, -0.8, 0.8]])
    gain, shift = np.array([1.0, 2, 3, 4]), np.array([0.0, 1, 0, 1])
    assert_allclose(made.forward(x, gain, shift), [[-0.8, 2.6, -2.4, 4.2]])


def test_one_group_is_a_layer_and_a_group_for_each_channel_an_instance():
    gain, shift = RNG.normal(size=(2, 6))
    layer = op("layer_norm", axis=[1, 2, 3]).forward(IMAGES, None, None)
    found = op("group_norm", groups=1).forward(IMAGES, None, None)
    assert_allclose(found, layer, rtol=1e-12, atol=1e-14)
    instance = op("instance_norm").forward(IMAGES, gain, shift)
    found = op("group_norm", groups=6).forward(IMAGES, gain, shift)
    assert_array_equal(found, instance)
    assert_allclose(instance.mean(axis=(2, 3)), np.broadcast_to(shift, (3, 6)), atol=1e-14)
    spread = np.broadcast_to(np.abs(gain), (3, 6))
    assert_allclose(instance.std(axis=(2, 3)), spread, rtol=1e-3)


def test_rms_norm_by_hand():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    made = op("rms_norm", epsilon=12.5)  # the mean square is 12.5: the root is 5
    assert_allclose(made.forward(x, None), [[0.6, 0.8], [0, 0]])
    assert_allclose(made.forward(x, np.array([10.0, -1])), [[6, -0.8], [0, 0]])
    assert_allclose(
        op("rms_norm", axis=0, epsilon=0.5).forward(x[:, :1], None), [[3 / 5**0.5], [0]]
    )
    # Of (g - z mean(g z)) / s, for g = (1, 0): mean(g z) is 0.3.
    (by_x, by_gain) = made.vjp(np.array([[1.0, 0], [0, 0]]), x, x, np.ones(2))
    assert_allclose(by_x[0], [(1 - 0.18) / 5, -0.24 / 5])
    assert_allclose(by_gain, [0.6, 0])


def test_scale_does_not_change_rms_norm():
    found = op("rms_norm", epsilon=1e-12)
    x = RNG.normal(size=(4, 5))
    assert_allclose(found.forward(7 * x, None), found.forward(x, None), rtol=1e-10)


def test_local_response_norm_by_hand():
    # Squares 1, 4, 9, 16; of three neighbours 5, 14, 29, 25; with alpha 3 and k 2: 7, 16, 31, 27.
    x = np.array([[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]])
    made = op("local_response_norm", size=3, alpha=3.0, beta=0.5, k=2.0)
    expected = np.array([1, 2, 3, 4]) / np.sqrt([7, 16, 31, 27])
    assert_allclose(made.forward(x).ravel(), expected, rtol=1e-15)
    wide = op("local_response_norm", size=99, alpha=99.0, beta=1.0, k=2.0)
    assert_allclose(wide.forward(x).ravel(), np.array([1, 2, 3, 4]) / 32, rtol=1e-15)


def test_a_window_is_odd():
    with pytest.raises(ValidationError, match="4 is not odd: a channel has as many neighbours on"):
        op("local_response_norm", size=4)


def test_groups_that_do_not_divide_the_channels():
    message = "'groups' is 4, which does not divide the 6 channels of 'x'"
    made = op("group_norm", groups=4)
    with pytest.raises(ShapeError) as caught:
        made.infer_shape((free("batch"), 6, 2))
    assert (str(caught.value), caught.value.attribute) == (message, "groups")
    assert made.infer_shape((2, free("c"))) == (2, free("c"))
    with pytest.raises(ArrayError) as late:
        made.forward(IMAGES, None, None)
    assert str(late.value) == message


def test_a_network_with_each_is_checked():
    net = graphnn.loads(
        """
        graphnn: 1
        nodes:
          x: {op: input, shape: [batch, 2, 5, 4]}
          t: {op: input, shape: [batch, 3]}
          a: {op: conv2d, inputs: x, filters: 4, kernel: 2}
          g: {op: group_norm, inputs: a, groups: 2}
          p: {op: prelu, inputs: g}
          n: {op: local_response_norm, inputs: p, alpha: 0.5}
          i: {op: instance_norm, inputs: n}
          f: {op: flatten, inputs: i}
          r: {op: rms_norm, inputs: f}
          y: {op: affine, inputs: r, units: 3}
          loss: {op: huber, inputs: [y, t], delta: 0.3}
        """
    )
    inputs = {"x": RNG.normal(size=(4, 2, 5, 4)), "t": RNG.normal(size=(4, 3))}
    counts = graphnn.check_gradients(net, inputs).counts
    assert counts["wrong backward"] == counts["unresolved"] == 0
    assert counts["agree"] > 0.9 * sum(counts.values())
