"""What a spec says, before any op is known: plain frozen records that keep their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from graphnn.diagnostics import FAULTY, Faulty, Names, Note
from graphnn.spec import forms, schemas
from graphnn.spec._field_reader import VERSION
from graphnn.spec.forms import Form, Key, key, key_names, keys_of
from graphnn.spec.sizes import MAX_AXES, Size, free
from graphnn.spec.values import Entry, Map, Scalar, Value

DType = Literal["float64", "float32"]
GradientMethod = Literal["backprop", "numerical"]
Keep = Literal["last", "best"]
Layout = Literal["graphnn", "torch"]
Goal = Literal["maximize", "minimize"]
Direction = Literal["increasing", "decreasing"]
Sampler = Literal["tpe", "random"]
Pruner = Literal["median", "none"]
SearchKind = Literal["uniform", "log_uniform", "choice"]

_REMARK = "A remark, which diagrams can show."
_TRAINABLE = "Whether training changes its parameters."
_ALLOW = "Codes of warnings to silence."
_SHAPE = "What its shape must be; of an op that takes a shape, that one."


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    allow: tuple[Scalar, ...] = key(forms.WARNINGS, _ALLOW, ())
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
    allow: tuple[Scalar, ...] = key(forms.WARNINGS, _ALLOW, ())
    shape: Value | None = key(
        forms.STATED_SHAPE, _SHAPE, None, otherwise="the shape that is inferred"
    )


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
NODE = Form(
    schemas.ref("node"),
    keys="field",
    inside={each.name: each.form for each in (*keys_of(NodeSpec), *keys_of(BlockCallSpec))},
    rest=forms.ATTRIBUTE,
)
NODES = forms.mapping_of(NODE, "node", least=1)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsSpec:
    """A file with values for parameters, and how its arrays are matched with them."""

    file: Scalar = key(forms.FILE, "An .npz or .safetensors file.", required="write {file: NAME}")
    partial: bool = key(forms.TRUTH, "Whether it may lack some parameters.", False)
    layout: Layout | None = key(
        forms.words(Layout),
        "Whose names of parameters, and order of axes, it has.",
        None,
        otherwise="`graphnn`",
    )
    names: Mapping[str, Entry] = key(
        forms.PARAMETERS_BY_NAME,
        "For names in it, or what they begin with: a parameter or a node here; false for none.",
        dict,
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantSpec(_Permuted):
    """The output stays the same where entries of the input change places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivariantSpec(_Permuted):
    """Entries of the output change places with those of the input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchwiseSpec(PropertySpec):
    """Each row of the output depends on the same row of the inputs alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiniteSpec(PropertySpec):
    """The output is finite, also for inputs of 0 and up to a million times as large as drawn."""


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


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric by name, with the nodes that it reads and its options."""

    name: Scalar
    nodes: tuple[Reference, ...]
    options: Map


@dataclass(frozen=True, slots=True)
class OptimizerSpec:
    """An optimizer by name, with its options."""

    name: Scalar
    options: Map


@dataclass(frozen=True, slots=True)
class AugmentSpec:
    """How training images are changed: the key and its options."""

    key: Scalar
    options: Map


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStoppingSpec:
    """After how many epochs without a better value of a measure to stop."""

    place: Value
    patience: int = key(
        forms.whole(1),
        "Epochs without a better value before it stops.",
        required="say after how many epochs without a better value to stop: {patience: 5}",
    )
    metric: Scalar = key(
        forms.name_of("the name of what is measured", "measure"),
        "What to watch.",
        Scalar("validation_loss"),
        default="validation_loss",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpec:
    """How to train: everything that reproduces a run but the data itself."""

    place: Value
    data: Map | None = key(
        forms.DATA, "Where the rows come from; without inputs, none are needed.", None
    )
    loss: tuple[Reference, ...] = key(
        forms.LOSSES,
        "A node, or several whose means are added up, with weights in a mapping.",
        (),
        otherwise="every loss op",
    )
    metrics: tuple[MetricSpec, ...] = key(
        forms.METRICS, "What to measure besides, and the nodes that it compares.", ()
    )
    optimizer: OptimizerSpec = key(
        forms.OPTIMIZER,
        "How a gradient moves the parameters.",
        OptimizerSpec(Scalar("sgd"), Map({})),
        default="sgd",
    )
    batch_size: int = key(forms.whole(1), "Rows a step.", 100)
    epochs: int = key(
        forms.whole(1), "How often to go through all rows; without data, the steps.", 10
    )
    seed: int = key(forms.whole(0), "Of every random choice.", 0)
    validation: Value | None = key(
        forms.HELD_BACK,
        "Rows to hold back and measure after each epoch: a number, a fraction, or data.",
        None,
    )
    test: Value | None = key(
        forms.HELD_BACK,
        "Rows to hold back and measure at the end: a number, a fraction, or data.",
        None,
        otherwise="those that the data set apart",
    )
    rows: Scalar | None = key(
        forms.count(1),
        "Of what is left to train on, take that many first ones.",
        None,
        otherwise="all",
    )
    gradient: GradientMethod = key(
        forms.words(GradientMethod), "Where gradients come from.", "backprop"
    )
    accumulate: int = key(forms.whole(1), "Batches whose mean gradient makes a step.", 1)
    augment: AugmentSpec | None = key(forms.AUGMENT, "How training images are changed.", None)
    early_stopping: EarlyStoppingSpec | None = key(
        forms.section(
            keys_of(EarlyStoppingSpec), lambda reader, entry, _: reader.early_stopping(entry.value)
        ),
        "When to stop before the last epoch.",
        None,
    )
    keep: Keep = key(forms.words(Keep), "Weights of which epoch to keep.", "last")
    stratify: Scalar | None = key(
        forms.name_of("the name of an input", "node"),
        "An input whose classes keep their shares in rows held back.",
        None,
    )


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


_EXAMPLE = forms.section(keys_of(ExampleSpec), layout="lines")
EXAMPLE: schemas.Schema = {
    **_EXAMPLE.schema,
    "anyOf": [{"required": ["outputs"]}, {"required": ["properties"]}],
}
SIZES = Form(
    {
        **schemas.named({"anyOf": [schemas.SIZE, {"const": "free"}]}),
        "properties": {"batch": {"const": "free"}},
    },
    keys="size",
    defines=True,
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A whole file.

    Attributes
    ----------
    document : Map
        The values it was built from.
    folder : Path
        Files that the spec names lie in this folder's tree.
    sizes : Names of Size
        ``batch`` included; a free one stands for itself.
    nodes : mapping of str to NodeSpec
        By full name, blocks unfolded, in the order of the file.
    outputs : tuple of Reference or None
        None leaves the choice to the graph.
    weights : WeightsSpec or None
    limits : LimitsSpec or None
    allow : tuple of Scalar
        Codes of warnings that are silenced.
    blocks : mapping of str to BlockSpec
    calls : mapping of str to BlockCall
        By full name, every use inside one of another included.
    aliases : mapping of str to str
        The node that the name of a use (``h``), or of one of its copies (``h.2``), stands for.
    shares : mapping of str to SharedUse
        By full name of a use, whose parameters its copies have; see `keeper`.
    faulty : mapping of str to tuple of Reference
        Full names of nodes and uses at fault, with what they read, where that is not in `nodes`.
    """

    document: Map
    folder: Path
    version: int = key(
        Form({"const": VERSION}),
        "Version of the language.",
        VERSION,
        name="graphnn",
        default=None,
        required=f"put 'graphnn: {VERSION}' at its top",
        is_of_blocks=True,
    )
    name: str = key(forms.TEXT, "Shown in tables and diagrams.", "", is_of_blocks=True)
    description: str = key(forms.TEXT, "Shown in tables.", "", is_of_blocks=True)
    sizes: Names[Size] = key(
        SIZES, "Named sizes: a whole number, or free for one that each run decides."
    )
    dtype: DType = key(forms.words(DType), "What it computes in.", "float64")
    blocks: Mapping[str, BlockSpec] = key(
        BLOCKS, "Pieces of graph to use as often as needed.", dict, is_of_blocks=True
    )
    nodes: Mapping[str, NodeSpec] = key(NODES, "Names and nodes.")
    limits: LimitsSpec | None = key(LIMITS, "How much the network may have at most.", None)
    outputs: tuple[Reference, ...] | None = key(
        forms.OUTPUTS, "What a run gives; by default the nodes that nothing reads but losses.", None
    )
    weights: WeightsSpec | None = key(
        forms.section(keys_of(WeightsSpec), lambda reader, entry, _: reader.weights(entry.value)),
        "Values for parameters, by their full names.",
        None,
    )
    examples: tuple[ExampleSpec, ...] = key(
        replace(
            _EXAMPLE,
            schema=schemas.several(schemas.ref("example")),
            read=lambda reader, entry, _: reader.examples(entry.value),
        ),
        "Inputs with the outputs they must give.",
        (),
    )
    train: TrainSpec | None = key(
        forms.section(
            keys_of(TrainSpec), lambda reader, entry, _: reader.train(entry), layout="lines"
        ),
        "How to train.",
        None,
    )
    search: SearchSpec | None = key(
        SEARCH, "Settings to vary, by the names that --set knows.", None
    )
    draw: DrawSpec | None = key(
        forms.section(
            keys_of(DrawSpec), lambda reader, entry, _: reader.draw(entry), layout="lines"
        ),
        "How diagrams look.",
        None,
    )
    allow: tuple[Scalar, ...] = key(forms.WARNINGS, _ALLOW, ())
    calls: Mapping[str, BlockCall] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, SharedUse] = field(default_factory=dict)
    faulty: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)

    def find(self, name: str) -> NodeSpec | Faulty | None:
        """The node that `name` stands for; None where there is none.

        `FAULTY` where the name is that of a node or use at fault, or of one inside such a use.
        """
        name = self.aliases.get(name, name)
        if name in self.nodes:
            return self.nodes[name]
        parts = name.split(".") if self.faulty else ()
        prefixes = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        return FAULTY if any(each in self.faulty for each in prefixes) else None


SPEC = forms.section(keys_of(NetworkSpec))


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


def property_name(spec: PropertySpec) -> str:
    """What the language calls a property."""
    return next(name for name, record in PROPERTIES.items() if type(spec) is record)


def instances_of(instance: BlockInstance | None) -> list[BlockInstance]:
    """`instance` and those around it, from the outermost in."""
    chain: list[BlockInstance] = []
    while instance is not None:
        chain.append(instance)
        instance = instance.call.parent
    return chain[::-1]
