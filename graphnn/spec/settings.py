"""Settings: a size, a value of ``train`` or of a node, replaced before a spec is built.

Where options go is known here too: below which choice, and what to do where they stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, takewhile
from typing import Any

from graphnn.diagnostics import Findings, UsageError, listed, nearest, suggestion
from graphnn.spec.forms import key_names, keys_of
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import Entry, Map, Scalar, Seq, Value, located, place_of
from graphnn.spec.vocabulary import NO_NAMES, Kind, Vocabulary

_TOP = ("dtype", "name")
_FREE = "batch"
_FREE_HELP = "each run's arrays set it; 'batch_size' of 'train' is for steps of training"
_MAX_NAMED = 1000  # nodes that a misspelt name is compared with
_LONGEST = 60  # characters of options that help repeats
Path = tuple[str, ...]
Kinds = Mapping[str, type[Kind]]

_TRAIN = key_names(TrainSpec)
_DATA = tuple(key.name for key in keys_of(TrainSpec) if key.form.is_data)  # one kind each


def override(document: Map, settings: Mapping[str, Any], vocabulary: Vocabulary = NO_NAMES) -> Map:
    """A copy of `document` with `settings` put in place.

    Parameters
    ----------
    document : Map
    settings : mapping of str to value
        A name is that of a size, of a key of ``train`` (``epochs``), or a path
        (``train.optimizer.sgd.learning_rate``) whose last part is enough where only one place
        has it (``learning_rate``). The places are those in the document, and those of options
        that it does not write but could. A path that begins with a key of ``train`` may also lead
        to another choice than the document's (``optimizer.adam.beta1``), which it then replaces.
        A node's name and a key lead to what the node is given (``d7.rate``), the names of a block
        and of a node in it to the same for all uses (``dense.drop.rate``).
        A value is plain data, or a located value; None takes out what the document writes.
    vocabulary : Vocabulary, optional
        What choices and options there are.

    Raises
    ------
    UsageError
        A name leads nowhere, or to several places; two settings exclude each other; or they are
        not a mapping.
    """
    if not isinstance(settings, Mapping):
        message = f"settings are a mapping, not {type(settings).__name__}"
        raise UsageError.of("bad-option", message, help="write them as {'epochs': 20}")
    for name in settings:
        if not isinstance(name, str):
            raise UsageError.of("bad-option", f"the name of a setting is text, not {name!r}")
    places = _Places(vocabulary)
    done: dict[Path, str] = {}
    for name, data in settings.items():
        value = data if isinstance(data, Value) else located(data)
        path = places.find(document, name)
        for earlier, other in done.items():
            if places.excludes(document, path, earlier):
                message = f"the settings '{other}' and '{name}' exclude each other"
                first = path == earlier[: len(path)] != earlier
                help = "leave one of the two out" + f", or put '{name}' first" * first
                raise UsageError.of("conflicting-settings", message, help=help)
        done[path] = name
        taken_out = isinstance(value, Scalar) and value.value is None and path[0] != "sizes"
        document = _without(document, path) if taken_out else places.put(document, path, value)
    return document


def find(document: Map, name: str, vocabulary: Vocabulary = NO_NAMES) -> Path:
    """The keys under which the setting `name` is put in `document`.

    Raises
    ------
    UsageError
        The name leads nowhere, or to several places.
    """
    return _Places(vocabulary).find(document, name)


class _Places:
    """Where settings stand, by the names of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    @property
    def _choices(self) -> Mapping[str, Kinds]:
        return self._vocabulary.choices

    def excludes(self, document: Map, path: Path, earlier: Path) -> bool:
        """Whether putting something at `path` undoes what has been put at `earlier`."""
        if path == earlier[: len(path)]:
            return True
        if not path[0] == earlier[0] == "train":
            return False
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(path, earlier, strict=False))
        same = len([*alike])
        if same < min(len(path), len(earlier)):
            return path[same - 1] in (*self._choices, *_DATA)
        # The earlier one has put a whole choice, of which this one is to be an option.
        value: Value | None = document
        for key in earlier:
            value = value.get(key) if isinstance(value, Map) else None
        key = earlier[-1]
        return key in self._choices and self._chosen(value, key) != path[len(earlier)]

    def find(self, document: Map, name: str) -> Path:
        """See the function of this name."""
        if name in _mapping(document, "sizes"):
            return ("sizes", name)
        if name in _TOP:
            return (name,)
        known = self._train_paths(document)
        wanted = tuple(name.split("."))
        fits = _fits(wanted, known) or _node_paths(document, wanted)
        # An unknown option is reported best by what takes it.
        for cut in range(len(wanted) - 1, 0, -1):
            fits = fits or [(*head, *wanted[cut:]) for head in _fits(wanted[:cut], known)]
        if len(fits) == 1:
            return fits[0]
        problem, help = self._unfound(document, name, known, fits)
        message = f"the setting '{name}' {problem}"
        raise UsageError.of("unknown-setting", message, help=help)

    def _unfound(
        self, document: Map, name: str, known: list[Path], fits: list[Path]
    ) -> tuple[str, str]:
        """What is wrong with a name that leads nowhere, or to several places, and help."""
        if name == _FREE:
            return "cannot be fixed", _FREE_HELP
        if fits:
            each = ", ".join(".".join(path) for path in fits)
            return "could mean several things", f"say which: {each}"
        names = [*_mapping(document, "sizes").entries, *_TOP]
        names += [".".join(path[1:]) for path in known] + [path[-1] for path in known]
        names += _written(document) if "." in name else ()
        help = (
            self._elsewhere(name, known)
            or _of_nodes(document, tuple(name.split(".")))
            or suggestion(name, names)
        )
        return "is neither a size of the spec nor a value of its 'train' or of a node", help

    def _elsewhere(self, name: str, known: Iterable[Path]) -> str:
        """Where an option called `name` is that goes with another choice than the document's."""
        found = [
            ".".join((*path[1:], kind, name))
            for path in known
            if path[-1] in self._choices
            for kind, takes in self._choices[path[-1]].items()
            if name in takes.options()
        ]
        return f"it goes with another choice: {', '.join(found)}" if found else ""

    def _train_paths(self, document: Map) -> list[Path]:
        """Where a value of ``train`` is written, or an option of what is written could be."""
        train = document.get("train")
        if not isinstance(train, Map):
            return []
        found: dict[Path, None] = {("train", key): None for key in _TRAIN}
        pending: list[tuple[Path, Map]] = [(("train",), train)]
        while pending:
            path, mapping = pending.pop()
            for key, value in mapping.items():
                found.setdefault((*path, key))
                if isinstance(value, Map):
                    pending.append(((*path, key), value))
        found |= dict.fromkeys(self._unwritten(("train",), train, _TRAIN))
        return list(found)

    def _unwritten(self, path: Path, mapping: Map, keys: Iterable[str]) -> Iterator[Path]:
        """Paths of the options that the values of `keys` take, written or not."""
        # A choice lies in a choice once: a schedule in an optimizer.
        for key in keys:
            value = mapping.get(key)
            yield from ((*path, key, option) for option in options_of(key, self._vocabulary))
            name = self._chosen(value, key)
            if name is not None:
                inner = value.get(name) if isinstance(value, Map) else None
                options = self._options(key, name)
                yield from ((*path, key, name, option) for option in options)
                place = inner if isinstance(inner, Map) else Map({})
                yield from self._unwritten((*path, key, name), place, options)

    def _options(self, key: str, name: str) -> Iterable[str]:
        """Options of the choice `name` for `key`; those of all choices for an unknown name."""
        kinds = self._choices[key]
        meant = [kinds[name]] if name in kinds else kinds.values()
        return dict.fromkeys(option for kind in meant for option in kind.options())

    def _chosen(self, value: Value | None, key: str) -> str | None:
        """The name that `value` gives in the place of a choice, or the one by default."""
        names = self._choices.get(key, {})
        if value is None or not names:
            return next(iter(names), None)
        if isinstance(value, Map) and len(value.entries) == 1:
            return next(iter(value.entries))
        return value.value if isinstance(value, Scalar) and isinstance(value.value, str) else None

    def put(self, mapping: Map, path: Path, value: Value, *, choosing: bool | None = None) -> Map:
        # As deep as the path is long, and a path is as deep as the reader's limit at most.
        key, rest = path[0], path[1:]
        # Only in 'train' does a key choose one thing of several.
        choosing = key == "train" if choosing is None else choosing
        old = mapping.entries.get(key)
        if rest:
            inner = self._opened(mapping.get(key), key, rest, value, choosing=choosing)
            value = self.put(inner, rest, value, choosing=choosing)
        new = old.key if old else Scalar(key, *place_of(value))
        return Map({**mapping.entries, key: Entry(new, value)}, *place_of(mapping))

    def _opened(
        self, old: Value | None, key: str, rest: Path, value: Value, *, choosing: bool
    ) -> Map:
        """The mapping at `key` that takes the rest of a path."""
        if not isinstance(old, Map):
            # A metric's nodes may stand alone, without the mapping that its options need.
            alone = {"inputs": Entry(Scalar("inputs"), old)} if isinstance(old, Seq) else {}
            # A choice may stand alone too: it keeps its place.
            chosen = isinstance(old, Scalar) and old.value == rest[0]
            if choosing and chosen and key in self._choices:
                assert isinstance(old, Scalar)
                alone = {rest[0]: Entry(old, Map({}, *place_of(old)))}
            return Map(alone, *place_of(value))
        if choosing and (key in self._choices or key in _DATA):
            kept = {name: entry for name, entry in old.entries.items() if name == rest[0]}
            return Map(kept, *place_of(old))
        return old


def _fits(wanted: Path, known: Iterable[Path]) -> list[Path]:
    """The paths that end in `wanted`: of several, one that is whole, or else the inner ones."""
    found = [path for path in known if path[-len(wanted) :] == wanted]
    whole = [path for path in found if wanted in (path, path[1:])]
    # {momentum: {momentum: 0.9}}: the inner one is meant.
    return whole or [
        path for path in found if not any(path == other[: len(path)] != other for other in found)
    ]


def _node_paths(document: Map, wanted: Path) -> list[Path]:
    """Where a key of a node stands, or of a node in a block, that `wanted` begins with."""
    if wanted[0] in ("nodes", "blocks"):
        wanted = wanted[1:] or ("",)
    nodes, blocks = _mapping(document, "nodes"), _mapping(document, "blocks")
    if len(wanted) > 1 and wanted[0] in nodes and not (len(wanted) > 2 and _use(nodes, wanted[0])):
        return [("nodes", *wanted)]
    if len(wanted) > 2 and wanted[1] in _mapping(_mapping(blocks, wanted[0]), "nodes"):
        return [("blocks", wanted[0], "nodes", *wanted[1:])]
    return []


def _mapping(outer: Map, key: str) -> Map:
    """The mapping at `key`, empty where there is none."""
    found = outer.get(key)
    return found if isinstance(found, Map) else Map({})


def _written(document: Map) -> list[str]:
    """Names of settings that stand for what nodes are given."""
    nodes = islice(_mapping(document, "nodes").items(), _MAX_NAMED)
    return [
        f"{name}.{key}"
        for name, node in nodes
        if isinstance(node, Map)
        for key in node.entries
        if key not in ("op", "block", "inputs")
    ]


def _use(nodes: Map, name: str) -> str:
    """The name of the block that the node `name` uses; empty where it is an op."""
    block = _mapping(nodes, name).get("block")
    return str(block.value) if isinstance(block, Scalar) else ""


def _of_nodes(document: Map, wanted: Path) -> str:
    """Help where `wanted` seems to mean what a node is given."""
    nodes, blocks = _mapping(document, "nodes"), _mapping(document, "blocks")
    first, *rest = wanted
    if not rest:
        having = [name for name in nodes.entries if first in _mapping(nodes, name)]
        return f"say of which node: {listed(f'{name}.{first}' for name in having)}" * bool(having)
    if block := _use(nodes, first):
        inner = ".".join((block, *(part for part in rest if not part.isdigit())))
        return f"'{first}' is a use of the block '{block}': set {inner}, for all uses"
    if first in blocks:
        inside = _mapping(_mapping(blocks, first), "nodes").entries
        near = nearest(rest[0], inside)
        if near:
            return f"did you mean '{'.'.join((first, near, *rest[1:]))}'?"
        return f"the nodes of the block '{first}' are {listed(inside)}" * bool(inside)
    meant = nearest(first, (*nodes.entries, *blocks.entries))
    return f"did you mean '{'.'.join((meant, *rest))}'?" if meant else ""


def _without(mapping: Map, path: Path) -> Map:
    """`mapping` without the entry at `path`, where there is one."""
    key, rest = path[0], path[1:]
    entries = dict(mapping.entries)
    old = entries.get(key)
    if rest and old is not None and isinstance(old.value, Map):
        entries[key] = Entry(old.key, _without(old.value, rest))
    elif not rest:
        entries.pop(key, None)
    return Map(entries, *place_of(mapping))


def only_choice(key: str, kinds: Kinds, given: Map, findings: Findings) -> Entry | None:
    """The name under `key` with its options; what is not one name goes to `findings`.

    Parameters
    ----------
    key : str
        Such as ``optimizer``.
    kinds : mapping of str to class
        What may stand there.
    given : Map
        Not empty.
    findings : Findings

    Returns
    -------
    Entry or None
        None where options stand alone, or there are several names.
    """
    names = listed(given.entries)
    if help := _as_choice(kinds, given):
        message = f"'{key}' gives options without the {key} that takes them: {names}"
        findings.error("wrong-type", message, given.span, help=help)
        return None
    if len(given.entries) > 1:
        message = f"'{key}' takes one {key}, but names {names}"
        help = f"keep one, with its options inside: {{{next(iter(given.entries))}: {{...}}}}"
        findings.error("wrong-count", message, given.span, help=help)
        return None
    return next(iter(given.entries.values()))


def options_of(key: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Names of the options of a key of ``train`` whose value is a mapping of options."""
    if key in vocabulary.options:
        return vocabulary.options[key].options()
    form = next((each.form for each in keys_of(TrainSpec) if each.name == key), None)
    return tuple(form.inside) if form is not None else ()


def home_of(option: str, vocabulary: Vocabulary) -> str:
    """Help for an option in the wrong place; empty for other names."""
    for key, kinds in vocabulary.choices.items():
        for kind, takes in kinds.items():
            name = takes.also_called.get(option.replace("-", "_"), option.replace("-", "_"))
            if name in takes.options():
                return f"it goes under '{key}': {{{kind}: {{{name}: ...}}}}"
    for key in key_names(TrainSpec):
        if option in options_of(key, vocabulary):
            return f"it goes under '{key}': {{{option}: ...}}"
    return ""


def _as_choice(kinds: Kinds, options: Map) -> str:
    """Help for `options` that stand where one of `kinds` should; empty where none takes them."""
    names = [*options.entries]
    if len(names) == 1 and names[0] in kinds and isinstance(options.get(names[0]), Map):
        return ""  # {momentum: {momentum: 0.9}} is a choice, and its only key an option too
    for kind, takes in kinds.items():
        if names and set(names) <= {*takes.options()}:
            from graphnn.spec.writing.layout import flow  # help alone writes values

            inner = flow(options)
            if len(inner) > _LONGEST:
                inner = f"{{{names[0]}: ...}}"
            return f"write {{{kind}: {inner}}}"
    return ""
