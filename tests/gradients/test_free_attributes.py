"""The backward pass of ops whose attributes name free sizes, which differ from batch to batch."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.gradients._backprop import Reverse

SPEC = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1]}
  a: {op: affine, inputs: x, weight: [[2.0]], bias: [1.0]}
  s: {op: slice, inputs: a, axis: 0, start: batch // 3, stop: batch - 1}
  f: {op: sum, inputs: s}
"""


@pytest.mark.parametrize("rows", [3, 6, 9])
def test_a_slice_by_the_size_of_the_batch(rows):
    net = graphnn.loads(SPEC)
    x = np.arange(1.0, rows + 1)[:, None]
    kept = x[rows // 3 : rows - 1]
    gradient = graphnn.backprop(net, x=x)
    np.testing.assert_allclose(gradient["a.weight"], [[kept.sum()]], rtol=1e-15)
    np.testing.assert_allclose(gradient["a.bias"], [len(kept)], rtol=1e-15)
    for method in ("loop", "probes", "complex"):
        found = graphnn.numerical_gradient(net, x=x, method=method)
        np.testing.assert_allclose(found["a.weight"].value, [[kept.sum()]], rtol=1e-9)


def test_one_reverse_pass_for_batches_of_different_sizes():
    reverse = Reverse(graphnn.loads(SPEC))
    found = [reverse({"x": np.ones((rows, 1))}).gradients["a.bias"][0] for rows in (6, 3, 9, 6)]
    assert found == [len(range(rows // 3, rows - 1)) for rows in (6, 3, 9, 6)]
