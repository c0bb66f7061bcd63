"""Rows of the numerical gradient's table whose networks are not chains: sequences, and a deep CNN.

Their scores in jax are taken by walking the plan of the network, op by op.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gradient_rivals import Row

import graphnn
from graphnn.execution.network import Network
from graphnn.training import load_sets

SPECS = Path(__file__).parents[1] / "specs"
CLASSES = 10
_HEAD = {
    "a": {"op": "affine", "inputs": "m", "units": CLASSES},
    "y": {"op": "softmax", "inputs": "a"},
    "loss": {"op": "cross_entropy", "inputs": ["y", "t"]},
}


def lstm(batch: int, time: int = 20, width: int = 16, units: int = 32) -> Row:
    """An LSTM whose last state is classified."""
    nodes = {
        "h": {"op": "lstm", "inputs": "x", "units": units},
        "m": {"op": "select", "inputs": "h", "axis": 1, "index": -1},
    }
    return _sequences(f"LSTM of {time} steps and {units} units", nodes, batch, time, width)


def encoder(batch: int, time: int = 16, width: int = 32, heads: int = 4) -> Row:
    """An encoder layer of a transformer, its norms after the sums, and the mean of its places."""
    nodes: dict[str, Any] = {
        name: {"op": "affine", "inputs": "x", "units": width} for name in ("q", "k", "v")
    }
    nodes |= {
        "heads": {"op": "attention", "inputs": ["q", "k", "v"], "heads": heads},
        "o": {"op": "affine", "inputs": "heads", "units": width},
        "s1": {"op": "add", "inputs": ["x", "o"]},
        "n1": {"op": "layer_norm", "inputs": "s1"},
        "f1": {"op": "affine", "inputs": "n1", "units": 4 * width, "weight": "he"},
        "r": {"op": "relu", "inputs": "f1"},
        "f2": {"op": "affine", "inputs": "r", "units": width},
        "s2": {"op": "add", "inputs": ["n1", "f2"]},
        "n2": {"op": "layer_norm", "inputs": "s2"},
        "m": {"op": "mean", "inputs": "n2", "axis": 1},
    }
    return _sequences(f"encoder layer of {time} places, {width} wide", nodes, batch, time, width)


def residual_blocks(batch: int) -> Row:
    """specs/residual_blocks.yaml, ResNet-18's shape at a fraction of its width."""
    net = graphnn.load(SPECS / "residual_blocks.yaml").astype("float64")
    assert net.graph.spec.train is not None
    train = load_sets(net, net.graph.spec.train).train
    assert train is not None
    inputs = dict(next(iter(train.batches(batch))))
    inputs["x"] = inputs["x"].astype(float)
    return _row(f"specs/residual_blocks.yaml, {batch} digits", net, inputs)


def _sequences(title: str, nodes: Mapping[str, Any], batch: int, time: int, width: int) -> Row:
    inputs = {
        "x": {"op": "input", "shape": ["batch", time, width]},
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
    }
    net = graphnn.loads({"graphnn": 1, "nodes": {**inputs, **nodes, **_HEAD}})
    rng = np.random.default_rng(0)
    given = {"x": rng.normal(size=(batch, time, width)), "t": rng.integers(0, CLASSES, batch)}
    return _row(f"{title}, batch {batch}", net, given)


def _row(title: str, net: Network, inputs: dict[str, Any]) -> Row:
    plan = net.executor(("a",), keep=True).plan

    def scores(jax: Any, parameters: Mapping[str, Any], x: Any) -> Any:
        arrays = {**net.arrays, **parameters}
        values: dict[int | None, Any] = {
            slot: arrays[name] for name, slot in plan.parameters.items()
        }
        values[plan.inputs["x"]], values[None] = x, None
        for step in plan.steps:
            given = [values[slot] for slot in step.arguments]
            values[step.output] = _IN_JAX[step.op.name](jax, step.op, *given)
        return values[plan.outputs["a"]]

    return Row(title, net, inputs, scores)


def _affine(jax: Any, op: Any, x: Any, weight: Any, bias: Any) -> Any:
    return x @ weight + (0 if bias is None else bias)


def _conv2d(jax: Any, op: Any, x: Any, weight: Any, bias: Any) -> Any:
    strides, padding = ((op.stride,) * 2 if isinstance(op.stride, int) else op.stride), op.padding
    pairs = [(side, side) for side in ((padding,) * 2 if isinstance(padding, int) else padding)]
    y = jax.lax.conv_general_dilated(x, weight, strides, pairs)
    return y if bias is None else y + bias[:, None, None]


def _batch_norm(jax: Any, op: Any, x: Any, gain: Any, shift: Any, mean: Any, variance: Any) -> Any:
    factor = gain / jax.numpy.sqrt(variance + op.epsilon)
    return x * factor[:, None, None] + (shift - mean * factor)[:, None, None]


def _layer_norm(jax: Any, op: Any, x: Any, gain: Any, shift: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return (
        centred / jax.numpy.sqrt((centred**2).mean(-1, keepdims=True) + op.epsilon) * gain + shift
    )


def _attention(jax: Any, op: Any, query: Any, key: Any, value: Any, *lengths: Any) -> Any:
    q, k, v = (part.reshape(*part.shape[:2], op.heads, -1) for part in (query, key, value))
    scores = jax.numpy.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
    shares = jax.nn.softmax(scores, axis=-1)
    return jax.numpy.einsum("bhqk,bkhd->bqhd", shares, v).reshape(query.shape)


def _lstm(
    jax: Any, op: Any, x: Any, lengths: None, state: None, weight: Any, recurrent: Any, bias: Any
) -> Any:
    jnp, sigmoid = jax.numpy, jax.nn.sigmoid

    def step(state: Any, driven: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(driven + h @ recurrent, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
        h = sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros((len(x), len(recurrent)))
    _, states = jax.lax.scan(step, (start, start), (x @ weight + bias).swapaxes(0, 1))
    return states.swapaxes(0, 1)


_IN_JAX: Mapping[str, Callable[..., Any]] = {
    "add": lambda jax, op, *parts: sum(parts),
    "affine": _affine,
    "attention": _attention,
    "batch_norm": _batch_norm,
    "conv2d": _conv2d,
    "global_average_pool": lambda jax, op, x: x.mean((2, 3)),
    "layer_norm": _layer_norm,
    "lstm": _lstm,
    "mean": lambda jax, op, x: x.mean(1),
    "relu": lambda jax, op, x: jax.nn.relu(x),
    "select": lambda jax, op, x: x[:, op.index],
}
