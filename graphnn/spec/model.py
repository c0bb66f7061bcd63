"""What a spec says, before any op is known: plain frozen records that keep their places."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graphnn.spec.sizes import Size
from graphnn.spec.values import Entry, Mapping, Scalar, Value

DType = Literal["float64", "float32"]
GradientMethod = Literal["backprop", "numerical"]
Keep = Literal["last", "best"]
Direction = Literal["maximize", "minimize"]
SearchKind = Literal["uniform", "log_uniform", "choice"]
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
    """One node: its op, what it reads, and the rest of its keys, which only the op understands."""

    name: str
    place: Value
    op: Scalar
    inputs: tuple[Reference, ...]
    inputs_place: Value
    fields: Dict[str, Entry]
    trainable: bool = True
    about: str = ""


@dataclass(frozen=True, slots=True)
class ExampleSpec:
    """Inputs with the outputs that they must give, within tolerances."""

    place: Value
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
    sizes : mapping of str to Size
        Named sizes, ``batch`` included; a free one stands for itself.
    nodes : mapping of str to NodeSpec
        In the order of the file.
    outputs : tuple of Reference or None
        None leaves the choice to the graph.
    weights : Scalar or None
        Name of the file with values for parameters.
    """

    document: Mapping
    folder: Path
    name: str
    description: str
    sizes: Dict[str, Size]
    dtype: DType
    nodes: Dict[str, NodeSpec]
    outputs: tuple[Reference, ...] | None
    weights: Scalar | None
    examples: tuple[ExampleSpec, ...]
    train: TrainSpec | None
    search: SearchSpec | None = None
