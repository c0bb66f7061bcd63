"""One training run and its folder: what is written where."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from graphnn import drawing, files, network
from graphnn.errors import Diagnostic, DrawingError, GraphnnError, TrainingError
from graphnn.network import Network
from graphnn.spec.model import TrainSpec
from graphnn.spec.writer import to_yaml
from graphnn.training import checkpoint
from graphnn.training.data import Dataset
from graphnn.training.loop import Progress, Sets, Training
from graphnn.training.measuring import Row

Array = NDArray[Any]
CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"
_COLUMNS, _CHANGES = 10, 3  # of the picture of augmented images


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
    sets = None if data is None else Sets(Dataset(_arrays(data), "data"))
    place = _found(folder, resume)
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
    written, remarks = _leave(training, test, place) if place is not None else ((), ())
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


def _arrays(data: Mapping[str, ArrayLike]) -> dict[str, Array]:
    return {name: np.asarray(array) for name, array in data.items()}


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
    with threadpool_limits(1, "blas"):
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


def _leave(training: Training, test: Row, place: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    net, state = training.network, training.state
    written: list[str] = [CHECKPOINT]
    remarks: list[str] = []

    def leave(name: str, write: Callable[[Path], object]) -> None:
        try:
            if write(place / name) is not False:
                written.append(name)
        except DrawingError as error:
            # A picture that cannot be made must not lose a trained network.
            remarks.extend(f"no {name}: {found.message}" for found in error.diagnostics)

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
    leave("augmented.png", lambda path: _augmented(training, path))
    leave("mistakes.png", lambda path: _mistakes(training, path))
    leave("path.png", lambda path: _path(training, path))
    return tuple(written), tuple(remarks)


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


def _augmented(training: Training, path: Path) -> object:
    """Picture the first training images, and what augmentation makes of them."""
    augmenter, rows = training.augmenter, training.sets.train
    if augmenter is None or rows is None:
        return False
    images = augmenter.images(rows.arrays[augmenter.input][:_COLUMNS])
    if images.shape[1] not in (1, 3):
        return False
    rng = np.random.default_rng(training.spec.seed)
    changed = [augmenter.augmentation(images, rng) for _ in range(_CHANGES)]
    # What noise makes of the darkest and the lightest would take the contrast from all else.
    sheet = np.clip(np.concatenate([images, *changed]), images.min(), images.max())
    title = f"training images, and {_CHANGES} changes of each"
    ink = images.shape[1] == 1
    return drawing.image_sheet(sheet, columns=len(images), ink=ink, title=title, path=path)


def _mistakes(training: Training, path: Path) -> object:
    """Picture the held-back rows that were classified wrongly, if rows are images."""
    held_back = training.sets.test or training.sets.validation
    found = None if held_back is None else training.measuring.classified(held_back)
    if held_back is None or found is None:
        return False
    return picture_mistakes(held_back, found.predicted, found.actual, path)


def picture_mistakes(dataset: Dataset, predicted: Array, actual: Array, path: Path) -> object:
    """Picture the rows of `dataset` whose class was mistaken; False where rows are no images."""
    pictures = [
        images for array in dataset.arrays.values() if (images := _images(array)) is not None
    ]
    if not pictures:
        return False
    names = next(iter(dataset.classes.values()), None)
    return drawing.mistakes(pictures[0], predicted, actual, names=names, path=path)


def _images(array: Array) -> Array | None:
    """`array` as grey images [n, height, width], when its rows can be seen so."""
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if (
        array.ndim == 2
        and array.shape[1] >= 25
        and math.isqrt(array.shape[1]) ** 2 == array.shape[1]
    ):
        side = math.isqrt(array.shape[1])
        array = array.reshape(-1, side, side)
    return array if array.ndim == 3 and array.dtype.kind == "f" else None


def _path(training: Training, path: Path) -> object:
    """Picture the path of two trained numbers on the contours of a loss that needs no data."""
    points = training.state.path
    if not points or points[0].size != 2 or training.sets.train is not None:
        return False
    return drawing.loss_path(training.network, np.stack(points), path=path)
