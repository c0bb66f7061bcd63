"""A JSON Schema of the language, for editors: of its table, the op classes and a vocabulary.

What is taken up by its class alone, such as an op, comes in by itself.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from graphnn.diagnostics import ALLOWABLE
from graphnn.ops import Op, Operand, public_ops
from graphnn.ops.initializers import INITIALIZERS
from graphnn.spec import NAME
from graphnn.spec.colours import HEX, NAMED
from graphnn.spec.example_records import EXAMPLE
from graphnn.spec.forms import FILE_KEYS, FILLS, PROPERTIES, SHARED, keys_of, section
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import BlockCallSpec, NodeSpec
from graphnn.spec.schemas import (
    NUMBER,
    SIZE,
    TEXT,
    Schema,
    about,
    fixed,
    one_or_more,
    ref,
    several,
    single,
)
from graphnn.spec.vocabulary import Vocabulary

DRAFT = "http://json-schema.org/draft-07/schema#"


def schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """The JSON Schema of specs.

    Parameters
    ----------
    vocabulary : Vocabulary
        What a spec may name of training.

    Returns
    -------
    dict
        Of draft 7. Whatever it refuses, `load` refuses; what depends on the rest of the file, such
        as shapes and names of nodes, only `load` sees.
    """
    known = public_ops()
    families = {"initializer": INITIALIZERS, **vocabulary.choices}
    return {
        "$schema": DRAFT,
        "title": "graphnn",
        "description": "A neural network as a text file.",
        **section(keys_of(NetworkSpec)).schema,
        "anyOf": [{"required": ["nodes"]}, {"required": ["blocks"]}],
        "definitions": {
            **_values(),
            "node": _node(known),
            **{name: _one_of(kinds, name) for name, kinds in families.items()},
            **{name: _options(kind) for name, kind in vocabulary.options.items()},
            "metrics": fixed({name: _metric(kind) for name, kind in vocabulary.metrics.items()}),
            "data": single({name: _source(kind) for name, kind in vocabulary.data.items()}),
            "example": EXAMPLE,
            "colour": {"anyOf": [{"enum": list(NAMED)}, {**TEXT, "pattern": f"^{HEX.pattern}$"}]},
            "op-colours": _colours(known),
            "family-colours": _colours(dict.fromkeys(op.family for op in known.values())),
            "warnings": one_or_more({"enum": list(ALLOWABLE)}),
            **{f"op-{name}": _op(op) for name, op in known.items()},
        },
    }


def _colours(names: Iterable[str]) -> Schema:
    return fixed({name: ref("colour") for name in sorted(names)})


def _values() -> Mapping[str, Schema]:
    """What stands in many places."""
    reference = f"{NAME.pattern}(?:\\.[A-Za-z0-9_-]+)*"
    kinds = ("numbers", "initializer", "file")
    filled = dict.fromkeys(FILLS, several(ref("size")))
    return {
        "reference": {**TEXT, "pattern": f"^{reference}$"},
        "nodes": one_or_more(ref("reference")),
        "expression": {**TEXT, "pattern": r"^[A-Za-z0-9_+*/() -]+$"},
        "size": {"anyOf": [SIZE, ref("expression")]},
        "numbers": {"anyOf": [NUMBER, several(ref("numbers"))]},
        "file": section(FILE_KEYS).schema,
        "parameter": {"anyOf": [*map(ref, kinds), section([SHARED]).schema]},
        "array": {"anyOf": [ref("numbers"), ref("file"), single(filled)]},
        "output": {
            "anyOf": [
                ref("array"),
                {**fixed(dict.fromkeys(PROPERTIES, ref("numbers"))), "minProperties": 1},
            ]
        },
    }


def _node(known: Mapping[str, type[Op]]) -> Schema:
    """A node: what else it holds, its op says."""
    use = {key.name: key.schema for key in keys_of(BlockCallSpec)}
    return {
        "type": "object",
        "properties": {
            "op": {
                "description": next(key.about for key in keys_of(NodeSpec) if key.name == "op"),
                "enum": list(known),
                "enumDescriptions": [_summary(op) for op in known.values()],
            },
            "block": use["block"],
        },
        "if": {"required": ["block"]},
        "then": {
            "properties": use,
            "additionalProperties": ref("size"),
            "dependencies": {"unstack": ["repeat"], "stack": ["repeat"]},
            "not": {"required": ["op"]},
        },
        "else": {
            "required": ["op"],
            "allOf": [
                {
                    "if": {"properties": {"op": {"const": name}}, "required": ["op"]},
                    "then": ref(f"op-{name}"),
                }
                for name in known
            ],
        },
    }


def _op(op: type[Op]) -> Schema:
    made = op.model_json_schema()
    operands = op.data_operands()
    found = {
        **{key.name: key.schema for key in keys_of(NodeSpec)},
        "op": about({"const": op.name}, _text(op)),
        "inputs": about(_inputs(operands), ", ".join(operand.name for operand in operands)),
        **{key: _attribute(value) for key, value in made["properties"].items() if key != "op"},
        **{operand.name: _parameter(operand) for operand in op.parameter_operands()},
    }
    needs = [key for key in made.get("required", ()) if key != "op"]
    return {
        "description": _text(op),
        **fixed(found, ["op", *(["inputs"] if operands else []), *needs]),
    }


def _inputs(operands: tuple[Operand, ...]) -> Schema:
    """One name, a list in the op's order, or a mapping by operand."""
    count, name = len(operands), ref("reference")
    if not operands:
        return several(name, 0)
    if operands[0].many:
        return {"anyOf": [name, {**several(name), "minItems": 1}]}
    names = [operand.name for operand in operands]
    needed = [operand.name for operand in operands if not operand.optional]
    mapped = fixed(dict.fromkeys(names, name), needed)
    listed = {**several(name, count), "minItems": len(needed)}
    return {"anyOf": [*([name] if len(needed) == 1 else []), listed, mapped]}


def _parameter(operand: Operand) -> Schema:
    shape = f"[{', '.join(operand.signature.split())}]"
    start = getattr(operand.start, "name", "")
    text = f"Of shape {shape}: numbers, an initializer, a file, or another's."
    if not operand.optional:
        return about(ref("parameter"), text, start)
    left_out: Schema = {"const": False}
    return about({"anyOf": [ref("parameter"), left_out]}, f"{text} False leaves it out.", start)


def _attribute(made: Schema) -> Schema:
    """What pydantic says of an attribute, with sizes that may be expressions."""
    found = {key: value for key, value in made.items() if key != "title" and value is not None}
    words = {key: _words(text) for key, text in found.items() if key == "description"}
    return {**_deeper(found), **words}


def _deeper(value: Any) -> Any:
    if isinstance(value, list):
        return [_deeper(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value == TEXT:
        return ref("expression")
    # The parts of a union of ours overlap: 'same' is a text, and so may be the name of a size.
    return {("anyOf" if key == "oneOf" else key): _deeper(item) for key, item in value.items()}


def _one_of(kinds: Mapping[str, Any], family: str) -> Schema:
    """The name of a kind, or a mapping of it to its options."""
    options = {name: _options(kind) for name, kind in kinds.items()}
    bare = [name for name, found in options.items() if "required" not in found]
    names = {
        "description": f"Name of {'an' if family[0] in 'aeiou' else 'a'} {family}.",
        "enum": bare,
        "enumDescriptions": [_summary(kinds[name]) for name in bare],
    }
    return {"anyOf": [names, single(options)]}


def _options(kind: Any) -> Schema:
    assert issubclass(kind, BaseModel)
    made = kind.model_json_schema()
    found = {
        key: ref("schedule") if key == "schedule" else _attribute(value)
        for key, value in made["properties"].items()
        if key != "name"
    }
    required = [key for key in made.get("required", ()) if key != "name"]
    return {"description": _text(kind), **fixed(found, required)}


def _metric(kind: Any) -> Schema:
    """The nodes that a metric compares, in a mapping with its options where it has some."""
    nodes = several(ref("reference"), len(kind.operands))
    mapped = fixed({"inputs": nodes, **_options(kind)["properties"]}, ["inputs"])
    return about({"anyOf": [nodes, mapped]}, _text(kind))


def _source(kind: Any) -> Schema:
    """A mapping of keys and inputs, or what may stand in its place."""
    keys = {key.name: about(_name(key), key.description) for key in kind.keys}
    inputs = about(_name(kind.feed), kind.feed.description)
    required = [key.name for key in kind.keys if not key.optional]
    found = {**fixed(keys, required), "additionalProperties": inputs}
    short = [_name(key) for key in kind.keys[:1]]
    if not keys and kind.feed.is_file:
        short = [one_or_more(_name(kind.feed))]
    return {"description": _words(kind.text), "anyOf": [*short, found]}


def _name(key: Any) -> Schema:
    """A text, where a whole number counts as its digits."""
    one: Schema = {"enum": list(key.choices)} if key.choices else {"type": ["string", "integer"]}
    return {"anyOf": [one, {**several(one), "minItems": 1}]} if key.many else one


def _summary(thing: type) -> str:
    return _text(thing).partition("\n")[0]


def _text(thing: type) -> str:
    """What a docstring says of a thing, without its sections."""
    text = inspect.cleandoc(thing.__doc__ or "")
    return _words(re.split(r"\n\n\w+\n-{3,}\n", text)[0])


def _words(text: str) -> str:
    return text.replace("``", "'").replace("`", "'")
