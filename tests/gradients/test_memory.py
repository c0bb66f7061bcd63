"""What a gradient takes of memory beside its result stays within bounds."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import graphnn

MEBIBYTE = 1 << 20


def peak(net, inputs, **options):
    """Bytes that NumPy had at once while the gradient was taken, but for its result."""
    options = {"workers": 1, "max_memory": 64 * MEBIBYTE, **options}
    graphnn.numerical_gradient(net, inputs, entries=1, **options)  # imports, and the heap
    tracemalloc.start()
    try:
        found = graphnn.numerical_gradient(net, inputs, **options)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held > sum(each.value.nbytes for each in found.values())
    return most - held


def network(nodes, **more):
    x = {"op": "input", "shape": ["batch", more.pop("width")]}
    return graphnn.loads({"graphnn": 1, "nodes": {"x": x, **nodes}})


def classes(count):
    """A loss that no op spreads a single channel to: rows are given whole."""
    nodes = {
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
        "a": {"op": "affine", "inputs": "x", "units": count},
        "y": {"op": "softmax", "inputs": "a"},
        "loss": {"op": "cross_entropy", "inputs": ["y", "t"]},
    }
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(20, 100)), "t": rng.integers(0, count, 20)}
    return network(nodes, width=100), inputs


def wide():
    """Parameters that go by rows, each row far wider than the next."""
    nodes = {
        "n": {"op": "layer_norm", "inputs": "x"},
        "loss": {"op": "mean", "inputs": "n", "axis": 1},
    }
    rng = np.random.default_rng(0)
    return network(nodes, width=1500), {"x": rng.normal(size=(8, 1500))}


def square():
    """As many weights as fill the memory that is allowed several times over."""
    nodes = {
        "a": {"op": "affine", "inputs": "x", "units": 1000, "bias": False},
        "z": {"op": "tanh", "inputs": "a"},
        "loss": {"op": "mean", "inputs": "z", "axis": 1},
    }
    rng = np.random.default_rng(0)
    return network(nodes, width=1000), {"x": rng.normal(size=(1, 1000))}


@pytest.mark.parametrize(
    "make",
    [lambda: classes(400), pytest.param(wide, marks=pytest.mark.slow)],
    ids=["classes", "wide"],
)
def test_whole_rows_of_many_probes_are_not_held_at_once(make):
    assert peak(*make(), loss="loss") < 96 * MEBIBYTE


def test_little_memory_is_kept_to_where_results_are_large():
    net, inputs = square()
    # Three arrays of 8 bytes for a million entries, at two offsets, are 48 MB by themselves.
    found = peak(net, inputs, loss="loss", estimate=False, max_memory=16 * MEBIBYTE)
    assert found < 160 * MEBIBYTE
