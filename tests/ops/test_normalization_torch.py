"""Normalization against PyTorch: values, gradients and running statistics, in both modes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graphnn.ops.families.normalization import BatchNorm

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

IMAGES = [(6, 3), (2, 3), (5, 3, 4), (4, 3, 2, 5), (1, 3, 2, 2), (2, 3, 2, 1, 3)]


def equal(mine, theirs):
    if theirs is None:
        assert mine is None
        return
    expected = theirs.detach().numpy()
    scale = max(1.0, np.abs(expected).max(initial=0))
    assert_allclose(mine, expected, rtol=0, atol=1e-12 * scale)


def leaf(array):
    return None if array is None else torch.tensor(array, requires_grad=True)


def drawn(shape, seed, level=0.0):
    return np.random.default_rng(seed).normal(level, 1.5, shape)


@pytest.mark.parametrize("momentum", [0.1, 0.7])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", IMAGES)
def test_batch_norm(shape, training, affine, momentum):
    gain, shift = (drawn(3, 1), drawn(3, 2)) if affine else (None, None)
    mean, variance = drawn(3, 3), np.abs(drawn(3, 4)) + 0.1
    their_mean, their_variance = torch.tensor(mean), torch.tensor(variance)
    op = BatchNorm(momentum=momentum, epsilon=1e-5)
    op = op.in_training() if training else op
    for step in range(4):
        x, cotangent = drawn(shape, 10 + step, level=3.0), drawn(shape, 20 + step)
        leaves = [leaf(x), leaf(gain), leaf(shift)]
        theirs = torch.nn.functional.batch_norm(
            leaves[0], their_mean, their_variance, *leaves[1:], training, momentum, 1e-5
        )
        theirs.backward(torch.tensor(cotangent))
        arrays = (x, gain, shift, mean, variance)
        mine = op.forward(*arrays)
        equal(mine, theirs)
        found = op.vjp(cotangent, mine, *arrays)
        for by, tensor in zip(found, leaves, strict=False):
            equal(by, None if tensor is None else tensor.grad)
        new = op.update(mine, *arrays)
        assert bool(new) is training
        mean, variance = new.get("running_mean", mean), new.get("running_variance", variance)
        equal(mean, their_mean)
        equal(variance, their_variance)
