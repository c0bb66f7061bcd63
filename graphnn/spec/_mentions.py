"""Where a spec names files, or sizes: the texts that do, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graphnn.spec.blocks.block_files import files_of
from graphnn.spec.forms import Form, Named
from graphnn.spec.model import SPEC
from graphnn.spec.values import Map, Scalar, Seq, Value
from graphnn.spec.vocabulary import NO_NAMES, Vocabulary


def mentions(document: Map, names: Named, vocabulary: Vocabulary = NO_NAMES) -> Iterator[Scalar]:
    """The texts in `document` that name something of the kind `names`; whole numbers among them.

    A file of data may be called by a number. Files that blocks of other files name are not those
    of `document`, a spec or a file of blocks.
    """
    pending: list[tuple[Form, Value]] = [(SPEC, document)]
    while pending:
        form, value = pending.pop()
        if isinstance(value, Map):
            below = [(form.below(key, vocabulary), item) for key, item in value.items()]
            pending += [(found, item) for found, item in reversed(below) if found is not None]
        elif isinstance(value, Seq):
            # Of a long list of numbers, none is looked at.
            items = value.items
            if form.names != names:
                items = [item for item in items if not isinstance(item, Scalar)]
            pending += [(form, item) for item in reversed(items)]
        elif isinstance(value, Scalar) and form.names == names and type(value.value) in (str, int):
            yield value


def named_files(document: Map, folder: Path, vocabulary: Vocabulary) -> Iterator[Path]:
    """The files that `document` in `folder`, and the files that it takes blocks from, name."""
    every = [(document, folder)]
    every += [(f.document, f.path.parent) for f in files_of(document, folder) if f.document]
    for each, start in every:
        for name in mentions(each, "file", vocabulary):
            yield (start / str(name.value)).resolve()
