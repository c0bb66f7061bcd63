"""Checkpoints: all that is needed to go on as if never interrupted, in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn import archives
from graphnn.errors import Diagnostic, FileError, TrainingError
from graphnn.spec.values import plain
from graphnn.training.loop import Training

Array = NDArray[Any]
_PATH = "//path"  # no parameter can have such a name
_OPTIMIZER = "//optimizer/"
_BEST = "//best/"


def save(training: Training, path: Path) -> None:
    """Write all arrays, epoch, history and random state to the .safetensors file `path`."""
    state = training.state
    arrays = dict(training.network.arrays)
    if state.path:
        arrays[_PATH] = np.stack(state.path)
    arrays |= {_BEST + name: array for name, array in state.best.items()}
    arrays |= {_OPTIMIZER + key: array for key, array in state.optimizer.named.items()}
    record = {
        "steps": state.optimizer.steps,
        "epoch": state.epoch,
        "history": state.history,
        "rng": state.rng.bit_generator.state,
        "noise": state.noise.bit_generator.state,
        "spec": fingerprint(training),
    }
    archives.write_arrays(path, arrays, {"graphnn": json.dumps(record)})


def restore(training: Training, path: Path) -> None:
    """Bring `training` to where the checkpoint `path` was written.

    Raises
    ------
    FileError
        There is no sound checkpoint.
    TrainingError
        It is of another spec.
    """
    arrays = archives.read_arrays(path)
    try:
        record = json.loads(archives.read_metadata(path)["graphnn"])
        spec, epoch, steps = record["spec"], int(record["epoch"]), int(record["steps"])
        history = [{str(k): float(v) for k, v in row.items()} for row in record["history"]]
        rng, noise = np.random.default_rng(), np.random.default_rng()
        rng.bit_generator.state = record["rng"]
        noise.bit_generator.state = record["noise"]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _broken(path) from None
    if spec != fingerprint(training):
        message = f"'{path}' was written by another spec"
        help = "only 'epochs' may change between a run and its resumption"
        if training.optimizer.schedule.needs_end:
            help = "nothing may change between a run and its resumption: the schedule ends with it"
        raise TrainingError(Diagnostic("different-spec", message, help=help))
    traced = arrays.pop(_PATH, None)
    kept = _kept(training, arrays, path)
    best = _taken(arrays, _BEST)
    if training.spec.keep == "best" and epoch and best.keys() != training.network.arrays.keys():
        raise _broken(path)
    training.network.assign(arrays, origin=path.name)
    for key, array in training.state.optimizer.named.items():
        array[...] = kept[key]
    training.state.optimizer.steps = steps
    training.state.epoch = epoch
    training.state.best = best
    training.state.history = history
    training.state.rng, training.state.noise = rng, noise
    training.state.path = [] if traced is None else list(traced)


def _kept(training: Training, arrays: dict[str, Array], path: Path) -> dict[str, Array]:
    """Take out of `arrays` what the optimizer keeps."""
    kept = {}
    for key, like in training.state.optimizer.named.items():
        array = arrays.pop(_OPTIMIZER + key, None)
        if array is None or array.shape != like.shape:
            raise _broken(path)
        kept[key] = array
    return kept


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
