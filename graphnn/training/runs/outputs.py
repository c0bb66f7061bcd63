"""What a run leaves in its folder: weights, history, summary and pictures."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphnn import drawing
from graphnn.diagnostics import DrawingError, RunError
from graphnn.execution.weight_files import CHECKPOINT, WEIGHTS
from graphnn.ops import Array
from graphnn.spec import to_yaml
from graphnn.storage import files
from graphnn.training.fitting.loop import Training
from graphnn.training.fitting.measuring import Row
from graphnn.training.runs import figures

_Write = Callable[[Path], object]  # gives False where there is nothing to write


class Outputs:
    """Writes the files of a run beside its checkpoint.

    Attributes
    ----------
    written : list of str
        Names of the files.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self.written = [CHECKPOINT]
        self._faults: dict[str, list[str]] = {}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What could not be written, and why."""
        faults = self._faults.items()
        return tuple(f"no {', '.join(names)}: {message}" for message, names in faults)

    def write(self, training: Training, test: Row, filters: tuple[str, Array] | None) -> None:
        """Write what there is of `training`, whose first filters were `filters` before."""
        net, state = training.network, training.state
        self._add(WEIGHTS, net.save)
        for name, text in texts(training, test).items():
            files.write_text(self._place / name, text)
            self.written.append(name)
        self._add("diagram.svg", net.draw)
        if columns := _columns(state.history):
            self._add("curves.png", lambda p: drawing.curves(columns, test=test or None, path=p))
        self._add("augmented.png", lambda path: figures.augmented(training, path))
        self._add("filters.png", lambda path: figures.filters(filters, net, path))
        # The fault that ended a run is reported, not that its rows cannot be measured either.
        with suppress(RunError):
            self._add_measured(training)
        self._add("path.png", lambda path: figures.loss_path(training, path))

    def _add(self, name: str, write: _Write) -> None:
        try:
            if write(self._place / name) is not False:
                self.written.append(name)
        except DrawingError as error:
            # A picture that cannot be made must not lose a trained network.
            for found in error.diagnostics:
                self._faults.setdefault(found.message, []).append(name)

    def _add_measured(self, training: Training) -> None:
        """Write pictures of rows held back, or, of what needs no truth, of training rows."""
        sets, measuring = training.sets, training.measuring
        kind, rows = "test", sets.test
        if rows is None:
            kind, rows = "validation", sets.validation
        found = None if rows is None else measuring.classified(rows)
        if rows is not None and found is not None:
            held_back, classified = rows, found
            names = measuring.names(rows.classes) or None
            self._add(figures.CONFUSION, lambda p: figures.confusion(classified, names, p))
            self._add(figures.MISTAKES, lambda p: figures.mistakes(held_back, classified, names, p))
        if rows is None:
            kind, rows = "training", sets.train
        if rows is not None and measuring.classifying is None:
            pair = figures.reconstructed(training.network, rows)
            self._add(figures.RECONSTRUCTIONS, lambda p: figures.pairs(pair, f"{kind} images", p))


def texts(training: Training, test: Row) -> dict[str, str]:
    """The files that are texts, by name."""
    return {
        "history.csv": _history(training.state.history),
        "spec.yaml": to_yaml(training.network.graph.spec.document),
        "summary.json": json.dumps(_summary(training, test), indent=2) + "\n",
    }


def _summary(training: Training, test: Row) -> dict[str, Any]:
    history, best = training.state.history, training.best_epoch
    return {
        "epochs": training.state.epoch,
        "last": history[-1] if history else {},
        **({} if best is None else {"best_epoch": best}),
        "test": test,
    }


def _columns(rows: list[Row]) -> dict[str, list[float]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, math.nan) for row in rows] for name in names}


def _history(rows: list[Row]) -> str:
    text = io.StringIO()
    columns = _columns(rows)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *columns])
    writer.writerows(zip(range(1, len(rows) + 1), *columns.values(), strict=True))
    return text.getvalue()
