"""Texts of specs in the canonical layout, with the same meaning and the same comments."""

from __future__ import annotations

from pathlib import Path

from graphnn.spec import reader
from graphnn.spec.writing import layout
from graphnn.spec.writing.syntax import from_events
from graphnn.storage import files, gc_paused


@gc_paused()
def format_text(text: str, name: str = "<text>", *, json: bool = False) -> str:
    """A text in the canonical layout: the same values in the same order, with the same comments.

    Parameters
    ----------
    text : str
        YAML 1.2, or JSON. It need not be a sound spec.
    name : str, optional
        What messages call the text.
    json : bool, optional
        Whether it is JSON.

    Returns
    -------
    str
        Formatting it again changes nothing.

    Raises
    ------
    SpecError
        The text is not a mapping in YAML or JSON, with every fault in it.
    """
    document = reader.read(text, name, json=json)
    if json:
        return layout.to_json(document)
    source = document.source
    del document  # the values and the tree of a large file would take twice the room
    return layout.to_yaml(from_events(source, reader.events(source.text)))


def format_file(path: str | Path, *, write: bool = True) -> tuple[str, str]:
    """Lay out the file at `path`, whole or not at all.

    Parameters
    ----------
    path : str or Path
        A YAML file, or a JSON file by its suffix ``.json``.
    write : bool
        Whether to write it, if it changes.

    Returns
    -------
    before, after : str
        Its text, and its text in the canonical layout.

    Raises
    ------
    FileError
        The file cannot be read or written.
    SpecError
        As `format_text`.
    """
    path = files.as_path(path)
    before = reader.text_of(path)
    after = format_text(before, str(path), json=path.suffix.lower() == ".json")
    if write and after != before:
        files.write_text(path, after)
    return before, after
