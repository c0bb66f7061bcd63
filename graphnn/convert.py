"""Specs from YAML to JSON and back."""

from __future__ import annotations

from pathlib import Path

from graphnn import files
from graphnn.errors import Diagnostic, UsageError
from graphnn.spec import reader, writer
from graphnn.spec.syntax import comments, from_events

_SUFFIXES = {".yaml": writer.to_yaml, ".yml": writer.to_yaml, ".json": writer.to_json}


def convert(source: str | Path, target: str | Path) -> int:
    """Write a spec, or any mapping, in the other format; its suffix says which.

    Parameters
    ----------
    source : str or Path
        A YAML file, or a JSON file by its suffix ``.json``.
    target : str or Path
        What to write, whole or not at all: ``.yaml``, ``.yml`` or ``.json``.

    Returns
    -------
    int
        How many comments are lost; only YAML has any.

    Raises
    ------
    FileError
        A file cannot be read or written.
    SpecError
        The source is not a mapping in YAML or JSON.
    UsageError
        The suffix of the target is another.
    """
    source, target = Path(source), Path(target)
    write = _SUFFIXES.get(target.suffix.lower())
    if write is None:
        message = f"'{target.name}' is neither .yaml nor .json"
        help = "the suffix says which of the two to write"
        raise UsageError(Diagnostic("unknown-format", message, help=help))
    document = reader.read_file(source)
    files.write_text(target, write(document))
    if source.suffix.lower() == ".json":
        return 0
    text = document.source.text
    return len(comments(from_events(text, reader.events(text))))
