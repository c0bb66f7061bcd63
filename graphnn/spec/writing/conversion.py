"""Specs from YAML to JSON and back."""

from __future__ import annotations

from pathlib import Path

from graphnn.diagnostics import UsageError
from graphnn.spec import reader
from graphnn.spec.vocabulary import NO_NAMES, Vocabulary
from graphnn.spec.writing import layout
from graphnn.spec.writing.relocation import relocate, rewrite
from graphnn.spec.writing.syntax import comments, from_events
from graphnn.storage import files, gc_paused

_SUFFIXES = {".yaml": layout.to_yaml, ".yml": layout.to_yaml, ".json": layout.to_json}


@gc_paused()
def convert(
    source: str | Path,
    target: str | Path,
    vocabulary: Vocabulary = NO_NAMES,
    folder: Path | None = None,
) -> int:
    """Write a spec as YAML or JSON; see `graphnn.convert`, which passes the `vocabulary`.

    Its kinds of data say which texts name files; their names start from `folder`, by default that
    of `source`.
    """
    source, target = files.as_path(source), files.as_path(target)
    write = _SUFFIXES.get(target.suffix.lower())
    if write is None:
        if target.is_dir():
            raise files.not_a_file(target)
        message = f"'{target.name}' is neither .yaml nor .json"
        help = "the suffix says which of the two to write"
        raise UsageError.of("unknown-format", message, help=help)
    document = reader.read_file(source)
    changed = relocate(document, folder or source.parent, target.parent, vocabulary)
    if source.suffix.lower() == ".json":
        files.write_text(target, write(document))
        return 0
    text = document.source.text
    if target.suffix.lower() == ".json":
        # No name for the tree, so that it is gone before the one of the JSON is made.
        lost = len(comments(from_events(document.source, reader.events(text))))
        files.write_text(target, write(document))
        return lost
    tree = from_events(document.source, reader.events(text))
    if changed:
        rewrite(tree, document)
    files.write_text(target, layout.to_yaml(tree))
    return 0
