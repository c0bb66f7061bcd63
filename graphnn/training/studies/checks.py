"""What is wrong with the section ``search`` of a spec, and with settings beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from graphnn import graph
from graphnn.diagnostics import Diagnostic, Findings, GraphnnError, UsageError, suggestion
from graphnn.execution.network import Network
from graphnn.spec import build
from graphnn.spec import settings as overrides
from graphnn.spec.model import NetworkSpec
from graphnn.spec.search_records import SearchSpec
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import Value
from graphnn.training._language import VOCABULARY
from graphnn.training.fitting import augmentation, metrics, optimizers


def diagnose(spec: NetworkSpec, known: Collection[Diagnostic] = ()) -> tuple[Diagnostic, ...]:
    """What is wrong with the section ``search`` of `spec`, by place.

    Parameters
    ----------
    spec : NetworkSpec
    known : collection of Diagnostic
        Errors found before, in any part of the spec, which are not reported again.
    """
    findings = Findings()
    if spec.search is None:
        return ()
    if spec.train is not None:
        _check_metric(spec.train, spec.search, findings)
        _check_settings(spec, spec.search, known, findings)
    elif "train" not in spec.document:
        message = "a search trains, but the spec does not say how to train"
        help = "add a section 'train' to it, such as train: {data: ..., epochs: 10}"
        findings.error("no-train", message, spec.search.place.span, help=help)
    return findings.errors


def refuse_searched(base: NetworkSpec, spec: SearchSpec, settings: Mapping[str, Any]) -> None:
    """Raise a UsageError for a setting that every trial would replace."""
    varied = {overrides.find(base.document, name, VOCABULARY) for name in spec.settings}
    for name in settings:
        if overrides.find(base.document, name, VOCABULARY) in varied:
            message = f"the setting '{name}' is what the search varies"
            raise UsageError.of("searched-setting", message)


def _check_metric(train: TrainSpec, spec: SearchSpec, findings: Findings) -> None:
    names = metrics.measures(train)
    if spec.metric is None or spec.metric.value in names:
        return
    wanted = str(spec.metric.value)
    help = suggestion(wanted, names, f"it measures {', '.join(names)}")
    if wanted.removeprefix("validation_") in names:
        help = "hold rows back for it by 'validation' in 'train'"
    message = f"training does not measure '{wanted}'"
    findings.error("unknown-metric", message, spec.metric.span, help=help)


def _check_settings(
    base: NetworkSpec, spec: SearchSpec, known: Collection[Diagnostic], findings: Findings
) -> None:
    """Report settings that exclude each other, reach nothing, or have values at fault."""
    try:
        firsts = {name: searched.values[0] for name, searched in spec.settings.items()}
        overrides.override(base.document, firsts, VOCABULARY)
    except UsageError as error:
        found = error.diagnostics[0]
        if found.code == "conflicting-settings":
            findings.add(replace(found, span=spec.place.span))
    for name, searched in spec.settings.items():
        faults = (fault for value in searched.values for fault in _faults(base, name, value, known))
        if (first := next(faults, None)) is not None:
            findings.add(replace(first, span=first.span or searched.place.span))


def _faults(
    base: NetworkSpec, name: str, value: Value, known: Collection[Diagnostic]
) -> Iterator[Diagnostic]:
    """What is wrong once `name` is set to `value`, beside what is `known` of the spec as it is."""
    findings = Findings()
    try:
        document = overrides.override(base.document, {name: value}, VOCABULARY)
    except UsageError as error:
        yield from error.diagnostics
        return
    spec = build.build(document, base.folder, findings, vocabulary=VOCABULARY)
    train = spec.train
    steps: list[Callable[[], object]] = [lambda: Network(graph.build(spec, findings))]
    if train is not None:
        steps.append(lambda: optimizers.find(train.optimizer))
        steps.append(lambda: augmentation.read(train.augment))
    for step in steps:
        try:
            step()
        except GraphnnError as error:
            for found in error.diagnostics:
                # In a spec at fault, a fault elsewhere may follow from that, or was hidden by it.
                if not known or (found.span is not None and found.span.touches(value.span)):
                    yield found
