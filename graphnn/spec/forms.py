"""What may stand at a key: how it is read, what an editor checks, and what its texts name.

The records of ``model.py`` and ``*_records.py`` are the one table of the language: a field made by
`key` is a key of that section, the others are what a reader adds. From the table come

- reading: `SectionReader.record` reads every value whose form says how; what depends on other keys
  is read by hand in ``build.py`` and ``blocks/``;
- the JSON Schema, and with it what the language server completes and shows;
- what a text at a place names (`at`): nodes and sizes for the language server, files for `convert`;
- the names that ``--set`` knows, and the tables of the reference page.

Which ops, optimizers and kinds of data there are is passed in as a `Vocabulary`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from graphnn.diagnostics import by_word, nearest
from graphnn.spec import schemas
from graphnn.spec._field_reader import AMOUNT_PATTERN
from graphnn.spec.schemas import Schema
from graphnn.spec.values import Entry
from graphnn.spec.vocabulary import DataKey, DataKind, Vocabulary

if TYPE_CHECKING:
    from graphnn.spec.build import SpecReader

Read = Callable[["SpecReader", Entry, str], Any]
Layout = Literal["", "lines", "columns"]
Named = Literal["", "node", "size", "block", "file", "parameter", "measure", "operand", "field"]


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """What may stand in one place of a spec.

    Attributes
    ----------
    schema : dict
        Its JSON Schema.
    read : callable or None
        From a reader, an entry and what messages call it to a value; None where it is at fault.
        Without it, the reader of the section reads it by hand.
    names : str
        Of what kind of thing a text there, alone or in a list, is the name.
    keys : str
        Likewise the keys of a mapping there.
    defines : bool
        Whether those names get their meaning there.
    inside : mapping of str to Form
        What stands under the keys of a mapping there.
    rest : Form or None
        What stands under other keys.
    is_data : bool
        Whether a mapping there has a kind of data as its key.
    layout : {"", "lines", "columns"}
        Whether a collection there that holds collections is opened up, an entry a line, and its
        names are padded to one width.
    """

    schema: Schema
    read: Read | None = None
    names: Named = ""
    keys: Named = ""
    defines: bool = False
    inside: Mapping[str, Form] = field(default_factory=dict)
    rest: Form | None = None
    is_data: bool = False
    layout: Layout = ""

    @property
    def is_of_mappings(self) -> bool:
        """Whether a mapping may stand there."""
        return bool(self.inside or self.rest or self.keys or self.is_data)

    def below(self, step: str, vocabulary: Vocabulary) -> Form | None:
        """What stands under the key `step`; None for what names nothing."""
        if not self.is_data:
            return self.inside.get(step, self.rest)
        kind = vocabulary.data.get(step)
        return Form({}, keys="node") if kind is None else _of_data(kind)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section.

    Attributes
    ----------
    name : str
    form : Form
    about : str
        One line of text.
    default : Any
        What an editor shows for the value where the key is left out; None for nothing.
    otherwise : str
        What is meant where the key is left out, in words, for want of a plain value.
    required : str
        Help where it is missing; empty for a key that may be.
    is_of_blocks : bool
        Whether a file of blocks takes it too.
    """

    name: str
    form: Form
    about: str
    default: Any = None
    otherwise: str = ""
    required: str = ""
    is_of_blocks: bool = False

    @property
    def schema(self) -> Schema:
        """What an editor checks and shows."""
        return schemas.about(self.form.schema, self.about, self.default)


def key(form: Form, about: str, value: Any = MISSING, **facts: Any) -> Any:
    """A field of a record that is a key of the language.

    Parameters
    ----------
    form : Form
    about : str
    value : optional
        What the field is where the key is left out, or a type that makes it.
    **facts
        Further attributes of `Key`; its default is `value` where that is plain.
    """
    if isinstance(value, bool | int | float | str) and value != "":
        facts.setdefault("default", value)
    metadata = {"key": {"form": form, "about": about, **facts}}
    if isinstance(value, type):
        return field(default_factory=value, metadata=metadata)
    return field(default=value, metadata=metadata)


@functools.cache
def keys_of(record: type) -> tuple[Key, ...]:
    """The keys of the section that becomes `record`, in the order in which they are listed."""
    found = ((each.name, each.metadata.get("key")) for each in fields(record))
    return tuple(Key(**{"name": name, **facts}) for name, facts in found if facts)


@functools.cache
def key_names(record: type) -> tuple[str, ...]:
    """Names of the keys of the section that becomes `record`."""
    return tuple(key.name for key in keys_of(record))


@functools.cache
def mapping_names(record: type) -> frozenset[str]:
    """Names of those keys of `record` that take a mapping."""
    return frozenset(key.name for key in keys_of(record) if key.form.is_of_mappings)


def bare(name: str) -> str:
    """`name` in small letters and digits alone: ``batchSize`` and ``batch-size`` are the same."""
    return re.sub(r"[\W_]", "", name[:100].lower())


@functools.cache
def _elsewhere() -> dict[str, dict[str, dict[str, str]]]:
    import tomllib

    text = Path(__file__).with_name("elsewhere.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def elsewhere(record: type, table: Literal["keys", "absent"]) -> dict[str, str]:
    """The words from elsewhere for each key of `record`, or for each help where it has none."""
    return _elsewhere().get(record.__name__, {}).get(table, {})


def called(record: type, name: str, allowed: Collection[str]) -> str | None:
    """The one of the `allowed` keys of `record` that is called `name` elsewhere."""
    own = {bare(key): key for key in key_names(record)}
    found = (by_word(elsewhere(record, "keys")) | own).get(bare(name))
    return found if found in allowed else None


def meant(
    record: type, name: str, allowed: Collection[str], unused: Iterable[str], otherwise: str = ""
) -> tuple[str | None, str]:
    """The key that `name` seems to mean where the section that becomes `record` has none so called.

    Parameters
    ----------
    record : type
    name : str
    allowed : collection of str
        Keys that words from elsewhere may stand for.
    unused : iterable of str
        Keys that may be misspelt.
    otherwise : str
        Help for a name that no other library has for a key, before its spelling is asked.

    Returns
    -------
    key : str or None
    help : str
        Of words from elsewhere that mean no key, how to write what they stand for; empty where
        nothing is known.
    """
    found = called(record, name, allowed)
    help = by_word(elsewhere(record, "absent")).get(bare(name), "") or ("" if found else otherwise)
    if not found and not help:
        found = nearest(name, unused)
    return found, help or (f"did you mean '{found}'?" if found else "")


@functools.cache
def readers_of(record: type) -> tuple[tuple[str, Read], ...]:
    """The keys of `record` whose forms say how they are read, and how."""
    return tuple((key.name, key.form.read) for key in keys_of(record) if key.form.read)


def at(form: Form | None, path: Iterable[str | int], vocabulary: Vocabulary) -> Form | None:
    """The form at `path` below `form`, if it is known; numbers are indices of lists."""
    for step in path:
        if form is None:
            return None
        if isinstance(step, str):
            form = form.below(step, vocabulary)
    return form


# ----------------------------------------------------------------------------------- plain values

TEXT = Form(schemas.TEXT, lambda reader, entry, what: reader.text(entry.value, what))
TRUTH = Form(schemas.BOOLEAN, lambda reader, entry, what: reader.boolean(entry.value, what))
TOLERANCE = Form(
    {**schemas.NUMBER, "minimum": 0},
    lambda reader, entry, what: reader.tolerance(entry.value, what),
)
SIZE = Form(schemas.ref("size"), lambda reader, entry, _: entry.value, names="size")
FILE = Form(schemas.TEXT, names="file")


def words(literal: Any) -> Form:
    """One of the words of a ``Literal``."""
    options = get_args(literal)
    return Form(
        {"enum": list(options)},
        lambda reader, entry, what: reader.choice(entry.value, what, options),
    )


def whole(least: int) -> Form:
    """A whole number of at least `least`."""
    return Form(
        {"type": "integer", "minimum": least, "exclusiveMaximum": 2**63},
        lambda reader, entry, what: reader.whole(entry.value, what, least),
    )


def count(least: int) -> Form:
    """As `whole`, kept with its place."""
    return replace(
        whole(least), read=lambda reader, entry, what: reader.count(entry.value, what, least)
    )


AMOUNT = Form(
    {"anyOf": [{"type": "integer", "minimum": 0}, {**schemas.TEXT, "pattern": AMOUNT_PATTERN}]},
    lambda reader, entry, what: reader.amount(entry.value, what),
)


# ------------------------------------------------------------------------------------------ names

OP_NAME = Form(schemas.TEXT)
BLOCK_NAME = Form(schemas.TEXT, names="block")
NODE_NAME = Form(schemas.ref("reference"), names="node")
NODE_NAMES = Form(
    schemas.ref("nodes"), lambda reader, entry, what: reader.listed(entry.value, what), names="node"
)
BLOCK_OUTPUT = Form(
    {"anyOf": [NODE_NAME.schema, schemas.named(NODE_NAME.schema, 1)]},
    names="node",
    keys="node",
    rest=NODE_NAME,
)
AXES = Form(
    {"anyOf": [schemas.ref("nodes"), schemas.named({"type": "integer"}, 1)]},
    lambda reader, entry, what: reader.axes(entry.value, what),
    names="operand",
    keys="operand",
)
SHARE = Form(
    {"anyOf": [schemas.BOOLEAN, NODE_NAME.schema]},
    lambda reader, entry, what: reader.share(entry.value, what),
    names="node",
)
LOSSES = Form(
    {
        "anyOf": [
            schemas.ref("nodes"),
            {"type": "object", "additionalProperties": TOLERANCE.schema, "minProperties": 1},
        ]
    },
    lambda reader, entry, what: reader.losses(entry.value, what),
    names="node",
    keys="node",
)
OUTPUTS = Form(
    {"anyOf": [NODE_NAME.schema, {**schemas.several(NODE_NAME.schema), "uniqueItems": True}]},
    lambda reader, entry, _: reader.outputs(entry.value),
    names="node",
)
INPUTS = Form(
    {"anyOf": [schemas.ref("nodes"), {"type": "object", "additionalProperties": NODE_NAME.schema}]},
    names="node",
    keys="operand",
    rest=NODE_NAME,
)
WARNINGS = Form(schemas.ref("warnings"), lambda reader, entry, _: reader.codes(entry.value))


def name_of(wanted: str, names: Literal["node", "measure"]) -> Form:
    """A name, which is kept with its place; `wanted` are the words for it."""
    return Form(
        NODE_NAME.schema if names == "node" else schemas.TEXT,
        lambda reader, entry, what: reader.word(entry.value, what, wanted, empty=False),
        names=names,
    )


def names_defined(names: Literal["node", "size"]) -> Form:
    """Names that get their meaning here."""
    return Form(schemas.ref("nodes"), names=names, defines=True)


# ----------------------------------------------------------------------------------------- arrays

SHAPE = Form(schemas.several(schemas.ref("size")), names="size")
STATED_SHAPE = replace(SHAPE, read=lambda reader, entry, _: entry.value)
FILE_KEYS = (
    Key("file", FILE, "An .npz or .safetensors file in the spec's folder.", required="name it"),
    Key("key", TEXT, "Name of the array in it."),
)
SHARED = Key(
    "share",
    Form(schemas.ref("reference"), names="parameter"),
    "Another's, as NODE.PARAMETER.",
    required="name it",
)
_PARAMETER = Form({"anyOf": [SHARED.form.schema, {"const": False}]}, names="parameter")
PARAMETERS_BY_NAME = Form(
    {"type": "object", "additionalProperties": _PARAMETER.schema},
    lambda reader, entry, what: reader.parameters_by_name(entry.value, what),
    rest=_PARAMETER,
)
FILLS = ("zeros", "ones")
PROPERTIES = ("sum", "argmax")
ATTRIBUTE = Form(
    {},
    names="size",
    inside={
        "file": FILE,
        "share": SHARED.form,
        "arange": SIZE,
        **dict.fromkeys(FILLS, SHAPE),
    },
)
ARRAY = Form(schemas.ref("array"), inside={"file": FILE, **dict.fromkeys(FILLS, SHAPE)})
OUTPUT = replace(ARRAY, schema=schemas.ref("output"))


def arrays_by_node(array: Form, least: int = 0) -> Form:
    """A mapping of names of nodes to arrays."""
    schema: Schema = {"type": "object", "additionalProperties": array.schema}
    return Form(
        {**schema, "minProperties": least} if least else schema,
        lambda reader, entry, what: reader.arrays(entry.value, what),
        keys="node",
        rest=array,
    )


# --------------------------------------------------------------------- what a vocabulary is for

DATA = Form(
    schemas.ref("data"), lambda reader, entry, what: reader.data(entry.value, what), is_data=True
)
HELD_BACK = Form(
    {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, schemas.ref("data")]},
    lambda reader, entry, _: reader.held_back(entry.value),
    is_data=True,
)
METRICS = Form(
    schemas.ref("metrics"),
    lambda reader, entry, what: reader.metrics(entry.value, what),
    rest=Form({}, names="node", inside={"inputs": NODE_NAMES}),
)
OPTIMIZER = Form(schemas.ref("optimizer"), lambda reader, entry, _: reader.optimizer(entry.value))
AUGMENT = Form(schemas.ref("augment"), lambda reader, entry, _: reader.augment(entry))


def _of_data(kind: DataKind) -> Form:
    """What a kind of data takes: a text alone, or a mapping of keys and inputs to texts."""
    return Form(
        {},
        names=_of_text([*kind.keys, kind.feed][0]).names,
        keys="node",
        inside={key.name: _of_text(key) for key in kind.keys},
        rest=_of_text(kind.feed),
    )


def _of_text(key: DataKey) -> Form:
    return FILE if key.is_file else Form(schemas.TEXT)


# ---------------------------------------------------------------------------------------- colours

COLOUR = Form(schemas.ref("colour"))


def colours(schema: Schema, keys: Named = "") -> Form:
    """A mapping of names to colours."""
    return Form(
        schema,
        lambda reader, entry, what: reader.colours(entry.value, what),
        keys=keys,
        rest=COLOUR,
    )


# --------------------------------------------------------------------------------------- mappings


def section(keys: Iterable[Key], read: Read | None = None, *, layout: Layout = "") -> Form:
    """A mapping with these keys."""
    keys = tuple(keys)
    required = [key.name for key in keys if key.required]
    schema = schemas.fixed({key.name: key.schema for key in keys}, required)
    return Form(schema, read, inside={key.name: key.form for key in keys}, layout=layout)


def mapping_of(form: Form, keys: Named, least: int = 0) -> Form:
    """A mapping of names, which get their meaning here, to such values."""
    schema = schemas.named(form.schema, least)
    return Form(schema, keys=keys, defines=True, rest=form, layout="columns")
