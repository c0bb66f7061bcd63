"""A JSON Schema of the language, for editors: made of the op classes and the other registries.

It is of draft 7, the newest that the YAML language server and the editors built on it understand.
What is taken up by its class alone, such as an op, comes in by itself; the keys of the language are
those of the modules that read them, and one without a description here is an error.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from graphnn.diagnostics import ALLOWABLE
from graphnn.execution import FILLED, PROPERTIES
from graphnn.ops import REGISTRY, Op, Operand
from graphnn.ops.initializers import INITIALIZERS
from graphnn.spec import BLOCK_KEYS, MAX_NAME, NAME, NODE_KEYS, SEARCH_KEYS, USE_KEYS, VERSION
from graphnn.spec.build import EXAMPLE_KEYS, STOPPING_KEYS, TOP_KEYS, WEIGHTS_KEYS
from graphnn.spec.model import SEARCH_KINDS, TRAIN_KEYS, DType, GradientMethod, Keep, SearchSpec
from graphnn.spec.sizes import MAX_SIZE
from graphnn.training import METRICS, OPTIMIZERS, SCHEDULES, SOURCES, Augmentation, DataSource, Key

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}


def schema() -> dict[str, Any]:
    """The JSON Schema of specs.

    Returns
    -------
    dict
        Of draft 7. Whatever it refuses, `load` refuses; what hangs together across the file, such
        as shapes and names of nodes, only `load` sees.
    """
    known = {name: op for name, op in REGISTRY.items() if not op.internal}
    return {
        "$schema": DRAFT,
        "title": "graphnn",
        "description": "A neural network as a text file.",
        **_object(_only(TOP_KEYS, _top()), required=["graphnn"]),
        "anyOf": [{"required": ["nodes"]}, {"required": ["blocks"]}],
        "definitions": {
            **_values(),
            "node": _node(known),
            "initializer": _one_of(INITIALIZERS, "a rule that draws the first value"),
            "optimizer": _one_of(OPTIMIZERS, "a rule of descent"),
            "schedule": _one_of(SCHEDULES, "a rule that scales the learning rate"),
            "data": _data(),
            "example": _example(),
            "warnings": _warnings(),
            **{f"op-{name}": _op(op) for name, op in known.items()},
        },
    }


def _top() -> Mapping[str, Schema]:
    return {
        "graphnn": _about({"const": VERSION}, "Version of the language."),
        "name": _about(_TEXT, "Shown in tables and diagrams."),
        "description": _about(_TEXT, "Shown in tables."),
        "sizes": _sizes(),
        "dtype": _choice("What it computes in.", get_args(DType)),
        "blocks": _blocks(),
        "nodes": _about(_named({"$ref": "#/definitions/node"}, 1), "Names and nodes."),
        "outputs": _about(
            {"anyOf": [_ref("reference"), {**_list(_ref("reference")), "uniqueItems": True}]},
            "What a run gives; by default the nodes that nothing reads but losses.",
        ),
        "weights": _about(
            _object(
                _only(
                    WEIGHTS_KEYS,
                    {
                        "file": _about(_TEXT, "An .npz or .safetensors file."),
                        "partial": _about(
                            {"type": "boolean"}, "Whether it may lack some parameters.", False
                        ),
                    },
                ),
                required=["file"],
            ),
            "Values for parameters, by their full names.",
        ),
        "examples": _about(_list(_ref("example")), "Inputs with the outputs they must give."),
        "train": _about(_object(_only(TRAIN_KEYS, _train())), "How to train."),
        "search": _search(),
        "allow": _allow(),
    }


def _train() -> Mapping[str, Schema]:
    held: Schema = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _ref("data")]}
    return {
        "data": _about(_ref("data"), "Where the rows come from."),
        "loss": _about(_ref("nodes"), "A node, or several whose means are added up."),
        "metrics": _about(_metrics(), "What to measure besides, and the nodes that it compares."),
        "optimizer": _about(_ref("optimizer"), "How a gradient moves the parameters.", "sgd"),
        "batch_size": _count("Rows a step.", 1, 100),
        "epochs": _count("How often to go through all rows; without data, the steps.", 1, 10),
        "seed": _count("Of every random choice.", 0, 0),
        "validation": _about(
            held, "Rows to hold back and measure after each epoch: a number, a fraction, or data."
        ),
        "test": _about(
            held, "Rows to hold back and measure at the end: a number, a fraction, or data."
        ),
        "rows": _count("Of what is left to train on, take that many first ones.", 1),
        "gradient": _choice("Where gradients come from.", get_args(GradientMethod)),
        "accumulate": _count("Batches whose mean gradient makes a step.", 1, 1),
        "augment": _options(Augmentation),
        "early_stopping": _about(
            _object(
                _only(
                    STOPPING_KEYS,
                    {
                        "patience": _count("Epochs without a better value before it stops.", 1),
                        "metric": _about(_TEXT, "What to watch.", "validation_loss"),
                    },
                ),
                required=["patience"],
            ),
            "When to stop before the last epoch.",
        ),
        "keep": _choice("Weights of which epoch to keep.", get_args(Keep)),
        "stratify": _about(
            _ref("reference"), "An input whose classes keep their shares in rows held back."
        ),
    }


def _search() -> Schema:
    hints = get_type_hints(SearchSpec)
    direction = next(part for part in get_args(hints["direction"]) if get_args(part))
    keys = {
        "metric": _about(_TEXT, "What is measured after each epoch."),
        "direction": _choice("Which way the metric is better.", get_args(direction), default=False),
        "sampler": _choice("What draws the settings.", get_args(hints["sampler"])),
        "pruner": _choice("What stops a poor trial.", get_args(hints["pruner"])),
        "seed": _count("Of what is drawn.", 0, 0),
    }
    kinds = {
        "uniform": _about(_list(_NUMBER, 2), "Evenly between two bounds."),
        "log_uniform": _about(
            _list({**_NUMBER, "exclusiveMinimum": 0}, 2), "Evenly in the logarithm."
        ),
        "choice": _about({"type": "array", "minItems": 1, "uniqueItems": True}, "One of a list."),
    }
    return _about(
        {
            "type": "object",
            "properties": _only(SEARCH_KEYS, keys),
            "additionalProperties": _single(_only(SEARCH_KINDS, kinds)),
            "not": {"propertyNames": {"enum": list(SEARCH_KEYS)}},
        },
        "Settings to vary, by the names that --set knows.",
    )


def _values() -> Mapping[str, Schema]:
    """What stands in many places."""
    reference = f"{NAME.pattern}(?:\\.[A-Za-z0-9_-]+)*"
    return {
        "reference": {"type": "string", "pattern": f"^{reference}$"},
        "nodes": {"anyOf": [_ref("reference"), _list(_ref("reference"))]},
        "expression": {"type": "string", "pattern": r"^[A-Za-z0-9_+*/() -]+$"},
        "size": {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_SIZE},
                _ref("expression"),
            ]
        },
        "numbers": {"anyOf": [_NUMBER, _list(_ref("numbers"))]},
        "file": _object(
            {
                "file": _about(_TEXT, "An .npz or .safetensors file in the spec's folder."),
                "key": _about(_TEXT, "Name of the array in it."),
            },
            required=["file"],
        ),
        "parameter": {
            "anyOf": [
                _ref("numbers"),
                _ref("initializer"),
                _ref("file"),
                _object(
                    {"share": _about(_ref("reference"), "Another's, as NODE.PARAMETER.")},
                    required=["share"],
                ),
            ]
        },
        "array": {
            "anyOf": [
                _ref("numbers"),
                _ref("file"),
                _single(dict.fromkeys(FILLED, _list(_ref("size")))),
            ]
        },
    }


def _sizes() -> Schema:
    fixed: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE}
    sizes = _named({"anyOf": [fixed, {"const": "free"}]})
    sizes["properties"] = {"batch": {"const": "free"}}
    return _about(sizes, "Named sizes: a whole number, or free for one that each run decides.")


def _blocks() -> Schema:
    keys = {
        "about": _about(_TEXT, "A remark."),
        "sizes": _about(_ref("nodes"), "Names of sizes that each use gives."),
        "inputs": _about(_ref("nodes"), "Names for what it reads."),
        "nodes": _about(_named(_ref("node"), 1), "Its nodes."),
        "output": _about(_ref("reference"), "The node that a use of the block stands for."),
    }
    block = _object(_only(BLOCK_KEYS, keys), required=["inputs", "nodes", "output"])
    file = {"anyOf": [_TEXT, _list(_TEXT), block]}
    blocks = _named(block)
    blocks["properties"] = {"file": _about(file, "Files in the spec's folder with blocks.")}
    return _about(blocks, "Pieces of graph to use as often as needed.")


def _node(known: Mapping[str, type[Op]]) -> Schema:
    """A node: what else it holds, its op says."""
    use = {
        "block": _about(_TEXT, "Name of a block."),
        "inputs": _about(_given(), "What it reads."),
        "repeat": _about(_ref("size"), "How many copies, each of which reads the one before."),
        **_remarks(),
    }
    return {
        "type": "object",
        "properties": {
            "op": {
                "description": "What it computes.",
                "enum": list(known),
                "enumDescriptions": [_summary(op) for op in known.values()],
            },
            "block": use["block"],
        },
        "if": {"required": ["block"]},
        "then": {
            "properties": _only(USE_KEYS, use),
            "additionalProperties": _ref("size"),
            "not": {"required": ["op"]},
        },
        "else": {
            "required": ["op"],
            "allOf": [
                {
                    "if": {"properties": {"op": {"const": name}}, "required": ["op"]},
                    "then": _ref(f"op-{name}"),
                }
                for name in known
            ],
        },
    }


def _op(op: type[Op]) -> Schema:
    made = op.model_json_schema()
    attributes = {
        key: _attribute(value) for key, value in made["properties"].items() if key != "op"
    }
    operands = op.data_operands()
    common = {
        "op": _about({"const": op.name}, _text(op)),
        "inputs": _about(_inputs(operands), ", ".join(operand.name for operand in operands)),
        **_remarks(),
    }
    found = {
        **_only(NODE_KEYS, common),
        **attributes,
        **{operand.name: _parameter(operand) for operand in op.parameter_operands()},
    }
    needs = [key for key in made.get("required", ()) if key != "op"]
    return {
        "description": _text(op),
        **_object(found, required=["op", *(["inputs"] if operands else []), *needs]),
    }


def _remarks() -> Mapping[str, Schema]:
    return {
        "trainable": _about({"type": "boolean"}, "Whether training changes its parameters.", True),
        "about": _about(_TEXT, "A remark, which diagrams can show."),
        "allow": _allow(),
    }


def _warnings() -> Schema:
    one: Schema = {"enum": list(ALLOWABLE)}
    return {"anyOf": [one, _list(one)]}


def _allow() -> Schema:
    return _about(_ref("warnings"), "Codes of warnings that are not to be told.")


def _inputs(operands: tuple[Operand, ...]) -> Schema:
    """One name, a list in the op's order, or a mapping by operand."""
    count = len(operands)
    if not operands:
        return _list(_ref("reference"), 0)
    if operands[0].many:
        return {"anyOf": [_ref("reference"), {**_list(_ref("reference")), "minItems": 1}]}
    names = [operand.name for operand in operands]
    mapped = _object({name: _ref("reference") for name in names}, required=names)
    several = _list(_ref("reference"), count)
    return {"anyOf": [*([_ref("reference")] if count == 1 else []), several, mapped]}


def _given() -> Schema:
    mapped = {"type": "object", "additionalProperties": _ref("reference")}
    return {"anyOf": [_ref("nodes"), mapped]}


def _parameter(operand: Operand) -> Schema:
    shape = f"[{', '.join(operand.signature.split())}]"
    start = getattr(operand.start, "name", "")
    text = f"Of shape {shape}: numbers, an initializer, a file, or another's."
    if not operand.optional:
        return _about(_ref("parameter"), text, start)
    left_out: Schema = {"const": False}
    return _about({"anyOf": [_ref("parameter"), left_out]}, f"{text} False leaves it out.", start)


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
    if value == _TEXT:
        return _ref("expression")
    return _any_of({key: _deeper(item) for key, item in value.items()})


def _any_of(made: Schema) -> Schema:
    # The parts of a union of ours overlap: 'same' is a text, and so may be the name of a size.
    return {("anyOf" if key == "oneOf" else key): value for key, value in made.items()}


def _one_of(kinds: Mapping[str, type[BaseModel]], what: str) -> Schema:
    """The name of a kind, or a mapping of it to its options."""
    options = {name: _options(kind) for name, kind in kinds.items()}
    bare = [name for name, found in options.items() if "required" not in found]
    names = {
        "description": f"Name of {what}.",
        "enum": bare,
        "enumDescriptions": [_summary(kinds[name]) for name in bare],
    }
    return {"anyOf": [names, _single(options)]}


def _options(kind: type[BaseModel]) -> Schema:
    made = kind.model_json_schema()
    found = {
        key: _ref("schedule") if key == "schedule" else _attribute(value)
        for key, value in made["properties"].items()
        if key != "name"
    }
    return {
        "description": _text(kind),
        **_object(found, required=[key for key in made.get("required", ()) if key != "name"]),
    }


def _metrics() -> Schema:
    found = {}
    for name, kind in METRICS.items():
        several = _list(_ref("reference"), len(kind.operands))
        options = _options(kind)["properties"]
        found[name] = _about(
            {"anyOf": [several, _object({"inputs": several, **options}, required=["inputs"])]},
            _text(kind),
        )
    return _object(found)


def _data() -> Schema:
    return _single({name: _source(kind) for name, kind in SOURCES.items()})


def _source(kind: DataSource) -> Schema:
    """A mapping of keys and inputs, or what may stand in its place."""
    keys = {key.name: _about(_name(key), key.description) for key in kind.keys}
    inputs = _about(_name(kind.feed), kind.feed.description)
    found = {**_object(keys, required=list(keys)), "additionalProperties": inputs}
    short = [_name(key) for key in kind.keys[:1]]
    if not keys and kind.feed.is_file:
        short = [_name(kind.feed), _list(_name(kind.feed))]
    return {"description": _words(kind.text), "anyOf": [*short, found]}


def _name(key: Key) -> Schema:
    """A text, where a whole number counts as its digits."""
    one: Schema = {"enum": list(key.choices)} if key.choices else {"type": ["string", "integer"]}
    return {"anyOf": [one, {**_list(one), "minItems": 1}]} if key.many else one


def _example() -> Schema:
    properties = {name: _ref("numbers") for name in PROPERTIES}
    outputs = {"anyOf": [_ref("array"), {**_object(properties), "minProperties": 1}]}
    tolerance = {"type": "number", "minimum": 0}
    found = {
        "about": _about(_TEXT, "What it shows."),
        "inputs": _about(
            {"type": "object", "additionalProperties": _ref("array")}, "An array for each input."
        ),
        "outputs": _about(
            {"type": "object", "additionalProperties": outputs, "minProperties": 1},
            "What nodes must give: an array, or a property along the last axis.",
        ),
        "rtol": _about(tolerance, "Allowed difference, relative to the value.", 1e-7),
        "atol": _about(tolerance, "Allowed difference.", 1e-9),
    }
    return _object(_only(EXAMPLE_KEYS, found), required=["outputs"])


def _only(keys: Iterable[str], known: Mapping[str, Schema]) -> Mapping[str, Schema]:
    """What is known of each of the `keys`; one that is not described is an error at once."""
    return {key: known[key] for key in keys}


def _object(properties: Mapping[str, Schema], required: list[str] | None = None) -> Schema:
    made: Schema = {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
    }
    return {**made, "required": required} if required else made


def _list(items: Schema, count: int | None = None) -> Schema:
    made: Schema = {"type": "array", "items": items}
    return made if count is None else {**made, "minItems": count, "maxItems": count}


def _single(kinds: Mapping[str, Schema]) -> Schema:
    """A mapping with one key, which is one of the `kinds`."""
    return {**_object(kinds), "minProperties": 1, "maxProperties": 1}


def _named(value: Schema, least: int = 0) -> Schema:
    """A mapping of names to such values."""
    names = {"pattern": f"^{NAME.pattern}$", "maxLength": MAX_NAME}
    made: Schema = {"type": "object", "additionalProperties": value, "propertyNames": names}
    return {**made, "minProperties": least} if least else made


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _about(value: Schema, description: str, default: Any = None) -> Schema:
    found = {**value, "description": description}
    # Beside a reference, draft 7 overlooks everything else.
    if "$ref" in value:
        found = {"allOf": [value], "description": description}
    return found if default is None else {**found, "default": default}


def _choice(description: str, options: tuple[str, ...], *, default: bool = True) -> Schema:
    made: Schema = {"enum": list(options)}
    return _about(made, description, options[0] if default else None)


def _count(description: str, least: int, default: int | None = None) -> Schema:
    made: Schema = {"type": "integer", "minimum": least, "exclusiveMaximum": 2**63}
    return _about(made, description, default)


def _summary(thing: type | Callable[..., Any]) -> str:
    return _text(thing).partition("\n")[0]


def _text(thing: type | Callable[..., Any]) -> str:
    """What a docstring says of a thing, without its sections."""
    text = inspect.cleandoc(thing.__doc__ or "")
    return _words(re.split(r"\n\n\w+\n-{3,}\n", text)[0])


def _words(text: str) -> str:
    return text.replace("``", "'").replace("`", "'")
