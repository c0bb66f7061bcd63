"""Everything that can be found wrong with a spec without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

from graphnn import graph
from graphnn.diagnostics import FAULTY, Diagnostic, Findings, GraphnnError, Span, SpecError
from graphnn.execution import diagnose_examples
from graphnn.execution.network import Network
from graphnn.graph import Graph, lints
from graphnn.spec import DEFAULT, NO_NETWORK, build, reader
from graphnn.spec.model import NetworkSpec, TrainSpec
from graphnn.spec.values import Entry, Map, Scalar, Value
from graphnn.training._language import VOCABULARY
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
from graphnn.training.studies import checks

_OF_BATCHES = {"validation", "test", "rows", "batch_size"}  # what decides how many rows each has


def diagnose(path: str | Path, settings: Mapping[str, Any] | None = None) -> tuple[Diagnostic, ...]:
    """Errors and warnings of the spec file at `path`, by place.

    They are those of the network, of the arrays of its examples, and of what ``train`` and
    ``search`` ask for. Data that are not there are a warning: they may be elsewhere. A file of
    blocks is checked as such.

    Parameters
    ----------
    path : str or Path
        A YAML file, or a JSON file by its suffix ``.json``.
    settings : mapping, optional
        As for `load`.

    Raises
    ------
    UsageError
        A setting names nothing.
    """
    path = Path(path)
    return _diagnose(
        lambda findings: reader.read_file(path, findings=findings), path.parent, settings
    )


def diagnose_text(
    text: str,
    settings: Mapping[str, Any] | None = None,
    *,
    name: str = "<text>",
    folder: str | Path = ".",
    json: bool = False,
    data: bool = True,
    buffers: Mapping[Path, str] | None = None,
) -> tuple[Diagnostic, ...]:
    """Errors and warnings of the spec in `text`, as `diagnose` gives those of a file.

    Parameters
    ----------
    text : str
        YAML, or JSON where `json` says so.
    settings : mapping, optional
    name : str, optional
        What the diagnostics call the text.
    folder : str or Path, optional
        Where the files that it names lie.
    json : bool, optional
    data : bool, optional
        Whether to read the data that ``train`` names, to see whether they fit.
    buffers : mapping of Path to str, optional
        By resolved path, texts to take blocks from in place of what these files hold.

    Raises
    ------
    UsageError
        A setting names nothing.
    """

    def read(findings: Findings) -> Map:
        return reader.read(text, name, json=json, findings=findings)

    return _diagnose(read, Path(folder), settings, data=data, buffers=buffers)


def _diagnose(
    read: Callable[[Findings], Map],
    folder: Path,
    settings: Mapping[str, Any] | None,
    *,
    data: bool = True,
    buffers: Mapping[Path, str] | None = None,
) -> tuple[Diagnostic, ...]:
    findings, document = Findings(DEFAULT.faults), None
    try:
        with _kept(findings):
            document = read(findings)
        if document is None:
            return findings.sorted()
        spec = build.build(
            document, folder, findings, settings, vocabulary=VOCABULARY, buffers=buffers
        )
        _check(spec, findings, data=data)
    except SpecError as error:  # too many errors, which end the checking
        return error.diagnostics
    found = lints.silence(findings.sorted(), spec, complete=data)
    return tuple(each for each in found if each.code != NO_NETWORK)


def _check(spec: NetworkSpec, findings: Findings, *, data: bool) -> None:
    """What is wrong with the network, its examples, its training and its search."""
    checked, net = graph.check(spec, findings), None
    if not findings.errors:
        with _kept(findings):
            net = Network(checked)
    if spec.train is not None:
        _declared(spec.train, findings)
    for found in diagnose_examples(checked):
        findings.add(found)
    if spec.train is not None:
        sound = Network(replace(checked, spec=replace(spec, weights=None)))
        _trained(sound, spec.train, findings, data=data)
    advice = lints.advise(net.graph) if net is not None else ()
    for found in (*advice, *checks.diagnose(spec, findings.errors)):
        findings.add(found)


def _declared(spec: TrainSpec, findings: Findings) -> None:
    """What is wrong with ``train`` whatever the network is."""
    with _kept(findings, spec.place.span):
        _warm_up(optimizers.find(spec.optimizer), spec, findings)
    with _kept(findings, spec.place.span):
        augmentation.read(spec.augment)
    for metric in spec.metrics:
        with _kept(findings, spec.place.span):
            metrics.fit(metric)
    with _kept(findings, spec.place.span):
        watch(spec, validated=spec.validation is not None)
    for rows in (spec.data, spec.validation, spec.test):
        if isinstance(rows, Map):
            with _kept(findings, spec.place.span):
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


def _trained(network: Network, spec: TrainSpec, findings: Findings, *, data: bool) -> None:
    """What is wrong with ``train`` for this network, as far as its sound part shows it."""
    if not network.trainable and not may_learn(network.graph):
        message = "the network has no parameter to train"
        findings.error("nothing-to-train", message, spec.place.span)
    with _kept(findings, spec.place.span):
        demand = demand_of(network, spec)
        if demand.known is not None:
            with _kept(findings, spec.place.span):
                augmentation.find(spec.augment, demand.known)
        if data:
            _rows(network, demand, spec, findings)
    for metric in spec.metrics:
        if are_sound(network.graph, (node.name for node in metric.nodes)):
            with _kept(findings, spec.place.span):
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


@contextmanager
def _kept(findings: Findings, place: Span | None = None) -> Iterator[None]:
    """Keep the diagnostics of an error, at `place` where they have no place."""
    try:
        yield
    except GraphnnError as error:
        reported = set(findings.sorted())
        for found in error.diagnostics:
            if found not in reported:
                placed = found if found.span else replace(found, span=place)
                findings.add(_softened(placed) if place else placed)


def _softened(found: Diagnostic) -> Diagnostic:
    """Data that are elsewhere do not make a spec wrong."""
    return replace(found, severity="warning") if found.code == "no-such-file" else found


def may_learn(graph: Graph) -> bool:
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
