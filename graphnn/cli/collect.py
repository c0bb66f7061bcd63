"""Files and folders given to a command, as the spec files that they stand for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graphnn.errors import GraphnnError
from graphnn.files import fail, within
from graphnn.spec import reader
from graphnn.spec.library import is_library
from graphnn.spec.values import Mapping
from graphnn.trained import CHECKPOINT

SUFFIXES = (".yaml", ".yml", ".json")
_MARKS = ("graphnn", "nodes")  # keys without which a file found in a folder is no spec


@dataclass(frozen=True, slots=True)
class Found:
    """A file to look at, and whether it was named or came up in a folder."""

    path: Path
    named: bool

    @property
    def is_spec(self) -> bool:
        """Whether it means to be a spec: a file that was named always does."""
        document = self._document()
        return document is None or any(mark in document for mark in _MARKS)

    @property
    def is_network(self) -> bool:
        """Whether it means to be a spec of a network, not a file of blocks."""
        document = self._document()
        return document is None or (
            any(mark in document for mark in _MARKS) and not is_library(document)
        )

    def _document(self) -> Mapping | None:
        """What it holds, if that tells what it is for."""
        if self.named:
            return None
        try:
            return reader.read_file(self.path)
        except GraphnnError:
            return None  # whatever it is, it is for a person to see


def spec_files(paths: Iterable[Path]) -> list[Found]:
    """The files among `paths`, and those with a spec's suffix in the folders among them.

    Hidden files and folders are left out, and so are folders that training wrote, with their
    copies of specs; links to folders are not followed.

    Raises
    ------
    FileError
        A folder holds no such file, or a link that leads out of it.
    """
    found: dict[Path, Found] = {}
    for path in paths:
        if not path.is_dir():
            found.setdefault(path, Found(path, named=True))
            continue
        inside = list(_walk(path))
        if not inside:
            message = f"there is no .yaml, .yml or .json file in '{path}'"
            raise fail("no-such-file", message)
        for file in inside:
            found.setdefault(file, Found(file, named=False))
    return list(found.values())


def _walk(folder: Path) -> Iterable[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if CHECKPOINT in names:
            continue
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                within(folder, str(Path(place, name).relative_to(folder)))
                yield Path(place, name)
