"""Texts of specs: sound ones, ones with faults, and pairs that say the same."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from graphnn.diagnostics import RunError
from graphnn.testing._strategies.arguments import check_whole
from graphnn.testing._strategies.drawing import Choices, independent
from graphnn.testing._strategies.faults import Fault, depends, faults, hides, in_json
from graphnn.testing._strategies.layouts import written
from graphnn.testing._strategies.named_sizes import numbered
from graphnn.testing._strategies.network_case import NetworkCase
from graphnn.testing._strategies.networks import networks

Document = dict[str, Any]
_TEXTS = (
    "net",
    "no",
    "1e3",
    "what? so x#y",
    "-x, a:b",
    "what it is: a node",
    "many words " * 12 + "end",
    "many words " * 12 + "\nend\t",
    "two  words\n- and # two lines\n",
    " # not a comment\n\n - one\n\n",
)


@dataclass(frozen=True, slots=True)
class InvalidSpec:
    """The text of a spec with faults, and what is to be reported of it.

    Attributes
    ----------
    text : str
        YAML, or JSON where `json` holds.
    json : bool
    faults : tuple of (str, tuple of int)
        Of each fault the code of the error, and the line and column where it begins, counted from
        1; in the order of their places.
    """

    text: str
    json: bool
    faults: tuple[tuple[str, tuple[int, int]], ...]

    @property
    def code(self) -> str:
        """Code of the first fault."""
        return self.faults[0][0]

    @property
    def span(self) -> tuple[int, int]:
        """Line and column of the first fault."""
        return self.faults[0][1]


@dataclass(frozen=True, slots=True)
class EquivalentSpecs:
    """Two texts that declare the same network.

    Attributes
    ----------
    first, second : str
    names : mapping of str to str
        For each node of the first, blocks unfolded, what the second calls it.
    inputs : mapping of str to ndarray
        That the first takes.
    """

    first: str
    second: str
    names: Mapping[str, str]
    inputs: Mapping[str, Any]


def specs(**options: Any) -> SearchStrategy[str]:
    """Texts of sound specs: JSON, or YAML in any layout; keys in any order.

    YAML has every style of texts and collections, explicit keys, anchors and aliases, and comments
    wherever they may stand, each with another number: ``# 1!`` and more.

    Parameters
    ----------
    **options
        As for `networks`.

    Returns
    -------
    SearchStrategy of str
    """
    return independent(_specs(networks(**options)))


@st.composite
def _specs(draw: DrawFn, cases: SearchStrategy[NetworkCase]) -> str:
    case, choices = draw(cases), Choices(draw)
    document = _shuffled(choices, _furnished(choices, case))
    return _text(choices, document, yaml=not choices.chance(4))


def invalid_specs(*, most: int = 2, **options: Any) -> SearchStrategy[InvalidSpec]:
    """Texts of specs with one or more faults that do not hide each other.

    Parameters
    ----------
    most : int
        The most faults in one spec.
    **options
        As for `networks`.

    Returns
    -------
    SearchStrategy of InvalidSpec
    """
    check_whole("most", most, 1, 10)
    return independent(_invalid_specs(networks(**options), most))


@st.composite
def _invalid_specs(draw: DrawFn, cases: SearchStrategy[NetworkCase], most: int) -> InvalidSpec:
    document, choices = copy.deepcopy(draw(cases).document), Choices(draw)
    upstream, planted = depends(document), list[Fault]()
    possible = [*faults(document)]
    for _ in range(choices.integer(1, most)):
        apart = [
            fault
            for fault in possible
            if not any(
                hides(fault, each, upstream) or hides(each, fault, upstream) for each in planted
            )
        ]
        if apart:
            planted.append(choices.one_of(apart))
    for fault in planted:
        fault.plant(document)
    json = choices.chance(4)
    writer = written(in_json(document) if json else document, yaml=not json, draw=choices)
    found = sorted((fault.place(writer)[1:], fault.code) for fault in planted)
    return InvalidSpec(writer.text, json, tuple((code, place) for place, code in found))


def equivalent_specs(**options: Any) -> SearchStrategy[EquivalentSpecs]:
    """Two texts of one network: nodes and keys reordered, nodes renamed, blocks written out.

    Parameters
    ----------
    **options
        As for `networks`.

    Returns
    -------
    SearchStrategy of EquivalentSpecs
    """
    return independent(_equivalent_specs(networks(**options)))


@st.composite
def _equivalent_specs(draw: DrawFn, cases: SearchStrategy[NetworkCase]) -> EquivalentSpecs:
    case, choices = draw(cases), Choices(draw)
    first = _shuffled(choices, case.document)
    flat, names = _inlined(first)
    second = flat if choices.chance(2) else first
    if second is first:
        names = {each: each for each in names}
    if choices.chance(2) and "blocks" not in second:
        turned = {name: f"{name}_{number}" for number, name in enumerate(second["nodes"])}
        second = _renamed(second, turned)
        names = {name: turned[other] for name, other in names.items()}
    return EquivalentSpecs(
        _text(choices, first, yaml=True),
        _text(choices, _shuffled(choices, second), yaml=not choices.chance(4)),
        names,
        case.inputs,
    )


def _text(draw: Choices, document: Document, *, yaml: bool) -> str:
    return written(document, yaml=yaml, draw=draw, aliases=True).text


def _shuffled(draw: Choices, document: Document) -> Document:
    """The document with its sections, blocks, nodes and their keys in any order."""

    def permuted(items: Mapping[str, Any]) -> Document:
        left, found = [*items], {}
        while left:
            key = left.pop(draw.integer(0, len(left) - 1))
            found[key] = items[key]
        return found

    if not draw.chance(2):
        return document

    def every(items: Document) -> Document:
        return {name: permuted(body) for name, body in permuted(items).items()}

    shuffled = {**document, "nodes": every(document["nodes"])}
    if blocks := document.get("blocks"):
        inner = {name: {**block, "nodes": every(block["nodes"])} for name, block in blocks.items()}
        shuffled["blocks"] = every(inner)
    return permuted(shuffled)


def _furnished(draw: Choices, case: NetworkCase) -> Document:
    """The document with a name, what nodes are about, an example and how to train, or without."""
    document = copy.deepcopy(case.document)
    for key in ("name", "description"):
        if draw.chance(2):
            document[key] = draw.one_of(_TEXTS)
    for _ in range(draw.integer(0, 4)):
        document["nodes"][draw.one_of([*document["nodes"]])]["about"] = draw.one_of(_TEXTS)
    exemplary, trained = draw.chance(2), draw.chance(2)
    if not (exemplary or trained):
        return document
    network = case.network()
    if exemplary:
        listed = {name: array.tolist() for name, array in case.inputs.items()}
        with suppress(RunError):  # a network that is at fault has no example
            outputs = network.run(case.inputs)
            expected = {name: array.tolist() for name, array in outputs.items()}
            document["examples"] = [{"inputs": listed, "outputs": expected}]
    losses = [node for node in network.graph.nodes.values() if node.op.is_loss]
    # Training takes data for inputs, and these are none.
    if trained and losses and network.parameters and not case.inputs:
        document["train"] = {"epochs": draw.integer(1, 3), "optimizer": {"sgd": {}}}
    return document


def _inlined(document: Document) -> tuple[Document, dict[str, str]]:
    """The document with blocks written out, and what it calls each node that they hold."""
    nodes: Document = {}
    names: dict[str, str] = {}
    outputs: dict[str, str] = {}

    def unfold(
        bodies: Document, prefix: str, given: Mapping[str, str], sizes: Mapping[str, int]
    ) -> None:
        own = {name: _flat(prefix + name) for name in bodies}
        renamed = _renamed({"nodes": bodies}, {**own, **given})["nodes"]
        for name, body in zip(bodies, renamed.values(), strict=True):
            if "op" in body:
                # What the spec itself names stays as it is.
                nodes[own[name]] = numbered(body, sizes) if prefix else body
                names[prefix + name] = own[name]
                continue
            use, block = numbered(body, sizes), document["blocks"][body["block"]]
            read = _read(use["inputs"], block["inputs"])
            passed = {size: use[size] for size in block.get("sizes", [])}
            for number in range(1, use.get("repeat", 1) + 1):
                place = f"{prefix}{name}.{number}." if "repeat" in use else f"{prefix}{name}."
                unfold(block["nodes"], place, read, passed)
                output = block["output"]
                last = _flat(place + (output if isinstance(output, str) else output["p"]))
                read = {**read, "p": last}
            outputs[own[name]] = outputs.get(last, last)

    unfold(document["nodes"], "", {}, document.get("sizes", {}))
    flat = _renamed({**document, "nodes": nodes}, outputs)
    flat.pop("blocks", None)
    return flat, names


def _flat(name: str) -> str:
    return name.replace(".", "_")


def _read(inputs: str | list[str] | dict[str, str], names: list[str]) -> dict[str, str]:
    """What a use gives to each input of its block."""
    if isinstance(inputs, dict):
        return inputs
    return dict(zip(names, [inputs] if isinstance(inputs, str) else inputs, strict=True))


def _renamed(document: Document, names: Mapping[str, str]) -> Document:
    """The document with other names for its nodes, wherever they stand."""

    def of(value: Any) -> Any:
        if isinstance(value, list):
            return [of(each) for each in value]
        if isinstance(value, dict):
            return {key: of(each) for key, each in value.items()}
        return names.get(value, value)

    def body(given: Document) -> Document:
        found = {**given}
        if "inputs" in given:
            found["inputs"] = of(given["inputs"])
        for key, value in given.items():
            if isinstance(value, dict) and "share" in value:
                owner, _, operand = value["share"].rpartition(".")
                found[key] = {"share": f"{of(owner)}.{operand}"}
        return found

    nodes = {of(name): body(given) for name, given in document["nodes"].items()}
    renamed = {**document, "nodes": nodes}
    if "outputs" in document:
        renamed["outputs"] = of(document["outputs"])
    return renamed
