"""Convolution, pooling and a small convolutional network by graphnn, against PyTorch.

Images are those of a batch of 100, in float32. Each line gives the median time of a forward pass
of one op, then of its backward pass, and the median over the turns of graphnn's time over
PyTorch's. The last lines are a whole network, conv 30 of 5x5, relu, pool 2, affine 100, relu,
affine 10: its forward pass, and one gradient and step of gradient descent.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from timing import Function, interleaved, machine, ratio

import graphnn
from graphnn.gradients import Reverse
from graphnn.ops import REGISTRY

Array = NDArray[Any]
functional = torch.nn.functional
BATCH = 100
SPEC = """
graphnn: 1
dtype: float32
nodes:
  x:     {op: input, shape: [batch, 784]}
  t:     {op: input, shape: [batch], dtype: int}
  image: {op: reshape, inputs: x, shape: [batch, 1, 28, 28]}
  c:     {op: conv2d, inputs: image, filters: 30, kernel: 5}
  r:     {op: relu, inputs: c}
  p:     {op: max_pool, inputs: r, kernel: 2}
  f:     {op: flatten, inputs: p}
  a1:    {op: affine, inputs: f, units: 100, weight: he}
  r1:    {op: relu, inputs: a1}
  a2:    {op: affine, inputs: r1, units: 10}
  y:     {op: softmax, inputs: a2}
  loss:  {op: cross_entropy, inputs: [y, t]}
"""
RATE = 0.01


class OpBench:
    """One op, by both, on the same numbers.

    Parameters
    ----------
    name : str
        Of the op.
    attributes : dict
    shapes : list of tuple of int
        Of images and parameters.
    theirs : callable
        The same for tensors.
    first : bool
        Whether it is the first of a network, so that nobody wants the cotangent of the images.
    """

    def __init__(
        self,
        name: str,
        attributes: dict[str, Any],
        shapes: list[tuple[int, ...]],
        theirs: Callable[..., Any],
        first: bool = False,
    ) -> None:
        rng = np.random.default_rng(0)
        self.op = REGISTRY[name](**attributes)
        arrays = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
        # Each has its images as its own results are: graphnn innermost, PyTorch outermost.
        self.arrays = [_innermost(arrays[0]), *arrays[1:]]
        self.saved = {"saved": dict[str, Array]()} if self.op.takes_saved else {}
        self.output = self.op.forward(*self.arrays, **self.saved)
        cotangent = rng.standard_normal(self.output.shape, dtype=np.float32)
        self.cotangent = _innermost(cotangent)
        self.wanted = tuple(position > 0 or not first for position in range(len(arrays)))
        self.tensors = [
            torch.tensor(array, requires_grad=wanted)
            for array, wanted in zip(arrays, self.wanted, strict=True)
        ]
        self.theirs = theirs
        self.result = theirs(*self.tensors)
        self.given = torch.tensor(cotangent)
        self._check()

    def _check(self) -> None:
        expected = self.result.detach().numpy()
        np.testing.assert_allclose(self.output, expected, rtol=1e-3, atol=1e-3)
        found = [array for array in self._vjp() if array is not None]
        for mine, tensor in zip(found, self._backward(), strict=True):
            scale = float(tensor.abs().max())
            np.testing.assert_allclose(mine / scale, tensor.numpy() / scale, rtol=0, atol=1e-4)

    def _vjp(self) -> tuple[Array | None, ...]:
        options = {"wanted": self.wanted} if self.op.takes_wanted else {}
        return self.op.vjp(self.cotangent, self.output, *self.arrays, **options, **self.saved)

    def _backward(self) -> tuple[Any, ...]:
        wanted = [tensor for tensor in self.tensors if tensor.requires_grad]
        return torch.autograd.grad(self.result, wanted, self.given, retain_graph=True)

    def _forward(self) -> object:
        with torch.no_grad():
            return self.theirs(*self.tensors)

    def passes(self) -> dict[str, dict[str, Function]]:
        """What to time."""
        return {
            "forward": {
                "graphnn": lambda: self.op.forward(*self.arrays),
                "torch": self._forward,
            },
            "backward": {"graphnn": self._vjp, "torch": self._backward},
        }


def _innermost(x: Array) -> Array:
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)


class NetworkBench:
    """The whole network, by both."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.x = rng.random((BATCH, 784), dtype=np.float32)
        self.t = rng.integers(0, 10, BATCH)
        self.network = graphnn.loads(SPEC)
        self.reverse = Reverse(self.network)
        self.images, self.classes = torch.tensor(self.x), torch.tensor(self.t)
        self.module = torch.nn.Sequential(
            torch.nn.Unflatten(1, (1, 28, 28)),
            torch.nn.Conv2d(1, 30, 5),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Linear(4320, 100),
            torch.nn.ReLU(),
            torch.nn.Linear(100, 10),
        )
        with torch.no_grad():
            for tensor, array in zip(
                self.module.parameters(), self.network.parameters.values(), strict=True
            ):
                tensor[...] = torch.tensor(array.T if array.ndim == 2 else array)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=RATE)
        for _ in range(3):
            np.testing.assert_allclose(self.step(), self.their_step(), rtol=1e-4)

    def step(self) -> float:
        """One step by graphnn; the loss before it."""
        found = self.reverse({"x": self.x, "t": self.t})
        for name, gradient in found.gradients.items():
            gradient *= RATE
            self.network.parameters[name][...] -= gradient
        return found.loss

    def their_step(self) -> float:
        """One step by PyTorch; the loss before it."""
        self.optimizer.zero_grad()
        loss = functional.cross_entropy(self.module(self.images), self.classes)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def _their_forward(self) -> object:
        with torch.no_grad():
            return torch.softmax(self.module(self.images), 1)

    def passes(self) -> dict[str, dict[str, Function]]:
        """What to time."""
        return {
            "forward": {
                "graphnn": lambda: self.network.run(x=self.x),
                "torch": self._their_forward,
            },
            "step": {"graphnn": self.step, "torch": self.their_step},
        }


def convolution(
    channels: int, filters: int, kernel: int, side: int, first: bool = False, **attributes: int
) -> OpBench:
    """A convolution of square images."""
    shape = (filters, channels // attributes.get("groups", 1), kernel, kernel)
    return OpBench(
        "conv2d",
        attributes,
        [(BATCH, channels, side, side), shape, (filters,)],
        lambda x, w, b: functional.conv2d(x, w, b, **attributes),
        first,
    )


def benches() -> dict[str, Callable[[], OpBench]]:
    """One for each line, by its name."""
    pooled = [(BATCH, 30, 24, 24)]
    return {
        "conv 1-30 5x5, 28x28": lambda: convolution(1, 30, 5, 28, first=True),
        "conv 16-16 3x3, 28x28": lambda: convolution(16, 16, 3, 28, padding=1),
        "conv 32-32 3x3, 14x14": lambda: convolution(32, 32, 3, 14, padding=1),
        "conv 64-64 3x3, 7x7": lambda: convolution(64, 64, 3, 7, padding=1),
        "conv 32-32 3x3 stride 2": lambda: convolution(32, 32, 3, 14, padding=1, stride=2),
        "conv 32 3x3 depthwise": lambda: convolution(32, 32, 3, 14, padding=1, groups=32),
        "transpose 32-32 4x4": lambda: OpBench(
            "conv_transpose2d",
            {"stride": 2, "padding": 1},
            [(BATCH, 32, 7, 7), (32, 32, 4, 4), (32,)],
            lambda x, w, b: functional.conv_transpose2d(x, w, b, stride=2, padding=1),
        ),
        "relu 30x24x24": lambda: OpBench("relu", {}, pooled, functional.relu),
        "max_pool 2": lambda: OpBench(
            "max_pool", {"kernel": 2}, pooled, lambda x: functional.max_pool2d(x, 2)
        ),
        "max_pool 3 stride 2": lambda: OpBench(
            "max_pool", {"kernel": 3, "stride": 2}, pooled, lambda x: functional.max_pool2d(x, 3, 2)
        ),
        "average_pool 2": lambda: OpBench(
            "average_pool", {"kernel": 2}, pooled, lambda x: functional.avg_pool2d(x, 2)
        ),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS; training has 1")
    parser.add_argument("--torch-threads", type=int, default=1, help="threads of PyTorch")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each pass")
    options = parser.parse_args()
    torch.set_num_threads(options.torch_threads)
    with threadpool_limits(options.threads):
        print(machine())
        print(f"torch {torch.__version__}, {options.torch_threads} threads\n")
        print(f"{'':<26}{'pass':<10}{'graphnn':>10}{'torch':>10}{'ratio':>8}{'of least':>10}")
        for name, make in {**benches(), "network": NetworkBench}.items():
            for part, functions in make().passes().items():
                line(name, part, interleaved(functions, 0.0 if options.quick else options.seconds))


def line(name: str, part: str, times: dict[str, list[float]]) -> None:
    """Print one line of the table."""
    mine, theirs = times["graphnn"], times["torch"]
    shown = (f"{statistics.median(turns) * 1e3:>7.2f} ms" for turns in (mine, theirs))
    print(
        f"{name:<26}{part:<10}{''.join(shown)}{ratio(mine, theirs):>8.2f}"
        f"{min(mine) / min(theirs):>10.2f}"
    )


if __name__ == "__main__":
    main()
