"""What settings are drawn from: real numbers where they take them, although bounds are whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from graphnn.diagnostics import UsageError
from graphnn.ops import REGISTRY
from graphnn.spec import settings as overrides
from graphnn.spec.search_records import SearchedSpec, SearchSpec
from graphnn.spec.values import Map, Scalar, Value, place_of, plain
from graphnn.training._language import VOCABULARY


def with_real_bounds(spec: SearchSpec, document: Map) -> SearchSpec:
    """`spec`, with real bounds for the settings that take real numbers."""
    settings = {name: _ranged(document, name, found) for name, found in spec.settings.items()}
    return replace(spec, settings=settings)


def _ranged(document: Map, name: str, searched: SearchedSpec) -> SearchedSpec:
    try:
        path = overrides.find(document, name, VOCABULARY)
    except UsageError:
        return searched  # reported where settings are checked
    if searched.kind == "choice" or not _is_real(document, path):
        return searched
    bounds = (Scalar(float(plain(bound)), *place_of(bound)) for bound in searched.values)
    return replace(searched, values=tuple(bounds))


def _is_real(document: Map, path: overrides.Path) -> bool:
    """Whether the setting at `path` takes real numbers, not only whole ones."""
    *outer, owner, option = path
    kind: Any = None
    if path[0] == "train" and owner in VOCABULARY.options:
        kind = VOCABULARY.options[owner]
    elif path[0] == "train" and outer and outer[-1] in VOCABULARY.choices:
        kind = VOCABULARY.choices[outer[-1]].get(owner)
    elif path[0] in ("nodes", "blocks"):
        node: Value | None = document
        for key in path[:-1]:
            node = node.get(key) if isinstance(node, Map) else None
        op = node.get("op") if isinstance(node, Map) else None
        kind = REGISTRY.get(str(op.value)) if isinstance(op, Scalar) else None
    field = kind.model_fields.get(option) if kind is not None else None
    return field is not None and _takes_real(field.annotation)


def _takes_real(annotation: Any) -> bool:
    return annotation is float or any(map(_takes_real, get_args(annotation)))
