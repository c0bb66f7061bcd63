"""Opening the study of a search, once what it holds is known to be of that search."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from graphnn.diagnostics import GraphnnError, TrainingError, needing
from graphnn.spec.search_records import SearchSpec
from graphnn.training.studies.store import Store, StudyError
from graphnn.training.studies.trials import Trials, check, distributions

_NAME = "graphnn"
_SPEC = "spec"  # what is noted with a study


@contextmanager
def opened(
    spec: SearchSpec, direction: str, fingerprint: str, path: Path | None
) -> Iterator[Trials]:
    """The trials kept in the file at `path`, which is made if need be, or in memory.

    Raises
    ------
    TrainingError
        Optuna is not installed, the file is not such a file, or it is of another spec.
    """
    optuna, store = _optuna(), Store(path)
    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        try:
            with store.reporting(), store.lock, _damage_reported(path):
                study = _study(optuna, spec, direction, store)
                if study.user_attrs.get(_SPEC, fingerprint) != fingerprint:
                    message = f"'{path}' holds a search of another spec"
                    help = "name another folder, or use the spec and settings that it began with"
                    raise TrainingError.of("different-spec", message, help=help)
                _check_trials(optuna, study, spec, direction)
                study.set_user_attr(_SPEC, fingerprint)
            trials = Trials(optuna, study, spec, store)
            try:
                yield trials
            finally:
                trials.disown()
        finally:
            optuna.logging.set_verbosity(before)


def _optuna() -> ModuleType:
    with needing(TrainingError, "no-optuna", "a search needs optuna", "search"):
        import optuna
    found: ModuleType = optuna
    return found


def _study(optuna: ModuleType, spec: SearchSpec, direction: str, store: Store) -> Any:
    pruners = optuna.pruners
    return optuna.create_study(
        storage=store.journal(optuna),
        study_name=_NAME,
        direction=direction,
        pruner=pruners.MedianPruner() if spec.pruner == "median" else pruners.NopPruner(),
        load_if_exists=True,
    )


def _check_trials(optuna: ModuleType, study: Any, spec: SearchSpec, direction: str) -> None:
    expected = distributions(optuna, spec)
    if study.direction.name.lower() != direction:
        raise StudyError(f"it does not {direction}")
    for trial in study.get_trials(deepcopy=False):
        check(trial, spec, expected)


@contextmanager
def _damage_reported(path: Path | None) -> Iterator[None]:
    """Report whatever Optuna raises on a file that it did not write so."""
    try:
        yield
    except (GraphnnError, OSError):
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, StudyError) else "its records are damaged"
        message = f"'{path}' cannot be opened as a search: {reason}"
        raise TrainingError.of("bad-search-file", message) from None
