"""The trials of a search, kept by Optuna: in memory, or in a file that several processes share."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from graphnn.diagnostics import Diagnostic, TrainingError
from graphnn.spec import flow
from graphnn.spec.model import SearchedSpec, SearchSpec
from graphnn.spec.values import Scalar, Value, plain
from graphnn.storage import leases

State = Literal["complete", "pruned", "diverged", "failed", "interrupted", "running"]
_NAME = "graphnn"
_SPEC = "spec"  # what is noted with a study
_STATE, _FAULT, _OWNER = "state", "fault", "owner"  # and with a trial
_PATIENCE = 60  # seconds to wait for another process that writes
_UNOWNED = 2 * _PATIENCE  # seconds in which a process notes that a trial is its own
_TRIES = 20  # to make a file that another process may be making too


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of a search.

    Attributes
    ----------
    number : int
        Counted from 1.
    settings : dict of str to value
        What was tried, as plain data.
    state : {"complete", "pruned", "diverged", "failed", "interrupted", "running"}
        ``diverged`` where the loss was no longer finite, ``failed`` where anything else ended it.
    value : float or None
        The metric of a complete trial: after its last epoch, or in the best one where `train`
        keeps that.
    curve : tuple of float
        The metric after each epoch.
    fault : str
        What ended a trial that diverged or failed.
    """

    number: int
    settings: dict[str, Any]
    state: State
    value: float | None
    curve: tuple[float, ...]
    fault: str = ""


class Trials:
    """Asks Optuna what to try next, and tells it what came of that.

    Parameters
    ----------
    optuna : module
    study : optuna.Study
    spec : SearchSpec
    """

    def __init__(self, optuna: ModuleType, study: Any, spec: SearchSpec) -> None:
        self._optuna = optuna
        self._study = study
        self._spec = spec
        self._states = optuna.trial.TrialState
        self._owner = leases.WorkerLease()

    def all(self) -> tuple[Trial, ...]:
        """Every trial, those of other processes too."""
        found = self._study.get_trials(deepcopy=False)
        return tuple(self._shown(trial) for trial in found if trial.params)

    def ask(self, limit: int) -> tuple[Any, dict[str, Value]] | None:
        """The next trial and what to set in it; None when `limit` trials are done or under way."""
        self._end_left()
        if self._counted() >= limit:
            return None
        trial = self._study.ask()
        trial.set_user_attr(_OWNER, self._owner.name)
        if self._counted(trial.number) >= limit:
            # Another process took the last one meanwhile.
            self._study.tell(trial, state=self._states.FAIL)
            return None
        # A generator a trial: the same whether it was resumed, another one for each process.
        seed = int(np.random.SeedSequence([self._spec.seed, trial.number]).generate_state(1)[0])
        samplers = self._optuna.samplers
        kind = samplers.TPESampler if self._spec.sampler == "tpe" else samplers.RandomSampler
        self._study.sampler = kind(seed=seed)
        return trial, {name: _draw(trial, name, s) for name, s in self._spec.settings.items()}

    def report(self, trial: Any, epoch: int, value: float) -> bool:
        """Take note of the metric after an epoch; whether to stop the trial."""
        trial.report(value, epoch)
        return bool(trial.should_prune())

    def tell(self, trial: Any, state: State, value: float | None = None, fault: str = "") -> Trial:
        """End `trial`."""
        if state in ("diverged", "failed"):
            trial.set_user_attr(_STATE, state)
            trial.set_user_attr(_FAULT, fault)
        # To Optuna, a trial that diverged or failed is one to keep away from, as a pruned one is.
        ended = {
            "complete": self._states.COMPLETE,
            "pruned": self._states.PRUNED,
            "diverged": self._states.PRUNED,
            "failed": self._states.PRUNED,
        }.get(state, self._states.FAIL)
        return self._shown(self._study.tell(trial, value, state=ended))

    def close(self) -> None:
        """Leave the trials that are still under way to whoever goes on."""
        self._owner.close()

    def _end_left(self) -> None:
        """End the trials of processes that are no more: nobody else will."""
        running = (self._states.RUNNING,)
        for trial in self._study.get_trials(deepcopy=False, states=running):
            owner = trial.user_attrs.get(_OWNER)
            began = trial.datetime_start.timestamp()
            gone = time.time() - began > _UNOWNED if owner is None else leases.is_gone(owner)
            if gone:
                # Another process may do the same.
                self._study.tell(trial.number, state=self._states.FAIL, skip_if_finished=True)

    def _counted(self, before: int | None = None) -> int:
        found = self._study.get_trials(deepcopy=False)
        return sum(
            trial.state != self._states.FAIL and (before is None or trial.number < before)
            for trial in found
        )

    def _shown(self, trial: Any) -> Trial:
        states: dict[Any, State] = {
            self._states.COMPLETE: "complete",
            self._states.PRUNED: trial.user_attrs.get(_STATE, "pruned"),
            self._states.FAIL: "interrupted",
        }
        state = states.get(trial.state, "running")
        settings = {
            name: _plain(searched, trial.params[name])
            for name, searched in self._spec.settings.items()
            if name in trial.params
        }
        curve = tuple(value for _, value in sorted(trial.intermediate_values.items()))
        value = trial.value if state == "complete" else None
        fault = trial.user_attrs.get(_FAULT, "")
        return Trial(trial.number + 1, settings, state, value, curve, fault)


@contextmanager
def opened(
    spec: SearchSpec, direction: str, fingerprint: str, path: str | Path | None
) -> Iterator[Trials]:
    """The trials kept in the SQLite file at `path`, which is made if need be, or in memory.

    Raises
    ------
    TrainingError
        Optuna is not installed, the file is not such a file, or it is of another spec.
    """
    optuna = _optuna()
    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        storage = None
        try:
            storage = None if path is None else _storage(optuna, Path(path))
            pruners = optuna.pruners
            study = optuna.create_study(
                storage=storage,
                study_name=_NAME,
                direction=direction,
                pruner=pruners.MedianPruner() if spec.pruner == "median" else pruners.NopPruner(),
                load_if_exists=True,
            )
            if study.user_attrs.setdefault(_SPEC, fingerprint) != fingerprint:
                message = f"'{path}' holds a search of another spec"
                help = "name another folder, or go on with the spec and settings it began with"
                raise TrainingError(Diagnostic("different-spec", message, help=help))
            study.set_user_attr(_SPEC, fingerprint)
            with closing(Trials(optuna, study, spec)) as trials:
                yield trials
        finally:
            if storage is not None:
                storage.remove_session()
                storage.engine.dispose()
            optuna.logging.set_verbosity(before)


def _optuna() -> ModuleType:
    try:
        import optuna
    except ImportError:
        help = "pip install 'graphnn[search]'"
        message = "a search needs optuna, which is not installed"
        raise TrainingError(Diagnostic("no-optuna", message, help=help)) from None
    found: ModuleType = optuna
    return found


def _storage(optuna: ModuleType, path: Path) -> Any:
    from sqlalchemy import event
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import DatabaseError

    if not path.parent.is_dir():
        message = f"there is no folder '{path.parent}' to write into"
        raise TrainingError(Diagnostic("no-such-folder", message))
    # Optuna formats the address, so that a brace in a name must be doubled.
    address = URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)
    address = address.replace("{", "{{").replace("}", "}}")
    for attempt in range(_TRIES):
        try:
            options = {"connect_args": {"timeout": _PATIENCE}}
            storage = optuna.storages.RDBStorage(address, engine_kwargs=options)
        except (DatabaseError, RuntimeError, AssertionError) as error:
            # Two processes may make the same tables at once, and meet each other half-way.
            fault: Exception = error
            if type(error) is DatabaseError:
                break  # no database at all
            time.sleep(0.02 * (attempt + 1))
        else:
            event.listen(storage.engine, "connect", _hurry)
            storage.engine.dispose()  # from here on, every connection hurries
            return storage
    reason = str(getattr(fault, "orig", None) or fault).partition("\n")[0]
    message = f"'{path}' cannot be opened as a search: {reason}"
    raise TrainingError(Diagnostic("bad-search-file", message)) from None


def _hurry(connection: Any, _record: Any) -> None:
    """Wait for no disk: what a killed process has written is safe even so."""
    connection.execute("PRAGMA synchronous = OFF")


def _draw(trial: Any, name: str, searched: SearchedSpec) -> Value:
    if searched.kind == "choice":
        # Texts, since a database keeps no lists and mappings.
        choices = _choices(searched)
        return choices[trial.suggest_categorical(name, tuple(choices))]
    low, high = (plain(value) for value in searched.values)
    log = searched.kind == "log_uniform"
    whole = isinstance(low, int) and isinstance(high, int)
    suggest = trial.suggest_int if whole else trial.suggest_float
    # A fault in what is drawn is told at the place of the setting.
    place = searched.place
    at = (place.source, place.line, place.column, place.end_line, place.end_column)
    return Scalar(suggest(name, low, high, log=log), *at)


def _choices(searched: SearchedSpec) -> Mapping[str, Value]:
    return {flow(value): value for value in searched.values}


def _plain(searched: SearchedSpec, drawn: Any) -> Any:
    return plain(_choices(searched)[drawn]) if searched.kind == "choice" else drawn


def best_of(trials: tuple[Trial, ...], direction: str) -> list[Trial]:
    """The complete trials, the best first; of equal ones the earlier."""
    done = [t for t in trials if t.value is not None and math.isfinite(t.value)]
    sign = 1.0 if direction == "minimize" else -1.0
    return sorted(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number))
