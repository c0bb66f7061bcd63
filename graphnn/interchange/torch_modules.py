"""Networks as modules of torch, and the state of such modules as parameters of networks."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from graphnn.diagnostics import RunError, UsageError
from graphnn.execution import require_network
from graphnn.execution.network import Network, names_of
from graphnn.interchange.code.torch_code import TorchCode
from graphnn.ops import Array


def to_torch(network: Network, *, outputs: Iterable[str] | None = None) -> Any:
    """A module of torch that computes what `network` does, with the values that it has now.

    It is an instance of the class that `export` writes with ``style="torch"``: ``forward`` takes
    the inputs that the outputs need and gives these, ``loss`` gives the mean loss. Parameters have
    the names of the spec, and are copies. Like any new module it is in the mode of training:
    ``eval()`` makes `batch_norm` go by its running statistics, as `Network.run` does.

    Parameters
    ----------
    network : Network
    outputs : iterable of str, optional
        Nodes whose values it gives; by default those that `network` gives.

    Returns
    -------
    torch.nn.Module
        In the dtype of `network`.

    Raises
    ------
    UsageError
        torch is not installed, or an output is not a node.
    RunError
        An op is not written as code.
    """
    require_network(network)
    torch = _torch()
    code = _code(network, outputs)
    made = _defined(code)
    module = made.Network().to(getattr(torch, network.dtype.name))
    values = {**network.arrays, **code.arrays}
    state = module.state_dict()
    for key, (full, reverse) in code.keys.items():
        state[key] = torch.from_numpy(np.array(values[full].T if reverse else values[full]))
    module.load_state_dict(state)
    return module


def from_torch_state(
    network: Network,
    state: Mapping[str, Any],
    *,
    names: Mapping[str, str | bool] | None = None,
    partial: bool = False,
) -> None:
    """Set the parameters and states of `network` in place to those in a state of torch.

    Parameters
    ----------
    network : Network
    state : mapping of str to tensor
        As ``module.state_dict()`` gives it. Tensors of any floating type, and of whole numbers,
        take the dtype of `network`.
    names : mapping of str to str or False, optional
        What its names are here, as for `Network.load_weights`; by default those of `to_torch`.
    partial : bool
        Whether parameters that it lacks keep their values; else they are a fault.

    Raises
    ------
    RunError
        A name is strange, missing, or there twice; or a tensor has another shape, or no numbers.
        The network is then as it was.
    UsageError
        `state` is not a mapping of names.
    """
    require_network(network)
    if not isinstance(state, Mapping):
        help = "give its state: module.state_dict()" if hasattr(state, "state_dict") else ""
        message = f"a state is a mapping of names to tensors, not {type(state).__name__}"
        raise UsageError.of("bad-option", message, help=help)
    if strange := [name for name in state if not isinstance(name, str)]:
        message = f"a state is a mapping of names to tensors, but {strange[0]!r:.40} is not a name"
        raise UsageError.of("bad-option", message)
    network.assign(
        {name: _array(tensor) for name, tensor in state.items()},
        origin="the state",
        names=_written(network, state) if names is None else names,
        layout="torch",
        partial=partial,
    )


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        message = "modules of torch need the package torch, which is not installed"
        help = "see https://pytorch.org/get-started"
        raise UsageError.of("no-torch", message, help=help) from None
    return torch


def _code(network: Network, outputs: Iterable[str] | None = None) -> TorchCode:
    names = network.graph.outputs if outputs is None else names_of(outputs)
    return TorchCode(network.graph, names, network.graph.losses)


def _defined(code: TorchCode) -> ModuleType:
    """The written code as a module, whose lines tracebacks show."""
    made = ModuleType("graphnn_network")
    made.__file__ = f"<torch code of {code.graph.spec.name or 'a network'}, {id(made)}>"
    text = code.text("weights.npz", trains=False)
    linecache.cache[made.__file__] = len(text), None, text.splitlines(True), made.__file__
    exec(compile(text, made.__file__, "exec"), made.__dict__)
    return made


def _written(network: Network, state: Mapping[str, Any]) -> dict[str, str | bool]:
    """Names in the state of `to_torch`'s module that are not those of the spec, or of constants."""
    try:
        code = _code(network)
        code.text("weights.npz")
    except RunError:  # such a network has no module
        return {}
    beginnings = {name[:end] for name in state for end in _ends(name)}
    found: dict[str, str | bool] = {}
    for name, path in code.paths.items():
        node = network.graph.nodes.get(name)
        if node is not None and path in beginnings:
            if not node.parameters:
                found[path] = False
            elif path != name:
                found[path] = name
    return found


def _ends(name: str) -> list[int]:
    """Where `name` and each part before a dot of it end."""
    return [*(at for at, character in enumerate(name) if character == "."), len(name)]


def _array(tensor: Any) -> Array | None:
    """The numbers of a tensor; None where it holds none that NumPy can hold."""
    if hasattr(tensor, "detach"):
        try:
            tensor = tensor.detach().cpu()
            return np.asarray((tensor.double() if tensor.is_floating_point() else tensor).numpy())
        except (RuntimeError, TypeError, NotImplementedError):
            return None  # quantized, sparse, or of no data
    return np.asarray(tensor)
