"""A network as a checked graph: ops resolved, shapes inferred, nothing computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, TypeVar, cast

from graphnn.diagnostics import UsageError, suggestion
from graphnn.graph._wiring import Wiring
from graphnn.ops import Array, Kind, Op, Operand
from graphnn.ops.initializers import MAP, Initializer
from graphnn.spec import sizes
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import NodeSpec, Reference
from graphnn.spec.record import record
from graphnn.spec.sizes import Shape
from graphnn.spec.values import Map, Scalar, Value

if TYPE_CHECKING:
    import networkx as nx

T = TypeVar("T", bound=Hashable)


@record()
class Origin:
    """Where the first value of a parameter comes from: one of the three is set, or none.

    Attributes
    ----------
    start : Initializer or None
    array : ndarray or None
        Numbers in the spec or in a file it names.
    share : str or None
        Full name of the parameter that it is.
    place : Value
        Where the spec says so; the node's name where it does not.
    layout : str
        What the axes of the parameter are, for initializers.
    """

    place: Value
    start: Initializer | None = None
    array: Array | None = None
    share: str | None = None
    layout: str = MAP

    @property
    def absent(self) -> bool:
        """Whether the parameter is left out."""
        return self.start is None and self.array is None and self.share is None

    @property
    def words(self) -> str:
        """What the first value is, such as ``normal(std=0.1)``."""
        if self.start is not None:
            options = self.start.model_dump(exclude={"name"}, exclude_defaults=True)
            listed = ", ".join(f"{key}={value}" for key, value in options.items())
            name = getattr(self.start, "name", type(self.start).__name__)
            return f"{name}({listed})" if listed else name
        if isinstance(self.place, Map):
            file = self.place.get("file")
            assert isinstance(file, Scalar)
            return f"file {file.value}"
        return "numbers of the spec"


@record()
class Node:
    """One node, checked.

    Attributes
    ----------
    name : str
    op : Op
        With every size filled in.
    inputs : tuple of str
        Nodes that it reads, by operand.
    parameters : mapping of str to str or None
        From the op's parameter operands to full names of parameters; None for one left out.
    shape : Shape
        Of its value.
    kind : {"float", "int"}
    spec : NodeSpec
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    parameters: Mapping[str, str | None]
    shape: Shape
    kind: Kind
    spec: NodeSpec = field(repr=False)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The operand that each of `inputs` is."""
        return operands_of(self.op, self.spec.inputs)

    def placed(self, values: Sequence[Any]) -> list[Any]:
        """Values of `inputs` by operand, with None for an operand left out between; `Op.placed`."""
        references = self.spec.inputs
        if not references or references[0].operand is None:  # as the first operands
            return [*values]
        return self.op.placed(self.operands, values)


@record()
class Parameter:
    """An array that the network keeps.

    Attributes
    ----------
    name : str
        In full, such as ``a1.weight``.
    shape : tuple of int
    origin : Origin
        Where its first value comes from.
    trainable : bool
        Whether training moves it.
    learned : bool
        Whether it is a parameter; a state, such as a running mean, is not.
    """

    name: str
    shape: tuple[int, ...]
    origin: Origin = field(repr=False)
    trainable: bool
    learned: bool

    @property
    def size(self) -> int:
        """Number of entries."""
        return cast(int, sizes.product(self.shape))


@dataclass(frozen=True, slots=True)
class Graph:
    """The sound nodes of a network; all of them where nothing is wrong with it.

    Attributes
    ----------
    spec : NetworkSpec
    wiring : Wiring
        What each node reads, and what reads it.
    nodes : mapping of str to Node
        In schedule order: every node after what it reads, ties in the order of the file.
    parameters : mapping of str to Parameter
        By full name, in schedule order; a shared one once, under its owner's name.
    outputs : tuple of str
        What a run gives by default; the name of a use stands for its output.
    losses : tuple of str
        Nodes whose means add up to the loss; likewise.
    """

    spec: NetworkSpec
    wiring: Wiring = field(repr=False)
    nodes: Mapping[str, Node] = field(repr=False)
    parameters: Mapping[str, Parameter] = field(repr=False)
    outputs: tuple[str, ...]
    losses: tuple[str, ...]

    def find(self, name: str) -> Node | None:
        """The node that `name` stands for; None where there is none, or one at fault."""
        return self.nodes.get(self.spec.aliases.get(name, name))

    def node(self, name: str) -> Node:
        """The node called `name`, or that the use or copy of a block called `name` stands for.

        Raises
        ------
        UsageError
            There is none.
        """
        found = self.find(name)
        if found is None:
            help = suggestion(name, (*self.nodes, *self.spec.aliases))
            message = f"there is no node '{name}'"
            raise UsageError.of("unknown-node", message, help=help)
        return found

    def torch_turned(self) -> frozenset[str]:
        """Nodes that share a matrix with a node whose layer of torch has it the other way round.

        Torch has no layer for them, but the matrix as it is here.
        """
        ways: dict[str, set[bool]] = {}
        uses = [
            (node.name, full, operand in node.op.torch_reversed)
            for node in self.nodes.values()
            for operand, full in node.parameters.items()
            if full is not None and len(self.parameters[full].shape) > 1
        ]
        for _, full, reverse in uses:
            ways.setdefault(full, set()).add(reverse)
        return frozenset(name for name, full, reverse in uses if reverse and len(ways[full]) > 1)

    def upstream(self, names: Iterable[str]) -> set[str]:
        """All nodes, sound or not, that those called `names` depend on, and these."""
        known = self._known(names)
        return known | reached(known, self.wiring.reads)

    def downstream(self, names: Iterable[str]) -> set[str]:
        """All nodes, sound or not, that depend on those called `names`, and these."""
        known = self._known(names)
        return known | reached(known, self.wiring.readers.__getitem__)

    def _known(self, names: Iterable[str]) -> set[str]:
        """Full names of the nodes that there are among those called `names`."""
        return {self.spec.aliases.get(name, name) for name in names} & self.spec.nodes.keys()

    @property
    def network(self) -> nx.MultiDiGraph[str]:
        """All nodes, with an edge for each operand that is known, keyed by its position.

        Built each time, for what networkx does with graphs.
        """
        return self.wiring.network()

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes whose values a run is given, in the order of the file."""
        nodes = (self.nodes[name] for name in self.spec.nodes if name in self.nodes)
        return tuple(node for node in nodes if node.op.is_input)


def operands_of(op: Op, references: Sequence[Reference]) -> tuple[Operand, ...]:
    """The operands that are given, in the order of the op, by name or as the first ones."""
    operands = op.data_operands()
    if operands and operands[0].many:
        return operands * len(references)
    if not references or references[0].operand is None:  # all are given by name, or none is
        return operands[: len(references)]
    named = {str(each.operand.value) for each in references if each.operand is not None}
    return tuple(operand for operand in operands if operand.name in named)


def reached(start: Iterable[T], step: Callable[[T], Iterable[T]]) -> set[T]:
    """All that `step`, taken again and again, leads to from `start`."""
    seen: set[T] = set()
    pending = list(start)
    while pending:
        for name in step(pending.pop()):
            if name not in seen:
                seen.add(name)
                pending.append(name)
    return seen


def in_order(sources: Sequence[Collection[int]]) -> list[int]:
    """Places after all that they read, else as they come; of those in a circle none.

    Parameters
    ----------
    sources : sequence of collection of int
        By place, the places that it reads, each once.
    """
    readers: list[list[int]] = [[] for _ in sources]
    waiting = [len(read) for read in sources]
    for place, read in enumerate(sources):
        for source in read:
            readers[source].append(place)
    ready = [place for place, count in enumerate(waiting) if not count]
    order = []
    while ready:
        order.append(place := heappop(ready))
        for reader in readers[place]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heappush(ready, reader)
    return order
