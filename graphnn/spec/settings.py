"""Settings: a named size, or a value of ``train``, replaced before a spec is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Dict
from typing import Any

from graphnn.errors import Diagnostic, UsageError, suggestion
from graphnn.spec.build import TRAIN_KEYS
from graphnn.spec.choices import CHOICES, OPTIONS
from graphnn.spec.values import Entry, Mapping, Scalar, Sequence, Value, located

_TOP = ("dtype", "name")
_FREE = "batch"
_FREE_HELP = "the arrays of a run tell it; 'batch_size' of 'train' is for steps of training"
Path = tuple[str, ...]

_ONE_KIND = ("data", "validation", "test")  # keys with one name and what it takes, too


def override(document: Mapping, settings: Dict[str, Any]) -> Mapping:
    """A copy of `document` with `settings` put in place.

    Parameters
    ----------
    document : Mapping
    settings : mapping of str to value
        A name is that of a size, of a key of ``train`` (``epochs``), or a path
        (``train.optimizer.sgd.learning_rate``) whose last part is enough where only one place
        has it (``learning_rate``). The places are those in the document, and those of options
        that it does not write but could. A path that begins with a key of ``train`` may also lead
        to another choice than the document's (``optimizer.adam.beta1``), which it then replaces.
        A value is plain data, or a located value.

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
    fits = _fits(wanted, known)
    # An option that no one has heard of is told better by what takes it.
    for cut in range(len(wanted) - 1, 0, -1):
        fits = fits or [(*head, *wanted[cut:]) for head in _fits(wanted[:cut], known)]
    if len(fits) == 1:
        return fits[0]
    if name == _FREE:
        problem, help = "cannot be fixed", _FREE_HELP
    elif fits:
        listed = ", ".join(".".join(path) for path in fits)
        problem, help = "could mean several things", f"say which: {listed}"
    else:
        names = [*(sizes.entries if isinstance(sizes, Mapping) else ()), *_TOP]
        names += [".".join(path[1:]) for path in known] + [path[-1] for path in known]
        problem = "is neither a size of the spec nor a value of its 'train'"
        help = _elsewhere(name, known) or suggestion(name, names)
    raise UsageError(Diagnostic("unknown-setting", f"the setting '{name}' {problem}", help=help))


def _fits(wanted: Path, known: Iterable[Path]) -> list[Path]:
    """The paths that end in `wanted`: of several, one that is whole, or else the inner ones."""
    found = [path for path in known if path[-len(wanted) :] == wanted]
    whole = [path for path in found if wanted in (path, path[1:])]
    # {momentum: {momentum: 0.9}}: the inner one is meant.
    return whole or [
        path for path in found if not any(path == other[: len(path)] != other for other in found)
    ]


def _elsewhere(name: str, known: Iterable[Path]) -> str:
    """Where an option called `name` is that goes with another choice than the document's."""
    found = [
        ".".join((*path[1:], kind, name))
        for path in known
        if path[-1] in CHOICES
        for kind, takes in CHOICES[path[-1]].items()
        if name in takes.options()
    ]
    return f"it goes with another choice: {', '.join(found)}" if found else ""


def _train_paths(document: Mapping) -> list[Path]:
    """Where a value of ``train`` is written, or an option of what is written could be."""
    train = document.get("train")
    if not isinstance(train, Mapping):
        return []
    found: dict[Path, None] = {("train", key): None for key in TRAIN_KEYS}
    pending: list[tuple[Path, Mapping]] = [(("train",), train)]
    while pending:
        path, mapping = pending.pop()
        for key, value in mapping.items():
            found.setdefault((*path, key))
            if isinstance(value, Mapping):
                pending.append(((*path, key), value))
    found |= dict.fromkeys(_unwritten(("train",), train, TRAIN_KEYS))
    return list(found)


def _unwritten(path: Path, mapping: Mapping, keys: Iterable[str]) -> Iterator[Path]:
    """Paths of the options that the values of `keys` take, written or not."""
    # A choice lies in a choice once: a schedule in an optimizer.
    for key in keys:
        value = mapping.get(key)
        yield from ((*path, key, option) for option in OPTIONS.get(key, ()))
        name = _chosen(value, key)
        if name is not None:
            inner = value.get(name) if isinstance(value, Mapping) else None
            options = CHOICES[key][name].options()
            yield from ((*path, key, name, option) for option in options)
            place = inner if isinstance(inner, Mapping) else Mapping({})
            yield from _unwritten((*path, key, name), place, options)


def _chosen(value: Value | None, key: str) -> str | None:
    """The name that `value` gives in the place of a choice; None where there is no such name."""
    names = CHOICES.get(key, {})
    if value is None:
        return next(iter(names), None)
    if isinstance(value, Mapping) and len(value.entries) == 1:
        (name,) = value.entries
    else:
        name = str(value.value) if isinstance(value, Scalar) else ""
    return name if name in names else None


def _put(mapping: Mapping, path: Path, value: Value) -> Mapping:
    # As deep as the path is long, and a path is as deep as the reader's limit at most.
    key, rest = path[0], path[1:]
    old = mapping.entries.get(key)
    if rest:
        value = _put(_opened(None if old is None else old.value, key, rest, value), rest, value)
    new = old.key if old else Scalar(key, *_place(value))
    return Mapping({**mapping.entries, key: Entry(new, value)}, *_place(mapping))


def _opened(old: Value | None, key: str, rest: Path, value: Value) -> Mapping:
    """The mapping at `key` that takes the rest of a path."""
    if not isinstance(old, Mapping):
        # A metric's nodes may stand alone, without the mapping that its options need.
        alone = {"inputs": Entry(Scalar("inputs"), old)} if isinstance(old, Sequence) else {}
        return Mapping(alone, *_place(value))
    if key in CHOICES or key in _ONE_KIND:
        kept = {name: entry for name, entry in old.entries.items() if name == rest[0]}
        return Mapping(kept, *_place(old))
    return old


def _place(value: Value) -> tuple[Any, ...]:
    return (value.source, value.line, value.column, value.end_line, value.end_column)
