"""Two specs compared by what they mean: nodes, sizes, parameters, examples and training.

Every part of a spec is described as aspects with plain values, and the descriptions are compared.
Layout, comments, the order of nodes, and defaults that are written out make no difference.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import takewhile
from typing import Any, Literal

import numpy as np

from graphnn.diagnostics import counted
from graphnn.graph._graph import Graph, Node, Origin
from graphnn.ops import ShapeError, normal_axis
from graphnn.spec import flow
from graphnn.spec.example_records import ExampleSpec
from graphnn.spec.node_records import BlockCallSpec, Reference
from graphnn.spec.sizes import Expression, show
from graphnn.spec.training_records import OptimizerSpec
from graphnn.spec.values import Entry, Map, Value, located, plain
from graphnn.storage import archives, files

Kind = Literal["removed", "added", "renamed", "changed"]
Aspects = Mapping[str, Any]
SIGNS: Mapping[Kind, str] = {"removed": "-", "added": "+", "renamed": "=", "changed": "~"}
_COPY = re.compile(r"(?P<use>.+)\.(?P<number>\d+)\.(?P<node>.+)")
_DEFAULTS: Aspects = {"trainable": True, "kind": "float"}
_LONGEST = 60  # characters of a value that are shown
_BEFORE = 20  # characters shown before a difference that is far on


@dataclass(frozen=True, slots=True)
class Detail:
    """One aspect of something, as it was and as it is; None where there is none."""

    aspect: str
    old: Any
    new: Any

    def __str__(self) -> str:
        old, new = _apart(self.old, self.new)
        return f"{self.aspect} {old} -> {new}".lstrip()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes
    ----------
    part : str
        The part of the spec, such as ``nodes`` or ``train``.
    kind : {"removed", "added", "renamed", "changed"}
    name : str
        Of the node, the size, the key; of an example, what it says of itself.
    details : tuple of Detail
        What is there, or what changed; nothing for what only has another name.
    renamed : str
        The new name.
    """

    part: str
    kind: Kind
    name: str
    details: tuple[Detail, ...] = ()
    renamed: str = ""

    def __str__(self) -> str:
        if self.kind == "renamed":
            return f"{self.name} -> {self.renamed}"
        if self.part == "examples" and self.kind != "changed":
            return self.name
        if self.kind == "changed":
            shown = [
                str(replace(detail, aspect="rewired") if _is_wiring(self, detail) else detail)
                for detail in self.details
            ]
        else:
            gone = self.kind == "removed"
            shown = [
                _described(detail.aspect, detail.old if gone else detail.new)
                for detail in self.details
            ]
        return f"{self.name}: {', '.join(shown)}" if shown else self.name


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two specs; true if anything does.

    Attributes
    ----------
    changes : tuple of Change
        By part.
    parameters : tuple of int
        Entries of all learned parameters, before and after.
    """

    changes: tuple[Change, ...]
    parameters: tuple[int, int]

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return "\n".join(text for _, text in self.lines())

    def lines(self) -> Iterator[tuple[Kind | None, str]]:
        """Lines for a person, each with the kind of the change that it shows, if any."""
        if not self.changes:
            yield None, "no difference"
            return
        part = ""
        for change in _together(self.changes):
            if change.part != part:
                part = change.part
                yield None, part
            yield change.kind, f"  {SIGNS[change.kind]} {change}"
        before, after = self.parameters
        if before != after:
            yield None, f"{counted(before, 'parameter')} -> {after:,}"

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "same": not self,
            "parameters": {"old": self.parameters[0], "new": self.parameters[1]},
            "changes": [
                {
                    "part": change.part,
                    "kind": change.kind,
                    "name": change.name,
                    **({"renamed": change.renamed} if change.renamed else {}),
                    "details": [
                        {"aspect": detail.aspect, "old": detail.old, "new": detail.new}
                        for detail in change.details
                    ],
                }
                for change in self.changes
            ],
        }


def compare(old: Graph, new: Graph, options: Callable[[OptimizerSpec], Aspects]) -> Difference:
    """What differs between two graphs, by meaning.

    Parameters
    ----------
    old, new : Graph
    options : callable
        All options of an optimizer, those that the spec leaves out included.

    Returns
    -------
    Difference
        A node counts as renamed where a node that is gone and one that has come do the same with
        the same inputs, and no other pair does.

    Raises
    ------
    FileError
        A file of weights cannot be read.
    """
    there = {name: _describe(new, node, {}) for name, node in new.nodes.items()}
    renames = _renames(old, new, there)
    # What the use of a block stands for is named after the use as well.
    names, own = _called(old, renames), _called(new, {})
    changes = [
        *_entries("spec", _top(old, names), _top(new, own)),
        *_entries("sizes", _sizes(old), _sizes(new)),
        *_entries("limits", _limits(old), _limits(new)),
        *_blocks(old, new),
        *_nodes(old, new, renames, there),
        *_examples(_listed(old, names), _listed(new, own)),
        *_entries("train", _train(old, names, options), _train(new, own, options)),
        *_entries("search", _search(old), _search(new)),
        *_entries("draw", _draw(old, names), _draw(new, own)),
    ]
    return Difference(tuple(changes), (_count(old), _count(new)))


def _called(graph: Graph, renames: Mapping[str, str]) -> Mapping[str, str]:
    there = {name: renames.get(node, node) for name, node in graph.spec.aliases.items()}
    return {**there, **renames}


def _count(graph: Graph) -> int:
    return sum(parameter.size for parameter in graph.parameters.values() if parameter.learned)


def _entries(part: str, old: Aspects, new: Aspects) -> Iterator[Change]:
    """Changes of keys with plain values."""
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        if before != after:
            kind: Kind = "added" if before is None else "removed" if after is None else "changed"
            yield Change(part, kind, key, (Detail("", before, after),))


def _details(old: Aspects, new: Aspects) -> tuple[Detail, ...]:
    # What is changed was something before, which need not be written.
    usual = _DEFAULTS if old and new else {}

    def at(aspects: Aspects, key: str) -> Any:
        value = aspects.get(key)
        return usual.get(key) if value is None else value

    pairs = ((key, at(old, key), at(new, key)) for key in dict.fromkeys((*old, *new)))
    return tuple(Detail(key, before, after) for key, before, after in pairs if before != after)


# --- blocks and nodes


def _blocks(a: Graph, b: Graph) -> Iterator[Change]:
    """Remarks of the blocks that are in both, and of their uses; the rest of them is in nodes."""
    said = (
        ("blocks", a.spec.blocks, b.spec.blocks),
        ("uses", _uses(a), _uses(b)),
    )
    for part, before, after in said:
        for name, old in before.items():
            if name in after and old.about != after[name].about:
                detail = Detail("about", old.about or None, after[name].about or None)
                yield Change(part, "changed", name, (detail,))


def _uses(graph: Graph) -> Mapping[str, BlockCallSpec]:
    return {name: call.spec for name, call in graph.spec.calls.items()}


def _nodes(
    a: Graph, b: Graph, names: Mapping[str, str], there: Mapping[str, Aspects]
) -> Iterator[Change]:
    for name in a.spec.nodes:
        aspects = _describe(a, a.nodes[name], names)
        if name not in names:
            yield Change("nodes", "removed", name, _details(aspects, {}))
            continue
        if names[name] != name:
            yield Change("nodes", "renamed", name, renamed=names[name])
        alike = _counted_alike(a, a.nodes[name], b, b.nodes[names[name]])
        details = _details(aspects, there[names[name]])
        if details := tuple(each for each in details if each.aspect not in alike):
            yield Change("nodes", "changed", names[name], details)
    known = set(names.values())
    for name in b.spec.nodes:
        if name not in known:
            yield Change("nodes", "added", name, _details({}, there[name]))


def _describe(graph: Graph, node: Node, names: Mapping[str, str]) -> Aspects:
    """Everything that a node is, with other nodes called as `names` say."""
    made = node.op.model_dump(mode="json", exclude={"op"})
    owned = [full for key, full in node.parameters.items() if full == f"{node.name}.{key}"]
    return {
        "op": node.op.name,
        "inputs": _inputs(node, names),
        **{key: value for key, value in made.items() if value is not None},
        **{key: _start(graph, full, node.name, names) for key, full in node.parameters.items()},
        "trainable": None if node.spec.trainable else False,
        "about": node.spec.about or None,
        "shape": show(node.shape),
        "kind": None if node.kind == "float" else node.kind,
        "parameters": sum(graph.parameters[full].size for full in owned) or None,
    }


def _counted_alike(a: Graph, old: Node, b: Graph, new: Node) -> set[str]:
    """Attributes that name the same axes and places, from whichever end they count."""
    if old.op.name != new.op.name:
        return set()
    before, after = _from_front(a, old), _from_front(b, new)
    return {key for key, value in before.items() if key in after and after[key] == value}


def _from_front(graph: Graph, node: Node) -> Mapping[str, Any]:
    return node.op.from_front(*(graph.nodes[name].shape for name in node.inputs))


def _inputs(node: Node, names: Mapping[str, str]) -> list[str] | dict[str, str] | None:
    """What a node reads, by operand where one is left out between."""
    read = [names.get(name, name) for name in node.inputs]
    if len(node.placed(read)) > len(read):
        return {each.name: name for each, name in zip(node.operands, read, strict=True)}
    return read or None


def _start(graph: Graph, full: str | None, node: str, names: Mapping[str, str]) -> Any:
    """Where a parameter comes from."""
    if full is None:
        return False
    keeper, _, key = full.rpartition(".")
    if keeper != node:
        return {"share": f"{names.get(keeper, keeper)}.{key}"}
    origin: Origin = graph.parameters[full].origin
    if origin.array is not None:
        return _digest(origin.array)
    assert origin.start is not None
    options = origin.start.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    name = getattr(origin.start, "name", type(origin.start).__name__)
    return {name: options} if options else name


def _digest(array: Any) -> str:
    """A name for numbers: the same for the same ones, whether in the spec or in a file."""
    numbers = np.ascontiguousarray(array, np.float64)
    return f"numbers #{zlib.crc32(numbers.tobytes(), len(numbers.shape)):08x}"


def _renames(a: Graph, b: Graph, there: Mapping[str, Aspects]) -> dict[str, str]:
    """Names of the nodes of `a` that `b` has too, with their names there."""
    names = {name: name for name in a.nodes if name in b.nodes}
    depths: dict[str, int] = {}
    levels: dict[int, list[Node]] = {}
    for node in a.nodes.values():
        depths[node.name] = 1 + max((depths[name] for name in node.inputs), default=0)
        if node.name not in names:
            levels.setdefault(depths[node.name], []).append(node)
    came: dict[str, list[str]] = {}
    for name, aspects in there.items():
        if name not in names:
            came.setdefault(_signature(b, b.nodes[name], aspects), []).append(name)
    # Nodes that do the same have the same inputs, so that they are equally deep.
    for level in (levels[depth] for depth in sorted(levels)):
        gone: dict[str, list[str]] = {}
        for node in level:
            if all(name in names for name in node.inputs):
                signature = _signature(a, node, _describe(a, node, names))
                gone.setdefault(signature, []).append(node.name)
        for signature, found in gone.items():
            same = came.get(signature, [])
            if len(found) == len(same) == 1:
                names[found[0]] = same[0]
    return names


def _signature(graph: Graph, node: Node, aspects: Aspects) -> str:
    """What a node is, the same for nodes that do the same."""
    made = {**aspects, **_from_front(graph, node)}
    return repr(sorted(made.items(), key=lambda item: item[0]))


# --- the rest of a spec


def _top(graph: Graph, names: Mapping[str, str]) -> Aspects:
    spec = graph.spec
    weights = None
    if spec.weights is not None:
        file = spec.weights.file
        arrays = archives.read_arrays(
            files.within(spec.folder, str(file.value), file.span), file.span
        )
        weights = {name: _digest(arrays[name]) for name in sorted(arrays)}
        weights |= {f"name {name}": str(entry.value) for name, entry in spec.weights.names.items()}
        weights |= {"layout": "torch"} if spec.weights.layout == "torch" else {}
    return {
        "name": spec.name or None,
        "description": spec.description or None,
        "dtype": spec.dtype,
        "weights": weights,
        "weights.partial": (spec.weights is not None and spec.weights.partial) or None,
        "outputs": [names.get(name, name) for name in graph.outputs],
    }


def _sizes(graph: Graph) -> Aspects:
    named = {name: size for name, size in graph.spec.sizes.items() if name != "batch"}
    return {name: "free" if isinstance(size, Expression) else size for name, size in named.items()}


def _limits(graph: Graph) -> Aspects:
    """The limits of the network, and of blocks under their names."""
    spec = graph.spec
    given = {"": spec.limits, **{f"{name}.": block.limits for name, block in spec.blocks.items()}}
    return {
        f"{owner}{field.name}": limit.value
        for owner, limits in given.items()
        if limits is not None
        for field in fields(limits)
        if (limit := getattr(limits, field.name)) is not None
    }


def _examples(before: Mapping[str, Aspects], after: Mapping[str, Aspects]) -> Iterator[Change]:
    # Those that are the same may stand in another order.
    old = {name: aspects for name, aspects in before.items() if aspects not in after.values()}
    new = {name: aspects for name, aspects in after.items() if aspects not in before.values()}
    for name in dict.fromkeys((*old, *new)):
        kind: Kind = "added" if name not in old else "removed" if name not in new else "changed"
        yield Change("examples", kind, name, _details(old.get(name, {}), new.get(name, {})))


def _listed(graph: Graph, names: Mapping[str, str]) -> dict[str, Aspects]:
    """What examples say, by what they are called."""
    found: dict[str, Aspects] = {}
    for number, example in enumerate(graph.spec.examples, 1):
        name = example.about if example.about not in ("", *found) else f"example {number}"
        while name in found:  # another is called so by its remark
            name += "'"
        found[name] = {
            "about": example.about or None,
            "inputs": _keyed(example.inputs, names),
            "outputs": _keyed(example.outputs, names),
            "properties": _promised(graph, example, names) or None,
            "rtol": example.rtol,
            "atol": example.atol,
        }
    return found


def _promised(graph: Graph, example: ExampleSpec, names: Mapping[str, str]) -> Aspects:
    """The properties that an example states, by their names; axes are counted from the front."""
    found: dict[str, list[Any]] = {}
    for each in example.properties:
        said = {key: value for key, value in _plain(each, names).items() if value is not None}
        for key in ("output", "input"):
            if key in said:
                said[key] = names.get(said[key], said[key])
        source = graph.find(str(plain(getattr(each, "input", each.output))))
        for key in ("axis", "permutation"):
            if key in said and source is not None:
                with suppress(ShapeError):  # there is no such axis, as a check reports
                    said[key] = normal_axis(said[key], source.shape)
        found.setdefault(str(each.place.value), []).append(said)
    return {name: made[0] if len(made) == 1 else made for name, made in found.items()}


def _keyed(entries: Mapping[str, Entry], names: Mapping[str, str]) -> Aspects:
    return {names.get(key, key): plain(entry.value) for key, entry in entries.items()}


def _train(
    graph: Graph, names: Mapping[str, str], options: Callable[[OptimizerSpec], Aspects]
) -> Aspects:
    train = graph.spec.train
    if train is None:
        return {}
    made: dict[str, Any] = _plain(train, names)
    # The loss is every loss op where it is not said, and options have defaults.
    made["loss"] = [names.get(name, name) for name in graph.losses]
    made["optimizer"] = train.optimizer.name.value
    made.update({f"optimizer.{key}": value for key, value in options(train.optimizer).items()})
    for metric in made.pop("metrics"):
        inputs = metric["nodes"]
        made[f"metrics.{metric['name']}"] = {"inputs": inputs, **metric["options"]}
    for kind, given in train.data.items() if train.data is not None else ():
        made["data"] = kind
        fed = _keyed(given.entries, names) if isinstance(given, Map) else {"from": plain(given)}
        made.update({f"data.{key}": value for key, value in fed.items()})
    return {key: value for key, value in made.items() if value not in (None, [], {})}


def _search(graph: Graph) -> Aspects:
    made: dict[str, Any] = _plain(graph.spec.search, {}) or {}
    return {**made.pop("settings", {}), **made}


def _draw(graph: Graph, names: Mapping[str, str]) -> Aspects:
    draw = graph.spec.draw
    if draw is None:
        return {}
    coloured = {names.get(name, name): colour for name, colour in draw.nodes.items()}
    tables = {"families": draw.families, "ops": draw.ops, "nodes": coloured}
    colours = {
        f"{table}.{n}": c.colour for table, given in tables.items() for n, c in given.items()
    }
    return {**colours, "mathematical": draw.mathematical or None}


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    """A record of a spec as plain data, without places."""
    # As deep as the records and the reader's limit at most.
    if isinstance(value, Reference):
        return names.get(value.name, value.name)
    if isinstance(value, Value):
        return plain(value)
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name), names)
            for field in fields(value)
            if field.name != "place"
        }
    if isinstance(value, Mapping):
        return {key: _plain(item, names) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item, names) for item in value]
    return value


def _together(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes; what changed alike in copies of a block that follow each other is one."""
    found: list[Change] = []
    last: dict[Any, tuple[int, int, int]] = {}  # where it is, and its first and last copy
    for change in changes:
        copy = _COPY.fullmatch(change.name) if change.kind == "changed" else None
        if copy is None:
            found.append(change)
            continue
        use, node, number = copy["use"], copy["node"], int(copy["number"])
        key = (change.part, use, node, str(change.details))
        at, first, previous = last.get(key, (0, 0, 0))
        if first and previous == number - 1:
            found[at] = replace(change, name=f"{use}.{first}-{number}.{node}")
        else:
            at, first = len(found), number
            found.append(change)
        last[key] = (at, first, number)
    return iter(found)


def _is_wiring(change: Change, detail: Detail) -> bool:
    return change.part == "nodes" and detail.aspect == "inputs"


def _described(aspect: str, value: Any) -> str:
    """An aspect of something that is added or removed."""
    if aspect in ("op", "shape", ""):
        return _shown(value)
    if aspect == "parameters":
        return counted(value, "parameter")
    if aspect == "inputs":
        return f"of {', '.join(value) if isinstance(value, list) else _shown(value)}"
    return f"{aspect} {_shown(value)}"


def _apart(old: Any, new: Any) -> tuple[str, str]:
    """Both values as they are shown, from shortly before where they differ if that is far on."""
    texts = _text(old), _text(new)
    if _cut(texts[0]) != _cut(texts[1]):
        return _cut(texts[0]), _cut(texts[1])
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    start = max(0, alike - _BEFORE)
    return _cut(f"...{texts[0][start:]}"), _cut(f"...{texts[1][start:]}")


def _shown(value: Any) -> str:
    return _cut(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else flow(located(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
