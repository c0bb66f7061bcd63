"""Forward passes by graphnn, against onnxruntime and PyTorch.

The same network in float32, on the same rows, in one process and taking turns; all must give the
same probabilities before anything is timed. `ratio` is the median over the turns of graphnn's time
over the other's, so that below 1 graphnn is faster. `products` is what the matrix products alone
take, of unfolded images for a convolution.

All have the same threads: one, unless --threads says otherwise.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from by_hand import Chain, Layer, dense, torch_chain
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from timing import Function, interleaved, machine, products, table

import graphnn

Array = NDArray[Any]
SPECS = Path(__file__).parents[1] / "specs"
LAYERS = (784, 50, 100, 10)
_CLOSE = 1e-5  # of probabilities; products of float32 differ by their order


@dataclass(frozen=True)
class Case:
    """A network and how many rows to give it.

    Attributes
    ----------
    deep : bool
        Whether it is the network of specs/cnn_deep.yaml, not the dense one.
    batch : int
    """

    deep: bool
    batch: int

    @property
    def title(self) -> str:
        """What the table calls it."""
        name = "specs/cnn_deep.yaml" if self.deep else "-".join(map(str, LAYERS)) + " sigmoid"
        return f"{name}, batch {self.batch:,}"

    def network(self) -> graphnn.Network:
        """The network as graphnn has it."""
        if self.deep:
            return graphnn.load(SPECS / "cnn_deep.yaml")
        nodes: dict[str, Any] = {"x": {"op": "input", "shape": ["batch", LAYERS[0]]}}
        before = "x"
        for number, units in enumerate(LAYERS[1:], 1):
            nodes[f"a{number}"] = {"op": "affine", "inputs": before, "units": units}
            last = number == len(LAYERS) - 1
            before = "y" if last else f"z{number}"
            nodes[before] = {"op": "softmax" if last else "sigmoid", "inputs": f"a{number}"}
        return graphnn.loads({"graphnn": 1, "dtype": "float32", "nodes": nodes})

    @property
    def chain(self) -> Chain:
        """The layers before the softmax."""
        if not self.deep:
            return dense(["a1", "a2", "a3"], "sigmoid")
        layers = []
        for number in range(1, 7):
            layers += [Layer("conv", f"c{number}", 2 if number == 4 else 1), Layer("relu")]
            layers += [Layer("pool")] if number % 2 == 0 else []
        return (*layers, Layer("flatten"), *dense(["a7", "a8"], "relu"))

    @property
    def products(self) -> list[tuple[int, int, int]]:
        """Sizes (m, k, n) of every product."""
        if not self.deep:
            return [(self.batch, *pair) for pair in pairwise(LAYERS)]
        # Filters, entries of a window, and places by image.
        convolutions = [(16, 9, 28), (16, 144, 28), (32, 144, 14), (32, 288, 16)]
        convolutions += [(64, 288, 8), (64, 576, 8)]
        wide = [(filters, window, side**2 * self.batch) for filters, window, side in convolutions]
        return [*wide, (self.batch, 64 * 4 * 4, 50), (self.batch, 50, 10)]


CASES = (Case(False, 1), Case(False, 100), Case(False, 10_000), Case(True, 100))
QUICK = (Case(False, 1), Case(False, 3), Case(True, 2))


class Bench:
    """One case by everyone that is installed.

    Parameters
    ----------
    case : Case
    modules : mapping of str to module
        ``onnxruntime`` and ``torch``, where they are installed.
    threads : int
        Of each.
    """

    def __init__(self, case: Case, modules: Mapping[str, Any], threads: int) -> None:
        rng = np.random.default_rng(0)
        self.case, self.threads = case, threads
        shape = (case.batch, 1, 28, 28) if case.deep else (case.batch, LAYERS[0])
        self.x = rng.random(shape, np.float32)
        network = case.network()
        for name, array in network.parameters.items():
            if name.endswith(".bias"):  # which start as zeros, and might then be forgotten
                array[...] = rng.normal(scale=0.1, size=array.shape)
        self.parameters = network.parameters
        self.expected = network.run(x=self.x)["y"]
        self.runs: dict[str, Function] = {"graphnn": lambda: network.run(x=self.x)["y"]}
        makers = {"onnxruntime": self._onnxruntime, "torch": self._torch}
        for name, module in modules.items():
            run = makers[name](module)
            np.testing.assert_allclose(run(), self.expected, rtol=0, atol=_CLOSE, err_msg=name)
            self.runs[name] = run
        self.runs["products"] = products(case.products)

    def _torch(self, torch: Any) -> Function:
        module, _ = torch_chain(torch, self.case.chain, self.parameters)
        x = torch.tensor(self.x)

        def run() -> Array:
            with torch.inference_mode():
                y: Array = torch.softmax(module(x), 1).numpy()
            return y

        return run

    def _onnxruntime(self, runtime: Any) -> Function:
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        session = runtime.InferenceSession(
            onnx_model(self.case.chain, self.parameters, self.x.shape[1:]),
            options,
            providers=["CPUExecutionProvider"],
        )

        def run() -> Array:
            y: Array = session.run(None, {"x": self.x})[0]
            return y

        return run


def onnx_model(chain: Chain, parameters: Mapping[str, Array], shape: Sequence[int]) -> bytes:
    """The chain and a softmax after it as an ONNX file holds them, for rows of `shape`."""
    onnx = importlib.import_module("onnx")
    kinds = {"relu": "Relu", "sigmoid": "Sigmoid", "flatten": "Flatten"}
    nodes, before = [], "x"
    for number, layer in enumerate(chain):
        after, names = f"v{number}", [f"{layer.node}.weight", f"{layer.node}.bias"]
        if layer.kind == "affine":
            node = onnx.helper.make_node("Gemm", [before, *names], [after])
        elif layer.kind == "conv":
            pads = [layer.padding] * 4
            node = onnx.helper.make_node("Conv", [before, *names], [after], pads=pads)
        elif layer.kind == "pool":
            sides = {"kernel_shape": [2, 2], "strides": [2, 2]}
            node = onnx.helper.make_node("MaxPool", [before], [after], **sides)
        else:
            node = onnx.helper.make_node(kinds[layer.kind], [before], [after])
        nodes.append(node)
        before = after
    nodes.append(onnx.helper.make_node("Softmax", [before], ["y"], axis=1))
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "chain",
        [info("x", onnx.TensorProto.FLOAT, ["batch", *shape])],
        [info("y", onnx.TensorProto.FLOAT, ["batch", 10])],
        [onnx.numpy_helper.from_array(array, name) for name, array in parameters.items()],
    )
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def rivals(threads: int) -> dict[str, Any]:
    """The frameworks that are installed."""
    found = {}
    for name, needs in {"onnxruntime": ["onnx"], "torch": []}.items():
        for module in (name, *needs):
            try:
                found.setdefault(name, importlib.import_module(module))
            except ImportError:
                found.pop(name, None)
                print(f"{module} is not installed: {name}'s rows are left out")
                break
    if "torch" in found:
        found["torch"].set_num_threads(threads)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--threads", type=int, default=1, help="threads of everyone")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each network and batch")
    options = parser.parse_args()
    modules = rivals(options.threads)
    with threadpool_limits(options.threads, "blas"):
        print(machine())
        print(", ".join(f"{name} {module.__version__}" for name, module in modules.items()))
        for case in QUICK if options.quick else CASES:
            runs = Bench(case, modules, options.threads).runs
            table(case.title, interleaved(runs, 0.0 if options.quick else options.seconds))


if __name__ == "__main__":
    main()
