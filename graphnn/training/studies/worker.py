"""The trials of a search that this process runs, one after another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from graphnn.diagnostics import Diagnostic, FileError, GraphnnError, Note, RunError
from graphnn.execution import one_blas_thread
from graphnn.execution.network import Network
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import Value, plain
from graphnn.storage import DeferredInterrupt
from graphnn.training._language import built
from graphnn.training.data.requirements import needs
from graphnn.training.data.splits import Sets, load_sets
from graphnn.training.fitting.loop import Training
from graphnn.training.runs.run import train_spec
from graphnn.training.studies.trials import State, Trial, Trials, best_of

_HOPELESS = 10  # trials that fail alike before any other
# Any other key of 'train' may change which rows there are.
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


class Objective(NamedTuple):
    """What trials are judged by.

    Attributes
    ----------
    metric : str
    direction : {"maximize", "minimize"}
    """

    metric: str
    direction: str


class Worker:
    """Runs trials until there are enough.

    Parameters
    ----------
    base : Network
        Of the spec as it is.
    trials : Trials
    objective : Objective
    limit : int
        How many trials there will be, those of other processes included.
    progress : callable, optional
    """

    def __init__(
        self,
        base: Network,
        trials: Trials,
        objective: Objective,
        limit: int,
        progress: Callable[[SearchProgress], None] | None,
    ) -> None:
        self._base, self._trials = base, trials
        self._objective, self._limit, self._progress = objective, limit, progress
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
            A file is at fault, which is so for every trial, or all trials fail in the same way.
        """
        try:
            with one_blas_thread, DeferredInterrupt() as ctrl_c:
                while not ctrl_c.came and self._run_one(ctrl_c):
                    self._stop_if_hopeless(_HOPELESS)
        except KeyboardInterrupt:
            return True
        if not ctrl_c.came:
            self._stop_if_hopeless(1)
        return ctrl_c.came

    def is_barren(self) -> bool:
        """Whether no trial had a result, nor is one under way that could have."""
        return all(trial.state in ("failed", "interrupted") for trial in self._trials.all())

    def _run_one(self, ctrl_c: DeferredInterrupt) -> bool:
        """Run a trial; False where none is left."""
        if (asked := self._trials.ask(self._limit)) is None:
            return False
        trial, chosen = asked
        state: State = "interrupted"
        value, fault, epochs = None, "", 0
        try:
            self._ended = tuple(t for t in self._trials.all() if t.state != "running")
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
            ended = self._trials.tell(trial, state, value, fault)
        self._ended = (*self._ended, ended)
        self._report(ended, epochs)
        return True

    def _start(self, chosen: Mapping[str, Value]) -> Training:
        base = self._base.graph.spec
        net = built(lambda _: base.document, base.folder, chosen)
        spec = train_spec(net)
        key = _rows_key(net, spec)
        if self._rows is None or self._rows[0] != key:
            self._rows = (key, load_sets(net, spec))
        return Training(net, spec, self._rows[1])

    def _train(
        self, training: Training, trial: Any, chosen: Mapping[str, Value], ctrl_c: DeferredInterrupt
    ) -> tuple[State, float | None]:
        curve: list[float] = []
        settings = {name: plain(value) for name, value in chosen.items()}
        while not training.finished:
            # Not while trials are recorded: a record must not be broken off.
            with ctrl_c.let_through():
                curve.append(training.epoch()[self._objective.metric])
            prune = self._trials.report(trial, len(curve), curve[-1])
            if prune and not training.finished:
                return "pruned", None
            running = Trial(trial.number + 1, settings, "running", None, tuple(curve))
            self._report(running, training.spec.epochs)
        kept = training.best_epoch if training.spec.keep == "best" else None
        value = curve[-1 if kept is None else kept - 1]
        return ("complete", value) if math.isfinite(value) else ("diverged", None)

    def _failed(self, error: GraphnnError) -> State:
        """The state of a trial that ended in `error`."""
        code = error.diagnostics[0].code
        if isinstance(error, RunError) and code == "not-finite":
            return "diverged"
        self._failures.setdefault(code, error)
        return "failed"

    def _stop_if_hopeless(self, least: int) -> None:
        """Raise the one fault of all trials, once `least` have failed."""
        failed = sum(trial.state == "failed" for trial in self._trials.all())
        if len(self._failures) != 1 or failed < least or not self.is_barren():
            return
        (error,) = self._failures.values()
        note = Note(f"no trial had a result: {failed} of {failed} failed like this")
        first, *others = error.diagnostics
        raise type(error)(replace(first, notes=(*first.notes, note)), *others)

    def _report(self, trial: Trial, epochs: int) -> None:
        if self._progress is not None:
            done = sum(t.state != "interrupted" for t in self._ended)
            best = next(iter(best_of(self._ended, self._objective.direction)), None)
            self._progress(SearchProgress(trial, epochs, done, self._limit, best))


def _rows_key(net: Network, spec: TrainSpec) -> Any:
    """What differs where the rows of two trainings may."""
    train = net.graph.spec.document.get("train")
    given = plain(train) if train is not None else {}
    return {k: v for k, v in given.items() if k not in _NOT_OF_ROWS}, needs(net, spec)
