"""Records of examples, and of the properties that hold for all values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from graphnn.spec import forms, schemas
from graphnn.spec.forms import Key, key, keys_of
from graphnn.spec.sizes import MAX_AXES
from graphnn.spec.values import Entry, Map, Scalar

Direction = Literal["increasing", "decreasing"]
_OUTPUT = "The node that it is said of."
_INPUT = "The input that is changed."
_AXIS = forms.whole(-MAX_AXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertySpec:
    """What is said of a node for all values; `place` is the name of the property."""

    place: Scalar
    output: Scalar = key(
        forms.name_of("the name of a node", "node"),
        _OUTPUT,
        required="name a node: output: NODE",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfInput(PropertySpec):
    input: Scalar = key(
        forms.name_of("the name of an input", "node"),
        _INPUT,
        required="name an input: input: NODE",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalSpec(_OfInput):
    """Entries of the output up to a place depend on those of the input up to it alone."""

    axis: int = key(_AXIS, "Along which axis of both.", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Permuted(_OfInput):
    permutation: int = key(
        _AXIS,
        "The axis along which entries of the input change places.",
        required="name the axis: permutation: 1",
    )


class InvariantSpec(_Permuted):
    """The output stays the same where entries of the input change places."""

    __slots__ = ()


class EquivariantSpec(_Permuted):
    """Entries of the output change places with those of the input."""

    __slots__ = ()


class BatchwiseSpec(PropertySpec):
    """Each row of the output depends on the same row of the inputs alone."""

    __slots__ = ()


class FiniteSpec(PropertySpec):
    """The output is finite, also for inputs of 0 and up to a million times as large as drawn."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonotoneSpec(_OfInput):
    """No entry of the output falls where entries of the input rise; or rises, if decreasing."""

    direction: Direction = key(
        forms.words(Direction), "Whether it rises or falls with the input.", "increasing"
    )


PROPERTIES: dict[str, type] = {
    "causal": CausalSpec,
    "invariant": InvariantSpec,
    "equivariant": EquivariantSpec,
    "batchwise": BatchwiseSpec,
    "finite": FiniteSpec,
    "monotone": MonotoneSpec,
}
PROPERTY_KEYS = tuple(
    Key(name, forms.section(keys_of(record)), (record.__doc__ or ""))
    for name, record in PROPERTIES.items()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSpec:
    """Inputs with the outputs that they must give, within tolerances."""

    place: Map
    about: str = key(forms.TEXT, "What it shows.", "")
    inputs: Mapping[str, Entry] = key(
        forms.arrays_by_node(forms.ARRAY), "An array for each input.", dict
    )
    outputs: Mapping[str, Entry] = key(
        forms.arrays_by_node(forms.OUTPUT, least=1),
        "What nodes must give: an array, or a property along the last axis.",
        dict,
    )
    properties: tuple[PropertySpec, ...] = key(
        forms.section(
            PROPERTY_KEYS, lambda reader, entry, what: reader.properties(entry.value, what)
        ),
        "What holds for all values, which is tested by changing inputs.",
        (),
    )
    rtol: float = key(forms.TOLERANCE, "Allowed difference, relative to the value.", 1e-7)
    atol: float = key(forms.TOLERANCE, "Allowed difference.", 1e-9)


_EXAMPLE = forms.section(keys_of(ExampleSpec), layout="lines")
EXAMPLE: schemas.Schema = {
    **_EXAMPLE.schema,
    "anyOf": [{"required": ["outputs"]}, {"required": ["properties"]}],
}
EXAMPLES = replace(
    _EXAMPLE,
    schema=schemas.several(schemas.ref("example")),
    read=lambda reader, entry, _: reader.examples(entry.value),
)


def property_name(spec: PropertySpec) -> str:
    """What the language calls a property."""
    return next(name for name, record in PROPERTIES.items() if type(spec) is record)
