"""What training leaves of a network in files: its spec, parameters, and names of the classes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from graphnn.diagnostics import FileError
from graphnn.storage import files

Classes = dict[str, tuple[str, ...]]  # by input: the name of each class number
SPEC = "spec.yaml"
WEIGHTS = "weights.safetensors"
CHECKPOINT = "checkpoint.safetensors"
PATH = "//path"  # no parameter can have such a name
OPTIMIZER = "//optimizer/"
BEST = "//best/"
RECORD = "graphnn"  # the key in the metadata of .safetensors
CLASSES = "classes"


def spec_file(path: str | Path) -> Path:
    """The spec file meant by `path`, which may be the folder of a run."""
    path = files.as_path(path)
    return path / SPEC if path.is_dir() else path


def located(path: str | Path) -> Path:
    """The file of weights meant by `path`, which may be the folder of a run, even an unfinished."""
    path = files.as_path(path)
    if not path.is_dir():
        return path
    unfinished = not (path / WEIGHTS).exists() and (path / CHECKPOINT).exists()
    return path / (CHECKPOINT if unfinished else WEIGHTS)


def are_in(path: Path) -> bool:
    """Whether `path` is a folder with weights, as a run leaves them."""
    return path.is_dir() and located(path).exists()


def stored_names(names: Iterable[str]) -> dict[str, str]:
    """The array that holds each parameter, in weights or in a checkpoint.

    Of a checkpoint with a best epoch it is that of this epoch, as weights would hold it.
    """
    found = {name: name for name in names if not name.startswith("//")}
    best = {name.removeprefix(BEST): name for name in names if name.startswith(BEST)}
    return found | best


def metadata_of(
    classes: Classes | None, more: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Metadata of a .safetensors file with the names of classes, where they are known.

    Under one key, since safetensors writes several in any order.
    """
    record = {**(more or {}), **({} if classes is None else {CLASSES: classes})}
    return {RECORD: json.dumps(record)} if record else {}


def classes_in(metadata: Mapping[str, str], file: str) -> Classes | None:
    """Names of classes in the metadata of `file`; None where there are none.

    Raises
    ------
    FileError
        They are not lists of texts by input.
    """
    found = record_in(metadata).get(CLASSES)
    if found is None:
        return None
    if isinstance(found, dict) and all(map(_are_texts, found.values())):
        return {name: tuple(names) for name, names in found.items()}
    raise FileError.of("broken-file", f"'{file}' holds no sound names of classes")


def record_in(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What the metadata hold beside arrays; nothing where they are of another program."""
    try:
        found = json.loads(metadata.get(RECORD, "{}"))
    except (ValueError, RecursionError):
        return {}  # another program's
    return found if isinstance(found, dict) else {}


def _are_texts(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
