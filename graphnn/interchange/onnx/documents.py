"""Nodes in the making written as a spec: names, blocks, attributes and weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphnn.graph import reached
from graphnn.interchange.onnx.repeats import Repeat, find
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Made
from graphnn.ops import Array, public_ops
from graphnn.spec import NAME
from graphnn.spec.sizes import Expression

_LONGEST = 40  # characters of a name
_NUMBERED = re.compile(r"^(.*?)\.?(\d+)\.")
_PLAIN = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Written:
    """A spec that has been made.

    Attributes
    ----------
    document : dict
        Without weights and examples.
    weights : dict of str to ndarray
        By full name of parameter.
    names : mapping of Made to str
        Full names of nodes.
    """

    document: dict[str, Any]
    weights: dict[str, Array]
    names: Mapping[Made, str]


def write(translated: Translator) -> Written:
    """The spec of what has been translated."""
    nodes = _alive(translated)
    outputs = translated.outputs
    repeats = {id(repeat.copies[0][0]): repeat for repeat in find(nodes, outputs)}
    inside = {id(node) for repeat in repeats.values() for copy in repeat.copies for node in copy}
    writer = _Writer(translated)
    for node in nodes:
        if id(node) in repeats:
            writer.repeat(repeats[id(node)])
        elif id(node) not in inside:
            writer.node(node)
    document = _head(translated)
    if writer.blocks:
        document["blocks"] = writer.blocks
    document["nodes"] = writer.nodes
    document["outputs"] = [writer.reference(node) for node in outputs]
    return Written(document, writer.weights, writer.names)


def _head(translated: Translator) -> dict[str, Any]:
    """What stands before the nodes."""
    model = translated.model
    document: dict[str, Any] = {"graphnn": 1}
    if NAME.match(model.name) and model.name not in ("main_graph", "torch_jit", "g", "graph"):
        document["name"] = _line(model.name)
    if model.about:
        document["description"] = _line(model.about)
    free = [name for name in translated.free if name != "batch"]
    if free:
        document["sizes"] = dict.fromkeys(free, "free")
    document["dtype"] = model.dtype
    return document


def _alive(translated: Translator) -> list[Made]:
    """The nodes that outputs depend on, and inputs."""
    start = {*translated.outputs, *(node for node in translated.made if node.op.is_input)}
    needed = start | reached(start, lambda node: node.inputs)
    return [node for node in translated.made if node in needed]


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


class _Writer:
    def __init__(self, translated: Translator) -> None:
        self._translated = translated
        self._outputs = {id(node): node.hints[0] for node in translated.outputs}
        self.blocks: dict[str, Any] = {}
        self.nodes: dict[str, Any] = {}
        self.weights: dict[str, Array] = {}
        self.names: dict[Made, str] = {}
        # What the outside knows has the first choice.
        self._taken: dict[str, int] = {}
        self._reserved: dict[int, str] = {}
        inputs = [node for node in translated.made if node.op.is_input]
        for node in (*inputs, *translated.outputs):
            self._reserved[id(node)] = self._unique(_clean(node.hints[0], node.op.name))

    def reference(self, node: Made) -> str:
        """What other nodes call `node`."""
        return self.names[node]

    def node(self, node: Made) -> None:
        """Write a node of the spec itself."""
        name = self._reserved.get(id(node)) or self._unique(_name_of(node))
        self.names[node] = name
        self._keep(name, node)
        self.nodes[name] = _entry(node, name, self.names)

    def repeat(self, repeat: Repeat) -> None:
        """Write a block, and the use of it."""
        last = repeat.copies[-1][repeat.output]
        stem = _stem(repeat.copies[0])
        use = self._reserved.get(id(last)) or self._unique(stem)
        block = _fresh(stem, dict.fromkeys((*self.blocks, *public_ops()), 1))
        taken = {"x": 1}
        local: dict[Made, str] = {repeat.source: "x"}
        names = []
        for node in repeat.copies[0]:
            name = _fresh(_clean(_local(node), node.op.name), taken)
            local[node] = name
            names.append(name)
        entries = {local[node]: _entry(node, local[node], local) for node in repeat.copies[0]}
        self.blocks[block] = {
            "sizes": [],
            "inputs": ["x"],
            "nodes": entries,
            "output": names[repeat.output],
        }
        for number, copy in enumerate(repeat.copies, 1):
            for name, node in zip(names, copy, strict=True):
                full = f"{use}.{number}.{name}"
                self.names[node] = full
                self._keep(full, node)
            self.names[copy[repeat.output]] = f"{use}.{number}"
        self.names[last] = use
        source = self.names[repeat.source]
        self.nodes[use] = {"block": block, "inputs": source, "repeat": len(repeat.copies)}

    def _keep(self, name: str, node: Made) -> None:
        for key, array in node.arrays.items():
            if array is not None:
                self.weights[f"{name}.{key}"] = np.ascontiguousarray(array)

    def _unique(self, name: str) -> str:
        return _fresh(name, self._taken)


def _fresh(name: str, taken: dict[str, int]) -> str:
    """`name`, with a number after it where it is taken; `taken` has the last such number."""
    found, number = name, taken.get(name, 0)
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken[name] = max(number, 1)
    taken[found] = 1
    return found


def _clean(text: str, op: str) -> str:
    """`text` as a name."""
    plain = _PLAIN.sub("_", text).strip("_")
    if len(plain) > _LONGEST:
        parts = [part for part in re.split(r"[./]", text) if part]
        plain = _PLAIN.sub("_", parts[-1] if parts else "").strip("_")[-_LONGEST:].strip("_")
    if not plain or plain == "batch":
        return op
    return plain if NAME.fullmatch(plain) else f"{op}_{plain}"


def _name_of(node: Made) -> str:
    hint = next(filter(None, node.hints), "")
    return _clean(hint, node.op.name) if hint else node.op.name


def _local(node: Made) -> str:
    """What `node` is called in its block: without the number of the copy, and what is before."""
    hint = next(filter(None, node.hints), "")
    return _NUMBERED.sub("", hint, count=1) if hint else node.op.name


def _stem(nodes: Iterable[Made]) -> str:
    """What a block is called: what stands before the number of the copy in names of weights."""
    for node in nodes:
        for hint in node.hints:
            if (found := _NUMBERED.match(hint)) and (name := _clean(found[1], "")):
                return name if NAME.fullmatch(name) else "block"
    return "block"


def _entry(node: Made, name: str, names: Mapping[Made, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"op": node.op.name}
    inputs = [names[source] for source in node.inputs]
    if inputs:
        entry["inputs"] = inputs[0] if len(inputs) == 1 else inputs
    entry.update(_attributes(node))
    entry.update({key: False for key, array in node.arrays.items() if array is None})
    if not node.trainable:
        entry["trainable"] = False
    if node.about:
        entry["about"] = _line(node.about)
    elif node.origin and node.origin != name and not node.op.is_input:
        entry["about"] = _line(node.origin)
    return entry


def _attributes(node: Made) -> dict[str, Any]:
    """Attributes that are not at their defaults."""
    fields, found = type(node.op).model_fields, {}
    for key in type(node.op).attribute_names:
        if key not in node.given:
            continue
        value = node.given[key]
        if fields[key].is_required() or not node.op.is_default(key):
            found[key] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value
