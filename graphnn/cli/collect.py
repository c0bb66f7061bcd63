"""Files and folders given to a command, as the spec files that they stand for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphnn import spec
from graphnn.diagnostics import Diagnostic, FileError, GraphnnError
from graphnn.execution.weight_files import CHECKPOINT, spec_file
from graphnn.storage.files import within

if TYPE_CHECKING:
    from graphnn.spec.values import Map

_MARKS = ("graphnn", "nodes")  # a file found in a folder is a spec if it has one of these keys


@dataclass(frozen=True, slots=True)
class Found:
    """A file to look at, and the folder that it came up in, if it was not named itself."""

    path: Path
    folder: Path | None = None

    @property
    def fault(self) -> Diagnostic | None:
        """What is wrong with it before it is read: it is a link that leads out of its folder."""
        if self.folder is None:
            return None
        try:
            within(self.folder, str(self.path.relative_to(self.folder)))
        except FileError as error:
            (found,) = error.diagnostics
            if found.code != "file-outside":
                return found
            message = f"'{self.path}' is a link that leads out of the folder '{self.folder}'"
            return Diagnostic("file-outside", message, help="name the file that is meant itself")
        return None

    def refuse_fault(self) -> None:
        """Raise the `fault` as a FileError, if there is one."""
        if (fault := self.fault) is not None:
            raise FileError(fault)

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
            any(mark in document for mark in _MARKS) and not spec.is_library(document)
        )

    def _document(self) -> Map | None:
        """What it holds, where that decides what it is for."""
        if self.folder is None or self.fault is not None:
            return None
        from graphnn.spec import reader

        try:
            return reader.read_file(self.path)
        except GraphnnError:
            return None  # whatever it is, it is for a person to see


def spec_files(paths: Iterable[Path]) -> list[Found]:
    """The files among `paths`, and those with a spec's suffix in the folders among them.

    Hidden files and folders are left out, and so are folders that training wrote, with their
    copies of specs, unless they are named; links to folders are not followed.

    Raises
    ------
    FileError
        A folder holds no such file.
    """
    found: dict[Path, Found] = {}
    for path in paths:
        if not path.is_dir() or _is_run(path):
            file = spec_file(path)
            found.setdefault(file, Found(file))
            continue
        inside = list(_walk(path))
        if not inside:
            message = f"there is no .yaml, .yml or .json file in '{path}'"
            raise FileError.of("no-such-file", message)
        for file in inside:
            found.setdefault(file, Found(file, path))
    return list(found.values())


def _is_run(folder: Path) -> bool:
    return os.path.exists(folder / CHECKPOINT)  # noqa: PTH110 (Path.exists raises where it is locked)


def _walk(folder: Path) -> Iterable[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if CHECKPOINT in names:
            continue
        for name in sorted(names):
            if name.lower().endswith(spec.SUFFIXES) and not name.startswith("."):
                yield Path(place, name)
