"""Settings: a named size, or a value of ``train``, replaced before a spec is built."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from typing import Any

from graphnn.errors import Diagnostic, UsageError, suggestion
from graphnn.spec.build import TRAIN_KEYS
from graphnn.spec.values import Entry, Mapping, Scalar, Value, located

_TOP = ("dtype", "name")
Path = tuple[str, ...]


def override(document: Mapping, settings: Dict[str, Any]) -> Mapping:
    """A copy of `document` with `settings` put in place.

    Parameters
    ----------
    document : Mapping
    settings : mapping of str to value
        A name is that of a size, of a key of ``train`` (``epochs``), or a path
        (``train.optimizer.sgd.learning_rate``) whose last part is enough where only one place
        has it (``learning_rate``). A value is plain data, or a located value.

    Raises
    ------
    UsageError
        A name leads nowhere, or to several places.
    """
    for name, data in settings.items():
        value = data if isinstance(data, Value) else located(data)
        document = _put(document, find(document, name), value)
    return document


def find(document: Mapping, name: str) -> Path:
    """The keys under which the setting `name` is put in `document`.

    Raises
    ------
    UsageError
        The name leads nowhere, or to several places.
    """
    sizes = document.get("sizes")
    if isinstance(sizes, Mapping) and name in sizes:
        return ("sizes", name)
    if name in _TOP:
        return (name,)
    known = _train_paths(document)
    wanted = tuple(name.split("."))
    fits = [path for path in known if path == wanted or path[-len(wanted) :] == wanted]
    exact = [path for path in fits if path[1:] == wanted or path == wanted]
    if len(exact or fits) == 1:
        return (exact or fits)[0]
    if fits:
        listed = ", ".join(".".join(path) for path in fits)
        problem, help = "could mean several things", f"say which: {listed}"
    else:
        names = [*(sizes.entries if isinstance(sizes, Mapping) else ()), *_TOP]
        names += [".".join(path[1:]) for path in known] + [path[-1] for path in known]
        problem = "is neither a size of the spec nor a value of its 'train'"
        help = suggestion(name, names)
    raise UsageError(Diagnostic("unknown-setting", f"the setting '{name}' {problem}", help=help))


def _train_paths(document: Mapping) -> list[Path]:
    train = document.get("train")
    if not isinstance(train, Mapping):
        return []
    found: list[Path] = [("train", key) for key in TRAIN_KEYS]
    pending: list[tuple[Path, Mapping]] = [(("train",), train)]
    while pending:
        path, mapping = pending.pop()
        for key, value in mapping.items():
            if (*path, key) not in found:
                found.append((*path, key))
            if isinstance(value, Mapping):
                pending.append(((*path, key), value))
    return found


def _put(mapping: Mapping, path: Path, value: Value) -> Mapping:
    # As deep as the path is long, and a path is as deep as the reader's limit at most.
    key, rest = path[0], path[1:]
    old = mapping.entries.get(key)
    if rest:
        inner = old.value if old is not None and isinstance(old.value, Mapping) else Mapping({})
        value = _put(inner, rest, value)
    entries = {**mapping.entries, key: Entry(old.key if old else Scalar(key), value)}
    place = (mapping.source, mapping.line, mapping.column, mapping.end_line, mapping.end_column)
    return Mapping(entries, *place)
