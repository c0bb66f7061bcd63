"""Checkpoints: all that a run needs to resume as if never interrupted, in one file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graphnn.diagnostics import FileError, TrainingError, listed
from graphnn.execution import weight_files
from graphnn.execution.weight_files import BEST, CLASSES, OPTIMIZER, PATH
from graphnn.ops import Array
from graphnn.spec.values import plain
from graphnn.storage import archives
from graphnn.training._copies import portable
from graphnn.training.fitting.loop import Training

_DIGEST = "digest"
_MAX_STEPS = 2**53  # above, a float64 does not count by ones


def save(training: Training, path: Path) -> None:
    """Write all arrays, epoch, history and random state to the .safetensors file `path`."""
    state = training.state
    arrays = dict(training.network.arrays)
    if state.path:
        arrays[PATH] = np.stack(state.path)
    arrays |= {BEST + name: array for name, array in state.best.items()}
    arrays |= {OPTIMIZER + key: array for key, array in state.optimizer.named.items()}
    record: dict[str, Any] = {
        "steps": state.optimizer.steps,
        "epoch": state.epoch,
        "history": state.history,
        "rng": state.rng.bit_generator.state,
        "noise": state.noise.bit_generator.state,
        "spec": fingerprint(training),
    }
    if training.network.classes is not None:
        record[CLASSES] = training.network.classes
    record[_DIGEST] = digest(arrays, record)
    archives.write_arrays(path, arrays, weight_files.metadata_of(None, record), durable=True)


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
        record, signature = _record(archive, training, path)
        _check_spec(record["spec"], training, path)
        _check_classes(weight_files.classes_in(archive.metadata, path.name), training, path)
        arrays = _arrays(archive, training, record["epoch"], path)
    if signature != digest(arrays, record):
        message = f"'{path}' is damaged: it does not match its digest"
        help = "take a copy of it, or train again in another folder"
        raise FileError.of("broken-file", message, help=help)
    path_points = arrays.pop(PATH, None)
    kept = _taken(arrays, OPTIMIZER)
    best = _taken(arrays, BEST)
    training.network.assign(arrays, origin=path.name)
    state = training.state
    for key, array in state.optimizer.named.items():
        array[...] = kept[key]
    state.optimizer.steps = record["steps"]
    state.epoch, state.history, state.best = record["epoch"], record["history"], best
    state.rng.bit_generator.state = record["rng"]
    state.noise.bit_generator.state = record["noise"]
    state.path = [] if path_points is None else list(path_points)


def _record(
    archive: archives.Archive, training: Training, path: Path
) -> tuple[dict[str, Any], object]:
    """What a checkpoint holds beside arrays, checked, and the digest written with it."""
    try:
        found = weight_files.record_in(archive.metadata)
        signature = found.pop(_DIGEST)
        found["history"] = [{k: float(v) for k, v in row.items()} for row in found["history"]]
        for kind in ("rng", "noise"):
            np.random.default_rng().bit_generator.state = found[kind]
        steps, epoch = found["steps"], found["epoch"]
        sound = type(steps) is type(epoch) is int and 0 <= steps <= _MAX_STEPS
        sound = sound and epoch == len(found["history"]) and "spec" in found
        sound = sound and all(sorted(row) == sorted(training.columns) for row in found["history"])
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
        sound = False
    if not sound:
        raise _broken(path)
    return found, signature


def _check_spec(found: object, training: Training, path: Path) -> None:
    if found == fingerprint(training):
        return
    message = f"'{path}' was written by another spec"
    help = "only 'epochs' may change between a run and its resumption"
    if training.optimizer.schedule.needs_end:
        help = "nothing may change between a run and its resumption: the schedule ends with it"
    raise TrainingError.of("different-spec", message, help=help)


def _check_classes(found: weight_files.Classes | None, training: Training, path: Path) -> None:
    """Refuse data whose classes are numbered in another way than before."""
    now = training.network.classes or {}
    if found is None:
        return
    for name in found | now:
        if now.get(name, ()) != found.get(name, ()):
            before, after = (listed(each.get(name, ())) or "none" for each in (found, now))
            message = f"'{path}' has the classes {before} for '{name}'"
            message += f", but the data now have {after}"
            help = "put the data back as they were, or train again in another folder"
            raise TrainingError.of("different-classes", message, help=help)


def _arrays(
    archive: archives.Archive, training: Training, epochs: int, path: Path
) -> dict[str, Array]:
    """All arrays, once it is known that they are those of this training, and no larger."""
    state = training.state
    shapes = {name: array.shape for name, array in training.network.arrays.items()}
    wanted = dict(shapes)
    wanted |= {OPTIMIZER + key: array.shape for key, array in state.optimizer.named.items()}
    if state.path:
        wanted[PATH] = (epochs + 1, state.path[0].size)
    if training.spec.keep == "best" and epochs:
        wanted |= {BEST + name: shape for name, shape in shapes.items()}
    if {name: archive.shape(name) for name in archive.names} != wanted:
        raise _broken(path)
    return {name: archive.read(name) for name in wanted}


def digest(arrays: Mapping[str, Array], record: Mapping[str, Any]) -> str:
    """A checksum of all that a checkpoint holds."""
    found = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _taken(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    """Take out of `arrays` those whose names begin with `prefix`, without it."""
    names = [name for name in arrays if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays.pop(name) for name in names}


def _broken(path: Path) -> FileError:
    return FileError.of("broken-file", f"'{path}' is not a checkpoint of graphnn")


def fingerprint(training: Training) -> str:
    """The spec as text that differs when training would.

    The number of epochs is left out where it does not matter before the last of them.
    """
    document: dict[str, Any] = plain(portable(training.network.graph.spec))
    train = document.get("train")
    if isinstance(train, dict) and not training.optimizer.schedule.needs_end:
        document["train"] = {key: value for key, value in train.items() if key != "epochs"}
    return json.dumps(document, sort_keys=True)
