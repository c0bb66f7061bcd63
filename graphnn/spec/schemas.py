"""Parts of a JSON Schema, of draft 7: the newest that the YAML language server understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphnn.spec._field_reader import MAX_NAME, NAME
from graphnn.spec.sizes import MAX_SIZE

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
SIZE: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE}


def ref(name: str) -> Schema:
    """What the schema defines under `name`."""
    return {"$ref": f"#/definitions/{name}"}


def about(value: Schema, description: str, default: Any = None) -> Schema:
    """`value` with what an editor shows of it."""
    # Beside a reference, draft 7 overlooks everything else.
    described = {"allOf": [value]} if "$ref" in value else value
    found = {**described, "description": description}
    return found if default is None else {**found, "default": default}


def fixed(properties: Mapping[str, Schema], required: list[str] | None = None) -> Schema:
    """A mapping with no other keys than `properties`."""
    made = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**made, "required": required} if required else made


def single(kinds: Mapping[str, Schema]) -> Schema:
    """A mapping with one key, which is one of the `kinds`."""
    return {**fixed(kinds), "minProperties": 1, "maxProperties": 1}


def named(value: Schema, least: int = 0) -> Schema:
    """A mapping of names to such values."""
    names = {"pattern": f"^{NAME.pattern}$", "maxLength": MAX_NAME}
    made: Schema = {"type": "object", "additionalProperties": value, "propertyNames": names}
    return {**made, "minProperties": least} if least else made


def several(items: Schema, count: int | None = None) -> Schema:
    """A list of such items, of any length or of `count` of them."""
    made: Schema = {"type": "array", "items": items}
    return made if count is None else {**made, "minItems": count, "maxItems": count}


def one_or_more(item: Schema) -> Schema:
    """Such an item, or a list of them."""
    return {"anyOf": [item, several(item)]}
