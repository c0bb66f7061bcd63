"""Records of searches for settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from graphnn.spec import forms, schemas
from graphnn.spec.forms import Form, Key, key, key_names, keys_of
from graphnn.spec.values import Scalar, Value

Goal = Literal["maximize", "minimize"]
Sampler = Literal["tpe", "random"]
Pruner = Literal["median", "none"]
SearchKind = Literal["uniform", "log_uniform", "choice"]
_BOUND_ABOVE_0 = {**schemas.NUMBER, "exclusiveMinimum": 0}
_CHOICE: schemas.Schema = {"type": "array", "minItems": 1, "uniqueItems": True}
RANGES: dict[SearchKind, Key] = {
    "uniform": Key(
        "uniform", Form(schemas.several(schemas.NUMBER, 2)), "Evenly between two bounds."
    ),
    "log_uniform": Key(
        "log_uniform", Form(schemas.several(_BOUND_ABOVE_0, 2)), "Evenly in the logarithm."
    ),
    "choice": Key("choice", Form(_CHOICE), "One of a list of any values."),
}


@dataclass(frozen=True, slots=True)
class SearchedSpec:
    """A setting to vary: `values` are two bounds, or everything that may be chosen."""

    place: Scalar
    kind: SearchKind
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpec:
    """Settings to vary, by the names that ``--set`` knows, and how to judge the results."""

    place: Value
    settings: Mapping[str, SearchedSpec]
    metric: Scalar | None = key(
        forms.name_of("the name of a measure, such as validation_loss", "measure"),
        "What is measured after each epoch.",
        None,
        otherwise="`validation_loss`, or `loss` without validation rows",
    )
    direction: Goal | None = key(
        forms.words(Goal),
        "Which way the metric is better.",
        None,
        otherwise="`minimize` a loss or an error, else `maximize`",
    )
    sampler: Sampler = key(forms.words(Sampler), "What draws the settings.", "tpe")
    pruner: Pruner = key(forms.words(Pruner), "What stops a poor trial.", "median")
    seed: int = key(forms.whole(0), "Of what is drawn.", 0)


SEARCH = Form(
    {
        "type": "object",
        "properties": {each.name: each.schema for each in keys_of(SearchSpec)},
        "additionalProperties": schemas.single({n: each.schema for n, each in RANGES.items()}),
        "not": {"propertyNames": {"enum": list(key_names(SearchSpec))}},
    },
    lambda reader, entry, _: reader.search(entry),
    keys="size",
    inside={each.name: each.form for each in keys_of(SearchSpec)},
    layout="lines",
)
