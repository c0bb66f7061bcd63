"""Everything that can be told to be wrong with a spec file without running it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from graphnn import network, searches
from graphnn.errors import Diagnostic, FileError, Findings, GraphnnError, UsageError
from graphnn.examples import diagnose_examples
from graphnn.network import Network
from graphnn.spec.model import TrainSpec
from graphnn.spec.values import Value
from graphnn.training import metrics, optimizers
from graphnn.training.loop import load_sets
from graphnn.training.stopping import watch


def diagnose_file(path: Path, settings: Mapping[str, Value]) -> tuple[Diagnostic, ...]:
    """Errors and warnings of the network, its examples, and its training, by place.

    Parameters
    ----------
    path : Path
    settings : mapping of str to Value

    Raises
    ------
    UsageError
        A setting names nothing.
    """
    try:
        net = network.load(path, settings)
    except UsageError:
        raise
    except GraphnnError as error:
        return error.diagnostics
    findings = Findings()
    for diagnostic in (*net.graph.warnings, *diagnose_examples(net)):
        findings.add(diagnostic)
    if net.graph.spec.train is not None:
        _training(net, net.graph.spec.train, findings)
    for diagnostic in searches.diagnose(net):
        findings.add(diagnostic)
    return findings.sorted()


def _training(net: Network, spec: TrainSpec, findings: Findings) -> None:
    with _kept(spec, findings):
        optimizers.find(spec.optimizer)
    for metric in spec.metrics:
        with _kept(spec, findings):
            metrics.fit(metric)
    if not net.trainable:
        message = "the network has no parameter to train"
        findings.error("nothing-to-train", message, spec.place.span)
    with _kept(spec, findings):
        watch(spec, validated=spec.validation is not None)
    with _kept(spec, findings):
        load_sets(net, spec)


@contextmanager
def _kept(spec: TrainSpec, findings: Findings) -> Iterator[None]:
    try:
        yield
    except GraphnnError as error:
        for found in error.diagnostics:
            placed = found if found.span else replace(found, span=spec.place.span)
            findings.add(_softened(placed, error))


def _softened(found: Diagnostic, error: GraphnnError) -> Diagnostic:
    """Data that are elsewhere do not make a spec wrong."""
    if isinstance(error, FileError) and found.code == "no-such-file":
        return replace(found, severity="warning")
    return found
