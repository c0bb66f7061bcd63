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


def assert_numpy_is(net, folder: Path, **options: Any) -> str:
    """Values to 1e-12 and gradients to 1e-10; gives the code."""
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
        gradients, found = graphnn.backprop(net, named), space["gradient"](params, *given)
        assert found.keys() == gradients.keys()
        for name, gradient in gradients.items():
            close(found[name], gradient, 1e-10, name)
    return (folder / "net.py").read_text(encoding="utf-8")


def assert_torch_is(net, folder: Path, **options: Any) -> str:
    """Likewise, of the code in torch."""
    torch = pytest.importorskip("torch")
    space, rows = exported(net, folder, "torch", **options), batch(net)
    model = space["Network"]().double().eval()
    space["load_weights"](model)
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
        gradients = graphnn.backprop(net, named)
        every = model.named_parameters(remove_duplicate=False)
        found = {flat(key): parameter.grad for key, parameter in every}
        linear = {flat(k) for k, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
        for name, gradient in gradients.items():
            layer, _, kind = name.rpartition(".")
            of = type(net.graph.nodes[layer].op) if layer in net.graph.nodes else None
            kind = {"value": ""}.get(kind, kind) if of is None else of.torch_names.get(kind, kind)
            path = flat(layer)
            key = f"{path}_{kind}".removesuffix("_")
            if key not in found:  # what nothing written reads
                assert not gradient.any()
                continue
            grad = np.zeros_like(gradient) if found[key] is None else found[key].numpy()
            turned = path in linear and kind == "weight" and found[key] is not None
            close(grad.T if turned else grad, gradient, 1e-10, name)
    return (folder / "net.py").read_text(encoding="utf-8")
