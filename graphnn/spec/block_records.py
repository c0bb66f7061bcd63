"""Records of blocks: their definitions, and their uses and copies once they are unfolded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from graphnn.diagnostics import Names, Note
from graphnn.spec import forms, schemas
from graphnn.spec.forms import Form, key, keys_of
from graphnn.spec.node_records import NODES, BlockCallSpec, NodeSpec, Reference
from graphnn.spec.sizes import Size, free
from graphnn.spec.values import Scalar, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSpec:
    """How much there may be at most of a network, or of each copy of a block."""

    parameters: Scalar | None = key(forms.AMOUNT, "Entries of parameters.", None)
    multiply_adds: Scalar | None = key(
        forms.AMOUNT, "Multiply-adds of a row, every free size being 1.", None
    )


LIMITS = forms.section(
    keys_of(LimitsSpec), lambda reader, entry, what: reader.limits(entry.value, what)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSpec:
    """A reusable piece of graph, as it is defined.

    Attributes
    ----------
    place : Scalar
        Its name.
    folder : Path
        Where names of files in it start.
    sizes, inputs : mapping of str to Scalar
        The names that each use gives a value, with the places where they are listed.
    nodes : Names of NodeSpec or BlockCallSpec
        In the order of the file.
    output : Scalar or None
        Name of the node that a use stands for; None where that is at fault.
    outputs : Names of Scalar
        The nodes that it gives, by the names of its outputs; empty where it has one without a name.
    own : bool
        Whether it stands in the spec itself, not in a file that the spec names.
    """

    name: str
    place: Scalar
    folder: Path
    about: str = key(forms.TEXT, "A remark.", "")
    sizes: Mapping[str, Scalar] = key(
        forms.names_defined("size"), "Names of sizes that each use gives."
    )
    inputs: Mapping[str, Scalar] = key(
        forms.names_defined("node"),
        "Names for what it reads; `[]` for nothing.",
        required="add it, such as 'inputs: x'",
    )
    nodes: Names[NodeSpec | BlockCallSpec] = key(
        NODES, "Its nodes.", required="add it, such as 'nodes: {...}'"
    )
    output: Scalar | None = key(
        forms.BLOCK_OUTPUT,
        "The node that a use of the block stands for, or several by name, the first of them.",
        required="add it, such as 'output: NODE'",
    )
    limits: LimitsSpec | None = key(LIMITS, "How much each copy of it may have at most.", None)
    outputs: Names[Scalar] = field(default_factory=lambda: Names({}))
    own: bool = True

    @property
    def note(self) -> Note:
        """Where it is defined."""
        return Note(f"'{self.name}' is defined here", self.place.span)

    @property
    def given(self) -> Mapping[str, Scalar]:
        """The nodes that it gives, by name: one without a name by its own."""
        if self.outputs or self.output is None:
            return self.outputs
        return {str(self.output.value): self.output}

    def entry(self, name: str) -> str:
        """What a copy calls the entry of the input `name` that it reads where that is unstacked."""
        return f"{name}.entry" if name in self.outputs else name

    @property
    def carried(self) -> Mapping[str, str]:
        """For inputs that a copy reads from the one before it, the node there."""
        if not self.outputs and self.output is not None and len(self.inputs) == 1:
            return dict.fromkeys(self.inputs, str(self.output.value))
        return {name: str(node.value) for name, node in self.outputs.items() if name in self.inputs}

    @property
    def scope(self) -> dict[str, Size]:
        """Its sizes, each standing for itself: what they are depends on the use."""
        return {name: free(name) for name in ("batch", *self.sizes)}


_BLOCK = forms.section(keys_of(BlockSpec), layout="lines")
_FILES = {"anyOf": [*schemas.one_or_more(schemas.TEXT)["anyOf"], _BLOCK.schema]}
BLOCKS = Form(
    {
        **schemas.named(_BLOCK.schema),
        "properties": {"file": schemas.about(_FILES, "Files in the spec's folder with blocks.")},
    },
    keys="block",
    defines=True,
    inside={"file": replace(_BLOCK, names="file")},  # a block may be called so
    rest=_BLOCK,
    layout="lines",
)


@dataclass(frozen=True, slots=True, eq=False)
class BlockCall:
    """One use of a block, unfolded; a use inside a block is one for each copy of that block.

    Attributes
    ----------
    name : str
        In full, such as ``h`` or ``h.2.inner``.
    scope : mapping of str to Size
        What the names of sizes stand for inside.
    repeat : int or None
        Number of copies; None for a single one whose nodes have no number in their names.
    inputs : list of Reference
        What the first copy reads, by full names.
    instances : list of BlockInstance
    parent : BlockInstance or None
        The copy of a block that it is inside of.
    trainable : bool
        Whether it and every use around it are.
    allow : tuple of Scalar
        Codes of warnings that are silenced for its nodes, also by the uses around it.
    """

    name: str
    spec: BlockCallSpec
    block: BlockSpec
    scope: Mapping[str, Size]
    repeat: int | None
    parent: BlockInstance | None
    trainable: bool
    allow: tuple[Scalar, ...]
    inputs: list[Reference] = field(default_factory=list, repr=False)
    instances: list[BlockInstance] = field(default_factory=list, repr=False)

    @property
    def place(self) -> Value:
        """Where it is written."""
        return self.spec.place


@dataclass(frozen=True, slots=True, eq=False)
class BlockInstance:
    """One copy of a block.

    Attributes
    ----------
    name : str
        What stands before the names of its nodes, without the dot: ``h.2``, or ``h``.
    number : int or None
        Counted from 1; None where the use does not say ``repeat``.
    given : mapping of str to str
        Full names of what it reads, by the block's names of inputs.
    """

    name: str
    call: BlockCall
    number: int | None
    given: Mapping[str, str]

    def full(self, name: str) -> str:
        """The full name of what the block calls `name`."""
        if name in self.call.spec.unstack:
            return f"{self.name}.{self.call.block.entry(name)}"
        given = self.given.get(name)
        return f"{self.name}.{name}" if given is None else given


@dataclass(frozen=True, slots=True)
class SharedUse:
    """Whose parameters the copies of a use have.

    Attributes
    ----------
    place : Scalar
        Where the use says so.
    name : str
        A use or a copy of a block, as the nodes around the use call it.
    numbered : bool
        Whether each copy has those of the copy of its number there.
    """

    place: Scalar
    name: str
    numbered: bool


def keeper(instance: BlockInstance, shares: Mapping[str, SharedUse]) -> tuple[str, Scalar | None]:
    """The copy whose parameters `instance` has, and where a use says so.

    That is itself, and None, where no use shares; of several around it, the innermost one says so.
    """
    path, place = "", None
    for each in instances_of(instance):
        around = f"{path}." if path else ""
        shared = shares.get(each.call.name)
        name, numbered = each.call.spec.name, each.number is not None
        if shared is not None:
            name, numbered, place = shared.name, shared.numbered, shared.place
        path = f"{around}{name}.{each.number}" if numbered else f"{around}{name}"
    return path, place


def instances_of(instance: BlockInstance | None) -> list[BlockInstance]:
    """`instance` and those around it, from the outermost in."""
    chain: list[BlockInstance] = []
    while instance is not None:
        chain.append(instance)
        instance = instance.call.parent
    return chain[::-1]
