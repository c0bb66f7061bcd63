"""The numerical gradient of all parameters: the engine against loops, jax, and the machine.

Loops are timed on a sample of entries and multiplied up, and say so. Run with the machine idle:

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python benchmarks/numerical_gradient.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from timing import machine

import graphnn
from graphnn.gradients.loop import Loop
from graphnn.network import Network
from graphnn.training.loop import load_sets

Array = NDArray[Any]
SPECS = Path(__file__).parents[1] / "specs"
STEP = 1e-4


@dataclass(frozen=True)
class Row:
    """One network on one batch, with what must move in a probe of each parameter."""

    title: str
    network: Network
    inputs: dict[str, Array]
    layers: tuple[int, ...] = ()

    @property
    def entries(self) -> int:
        """Parameter entries of the network."""
        return sum(array.size for array in self.network.parameters.values())


def digits(name: str, batch: int, activation: str = "sigmoid") -> Row:
    """A network of specs/ on its first training digits."""
    text = (SPECS / f"{name}.yaml").read_text().replace("op: sigmoid", f"op: {activation}")
    net = graphnn.loads(text, folder=SPECS)
    assert net.graph.spec.train is not None
    train = load_sets(net, net.graph.spec.train).train
    assert train is not None
    units = [a.shape for name, a in net.parameters.items() if name.endswith("weight")]
    layers = (units[0][0], *(shape[1] for shape in units))
    title = f"{'-'.join(map(str, layers))} {activation}, {batch} digits"
    return Row(title, net, dict(next(iter(train.batches(batch)))), layers)


def residual(batch: int) -> Row:
    """A residual relu network of 8 blocks of width 64 on 8x8 inputs."""
    nodes: dict[str, Any] = {
        "x": {"op": "input", "shape": ["batch", 64]},
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
        "h0": {"op": "affine", "inputs": "x", "units": 64, "weight": "he"},
    }
    for block in range(1, 9):
        before = f"h{block - 1}"
        nodes[f"r{block}"] = {"op": "relu", "inputs": before}
        nodes[f"a{block}"] = {"op": "affine", "inputs": f"r{block}", "units": 64, "weight": "he"}
        nodes[f"h{block}"] = {"op": "add", "inputs": [before, f"a{block}"]}
    nodes["a"] = {"op": "affine", "inputs": "h8", "units": 10}
    nodes["y"] = {"op": "softmax", "inputs": "a"}
    nodes["loss"] = {"op": "cross_entropy", "inputs": ["y", "t"]}
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    rng = np.random.default_rng(0)
    inputs = {"x": rng.random((batch, 64)), "t": rng.integers(0, 10, batch)}
    return Row(f"residual relu, 8 blocks of 64, batch {batch}", net, inputs)


def clock(act: Callable[[], object], least: float, times: int) -> float:
    """Median seconds of one call, over `times` calls or as many as take `least` seconds."""
    found = []
    start = time.perf_counter()
    while len(found) < times or time.perf_counter() - start < least:
        before = time.perf_counter()
        act()
        found.append(time.perf_counter() - before)
    return float(np.median(found))


def own_loop(row: Row, sample: int) -> float:
    """Seconds of graphnn's reference loop for all entries, from a sample of them."""
    loop = Loop(row.network, row.inputs, row.network.losses())
    rng = np.random.default_rng(0)
    places = []
    for _ in range(sample):
        name = next(iter(row.network.parameters))
        shape = row.network.parameters[name].shape
        places.append((name, tuple(int(rng.integers(n)) for n in shape)))

    def act() -> None:
        for name, index in places:
            for offset in (STEP, -STEP):
                loop.at(name, index, offset)

    return clock(act, 0.5, 3) / sample * row.entries


def numpy_loop(row: Row, sample: int) -> float:
    """Seconds of the textbook's loop in plain NumPy, from a sample of entries."""
    parameters = {name: array.copy() for name, array in row.network.parameters.items()}
    arrays = list(parameters.values())
    x, t = row.inputs["x"], row.inputs["t"]
    rows = np.arange(len(t))

    def loss() -> float:
        z = x
        for weight, bias in zip(arrays[:-2:2], arrays[1:-2:2], strict=True):
            z = 1 / (1 + np.exp(-(z @ weight + bias)))
        a = z @ arrays[-2] + arrays[-1]
        e = np.exp(a - a.max(axis=1, keepdims=True))
        y = e / e.sum(axis=1, keepdims=True)
        return float(-np.log(y[rows, t] + 1e-7).mean())

    flat = arrays[0].reshape(-1)
    chosen = np.random.default_rng(0).integers(0, flat.size, sample)

    def act() -> None:
        for entry in chosen:
            original = flat[entry]
            flat[entry] = original + STEP
            up = loss()
            flat[entry] = original - STEP
            down = loss()
            flat[entry] = original
            assert np.isfinite((up - down) / (2 * STEP))

    return clock(act, 0.5, 3) / sample * row.entries


def jax_vmap(row: Row, sample: int) -> float | None:
    """Seconds of jax's jitted vmap over one-entry perturbations in its best chunk."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    arrays = [jnp.asarray(array) for array in row.network.parameters.values()]
    sizes = np.cumsum([0, *(array.size for array in arrays)])
    x, t = jnp.asarray(row.inputs["x"]), jnp.asarray(row.inputs["t"])

    def loss(vector: Any) -> Any:
        parts = [
            vector[sizes[i] : sizes[i + 1]].reshape(arrays[i].shape) for i in range(len(arrays))
        ]
        z = x
        for weight, bias in zip(parts[:-2:2], parts[1:-2:2], strict=True):
            z = jax.nn.sigmoid(z @ weight + bias)
        logs = jax.nn.log_softmax(z @ parts[-2] + parts[-1])
        return -jnp.take_along_axis(logs, t[:, None], axis=1).mean()

    vector = jnp.concatenate([array.ravel() for array in arrays])

    @jax.jit
    def chunk(entries: Any) -> Any:
        def one(entry: Any) -> Any:
            up, down = vector.at[entry].add(STEP), vector.at[entry].add(-STEP)
            return (loss(up) - loss(down)) / (2 * STEP)

        return jax.vmap(one)(entries)

    best = np.inf
    for size in (16, 64, 256):
        entries = jnp.arange(size)
        chunk(entries).block_until_ready()
        took = clock(lambda entries=entries: chunk(entries).block_until_ready(), 0.5, 3)
        best = min(best, took / size * row.entries)
    return best


def report(row: Row, quick: bool) -> None:
    """Time everything on `row`, and print it."""
    sample = 5 if quick else 100
    exact = graphnn.backprop(row.network, row.inputs)
    scale = max(np.abs(array).max() for array in exact.values())

    def worst(**options: Any) -> float:
        found = graphnn.numerical_gradient(row.network, row.inputs, **options)
        return float(max(np.abs(found[n].value - exact[n]).max() for n in exact) / scale)

    def engine(**options: Any) -> float:
        def act() -> None:
            graphnn.numerical_gradient(row.network, row.inputs, **options)

        return clock(act, 0.0 if quick else 1.0, 1 if quick else 5)

    print(f"\n{row.title}: all {row.entries:,} entries")
    base = engine(estimate=False)
    line = "  {:<44} {:>10.4g} s  {:>8.1f} times the engine's"
    print(f"  {'engine':<44} {base:>10.4g} s  error {worst(estimate=False):.1e} of the largest")
    print(line.format("engine, one thread", (one := engine(estimate=False, threads=1)), one / base))
    print(line.format("engine, with error estimates", (e := engine()), e / base))
    print(line.format("engine, order 4", (f := engine(estimate=False, order=4)), f / base), end="")
    print(f", error {worst(estimate=False, order=4):.1e}")
    loop = own_loop(row, sample)
    print(line.format(f"own loop (from {sample} entries)", loop, loop / base))
    if row.layers and "sigmoid" in row.title:
        hand = numpy_loop(row, sample)
        print(line.format(f"textbook's loop in NumPy (from {sample} entries)", hand, hand / base))
        vmap = jax_vmap(row, sample)
        if vmap is not None:
            print(line.format("jax jit(vmap), its best chunk (from a chunk)", vmap, vmap / base))


def main() -> None:
    """Run every row of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run once, small: does it work?")
    quick = parser.parse_args().quick
    print(machine())
    batch = 3 if quick else 100
    for row in (
        digits("mnist", batch),
        digits("mnist_deep", batch),
        digits("mnist", batch, "relu"),
        residual(2 if quick else 32),
    ):
        report(row, quick)


if __name__ == "__main__":
    main()
