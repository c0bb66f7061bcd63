"""A network as a checked graph: ops bound to nodes, shapes inferred, nothing computed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, pairwise, permutations
from typing import TYPE_CHECKING, cast

from graphnn.diagnostics import (
    FAULTY,
    Code,
    Diagnostic,
    FileError,
    Findings,
    Note,
    SpecError,
    UsageError,
    suggestion,
)
from graphnn.graph._binding import Binder, Bound, Origin
from graphnn.graph._tied_parameters import guesses, resolve_shares
from graphnn.ops import REGISTRY, Constant, Input, Kind, Op, ShapeError
from graphnn.spec import BlockDiagnostics, sizes
from graphnn.spec.model import BlockCall, BlockInstance, NetworkSpec, NodeSpec, Reference, copies_of
from graphnn.spec.sizes import Shape, show
from graphnn.spec.values import Scalar, Sequence, Value
from graphnn.storage import archives, files, gc_paused

if TYPE_CHECKING:
    # Where it is used, it is imported: a sixth of the time of importing graphnn.
    import networkx as nx

MAX_PARAMETER = 2**28  # entries of one parameter: 2 GiB in float64
MAX_PARAMETERS = 2**30  # entries of all parameters
_ORDERED = 4  # inputs whose every order is looked at
MAX_VALUE = 2**30  # entries of the value of one node, free sizes not counted


@dataclass(frozen=True, slots=True)
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
    parameters: Dict[str, str | None]
    shape: Shape
    kind: Kind
    spec: NodeSpec = field(repr=False)


@dataclass(frozen=True, slots=True)
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
    trainable: bool = True
    learned: bool = True

    @property
    def size(self) -> int:
        """Number of entries."""
        return cast(int, sizes.product(self.shape))


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole network, checked.

    Attributes
    ----------
    spec : NetworkSpec
    network : networkx.MultiDiGraph
        An edge for each operand, keyed by its position.
    nodes : mapping of str to Node
        In schedule order: every node after what it reads, ties in the order of the file.
    parameters : mapping of str to Parameter
        By full name, in schedule order; a shared one once, under its owner's name.
    outputs : tuple of str
        What a run gives unless told otherwise; the name of a use stands for its output.
    losses : tuple of str
        Nodes whose means add up to the loss; likewise.
    """

    spec: NetworkSpec
    network: nx.MultiDiGraph[str] = field(repr=False)
    nodes: Dict[str, Node] = field(repr=False)
    parameters: Dict[str, Parameter] = field(repr=False)
    outputs: tuple[str, ...]
    losses: tuple[str, ...]

    def node(self, name: str) -> Node:
        """The node called `name`, or that the use or copy of a block called `name` stands for.

        Raises
        ------
        UsageError
            There is none.
        """
        found = self.nodes.get(self.spec.aliases.get(name, name))
        if found is None:
            help = suggestion(name, (*self.nodes, *self.spec.aliases))
            message = f"there is no node '{name}'"
            raise UsageError(Diagnostic("unknown-node", message, help=help))
        return found

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes whose values a run is given, in the order of the file."""
        return tuple(
            self.nodes[name] for name in self.spec.nodes if isinstance(self.nodes[name].op, Input)
        )


@gc_paused()
def build(spec: NetworkSpec, findings: Findings | None = None) -> Graph:
    """The checked graph of `spec`.

    Parameters
    ----------
    spec : NetworkSpec
    findings : Findings, optional
        What was found wrong with the spec before; its errors are raised together with the graph's.

    Raises
    ------
    SpecError
        With every independent fault.
    """
    return draft(spec, findings or Findings()).graph()


@gc_paused()
def draft(spec: NetworkSpec, findings: Findings) -> GraphBuilder:
    """What can be made of `spec`, whatever is wrong with it; that goes to `findings`."""
    made = GraphBuilder(spec, findings)
    made.check()
    return made


class GraphBuilder:
    """A graph in the making: its sound nodes, and the whole of it where all are.

    Parameters
    ----------
    spec : NetworkSpec
    findings : Findings
        What was found wrong with the spec before; takes what `check` finds.
    """

    def __init__(self, spec: NetworkSpec, findings: Findings) -> None:
        self._spec = spec
        self._findings = findings
        self._copies = BlockDiagnostics(findings)
        self._bound: dict[str, Bound] = {}
        self._nodes: dict[str, Node] = {}
        self._parameters: dict[str, Parameter] = {}
        self._owners: dict[str, str] = {}
        self._shares: Dict[str, Origin] = {}
        self._broken: set[str] = set()  # nodes at fault, or after one: nothing more is said of them
        self._guesses: dict[str, str] = {}

    @property
    def spec(self) -> NetworkSpec:
        """What it is made of."""
        return self._spec

    @property
    def nodes(self) -> Dict[str, Node]:
        """The nodes whose shapes can be told, in schedule order."""
        return self._nodes

    def node(self, name: str) -> Node | None:
        """The sound node called `name`, or that a use or copy of that name stands for."""
        return self._nodes.get(self._spec.aliases.get(name, name))

    def check(self) -> None:
        """Tell everything that is wrong with the graph."""
        bound = self._bound = self._bind()
        network = self._network = self._connect(bound)
        order = self._schedule(network)
        nodes, parameters = self._unbound()
        self._owners, lost = resolve_shares(
            bound,
            self._shares,
            parameters,
            lambda node: node in nodes or self._spec.find(node) is FAULTY,
            self._copies,
        )
        self._broken |= lost
        for name in order:
            if name in bound:
                self._infer(bound[name])
        self._check_shares(bound)
        self._check_references()
        self._check_free_sizes()
        self._check_total()
        if self._findings.errors:
            self._check_weights()

    def graph(self) -> Graph:
        """The whole graph.

        Raises
        ------
        SpecError
            With every fault that was found.
        """
        self._findings.raise_errors(SpecError)
        return self._made(self._spec, self._network)

    def sound(self) -> Graph:
        """The graph of the sound nodes alone, without the file of weights.

        Its outputs and losses are those among them.
        """
        nodes = {name: spec for name, spec in self._spec.nodes.items() if name in self._nodes}
        spec = replace(self._spec, nodes=nodes, weights=None)
        return self._made(spec, self._network.subgraph(nodes))

    def _made(self, spec: NetworkSpec, network: nx.MultiDiGraph[str]) -> Graph:
        own = {
            full: parameter
            for full, parameter in self._parameters.items()
            if full.rpartition(".")[0] in self._nodes
        }
        outputs, losses = self._outputs(spec, network), self._losses(spec)
        return Graph(
            spec,
            network,
            self._nodes,
            own,
            tuple(name for name in outputs if self.node(name)),
            tuple(name for name in losses if self.node(name)),
        )

    def upstream(self, names: Iterable[str]) -> set[str]:
        """All nodes, sound or not, that those called `names` are known to depend on, and these."""
        known = {self._spec.aliases.get(name, name) for name in names} & self._spec.nodes.keys()
        return known | reached(known, self._network.predecessors)

    def _bind(self) -> dict[str, Bound]:
        bound = {}
        with Binder(self._spec, self._copies) as binder:
            for block in self._spec.blocks.values():
                binder.check(block)
            for name, spec in self._spec.nodes.items():
                node = binder.bind(spec)
                if node is None:
                    self._broken.add(name)
                else:
                    bound[name] = node
        self._shares = binder.shares
        return bound

    def _connect(self, bound: Dict[str, Bound]) -> nx.MultiDiGraph[str]:
        import networkx as nx

        network: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        network.add_nodes_from(self._spec.nodes)
        for name, spec in self._spec.nodes.items():
            references = bound[name].inputs if name in bound else spec.inputs
            for position, reference in enumerate(references):
                if reference.name in self._spec.nodes:
                    network.add_edge(reference.name, name, key=position)
                    continue
                self._broken.add(name)
                self._unknown_node(reference, spec.copy)
        for use in self._spec.uses.values():
            for reference in use.inputs:
                if reference.name not in self._spec.nodes:
                    self._unknown_node(reference, use.parent)
        for reference in chain.from_iterable(self._spec.faulty.values()):
            if reference.name not in self._spec.nodes:
                self._unknown_node(reference)
        return network

    def _unbound(self) -> tuple[set[str], set[str]]:
        """Nodes at fault of which no parameters are known, and the parameters of the others."""
        nodes, parameters = set(), set()
        for name in self._spec.nodes.keys() - self._bound.keys():
            op = REGISTRY.get(str(self._spec.nodes[name].op.value))
            if op is None:
                nodes.add(name)
            else:
                parameters |= {f"{name}.{operand.name}" for operand in op.parameter_operands()}
        return nodes, parameters

    def _unknown_node(self, reference: Reference, copy: BlockInstance | None = None) -> None:
        name = reference.name
        if not name or self._spec.find(name) is not None:
            return
        if name not in self._guesses:
            few = len(self._guesses) < guesses(len(self._spec.nodes) + len(self._spec.aliases))
            self._guesses[name] = self._guess(name) if few else ""
        self._copies.of(copy).error(
            "unknown-node",
            f"there is no node '{name}'",
            reference.place.span,
            help=self._guesses[name],
        )

    def _guess(self, name: str) -> str:
        """Help for a name that is no node's."""
        head, _, number = name.rpartition(".")
        use = self._spec.uses.get(head)
        if use is not None and number.isdigit():
            if use.repeat is None:
                return f"'{head}' is one copy, without a number: it has no 'repeat'"
            return f"the copies of '{head}' are numbered from 1 to {use.repeat}"
        return suggestion(name, (*self._spec.nodes, *self._spec.aliases))

    def _schedule(self, network: nx.MultiDiGraph[str]) -> list[str]:
        import networkx as nx

        rank = {name: position for position, name in enumerate(self._spec.nodes)}
        circular = [
            knot
            for knot in nx.strongly_connected_components(network)
            if len(knot) > 1 or network.has_edge(*(2 * tuple(knot)))
        ]
        knots = [sorted(knot, key=rank.__getitem__) for knot in circular]
        for knot in sorted(knots, key=lambda knot: rank[knot[0]]):
            self._tell_cycle(network, knot)
        if not circular:
            return list(nx.lexicographical_topological_sort(network, key=rank.__getitem__))
        # What is not downstream of a cycle is still checked.
        lost = {name for knot in circular for name in knot}
        lost |= _descendants(network, lost)
        self._broken |= lost
        rest = network.subgraph(set(network) - lost)
        return list(nx.lexicographical_topological_sort(rest, key=rank.__getitem__))

    def _tell_cycle(self, network: nx.MultiDiGraph[str], knot: list[str]) -> None:
        import networkx as nx

        # A copy in the order of the file: networkx's own view has the order of a set.
        ordered: nx.DiGraph[str] = nx.DiGraph()
        ordered.add_nodes_from(knot)
        ordered.add_edges_from(
            (read, name) for name in knot for read in network.pred[name] if read in ordered
        )
        cycle = [edge[0] for edge in nx.find_cycle(ordered, knot[0])]
        members = set(cycle)
        first = cycle.index(next(name for name in knot if name in members))
        self._tell_path([self._spec.nodes[name] for name in (*cycle[first:], *cycle[:first])])

    def _tell_path(self, circle: list[NodeSpec]) -> None:
        """Tell nodes of which each reads the one before it, and the first the last."""
        # As seen from the innermost copy that they all are in: there a block stands for its nodes.
        chains = [copies_of(spec.copy) for spec in circle]
        common = [
            first
            for first, *others in zip(*chains, strict=False)
            if all(other is first for other in others)
        ]
        seen: dict[str, NodeSpec | BlockCall] = {
            spec.name: chain[len(common)].use if len(chain) > len(common) else spec
            for spec, chain in zip(circle, chains, strict=True)
        }
        members = [member for member, _ in groupby(seen[spec.name] for spec in circle)]
        path = [*members, members[0]]
        names = [member.name for member in path]
        shown = names if len(names) <= 12 else [*names[:6], "...", *names[-5:]]
        notes = [
            Note(
                f"'{reader.name}' reads '{read.name}'",
                next(r.place.span for r in reader.inputs if seen.get(r.name) is read),
            )
            for read, reader in list(pairwise(path))[:4]
        ]
        self._copies.of(common[-1] if common else None).error(
            "cycle",
            f"nodes read each other in a circle: {' -> '.join(shown)}",
            members[0].place.span,
            notes=notes,
            help="a node can only read nodes that do not depend on it",
        )

    def _infer(self, bound: Bound) -> None:
        if bound.name in self._broken or any(r.name in self._broken for r in bound.inputs):
            self._broken.add(bound.name)
            return
        inputs = [self._nodes[reference.name] for reference in bound.inputs]
        if not self._kinds_fit(bound, inputs):
            self._broken.add(bound.name)
            return
        given: dict[str, Shape] = {}
        for name, origin in bound.parameters.items():
            if origin.array is not None:
                given[name] = origin.array.shape
            elif origin.share is not None:
                owner = self._owners[f"{bound.name}.{name}"]
                keeper, _, own = owner.rpartition(".")
                if keeper in self._broken:
                    self._broken.add(bound.name)
                    return
                written = self._bound[keeper].parameters[own].array
                if written is not None:
                    given[name] = written.shape
                elif owner in self._parameters:
                    given[name] = self._parameters[owner].shape
        try:
            shapes = [node.shape for node in inputs]
            inferred = bound.op.infer(shapes, given)
            bound.op.check_kinds(shapes, [node.kind for node in inputs])
        except (ShapeError, sizes.SizeError) as error:
            self._broken.add(bound.name)
            self._shape_fault(bound, inputs, error)
            return
        if not self._place_parameters(bound, inferred.parameters) or not self._value_fits(
            bound, inferred.result
        ):
            self._broken.add(bound.name)
            return
        op = (
            bound.op.model_copy(update=dict(inferred.attributes))
            if inferred.attributes
            else bound.op
        )
        self._nodes[bound.name] = Node(
            bound.name,
            op,
            tuple(reference.name for reference in bound.inputs),
            {
                name: None if origin.absent else self._owners[f"{bound.name}.{name}"]
                for name, origin in bound.parameters.items()
            },
            inferred.result,
            op.infer_kind(*(node.kind for node in inputs)),
            bound.spec,
        )

    def _kinds_fit(self, bound: Bound, inputs: list[Node]) -> bool:
        operands = bound.op.data_operands()
        fine = True
        for position, (node, reference) in enumerate(zip(inputs, bound.inputs, strict=True)):
            operand = operands[min(position, len(operands) - 1)]
            if _takes(operand.kind, node.kind):
                continue
            fine = False
            words = {"float": "real numbers", "int": "whole numbers"}
            self._copies.of(bound.spec.copy).error(
                "wrong-kind",
                f"{bound.op.name} takes {words[operand.kind]}, "
                f"but '{node.name}' holds {words[node.kind]}",
                reference.place.span,
                notes=[Note(_described(node, ""), node.spec.place.span)],
                help=_order_help(bound, inputs) or _dtype_help(node, operand.kind),
            )
        return fine

    def _shape_fault(
        self, bound: Bound, inputs: list[Node], error: ShapeError | sizes.SizeError
    ) -> None:
        operand = getattr(error, "operand", None)
        names = [operand.name for operand in bound.op.data_operands()]
        matched = len(names) == len(inputs)
        code: Code = "shape-mismatch"
        message = f"shapes do not fit at '{bound.name}': {error}"
        place: Value = bound.spec.inputs_place
        if operand is None:
            code, message = "unknown-shape", f"the shape of '{bound.name}' cannot be told: {error}"
            place = bound.spec.op
        elif operand in bound.parameters:
            place = bound.parameters[operand].place
        elif operand in names and matched:
            place = bound.inputs[names.index(operand)].place
        if operand not in bound.parameters:
            # An attribute that the message names is nearer to the fault than the input.
            named = (key for key in re.findall(r"'(\w+)'", str(error)) if key not in names)
            fields = (bound.spec.fields[key].value for key in named if key in bound.spec.fields)
            place = next(fields, place)
        notes = [
            Note(_described(node, names[position] if matched else ""), node.spec.place.span)
            for position, node in enumerate(inputs[:4])
        ]
        self._copies.of(bound.spec.copy).error(
            code,
            message,
            place.span,
            notes=dict.fromkeys(notes),
            help=getattr(error, "help", ""),
        )

    def _place_parameters(self, bound: Bound, shapes: Dict[str, Shape]) -> bool:
        roles = {operand.name: operand.role for operand in bound.op.parameter_operands()}
        for name, origin in bound.parameters.items():
            full = f"{bound.name}.{name}"
            if origin.absent:
                continue
            shape = shapes[name]
            loose = sorted(set().union(*map(sizes.free_names, shape)))
            if loose:
                self._copies.of(bound.spec.copy).error(
                    "free-parameter",
                    f"'{full}' would have shape {show(shape)}, but '{loose[0]}' is free",
                    origin.place.span,
                    help=f"the shape of a parameter is fixed, but '{loose[0]}' is told by each run",
                )
                return False
            count = cast(int, sizes.product(shape))
            if not self._is_allowed(bound, full, shape, count, MAX_PARAMETER, origin.place):
                return False
            if origin.share is None:
                self._parameters[full] = Parameter(
                    full,
                    cast(tuple[int, ...], shape),
                    origin,
                    bound.spec.trainable,
                    roles[name] == "parameter",
                )
        return True

    def _value_fits(self, bound: Bound, shape: Shape) -> bool:
        fixed = math.prod(size for size in shape if isinstance(size, int))
        return self._is_allowed(bound, bound.name, shape, fixed, MAX_VALUE, bound.spec.op)

    def _is_allowed(
        self, bound: Bound, what: str, shape: Shape, count: int, most: int, place: Value
    ) -> bool:
        """Whether an array of `count` entries is not too large; tells it when it is."""
        if len(shape) > sizes.MAX_AXES:
            problem = f"would have {len(shape):,} axes, more than {sizes.MAX_AXES}"
        elif count > most:
            problem = f"would have shape {show(shape)}, more than {most:,} entries"
        else:
            return True
        self._copies.of(bound.spec.copy).error("too-large", f"'{what}' {problem}", place.span)
        return False

    def _check_shares(self, bound: Dict[str, Bound]) -> None:
        # A parameter may be shared before its owner is scheduled; only here are both shapes known.
        for node in self._nodes.values():
            origins = bound[node.name].parameters
            if all(origin.share is None for origin in origins.values()):
                continue
            own = {
                name: self._parameters[f"{node.name}.{name}"].shape
                for name, origin in origins.items()
                if f"{node.name}.{name}" in self._parameters
            }
            shapes = node.op.infer([self._nodes[name].shape for name in node.inputs], own)
            for name, origin in origins.items():
                owner = self._parameters.get(node.parameters[name] or "")
                if origin.share is None or owner is None:
                    continue
                if owner.shape != shapes.parameters[name]:
                    self._share_fault(node, name, shapes.parameters[name], owner, origin)

    def _share_fault(
        self, node: Node, name: str, shape: Shape, owner: Parameter, origin: Origin
    ) -> None:
        self._copies.of(node.spec.copy).error(
            "shape-mismatch",
            f"'{node.name}.{name}' has shape {show(shape)}, "
            f"but '{owner.name}', which it shares, has {show(owner.shape)}",
            origin.place.span,
            notes=[Note(f"'{owner.name}' stands here", owner.origin.place.span)],
        )

    def _check_references(self) -> None:
        wanted = list(self._spec.outputs or ())
        if self._spec.train is not None:
            wanted += self._spec.train.loss
            wanted += [node for metric in self._spec.train.metrics for node in metric.nodes]
        for reference in wanted:
            if not self._is_there(reference.name):
                self._unknown_node(reference)
        for example in self._spec.examples:
            for name, entry in (*example.inputs.items(), *example.outputs.items()):
                if not self._is_there(name):
                    self._unknown_node(Reference(name, entry.key))
            for name, entry in example.inputs.items():
                node = self._nodes.get(self._spec.aliases.get(name, name))
                if node is not None and (name != node.name or not isinstance(node.op, Input)):
                    self._findings.error(
                        "not-an-input",
                        f"'{name}' is {node.op.name}, so an example cannot give its value",
                        entry.key.span,
                    )

    def _check_free_sizes(self) -> None:
        """Tell free sizes that no run can know: none of the inputs tells how large they are."""
        sound = [node for node in self._nodes.values() if node.op.free_names]
        known = {
            str(size)
            for node in sound
            if isinstance(node.op, Input)
            for size in node.shape
            if sizes.free(str(size)) == size
        }
        told: set[str] = set()
        for node in sound if len(self._nodes) == len(self._spec.nodes) else ():
            for name in sorted(node.op.free_names - known - told):
                told.add(name)
                self._copies.of(node.spec.copy).error(
                    "unbound-size",
                    f"no input tells how large '{name}' is",
                    _mention_of(name, node).span,
                    help=f"a size that is free stands alone in the shape of an input: [{name}]",
                )

    def _check_weights(self) -> None:
        """Tell whether the file of weights can be read; what is in it, a sound network tells."""
        weights = self._spec.weights
        if weights is None:
            return
        name, span = str(weights.file.value), weights.file.span
        try:
            with archives.opened(files.within(self._spec.folder, name, span), span):
                pass
        except FileError as error:
            for found in error.diagnostics:
                self._findings.add(found)

    def _is_there(self, name: str) -> bool:
        return self._spec.aliases.get(name, name) in self._spec.nodes

    def _check_total(self) -> None:
        total = sum(parameter.size for parameter in self._parameters.values())
        if total > MAX_PARAMETERS:
            self._findings.error(
                "too-large",
                f"the parameters would have {total:,} entries, more than {MAX_PARAMETERS:,}",
                self._spec.document.entries["nodes"].key.span,
            )

    def _is_outer(self, name: str) -> bool:
        """Whether `name` is that of a use which is in no block."""
        use = self._spec.uses.get(name)
        return use is not None and use.parent is None

    def _losses(self, spec: NetworkSpec) -> tuple[str, ...]:
        train = spec.train
        if train is not None and train.loss:
            return tuple(dict.fromkeys(reference.name for reference in train.loss))
        found = [name for name in spec.nodes if self._nodes[name].op.is_loss]
        return self._by_uses(found)

    def _by_uses(self, names: Iterable[str]) -> tuple[str, ...]:
        """`names`, where a use stands for a node by the name of the outermost such use."""
        known: dict[str, str] = {}
        for use in self._spec.uses:
            known.setdefault(self._spec.aliases.get(use, use), use)
        return tuple(known.get(name, name) for name in names)

    def _outputs(self, spec: NetworkSpec, network: nx.MultiDiGraph[str]) -> tuple[str, ...]:
        if spec.outputs is not None:
            return tuple(reference.name for reference in spec.outputs)
        # What else is inside a block is of no use outside: it is a leftover, not a result.
        results = {target for name, target in spec.aliases.items() if self._is_outer(name)}
        ends = [
            name
            for name, node in spec.nodes.items()
            if (node.copy is None or name in results)
            and not self._nodes[name].op.is_loss
            and not isinstance(self._nodes[name].op, Input | Constant)
            and all(self._nodes[reader].op.is_loss for reader in network.successors(name))
        ]
        return self._by_uses(ends or [name for name in spec.nodes if not network.out_degree(name)])


def _mention_of(size: str, node: Node) -> Value:
    """Where the attributes of `node` name a free size, or else its op."""
    pending = [entry.value for entry in node.spec.fields.values()][::-1]
    while pending:
        value = pending.pop()
        if isinstance(value, Sequence):
            pending.extend(reversed(value.items))
        elif isinstance(value, Scalar) and size in sizes.names(str(value.value)):
            return value
    return node.spec.op


def _order_help(bound: Bound, inputs: list[Node]) -> str:
    """Help for inputs of the wrong kind that would fit in another order."""
    kinds = [operand.kind for operand in bound.op.data_operands()]
    by_name = any(reference.operand is not None for reference in bound.inputs)
    if by_name or len(inputs) != len(kinds) or len(inputs) > _ORDERED:
        return ""
    orders = permutations(node.kind for node in inputs)
    if any(all(map(_takes, kinds, order)) for order in orders):
        names = ", ".join(operand.name for operand in bound.op.data_operands())
        return f"the order is {names}"
    return ""


def _takes(kind: str, given: str) -> bool:
    return kind in ("any", given)


def _dtype_help(node: Node, kind: str) -> str:
    declares = "dtype" in type(node.op).model_fields
    return f"declare '{node.name}' with 'dtype: {kind}'" if declares else ""


def _described(node: Node, operand: str) -> str:
    """A node in a note: what it is, of what, in which shape."""
    subject = f"'{node.name}'"
    if operand not in ("", node.name):
        subject = f"'{operand}' is {subject},"
    else:
        subject += " is"
    read = ", ".join(f"'{name}'" for name in node.inputs[:3])
    rest = ", ..." if len(node.inputs) > 3 else ""
    return f"{subject} {node.op.name}{f' of {read}{rest}' if read else ''}: {show(node.shape)}"


def _descendants(network: nx.MultiDiGraph[str], start: Iterable[str]) -> set[str]:
    return reached(start, network.successors)


def reached(start: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    """All that `step`, taken again and again, leads to from `start`."""
    seen: set[str] = set()
    pending = list(start)
    while pending:
        for name in step(pending.pop()):
            if name not in seen:
                seen.add(name)
                pending.append(name)
    return seen
