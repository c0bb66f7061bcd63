"""One training run and its folder: what is written where."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike, NDArray

from graphnn import drawing
from graphnn.diagnostics import Diagnostic, DrawingError, GraphnnError, RunError, TrainingError
from graphnn.execution import network, one_blas_thread
from graphnn.execution.network import Network
from graphnn.execution.weight_files import CHECKPOINT, WEIGHTS
from graphnn.spec import to_yaml
from graphnn.spec.model import TrainSpec
from graphnn.storage import files
from graphnn.training.data.dataset import given
from graphnn.training.data.requirements import demand_of
from graphnn.training.data.splits import Sets
from graphnn.training.fitting import checkpoint
from graphnn.training.fitting.loop import Progress, Training
from graphnn.training.fitting.measuring import Row
from graphnn.training.runs import figures

Array = NDArray[Any]
_Write = Callable[[Path], object]  # gives False where there is nothing to write


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a training.

    Attributes
    ----------
    network : Network
        With the parameters that were reached.
    history : tuple of dict
        A row an epoch: ``loss`` and metrics, ``validation_loss`` and the like.
    test : dict
        Loss and metrics on the test rows; empty where there are none.
    test_rows : int
        How many those are.
    best_epoch : int or None
        The epoch, counted from 1, that was best by what the spec watches; None when it watches
        nothing. By ``keep: best``, the parameters are those of this epoch.
    interrupted : bool
        Whether Ctrl-C ended it; the history tells after how many epochs.
    folder : Path or None
        Where its files are.
    files : tuple of str
        Names of the files written there.
    remarks : tuple of str
        What could not be written, and why.
    """

    network: Network
    history: tuple[Row, ...]
    test: Row
    test_rows: int = 0
    best_epoch: int | None = None
    interrupted: bool = False
    folder: Path | None = None
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def train(
    source: Network | str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    data: Mapping[str, ArrayLike] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Train a network as its spec's ``train`` says.

    Parameters
    ----------
    source : Network, str or Path
        A network, which is trained in place, or a spec file.
    settings : mapping, optional
        For a spec file: sizes and values of ``train`` to replace.
    folder : str or Path, optional
        Where to write what the run leaves: weights, history, pictures, the spec as used, and a
        checkpoint after every epoch. Nothing is written without it.
    resume : bool
        Go on from the checkpoint in `folder`.
    data : mapping of str to array_like, optional
        Training rows by input, in place of those that the spec names.
    progress : callable, optional
        Called with a `Progress` after every batch.

    Returns
    -------
    Run

    Raises
    ------
    SpecError, FileError, DataError
        The spec, a file or the data are at fault.
    TrainingError
        The spec has no ``train``; there is nothing to resume, or something that would be written
        over.
    RunError
        The loss is not finite; the folder then holds the epochs before. Without one, nothing of
        this run is left.
    """
    net = source if isinstance(source, Network) else network.load(source, settings)
    spec = train_spec(net)
    sets = None if data is None else Sets(given(data, demand_of(net, spec), net.classes))
    place = _found(folder, resume)
    filters = None if place is None else figures.first_filters(net)
    training = Training(net, spec, sets)
    if place is not None and resume:
        checkpoint.restore(training, place / CHECKPOINT)
    with _withdrawn(training, None if resume else place):
        interrupted, fault = _epochs(training, place, progress)
        if fault is not None and not training.state.history:
            raise fault
    training.take_best()
    held_back = training.sets.test
    test = {} if held_back is None else training.evaluate(held_back)
    test_rows = 0 if held_back is None else len(held_back)
    written, remarks = _leave(training, test, filters, place) if place is not None else ((), ())
    if fault is not None:
        raise fault
    history = tuple(training.state.history)
    best = training.best_epoch
    return Run(net, history, test, test_rows, best, interrupted, place, written, remarks)


def train_spec(net: Network) -> TrainSpec:
    """The section ``train`` of a spec, or a `TrainingError` that there is none."""
    if net.graph.spec.train is not None:
        return net.graph.spec.train
    help = "add a section 'train' to it, such as train: {data: ..., epochs: 10}"
    raise TrainingError(Diagnostic("no-train", "the spec does not say how to train", help=help))


def _found(folder: str | Path | None, resume: bool) -> Path | None:
    if folder is None:
        if resume:
            raise TrainingError(Diagnostic("nothing-to-resume", "only a folder can be resumed"))
        return None
    place = Path(folder)
    if resume and not (place / CHECKPOINT).exists():
        message = f"'{place}' holds no run to resume"
        raise TrainingError(Diagnostic("nothing-to-resume", message))
    if not resume and place.exists() and (not place.is_dir() or any(place.iterdir())):
        message = f"'{place}' already holds something"
        help = "name another folder, or go on with the run in it by --resume"
        raise TrainingError(Diagnostic("folder-in-use", message, help=help))
    return place


def make_folder(path: str | Path) -> Path:
    """`path` as a folder that is there, or a `FileError` why it cannot be."""
    place = Path(path)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder '{place}' cannot be made: {error.strerror}"
        raise files.fail("unwritable-file", message) from None
    return place


def missing_folders(path: Path) -> list[Path]:
    """The folders that `path` names and that are not there, the innermost first."""
    return [place for place in (path, *path.parents) if not place.exists()]


def remove_if_empty(folders: list[Path]) -> None:
    """Remove `folders`, the innermost first, up to one that holds something."""
    for folder in folders:
        if not folder.exists() or any(folder.iterdir()):
            return
        folder.rmdir()


@contextmanager
def _withdrawn(training: Training, place: Path | None) -> Iterator[None]:
    """Make the folder `place`, and remove it again where `training` fails in its first epoch."""
    if place is None:
        yield
        return
    made = missing_folders(place)
    make_folder(place)
    try:
        yield
    except BaseException:
        if not training.state.history:
            # So that the same command, put right, finds room.
            (place / CHECKPOINT).unlink(missing_ok=True)
            remove_if_empty(made)
        raise


def _epochs(
    training: Training, place: Path | None, progress: Callable[[Progress], None] | None
) -> tuple[bool, GraphnnError | None]:
    """Train to the end, or to what ends it; the network holds whole epochs either way."""
    keep = _Keeper(training, place)
    keep()
    with one_blas_thread:
        try:
            while not training.finished:
                training.epoch(progress)
                keep()
        except KeyboardInterrupt:
            keep.back()
            return True, None
        except GraphnnError as error:
            keep.back()
            return False, error
    return False, None


class _Keeper:
    """Remembers the end of the last whole epoch, in the run's folder too when there is one."""

    def __init__(self, training: Training, place: Path | None) -> None:
        self._training = training
        self._place = place

    def __call__(self) -> None:
        arrays = self._training.network.arrays
        self._last = (
            {name: array.copy() for name, array in arrays.items()},
            deepcopy(self._training.state),
        )
        if self._place is not None:
            checkpoint.save(self._training, self._place / CHECKPOINT)

    def back(self) -> None:
        """Undo what came after."""
        arrays, self._training.state = self._last
        self._training.network.assign(arrays)


def _leave(
    training: Training, test: Row, filters: tuple[str, Array] | None, place: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    net, state = training.network, training.state
    written: list[str] = [CHECKPOINT]
    faults: dict[str, list[str]] = {}

    def leave(name: str, write: _Write) -> None:
        try:
            if write(place / name) is not False:
                written.append(name)
        except DrawingError as error:
            # A picture that cannot be made must not lose a trained network.
            for found in error.diagnostics:
                faults.setdefault(found.message, []).append(name)

    leave(WEIGHTS, net.save)
    leave("history.csv", lambda path: files.write_text(path, _history(state.history)))
    leave("spec.yaml", lambda path: files.write_text(path, to_yaml(net.graph.spec.document)))
    summary: dict[str, Any] = {"epochs": state.epoch, "last": (state.history or [{}])[-1]}
    if training.best_epoch is not None:
        summary["best_epoch"] = training.best_epoch
    summary["test"] = test
    leave("summary.json", lambda path: files.write_text(path, json.dumps(summary, indent=2) + "\n"))
    leave("diagram.svg", lambda path: net.draw(path))
    if state.history:
        leave(
            "curves.png",
            lambda path: drawing.curves(_columns(state.history), test=test or None, path=path),
        )
    leave("augmented.png", lambda path: figures.augmented(training, path))
    leave("filters.png", lambda path: figures.filters(filters, net, path))
    # The fault that ended a run is told, not that its rows cannot be measured either.
    with suppress(RunError):
        _leave_measured(training, leave)
    leave("path.png", lambda path: figures.loss_path(training, path))
    remarks = (f"no {', '.join(names)}: {message}" for message, names in faults.items())
    return tuple(written), tuple(remarks)


def _leave_measured(training: Training, leave: Callable[[str, _Write], None]) -> None:
    """Leave pictures of the rows held back, or, of what needs no truth, of training rows."""
    sets, measuring = training.sets, training.measuring
    kind, rows = "test", sets.test
    if rows is None:
        kind, rows = "validation", sets.validation
    found = None if rows is None else measuring.classified(rows)
    if rows is not None and found is not None:
        held_back, classified = rows, found
        names = measuring.names(rows.classes) or None
        leave(figures.CONFUSION, lambda path: figures.confusion(classified, names, path))
        leave(figures.MISTAKES, lambda p: figures.mistakes(held_back, classified, names, p))
    if rows is None:
        kind, rows = "training", sets.train
    if rows is not None and measuring.classifying is None:
        pair = figures.reconstructed(training.network, rows)
        leave(figures.RECONSTRUCTIONS, lambda path: figures.pairs(pair, f"{kind} images", path))


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
