"""All of a summary: tables, facts, and the same as plain data."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphnn.diagnostics import counted, printable
from graphnn.graph._graph import Graph, Node, Parameter
from graphnn.graph._outline import outline
from graphnn.graph.summary import costs as costing
from graphnn.graph.summary.costs import Cost
from graphnn.graph.summary.nodes import node_table
from graphnn.graph.summary.parameters import parameter_table
from graphnn.graph.summary.table import Table
from graphnn.spec.sizes import Shape


@dataclass(frozen=True, slots=True)
class Summary:
    """What `graphnn show` prints of a network; shows itself as text, and in Jupyter as tables.

    Attributes
    ----------
    title, description : str
    nodes : Table
    parameters : Table
    facts : tuple of (str, str)
        Sizes, outputs, losses, totals.
    """

    title: str
    description: str
    nodes: Table
    parameters: Table
    facts: tuple[tuple[str, str], ...]
    _graph: Graph

    @property
    def data(self) -> dict[str, Any]:
        """All of it, and what each node costs, as numbers, texts, lists and dicts."""
        return _data(self._graph, costing.costs(self._graph))

    @property
    def tables(self) -> tuple[Table, ...]:
        """Nodes, and parameters where there are any."""
        return (self.nodes, self.parameters) if self.parameters.rows else (self.nodes,)

    def __str__(self) -> str:
        facts = str(Table(("", ""), self.facts)).lstrip()
        head = [self.title, self.description] if self.description else [self.title]
        return "\n\n".join(["\n".join(map(printable, head)), *map(str, self.tables), facts])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        text = f"<b>{html.escape(printable(self.title))}</b>"
        if self.description:
            text += f"<p>{html.escape(printable(self.description))}</p>"
        every = (*self.tables, Table(("", ""), self.facts))
        return text + "".join(table._repr_html_() for table in every)


def summarize(
    graph: Graph, title: str = "network", *, expand: bool = False, costs: bool = False
) -> Summary:
    """Nodes, shapes, parameters and sizes of a network as tables.

    Parameters
    ----------
    graph : Graph
    title : str
        For a network without a name.
    expand : bool
        Whether every copy of a block that is repeated is shown, in place of the first for all.
    costs : bool
        Whether multiply-adds and the memory of results are shown, for one row: with 1 for every
        free size.

    Returns
    -------
    Summary
    """
    seen = outline(graph, expand=expand, order=graph.nodes)
    shown = costing.costs(graph) if costs else None
    return Summary(
        graph.spec.name or title,
        graph.spec.description or "",
        node_table(graph, seen, shown),
        parameter_table(graph, seen),
        tuple(_facts(graph, shown)),
        graph,
    )


def _facts(graph: Graph, costs: Mapping[str, Cost] | None) -> Iterator[tuple[str, str]]:
    spec = graph.spec
    fixed = [f"{name} = {size}" for name, size in spec.sizes.items() if isinstance(size, int)]
    if fixed:
        yield "sizes", ", ".join(fixed)
    free = (name for name, size in spec.sizes.items() if not isinstance(size, int))
    yield "free sizes", ", ".join(free)
    yield "outputs", ", ".join(graph.outputs)
    yield "losses", ", ".join(graph.losses) or "none"
    yield "computes in", spec.dtype
    if costs is not None:
        total = sum(costs.values(), Cost(0, 0))
        yield "multiply-adds", f"{total.multiply_adds:,} a row"
        yield "results", f"{total.memory:,} bytes a row"
    if spec.weights is not None:
        yield "weights", f"file {spec.weights.file.value}"
    if spec.examples:
        yield "examples", str(len(spec.examples))
    if (train := spec.train) is not None:
        kind = next(iter(train.data.entries), "none") if train.data else "none"
        epochs = counted(train.epochs, "epoch")
        rows = f"{epochs} in batches of {train.batch_size:,}"
        yield "training", f"{train.optimizer.name.value}, {rows}, data: {kind}"


def _data(graph: Graph, costs: Mapping[str, Cost]) -> dict[str, Any]:
    parameters = graph.parameters.values()
    total = sum(costs.values(), Cost(0, 0))
    return {
        "name": graph.spec.name,
        "description": graph.spec.description,
        "nodes": [_node_data(graph.nodes[name], cost) for name, cost in costs.items()],
        "parameters": [_parameter_data(each) for each in parameters],
        "outputs": [*graph.outputs],
        "losses": [*graph.losses],
        "dtype": graph.spec.dtype,
        "totals": {
            "parameters": sum(each.size for each in parameters if each.learned),
            "states": sum(each.size for each in parameters if not each.learned),
            "multiply_adds": total.multiply_adds,
            "bytes": total.memory,
        },
    }


def _node_data(node: Node, cost: Cost) -> dict[str, Any]:
    return {
        "name": node.name,
        "op": node.op.name,
        "inputs": [*node.inputs],
        "shape": _plain(node.shape),
        "kind": node.kind,
        "parameters": {**node.parameters},
        "multiply_adds": cost.multiply_adds,
        "bytes": cost.memory,
    }


def _parameter_data(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "shape": [*parameter.shape],
        "entries": parameter.size,
        "learned": parameter.learned,
        "trainable": parameter.trainable,
        "start": parameter.origin.words,
    }


def _plain(shape: Shape) -> list[int | str]:
    return [size if isinstance(size, int) else str(size) for size in shape]
