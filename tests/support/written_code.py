"""Networks exported as code, run beside what they were exported from."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphnn
from graphnn.execution.drawn_inputs import limit_of_input


def batch(net, seed: int = 0) -> dict[str, np.ndarray]:
    """Three rows for each input; whole numbers are 0 and 1, where both are taken."""
    rng = np.random.default_rng(seed)
    rows = {}
    for node in net.graph.inputs:
        shape = tuple(size if isinstance(size, int) else 3 for size in node.shape)
        if node.kind == "int":
            limit = limit_of_input(net, node.name, {"batch": 3})
            rows[node.name] = rng.integers(0, min(2, limit or 2), shape)
        else:
            rows[node.name] = rng.uniform(0.1, 1, shape)
    return rows


def moved(net):
    """The network in float64 with parameters and states that are no round numbers."""
    net = net.astype("float64")
    rng = np.random.default_rng(1)
    for array in net.arrays.values():
        array[...] = array + rng.uniform(0.05, 0.1, array.shape)
    return net


def exported(
    net, folder: Path, style: str, *, linted: bool = True, **options: Any
) -> dict[str, Any]:
    """What the module of the exported code defines, ruff having nothing to say of it."""
    if style == "torch":
        pytest.importorskip("torch")
    path = folder / "net.py"
    graphnn.export(net, path, style=style, **options)
    for command in (["format", "--diff"], ["check"]) if linted else ():
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    space: dict[str, Any] = {"__file__": str(path), "__name__": "net"}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)
    return space


def taken(function, rows, skip: int = 1) -> tuple[list[Any], dict[str, Any]]:
    """The rows that a function takes, in its order, and by the names of the spec."""
    names = [*inspect.signature(function).parameters][skip:]
    spelt = {name.replace("-", "_").rstrip("_"): name for name in rows}
    known = {name: spelt[name.rstrip("_")] for name in names}
    return [rows[known[name]] for name in names], {known[name]: rows[known[name]] for name in names}


def plain(name: str) -> str:
    """A name without what was added to make it one of Python."""
    return re.sub(r"_+(?=\.|$)", "", name.replace("-", "_"))


def flat(name: str) -> str:
    """As `plain`, whether a block is a module or written where it is used."""
    return plain(name).replace(".", "_")


def several(found: Any) -> tuple[Any, ...]:
    """Outputs, of which there may be one."""
    return found if isinstance(found, tuple) else (found,)


def close(found: Any, expected: Any, limit: float, what: str = "") -> None:
    """Equal to `limit` of the largest entry, and of each."""
    assert np.shape(found) == np.shape(expected), what
    size = max(np.abs(expected).max(initial=0.0), 1.0) if np.size(expected) else 1.0
    np.testing.assert_allclose(found, expected, rtol=limit, atol=limit * size, err_msg=what)


def pieces(net, rows: dict[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Gradients at the point and at some that rounding does not distinguish from it.

    Where the point lies on a kink but for rounding, they are those of both sides.
    """
    rng, near = np.random.default_rng(0), net.astype("float64")
    found = {name: [array] for name, array in graphnn.backprop(net, rows).items()}
    for _ in range(20):
        for name, array in near.arrays.items():
            array[...] = net.arrays[name] * (1 + 1e-14 * rng.standard_normal(array.shape))
        moved = {
            name: array * (1 + 1e-14 * rng.standard_normal(array.shape))
            for name, array in rows.items()
            if array.dtype.kind == "f"
        }
        for name, array in graphnn.backprop(near, rows | moved).items():
            found[name].append(array)
    return found


def jumps(net, rows: dict[str, np.ndarray]) -> bool:
    """Whether rounding of what some node reads, up or down, changes its value by far more."""
    values = net.run(rows, outputs=[*net.graph.nodes])
    for node in net.graph.nodes.values():
        given = [values[name] for name in node.inputs]
        kept = [net.arrays[full] for full in node.parameters.values() if full in net.arrays]
        if node.op.bends and len(kept) == len(node.parameters):
            for side in (1e-12, -1e-12):
                signs = [side * (-1) ** number for number in range(len(given))]
                moved = [
                    array * (1 + by) + by if array.dtype.kind == "f" else array
                    for array, by in zip(given, signs, strict=True)
                ]
                value = node.op.forward(*node.placed(moved), *kept)
                if np.abs(value - values[node.name]).max(initial=0) > 1e-6:
                    return True
    return False


def close_gradients(found: Any, net, rows: dict[str, np.ndarray], *, rounded: bool = False) -> None:
    """Gradients to 1e-10; if `rounded`, of either side of a kink that rounding alone misses."""
    gradients = graphnn.backprop(net, rows)
    assert found.keys() == gradients.keys()
    sides: dict[str, list[np.ndarray]] = {}
    for name, gradient in gradients.items():
        expected = gradient
        if rounded and np.abs(found[name] - gradient).max(initial=0.0) > 1e-10:
            sides = sides or pieces(net, rows)
            expected = np.clip(found[name], np.min(sides[name], 0), np.max(sides[name], 0))
        close(found[name], expected, 1e-10, name)


def assert_numpy_is(net, folder: Path, *, rounded: bool = False, **options: Any) -> str:
    """Values to 1e-12 and gradients as for `close_gradients`; gives the code."""
    space, rows = exported(net, folder, "numpy", **options), batch(net)
    params = space["load_weights"]()
    names = options.get("outputs", net.graph.outputs)
    given, named = taken(space["forward"], rows)
    expected = net.run(named, outputs=names)
    for name, found in zip(names, several(space["forward"](params, *given)), strict=True):
        close(found, expected[name], 1e-12, name)
    if net.graph.losses:
        given, named = taken(space["loss"], rows)
        close(space["loss"](params, *given), net.loss(named), 1e-12)
        given, named = taken(space["gradient"], rows)
        close_gradients(space["gradient"](params, *given), net, named, rounded=rounded)
    return (folder / "net.py").read_text(encoding="utf-8")


def assert_torch_is(net, folder: Path, *, rounded: bool = False, **options: Any) -> str:
    """Likewise, of the code in torch."""
    torch = pytest.importorskip("torch")
    space, rows = exported(net, folder, "torch", **options), batch(net)
    model = space["Network"]().double().eval()
    space["load_weights"](model)
    model.requires_grad_()  # gradients are compared by what is frozen, too
    names = options.get("outputs", net.graph.outputs)

    def tensors(arrays):
        return [torch.from_numpy(np.asarray(array)) for array in arrays]

    given, named = taken(model.forward, rows, skip=0)
    expected = net.run(named, outputs=names)
    for name, found in zip(names, several(model(*tensors(given))), strict=True):
        close(found.detach().numpy(), expected[name], 1e-12, name)
    if net.graph.losses:
        given, named = taken(model.loss, rows, skip=0)
        loss = model.loss(*tensors(given))
        close(loss.detach().numpy(), net.loss(named), 1e-12)
        if loss.requires_grad:
            loss.backward()
        gradients, grads = graphnn.backprop(net, named), {}
        every = model.named_parameters(remove_duplicate=False)
        found = {flat(key): parameter.grad for key, parameter in every}
        modules = model.named_modules(remove_duplicate=False)
        linear = {flat(key) for key, each in modules if isinstance(each, torch.nn.Linear)}
        for name, gradient in gradients.items():
            layer, _, kind = name.rpartition(".")
            of = type(net.graph.nodes[layer].op) if layer in net.graph.nodes else None
            kind = {"value": ""}.get(kind, kind) if of is None else of.torch_names.get(kind, kind)
            path = flat(layer)
            key = f"{path}_{kind}".removesuffix("_")
            grad = found.get(key)  # None for what nothing written reads
            grads[name] = np.zeros_like(gradient) if grad is None else grad.numpy()
            if path in linear and kind == "weight" and grad is not None:
                grads[name] = grads[name].T
        close_gradients(grads, net, named, rounded=rounded)
    return (folder / "net.py").read_text(encoding="utf-8")
