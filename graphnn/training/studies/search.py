"""A search for the best settings: trials, and the folder that they leave."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from graphnn import drawing, graph
from graphnn.diagnostics import (
    Diagnostic,
    DrawingError,
    FileError,
    Findings,
    GraphnnError,
    Note,
    RunError,
    TrainingError,
    UsageError,
    suggestion,
)
from graphnn.execution import network, one_blas_thread
from graphnn.execution.network import Network
from graphnn.ops import REGISTRY
from graphnn.spec import CHOICES, build, flow, to_yaml
from graphnn.spec import settings as overrides
from graphnn.spec.model import NetworkSpec, SearchedSpec, SearchSpec, TrainSpec
from graphnn.spec.values import Mapping as Document
from graphnn.spec.values import Scalar, Value, located, place_of, plain
from graphnn.storage import DeferredInterrupt, files
from graphnn.training.data.requirements import needs
from graphnn.training.data.splits import Sets, load_sets
from graphnn.training.fitting import augmentation, metrics, optimizers
from graphnn.training.fitting.loop import Training
from graphnn.training.runs.run import train_spec
from graphnn.training.studies.trials import Trial, Trials, best_of, opened

STUDY = "study.db"
_LOW_IS_GOOD = ("loss", "error")
_HOPELESS = 10  # trials that fail alike before any other
# Whatever else 'train' says may change which rows there are.
_NOT_OF_ROWS = ("optimizer", "batch_size", "epochs", "gradient", "loss", "metrics")


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """How far a search has come.

    Attributes
    ----------
    trial : Trial
        Under way, or just ended.
    epochs : int
        How many it would have.
    done, trials : int
        Trials ended, those of other processes too, and how many there will be.
    best : Trial or None
        The best one so far.
    """

    trial: Trial
    epochs: int
    done: int
    trials: int
    best: Trial | None


@dataclass(frozen=True, slots=True)
class Search:
    """What came of a search.

    Attributes
    ----------
    metric : str
    direction : {"maximize", "minimize"}
    trials : tuple of Trial
        In the order in which they began.
    interrupted : bool
        Whether Ctrl-C ended it.
    document : Mapping
        The spec that was searched.
    faults : tuple of Diagnostic
        Why trials of this call failed, one of each code.
    """

    metric: str
    direction: str
    trials: tuple[Trial, ...]
    interrupted: bool
    document: Document
    spec: SearchSpec
    faults: tuple[Diagnostic, ...] = ()

    @property
    def ranked(self) -> list[Trial]:
        """The complete trials, the best first."""
        return best_of(self.trials, self.direction)

    @property
    def best(self) -> Trial | None:
        """The best trial; None as long as none is complete."""
        return next(iter(self.ranked), None)

    @property
    def best_spec(self) -> str:
        """The spec, without its ``search``, with the settings of the best trial.

        Raises
        ------
        TrainingError
            No trial is complete.
        """
        if self.best is None:
            raise TrainingError(Diagnostic("no-trial", "no trial of the search is complete"))
        found = overrides.override(self.document, self.best.settings)
        entries = {key: entry for key, entry in found.entries.items() if key != "search"}
        return to_yaml(Document(entries))

    def write(self, folder: str | Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Write trials.csv, best.yaml and pictures into `folder`.

        Returns
        -------
        tuple
            Names of the files written, and remarks on those that could not be.

        Raises
        ------
        FileError
            The folder does not exist or cannot be written.
        """
        place, written, remarks = Path(folder), ["trials.csv"], list[str]()
        files.write_text(place / "trials.csv", self._table())
        if self.best is not None:
            files.write_text(place / "best.yaml", self.best_spec)
            written.append("best.yaml")
        for name, draw in (("curves.png", self._curves), ("values.png", self._values)):
            try:
                if draw(place / name):
                    written.append(name)
            except DrawingError as error:
                remarks.extend(f"no {name}: {found.message}" for found in error.diagnostics)
        return tuple(written), tuple(remarks)

    def _table(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        names = list(self.spec.settings)
        writer.writerow(["trial", "state", "epochs", self.metric, *names])
        for trial in self.trials:
            last = trial.curve[-1] if trial.curve and trial.value is None else trial.value
            settings = [_cell(trial.settings.get(name, "")) for name in names]
            writer.writerow([trial.number, trial.state, len(trial.curve), last, *settings])
        return text.getvalue()

    def _curves(self, path: Path) -> bool:
        curves = {trial.number: trial.curve for trial in self.trials if trial.curve}
        if curves:
            best = None if self.best is None else self.best.number
            drawing.trial_curves(curves, measure=self.metric, best=best, path=path)
        return bool(curves)

    def _values(self, path: Path) -> bool:
        done = [trial for trial in self.trials if trial.value is not None]
        if not done or self.best is None:
            return False
        names = self.spec.settings
        drawing.trial_values(
            {
                name: [_point(found, trial.settings[name]) for trial in done]
                for name, found in names.items()
            },
            [trial.value or 0.0 for trial in done],
            measure=self.metric,
            log=[name for name, found in names.items() if found.kind == "log_uniform"],
            best=done.index(self.best),
            path=path,
        )
        return True


def search(
    file: str | Path,
    trials: int = 50,
    settings: Mapping[str, Any] | None = None,
    *,
    storage: str | Path | None = None,
    progress: Callable[[SearchProgress], None] | None = None,
) -> Search:
    """Try settings as the spec's ``search`` says, each by a training as its ``train`` says.

    Parameters
    ----------
    file : str or Path
        A spec file.
    trials : int
        How many there will be in all, those of an earlier call and of other processes included.
    settings : mapping, optional
        Sizes and values of ``train`` to replace in every trial.
    storage : str or Path, optional
        An SQLite file that keeps the trials: a second call goes on where the first ended, and
        several processes share it. In memory without it.
    progress : callable, optional
        Called with a `SearchProgress` after every epoch, and when a trial ends.

    Returns
    -------
    Search

    Raises
    ------
    SpecError, FileError, DataError
        The spec, a file or the data are at fault.
    TrainingError
        The spec has no ``search`` or ``train``, Optuna is missing, or `storage` is not of this
        search.
    GraphnnError
        Every trial fails in the same way; of its kind. A `storage` made for them is removed.
    UsageError
        A setting names nothing, or what the search varies.
    """
    if trials < 1:
        message = f"a search has at least one trial, not {trials}"
        raise UsageError(Diagnostic("bad-trials", message))
    base = network.load(file, settings)
    spec, train = _section(base), train_spec(base)
    findings = Findings()
    _reached(base.graph.spec, spec, findings)
    findings.raise_errors(TrainingError)
    _untouched(base, spec, settings or {})
    metric, direction = _judged(spec, train)
    document = base.graph.spec.document
    fingerprint = json.dumps(plain(document), sort_keys=True)
    with (
        _undone(storage),
        opened(spec, direction, fingerprint, storage) as study,
    ):
        searching = _Searching(base, study, metric, direction, trials, progress)
        interrupted = searching.run()
        found = study.all()
        return Search(metric, direction, found, interrupted, document, spec, searching.faults)


class _HopelessError(Exception):
    """No trial has come to anything, nor will one; the cause tells why."""


@contextmanager
def _undone(storage: str | Path | None) -> Iterator[None]:
    """Remove the file of a search of which nothing came, where it was not there before."""
    made = storage is not None and not Path(storage).exists()
    try:
        yield
    except _HopelessError as hopeless:
        if made and storage is not None:
            Path(storage).unlink(missing_ok=True)
        assert hopeless.__cause__ is not None
        raise hopeless.__cause__ from None


def diagnose(spec: NetworkSpec, told: Collection[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What is wrong with the section ``search`` of `spec`, by place.

    Parameters
    ----------
    spec : NetworkSpec
    told : collection of Diagnostic
        Errors found before, in any part of the spec, which are not told again.
    """
    findings = Findings()
    if spec.search is None:
        return ()
    if spec.train is not None:
        _reached(spec, spec.search, findings, told)
    elif "train" not in spec.document:
        message = "a search trains, but the spec does not say how to train"
        help = "add a section 'train' to it, such as train: {data: ..., epochs: 10}"
        findings.error("no-train", message, spec.search.place.span, help=help)
    return findings.errors


class _Searching:
    """The trials that this process runs."""

    def __init__(
        self,
        base: Network,
        study: Trials,
        metric: str,
        direction: str,
        limit: int,
        progress: Callable[[SearchProgress], None] | None,
    ) -> None:
        self._base, self._study = base, study
        self._metric, self._direction = metric, direction
        self._limit, self._progress = limit, progress
        self._rows: tuple[Any, Sets] | None = None
        self._failures: dict[str, GraphnnError] = {}
        self._ended: tuple[Trial, ...] = ()

    @property
    def faults(self) -> tuple[Diagnostic, ...]:
        """Why trials failed, one of each code."""
        return tuple(error.diagnostics[0] for error in self._failures.values())

    def run(self) -> bool:
        """Run trials until there are enough; whether Ctrl-C ended that.

        Raises
        ------
        GraphnnError
            A file is at fault, which is so for every trial.
        _HopelessError
            That, or the same fault of every trial, and there is no other.
        """
        try:
            with one_blas_thread, DeferredInterrupt() as ctrl_c:
                while not ctrl_c.came and self._one(ctrl_c):
                    self._stop_if_hopeless(_HOPELESS)
        except KeyboardInterrupt:
            return True
        except FileError as error:
            if self._is_barren():
                raise _HopelessError from error
            raise
        if not ctrl_c.came:
            self._stop_if_hopeless(1)
        return ctrl_c.came

    def _one(self, ctrl_c: DeferredInterrupt) -> bool:
        """Run a trial; False where none is left."""
        asked = self._study.ask(self._limit)
        if asked is None:
            return False
        trial, chosen = asked
        state: Any = "interrupted"
        value, fault, epochs = None, "", 0
        try:
            self._ended = tuple(t for t in self._study.all() if _has_ended(t))
            with ctrl_c.let_through():
                training = self._start(chosen)
            epochs = training.spec.epochs
            state, value = self._train(training, trial, chosen, ctrl_c)
        except FileError:
            raise
        except GraphnnError as error:
            state, fault = self._failed(error), error.diagnostics[0].message
        finally:
            # Also when Ctrl-C ends it: nothing may stay under way.
            ended = self._study.tell(trial, state, value, fault)
        self._ended = (*self._ended, ended)
        self._say(ended, epochs)
        return True

    def _failed(self, error: GraphnnError) -> str:
        """The state of a trial that ended in `error`."""
        code = error.diagnostics[0].code
        if isinstance(error, RunError) and code == "not-finite":
            return "diverged"
        self._failures.setdefault(code, error)
        return "failed"

    def _is_barren(self) -> bool:
        """Whether no trial has come to anything, nor is one under way that could."""
        return all(trial.state in ("failed", "interrupted") for trial in self._study.all())

    def _stop_if_hopeless(self, least: int) -> None:
        """Raise the one fault of all trials, once `least` have failed."""
        failed = sum(trial.state == "failed" for trial in self._study.all())
        if len(self._failures) != 1 or failed < least or not self._is_barren():
            return
        (error,) = self._failures.values()
        note = Note(f"no trial came to anything: {failed} of {failed} failed like this")
        first, *others = error.diagnostics
        told = replace(first, notes=(*first.notes, note))
        raise _HopelessError from type(error)(told, *others)

    def _train(
        self, training: Training, trial: Any, chosen: Mapping[str, Value], ctrl_c: DeferredInterrupt
    ) -> tuple[str, float | None]:
        curve: list[float] = []
        settings = {name: plain(value) for name, value in chosen.items()}
        epochs = training.spec.epochs
        while not training.finished:
            # Not while the study is written to: a transaction broken off would lock its file.
            with ctrl_c.let_through():
                curve.append(training.epoch()[self._metric])
            prune = self._study.report(trial, len(curve), curve[-1])
            if prune and not training.finished:
                return "pruned", None
            shown = Trial(trial.number + 1, settings, "running", None, tuple(curve))
            self._say(shown, epochs)
        kept = training.best_epoch if training.spec.keep == "best" else None
        value = curve[-1 if kept is None else kept - 1]
        return ("complete", value) if math.isfinite(value) else ("diverged", None)

    def _start(self, chosen: Mapping[str, Value]) -> Training:
        net = _variant(self._base, chosen)
        spec = train_spec(net)
        key = _rows_of(net, spec)
        if self._rows is None or self._rows[0] != key:
            self._rows = (key, load_sets(net, spec))
        return Training(net, spec, self._rows[1])

    def _say(self, trial: Trial, epochs: int) -> None:
        if self._progress is not None:
            done = sum(t.state != "interrupted" for t in self._ended)
            best = next(iter(best_of(self._ended, self._direction)), None)
            self._progress(SearchProgress(trial, epochs, done, self._limit, best))


def _has_ended(trial: Trial) -> bool:
    return trial.state != "running"


def _variant(base: Network, settings: Mapping[str, Value]) -> Network:
    """`base` as its spec would be with `settings`."""
    spec, findings = base.graph.spec, Findings()
    document = overrides.override(spec.document, settings)
    changed = graph.build(build.build(document, spec.folder, findings), findings)
    seed = changed.spec.train.seed if changed.spec.train is not None else 0
    return Network(changed, seed)


def _rows_of(net: Network, spec: TrainSpec) -> Any:
    """What tells which rows a training has."""
    train = net.graph.spec.document.get("train")
    given = plain(train) if train is not None else {}
    return {k: v for k, v in given.items() if k not in _NOT_OF_ROWS}, needs(net, spec)


def _section(base: Network) -> SearchSpec:
    spec = base.graph.spec.search
    if spec is not None:
        settings = {name: _ranged(base, name, found) for name, found in spec.settings.items()}
        return replace(spec, settings=settings)
    help = "add a section 'search' to it, such as search: {learning_rate: {uniform: [0.1, 1.0]}}"
    raise TrainingError(Diagnostic("no-search", "the spec does not say what to search", help=help))


def _ranged(base: Network, name: str, searched: SearchedSpec) -> SearchedSpec:
    """`searched`, with real bounds for a setting that takes real numbers."""
    try:
        path = overrides.find(base.graph.spec.document, name)
    except UsageError:
        return searched  # which is told where settings are tried
    if searched.kind == "choice" or not _is_real(base.graph.spec.document, path):
        return searched
    return replace(searched, values=tuple(_real(bound) for bound in searched.values))


def _real(bound: Value) -> Value:
    return Scalar(float(plain(bound)), *place_of(bound))


def _is_real(document: Document, path: overrides.Path) -> bool:
    """Whether what stands at `path` is a real number, and not only a whole one."""
    *outer, owner, option = path
    kind: Any = None
    if path[:2] == ("train", "augment"):
        kind = augmentation.Augmentation
    elif path[0] == "train" and outer and outer[-1] in CHOICES:
        kind = CHOICES[outer[-1]].get(owner)
    elif path[0] in ("nodes", "blocks"):
        node: Value | None = document
        for key in path[:-1]:
            node = node.get(key) if isinstance(node, Document) else None
        op = node.get("op") if isinstance(node, Document) else None
        kind = REGISTRY.get(str(op.value)) if isinstance(op, Scalar) else None
    field = kind.model_fields.get(option) if kind is not None else None
    return field is not None and _takes_real(field.annotation)


def _takes_real(annotation: Any) -> bool:
    return annotation is float or any(map(_takes_real, get_args(annotation)))


def measures(train: TrainSpec) -> list[str]:
    """Names of what is measured after each epoch."""
    names = metrics.measured(train.metrics)
    held_back = [f"validation_{name}" for name in names] if train.validation is not None else []
    return [*names, *held_back]


def _judged(spec: SearchSpec, train: TrainSpec) -> tuple[str, str]:
    """Metric and direction, as the spec says or as goes without saying."""
    metric = "loss" if train.validation is None else "validation_loss"
    if spec.metric is not None:
        metric = str(spec.metric.value)
    low = any(word in metric for word in _LOW_IS_GOOD)
    return metric, spec.direction or ("minimize" if low else "maximize")


def _reached(
    base: NetworkSpec, spec: SearchSpec, findings: Findings, told: Collection[Diagnostic] = ()
) -> None:
    """Tell a metric that is not measured, and settings that reach nothing or make no sense."""
    names = measures(base.train) if base.train is not None else []
    if spec.metric is not None and spec.metric.value not in names:
        wanted = str(spec.metric.value)
        message = f"training does not measure '{wanted}'"
        help = suggestion(wanted, names, f"it measures {', '.join(names)}")
        if wanted.removeprefix("validation_") in names:
            help = "hold rows back for it by 'validation' in 'train'"
        findings.error("unknown-metric", message, spec.metric.span, help=help)
    _apart(base, spec, findings)
    for name, searched in spec.settings.items():
        faults = (found for value in searched.values for found in _faults(base, name, value, told))
        for found in islice(faults, 1):
            findings.add(replace(found, span=found.span or searched.place.span))


def _apart(base: NetworkSpec, spec: SearchSpec, findings: Findings) -> None:
    """Tell settings that exclude each other, whatever is drawn for them."""
    firsts = {name: searched.values[0] for name, searched in spec.settings.items()}
    try:
        overrides.override(base.document, firsts)
    except UsageError as error:
        found = error.diagnostics[0]
        if found.code == "conflicting-settings":
            findings.add(replace(found, span=spec.place.span))


def _faults(
    base: NetworkSpec, name: str, value: Value, told: Collection[Diagnostic]
) -> Iterator[Diagnostic]:
    """What setting `name` to `value` brings about, beside what was `told` of the spec as it is."""
    findings = Findings()
    try:
        document = overrides.override(base.document, {name: value})
    except UsageError as error:
        yield from error.diagnostics
        return
    spec = build.build(document, base.folder, findings)
    train = spec.train
    steps: list[Callable[[], object]] = [lambda: Network(graph.build(spec, findings))]
    if train is not None:
        steps += [
            lambda: optimizers.find(train.optimizer),
            lambda: augmentation.read(train.augment),
        ]
    for step in steps:
        try:
            step()
        except GraphnnError as error:
            for found in error.diagnostics:
                # In a spec at fault, what is elsewhere may come of that, or was hidden by it.
                if not told or (found.span is not None and found.span.touches(value.span)):
                    yield found


def _untouched(base: Network, spec: SearchSpec, settings: Mapping[str, Any]) -> None:
    """Raise for a setting that every trial would replace."""
    document = base.graph.spec.document
    varied = {overrides.find(document, name) for name in spec.settings}
    for name in settings:
        if overrides.find(document, name) in varied:
            message = f"the setting '{name}' is what the search varies"
            raise UsageError(Diagnostic("searched-setting", message))


def _cell(value: Any) -> Any:
    plain_there = isinstance(value, int | float | str) and not isinstance(value, bool)
    return value if plain_there else flow(located(value))


def _point(searched: SearchedSpec, value: Any) -> Any:
    return str(_cell(value)) if searched.kind == "choice" else value
