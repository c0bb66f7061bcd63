"""Checks of a backward pass that was written elsewhere, and is 1 % off in one entry of 10,000.

The network is 100-90-10, sigmoid and softmax with cross-entropy, on 20 rows; the backward pass is
written by hand in NumPy, for torch as an ``autograd.Function`` and for jax as a ``custom_vjp``
around it. Each tool has its own defaults. "found" is whether it finds the fault; "named" is what it
prints or returns names of the place. What is not installed is left out.

    python benchmarks/foreign_gradients.py
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from timing import machine

import graphnn

Array = NDArray[Any]
SAMPLE = 200  # entries that numdifftools takes: the time of all is in proportion


@dataclass(frozen=True)
class Problem:
    """The network, where it is, and a gradient with one fault.

    Attributes
    ----------
    x, t : ndarray
        Rows, and their classes.
    start : dict of str to ndarray
        Parameters by name.
    fault : tuple of int
        The entry of ``w1`` whose gradient is off.
    """

    x: Array
    t: Array
    start: dict[str, Array]
    fault: tuple[int, ...]

    def loss(self, w1: Array, b1: Array, w2: Array, b2: Array) -> float:
        """Mean cross-entropy."""
        return float(self._forward(w1, b1, w2, b2)[2])

    def right(self, w1: Array, b1: Array, w2: Array, b2: Array) -> dict[str, Array]:
        """Its gradient."""
        z, y, _ = self._forward(w1, b1, w2, b2)
        d_scores = (y - np.eye(y.shape[1])[self.t]) / len(self.t)
        d_a = d_scores @ w2.T * z * (1 - z)
        return {
            "w1": self.x.T @ d_a,
            "b1": d_a.sum(axis=0),
            "w2": z.T @ d_scores,
            "b2": d_scores.sum(axis=0),
        }

    def wrong(self, **arrays: Array) -> dict[str, Array]:
        """The same with the fault."""
        found = self.right(**arrays)
        found["w1"][self.fault] *= 1.01
        return found

    def _forward(self, w1: Array, b1: Array, w2: Array, b2: Array) -> tuple[Array, Array, Any]:
        z = 1 / (1 + np.exp(-(self.x @ w1 + b1)))
        scores = z @ w2 + b2
        scores -= scores.max(axis=1, keepdims=True)
        y = np.exp(scores)
        total = y.sum(axis=1, keepdims=True)
        log_y = scores - np.log(total)
        return z, y / total, -log_y[np.arange(len(self.t)), self.t].mean()

    def flat(self) -> Array:
        """All parameters in one vector."""
        return np.concatenate([array.ravel() for array in self.start.values()])

    def parted(self, vector: Array) -> dict[str, Array]:
        """Parameters by name, from one vector."""
        ends = np.cumsum([array.size for array in self.start.values()])[:-1]
        parts = zip(self.start.items(), np.split(vector, ends), strict=True)
        return {name: part.reshape(array.shape) for (name, array), part in parts}


def problem(quick: bool) -> Problem:
    """10,000 parameters; the fault lies at the largest gradient, where it is easiest to see."""
    inputs, hidden, classes = (8, 6, 3) if quick else (100, 90, 10)
    rng = np.random.default_rng(0)
    shapes = {"w1": (inputs, hidden), "b1": (hidden,), "w2": (hidden, classes), "b2": (classes,)}
    start = {name: rng.normal(size=shape) * 0.3 for name, shape in shapes.items()}
    x, t = rng.normal(size=(20, inputs)), rng.integers(0, classes, 20)
    made = Problem(x, t, start, (0, 0))
    slope = np.abs(made.right(**start)["w1"])
    index = np.unravel_index(int(slope.argmax()), slope.shape)
    return Problem(x, t, start, tuple(map(int, index)))


@dataclass(frozen=True)
class Verdict:
    """What a tool says.

    Attributes
    ----------
    found : str
        "yes", "no", or what it gives instead.
    named : str
    times : float
        How often its work must be done for all entries.
    """

    found: str
    named: str
    times: float = 1.0


def spec_of(at: Problem) -> graphnn.Network:
    """The network as a spec."""
    inputs, hidden = at.start["w1"].shape
    nodes = {
        "x": {"op": "input", "shape": ["batch", inputs]},
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
        "a1": {"op": "affine", "inputs": "x", "units": hidden},
        "z1": {"op": "sigmoid", "inputs": "a1"},
        "a2": {"op": "affine", "inputs": "z1", "units": at.start["b2"].size},
        "y": {"op": "softmax", "inputs": "a2"},
        "loss": {"op": "cross_entropy", "inputs": ["y", "t"]},
    }
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    net.assign(_in_spec(at.start))
    return net


def _in_spec(arrays: dict[str, Array]) -> dict[str, Array]:
    names = {"w1": "a1.weight", "b1": "a1.bias", "w2": "a2.weight", "b2": "a2.bias"}
    return {names[name]: array for name, array in arrays.items()}


def _of_report(report: graphnn.GradientReport, at: Problem, name: str) -> Verdict:
    entry = f"{name}[{','.join(map(str, at.fault))}]: wrong backward (1 of"
    return Verdict("no" if report.ok else "yes", "yes" if entry in str(report) else "no")


def graphnn_spec(at: Problem) -> Callable[[], Verdict]:
    """graphnn, the network as a spec."""
    net, wrong = spec_of(at), _in_spec(at.wrong(**at.start))

    def check() -> Verdict:
        report = graphnn.check_gradients(net, {"x": at.x, "t": at.t}, gradients=wrong)
        return _of_report(report, at, "a1.weight")

    return check


def graphnn_function(at: Problem) -> Callable[[], Verdict]:
    """graphnn, the function as it is."""
    return lambda: _of_report(graphnn.check_function(at.loss, at.start, at.wrong), at, "w1")


def _torch(at: Problem, **options: Any) -> Callable[[], Verdict]:
    import torch
    from torch.autograd.gradcheck import GradcheckError

    torch.set_num_threads(1)

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            arrays = [tensor.detach().numpy() for tensor in tensors]
            return torch.tensor(at.loss(*arrays), dtype=torch.float64)

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            arrays = (tensor.detach().numpy() for tensor in ctx.saved_tensors)
            found = at.wrong(**dict(zip(at.start, arrays, strict=True)))
            return tuple(cotangents[0] * torch.as_tensor(array) for array in found.values())

    given = [torch.tensor(array, requires_grad=True) for array in at.start.values()]

    def check() -> Verdict:
        try:
            torch.autograd.gradcheck(Loss.apply, given, **options)
        except GradcheckError as error:
            array = "the array" if "input 0" in str(error) else "no"
            return Verdict("yes", array)
        return Verdict("no", "no")

    return check


def torch_gradcheck(at: Problem) -> Callable[[], Verdict]:
    """torch.autograd.gradcheck."""
    return _torch(at)


def torch_fast(at: Problem) -> Callable[[], Verdict]:
    """torch.autograd.gradcheck(fast_mode=True)."""
    return _torch(at, fast_mode=True)


def jax_check_grads(at: Problem) -> Callable[[], Verdict]:
    """jax.test_util.check_grads, reverse mode."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    @jax.custom_vjp
    def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        z = jax.nn.sigmoid(at.x @ w1 + b1)
        log_y = jax.nn.log_softmax(z @ w2 + b2)
        return -log_y[np.arange(len(at.t)), at.t].mean()

    def backward(kept: Any, cotangent: Any) -> Any:
        arrays = dict(zip(at.start, map(np.asarray, kept), strict=True))
        return tuple(cotangent * array for array in at.wrong(**arrays).values())

    loss.defvjp(lambda *given: (loss(*given), given), backward)

    def check() -> Verdict:
        try:
            check_grads(loss, tuple(at.start.values()), order=1, modes=["rev"])
        except AssertionError as error:
            return Verdict("yes", _named(str(error), at))
        return Verdict("no", "no")

    return check


def scipy_check_grad(at: Problem) -> Callable[[], Verdict]:
    """scipy.optimize.check_grad."""
    from scipy.optimize import check_grad

    def flat(arrays: dict[str, Array]) -> Array:
        return np.concatenate([array.ravel() for array in arrays.values()])

    def check() -> Verdict:
        norm = check_grad(
            lambda vector: at.loss(**at.parted(vector)),
            lambda vector: flat(at.wrong(**at.parted(vector))),
            at.flat(),
        )
        return Verdict(f"a norm, {norm:.1e}", "no")

    return check


def openmdao_partials(at: Problem) -> Callable[[], Verdict]:
    """OpenMDAO's check_partials."""
    import openmdao.api as om

    class Loss(om.ExplicitComponent):  # type: ignore[misc]
        def setup(self) -> None:
            for name, array in at.start.items():
                self.add_input(name, array)
            self.add_output("loss", 0.0)
            self.declare_partials("loss", "*")

        def compute(self, inputs: Any, outputs: Any) -> None:
            outputs["loss"] = at.loss(**{name: np.asarray(inputs[name]) for name in at.start})

        def compute_partials(self, inputs: Any, partials: Any) -> None:
            arrays = {name: np.asarray(inputs[name]) for name in at.start}
            for name, array in at.wrong(**arrays).items():
                partials["loss", name] = array.reshape(1, -1)

    network = om.Problem(reports=False)
    network.model.add_subsystem("network", Loss())
    network.setup()
    network.run_model()

    def check() -> Verdict:
        printed = io.StringIO()
        found = network.check_partials(out_stream=printed)["network"]
        off = [name for (_, name), each in found.items() if _violates(each)]
        named = _named(printed.getvalue(), at)
        array = "the array" if named == "no" and off == ["w1"] else named
        return Verdict("yes" if off else "no", array)

    return check


def _violates(partial: Any) -> bool:
    """Whether the relative error is beyond the tolerance of OpenMDAO, 1e-6."""
    return bool(max(x for x in partial["rel error"] if x is not None) > 1e-6)


def numdifftools_gradient(at: Problem) -> Callable[[], Verdict]:
    """numdifftools.Gradient, compared by hand."""
    import numdifftools

    vector = at.flat()
    count = min(SAMPLE, vector.size)

    def loss(part: Array) -> float:
        return at.loss(**at.parted(np.concatenate([part, vector[count:]])))

    def check() -> Verdict:
        numdifftools.Gradient(loss)(vector[:count])
        return Verdict("as compared", "as compared", vector.size / count)

    return check


def _named(text: str, at: Problem) -> str:
    """Whether a text has the index of the fault: as numbers, or as a place in the flat array."""
    row, column = at.fault
    flat = row * at.start["w1"].shape[1] + column
    return "yes" if re.search(rf"\b{row}, *{column}\b|\b0, *{flat}\b", text) else "no"


TOOLS: dict[str, Callable[[Problem], Callable[[], Verdict]]] = {
    "graphnn, the network as a spec": graphnn_spec,
    "graphnn.check_function": graphnn_function,
    "torch gradcheck": torch_gradcheck,
    "torch gradcheck, fast_mode": torch_fast,
    "jax check_grads": jax_check_grads,
    "scipy check_grad": scipy_check_grad,
    "OpenMDAO check_partials": openmdao_partials,
    "numdifftools Gradient": numdifftools_gradient,
}


def main() -> None:
    """Print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    at = problem(parser.parse_args().quick)
    print(machine())
    count = at.flat().size
    print(f"\n{count:,} entries; the gradient of w1{list(at.fault)} is 1 % off\n")
    print("| tool | time | fault found | entry named |\n|---|---|---|---|")
    for name, tool in TOOLS.items():
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                check = tool(at)
        except ImportError as error:
            print(f"| {name} | not installed: {error} | | |")
            continue
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            start = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                verdict = check()
            seconds = (time.perf_counter() - start) * verdict.times
        part = "" if verdict.times == 1 else f" (from {count / verdict.times:,.0f} entries)"
        print(f"| {name} | {seconds:.2f} s{part} | {verdict.found} | {verdict.named} |", flush=True)


if __name__ == "__main__":
    main()
