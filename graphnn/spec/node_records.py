"""Records of nodes and of uses of blocks, as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from graphnn.spec import forms, schemas
from graphnn.spec.forms import Form, key, keys_of
from graphnn.spec.record import record
from graphnn.spec.values import Entry, Scalar, Value

if TYPE_CHECKING:
    from graphnn.spec.block_records import BlockInstance

_REMARK = "A remark, which diagrams can show."
_TRAINABLE = "Whether training changes its parameters."
ALLOW = "Codes of warnings to silence."
_SHAPE = "What its shape must be; of an op that takes a shape, that one."


@record()
class Reference:
    """A mention of a node by name, empty where the text has none, which has been reported.

    `operand` is set where the text names the operand too, `weight` where it weighs the node.
    """

    name: str
    place: Value
    operand: Scalar | None = None
    weight: Scalar | None = None


@dataclass(frozen=True, slots=True)
class AxisSpec:
    """An input or an output of a block by name, with an axis; `place` is where it is named."""

    place: Scalar
    axis: int


@record(kw_only=True)
class NodeSpec:
    """One node: its op, what it reads, and the rest of its keys, which only the op understands.

    Attributes
    ----------
    name : str
        In full; of a node in a block's definition, the name that it has there.
    instance : BlockInstance or None
        The copy of a block that it belongs to.
    allow : tuple of Scalar
        Codes of warnings that are silenced for it.
    made_by : {"", "unstack", "stack", "loss"}
        The key that it is made by, where it is not written itself.
    """

    name: str
    place: Value
    op: Scalar = key(
        forms.OP_NAME, "What it computes.", required="name its op, as in {op: relu, inputs: x}"
    )
    inputs: tuple[Reference, ...] = key(
        forms.INPUTS, "What it reads: a name, a list in the op's order, or a mapping by operand."
    )
    inputs_place: Value
    fields: Mapping[str, Entry]
    trainable: bool = key(forms.TRUTH, _TRAINABLE, True)
    about: str = key(forms.TEXT, _REMARK, "")
    allow: tuple[Scalar, ...] = key(forms.WARNINGS, ALLOW, ())
    shape: Value | None = key(
        forms.STATED_SHAPE, _SHAPE, None, otherwise="the shape that is inferred"
    )
    instance: BlockInstance | None = field(default=None, repr=False)
    made_by: Literal["", "unstack", "stack", "loss"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCallSpec:
    """One use of a block, as it is written."""

    name: str
    place: Value
    block: Scalar = key(forms.BLOCK_NAME, "Name of a block.", required="name its block")
    inputs: tuple[Reference, ...] = key(
        forms.INPUTS, "What it reads: a name, a list in the block's order, or a mapping by input."
    )
    inputs_place: Value
    fields: Mapping[str, Entry]
    repeat: Value | None = key(
        forms.SIZE, "How many copies, each of which reads the one before.", None
    )
    unstack: Mapping[str, AxisSpec] = key(
        forms.AXES,
        "Inputs of which each copy reads its entry along an axis: names, or names with axes.",
        dict,
        otherwise="every copy reads the same",
    )
    stack: Mapping[str, AxisSpec] = key(
        forms.AXES,
        "Outputs of all copies that `USE.OUTPUT` has along a new axis: names, or names with axes.",
        dict,
        otherwise="those of the last copy",
    )
    share: Scalar | None = key(
        forms.SHARE,
        "Whether all copies have the parameters of the first, or the use whose parameters it has.",
        None,
        otherwise="every copy has its own parameters",
    )
    trainable: bool = key(forms.TRUTH, _TRAINABLE, True)
    about: str = key(forms.TEXT, _REMARK, "")
    allow: tuple[Scalar, ...] = key(forms.WARNINGS, ALLOW, ())
    shape: Value | None = key(
        forms.STATED_SHAPE, _SHAPE, None, otherwise="the shape that is inferred"
    )


NODE = Form(
    schemas.ref("node"),
    keys="field",
    inside={each.name: each.form for each in (*keys_of(NodeSpec), *keys_of(BlockCallSpec))},
    rest=forms.ATTRIBUTE,
)
NODES = forms.mapping_of(NODE, "node", least=1)
