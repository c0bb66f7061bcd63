"""The result of a search, and the folder that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphnn import drawing
from graphnn.diagnostics import Diagnostic, TrainingError
from graphnn.spec import flow, to_yaml
from graphnn.spec import settings as overrides
from graphnn.spec.search_records import SearchedSpec, SearchSpec
from graphnn.spec.values import Map, located
from graphnn.storage import files
from graphnn.training._language import VOCABULARY
from graphnn.training.runs import figures
from graphnn.training.studies.trials import Trial, best_of


@dataclass(frozen=True, slots=True)
class Search:
    """The result of a search.

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
    document: Map
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
            raise TrainingError.of("no-trial", "no trial of the search is complete")
        found = overrides.override(self.document, self.best.settings, VOCABULARY)
        entries = {key: entry for key, entry in found.entries.items() if key != "search"}
        return to_yaml(Map(entries))

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
        place, written = files.as_path(folder), ["trials.csv"]
        files.write_csv(place / "trials.csv", self._rows())
        if self.best is not None:
            files.write_text(place / "best.yaml", self.best_spec)
            written.append("best.yaml")
        drawings = [("curves.png", self._curves), ("values.png", self._values)]
        drawn, remarks = figures.draw_all(drawings, place)
        return (*written, *drawn), remarks

    def _rows(self) -> Iterator[list[Any]]:
        names = list(self.spec.settings)
        yield ["trial", "state", "epochs", self.metric, *names]
        for trial in self.trials:
            last = trial.curve[-1] if trial.curve and trial.value is None else trial.value
            settings = [_cell(trial.settings.get(name, "")) for name in names]
            yield [trial.number, trial.state, len(trial.curve), last, *settings]

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


def _cell(value: Any) -> Any:
    plain_there = isinstance(value, int | float | str) and not isinstance(value, bool)
    return value if plain_there else flow(located(value))


def _point(searched: SearchedSpec, value: Any) -> Any:
    return str(_cell(value)) if searched.kind == "choice" else value
