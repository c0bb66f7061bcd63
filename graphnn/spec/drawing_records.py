"""Records of the looks of diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphnn.spec import forms, schemas
from graphnn.spec.forms import key, keys_of
from graphnn.spec.values import Scalar, Value


@dataclass(frozen=True, slots=True)
class ColourSpec:
    """A colour as ``#rrggbb``, and the name of what has it."""

    place: Scalar
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawSpec:
    """Looks of diagrams: the colour of a node, else of its op, else of its family."""

    place: Value
    families: Mapping[str, ColourSpec] = key(
        forms.colours(schemas.ref("family-colours")), "Colours by family of ops.", dict
    )
    ops: Mapping[str, ColourSpec] = key(
        forms.colours(schemas.ref("op-colours")), "Colours by op.", dict
    )
    nodes: Mapping[str, ColourSpec] = key(
        forms.colours({"type": "object", "additionalProperties": schemas.ref("colour")}, "node"),
        "Colours by node, or use of a block.",
        dict,
    )
    mathematical: bool = key(
        forms.TRUTH, "Whether names are written as in formulas, such as `W⁽¹⁾` and `x₁`.", False
    )


DRAW = forms.section(keys_of(DrawSpec), lambda reader, entry, _: reader.draw(entry), layout="lines")
