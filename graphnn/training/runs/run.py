"""One training run: the spec's training, from its folder's claim to what is left in it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from graphnn import drawing
from graphnn.diagnostics import FileError, GraphnnError, Note, TrainingError, UsageError, counted
from graphnn.execution import one_blas_thread
from graphnn.execution.network import Network
from graphnn.execution.weight_files import CHECKPOINT
from graphnn.ops import Array
from graphnn.spec.training_records import TrainSpec
from graphnn.storage import files
from graphnn.training._language import network_of
from graphnn.training.data.faults import smaller_steps
from graphnn.training.data.given import Frame, given
from graphnn.training.data.requirements import demand_of
from graphnn.training.data.splits import Sets, split
from graphnn.training.fitting import checkpoint
from graphnn.training.fitting.loop import Progress, Training
from graphnn.training.fitting.measuring import Row
from graphnn.training.fitting.metrics import VALIDATION
from graphnn.training.runs import bar, events, figures, outputs, shown
from graphnn.training.runs.folder import claimed

_RISE = 100  # times the loss of the first epoch: training leads away from a solution
_REST = 50  # times as long as a checkpoint took, so that short epochs do not wait for the disk


@dataclass(frozen=True, slots=True)
class Run:
    """The result of a training.

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
        Whether Ctrl-C ended it; the history has the epochs before that.
    folder : Path or None
        Where its files are.
    files : tuple of str
        Names of the files written there.
    remarks : tuple of str
        Warnings of the data; what could not be written, and why.
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

    def __repr__(self) -> str:
        measured = [*self.history[-1:], {f"test_{name}": n for name, n in self.test.items()}]
        values = ", ".join(f"{name} {n:.4g}" for row in measured for name, n in row.items())
        state = ", interrupted" if self.interrupted else ""
        return f"<run: {counted(len(self.history), 'epoch')}{state}; {values}>"

    @property
    def epoch(self) -> int:
        """The epoch, counted from 1, whose parameters the network has."""
        spec = train_spec(self.network)
        return (self.best_epoch if spec.keep == "best" else None) or len(self.history)

    @property
    def measured(self) -> dict[str, Row]:
        """Loss and metrics of that epoch on the rows of ``training``, ``validation``, ``test``."""
        row = self.history[self.epoch - 1] if self.history else {}
        columns = {
            "training": {k: v for k, v in row.items() if not k.startswith(VALIDATION)},
            "validation": {
                k.removeprefix(VALIDATION): v for k, v in row.items() if k.startswith(VALIDATION)
            },
            "test": self.test,
        }
        return {name: values for name, values in columns.items() if values}

    def curves(self, path: str | Path | None = None) -> Any:
        """Loss and metrics over the epochs, as a figure; see `graphnn.drawing.curves`."""
        columns = figures.columns_of(self.history)
        best = self.best_epoch or None
        return drawing.curves(columns, test=self.test or None, best=best, path=path)

    def _repr_png_(self) -> bytes | None:
        """The curves, for what shows pictures alone."""
        return figures.as_png(self.curves) if self.history else None

    def _repr_html_(self) -> str:
        """What was measured and the curves, which Jupyter shows."""
        return shown.as_html(self.measured, self._repr_png_(), "loss and metrics over the epochs")


def train(
    source: Network | str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    data: Mapping[str, ArrayLike] | Frame | None = None,
    progress: Callable[[Progress], None] | bool = False,
    tensorboard: bool = False,
) -> Run:
    """Train a network as its spec's ``train`` says.

    Parameters
    ----------
    source : Network, str or Path
        A network, which is trained in place, a spec file, or the folder of a run, whose spec is
        trained again; with `resume` and no other `folder`, the run in it is resumed.
    settings : mapping, optional
        For a spec file or a run: sizes and values of ``train`` to replace.
    folder : str or Path, optional
        Where to write what the run leaves: weights, history, pictures, the spec as used, and a
        checkpoint, between epochs. No two processes can share it. Nothing is written without it.
    resume : bool
        Resume from the checkpoint in `folder`.
    data : mapping of str to array_like, or pandas data frame, optional
        Rows by input, in place of the spec's ``data``: its ``validation``, ``test`` and ``rows``
        split them. Texts of classes are numbered in sorted order. A data frame stands for the
        table that the spec names, columns and categories as it says, or else feeds inputs by the
        names of its columns.
    progress : callable or bool
        Called with a `Progress` after every batch; by True, a bar is shown.
    tensorboard : bool
        Write event files to the subfolder ``events`` of `folder`, a step an epoch.

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
    if resume and folder is None and _is_folder(source):
        folder = files.as_path(source)
    net = network_of(source, settings)
    spec = train_spec(net)
    sets = None if data is None else _split(net, spec, data)
    with claimed(folder, resume) as place:
        filters = None if place is None else figures.first_filters(net)
        training = Training(net, spec, sets)
        if place is not None and resume:
            checkpoint.restore(training, place / CHECKPOINT)
        done = training.state.epoch
        with bar.shown(progress) as show, events.recorded(place, tensorboard, done) as record:
            interrupted, fault = _train(training, place, show, record)
        if fault is not None and not training.state.history:
            raise fault
        return _finish(training, filters, place, interrupted, fault)


def _split(net: Network, spec: TrainSpec, data: Mapping[str, ArrayLike] | Frame) -> Sets:
    return split(net, spec, given(data, demand_of(net, spec), net.classes, spec.data))


def _is_folder(source: Network | str | Path) -> bool:
    return not isinstance(source, Network) and files.as_path(source).is_dir()


def trained(
    source: Network | str | Path,
    settings: Mapping[str, Any] | None = None,
    weights: str | Path | None = None,
) -> Network:
    """A network with its trained parameters.

    Parameters
    ----------
    source : Network, str or Path
        A network, a spec file, or the folder of a run, which has both spec and weights.
    settings : mapping, optional
        For a spec: sizes and values of ``train`` to replace.
    weights : str or Path, optional
        Parameters to load, in place of those of the network or of the run.

    Raises
    ------
    SpecError, FileError, RunError, UsageError
        As `load` and `Network.load_weights`; or a spec file says nothing of its parameters but how
        they start.
    """
    if _is_folder(source):
        weights = weights or files.as_path(source)
    net = network_of(source, settings)
    if weights is not None:
        net.load_weights(weights)
    elif not isinstance(source, Network) and _is_untrained(net):
        message = f"no trained parameters are given for '{source}'"
        help = "give 'weights' of a run, or name its folder in place of the file"
        raise UsageError.of("bad-option", message, help=help)
    return net


def _is_untrained(net: Network) -> bool:
    """Whether some parameter has its start alone, neither numbers nor a file."""
    starts = [each.origin.start for each in net.graph.parameters.values() if each.learned]
    return net.graph.spec.weights is None and any(start is not None for start in starts)


def train_spec(net: Network) -> TrainSpec:
    """The section ``train`` of a spec, or a `TrainingError` that there is none."""
    if net.graph.spec.train is not None:
        return net.graph.spec.train
    help = "add a section 'train' to it, such as train: {data: ..., epochs: 10}"
    raise TrainingError.of("no-train", "the spec does not say how to train", help=help)


def _train(
    training: Training,
    place: Path | None,
    progress: Callable[[Progress], None] | None,
    record: Callable[[int, Row], None],
) -> tuple[bool, GraphnnError | None]:
    """Train to the end, or to what ends it; the network holds whole epochs either way.

    Each epoch is given to `record`.
    """
    keeper = _Keeper(training, place)
    interrupted, fault = False, None
    with one_blas_thread:
        try:
            while not training.finished:
                training.epoch(progress)
                keeper.keep()
                record(training.state.epoch, training.state.history[-1])
        except FileError:
            raise
        except GraphnnError as error:
            keeper.back()
            fault = error
        except KeyboardInterrupt:
            keeper.back()
            interrupted = True
    if fault is None or training.state.history:
        keeper.save()
    return interrupted, fault


class _Keeper:
    """Remembers the end of the last whole epoch, in the run's folder too when there is one."""

    def __init__(self, training: Training, place: Path | None) -> None:
        self._training = training
        self._path = None if place is None else place / CHECKPOINT
        self._next = -math.inf  # when to write the next checkpoint
        resumed = self._path is not None and self._path.exists()
        self._saved = training.state.epoch if resumed else None  # the epoch in the checkpoint
        self._remember()

    def keep(self) -> None:
        """Remember an epoch; on disk, unless an earlier one was saved a moment ago."""
        self._remember()
        if time.monotonic() >= self._next:
            self.save()

    def save(self) -> None:
        """Write the checkpoint, unless it holds this epoch already."""
        epoch = self._training.state.epoch
        if self._path is None or self._saved == epoch:
            return
        began = time.monotonic()
        try:
            checkpoint.save(self._training, self._path)
            if self._saved is None:  # a run that is killed later has its spec
                self._saved = epoch
                outputs.copy_spec(self._path.parent, self._training.network, {})
        except FileError as error:
            raise self._stopped(error, epoch) from None
        now = time.monotonic()
        self._saved, self._next = epoch, now + _REST * (now - began)

    def back(self) -> None:
        """Undo everything after the last whole epoch."""
        arrays, self._training.state = self._last
        self._training.network.assign(arrays)

    def _remember(self) -> None:
        arrays = self._training.network.arrays
        state = self._training.state
        # Rows of the history, points of the path and best arrays never change.
        own = {name: deepcopy(getattr(state, name)) for name in ("rng", "noise", "optimizer")}
        kept = replace(state, history=[*state.history], path=[*state.path], **own)
        self._last = {name: array.copy() for name, array in arrays.items()}, kept

    def _stopped(self, error: FileError, epoch: int) -> FileError:
        """`error`, with what the run that it ends has kept."""
        kept, help = "no epoch is kept", ""
        if self._saved is not None:
            kept = f"the checkpoint holds epoch {self._saved}"
            help = "make room, then resume the run with --resume"
        note = Note(f"training stopped after epoch {epoch}; {kept}")
        first, *others = error.diagnostics
        return FileError(replace(first, notes=(*first.notes, note), help=help), *others)


def _finish(
    training: Training,
    filters: tuple[str, Array] | None,
    place: Path | None,
    interrupted: bool,
    fault: GraphnnError | None,
) -> Run:
    """Measure the test rows and write the files; raise the fault that ended the run, if any."""
    training.take_best()
    held_back = training.sets.test
    test = {} if held_back is None else training.evaluate(held_back)
    left = ((), ()) if place is None else outputs.write(place, training, test, filters)
    if fault is not None:
        raise fault
    return Run(
        network=training.network,
        history=tuple(training.state.history),
        test=test,
        test_rows=0 if held_back is None else len(held_back),
        best_epoch=training.best_epoch,
        interrupted=interrupted,
        folder=place,
        files=left[0],
        remarks=(
            *(f"{each.message}; {each.help}" for each in training.warnings),
            *_risen(training),
            *left[1],
        ),
    )


def _risen(training: Training) -> tuple[str, ...]:
    """A remark on a loss that is far higher than after the first epoch, if it is."""
    losses = [row["loss"] for row in training.state.history]
    if not losses or not 0 < _RISE * losses[0] < losses[-1]:
        return ()
    rate = training.optimizer.rate(training.state.optimizer)
    rose = f"the loss rose from {losses[0]:.4g} to {losses[-1]:.4g}"
    return (f"{rose}; {smaller_steps(rate)}",)
