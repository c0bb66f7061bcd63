"""Faults to plant in a sound document, each with its code and its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphnn.ops import REGISTRY
from graphnn.testing._strategies.writing import AGAIN, Path, Word, Writer

Document = dict[str, Any]
Place = tuple[str, int, int]  # file, or "" for the document; line, column
DROPPED = Word("dropped")
STOPPING = ("train", "early_stopping", "patience")
NAN = Word(".nan")
NAN_JSON = Word("NaN")


@dataclass(frozen=True)
class Fault:
    """A change of a document, the code that it brings about, and where.

    `node` is the node it is in; `level` 0 is reported always, 1 where the op of that node is known,
    2 where that node and all it depends on are sound; `breaks` says that the node is not. For a
    use of a block, its block takes the place of the op. Of data, `after` names what else at fault
    hides it, by `label`.
    """

    code: str
    path: Path
    value: Any = None
    at: Path = ()
    key: bool = False
    node: str = ""
    level: int = 0
    hides_op: bool = False
    breaks: bool = False
    needs: tuple[Path, ...] = ()  # parts of the document that must be sound for it to be reported
    label: str = ""
    after: tuple[str, ...] = ()

    def plant(self, document: Any) -> None:
        """Change the document."""
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
        """Where it is reported, in what has been written."""
        place = self.at or self.path
        places = writer.keys if self.key else writer.values
        if self.code == "unknown-size":
            places = writer.texts  # the name alone
        line, column = places[place]
        return "", line, column


def faults(document: Document) -> Iterator[Fault]:
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
        yield from _of_example(("examples", number), example, depends(document))
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
    blocks = document.get("blocks", {})
    used = set[str]().union(*(_blocks(body, blocks) for body in nodes.values()))
    for name, body in blocks.items():
        yield from _of_block(name, body, blocks, name in used)
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
        if "op" in body:
            yield from _of_node(name, body, nodes)
        else:
            yield from _of_use(("nodes", name), body, blocks, name)


def _of_example(path: Path, body: Document, upstream: dict[str, set[str]]) -> Iterator[Fault]:
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


def _of_search(body: Document) -> Iterator[Fault]:
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


def _of_block(name: str, body: Document, blocks: Document, used: bool) -> Iterator[Fault]:
    path, node = ("blocks", name), f"block {name}"
    lost: dict[str, Any] = {"node": node, "breaks": True}
    yield Fault("unknown-key", (*path, "zzz"), 1, key=True)
    yield Fault("unknown-node", (*path, "output"), "nosuch", **lost)
    yield Fault("bad-name", (*path, "nodes", "2nd"), {"op": "relu", "inputs": "p"}, key=True)
    for inner, each in body["nodes"].items():
        at = (*path, "nodes", inner)
        if "block" in each:
            yield from _of_use(at, each, blocks, node)
            if used:  # what else it is repeated is not known
                yield from _of_numbers(at, each, blocks, level=2, node=f"uses of {name}")
            continue
        if isinstance(each.get("inputs"), str):
            yield Fault("unknown-node", (*at, "inputs"), "nosuch", **lost)
        yield Fault("unknown-op", (*at, "op"), "nosuch", **lost)
        yield Fault("wrong-type", (*at, "trainable"), "perhaps", label="trainable")


def _of_use(path: Path, body: Document, blocks: Document, node: str) -> Iterator[Fault]:
    """Faults of a use that are reported whatever it is repeated in; it is in a node or a block."""
    lost: dict[str, Any] = {"node": node, "breaks": True}
    yield Fault("unknown-block", (*path, "block"), "nosuch", hides_op=True, **lost)
    yield Fault("wrong-type", (*path, "trainable"), "perhaps", label="trainable", node=node)
    other = f"key of {path}"  # which may be meant for a size that is missing
    yield Fault("unknown-key", (*path, "zzz"), 1, key=True, level=1, label=other, **lost)
    for size in _sizes(body, blocks):
        at = (*path, size)
        yield Fault("missing-size", at, DROPPED, (*path, "block"), level=1, after=(other,), **lost)
    inputs = body["inputs"]
    if isinstance(inputs, str):
        yield Fault("unknown-node", (*path, "inputs"), "nosuch", **lost)
        yield Fault("wrong-inputs", (*path, "inputs"), [inputs] * 2, level=1, **lost)
    else:
        for key in inputs if isinstance(inputs, dict) else range(len(inputs)):
            yield Fault("unknown-node", (*path, "inputs", key), "nosuch", **lost)
    if path[0] == "nodes":
        yield Fault("bad-size", (*path, "repeat"), 0, **lost)
        yield from _of_numbers(path, body, blocks, level=1, node=node)


def _of_numbers(
    path: Path, body: Document, blocks: Document, level: int, node: str
) -> Iterator[Fault]:
    """Faults of the sizes that a use gives."""
    for size in _sizes(body, blocks):
        at = (*path, size)
        yield Fault("unknown-size", at, "nosuch", level=level, node=node, breaks=True)
        yield Fault("bad-size", at, 0, level=level, node=node, breaks=True)


def _sizes(body: Document, blocks: Document) -> list[str]:
    """The sizes of the block that a node uses."""
    sizes: list[str] = blocks[body["block"]].get("sizes", [])
    return sizes


def _of_node(name: str, body: Document, nodes: Document) -> Iterator[Fault]:
    path = ("nodes", name)
    op = REGISTRY[body["op"]]
    lost: dict[str, Any] = {"node": name, "breaks": True}
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
            most = len(op.data_operands())
            many = (listed * (most + 1))[: most + 1]
            yield Fault("wrong-inputs", (*path, "inputs"), many, level=1, **lost)
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


def depends(document: Document) -> dict[str, set[str]]:
    """Every node with all that its shape may depend on, itself included."""
    nodes, blocks = document["nodes"], document.get("blocks", {})
    direct: dict[str, set[str]] = {}
    for name, body in nodes.items():
        direct[name] = {name, *_read(body), *(f"block {used}" for used in _blocks(body, blocks))}
    for block in blocks:
        # Sizes in a block are looked at where it is used.
        users = {name for name, body in nodes.items() if block in _blocks(body, blocks)}
        direct[f"uses of {block}"] = users
    for _ in direct:
        direct = {
            name: set().union(*(direct.get(each, {each}) for each in found))
            for name, found in direct.items()
        }
    return direct


def _read(body: Document) -> set[str]:
    """Nodes that a node reads, and whose parameters it shares."""
    inputs = body.get("inputs") or []
    if isinstance(inputs, dict):
        inputs = list(inputs.values())
    shares = [item["share"] for item in body.values() if isinstance(item, dict) and "share" in item]
    read = {inputs} if isinstance(inputs, str) else set(inputs)
    return read | {share.rpartition(".")[0] for share in shares}


def hides(one: Fault, other: Fault, upstream: dict[str, set[str]]) -> bool:
    """Whether `one` keeps `other` from being reported, or takes its place."""
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


def _blocks(body: Document, blocks: Document) -> set[str]:
    """The blocks that a node is made of."""
    used = body.get("block")
    if used not in blocks:
        return set()
    inner = (_blocks(node, blocks) for node in blocks[used]["nodes"].values())
    return {used}.union(*inner)


def in_json(value: Any) -> Any:
    """The document with what stands for NaN in JSON."""
    if value == NAN:
        return NAN_JSON
    if isinstance(value, dict):
        return {key: in_json(item) for key, item in value.items()}
    return [in_json(item) for item in value] if isinstance(value, list) else value
