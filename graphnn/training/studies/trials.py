"""The trials of a search: what is tried next, by whom, and how it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np

from graphnn.spec import flow
from graphnn.spec.search_records import SearchedSpec, SearchSpec
from graphnn.spec.values import Scalar, Value, place_of, plain
from graphnn.storage import locks
from graphnn.training.studies.store import Store, StudyError

State = Literal["complete", "pruned", "diverged", "failed", "interrupted", "running"]
_STATES: dict[str, State] = {  # Optuna's, but for PRUNED
    "COMPLETE": "complete",
    "FAIL": "interrupted",
    "RUNNING": "running",
    "WAITING": "running",
}
_STATE, _FAULT = "state", "fault"  # what is noted with a trial


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


def best_of(trials: tuple[Trial, ...], direction: str) -> list[Trial]:
    """The complete trials, the best first; of equal ones the earlier."""
    done = [t for t in trials if t.value is not None and math.isfinite(t.value)]
    sign = 1.0 if direction == "minimize" else -1.0
    return sorted(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number))


class Trials:
    """Asks Optuna what to try next, and passes the results on to it.

    Parameters
    ----------
    optuna : module
    study : optuna.Study
    spec : SearchSpec
    store : Store
    """

    def __init__(self, optuna: ModuleType, study: Any, spec: SearchSpec, store: Store) -> None:
        self._study, self._spec, self._store = study, spec, store
        self._distributions = distributions(optuna, spec)
        samplers = optuna.samplers
        self._sampler = samplers.TPESampler if spec.sampler == "tpe" else samplers.RandomSampler
        self._states = optuna.trial.TrialState
        self._owned: locks.OwnerLock | None = None

    def all(self) -> tuple[Trial, ...]:
        """Every trial, those of other processes too."""
        with self._store.reporting():
            found = self._study.get_trials(deepcopy=False)
        return tuple(shown(trial, self._spec) for trial in found if trial.params)

    def ask(self, limit: int) -> tuple[Any, dict[str, Value]] | None:
        """The next trial and its settings; None when `limit` trials are done or under way."""
        # Under the lock, nobody else takes the last trial or sees this one without its owner.
        with self._store.reporting(), self._store.lock:
            self._end_abandoned()
            found = self._study.get_trials(deepcopy=False)
            if sum(trial.state != self._states.FAIL for trial in found) >= limit:
                return None
            # A generator for each trial, which a resumed search repeats.
            seed = np.random.SeedSequence([self._spec.seed, len(found)]).generate_state(1)[0]
            self._study.sampler = self._sampler(seed=int(seed))
            self._owned = self._store.own(len(found))
            trial = self._study.ask(self._distributions)
        searched = self._spec.settings
        return trial, {name: _value(searched[name], drawn) for name, drawn in trial.params.items()}

    def report(self, trial: Any, epoch: int, value: float) -> bool:
        """Record the metric after an epoch; whether to stop the trial."""
        with self._store.reporting():
            trial.report(value, epoch)
            return bool(trial.should_prune())

    def tell(self, trial: Any, state: State, value: float | None = None, fault: str = "") -> Trial:
        """End `trial`."""
        # To Optuna, a trial that diverged or failed is one to keep away from, as a pruned one is.
        ended = self._states.FAIL if state == "interrupted" else self._states.PRUNED
        with self._store.reporting():
            if state in ("diverged", "failed"):
                trial.set_user_attr(_STATE, state)
                trial.set_user_attr(_FAULT, fault)
            if state == "complete":
                ended = self._states.COMPLETE
            found = self._study.tell(trial, value, state=ended)
            self.disown()
        return shown(found, self._spec)

    def disown(self) -> None:
        """Release a trial in progress, for a process that resumes the search."""
        if self._owned is not None:
            self._owned.release()

    def discard(self) -> None:
        """Remove the file that was made for these trials; one that was there before stays."""
        self._store.discard()

    def _end_abandoned(self) -> None:
        """End the trials whose process was killed: nobody else will."""
        # Optuna's heartbeat would notice it a minute later, if studies lay in a database.
        for trial in self._study.get_trials(deepcopy=False, states=(self._states.RUNNING,)):
            if self._store.is_abandoned(trial.number):
                self._study.tell(trial.number, state=self._states.FAIL)


def shown(trial: Any, spec: SearchSpec) -> Trial:
    """What Optuna knows of a trial; raises any exception where no search has written that."""
    name = trial.state.name
    settings = {
        name: plain(_value(searched, trial.params[name]))
        for name, searched in spec.settings.items()
        if name in trial.params
    }
    if any(type(epoch) is not int for epoch in trial.intermediate_values):
        raise StudyError(f"trial {trial.number + 1} is damaged")
    return Trial(
        number=trial.number + 1,
        settings=settings,
        state=trial.user_attrs.get(_STATE, "pruned") if name == "PRUNED" else _STATES[name],
        value=float(trial.value) if name == "COMPLETE" else None,
        curve=tuple(float(value) for _, value in sorted(trial.intermediate_values.items())),
        fault=trial.user_attrs.get(_FAULT, ""),
    )


def distributions(optuna: ModuleType, spec: SearchSpec) -> dict[str, Any]:
    """What Optuna draws each setting from."""
    made = optuna.distributions
    found: dict[str, Any] = {}
    for name, searched in spec.settings.items():
        if searched.kind == "choice":
            # Texts, since a file of trials keeps no lists and mappings.
            found[name] = made.CategoricalDistribution(tuple(map(flow, searched.values)))
            continue
        low, high = (plain(value) for value in searched.values)
        whole = isinstance(low, int) and isinstance(high, int)
        kind = made.IntDistribution if whole else made.FloatDistribution
        found[name] = kind(low, high, log=searched.kind == "log_uniform")
    return found


def _value(searched: SearchedSpec, drawn: Any) -> Value:
    """What was drawn, as a value that stands where a fault in it is reported."""
    if searched.kind == "choice":
        return next(value for value in searched.values if flow(value) == drawn)
    return Scalar(drawn, *place_of(searched.place))


def check(trial: Any, spec: SearchSpec, expected: Mapping[str, Any]) -> None:
    """Raise any exception for a trial that no search of `spec` has written.

    Parameters
    ----------
    trial : optuna.trial.FrozenTrial
    spec : SearchSpec
    expected : mapping of str to distribution
        What `distributions` gives for it.
    """
    number = trial.number + 1
    for name, value in trial.params.items():
        if name not in expected:
            raise StudyError(f"trial {number} has a setting that the search does not vary")
        if expected[name] != trial.distributions[name]:
            raise StudyError(f"trial {number} draws '{name}' in another way than the search")
        low, high = (getattr(expected[name], bound, value) for bound in ("low", "high"))
        if not low <= value <= high:
            raise StudyError(f"trial {number} has '{name}' outside its range")
    found = shown(trial, spec)
    if found.state not in get_args(State) or not isinstance(found.fault, str):
        raise StudyError(f"trial {number} is damaged")
