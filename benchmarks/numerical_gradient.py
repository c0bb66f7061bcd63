"""The numerical gradient of all parameters: the engine, loops, scipy, jax, and the machine's bound.

All take turns in one process. A ratio is the median over the turns of the other's time over the
engine's, so that above 1 the engine is faster. Loops, and jax's vmap, are timed on a sample of
entries and multiplied up, and say so. `bound`, counted for the first five networks, is what the
exponentials and multiply-adds of the rows that move take at the machine's measured rates, all cores
at work, and nothing else: no sum, no pass over memory. `error` is the largest difference from
backpropagation off the kinks, as a part of the largest entry. Run with the machine idle:

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python benchmarks/numerical_gradient.py
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from by_hand import Chain, Layer, dense, jax_scores
from deep_rows import encoder, lstm, residual_blocks
from gradient_bounds import Machine, bound
from gradient_rivals import (
    STEP,
    Rival,
    Row,
    jax_by_hand,
    jax_vmap,
    numpy_loop,
    own_loop,
    scipy_differences,
)
from timing import interleaved, machine, ratio

import graphnn
from graphnn.training import load_sets

SPECS = Path(__file__).parents[1] / "specs"
CHUNKS = (16, 64, 256)  # entries of jax's vmap at once, of which the best counts
MAPPED = (1, 4, 16)  # inputs of a layer that jax by hand takes at once, likewise


def digits(name: str, batch: int, activation: str = "sigmoid") -> Row:
    """A network of specs/ on its first training digits."""
    text = (SPECS / f"{name}.yaml").read_text().replace("op: sigmoid", f"op: {activation}")
    net = graphnn.loads(text, folder=SPECS).astype("float64")
    assert net.graph.spec.train is not None
    train = load_sets(net, net.graph.spec.train).train
    assert train is not None
    inputs = dict(next(iter(train.batches(batch))))
    inputs["x"] = inputs["x"].astype(float)
    nodes = [key.removesuffix(".weight") for key in net.parameters if key.endswith(".weight")]
    chain = dense(nodes, activation)
    first = net.parameters[f"{nodes[0]}.weight"]
    title = f"784-{'-'.join(str(net.parameters[f'{node}.bias'].size) for node in nodes)}"
    if first.ndim == 4:
        convolved = (Layer("conv", nodes[0]), Layer("relu"), Layer("pool"), Layer("flatten"))
        chain, title = (*convolved, *dense(nodes[1:], "relu")), f"specs/{name}.yaml"
    else:
        title += f" {activation}"
    return Row(f"{title}, {batch} digits", net, inputs, partial(_chained, chain), chain)


def _chained(chain: Chain, jax: Any, parameters: Any, x: Any) -> Any:
    return jax_scores(jax, chain, parameters, x)


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
    title = f"residual relu, 8 blocks of 64, batch {batch}"
    return Row(title, net, inputs, _residual_scores)


def _residual_scores(jax: Any, p: Any, x: Any) -> Any:
    h = x @ p["h0.weight"] + p["h0.bias"]
    for block in range(1, 9):
        h = h + jax.nn.relu(h) @ p[f"a{block}.weight"] + p[f"a{block}.bias"]
    return h @ p["a.weight"] + p["a.bias"]


def engine(row: Row, **options: Any) -> Rival:
    """The engine of graphnn."""

    def act() -> dict[str, Any]:
        return graphnn.numerical_gradient(row.network, row.inputs, step=STEP, **options)

    return Rival(act)


def rivals(row: Row, quick: bool, jax: Any) -> dict[str, Rival]:
    """All that are timed on `row`."""
    sample = 3 if quick else 50
    found = {
        "engine": engine(row, estimate=False),
        "engine, one worker": engine(row, estimate=False, workers=1),
        "engine, with error estimates": engine(row),
        "engine, order 4": engine(row, estimate=False, order=4),
        f"own loop (from {sample} entries)": own_loop(row, sample),
    }
    if row.chain:
        found[f"textbook's loop in NumPy (from {sample})"] = numpy_loop(row, sample)
        try:
            found[f"scipy approx_derivative (from {sample})"] = scipy_differences(row, sample)
        except ImportError:
            print("scipy is not installed: its row is left out")
    if jax is not None:
        vmaps = [jax_vmap(jax, row, size) for size in (CHUNKS[:1] if quick else CHUNKS)]
        best = min(vmaps, key=_cost)
        found[f"jax jit(vmap) (from {round(row.entries / best.times)})"] = best
        if row.chain:
            ways = [jax_by_hand(jax, row, size) for size in (MAPPED[:1] if quick else MAPPED)]
            found["jax, structure by hand"] = min(ways, key=_cost)
    return found


def _cost(rival: Rival) -> float:
    return min(interleaved({"it": rival.act}, 0.0)["it"]) * rival.times


def error(row: Row, found: Mapping[str, Any]) -> float:
    """Largest difference from backpropagation off the kinks, as a part of the largest entry."""
    exact = graphnn.backprop(row.network, row.inputs)
    scale = max(np.abs(array).max() for array in exact.values())
    estimates = graphnn.numerical_gradient(row.network, row.inputs, step=3 * STEP, order=4)
    off = {name: np.where(estimates[name].kink, 0, found[name] - exact[name]) for name in exact}
    return float(max(np.abs(array).max() for array in off.values()) / scale)


def report(row: Row, quick: bool, jax: Any, speed: Machine, seconds: float) -> None:
    """Time everything on `row`, and print it."""
    print(f"\n{row.title}: all {row.entries:,} entries")
    everyone = rivals(row, quick, jax)
    times = interleaved({name: each.act for name, each in everyone.items()}, seconds)
    for name, each in everyone.items():
        took = [turn * each.times for turn in times[name]]
        compared = "" if name == "engine" else f"{ratio(took, times['engine']):.2f} times"
        line = f"  {name:<40} {statistics.median(took):>10.4g} s {compared:>15}"
        print(line if each.times > 1 else f"{line}  error {error(row, _values(each.act())):.1e}")
    work = bound(row)
    if work is None:
        return
    least = speed.seconds(work)
    compared = f"{least / statistics.median(times['engine']):.2f} times"
    print(
        f"  {'bound':<40} {least:>10.4g} s {compared:>15}  "
        f"{work.exponentials:.3g} exponentials, {work.products:.3g} multiply-adds"
    )


def _values(found: Any) -> dict[str, Any]:
    """Arrays, of jax or of graphnn's estimates."""
    return {name: np.asarray(getattr(each, "value", each)) for name, each in found.items()}


def load_jax() -> Any:
    """The module jax in float64, or None where it is not installed."""
    try:
        import jax
    except ImportError:
        print("jax is not installed: its rows are left out")
        return None
    jax.config.update("jax_enable_x64", True)
    return jax


def main() -> None:
    """Run every row of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run once, small: does it work?")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each network")
    parser.add_argument("--row", type=int, help="only this row of the table, from 1 on")
    options = parser.parse_args()
    quick = options.quick
    print(machine())
    jax = load_jax()
    speed = Machine.measured(0.1 if quick else 2.0)
    rates = speed.exponentials / 1e9, speed.products / 1e9
    print(f"all cores: {rates[0]:.2f} exponentials and {rates[1]:.1f} multiply-adds a nanosecond")
    batch = 3 if quick else 100
    makers: list[Callable[[], Row]] = [
        lambda: digits("mnist", batch),
        lambda: digits("mnist_deep", batch),
        lambda: residual(2 if quick else 32),
        lambda: digits("mnist", batch, "relu"),
        lambda: digits("cnn", 1 if quick else 10),
        lambda: encoder(2, 2, 4, 2) if quick else encoder(8),
        lambda: lstm(2, 2, 2, 2) if quick else lstm(8),
        lambda: residual_blocks(1 if quick else 2),
    ]
    for number, make in enumerate(makers, 1):
        if options.row in (None, number):
            report(make(), quick, jax, speed, 0.0 if quick else options.seconds)


if __name__ == "__main__":
    main()
