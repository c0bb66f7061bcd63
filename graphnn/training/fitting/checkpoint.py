"""Checkpoints: all that is needed to go on as if never interrupted, in one file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphnn.diagnostics import Diagnostic, FileError, TrainingError, listed
from graphnn.execution import weight_files
from graphnn.execution.weight_files import BEST, OPTIMIZER, PATH, RECORD
from graphnn.ops import Array
from graphnn.spec.values import plain
from graphnn.storage import archives
from graphnn.training.fitting.loop import Training


def save(training: Training, path: Path) -> None:
    """Write all arrays, epoch, history and random state to the .safetensors file `path`."""
    state = training.state
    arrays = dict(training.network.arrays)
    if state.path:
        arrays[PATH] = np.stack(state.path)
    arrays |= {BEST + name: array for name, array in state.best.items()}
    arrays |= {OPTIMIZER + key: array for key, array in state.optimizer.named.items()}
    record = {
        "steps": state.optimizer.steps,
        "epoch": state.epoch,
        "history": state.history,
        "rng": state.rng.bit_generator.state,
        "noise": state.noise.bit_generator.state,
        "spec": fingerprint(training),
    }
    archives.write_arrays(path, arrays, weight_files.metadata_of(training.network.classes, record))


def restore(training: Training, path: Path) -> None:
    """Bring `training` to where the checkpoint `path` was written.

    Raises
    ------
    FileError
        There is no sound checkpoint.
    TrainingError
        It is of another spec, or of data with other classes.
    """
    with archives.opened(path) as archive:
        record = _record(archive, path)
        if record.spec != fingerprint(training):
            message = f"'{path}' was written by another spec"
            help = "only 'epochs' may change between a run and its resumption"
            if training.optimizer.schedule.needs_end:
                help = (
                    "nothing may change between a run and its resumption: the schedule ends with it"
                )
            raise TrainingError(Diagnostic("different-spec", message, help=help))
        _check_classes(weight_files.classes_in(archive.metadata, path.name), training, path)
        arrays = _arrays(archive, training, record, path)
    traced = arrays.pop(PATH, None)
    kept = _taken(arrays, OPTIMIZER)
    best = _taken(arrays, BEST)
    training.network.assign(arrays, origin=path.name)
    for key, array in training.state.optimizer.named.items():
        array[...] = kept[key]
    training.state.optimizer.steps = record.steps
    training.state.epoch = record.epoch
    training.state.best = best
    training.state.history = record.history
    training.state.rng, training.state.noise = record.rng, record.noise
    training.state.path = [] if traced is None else list(traced)


@dataclass(frozen=True, slots=True)
class _Record:
    """What a checkpoint holds beside arrays."""

    spec: str
    epoch: int
    steps: int
    history: list[dict[str, float]]
    rng: np.random.Generator
    noise: np.random.Generator


def _record(archive: archives.Archive, path: Path) -> _Record:
    rng, noise = np.random.default_rng(), np.random.default_rng()
    try:
        record = json.loads(archive.metadata[RECORD])
        history = [{str(k): float(v) for k, v in row.items()} for row in record["history"]]
        rng.bit_generator.state = record["rng"]
        noise.bit_generator.state = record["noise"]
        epoch, steps = int(record["epoch"]), int(record["steps"])
        if len(history) != epoch:
            raise ValueError("a history of other epochs")
        return _Record(str(record["spec"]), epoch, steps, history, rng, noise)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
        raise _broken(path) from None


def _arrays(
    archive: archives.Archive, training: Training, record: _Record, path: Path
) -> dict[str, Array]:
    """All arrays, once it is known that they are those of this training, and no larger."""
    shapes = {name: array.shape for name, array in training.network.arrays.items()}
    optimizer = training.state.optimizer.named
    kept = {OPTIMIZER + key: array.shape for key, array in optimizer.items()}
    best = {BEST + name: shape for name, shape in shapes.items()}
    path_length = training.state.path[0].size if training.state.path else 0
    found = {name: archive.shape(name) for name in archive.names}
    wanted = shapes | kept
    if training.spec.keep == "best" and record.epoch:
        wanted |= best
    known = wanted | best | {PATH: (record.epoch + 1, path_length)}
    if wanted.items() - found.items() or found.items() - known.items():
        raise _broken(path)
    return {name: archive.read(name) for name in found}


def _check_classes(found: weight_files.Classes | None, training: Training, path: Path) -> None:
    """Refuse data whose classes are numbered in another way than before."""
    now = training.network.classes or {}
    if found is None:
        return
    for name in found | now:
        if now.get(name, ()) != found.get(name, ()):
            before, after = (listed(each.get(name, ())) or "none" for each in (found, now))
            message = f"'{path}' tells the classes of '{name}' as {before}, the data now as {after}"
            help = "put the data back as they were, or train anew in another folder"
            raise TrainingError(Diagnostic("different-classes", message, help=help))


def _taken(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    """Take out of `arrays` those whose names begin with `prefix`, without it."""
    names = [name for name in arrays if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays.pop(name) for name in names}


def _broken(path: Path) -> FileError:
    return FileError(Diagnostic("broken-file", f"'{path}' is not a checkpoint of graphnn"))


def fingerprint(training: Training) -> str:
    """The spec as text that differs when training would.

    The number of epochs is left out where it does not matter before the last of them.
    """
    document: dict[str, Any] = plain(training.network.graph.spec.document)
    train = document.get("train")
    if isinstance(train, dict) and not training.optimizer.schedule.needs_end:
        document["train"] = {key: value for key, value in train.items() if key != "epochs"}
    return json.dumps(document, sort_keys=True)
