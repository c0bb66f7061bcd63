"""What is wrong with ``train``, by itself and for its network."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

from graphnn.diagnostics import FAULTY, Findings
from graphnn.execution.network import Network
from graphnn.graph import Graph
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import Entry, Map, Scalar, Value
from graphnn.training.checking.kept import kept
from graphnn.training.data import scales
from graphnn.training.data.columns import InputRequirements
from graphnn.training.data.dataset import source
from graphnn.training.data.requirements import (
    are_sound,
    demand_of,
    keys_of,
    knows_keys,
    losses_of,
    op_named,
)
from graphnn.training.data.splits import sets
from graphnn.training.fitting import augmentation, metrics, optimizers
from graphnn.training.fitting.batches import check_batches
from graphnn.training.fitting.measuring import fitted
from graphnn.training.fitting.optimizers import Optimizer
from graphnn.training.fitting.stopping import watch

_OF_BATCHES = {"validation", "test", "rows", "batch_size"}  # what decides how many rows each has


def check_declared(spec: TrainSpec, findings: Findings) -> None:
    """What is wrong with ``train`` whatever the network is."""
    with kept(findings, spec.place.span):
        _warm_up(optimizers.find(spec.optimizer), spec, findings)
    with kept(findings, spec.place.span):
        augmentation.read(spec.augment)
    for metric in spec.metrics:
        with kept(findings, spec.place.span):
            metrics.fit(metric)
    with kept(findings, spec.place.span):
        watch(spec, validated=spec.validation is not None)
    for rows in (spec.data, spec.validation, spec.test):
        if isinstance(rows, Map):
            with kept(findings, spec.place.span):
                source(rows)


def _warm_up(optimizer: Optimizer, spec: TrainSpec, findings: Findings) -> None:
    """Warn of a learning rate that is still rising when the training ends."""
    warm_up = optimizer.schedule.warm_up
    if warm_up < spec.epochs:
        return
    # A warm-up that is not 0 is written, in the one mapping of the schedule.
    schedule = spec.optimizer.options.get("schedule")
    options = [entry.value for entry in schedule.entries.values()] if _is_mapping(schedule) else []
    place = next(each.get("warm_up") for each in options if _is_mapping(each))
    message = f"the warm-up takes {warm_up:g} epochs, and the training has {spec.epochs}"
    help = "the learning rate is reached where it ends: a few epochs are enough"
    findings.warning("long-warm-up", message, place.span if place else spec.place.span, help=help)


def _is_mapping(value: Value | None) -> TypeGuard[Map]:
    return isinstance(value, Map)


def check_trained(network: Network, spec: TrainSpec, findings: Findings, *, data: bool) -> None:
    """What is wrong with ``train`` for this network, as far as its sound part shows it."""
    if not network.trainable and not _may_learn(network.graph):
        message = "the network has no parameter to train"
        findings.error("nothing-to-train", message, spec.place.span)
    with kept(findings, spec.place.span):
        demand = demand_of(network, spec)
        if demand.known is not None:
            with kept(findings, spec.place.span):
                augmentation.find(spec.augment, demand.known)
        if data:
            _rows(network, demand, spec, findings)
    for metric in spec.metrics:
        if are_sound(network.graph, (node.name for node in metric.nodes)):
            with kept(findings, spec.place.span):
                fitted(network, metric)


def _rows(network: Network, demand: InputRequirements, spec: TrainSpec, findings: Findings) -> None:
    """Whether the data can be read and fit, without what a fault in the way hides."""
    written = keys_of(network.graph.spec)
    wrong = {key for key, entry in written.items() if _is_reported(entry, findings)}
    sound = replace(
        spec,
        validation=None if "validation" in wrong else spec.validation,
        test=None if "test" in wrong else spec.test,
        # How many rows are left is not known then.
        rows=None if wrong & {"validation", "test"} else spec.rows,
    )
    hidden = spec.data is None and ("data" in written or not knows_keys(written))
    found = sets(demand, sound, network.graph.spec.folder, hidden=hidden)
    train = found.train
    for warning in scales.warnings(network.graph, spec, found):
        findings.add(warning)
    losses = losses_of(network, spec)
    known = losses is not FAULTY and are_sound(network.graph, losses)
    if train is not None and known and not wrong & _OF_BATCHES:
        check_batches(network, spec, len(train))


def _is_reported(entry: Entry, findings: Findings) -> bool:
    """Whether an error is reported at the value of `entry`."""
    return any(found.span and found.span.touches(entry.value.span) for found in findings.errors)


def _may_learn(graph: Graph) -> bool:
    """Whether a node at fault in `graph` may have a parameter to train."""
    nodes = graph.spec.nodes
    at_fault = (node for name, node in nodes.items() if name not in graph.nodes)
    return (
        not nodes
        or any(_has_parameters(node.op, node.trainable) for node in at_fault)
        or any(_text_may_learn(graph, name) for name in graph.spec.faulty)
    )


def _text_may_learn(graph: Graph, name: str) -> bool:
    """The same of a node or use of which only the text is known."""
    written = graph.spec.document.get("nodes")
    body = written.get(name.partition(".")[0]) if isinstance(written, Map) else None
    if not isinstance(body, Map):
        return True
    op, trainable = body.get("op"), body.get("trainable")
    trained = not (isinstance(trainable, Scalar) and trainable.value is False)
    return _has_parameters(op if isinstance(op, Scalar) else Scalar(""), trained)


def _has_parameters(name: Scalar, trainable: bool) -> bool:
    op = op_named(name)
    return trainable and (op is None or bool(op.parameter_operands()))
