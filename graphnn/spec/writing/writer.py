"""Located values back to text, in the layout of the documentation."""

from __future__ import annotations

from graphnn.spec.values import Map, Value
from graphnn.spec.writing import layout
from graphnn.spec.writing.syntax import Tree, from_value


def to_yaml(document: Map) -> str:
    """`document` as YAML. Reading the text gives the same values; comments are not kept."""
    return layout.to_yaml(_tree(document))


def to_json(document: Map) -> str:
    """`document` as JSON. Reading the text gives the same values; comments are not kept."""
    return layout.to_json(_tree(document))


def flow(value: Value) -> str:
    """`value` as YAML on one line; reading it gives the same value."""
    return layout.flow(from_value(value))


def _tree(document: Map) -> Tree:
    tree = from_value(document)
    assert isinstance(tree, Tree)
    return tree
