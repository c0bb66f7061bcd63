"""A network of images that are changed as they are trained on."""

import numpy as np

SPEC = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 1, 6, 5]}
  t:    {op: input, shape: [batch], dtype: int}
  f:    {op: flatten, inputs: x}
  a:    {op: affine, inputs: f, units: 3}
  y:    {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: rows.npz}
  validation: 10
  metrics: {accuracy: [y, t]}
  augment: {shift: 1, rotate: 20, zoom: 0.1, flip: horizontal, noise: 0.2}
  batch_size: 8
  epochs: 3
"""


def written(folder):
    """The file of the network, beside the data that it names."""
    rng = np.random.default_rng(0)
    np.savez(folder / "rows.npz", x=rng.random((50, 30)), t=rng.integers(0, 3, 50))
    (folder / "net.yaml").write_text(SPEC)
    return folder / "net.yaml"
