"""One gradient and one step of gradient descent by graphnn, NumPy by hand, PyTorch and jax.

The same network in float32, on the same batch, in one process and taking turns. graphnn's row is
`Training.step`, what `graphnn train` does for every batch. All start from the same parameters, and
must find the same loss and gradient in float64, where no kink is near, before they are timed in
float32. `ratio` is the median over the turns
of graphnn's time over the other's, so that below 1 graphnn is faster. `products` is what the
matrix products of the pass take alone, into memory that is there: nobody can be faster by them.

All have the same threads: one, as `graphnn train` gives BLAS, unless --threads says otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from by_hand import Chain, Layer, NumpyChain, dense, jax_scores, torch_chain
from forward_backward import ByHand
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from timing import Function, interleaved, machine, products, table

import graphnn
from graphnn.gradients import backprop
from graphnn.training.data.dataset import Dataset
from graphnn.training.data.splits import Sets
from graphnn.training.fitting.loop import Training

Array = NDArray[Any]
SPECS = Path(__file__).parents[1] / "specs"
RATE = 0.01
_CLOSE = 1e-10  # of the largest entry of a gradient in float64


@dataclass(frozen=True)
class Case:
    """A network and a batch to train it on.

    Attributes
    ----------
    title : str
    layers : tuple of int
        Of a dense network; empty for the convolutional one of specs/cnn.yaml.
    activation : str
    batch : int
    """

    title: str
    layers: tuple[int, ...]
    activation: str
    batch: int

    def network(self) -> graphnn.Network:
        """The network as graphnn has it, to be trained by plain gradient descent."""
        plain = {"sgd": {"learning_rate": RATE}}
        if not self.layers:
            return graphnn.load(
                SPECS / "cnn.yaml", {"optimizer": plain, "augment": {}, "metrics": {}}
            )
        nodes: dict[str, Any] = {
            "x": {"op": "input", "shape": ["batch", self.layers[0]]},
            "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
        }
        before = "x"
        for number, units in enumerate(self.layers[1:], 1):
            nodes[f"a{number}"] = {"op": "affine", "inputs": before, "units": units, "weight": "he"}
            before = f"a{number}"
            if number < len(self.layers) - 1:
                nodes[f"z{number}"] = {"op": self.activation, "inputs": before}
                before = f"z{number}"
        nodes["y"] = {"op": "softmax", "inputs": before}
        nodes["loss"] = {"op": "cross_entropy", "inputs": ["y", "t"]}
        train = {"loss": "loss", "optimizer": plain, "batch_size": self.batch, "epochs": 1}
        return graphnn.loads({"graphnn": 1, "dtype": "float32", "nodes": nodes, "train": train})

    @property
    def chain(self) -> Chain:
        """The layers before the softmax."""
        if self.layers:
            names = [f"a{number}" for number in range(1, len(self.layers))]
            return dense(names, self.activation)
        return (
            Layer("conv", "c1"),
            Layer("relu"),
            Layer("pool"),
            Layer("flatten"),
            *dense(["a2", "a3"], "relu"),
        )

    @property
    def products(self) -> list[tuple[int, int, int]]:
        """Sizes (m, k, n) of every product of a pass forth and back."""
        if self.layers:
            dense_sizes = [*zip(self.layers, self.layers[1:], strict=False)]
            first: list[tuple[int, int, int]] = []
        else:
            dense_sizes = [(30 * 12 * 12, 100), (100, 10)]
            places = self.batch * 24 * 24
            first = [(30, 25, places), (25, places, 30)]
        for number, (inputs, units) in enumerate(dense_sizes):
            first += [(self.batch, inputs, units), (inputs, self.batch, units)]
            if number or not self.layers:
                first.append((self.batch, units, inputs))
        return first


CASES = (
    Case("784-50-10 sigmoid, batch 100", (784, 50, 10), "sigmoid", 100),
    Case("784-512-512-10 relu, batch 256", (784, 512, 512, 10), "relu", 256),
    Case("specs/cnn.yaml, batch 100", (), "relu", 100),
)
QUICK = (
    Case("784-50-10 sigmoid, batch 3", (784, 50, 10), "sigmoid", 3),
    Case("784-8-8-10 relu, batch 3", (784, 8, 8, 10), "relu", 3),
    Case("specs/cnn.yaml, batch 3", (), "relu", 3),
)


class Bench:
    """One case by everyone that is installed, in float64 compared.

    Parameters
    ----------
    case : Case
    modules : mapping of str to module
        ``torch`` and ``jax``, where they are installed.
    dtype : {"float32", "float64"}
    """

    def __init__(self, case: Case, modules: Mapping[str, Any], dtype: str) -> None:
        rng = np.random.default_rng(0)
        self.case, self._compared = case, dtype == "float64"
        shape = (case.batch, case.layers[0]) if case.layers else (case.batch, 1, 28, 28)
        self.x, self.t = rng.random(shape).astype(dtype), rng.integers(0, 10, case.batch)
        network = case.network().astype(dtype)
        self.start = {name: array.copy() for name, array in network.parameters.items()}
        batch = {"x": self.x, "t": self.t}
        self.expected = network.loss(batch), backprop(network, batch)
        spec = network.graph.spec.train
        assert spec is not None
        training = Training(network, spec, Sets(Dataset(batch, "random digits")))
        self.steps: dict[str, Function] = {
            "graphnn": lambda: training.step(batch),
            "NumPy": self._numpy(),
        }
        makers = {"torch": self._torch, "jax": self._jax}
        for name, module in modules.items():
            self.steps[name] = makers[name](module)
        self.steps["products"] = products(case.products)

    def _check(self, name: str, loss: float, gradients: Mapping[str, Any]) -> None:
        if not self._compared:
            return
        wanted, expected = self.expected
        np.testing.assert_allclose(loss, wanted, rtol=_CLOSE, err_msg=name)
        assert set(gradients) == set(expected)
        for key, gradient in expected.items():
            largest = float(np.abs(gradient).max())
            found = np.asarray(gradients[key])
            np.testing.assert_allclose(found, gradient, rtol=0, atol=_CLOSE * largest, err_msg=name)

    def _numpy(self) -> Function:
        if len(self.case.layers) == 3:
            by_hand = ByHand({name: array.copy() for name, array in self.start.items()})
            names = {"a1.weight": "w1", "a1.bias": "b1", "a2.weight": "w2", "a2.bias": "b2"}
            self._check("NumPy", *by_hand.gradient(self.x, self.t))

            def step() -> None:
                _, gradients = by_hand.gradient(self.x, self.t)
                for name, gradient in gradients.items():
                    gradient *= RATE
                    parameter = getattr(by_hand, names[name])
                    parameter -= gradient

            return step
        chain = NumpyChain(self.case.chain, self.start)
        self._check("NumPy", *chain.gradient(self.x, self.t))
        return lambda: chain.step(self.x, self.t, RATE)

    def _torch(self, torch: Any) -> Function:
        module, names = torch_chain(torch, self.case.chain, self.start)
        optimizer = torch.optim.SGD(module.parameters(), lr=RATE)
        x, t = torch.tensor(self.x), torch.tensor(self.t)

        def gradient() -> float:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(module(x), t)
            loss.backward()
            return float(loss.detach())

        loss = gradient()
        found = [parameter.grad.numpy() for parameter in module.parameters()]
        turned = [array.T if array.ndim == 2 else array for array in found]
        self._check("torch", loss, dict(zip(names, turned, strict=True)))

        def step() -> None:
            gradient()
            optimizer.step()

        return step

    def _jax(self, jax: Any) -> Function:
        def loss(parameters: Mapping[str, Any], x: Any, t: Any) -> Any:
            logs = jax.nn.log_softmax(jax_scores(jax, self.case.chain, parameters, x))
            return -logs[jax.numpy.arange(len(t)), t].mean()

        def move(parameters: Mapping[str, Any], x: Any, t: Any) -> Any:
            found, gradients = jax.value_and_grad(loss)(parameters, x, t)
            moved = jax.tree.map(lambda w, gradient: w - RATE * gradient, parameters, gradients)
            return found, moved

        x, t = jax.numpy.asarray(self.x), jax.numpy.asarray(self.t)
        parameters = {name: jax.numpy.asarray(array) for name, array in self.start.items()}
        self._check("jax", *jax.jit(jax.value_and_grad(loss))(parameters, x, t))
        compiled = jax.jit(move, donate_argnums=0)

        def step() -> None:
            nonlocal parameters
            found, parameters = compiled(parameters, x, t)
            float(found)
            jax.block_until_ready(parameters)

        return step


def rivals(threads: int) -> dict[str, Any]:
    """The frameworks that are installed, held to so many threads."""
    if threads == 1:
        # jax reads them when it is first imported.
        os.environ["NPROC"] = "1"
        os.environ["XLA_FLAGS"] = (
            "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )
    found = {}
    for name in ("torch", "jax"):
        try:
            found[name] = importlib.import_module(name)
        except ImportError:
            print(f"{name} is not installed: its rows are left out")
    if "torch" in found:
        found["torch"].set_num_threads(threads)
    return found


@contextmanager
def in_float64(modules: Mapping[str, Any]) -> Iterator[None]:
    """Let jax keep float64, which it makes float32 of otherwise."""
    if "jax" not in modules:
        yield
        return
    config = modules["jax"].config
    config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        config.update("jax_enable_x64", False)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--threads", type=int, default=1, help="threads of everyone")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each network")
    options = parser.parse_args()
    modules = rivals(options.threads)
    with threadpool_limits(options.threads, "blas"):
        print(machine())
        print(", ".join(f"{name} {module.__version__}" for name, module in modules.items()))
        for case in QUICK if options.quick else CASES:
            with in_float64(modules):
                Bench(case, modules, "float64")
            steps = Bench(case, modules, "float32").steps
            # Nobody trains a step at a time: turns are long enough to forget another's caches.
            turn = 2e-3 if options.quick else 2e-2
            table(case.title, interleaved(steps, 0.0 if options.quick else options.seconds, turn))


if __name__ == "__main__":
    main()
