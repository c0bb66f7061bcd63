"""Forward and backward passes of 784-50-10 by graphnn, against the same written by hand in NumPy.

Both run in one process and take turns, so that they see the same machine. `ratio` is the median
over the turns of graphnn's time over NumPy's, `of least` that of their shortest times. `products`
is the time of the matrix products alone, `bound` what they would take at the speed of large ones.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from timing import gemm_rate, interleaved, machine, ratio

import graphnn
from graphnn.gradients import Reverse

Array = NDArray[Any]
PIXELS, HIDDEN, CLASSES = 784, 50, 10
SPEC = f"""
graphnn: 1
dtype: DTYPE
nodes:
  x:    {{op: input, shape: [batch, {PIXELS}]}}
  t:    {{op: input, shape: [batch], dtype: int}}
  a1:   {{op: affine, inputs: x, units: {HIDDEN}}}
  z1:   {{op: sigmoid, inputs: a1}}
  a2:   {{op: affine, inputs: z1, units: {CLASSES}}}
  y:    {{op: softmax, inputs: a2}}
  loss: {{op: cross_entropy, inputs: [y, t]}}
"""
# Multiply-adds a sample: both products forward; backward each weight's, and that of z1.
FORWARD = 2 * (PIXELS * HIDDEN + HIDDEN * CLASSES)
BACKWARD = FORWARD + 2 * HIDDEN * CLASSES


class ByHand:
    """The network as a person who knows NumPy writes it for this one purpose."""

    def __init__(self, parameters: dict[str, Array]) -> None:
        self.w1, self.b1 = parameters["a1.weight"], parameters["a1.bias"]
        self.w2, self.b2 = parameters["a2.weight"], parameters["a2.bias"]

    def hidden(self, x: Array) -> Array:
        """Sigmoid of the first layer."""
        z = x @ self.w1
        z += self.b1
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        return np.reciprocal(z, out=z)

    def probabilities(self, z: Array) -> Array:
        """Softmax of the second layer."""
        y = z @ self.w2
        y += self.b2
        y -= y.max(axis=1, keepdims=True)
        np.exp(y, out=y)
        y /= y.sum(axis=1, keepdims=True)
        return y

    def forward(self, x: Array) -> Array:
        """Probabilities of the classes."""
        return self.probabilities(self.hidden(x))

    def gradient(self, x: Array, t: Array) -> tuple[float, dict[str, Array]]:
        """Mean cross-entropy, and its gradient."""
        z = self.hidden(x)
        y = self.probabilities(z)
        chosen = np.arange(len(t)), t
        loss = -float(np.log(y[chosen]).mean())
        y[chosen] -= 1
        y /= len(t)
        by_z = y @ self.w2.T
        by_w2 = z.T @ y
        by_z *= z
        np.subtract(1, z, out=z)
        by_z *= z
        return loss, {
            "a1.weight": x.T @ by_z,
            "a1.bias": by_z.sum(axis=0),
            "a2.weight": by_w2,
            "a2.bias": y.sum(axis=0),
        }


class Bench:
    """Both networks on one batch."""

    def __init__(self, dtype: str, batch: int) -> None:
        rng = np.random.default_rng(0)
        self.dtype, self.batch = dtype, batch
        self.x = rng.random((batch, PIXELS)).astype(dtype)
        self.t = rng.integers(0, CLASSES, batch)
        self.network = graphnn.loads(SPEC.replace("DTYPE", dtype))
        self.reverse = Reverse(self.network)
        self.by_hand = ByHand(dict(self.network.parameters))
        self._check()

    def _check(self) -> None:
        """Both give the same numbers."""
        eps = 50 * float(np.finfo(self.dtype).eps)
        y = self.network.run(x=self.x)["y"]
        np.testing.assert_allclose(y, self.by_hand.forward(self.x), rtol=eps, atol=eps)
        found = self.reverse({"x": self.x, "t": self.t})
        loss, wanted = self.by_hand.gradient(self.x, self.t)
        np.testing.assert_allclose(found.loss, loss, rtol=eps)
        for name, array in wanted.items():
            largest = abs(array).max()
            np.testing.assert_allclose(found.gradients[name], array, rtol=0, atol=eps * largest)

    def forward(self, seconds: float) -> dict[str, list[float]]:
        """Times of both forward passes, and of their products alone."""
        return interleaved(
            {
                "numpy": lambda: self.by_hand.forward(self.x),
                "graphnn": lambda: self.network.run(x=self.x),
                "products": self._products(backward=False),
            },
            seconds,
        )

    def backward(self, seconds: float) -> dict[str, list[float]]:
        """Times of both forward and backward passes, and of their products alone."""
        return interleaved(
            {
                "numpy": lambda: self.by_hand.gradient(self.x, self.t),
                "graphnn": lambda: self.reverse({"x": self.x, "t": self.t}),
                "products": self._products(backward=True),
            },
            seconds,
        )

    def _products(self, *, backward: bool) -> Callable[[], None]:
        """The matrix products of a pass, into memory that is there."""
        x, w1, w2 = self.x, self.by_hand.w1, self.by_hand.w2
        z, y = (np.ones((self.batch, size), self.dtype) for size in (HIDDEN, CLASSES))
        products = [(x, w1, np.empty_like(z)), (z, w2, np.empty_like(y))]
        if backward:
            products += [
                (y, w2.T, np.empty_like(z)),
                (z.T, y, np.empty_like(w2)),
                (x.T, z, np.empty_like(w1)),
            ]

        def multiply() -> None:
            for left, right, out in products:
                np.matmul(left, right, out=out)

        return multiply


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--threads", type=int, help="threads of BLAS")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each line of the table")
    options = parser.parse_args()
    seconds = 0.0 if options.quick else options.seconds
    with threadpool_limits(options.threads):
        print(machine())
        for dtype in ("float64", "float32"):
            table(dtype, (1, 3) if options.quick else (1, 100, 10_000), seconds)


def table(dtype: str, batches: tuple[int, ...], seconds: float) -> None:
    """Print the lines of one dtype."""
    rate = gemm_rate(dtype, seconds / 2)
    print(f"\n{dtype}: products of large matrices run at {rate / 1e9:.0f} GFLOP/s")
    print(
        f"{'batch':>6}  {'pass':<9}{'NumPy':>11}{'graphnn':>11}{'ratio':>8}{'of least':>10}"
        f"{'products':>11}{'bound':>11}"
    )
    for batch in batches:
        bench = Bench(dtype, batch)
        line(batch, "forward", bench.forward(seconds), FORWARD * batch / rate)
        line(batch, "+backward", bench.backward(seconds), (FORWARD + BACKWARD) * batch / rate)


def line(batch: int, name: str, times: dict[str, list[float]], bound: float) -> None:
    """Print one line of the table."""
    least = {key: min(turns) for key, turns in times.items()}
    middle = {key: statistics.median(turns) for key, turns in times.items()}
    print(
        f"{batch:>6}  {name:<9}{_shown(middle['numpy'])}{_shown(middle['graphnn'])}"
        f"{ratio(times['graphnn'], times['numpy']):>8.2f}{least['graphnn'] / least['numpy']:>10.2f}"
        f"{_shown(middle['products'])}{_shown(bound)}"
    )
    if batch == 1:
        print(f"{'':>8}overhead {_shown(least['graphnn'] - least['numpy']).strip()}")


def _shown(seconds: float) -> str:
    return f"{seconds * 1e6:>8.1f} us"


if __name__ == "__main__":
    main()
