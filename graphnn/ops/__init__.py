"""All ops. Importing this package fills the registry."""

from graphnn.ops import (
    activation,
    arithmetic,
    convolution,
    linear,
    loss,
    normalization,
    reduction,
    shape,
    source,
)
from graphnn.ops._op import REGISTRY, Op

__all__ = [
    "REGISTRY",
    "Op",
    "activation",
    "arithmetic",
    "convolution",
    "linear",
    "loss",
    "normalization",
    "reduction",
    "shape",
    "source",
]
