"""Inputs for a network that is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from graphnn.execution import Network, require_network
from graphnn.execution.drawn_inputs import limit_of_input
from graphnn.graph import Node
from graphnn.ops import Array, Operand
from graphnn.spec.sizes import evaluate, free_names
from graphnn.testing._strategies.arguments import check_values, check_whole
from graphnn.testing._strategies.arrays import Values, reals, wholes
from graphnn.testing._strategies.drawing import Choices

_CLASSES = 2  # where nothing says how many there are


def batches(
    network: Network,
    *,
    outputs: str | Iterable[str] | None = None,
    rows: int = 4,
    values: Values = "tame",
) -> SearchStrategy[dict[str, Array]]:
    """Inputs of a network, on the domains of the ops that read them.

    Parameters
    ----------
    network : Network
    outputs : str or iterable of str, optional
        The nodes whose inputs are drawn; by default those for which all inputs are needed.
    rows : int
        The most rows, and the most of every other free size.
    values : {"tame", "finite", "any"}
        As for `networks`.

    Returns
    -------
    SearchStrategy of dict of str to ndarray

    Raises
    ------
    UsageError
        An argument is not as it should be.
    """
    require_network(network)
    check_whole("rows", rows, 1, 1000)
    check_values(values)
    names = [outputs] if isinstance(outputs, str) else [*(outputs or network.graph.nodes)]
    return _batches(network, network.executor(names).plan.inputs, rows, values)


@st.composite
def _batches(
    draw: DrawFn, network: Network, needed: Collection[str], rows: int, values: Values
) -> dict[str, Array]:
    choices = Choices(draw)
    nodes = [node for node in network.graph.inputs if node.name in needed]
    free = sorted({name for node in nodes for size in node.shape for name in free_names(size)})
    bound = {name: choices.integer(1, rows) for name in free}
    return {node.name: _input(choices, network, node, bound, values) for node in nodes}


def _input(
    draw: Choices, network: Network, node: Node, bound: Mapping[str, int], values: Values
) -> Array:
    """Class numbers that every reader takes, or real numbers on the domains of all, or of one."""
    shape = tuple(evaluate(size, bound) for size in node.shape)
    readers = [*_readers(network, node)]
    if node.kind == "int":
        limit = limit_of_input(network, node.name, bound)
        return wholes(draw, shape, _CLASSES if limit is None else limit)
    domains = [operand.domain for _, operand in readers] or [Operand("x", "...").domain]
    low, high = max(low for low, _ in domains), min(high for _, high in domains)
    return reals(draw, shape, (low, high) if low < high else domains[0], values)


def _readers(network: Network, node: Node) -> Iterator[tuple[Node, Operand]]:
    """The nodes that read a node, each with the operand that it is."""
    for reader in network.graph.nodes.values():
        for operand, read in zip(reader.operands, reader.inputs, strict=True):
            if read == node.name:
                yield reader, operand
