"""Where a spec names files: the texts that tell of one, and no other."""

from __future__ import annotations

from collections.abc import Iterator

from graphnn.spec.forms import Form
from graphnn.spec.model import SPEC
from graphnn.spec.values import Mapping, Scalar, Sequence, Value
from graphnn.spec.vocabulary import Vocabulary


def file_names(document: Mapping, vocabulary: Vocabulary) -> Iterator[Scalar]:
    """The names of files in `document`, a spec or a file of blocks; whole numbers among them.

    A file of data may be called by a number. Files that blocks of other files name are not those
    of `document`.
    """
    pending: list[tuple[Form, Value]] = [(SPEC, document)]
    while pending:
        form, value = pending.pop()
        if isinstance(value, Mapping):
            below = [(form.below(key, vocabulary), item) for key, item in value.items()]
            pending += [(found, item) for found, item in reversed(below) if found is not None]
        elif isinstance(value, Sequence):
            # Of a long list of numbers, none is looked at.
            named = form.names == "file"
            items = value.items if named else [i for i in value.items if not _is_scalar(i)]
            pending += [(form, item) for item in reversed(items)]
        elif isinstance(value, Scalar) and form.names == "file" and type(value.value) in (str, int):
            yield value


def _is_scalar(value: Value) -> bool:
    return isinstance(value, Scalar)
