"""The spec that an estimator trains: that of the user, or layers of the sizes asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphnn.diagnostics import UsageError, counted
from graphnn.execution.network import Network
from graphnn.ops import Op
from graphnn.training import load, loads

Spec = str | Path | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Roles:
    """What the nodes of a network are to an estimator.

    Attributes
    ----------
    features, target : str
        The inputs that take the rows of X and of y.
    prediction : str
        What the loss compares with the target.
    """

    features: str
    target: str
    prediction: str


def layers(
    hidden: Sequence[int], features: int, outputs: int, *, classifies: bool
) -> dict[str, Any]:
    """Standardized columns, affine layers with rectifiers, and softmax where it classifies."""
    target = {"op": "input", "shape": ["batch"], "dtype": "int"}
    nodes: dict[str, Any] = {
        "x": {"op": "input", "shape": ["batch", "features"]},
        "t": target if classifies else {"op": "input", "shape": ["batch", outputs]},
    }
    nodes["scaled"] = {"op": "standardize", "inputs": "x"}
    last = "scaled"
    for number, units in enumerate(hidden, start=1):
        affine = {"op": "affine", "inputs": last, "units": units, "weight": "he"}
        nodes |= {f"a{number}": affine, f"z{number}": {"op": "relu", "inputs": f"a{number}"}}
        last = f"z{number}"
    nodes["a"] = {"op": "affine", "inputs": last, "units": outputs}
    nodes["y"] = {"op": "softmax" if classifies else "identity", "inputs": "a"}
    loss = "cross_entropy" if classifies else "mean_squared_error"
    nodes["loss"] = {"op": loss, "inputs": ["y", "t"]}
    return {
        "graphnn": 1,
        "sizes": {"features": features},
        "nodes": nodes,
        "outputs": ["y"],
        "train": {},
    }


def network_for(spec: Spec, settings: Mapping[str, Any], sizes: Mapping[str, int]) -> Network:
    """The network of a spec, with those of the `sizes` that it names set.

    Parameters
    ----------
    spec : str, Path or mapping
        A file, or the content of one.
    settings : mapping
    sizes : mapping of str to int
        What the data say of ``features`` and ``classes``.
    """
    network = _read(spec, settings)
    named = network.graph.spec.sizes
    other = {
        name: size
        for name, size in sizes.items()
        if isinstance(named.get(name), int) and named[name] != size and name not in settings
    }
    return _read(spec, {**other, **settings}) if other else network


def _read(spec: Spec, settings: Mapping[str, Any]) -> Network:
    return load(spec, settings) if isinstance(spec, str | Path) else loads(spec, settings)


def roles_in(network: Network) -> Roles:
    """The nodes that rows are given to and predictions read from.

    Raises
    ------
    UsageError
        There is not one loss of a prediction and a target, or not one input besides the target.
    """
    losses = [network.graph.node(name) for name in network.losses()]
    pairs = {_compared(type(node.op), node.inputs) for node in losses}
    if len(pairs) != 1:
        message = f"an estimator needs one loss, but the network has {len(pairs)}"
        raise UsageError.of("wrong-inputs", message, help="name one by train: {loss: NODE}")
    prediction, target = pairs.pop()
    needed = network.graph.upstream([prediction])
    inputs = [node.name for node in network.graph.inputs if node.name in needed]
    if len(inputs) != 1 or not network.graph.node(target).op.is_input:
        message = (
            f"'{prediction}' reads {counted(len(inputs), 'input')}, but an estimator has one, X"
        )
        raise UsageError.of("wrong-inputs", message)
    return Roles(inputs[0], target, prediction)


def _compared(op: type[Op], inputs: Sequence[str]) -> tuple[str, str]:
    names = [operand.name for operand in op.data_operands()]
    by_name = dict(zip(names, inputs, strict=True))
    if "target" not in by_name:
        message = f"an estimator needs a loss of a prediction and a target, not '{op.name}'"
        raise UsageError.of("wrong-inputs", message)
    target = by_name.pop("target")
    return next(iter(by_name.values())), target
