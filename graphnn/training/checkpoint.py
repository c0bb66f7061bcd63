"""Checkpoints: all that is needed to go on as if never interrupted, in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from graphnn import archives
from graphnn.errors import Diagnostic, FileError, TrainingError
from graphnn.network import Network
from graphnn.spec.values import plain
from graphnn.training.loop import Training

_PATH = "//path"  # no parameter can have this name


def save(training: Training, path: Path) -> None:
    """Write parameters, epoch, history and random state to the .safetensors file `path`."""
    state = training.state
    arrays = dict(training.network.arrays)
    if state.path:
        arrays[_PATH] = np.stack(state.path)
    record = {
        "epoch": state.epoch,
        "history": state.history,
        "rng": state.rng.bit_generator.state,
        "noise": state.noise.bit_generator.state,
        "spec": fingerprint(training.network),
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
        spec, epoch = record["spec"], int(record["epoch"])
        history = [{str(k): float(v) for k, v in row.items()} for row in record["history"]]
        rng, noise = np.random.default_rng(), np.random.default_rng()
        rng.bit_generator.state = record["rng"]
        noise.bit_generator.state = record["noise"]
    except (KeyError, TypeError, ValueError, AttributeError):
        message = f"'{path}' is not a checkpoint of graphnn"
        raise FileError(Diagnostic("broken-file", message)) from None
    if spec != fingerprint(training.network):
        message = f"'{path}' was written by another spec"
        help = "only 'epochs' may change between a run and its resumption"
        raise TrainingError(Diagnostic("different-spec", message, help=help))
    traced = arrays.pop(_PATH, None)
    training.network.assign(arrays, origin=path.name)
    training.state.epoch = epoch
    training.state.history = history
    training.state.rng, training.state.noise = rng, noise
    training.state.path = [] if traced is None else list(traced)


def fingerprint(network: Network) -> str:
    """The spec as text that differs when training would, the number of epochs aside."""
    document: dict[str, Any] = plain(network.graph.spec.document)
    train = document.get("train")
    if isinstance(train, dict):
        document["train"] = {key: value for key, value in train.items() if key != "epochs"}
    return json.dumps(document, sort_keys=True)
