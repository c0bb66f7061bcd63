"""What a spec says, before any op is known: plain frozen records that keep their places."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from graphnn.diagnostics import FAULTY, Faulty, Names
from graphnn.spec.sizes import Size, free
from graphnn.spec.values import Entry, Mapping, Scalar, Value

DType = Literal["float64", "float32"]
GradientMethod = Literal["backprop", "numerical"]
Keep = Literal["last", "best"]
Direction = Literal["maximize", "minimize"]
SearchKind = Literal["uniform", "log_uniform", "choice"]
TRAIN_KEYS = (
    "data",
    "loss",
    "metrics",
    "optimizer",
    "batch_size",
    "epochs",
    "seed",
    "validation",
    "test",
    "rows",
    "gradient",
    "accumulate",
    "augment",
    "early_stopping",
    "keep",
    "stratify",
)
SEARCH_KINDS: tuple[SearchKind, ...] = ("uniform", "log_uniform", "choice")


@dataclass(frozen=True, slots=True)
class Reference:
    """A mention of a node by name, empty where the text has none, which has been told.

    `operand` is set where the text names the operand too.
    """

    name: str
    place: Value
    operand: Scalar | None = None


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node: its op, what it reads, and the rest of its keys, which only the op understands.

    Attributes
    ----------
    name : str
        In full; of a node in a block's definition, the name that it has there.
    copy : Copy or None
        The copy of a block that it belongs to.
    allow : tuple of Scalar
        Codes of warnings that are not told of it.
    """

    name: str
    place: Value
    op: Scalar
    inputs: tuple[Reference, ...]
    inputs_place: Value
    fields: Dict[str, Entry]
    trainable: bool = True
    about: str = ""
    copy: BlockInstance | None = field(default=None, repr=False)
    allow: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockCallSpec:
    """One use of a block, as it is written."""

    name: str
    place: Value
    block: Scalar
    inputs: tuple[Reference, ...]
    inputs_place: Value
    fields: Dict[str, Entry]
    repeat: Value | None = None
    trainable: bool = True
    about: str = ""
    allow: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
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
    own : bool
        Whether it stands in the spec itself, not in a file that the spec names.
    """

    name: str
    place: Scalar
    folder: Path
    sizes: Dict[str, Scalar]
    inputs: Dict[str, Scalar]
    nodes: Names[NodeSpec | BlockCallSpec]
    output: Scalar | None
    about: str = ""
    own: bool = True

    @property
    def scope(self) -> dict[str, Size]:
        """Its sizes, each standing for itself: what they are depends on the use."""
        return {name: free(name) for name in ("batch", *self.sizes)}


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
    copies : list of Copy
    parent : Copy or None
        The copy of a block that it is inside of.
    trainable : bool
        Whether it and every use around it are.
    allow : tuple of Scalar
        Codes of warnings that are not told of its nodes, those of the uses around it among them.
    """

    name: str
    spec: BlockCallSpec
    block: BlockSpec
    scope: Dict[str, Size]
    repeat: int | None
    parent: BlockInstance | None
    trainable: bool
    allow: tuple[Scalar, ...]
    inputs: list[Reference] = field(default_factory=list, repr=False)
    copies: list[BlockInstance] = field(default_factory=list, repr=False)

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
    use: BlockCall
    number: int | None
    given: Dict[str, str]

    def full(self, name: str) -> str:
        """The full name of what the block calls `name`."""
        given = self.given.get(name)
        return f"{self.name}.{name}" if given is None else given


@dataclass(frozen=True, slots=True)
class WeightsSpec:
    """A file with values for parameters; `partial` where some of them may be missing in it."""

    file: Scalar
    partial: bool


@dataclass(frozen=True, slots=True)
class ExampleSpec:
    """Inputs with the outputs that they must give, within tolerances."""

    place: Mapping
    about: str
    inputs: Dict[str, Entry]
    outputs: Dict[str, Entry]
    rtol: float
    atol: float


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric by name, with the nodes that it reads and its options."""

    name: Scalar
    nodes: tuple[Reference, ...]
    options: Mapping


@dataclass(frozen=True, slots=True)
class OptimizerSpec:
    """An optimizer by name, with its options."""

    name: Scalar
    options: Mapping


@dataclass(frozen=True, slots=True)
class AugmentSpec:
    """How training images are changed: the key and its options."""

    key: Scalar
    options: Mapping


@dataclass(frozen=True, slots=True)
class EarlyStoppingSpec:
    """After how many epochs without a better value of a measure to stop."""

    place: Value
    patience: int
    metric: Scalar


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """How to train: everything that reproduces a run but the data itself."""

    place: Value
    data: Mapping | None
    loss: tuple[Reference, ...]
    metrics: tuple[MetricSpec, ...]
    optimizer: OptimizerSpec
    batch_size: int
    epochs: int
    seed: int
    validation: Value | None
    test: Value | None
    rows: Scalar | None
    gradient: GradientMethod
    accumulate: int
    augment: AugmentSpec | None
    early_stopping: EarlyStoppingSpec | None
    keep: Keep
    stratify: Scalar | None


@dataclass(frozen=True, slots=True)
class SearchedSpec:
    """A setting to vary: `values` are two bounds, or everything that may be chosen."""

    place: Scalar
    kind: SearchKind
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """Settings to vary, by the names that ``--set`` knows, and how to judge what comes of them."""

    place: Value
    settings: Dict[str, SearchedSpec]
    metric: Scalar | None
    direction: Direction | None
    sampler: Literal["tpe", "random"]
    pruner: Literal["median", "none"]
    seed: int


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A whole file.

    Attributes
    ----------
    document : Mapping
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
    allow : tuple of Scalar
        Codes of warnings that are not told.
    blocks : mapping of str to BlockSpec
    uses : mapping of str to Use
        By full name, every use inside one of another included.
    aliases : mapping of str to str
        The node that the name of a use (``h``), or of one of its copies (``h.2``), stands for.
    faulty : mapping of str to tuple of Reference
        Full names of nodes and uses at fault, with what they read, where that is not in `nodes`.
    """

    document: Mapping
    folder: Path
    name: str
    description: str
    sizes: Names[Size]
    dtype: DType
    nodes: Dict[str, NodeSpec]
    outputs: tuple[Reference, ...] | None
    weights: WeightsSpec | None
    examples: tuple[ExampleSpec, ...]
    train: TrainSpec | None
    search: SearchSpec | None = None
    allow: tuple[Scalar, ...] = ()
    blocks: Dict[str, BlockSpec] = field(default_factory=dict)
    uses: Dict[str, BlockCall] = field(default_factory=dict)
    aliases: Dict[str, str] = field(default_factory=dict)
    faulty: Dict[str, tuple[Reference, ...]] = field(default_factory=dict)

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


def copies_of(copy: BlockInstance | None) -> list[BlockInstance]:
    """`copy` and those around it, from the outermost in."""
    chain: list[BlockInstance] = []
    while copy is not None:
        chain.append(copy)
        copy = copy.use.parent
    return chain[::-1]
