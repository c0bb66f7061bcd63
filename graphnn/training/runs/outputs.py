"""What a run leaves in its folder: weights, history, summary and pictures."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphnn import drawing
from graphnn.diagnostics import DrawingError, RunError
from graphnn.execution.weight_files import CHECKPOINT, WEIGHTS
from graphnn.ops import Array
from graphnn.spec import to_yaml
from graphnn.storage import files
from graphnn.training.data.splits import held_back
from graphnn.training.fitting.loop import Training
from graphnn.training.fitting.measuring import Row
from graphnn.training.runs import figures


def write(
    place: Path, training: Training, test: Row, filters: tuple[str, Array] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write what there is of `training`, whose first filters were `filters` before, into `place`.

    Returns
    -------
    tuple
        Names of the files of the run, and remarks on those that could not be written.
    """
    written, faults = [CHECKPOINT, WEIGHTS], dict[str, list[str]]()
    training.network.save(place / WEIGHTS)
    for name, text in texts(training, test).items():
        files.write_text(place / name, text)
        written.append(name)
    for name, draw in _drawings(training, test, filters):
        try:
            if draw(place / name) is not False:
                written.append(name)
        except DrawingError as error:
            # A picture that cannot be made must not lose a trained network.
            for found in error.diagnostics:
                faults.setdefault(found.message, []).append(name)
    remarks = (f"no {', '.join(names)}: {message}" for message, names in faults.items())
    return tuple(written), tuple(remarks)


def _drawings(
    training: Training, test: Row, filters: tuple[str, Array] | None
) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """The pictures of a run, by name; each is given a path, and False where there is none."""
    net, columns = training.network, _columns(training.state.history)
    yield "diagram.svg", net.draw
    if columns:
        yield "curves.png", lambda path: drawing.curves(columns, test=test or None, path=path)
    yield "augmented.png", lambda path: figures.augmented(training, path)
    yield "filters.png", lambda path: figures.filters(filters, net, path)
    # The fault that ended a run is reported, not that its rows cannot be measured either.
    with suppress(RunError):
        yield from _measured(training).items()
    yield "path.png", lambda path: figures.loss_path(training, path)


def _measured(training: Training) -> figures.Drawings:
    """Pictures of rows held back, or, of what needs no truth, of training rows."""
    if training.sets.train is None:
        return {}
    measuring = training.measuring
    kind, rows = held_back(training.sets)
    if measuring.classifying is None:
        return figures.of_images(figures.reconstructed(training.network, rows), kind)
    found = None if kind == "training" else measuring.classified(rows)
    names = measuring.names(rows.classes) or None
    return {} if found is None else figures.of_classes(rows, found, names)


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
