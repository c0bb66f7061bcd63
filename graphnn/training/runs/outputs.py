"""What a run leaves in its folder: weights, history, summary and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphnn import drawing
from graphnn.diagnostics import RunError
from graphnn.execution.network import Network
from graphnn.execution.weight_files import CHECKPOINT, SPEC, WEIGHTS
from graphnn.ops import Array
from graphnn.spec import to_yaml
from graphnn.storage import files
from graphnn.training._copies import ORIGIN, SUMMARY, origin_of, portable
from graphnn.training._language import VOCABULARY
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
    net, history = training.network, training.state.history
    columns = figures.columns_of(history)
    rows = zip(range(1, len(history) + 1), *columns.values(), strict=True)
    net.save(place / WEIGHTS)
    files.write_csv(place / "history.csv", [("epoch", *columns), *rows])
    copy_spec(place, net, _measures(training, test))
    drawn, remarks = figures.draw_all(_drawings(training, columns, test, filters), place)
    return (CHECKPOINT, WEIGHTS, "history.csv", SPEC, SUMMARY, *drawn), remarks


def _drawings(
    training: Training,
    columns: dict[str, list[float]],
    test: Row,
    filters: tuple[str, Array] | None,
) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """The pictures of a run, by name; each is given a path, and False where there is none."""
    net = training.network
    yield "diagram.svg", net.draw
    if columns:
        best = training.best_epoch or None
        yield (
            "curves.png",
            lambda path: drawing.curves(columns, test=test or None, best=best, path=path),
        )
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


def copy_spec(place: Path, net: Network, measures: Mapping[str, Any]) -> None:
    """Write the spec into `place`, and a summary that says where it came from, with `measures`."""
    spec = net.graph.spec
    origin = origin_of(spec, place, VOCABULARY)
    files.write_text(place / SPEC, to_yaml(portable(spec)))
    summary = {**({} if origin is None else {ORIGIN: origin}), **measures}
    files.write_text(place / SUMMARY, f"{json.dumps(summary, indent=2)}\n")


def _measures(training: Training, test: Row) -> dict[str, Any]:
    history, best = training.state.history, training.best_epoch
    return {
        "epochs": training.state.epoch,
        "last": history[-1] if history else {},
        **({} if best is None else {"best_epoch": best}),
        "test": test,
    }
