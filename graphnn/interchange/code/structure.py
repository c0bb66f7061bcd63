"""What is written: the nodes of a network in their blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphnn.diagnostics import RunError
from graphnn.graph import Graph, Node, in_order, reached
from graphnn.ops import CodeForm, Kind, Op
from graphnn.spec.block_records import BlockCall, BlockInstance, instances_of
from graphnn.spec.sizes import Shape


@dataclass(frozen=True, slots=True)
class Operation:
    """A node, or the fused op that takes its place.

    Attributes
    ----------
    node : Node
    op : Op
    inputs : tuple of str
        Full names of the nodes that it reads.
    """

    node: Node
    op: Op
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a block.

    Attributes
    ----------
    instance : BlockInstance
    scope : Scope
    inputs : mapping of str to str
        Full names of the nodes that it reads, by the block's names for them.
    output : str
        Full name of the node that it stands for.
    """

    instance: BlockInstance
    scope: Scope
    inputs: Mapping[str, str]
    output: str


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a block, with its copies."""

    call: BlockCall
    copies: list[Copy] = field(default_factory=list)


@dataclass(slots=True)
class Scope:
    """A network, or a copy of a block: what is computed in it, in order.

    Attributes
    ----------
    items : list of Operation or Use
    prefix : str
        What stands before the names of its nodes.
    """

    prefix: str = ""
    items: list[Operation | Use] = field(default_factory=list)


class Structure:
    """The nodes that some others need, in their blocks.

    Parameters
    ----------
    graph : Graph
    wanted : iterable of str
        Nodes, or uses of blocks.

    Attributes
    ----------
    top : Scope
    scopes : mapping of str to Scope
        Of all copies of blocks, by name.

    Raises
    ------
    RunError
        A node inside a block is wanted, or read from outside: blocks give their output alone.
    """

    def __init__(self, graph: Graph, wanted: Iterable[str]) -> None:
        self.graph = graph
        self._operations: dict[str, Operation] = {}
        self.top = Scope()
        self.scopes: dict[str, Scope] = {}
        self._uses: dict[str, Use] = {}
        names = [graph.node(name).name for name in wanted]
        needed = self.closure(names)
        for node in graph.nodes.values():
            if node.name in needed and not node.op.is_input:
                self._place(self.operation(node.name))
        for scope in (self.top, *self.scopes.values()):
            self._arrange(scope)
        self._check_outside(names)

    def operation(self, name: str) -> Operation:
        """The operation of a node, fused with what it reads where both are in one scope."""
        if name not in self._operations:
            node = self.graph.nodes[name]
            op, inputs = node.op, list(node.inputs)
            for operand in node.op.fusions:
                place = [each.name for each in node.op.data_operands()].index(operand)
                source = self.graph.nodes[inputs[place]]
                fused = node.op.fused(operand, source.op, source.shape)
                if fused and source.spec.instance is node.spec.instance:
                    op, inputs[place] = fused, source.inputs[0]
            self._operations[name] = Operation(node, op, tuple(inputs))
        return self._operations[name]

    def closure(self, names: Iterable[str]) -> set[str]:
        """Full names of all nodes that `names` need."""
        start = {self.graph.node(name).name for name in names}
        return start | reached(start, lambda name: self.operation(name).inputs)

    def form(
        self, operation: Operation, names: Sequence[str | None], result: str, cotangent: str = "g"
    ) -> CodeForm:
        """What the written form of an operation is made of; `names` as its operands."""
        kept = [*self.kept(operation).values()]
        count = len(operation.inputs)
        shapes = self.placed(operation, [*map(self.shape, operation.inputs)])
        kinds = self.placed(operation, [*map(self.kind, operation.inputs)])
        return CodeForm(
            (*self.placed(operation, names[:count]), *names[count:]),
            (*shapes, *(self.graph.parameters[full].shape if full else None for full in kept)),
            (*kinds, *("float" if full else None for full in kept)),
            result,
            operation.node.shape,
            cotangent,
        )

    def placed(self, operation: Operation, values: Sequence[Any]) -> list[Any]:
        """Values of what an operation reads, by data operand; None for those left out."""
        found = operation.node.placed(values)
        return found + [None] * (len(operation.op.data_operands()) - len(found))

    def kept(self, operation: Operation) -> Mapping[str, str | None]:
        """Full names of the parameters and states of an operation, by operand."""
        return {
            operand.name: operation.node.parameters[operand.name]
            for operand in operation.op.parameter_operands()
        }

    def shape(self, name: str) -> Shape:
        """Shape of a node's value."""
        return self.graph.nodes[name].shape

    def kind(self, name: str) -> Kind:
        """Kind of a node's value."""
        return self.graph.nodes[name].kind

    def reads(self, item: Operation | Use) -> list[str]:
        """Full names of what an item reads from its scope."""
        if isinstance(item, Operation):
            return [*item.inputs]
        own = {copy.output for copy in item.copies}
        given = [name for copy in item.copies for name in copy.inputs.values()]
        return [name for name in dict.fromkeys(given) if name not in own]

    def gives(self, item: Operation | Use) -> list[str]:
        """Full names of the nodes of an item that its scope sees."""
        if isinstance(item, Operation):
            return [item.node.name]
        return [copy.output for copy in item.copies]

    def _place(self, operation: Operation) -> None:
        scope = self.top
        chain = instances_of(operation.node.spec.instance)
        if operation.node.spec.made_by == "unstack":
            chain.pop()  # what a copy reads is taken where the copies are
        # What a block with several outputs computes is written where the block is used.
        for instance in [each for each in chain if len(each.call.block.outputs) < 2]:
            use = self._uses.get(instance.call.name)
            if use is None:
                use = self._uses[instance.call.name] = Use(instance.call)
                scope.items.append(use)
            if instance.name not in self.scopes:
                scope = self.scopes[instance.name] = Scope(f"{instance.name}.")
                aliases = self.graph.spec.aliases
                inputs = {own: aliases.get(full, full) for own, full in instance.given.items()}
                inputs |= {own: instance.full(own) for own in instance.call.spec.unstack}
                use.copies.append(Copy(instance, scope, inputs, aliases[instance.name]))
            scope = self.scopes[instance.name]
        scope.items.append(operation)

    def _arrange(self, scope: Scope) -> None:
        """Put items after what they read: a block is written where its last input is there."""
        places = {
            name: place for place, item in enumerate(scope.items) for name in self.gives(item)
        }
        sources = [
            {places[name] for name in self.reads(item) if name in places} - {place}
            for place, item in enumerate(scope.items)
        ]
        scope.items[:] = [scope.items[place] for place in in_order(sources)]

    def _unstacked(self, scope: Scope) -> set[str]:
        """Full names of what a copy reads that are entries of what its use reads."""
        copies = (each for use in self._uses.values() for each in use.copies)
        instance = next((each.instance for each in copies if each.scope is scope), None)
        return set() if instance is None else {*map(instance.full, instance.call.spec.unstack)}

    def _check_outside(self, wanted: Iterable[str]) -> None:
        """Refuse nodes of blocks that are read from outside, other than outputs."""
        for scope in (self.top, *self.scopes.values()):
            seen = {name for item in scope.items for name in self.gives(item)}
            given = self._unstacked(scope)
            inside = {name for name in self._operations if name.startswith(scope.prefix)} - given
            reads = [name for item in scope.items for name in self.reads(item)]
            for name in (*reads, *(wanted if scope is self.top else ())):
                hidden = name in inside and name not in seen
                if hidden and not self.graph.nodes[name].op.is_input:
                    message = f"'{name}' lies in a block, whose code gives its output alone"
                    raise RunError.of("not-in-code", message)
