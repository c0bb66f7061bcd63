"""Numbers of a document that get a name, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphnn.ops import REGISTRY
from graphnn.testing._strategies.drawing import Choices
from graphnn.testing._strategies.growth import REPEAT, Document

_IN_NETWORK, _IN_BLOCK = 4, 2  # one in so many names a number
# How a size is written by another one; of two that are the same number, the last.
_FORMS: dict[str, Callable[[int], int]] = {
    "n + 1": lambda n: n + 1,
    "2 * n": lambda n: 2 * n,
    "n": lambda n: n,
}


def named_sizes(draw: Choices, document: Document) -> Document:
    """The document with some numbers by names: those of a block, then what uses give for them."""
    blocks = document.get("blocks", {})
    for name, block in blocks.items():  # after those that it uses
        if number := _named(draw, block["nodes"], _IN_BLOCK):
            block["sizes"] = ["n", *block.get("sizes", [])]
            for use in _uses(name, document):
                use["n"] = number
    if number := _named(draw, document["nodes"], _IN_NETWORK):
        return {"graphnn": 1, "sizes": {"n": number}, **document}
    return document


def _uses(block: str, document: Document) -> Iterator[Document]:
    """The nodes that use a block."""
    for each in (*document.get("blocks", {}).values(), document):
        yield from (body for body in each["nodes"].values() if body.get("block") == block)


def _named(draw: Choices, nodes: Document, one_in: int) -> int:
    """One number of the nodes, put by a name wherever it stands, or 0 for none."""
    places = [
        (holder, key)
        for body in nodes.values()
        for holder, key in _places(body)
        if isinstance(holder[key], int) and holder[key] > 0
    ]
    if not places or not draw.chance(one_in):
        return 0
    number: int = draw.one_of(sorted({holder[key] for holder, key in places}))
    forms = {of(number): form for form, of in _FORMS.items()}
    for holder, key in places:
        holder[key] = forms.get(holder[key], holder[key])
    return number


def numbered(body: Document, sizes: Mapping[str, int]) -> Document:
    """A node with numbers for its sizes."""
    found = {**body, "shape": [*body["shape"]]} if "shape" in body else {**body}
    for holder, key in _places(found):
        if isinstance(size := holder[key], str):
            holder[key] = _FORMS[size](sizes["n"]) if size in _FORMS else sizes.get(size, size)
    return found


def _places(body: Document) -> list[tuple[Any, Any]]:
    """Where a node has sizes: each a list or the node, with an index or a key."""
    if "block" in body:
        return [(body, key) for key in ("n", REPEAT, "repeat") if key in body]
    keys = [(body, key) for key in REGISTRY[body["op"]].size_attributes if key in body]
    shape = body.get("shape", [])
    return [*keys, *((shape, axis) for axis in range(len(shape)))]
