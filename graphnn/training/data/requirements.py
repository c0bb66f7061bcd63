"""What a training asks of data."""

from __future__ import annotations

from collections.abc import Iterable

from graphnn.execution.network import Network
from graphnn.spec.model import TrainSpec
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.fitting.measuring import class_counts, input_need


def demand_of(network: Network, spec: TrainSpec) -> InputRequirements:
    """What training `network`, all of which is sound, asks of data.

    Raises
    ------
    UsageError
        There is no loss.
    """
    inputs = needs(network, spec)
    others = [node.name for node in network.graph.inputs if node.name not in inputs]
    return InputRequirements(inputs, idle(_losses(network, spec), others))


def needs(network: Network, spec: TrainSpec) -> dict[str, InputSpec]:
    """The inputs that data must feed to train `network` as `spec` says."""
    plan = network.executor([*_losses(network, spec), *compared(spec)]).plan
    classes = class_counts(plan)
    return {
        node.name: input_need(network, node, classes.get(node.name))
        for node in network.graph.inputs
        if node.name in plan.inputs
    }


def _losses(network: Network, spec: TrainSpec) -> tuple[str, ...]:
    return tuple(network.losses([reference.name for reference in spec.loss] or None))


def compared(spec: TrainSpec) -> list[str]:
    """The nodes that metrics read."""
    return [reference.name for metric in spec.metrics for reference in metric.nodes]


def idle(losses: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """For each of the `others`, inputs that data need not feed, a sentence that says so."""
    names = [f"'{name}'" for name in losses]
    subject = f"the loss {names[0]} does" if len(names) == 1 else f"{' and '.join(names)} do"
    return {name: f"{subject} not depend on '{name}'" for name in others}
