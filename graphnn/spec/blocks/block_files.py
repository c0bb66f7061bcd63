"""Blocks from files: ``blocks: {file: NAME}`` replaced by what the file defines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphnn.diagnostics import FileError, Findings, GraphnnError, show_circle
from graphnn.spec import reader
from graphnn.spec._nodes import one_or_more
from graphnn.spec._section_reader import SectionReader
from graphnn.spec.forms import keys_of
from graphnn.spec.model import NetworkSpec
from graphnn.spec.reading.limits import Limits
from graphnn.spec.values import NOWHERE, Entry, Map, Scalar, Value, place_of
from graphnn.storage import files

MAX_FILES = 20
NO_NETWORK: Final = "no-network"  # code of the fault that a file holds blocks alone
_KEYS = tuple(key.name for key in keys_of(NetworkSpec) if key.is_of_blocks)
_LIMITS = Limits(bytes=files.MEBIBYTE, values=100_000)  # of one file
Buffers = Mapping[Path, str]  # texts that an editor has open, by resolved path


@dataclass(frozen=True, slots=True)
class BlockFile:
    """A file that a spec takes blocks from.

    Attributes
    ----------
    path : Path
        Below the folder of the spec.
    named : Scalar
        Where the spec names it, or the file that leads to it.
    document : Map or None
        What it holds; None where it cannot be read.
    """

    path: Path
    named: Scalar
    document: Map | None


def files_of(document: Map, folder: Path, buffers: Buffers | None = None) -> tuple[BlockFile, ...]:
    """The files inside `folder` that `document` takes blocks from, those of files among them."""
    library = _taken(document, folder, Findings(), buffers)
    return () if library is None else library.files


def inline(
    document: Map, folder: Path, findings: Findings, buffers: Buffers | None = None
) -> tuple[Map, bool]:
    """`document` with the blocks of the files that it names in place of their names.

    Parameters
    ----------
    document : Map
    folder : Path
        The folder of the spec; the files lie in its tree.
    findings : Findings
    buffers : mapping of Path to str, optional
        Texts that are taken in place of what these files hold: an editor has them open, and has
        not saved them. Where a file may lie is checked all the same.

    Returns
    -------
    document : Map
        The same where it names no file. Every block keeps the file that it comes from as the
        source of its places.
    whole : bool
        Whether every file could be read.
    """
    library = _taken(document, folder, findings, buffers)
    if library is None:
        return document, True
    key, section = document.entries["blocks"].key, document.entries["blocks"].value
    inlined = Entry(key, Map(library.blocks, *place_of(section)))
    entries = {**document.entries, "blocks": inlined}
    return Map(entries, *place_of(document)), library.complete


def _taken(
    document: Map, folder: Path, findings: Findings, buffers: Buffers | None
) -> _Library | None:
    """What `document` and the files that it names define; None where it names none."""
    section = document.get("blocks")
    if not isinstance(section, Map) or not _names_files(section):
        return None
    path = None if document.source is NOWHERE else Path(document.source.name)
    library = _Library(folder, findings, buffers or {})
    library.add(section, _Origin(folder, (path,)))
    return library


def is_library(document: Map) -> bool:
    """Whether `document` is a file of blocks: it has blocks, and nothing else of a spec."""
    return "blocks" in document and all(key in _KEYS for key in document.entries)


def _names_files(section: Map) -> bool:
    # A block may be called 'file': it is a mapping.
    value = section.get("file")
    return value is not None and not isinstance(value, Map)


@dataclass(frozen=True, slots=True)
class _Origin:
    """The folder of a file, the files that lead to it and it, and where the spec names them."""

    folder: Path
    chain: tuple[Path | None, ...]
    named: Scalar | None = None


class _Library(SectionReader):
    def __init__(self, folder: Path, findings: Findings, buffers: Buffers) -> None:
        super().__init__(findings)
        self.blocks: dict[str, Entry] = {}
        self.complete = True
        self._folder = folder
        self._buffers = buffers
        self._read: dict[Path, BlockFile] = {}

    @property
    def files(self) -> tuple[BlockFile, ...]:
        """Every file that is named, in the order of reading."""
        return tuple(self._read.values())

    def add(self, section: Map, origin: _Origin) -> None:
        """Take in the blocks of `section` and of the files that it names."""
        pending = [(section, origin)]
        while pending:
            section, origin = pending.pop()
            named = _names_files(section)
            for name, entry in section.entries.items():
                if not (named and name == "file"):
                    self._take(name, entry)
            if named:
                below = [self._section(item, origin) for item in one_or_more(section.get("file"))]
                pending += [found for found in reversed(below) if found is not None]

    def _take(self, name: str, entry: Entry) -> None:
        first = self.blocks.setdefault(name, entry)
        if first is not entry:
            message, help = f"the block '{name}' is defined twice", "rename one of the two"
            note = "it is first defined here"
            self.twice("duplicate-block", message, entry.key, first.key, note, help)

    def _section(self, name: Value, origin: _Origin) -> tuple[Map, _Origin] | None:
        """What stands under ``blocks`` in the file called `name`, unless it was read before."""
        file = self.word(name, "a file of blocks", "the name of a file")
        with self.findings.catching(GraphnnError):
            if file is not None:
                return self._opened(file, origin)
        self.complete = False
        return None

    def _opened(self, name: Scalar, origin: _Origin) -> tuple[Map, _Origin] | None:
        path = files.within(self._folder, str(name.value), name.span, origin.folder)
        if self._circle(path, name, origin) or path in self._read:
            return None
        named = origin.named or name
        self._read[path] = BlockFile(path, named, None)
        if len(self._read) > MAX_FILES:
            message = f"the spec takes blocks from more than {MAX_FILES} files"
            raise FileError.of("too-many-files", message, name.span)
        document = self._document(path, name)
        self._read[path] = BlockFile(path, named, document)
        section = self._blocks_of(document)
        below = _Origin(path.parent, (*origin.chain, path), named)
        return None if section is None else (section, below)

    def _document(self, path: Path, name: Scalar) -> Map:
        """What the file at `path` holds; the text in the editor, where it is open there."""
        text = self._buffers.get(path.resolve()) if self._buffers else None
        if text is None:
            return reader.read_file(path, _LIMITS, name.span)
        return reader.read(text, str(path), json=path.suffix.lower() == ".json", limits=_LIMITS)

    def _circle(self, path: Path, name: Scalar, origin: _Origin) -> bool:
        """Report a file that leads to itself."""
        resolved = [each and each.resolve() for each in origin.chain]
        if path.resolve() not in resolved:
            return False
        first = resolved.index(path.resolve())
        shown = show_circle([*map(str, origin.chain[first:]), str(origin.chain[first])])
        message = f"the file '{path}' takes blocks from itself: {shown}"
        help = "put what both need into a third file"
        self.findings.error("cyclic-file", message, name.span, help=help)
        self.complete = False
        return True

    def _blocks_of(self, document: Map) -> Map | None:
        what = f"the file of blocks '{document.source.name}'"
        document = self.keys(document, NetworkSpec, what, allowed=_KEYS)
        self.version(document, what)
        section = self.mapping(document.get("blocks"), "'blocks'", "a mapping of names to blocks")
        if "blocks" not in document:
            help = "put the blocks under 'blocks:', as in a spec"
            self.lacks(document, f"{what} has no 'blocks'", help)
        self.complete = self.complete and section is not None
        return section
