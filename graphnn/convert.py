"""Specs from YAML to JSON and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graphnn import files
from graphnn.errors import Diagnostic, UsageError
from graphnn.garbage import paused
from graphnn.spec import layout, reader, writer
from graphnn.spec.syntax import comments, from_events
from graphnn.spec.values import Mapping, Scalar, Sequence, Value

_SUFFIXES = {".yaml": writer.to_yaml, ".yml": writer.to_yaml, ".json": writer.to_json}


@paused()
def convert(source: str | Path, target: str | Path) -> int:
    """Write a spec, or any mapping, as YAML or JSON, as the suffix of the target says.

    Parameters
    ----------
    source : str or Path
        A YAML file, or a JSON file by its suffix ``.json``.
    target : str or Path
        What to write, whole or not at all: ``.yaml``, ``.yml`` or ``.json``.

    Returns
    -------
    int
        How many comments are lost: all, where YAML becomes JSON.

    Raises
    ------
    FileError
        A file cannot be read or written.
    SpecError
        The source is not a mapping in YAML or JSON.
    UsageError
        The suffix of the target is another; or from there the spec would not find a file that it
        names.
    """
    source, target = Path(source), Path(target)
    write = _SUFFIXES.get(target.suffix.lower())
    if write is None:
        message = f"'{target.name}' is neither .yaml nor .json"
        help = "the suffix says which of the two to write"
        raise UsageError(Diagnostic("unknown-format", message, help=help))
    document = reader.read_file(source)
    _refuse_to_leave_behind(document, source.parent, target.parent)
    if source.suffix.lower() == ".json":
        files.write_text(target, write(document))
        return 0
    if target.suffix.lower() != ".json":
        files.write_text(
            target,
            layout.to_yaml(from_events(document.source, reader.events(document.source.text))),
        )
        return 0
    lost = len(comments(from_events(document.source, reader.events(document.source.text))))
    files.write_text(target, write(document))
    return lost


def _refuse_to_leave_behind(document: Mapping, old: Path, new: Path) -> None:
    """Refuse a target from where a file that the spec names would not be found."""
    for name in _files(document):
        text = str(name.value)
        try:
            there = (old / text).resolve(strict=True)
            lost = there != (new / text).resolve()
        except (OSError, ValueError, RuntimeError):
            continue  # it is not there as it is, which reading the spec tells
        if lost:
            message = f"the spec names '{text}', which would not be found from '{new}'"
            help = f"write into '{old}', or move the files with it"
            raise UsageError(Diagnostic("file-left-behind", message, name.span, help=help))


def _below(path: tuple[str, ...], key: str) -> tuple[str, ...]:
    return (*path[:2], key)  # no more tells whether it may name a file


def _files(document: Mapping) -> Iterator[Scalar]:
    """Texts that may name files: under a key ``file``, and all of the data to train on."""
    pending: list[tuple[tuple[str, ...], Value]] = [((), document)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, Mapping):
            pending += [(_below(path, key), inner) for key, inner in value.items()]
        elif isinstance(value, Sequence):
            pending += [(path, item) for item in value.items]
        elif path[-1:] == ("file",) or path[:2] == ("train", "data"):
            assert isinstance(value, Scalar)
            if isinstance(value.value, str):
                yield value
