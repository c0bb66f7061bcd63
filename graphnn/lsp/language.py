"""What the JSON Schema of the language says of a place in a spec."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from graphnn.lsp.names import scope_of
from graphnn.lsp.outline import Path
from graphnn.spec import forms
from graphnn.spec.model import SPEC
from graphnn.spec.node_records import NodeSpec
from graphnn.training import VOCABULARY, schema

Schema = Mapping[str, Any]
Fields = Callable[[Path], Mapping[str, str]]
_STEPS = 100  # references followed from one place


@functools.cache
def _language() -> Schema:
    return schema()


def form_at(path: Path) -> forms.Form | None:
    """What the table of the language says of `path`."""
    return forms.at(SPEC, path, VOCABULARY)


def at(path: Path, fields: Fields) -> list[Schema]:
    """Everything that may stand at `path`, as plain schemas without references.

    Parameters
    ----------
    path : tuple of str or int
    fields : callable
        From the path of a mapping to its scalars by key, which hold the op of a node.
    """
    found = list(_plain([_language()], (), fields))
    for count, step in enumerate(path, 1):
        found = list(_plain(_below(found, step), path[:count], fields))
    return found


def keys(path: Path, fields: Fields) -> dict[str, Schema]:
    """The keys that the mapping at `path` takes, with what is known of each."""
    found: dict[str, Schema] = {}
    for each in at(path, fields):
        for key, value in each.get("properties", {}).items():
            found.setdefault(key, value)
    return found


def choices(path: Path, fields: Fields) -> dict[str, str]:
    """The words that may stand at `path`, with what each means."""
    found: dict[str, str] = {}
    for each in at(path, fields):
        words = each.get("enum", [each["const"]] if "const" in each else [])
        meanings = each.get("enumDescriptions", [each.get("description", "")] * len(words))
        for word, meaning in zip(words, meanings, strict=False):
            found.setdefault(_word(word), meaning)
        if each.get("type") == "boolean":
            found |= {"true": "", "false": ""}
    return found


def takes_size(path: Path, fields: Fields) -> bool:
    """Whether an expression of sizes may stand at `path`."""
    expression = _language()["definitions"]["expression"]["pattern"]
    return any(each.get("pattern") == expression for each in at(path, fields))


def described(path: Path, fields: Fields) -> tuple[str, Any]:
    """What is said of the value at `path`, and its default; empty and None where nothing is."""
    parent = keys(path[:-1], fields) if path else {}
    about = parent.get(str(path[-1]), {}) if path else {}
    return str(about.get("description", "")), about.get("default")


def op_text(name: str) -> str:
    """What the op called `name` is, empty for no op."""
    return str(_language()["definitions"].get(f"op-{name}", {}).get("description", ""))


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _below(schemas: Iterable[Schema], step: str | int) -> Iterator[Schema]:
    for each in schemas:
        if isinstance(step, int):
            below = each.get("items")
        else:
            below = each.get("properties", {}).get(step, each.get("additionalProperties"))
        if isinstance(below, Mapping):
            yield below


def _plain(schemas: Iterable[Schema], path: Path, fields: Fields) -> Iterator[Schema]:
    pending = list(schemas)[::-1]
    for _ in range(_STEPS):
        if not pending:
            return
        each = pending.pop()
        if "$ref" in each:
            pending.append(_language()["definitions"][each["$ref"].rpartition("/")[2]])
            continue
        yield each
        parts = [*each.get("anyOf", ()), *each.get("allOf", ())]
        if "if" in each and _is_node(path):
            parts = [*parts, *_of_node(each, fields(path))]
        pending += parts[::-1]


def _is_node(path: Path) -> bool:
    rest = scope_of(path)[1]
    return len(rest) == 2 and rest[0] == "nodes"


def _of_node(each: Schema, given: Mapping[str, str]) -> list[Schema]:
    """What a node takes beside `op` and `block`, as far as its op or block is known."""
    if "block" in given:
        return [each["then"]]
    op = _language()["definitions"].get(f"op-{given.get('op')}")
    if op is not None:
        return [op]
    # Of a node that does not say its op, what every node may hold.
    known = forms.keys_of(NodeSpec)
    return [{"properties": {key.name: key.schema for key in known if key.name != "op"}}]
