"""Inputs drawn at random, for a network of which nothing is known but its spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from graphnn.execution._free_sizes import solve_free_sizes
from graphnn.execution.network import Network
from graphnn.graph import Node
from graphnn.ops import Array, Operand
from graphnn.spec import sizes

_CLASSES = 2  # where nothing says how many there are


def draw_inputs(
    network: Network,
    names: Iterable[str],
    rows: int,
    seed: int = 0,
    *,
    apart: bool = False,
    given: Mapping[str, Array] = MappingProxyType({}),
) -> dict[str, Array]:
    """Values for the inputs called `names`, from where the ops that read them are meant to be used.

    Parameters
    ----------
    network : Network
    names : iterable of str
    rows : int
        What every free size is.
    seed : int
    apart : bool
        Whether no two free sizes are the same: one more for each.
    given : mapping of str to ndarray
        Other inputs, whose free sizes those drawn have too.
    """
    rng = np.random.default_rng(seed)
    nodes = [network.graph.nodes[name] for name in names]
    declared = {name: network.graph.nodes[name].shape for name in given}
    fixed, _ = solve_free_sizes(declared, {name: array.shape for name, array in given.items()})
    free = (name for node in nodes for size in node.shape for name in sizes.free_names(size))
    bound = {name: rows + apart * number for number, name in enumerate(sorted(set(free)))} | fixed
    arrays: dict[str, Array] = {}
    for node in nodes:
        shape = tuple(sizes.evaluate(size, bound) for size in node.shape)
        arrays[node.name] = draw_input(network, node, shape, bound, rng)
    return arrays


def draw_input(
    network: Network,
    node: Node,
    shape: tuple[int, ...],
    bound: Mapping[str, int],
    rng: np.random.Generator,
) -> Array:
    """A value for one input, of a shape, where free sizes are `bound`."""
    if node.kind != "int":
        return rng.uniform(*_domain(network, node.name), shape)
    limit = limit_of_input(network, node.name, bound)
    return rng.integers(0, _CLASSES if limit is None else limit, shape)


def limit_of_input(network: Network, name: str, bound: Mapping[str, int]) -> int | None:
    """What whole numbers of an input stay below, for all ops that read it; None for no limit."""
    limits = []
    for node, operand in _readers(network, name):
        shapes = [network.graph.nodes[each].shape for each in node.inputs]
        limits.append(node.op.limit(operand, shapes))
    return min((sizes.evaluate(each, bound) for each in limits if each is not None), default=None)


def _readers(network: Network, name: str) -> Iterable[tuple[Node, Operand]]:
    """The nodes that read `name`, each with the operand that it is."""
    for reader in network.graph.wiring.readers[name]:
        node = network.graph.nodes[reader]
        for operand, read in zip(node.operands, node.inputs, strict=True):
            if read == name:
                yield node, operand


def _domain(network: Network, name: str) -> tuple[float, float]:
    """Where every op that reads `name` is meant to be used, as far as they agree."""
    domains = [operand.domain for _, operand in _readers(network, name)]
    low = max((domain[0] for domain in domains), default=-1.0)
    high = min((domain[1] for domain in domains), default=1.0)
    return (low, high) if low < high else domains[0]
