"""What a numerical gradient cannot be faster than: the arithmetic of the rows that move.

Rows whose input is 0 do not move, equal moves of a row count once, and a moved unit that a
rectifier shuts ends there. For all that is left: exponentials, and multiply-adds of the products
that follow.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from by_hand import Layer, NumpyChain
from gradient_rivals import Row
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from timing import gemm_rate, interleaved

Array = NDArray[Any]
OFFSETS = 2  # of a central difference


@dataclass
class Work:
    """Arithmetic to be done.

    Attributes
    ----------
    exponentials, products : float
        Exponentials, and multiply-adds.
    """

    exponentials: float = 0.0
    products: float = 0.0

    def add(self, moves: float, exponentials: float = 0.0, products: float = 0.0) -> None:
        """Add that of some moves, each of which takes so much."""
        self.exponentials += moves * exponentials
        self.products += moves * products


@dataclass(frozen=True)
class Machine:
    """What all cores together do in a second: exponentials, and multiply-adds of a product."""

    exponentials: float
    products: float

    @classmethod
    def measured(cls, seconds: float) -> Machine:
        """By NumPy's own exponential and product, in float64, a thread a core."""
        cores = os.cpu_count() or 1
        arrays = [np.linspace(-1, 1, 1 << 14) for _ in range(cores)]
        outs = [np.empty_like(array) for array in arrays]

        def work(place: int) -> None:
            for _ in range(200):
                np.exp(arrays[place], out=outs[place])

        with ThreadPoolExecutor(cores) as pool, threadpool_limits(1, "blas"):
            times = interleaved({"exp": lambda: [*pool.map(work, range(cores))]}, seconds)["exp"]
            products = gemm_rate("float64", seconds) / 2 * cores
        return cls(200 * cores * (1 << 14) / min(times), products)

    def seconds(self, work: Work) -> float:
        """How long `work` takes."""
        return work.exponentials / self.exponentials + work.products / self.products


def bound(row: Row) -> Work | None:
    """The work of one gradient of `row` by central differences; None where it is not counted."""
    if row.chain:
        return _chain(row)
    return _residual(row) if "h0.weight" in row.network.parameters else None


def _chain(row: Row) -> Work:
    work = Work()
    values = [row.inputs["x"]]
    for layer in row.chain:
        values.append(NumpyChain((layer,), row.network.parameters).forward(values[-1])[0])
    for number, layer in enumerate(row.chain):
        if layer.kind not in ("affine", "conv"):
            continue
        z, after = values[number + 1], row.chain[number + 1 :]
        cases = np.array([_cases(sample, layer) for sample in values[number]])
        opens = np.ones(z.shape[:2])
        if layer.kind == "affine" and after and after[0].kind == "relu":
            opens = z > 0  # some entry of a convolution's plane always is
        # A bias is one case more.
        moves = OFFSETS * float(((cases + 1) @ opens).sum())
        work.add(moves, products=z[0, 0].size)
        _onwards(work, moves, after, row.network.parameters, values[number + 1 :], z.shape[1])
    return work


def _onwards(
    work: Work,
    moves: float,
    after: Sequence[Layer],
    parameters: Mapping[str, Array],
    values: Sequence[Array],
    channels: int,
) -> None:
    """What follows when one of `channels` has moved."""
    mixed = False
    size = values[0][0].size // channels
    for layer, result in zip(after, values[1:], strict=True):
        if layer.kind == "affine":
            inputs, units = parameters[f"{layer.node}.weight"].shape
            work.add(moves, products=(inputs if mixed else size) * units)
            mixed, size = True, units
        else:
            size = result[0].size if mixed else result[0].size // channels
            work.add(moves, exponentials=size if layer.kind == "sigmoid" else 0)
    classes = values[-1].shape[1]
    work.add(moves, exponentials=classes)


def _cases(sample: Array, layer: Layer) -> int:
    """Different moves of one sample that the weights of a layer make."""
    if layer.kind == "conv":
        return 25 if sample.any() else 0
    return _different(sample)


def _different(sample: Array) -> int:
    return len(np.unique(sample[sample != 0]))


def _residual(row: Row) -> Work:
    """That of the residual network: a move passes the shut rectifiers on the sum beside them."""
    work = Work()
    p = row.network.parameters
    sums = [row.inputs["x"] @ p["h0.weight"] + p["h0.bias"]]
    count = sum(name.endswith(".weight") for name in p) - 2
    inner = [row.inputs["x"]]
    for block in range(1, count + 1):
        inner.append(np.maximum(sums[-1], 0))
        sums.append(sums[-1] + inner[-1] @ p[f"a{block}.weight"] + p[f"a{block}.bias"])
    width, classes = p["a.weight"].shape
    for block in range(count + 1):
        cases = np.array([_different(sample) + 1 for sample in inner[block]])
        opened = np.zeros(sums[0].shape, dtype=bool)  # by a block before: rows are whole
        for later in range(block, count):
            opens = (sums[later] > 0) & ~opened
            work.add(OFFSETS * float((cases @ opens).sum()), products=width)
            work.add(OFFSETS * float((cases @ opened).sum()), products=width * width)
            opened |= opens
        work.add(OFFSETS * float((cases @ opened).sum()), classes, width * classes)
        work.add(OFFSETS * float((cases @ ~opened).sum()), classes, classes)
    last = sum(_different(sample) + 1 for sample in sums[-1])
    work.add(OFFSETS * float(last) * classes, classes)
    return work
