"""A search for the best settings, from a spec file to its result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graphnn.diagnostics import GraphnnError, TrainingError, UsageError, is_whole
from graphnn.execution.network import Network
from graphnn.spec.search_records import SearchSpec
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import plain
from graphnn.storage import files
from graphnn.training._language import declared
from graphnn.training.runs.run import train_spec
from graphnn.training.studies import checks
from graphnn.training.studies.ranges import with_real_bounds
from graphnn.training.studies.results import Search
from graphnn.training.studies.study import opened
from graphnn.training.studies.worker import Objective, SearchProgress, Worker

STUDY = "study.log"
_LOW_IS_GOOD = ("loss", "error")


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
        A spec file, or the folder of a run for the spec in it.
    trials : int
        How many there will be in all, those of an earlier call and of other processes included.
    settings : mapping, optional
        Sizes and values of ``train`` to replace in every trial.
    storage : str or Path, optional
        A file, in the journal format of Optuna, that keeps the trials: a second call resumes where
        the first ended, and several processes share it. In memory without it.
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
    if not is_whole(trials, 1):
        raise UsageError.of("bad-trials", f"a search has at least one trial, not {trials!r}")
    if progress is not None and not callable(progress):
        message = f"'progress' must be a function of a SearchProgress, not {progress!r}"
        raise UsageError.of("bad-option", message)
    base = declared(file, settings)
    spec = _search_spec(base)
    objective = _objective(spec, train_spec(base))
    if faults := checks.diagnose(base.graph.spec):
        raise TrainingError(*faults)
    checks.refuse_searched(base.graph.spec, spec, settings or {})
    document = base.graph.spec.document
    fingerprint = json.dumps(plain(document), sort_keys=True)
    path = None if storage is None else files.as_path(storage)
    with opened(spec, objective.direction, fingerprint, path) as study:
        worker = Worker(base, study, objective, trials, progress)
        try:
            interrupted = worker.run()
        except GraphnnError:
            if worker.is_barren():
                study.discard()
            raise
        found = study.all()
    return Search(*objective, found, interrupted, document, spec, worker.faults)


def _search_spec(base: Network) -> SearchSpec:
    spec = base.graph.spec.search
    if spec is not None:
        return with_real_bounds(spec, base.graph.spec.document)
    help = "add a section 'search' to it, such as search: {learning_rate: {uniform: [0.1, 1.0]}}"
    raise TrainingError.of("no-search", "the spec does not say what to search", help=help)


def _objective(spec: SearchSpec, train: TrainSpec) -> Objective:
    """What trials are judged by, as the spec says or by default."""
    metric = "loss" if train.validation is None else "validation_loss"
    if spec.metric is not None:
        metric = str(spec.metric.value)
    low = any(word in metric for word in _LOW_IS_GOOD)
    return Objective(metric, spec.direction or ("minimize" if low else "maximize"))
