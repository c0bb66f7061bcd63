"""Two independent faults in one file are two errors, wherever the two are.

Faults are planted in sound specs: each knows its code, the place it must be told at, and what it
hides. All pairs that do not hide each other are to be told, and nothing beside them.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphnn
from graphnn.diagnostics import Span
from graphnn.ops import REGISTRY
from graphnn.spec import reader
from graphnn.spec.values import plain
from graphnn.testing import networks
from places import SPECS

WHOLE = {
    "graphnn": 1,
    "name": "whole",
    "description": "every section",
    "sizes": {"pixels": 6, "hidden": 4, "time": "free"},
    "dtype": "float64",
    "blocks": {
        "dense": {
            "sizes": ["units"],
            "inputs": ["p"],
            "nodes": {
                "w": {"op": "affine", "inputs": "p", "units": "units"},
                "z": {"op": "relu", "inputs": "w"},
            },
            "output": "z",
        },
        "pair": {
            "inputs": ["p", "q"],
            "nodes": {
                "s": {"op": "add", "inputs": ["p", "q"]},
                "i": {"block": "dense", "inputs": "s", "units": 4},
            },
            "output": "i",
        },
    },
    "nodes": {
        "x": {"op": "input", "shape": ["batch", "pixels"]},
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
        "s": {"op": "input", "shape": ["time", 2]},
        "a": {"op": "affine", "inputs": "x", "units": "hidden", "weight": "he"},
        "b": {"op": "leaky_relu", "inputs": ["a"], "slope": 0.1},
        "c": {"op": "affine", "inputs": {"x": "b"}, "units": 4, "weight": {"share": "d.weight"}},
        "d": {"op": "affine", "inputs": "b", "units": 4, "weight": {"normal": {"std": 0.1}}},
        "e": {"op": "add", "inputs": ["c", "d"], "about": "both"},
        "y": {"op": "softmax", "inputs": "e"},
        "loss": {"op": "cross_entropy", "inputs": ["y", "t"]},
        "m": {"op": "mean", "inputs": "s", "axis": 0},
        "h": {"block": "dense", "inputs": "e", "units": "hidden", "repeat": 2},
        "k": {"block": "pair", "inputs": {"p": "h", "q": "d"}},
    },
    "outputs": ["y", "m", "k"],
    "examples": [
        {"inputs": {"x": [[0, 0, 0, 0, 0, 0]]}, "outputs": {"y": {"sum": 1.0}}},
        {"inputs": {"x": {"ones": [1, "pixels"]}, "t": [2]}, "outputs": {"loss": [1.0]}},
    ],
    "train": {
        "data": {"npz": "elsewhere.npz"},
        "loss": "loss",
        "metrics": {"accuracy": ["y", "t"]},
        "optimizer": {"sgd": {"learning_rate": 0.1}},
        "validation": 0.1,
        "early_stopping": {"patience": 2},
        "epochs": 3,
    },
    "search": {
        "learning_rate": {"log_uniform": [0.01, 1.0]},
        "time": {"choice": [4, 5]},
        "metric": "validation_accuracy",
    },
    "draw": {
        "families": {"linear": "teal"},
        "ops": {"relu": "#ff8800"},
        "nodes": {"a": "red", "h": "#fff"},
        "mathematical": True,
    },
    "allow": ["unused-input"],
}
FILES = {
    "rows.csv": ["p,q,kind", "1,2,0", "3,4,1", "5,6,2", "7,8,0", "9,10,1"],
    "held.csv": ["x.0,x.1,t", "1,2,0", "3,4,1"],
}
TRAINED = {
    "graphnn": 1,
    "sizes": {"width": 3},
    "nodes": {
        "x": {"op": "input", "shape": ["batch", 2]},
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
        "a": {"op": "affine", "inputs": "x", "units": "width"},
        "y": {"op": "softmax", "inputs": "a"},
        "loss": {"op": "cross_entropy", "inputs": ["y", "t"]},
        "b": {"op": "affine", "inputs": "x", "units": 2},
        "c": {"op": "tanh", "inputs": "b"},
    },
    "outputs": ["y", "c"],
    "train": {
        "data": {"csv": {"file": "rows.csv", "x": ["p", "q"], "t": "kind"}},
        "validation": {"csv": "held.csv"},
        "test": 1,
        "loss": "loss",
        "metrics": {"accuracy": ["y", "t"]},
        "optimizer": "sgd",
    },
}


# ------------------------------------------------------------------ writing, with places


@dataclass(frozen=True)
class Word:
    """A word written as it is, whatever it stands for."""

    text: str


BLOCKS = {"dense": {"dense"}, "pair": {"pair", "dense"}}  # with those that each is made of
Place = tuple[str, int, int]  # file, or "" for the document; line, column
AGAIN = "#"  # ends a key that is written without it: a dict cannot hold a key twice
Path_ = tuple[Any, ...]


class Writer:
    """Writes a document, and notes where the keys and values of every path stand."""

    def __init__(self, yaml: bool) -> None:
        self.yaml = yaml
        self.text = ""
        self.keys: dict[Path_, tuple[int, int]] = {}
        self.values: dict[Path_, tuple[int, int]] = {}

    def document(self, value: Any, path: Path_ = ()) -> None:
        if not (isinstance(value, dict) and value and len(path) < 2):
            self._put(" ")
            self._flow(value, path)
            return
        if not self.yaml:
            self._put("{")
        for number, (key, item) in enumerate(value.items()):
            self._put("," if number and not self.yaml else "")
            self._put("\n" + "  " * len(path) if self.text else "")
            self._key(key, path)
            self.document(item, (*path, key))
        if not self.yaml:
            self._put("}")

    def _flow(self, value: Any, path: Path_) -> None:
        self.values[path] = self._place()
        if isinstance(value, dict):
            self._put("{")
            for number, (key, item) in enumerate(value.items()):
                self._put(", " if number else "")
                self._key(key, path)
                self._put(" ")
                self._flow(item, (*path, key))
            self._put("}")
        elif isinstance(value, list):
            self._put("[")
            for number, item in enumerate(value):
                self._put(", " if number else "")
                self._flow(item, (*path, number))
            self._put("]")
        else:
            self._put(value.text if isinstance(value, Word) else self._scalar(value))

    def _key(self, key: str, path: Path_) -> None:
        self.keys[(*path, key)] = self._place()
        self._put(f"{self._scalar(key.removesuffix(AGAIN))}:")

    def _scalar(self, value: Any) -> str:
        bare = isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w.-]*", value)
        reserved = str(value).lower() in ("true", "false", "null")
        return value if self.yaml and bare and not reserved else json.dumps(value)

    def _put(self, text: str) -> None:
        self.text += text

    def _place(self) -> tuple[int, int]:
        line = self.text.count("\n") + 1
        return line, len(self.text) - self.text.rfind("\n")


# ------------------------------------------------------------------------------ faults


@dataclass(frozen=True)
class Fault:
    """A change of a document, the code that it brings about, and where.

    `node` is the node it is in; `level` 0 is told always, 1 where the op of that node is known,
    2 where that node and all it depends on are sound; `breaks` tells that the node is not. For a
    use of a block, its block takes the place of the op. Of data, `after` names what else at fault
    hides it, by `label`.
    """

    code: str
    path: Path_
    value: Any = None
    at: Path_ = ()
    key: bool = False
    node: str = ""
    level: int = 0
    hides_op: bool = False
    breaks: bool = False
    needs: tuple[Path_, ...] = ()  # parts of the document that must be sound for it to be told
    label: str = ""
    after: tuple[str, ...] = ()

    def plant(self, document: Any) -> None:
        *outer, last = self.path
        for step in outer:
            document = document[step]
        if self.value is DROPPED:
            del document[last]
        else:
            document[last] = copy.deepcopy(self.value)

    def plant_in(self, files: dict[str, list[str]]) -> None:
        """Change the files that the document names."""

    def place(self, writer: Writer) -> Place:
        line, column = (writer.keys if self.key else writer.values)[self.at or self.path]
        within = self.code == "unknown-size" and not writer.yaml  # the name, without its quotes
        return "", line, column + within


@dataclass(frozen=True)
class Cell(Fault):
    """Another line in a file of rows; the fault is told there, at `column`, or in the document."""

    file: str = ""
    line: int = 0
    text: str = ""
    column: int = 0

    def plant(self, document: Any) -> None:
        pass

    def plant_in(self, files: dict[str, list[str]]) -> None:
        files[self.file][self.line - 1] = self.text

    def place(self, writer: Writer) -> Place:
        return (self.file, self.line, self.column) if self.column else super().place(writer)


@dataclass(frozen=True)
class Frozen(Fault):
    """Nothing to train: no parameter is."""

    def plant(self, document: Any) -> None:
        for body in document["nodes"].values():
            if isinstance(body, dict):
                body.setdefault("trainable", False)


DROPPED = Word("dropped")
NO_FILES: dict[str, list[str]] = {}
STOPPING = ("train", "early_stopping", "patience")
NAN = Word(".nan")
NAN_JSON = Word("NaN")


def faults(document: dict[str, Any]) -> Iterator[Fault]:
    """Faults to plant in a sound document, one a path and kind."""
    nodes = document["nodes"]
    yield Fault("unknown-key", ("zzz",), 3, key=True)
    yield Fault("wrong-type", ("dtype",), "double")
    yield Fault("wrong-type", ("name",), 7)
    yield Fault("non-finite-number", ("description",), NAN)
    yield Fault(
        "unknown-node",
        ("outputs",),
        [*document.get("outputs", ()), "nosuch"],
        (
            "outputs",
            len(document.get("outputs", ())),
        ),
    )
    if "sizes" in document:
        yield Fault("wrong-type", ("sizes", "more"), -1)
        yield Fault("bad-name", ("sizes", "2nd"), 3, key=True)
        yield Fault("non-finite-number", ("sizes", "odd"), NAN)
    for number, example in enumerate(document.get("examples", ())):
        yield from _of_example(("examples", number), example, depends(nodes))
    yield Fault("no-such-file", ("weights",), {"file": "nosuch.npz"}, ("weights", "file"))
    if "draw" in document:
        yield Fault("bad-colour", ("draw", "ops", "tanh"), "nosuch")
        yield Fault("unknown-op", ("draw", "ops", "nosuch"), "red", key=True)
        yield Fault("unknown-family", ("draw", "families", "nosuch"), "red", key=True)
        yield Fault("unknown-node", ("draw", "nodes", "nosuch"), "red", key=True)
        yield Fault("wrong-type", ("draw", "mathematical"), "of course")
    yield Fault("bad-allow", ("allow",), ["nosuch"], ("allow", 0))
    if "search" in document:
        yield from _of_search(document["search"])
    for name, body in document.get("blocks", {}).items():
        yield from _of_block(name, body)
    if "train" in document:
        yield Fault("bad-split", ("train", "validation"), 1.5)
        yield Fault("bad-split", ("train", "test"), "lots")
        yield Fault("unknown-data", ("train", "data"), {"npzz": 1}, ("train", "data", "npzz"), True)
        yield Fault("wrong-type", ("train", "early_stopping"), {"patience": 0}, STOPPING)
        yield Fault("unknown-key", ("train", "zzz"), 1, key=True)
        yield Fault("wrong-type", ("train", "epochs"), 0)
        yield Fault("non-finite-number", ("train", "seed"), NAN)
        yield Fault("unknown-optimizer", ("train", "optimizer"), "sgdd")
        yield Fault(
            "bad-optimizer",
            ("train", "optimizer"),
            {"sgd": {"zzz": 1}},
            (
                "train",
                "optimizer",
                "sgd",
                "zzz",
            ),
            key=True,
        )
        yield Fault("unknown-node", ("train", "loss"), "nosuch")
        yield Fault("unknown-metric", ("train", "metrics", "nosuch"), ["y"], key=True)
    yield Fault("duplicate-key", (f"graphnn{AGAIN}",), 2, key=True)
    yield Fault("bad-name", ("nodes", "2nd"), {"op": "constant", "value": 1}, key=True)
    yield Fault("wrong-type", ("nodes", "extra"), 3, label="lost")
    for name, body in nodes.items():
        yield Fault("duplicate-key", ("nodes", name + AGAIN), {"op": "nosuch"}, key=True)
        yield from _of_node(name, body, nodes) if "op" in body else _of_use(name, body)


def _of_example(
    path: Path_, body: dict[str, Any], upstream: dict[str, set[str]]
) -> Iterator[Fault]:
    yield Fault("wrong-type", (*path, "rtol"), -1)
    yield Fault("unknown-node", (*path, "outputs", "nosuch"), [1], key=True)
    yield Fault("unknown-key", (*path, "zzz"), 1, key=True)
    for name in body["inputs"]:
        at = (*path, "inputs", name)
        yield Fault("bad-array", at, {"zero": [1]})
        yield Fault("not-numbers", at, [["a"]], (*at, 0, 0))
        yield Fault("bad-size", at, {"zeros": [0]}, (*at, "zeros", 0))
        yield Fault("unknown-size", at, {"zeros": ["nosuch"]}, (*at, "zeros", 0))
        yield Fault("wrong-shape", at, [[[[1]]]], node=name, level=2)
    for name in body["outputs"]:
        at = (*path, "outputs", name)
        yield Fault("not-numbers", at, {"sum": "one"}, (*at, "sum"))
        yield Fault("wrong-shape", at, [[[[[1]]]]], node=name, level=2)
        needed = upstream[name] & body["inputs"].keys() if len(body["outputs"]) == 1 else ()
        for fed in sorted(needed):
            at = (*path, "inputs", fed)
            yield Fault("missing-input", at, DROPPED, path, node=name, level=2)


def _of_search(body: dict[str, Any]) -> Iterator[Fault]:
    yield Fault("unknown-setting", ("search", "nonesuch"), {"uniform": [0.1, 1.0]}, key=True)
    yield Fault("wrong-type", ("search", "seed"), -1)
    yield Fault("unknown-metric", ("search", "metric"), "nonesuch")
    for name in sorted(body.keys() - {"metric"}):
        at = ("search", name)
        yield Fault("unknown-key", at, {"nosuch": [1]}, (*at, "nosuch"), key=True)
        yield Fault("wrong-type", at, {"choice": 3}, (*at, "choice"))
        yield Fault("bad-range", at, {"uniform": [1.0, 0.5]}, (*at, "uniform"))
    rate = ("search", "learning_rate")
    bad = {"choice": [0.1, -1]}
    yield Fault("bad-optimizer", rate, bad, (*rate, "choice", 1), needs=(("train", "optimizer"),))
    yield Fault("wrong-type", ("search", "time"), bad, ("search", "time", "choice", 0))


def _of_data() -> Iterator[Fault]:
    """Faults of what `TRAINED` trains on."""
    csv, held = ("train", "data", "csv"), ("train", "validation", "csv")
    file, columns = (*csv, "file"), (*csv, "x")
    yield Fault("file-outside", file, "../rows.csv", label="file")
    # The graph has no part in what a file is, nor in the columns that the document names itself.
    header = ("header", "file")
    yield Cell("duplicate-column", (*file, 1), None, file="rows.csv", line=1, text="p,p,kind",
               column=3, label="header", after=("file",))  # fmt: skip
    yield Fault("unknown-column", (*columns, 1), "nosuch", label="x", after=header)
    yield Fault("wrong-type", (*csv, "t"), 0.5, label="t")
    yield Fault("unknown-input", (*csv, "zzz"), "p", key=True, label="key")
    yield Cell("not-a-number", (*file, 3), None, file="rows.csv", line=3, text="3,four,1",
               column=3, label="cell", after=("x", *header))  # fmt: skip
    yield Cell("ragged-row", (*file, 4), None, file="rows.csv", line=4, text="5,6",
               column=1, label="ragged", after=header)  # fmt: skip
    yield Cell("ragged-row", (*held, 3), None, file="held.csv", line=3, text="3,4",
               column=1, label="held")  # fmt: skip
    # What feeds an input that takes columns of its own name is told by the graph.
    yield Cell("not-a-number", (*held, 2), None, file="held.csv", line=2, text="one,2,0",
               column=1, node="loss", level=2, needs=(("train", "loss"),))  # fmt: skip
    yield Cell("class-outside", (*file, 2), None, file="rows.csv", line=2,
               text="1,2,7", column=5, node="loss", level=2, needs=(("train", "loss"), (*csv, "t")),
               label="class", after=("ragged", *header))  # fmt: skip
    rows = ("cell", "ragged", "x", "t", "key", "class", *header)
    yield Fault("bad-split", ("train", "test"), 100, after=rows, needs=(("train", "data"),))
    split = (("train", "data"), ("train", "test"), ("train", "validation"))
    yield Fault("too-few-rows", ("train", "rows"), 100, after=rows, needs=split)
    needs = (("train", "loss"), ("train", "zzz"))
    yield Fault("no-data", ("train", "data"), DROPPED, ("train",), True, "loss", 2, needs=needs)


def _of_block(name: str, body: dict[str, Any]) -> Iterator[Fault]:
    path = ("blocks", name)
    lost = {"node": f"block {name}", "breaks": True}
    yield Fault("unknown-key", (*path, "zzz"), 1, key=True)
    yield Fault("unknown-node", (*path, "output"), "nosuch", **lost)
    yield Fault("bad-name", (*path, "nodes", "2nd"), {"op": "relu", "inputs": "p"}, key=True)
    for inner, node in body["nodes"].items():
        at = (*path, "nodes", inner)
        if isinstance(node["inputs"], str):
            yield Fault("unknown-node", (*at, "inputs"), "nosuch", **lost)
        kind, code = ("op", "unknown-op") if "op" in node else ("block", "unknown-block")
        yield Fault(code, (*at, kind), "nosuch", **lost)
        yield Fault("wrong-type", (*at, "trainable"), "perhaps", label="trainable")


def _of_use(name: str, body: dict[str, Any]) -> Iterator[Fault]:
    path = ("nodes", name)
    lost = {"node": name, "breaks": True}
    yield Fault("unknown-block", (*path, "block"), "nosuch", hides_op=True, **lost)
    yield Fault("wrong-type", (*path, "trainable"), "perhaps", label="trainable", node=name)
    other = f"key of {name}"  # which may be meant for a size that is missing
    yield Fault("unknown-key", (*path, "zzz"), 1, key=True, level=1, label=other, **lost)
    if "units" in body:
        yield Fault("unknown-size", (*path, "units"), "nosuch", level=1, **lost)
        yield Fault("bad-size", (*path, "units"), 0, level=1, **lost)
        size = (*path, "units")
        yield Fault(
            "missing-size", size, DROPPED, (*path, "block"), level=1, after=(other,), **lost
        )
        yield Fault("bad-size", (*path, "repeat"), 0, **lost)
        yield Fault("unknown-node", (*path, "inputs"), "nosuch", **lost)
        yield Fault("wrong-inputs", (*path, "inputs"), ["x", "x"], level=1, **lost)


def _of_node(name: str, body: dict[str, Any], nodes: dict[str, Any]) -> Iterator[Fault]:
    path = ("nodes", name)
    op = REGISTRY[body["op"]]
    lost = {"node": name, "breaks": True}
    yield Fault("unknown-op", (*path, "op"), "nosuch", hides_op=True, **lost)
    typed = [(*path, key) for key in ("stop", "output_padding") if key in body]  # meant for it?
    yield Fault(
        "missing-key", (*path, "op"), DROPPED, [*typed, path][0], True, hides_op=True, **lost
    )
    yield Fault("wrong-type", (*path, "trainable"), "perhaps", label="trainable", node=name)
    yield Fault("non-finite-number", (*path, "about"), NAN, node=name)
    yield Fault("unknown-key", (*path, "zzz"), 1, key=True, node=name, level=1)
    inputs = body.get("inputs")
    if inputs and not op.data_operands()[0].many:
        listed = [inputs] if isinstance(inputs, str) else inputs
        if isinstance(listed, list):
            yield Fault("wrong-inputs", (*path, "inputs"), [*listed, *listed], level=1, **lost)
            first = ("inputs", 0) if inputs is listed else ("inputs",)
            yield Fault("unknown-node", (*path, *first), "nosuch", **lost)
            yield Fault("wrong-type", (*path, *first), 3, **lost)
            yield Fault("non-finite-number", (*path, *first), NAN, **lost)
    if body["op"] == "affine":
        yield Fault("unknown-size", (*path, "units"), "nosuch", level=1, **lost)
        yield Fault("bad-size", (*path, "units"), 0, level=1, **lost)
        yield Fault("unknown-initializer", (*path, "weight"), "nosuch", level=1, **lost)
        yield Fault("bad-parameter", (*path, "weight"), True, level=1, **lost)
        unknown = {"share": "nosuch.weight"}
        yield Fault(
            "unknown-parameter",
            (*path, "weight"),
            unknown,
            (
                *path,
                "weight",
                "share",
            ),
            level=1,
            **lost,
        )
        yield Fault("shape-mismatch", (*path, "bias"), [1] * 77, level=2, **lost)
        yield Fault(
            "ragged-array", (*path, "bias"), [[1], [2, 3]], (*path, "bias", 1), level=1, **lost
        )
    if body["op"] == "input":
        yield Fault("bad-attribute", (*path, "dtype"), "whole", level=1, **lost)
        yield Fault(
            "unknown-size",
            (*path, "shape"),
            ["batch", "nosuch"],
            (
                *path,
                "shape",
                1,
            ),
            level=1,
            **lost,
        )


def depends(nodes: dict[str, Any]) -> dict[str, set[str]]:
    """Every node with all that its shape may depend on, itself included."""
    direct: dict[str, set[str]] = {}
    for name, body in nodes.items():
        inputs = body.get("inputs") or []
        if isinstance(inputs, dict):
            inputs = list(inputs.values())
        read = {inputs} if isinstance(inputs, str) else set(inputs)
        shares = [
            item["share"] for item in body.values() if isinstance(item, dict) and "share" in item
        ]
        direct[name] = read | {share.rpartition(".")[0] for share in shares} | {name}
        direct[name] |= {f"block {used}" for used in BLOCKS.get(body.get("block"), ())}
    for _ in nodes:
        direct = {
            name: set().union(*(direct.get(each, {each}) for each in found))
            for name, found in direct.items()
        }
    return direct


def hides(one: Fault, other: Fault, upstream: dict[str, set[str]]) -> bool:
    """Whether `one` keeps `other` from being told, or takes its place."""
    if any(one.path[: len(needed)] == needed for needed in other.needs):
        return True
    if one.label in other.after:
        return True
    shorter = min(len(one.path), len(other.path))
    if one.path[:shorter] == other.path[:shorter]:
        return True
    same = bool(one.node) and one.node == other.node
    if other.level >= 1 and one.hides_op and same:
        return True
    if same and {one.code, other.code} >= {"missing-key"}:
        return True  # a node without an op is not looked at any further
    return other.level == 2 and one.breaks and one.node in upstream[other.node]


def check(
    document: dict[str, Any],
    planted: tuple[Fault, ...],
    *,
    yaml: bool,
    folder: Path,
    files: Mapping[str, list[str]] = NO_FILES,
) -> None:
    changed, lines = copy.deepcopy(document), {name: [*text] for name, text in files.items()}
    for fault in planted:
        fault.plant(changed)
        fault.plant_in(lines)
    for name, text in lines.items():
        (folder / name).write_text("\n".join(text) + "\n")
    if not yaml:
        changed = _in_json(changed)
    writer = Writer(yaml)
    writer.document(changed)
    found = graphnn.diagnose_text(writer.text, folder=folder, json=not yaml)
    errors = [each for each in found if each.severity == "error"]
    told = [(*_place(each.span), each.code) for each in errors]
    expected = sorted((*fault.place(writer), fault.code) for fault in planted)
    assert sorted(told) == expected, (writer.text, lines)
    places = [(each.span.source.name, each.span.line, each.span.column) for each in errors]
    assert places == sorted(places)


def _place(span: Span) -> Place:
    name = span.source.name
    return "" if name == "<text>" else Path(name).name, span.line, span.column


def _in_json(value: Any) -> Any:
    if value == NAN:
        return NAN_JSON
    if isinstance(value, dict):
        return {key: _in_json(item) for key, item in value.items()}
    return [_in_json(item) for item in value] if isinstance(value, list) else value


def pairs(document: dict[str, Any]) -> Iterator[tuple[Fault, Fault]]:
    upstream = depends(document["nodes"])
    for one, other in combinations(faults(document), 2):
        if not (hides(one, other, upstream) or hides(other, one, upstream)):
            yield one, other


def pairs_with(these: Iterable[Fault], document: dict[str, Any]) -> Iterator[tuple[Fault, Fault]]:
    """Each of these with each other fault of `document`, and with each other."""
    upstream = depends(document["nodes"])
    every = [*these]
    for one, other in (*product(every, faults(document)), *combinations(every, 2)):
        if not (hides(one, other, upstream) or hides(other, one, upstream)):
            yield one, other


def data_pairs() -> Iterator[tuple[Fault, Fault]]:
    return pairs_with([*_of_data(), nothing()], TRAINED)


def nothing() -> Fault:
    """Which a node that is lost, or of which `trainable` is, would hide."""
    hidden = {"at": ("train",), "key": True, "after": ("lost", "trainable")}
    return Frozen("nothing-to-train", ("train", "none"), **hidden)


def shipped(name: str) -> dict[str, Any]:
    return plain(reader.read_file(SPECS / name))


DOCUMENTS = {
    "whole": WHOLE,
    "three_layer": shipped("three_layer.yaml"),
    "regression": shipped("regression.yaml"),
    "xor": shipped("gates/xor.yaml"),
}
EVERY = 79  # of all pairs, one in so many is tried each time; run this file itself to try all
MOST = 100
each_document = pytest.mark.parametrize(
    ("name", "yaml"),
    [
        pytest.param(name, yaml, marks=pytest.mark.slow if (name, yaml) == ("whole", False) else [])
        for name in DOCUMENTS
        for yaml in (True, False)
    ],
)


@each_document
def test_one_fault_is_one_error(name, yaml):
    check(DOCUMENTS[name], (), yaml=yaml, folder=SPECS)
    for fault in faults(DOCUMENTS[name]):
        check(DOCUMENTS[name], (fault,), yaml=yaml, folder=SPECS)


@each_document
def test_two_faults_are_two_errors(name, yaml):
    found = list(pairs(DOCUMENTS[name]))
    assert len(found) > 1000
    for pair in random.Random(f"{name} {yaml}").sample(found, min(MOST, len(found) // EVERY)):
        check(DOCUMENTS[name], pair, yaml=yaml, folder=SPECS)


@pytest.mark.parametrize("yaml", [True, False], ids=["yaml", "json"])
def test_a_fault_of_data_and_any_other_are_two_errors(tmp_path, yaml):
    check(TRAINED, (), yaml=yaml, folder=tmp_path, files=FILES)
    for fault in (*_of_data(), nothing()):
        check(TRAINED, (fault,), yaml=yaml, folder=tmp_path, files=FILES)
    found = list(data_pairs())
    assert len(found) > 1000
    for pair in random.Random(f"data {yaml}").sample(found, 4 * MOST):
        check(TRAINED, pair, yaml=yaml, folder=tmp_path, files=FILES)


@pytest.mark.parametrize("yaml", [True, False], ids=["yaml", "json"])
def test_nothing_to_train_and_any_other_fault_are_two_errors(tmp_path, yaml):
    for name, document in DOCUMENTS.items():
        if "train" in document:
            found = list(pairs_with([nothing()], document))
            assert len(found) > 20
            for pair in random.Random(f"{name} {yaml}").sample(found, min(MOST // 2, len(found))):
                check(document, pair, yaml=yaml, folder=SPECS)


@pytest.mark.parametrize("examples", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_two_faults_in_any_network(examples):
    @settings(max_examples=examples)
    @given(networks(), st.booleans(), st.data())
    def law(case, yaml, data):
        document = plain(case.network().graph.spec.document)
        found = list(pairs(document))
        check(document, data.draw(st.sampled_from(found)), yaml=yaml, folder=SPECS)

    law()


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        for number, pair in enumerate(data_pairs()):
            yaml = number % 2 == 0
            check(TRAINED, pair, yaml=yaml, folder=Path(folder), files=FILES)
    for document in DOCUMENTS.values():
        for number, pair in enumerate(pairs(document)):
            check(document, pair, yaml=number % 2 == 0, folder=SPECS)
