"""What a pass computes everywhere: values, gradients and, by a check, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import numpy as np

from graphnn.diagnostics import UsageError
from graphnn.execution import Step, Trace, inputs_of
from graphnn.execution.network import Network
from graphnn.gradients._backprop import Operands, Reverse
from graphnn.gradients._refusals import check_choice
from graphnn.gradients._report import GradientReport
from graphnn.graph import Graph
from graphnn.ops import Array, Cotangents

What = Literal["values", "gradients"]


def trace(
    network: Network,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    show: What = "gradients",
    loss: str | Iterable[str] | None = None,
    report: GradientReport | None = None,
    **named: Any,
) -> Trace:
    """Values of all nodes, and gradients of the loss by all of them, for pictures that show both.

    Losses are taken of what they read, never fused with it, so that each edge has its gradient.

    Parameters
    ----------
    network : Network
    inputs, **named : array_like
        As for `Network.run`.
    show : {"values", "gradients"}
        Values alone, or gradients by backpropagation too. Nodes for which `inputs` do not suffice
        are left out.
    loss : str or iterable of str, optional
        As for `Network.loss`.
    report : GradientReport, optional
        What `check_gradients` has found, whose verdicts are shown.

    Returns
    -------
    Trace

    Raises
    ------
    RunError, UsageError
        As `Network.loss`; or a loss or a report is given for values alone.
    """
    check_choice("bad-option", "kind of trace", show, get_args(What))
    for name, option in {"loss": loss, "report": report}.items():
        if show == "values" and option is not None:
            message = f"'{name}' is for gradients, not for values alone"
            raise UsageError.of("bad-option", message, help=f"leave out '{name}', or 'show'")
    given = inputs_of(network, inputs, named)
    names = _computable(network.graph, given)
    values = network.executor(names, fuse=False).run(given, network.arrays)
    values |= dict(network.arrays)
    if show == "values":
        return Trace(values)
    gradients, shares = _gradients(network, given, loss)
    reports = () if report is None else report.parameters
    verdicts = {found.name: found.counts for found in reports}
    return Trace(values, gradients, shares, network.losses(loss), verdicts)


def _computable(graph: Graph, given: Mapping[str, Any]) -> list[str]:
    """Names of the nodes that need no input but those `given`."""
    found: set[str] = set()
    for name, node in graph.nodes.items():  # in schedule order
        if name in given if node.op.is_input else found.issuperset(node.inputs):
            found.add(name)
    return [name for name in graph.nodes if name in found]


def _gradients(
    network: Network, given: Mapping[str, Any], loss: str | Iterable[str] | None
) -> tuple[dict[str, Array], dict[tuple[str, int], Array]]:
    needed = network.graph.upstream(network.losses(loss))
    inputs = (node for node in network.graph.inputs if node.name in needed)
    floats = [node.name for node in inputs if node.kind == "float"]
    reverse = Reverse(network, loss=loss, only=[*network.parameters, *floats], fuse=False)
    totals: dict[str, Array] = {}
    shares: dict[tuple[str, int], Array] = {}

    def see(step: Step, cotangent: Array, _: Operands, parts: Cotangents) -> None:
        totals[step.node] = np.array(cotangent)
        for position, part in enumerate(parts):
            if part is not None:
                shares[step.node, position] = np.array(part)

    return reverse.watch(given, see) | totals, shares
