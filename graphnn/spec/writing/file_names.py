"""Where a spec names files: the texts that tell of one, and no other."""

from __future__ import annotations

from collections.abc import Iterator

from graphnn.spec.values import Mapping, Scalar, Sequence, Value

Path = tuple[str, ...]

_ANY = "*"
# What follows the kind of data that is a file, in a mapping; in a list, all of it are files.
_DATA = {"npz": "file", "csv": "file", "folder": "path", "idx": _ANY}
_NODE = ("nodes", _ANY, _ANY, "file")
_PLACES: tuple[Path, ...] = (
    ("blocks", "file"),
    ("weights", "file"),
    _NODE,
    ("blocks", _ANY, *_NODE),
    ("examples", "inputs", _ANY, "file"),
    ("examples", "outputs", _ANY, "file"),
    *(
        ("train", rows, kind, *inner)
        for rows in ("data", "validation", "test")
        for kind, key in _DATA.items()
        for inner in ((), (key,))
    ),
)
_LONGEST = max(map(len, _PLACES))


def file_names(document: Mapping) -> Iterator[Scalar]:
    """The names of files in `document`, a spec or a file of blocks; whole numbers among them.

    A file of data may be called by a number. Files that blocks of other files name are not those
    of `document`.
    """
    pending: list[tuple[Path, Value]] = [((), document)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, Mapping):
            if len(path) < _LONGEST:
                pending += [((*path, key), item) for key, item in value.items()][::-1]
        elif isinstance(value, Sequence):
            # Of a long list of numbers, the path is looked at once.
            named = _names_one(path)
            found = value.items if named else [i for i in value.items if not _is_scalar(i)]
            pending += [(path, item) for item in found[::-1]]
        elif isinstance(value, Scalar) and type(value.value) in (str, int) and _names_one(path):
            yield value


def _is_scalar(value: Value) -> bool:
    return isinstance(value, Scalar)


def _names_one(path: Path) -> bool:
    if path[-4:-1:2] == ("nodes", "inputs"):
        return False  # an operand may be called 'file'
    return any(
        len(path) == len(place)
        and all(step in (_ANY, given) for step, given in zip(place, path, strict=True))
        for place in _PLACES
    )
