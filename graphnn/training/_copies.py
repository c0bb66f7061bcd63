"""The copy of a spec in the folder of a run, and the spec whose files it reads."""

from __future__ import annotations

import json
import os
from copy import deepcopy
from pathlib import Path

from graphnn.diagnostics import FileError, GraphnnError
from graphnn.execution.weight_files import SPEC
from graphnn.spec import mentions, named_files, reader
from graphnn.spec.model import NetworkSpec
from graphnn.spec.values import Map
from graphnn.spec.vocabulary import Vocabulary
from graphnn.storage import files

SUMMARY = "summary.json"
ORIGIN = "spec"  # the key in the summary: the spec that was trained, named from the run's folder


def origin(file: Path, vocabulary: Vocabulary) -> Path:
    """The spec in whose folder the names in `file` start: of a run's copy, the one it was made of.

    It is `file` itself unless the other names every file that the copy names, so that a copy from
    a stranger opens no file but those that the spec here opens.
    """
    found = _recorded(file) if file.name == SPEC else None
    if found is None:
        return file
    try:
        copy, original = reader.read_file(file), reader.read_file(found)
        wanted = set(named_files(copy, found.parent, vocabulary))
        return found if wanted.issubset(named_files(original, found.parent, vocabulary)) else file
    except (GraphnnError, OSError, ValueError):
        return file


def portable(spec: NetworkSpec) -> Map:
    """The document of `spec`, with the blocks of other files, as it reads from the same folder.

    What a file of blocks in another folder names has a name that starts from the spec's.
    """
    elsewhere = {block.place.source for block in spec.blocks.values() if not block.own}
    moved = {s for s in elsewhere if Path(s.name).parent.resolve() != spec.folder.resolve()}
    if not moved:
        return spec.document
    document = deepcopy(spec.document)
    for name in mentions(document, "file"):
        if name.source in moved:
            path = (Path(name.source.name).parent / str(name.value)).resolve()
            name.value = _relative(path, spec.folder.resolve()) or name.value
    return document


def origin_of(spec: NetworkSpec, place: Path, vocabulary: Vocabulary) -> str | None:
    """The name, from the folder `place`, of the file that `spec` was read from, if it was."""
    file = Path(spec.document.source.name)
    if not file.is_file():
        return None
    return _relative(origin(file, vocabulary).resolve(), place.resolve())


def _recorded(file: Path) -> Path | None:
    """The file that the summary beside a copy calls its spec."""
    try:
        summary = json.loads(files.read_bytes(file.parent / SUMMARY, files.MEBIBYTE))
        found = (file.parent.resolve() / str(summary[ORIGIN])).resolve()
    except (FileError, OSError, ValueError, RecursionError, LookupError, TypeError):
        return None
    here = Path.cwd()
    return found.relative_to(here) if found.is_relative_to(here) else found


def _relative(path: Path, start: Path) -> str | None:
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:  # on another drive
        return None
