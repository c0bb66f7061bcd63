"""A graph turned into a straight list of steps, for only what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal, get_args

from graphnn.diagnostics import RunError
from graphnn.graph import Graph, Node
from graphnn.ops import Kind, Op
from graphnn.spec.record import record
from graphnn.spec.sizes import Shape
from graphnn.storage import gc_paused

Role = Literal["input", "parameter", "constant", "noise", "value"]
Mode = Literal["run", "train"]
MODES: tuple[Mode, ...] = get_args(Mode)


@record()
class Slot:
    """A place for one array.

    Attributes
    ----------
    name : str
        Node, or full name of a parameter, whose value it holds.
    role : {"input", "parameter", "constant", "noise", "value"}
        Given to a run, kept by the network, the same in every run, drawn anew, or computed.
    shape : Shape
    kind : {"float", "int"}
    storage : int
        The slot whose memory it may share: its own, or for a view that of what it views.
    """

    name: str
    role: Role
    shape: Shape
    kind: Kind
    storage: int


@record()
class Step:
    """One op applied: ``slots[output] = op.forward(*arguments)``.

    Attributes
    ----------
    node : str
    op : Op
        The node's own, or a fused one.
    arguments : tuple of int or None
        A slot for each operand, data first; None for a parameter left out.
    output : int
    dying : tuple of int
        Storages that nothing reads after this step and no output needs.
    """

    node: str
    op: Op
    arguments: tuple[int | None, ...]
    output: int
    dying: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps over numbered slots, in an order in which they can be carried out.

    Attributes
    ----------
    steps : tuple of Step
    slots : tuple of Slot
    inputs, parameters, outputs : mapping of str to int
        Slots by name of the input node, full name of the parameter, name of the wanted node.
    noises : tuple of (int, Op)
        Slots to draw for every pass, with the ops that draw.
    """

    steps: tuple[Step, ...]
    slots: tuple[Slot, ...]
    inputs: Mapping[str, int]
    parameters: Mapping[str, int]
    outputs: Mapping[str, int]
    noises: tuple[tuple[int, Op], ...] = ()

    def rows_needed(self) -> dict[str, int]:
        """Rows that a batch must have, by the node whose op needs more than one."""
        needed = {}
        for step in self.steps:
            data = step.arguments[: len(step.op.data_operands())]
            shapes = [self.slots[slot].shape for slot in data if slot is not None]
            needed[step.node] = step.op.rows_needed(*shapes)
        return {node: rows for node, rows in needed.items() if rows > 1}

    def picking(self, step: Step) -> Callable[[list[Any]], Iterable[Any]]:
        """What picks the arguments of `step` from a list of all values and None after them.

        An argument left out is that None.
        """
        first, *others = (len(self.slots) if slot is None else slot for slot in step.arguments)
        # Of one place alone, it would give the value itself, but for a slice.
        return itemgetter(first, *others) if others else itemgetter(slice(first, first + 1))


@gc_paused()
def make(graph: Graph, names: Iterable[str], mode: Mode = "run", *, fuse: bool = True) -> Plan:
    """The plan that computes the nodes called `names`, and nothing that they do not need.

    In the mode ``train`` every op is the one that stands for it in training (`Op.in_training`).
    A loss that reads the op it fuses with (`Op.fusions`) becomes one step on that op's input,
    unless `fuse` is False.
    The name of a use of a block stands for its output.

    Raises
    ------
    UsageError
        A name is not that of a node.
    RunError
        An op of another program is known by name alone.
    """
    wanted = {name: graph.node(name).name for name in names}
    fusible = {name: node for name, node in graph.nodes.items() if fuse and node.op.fusions}
    fused = {name: _fuse(graph, node) for name, node in fusible.items()}
    needed = _needed(graph, wanted.values(), fused)
    return _Planner(graph, fused, mode).plan(needed, wanted)


Fused = tuple[Op, tuple[str, ...]]


def _fuse(graph: Graph, node: Node) -> Fused | None:
    names = [operand.name for operand in node.op.data_operands()]
    for operand in node.op.fusions:
        position = names.index(operand)
        source = graph.nodes[node.inputs[position]]
        if replacement := node.op.fused(operand, source.op, source.shape):
            inputs = list(node.inputs)
            inputs[position] = source.inputs[0]
            return replacement, tuple(inputs)
    return None


def _needed(graph: Graph, wanted: Iterable[str], fused: Mapping[str, Fused | None]) -> list[Node]:
    needed, nodes = {*wanted}, []
    for node in reversed([*graph.nodes.values()]):  # each before those that it reads
        if node.name in needed:
            nodes.append(node)
            fusion = fused.get(node.name)
            needed.update(fusion[1] if fusion else node.inputs)
    return nodes[::-1]


class _Planner:
    def __init__(self, graph: Graph, fused: Mapping[str, Fused | None], mode: Mode) -> None:
        self._graph = graph
        self._fused = fused
        self._mode = mode
        self._noises: list[tuple[int, Op]] = []
        self._slots: list[Slot] = []
        self._by_node: dict[str, int] = {}
        self._parameters: dict[str, int] = {}

    def plan(self, needed: list[Node], wanted: Mapping[str, str]) -> Plan:
        inputs: dict[str, int] = {}
        steps: list[Step] = []
        for node in needed:
            if node.op.is_input:
                inputs[node.name] = self._node_slot(node, "input", None)
            else:
                steps.append(self._step(node))
        outputs = {name: self._by_node[node] for name, node in wanted.items()}
        return Plan(
            self._with_lifetimes(steps, outputs.values()),
            tuple(self._slots),
            inputs,
            self._parameters,
            outputs,
            tuple(self._noises),
        )

    def _step(self, node: Node) -> Step:
        if node.op.drawn_only:
            message = f"'{node.name}' is {node.op.name}, which can be drawn, not computed"
            raise RunError.of("not-in-graphnn", message)
        op, sources = self._fused.get(node.name) or (node.op, node.inputs)
        if self._mode == "train":
            op = op.in_training()
        arguments: list[int | None] = node.placed([self._by_node[name] for name in sources])
        data = len(op.data_operands())
        arguments += [None] * (data - len(arguments))  # of those left out
        for operand in op.operands[data:]:
            if operand.is_parameter:
                full = node.parameters[operand.name]
                arguments.append(None if full is None else self._parameter_slot(full))
            else:
                noise = self._add(node.name, "noise", node.shape, "float", None)
                self._noises.append((noise, op))
                arguments.append(noise)
        role: Role = "value" if arguments else "constant"
        first = arguments[0] if arguments and op.view else None
        return Step(node.name, op, tuple(arguments), self._node_slot(node, role, first))

    def _node_slot(self, node: Node, role: Role, viewed: int | None) -> int:
        slot = self._add(node.name, role, node.shape, node.kind, viewed)
        self._by_node[node.name] = slot
        return slot

    def _parameter_slot(self, full: str) -> int:
        if full not in self._parameters:
            shape = self._graph.parameters[full].shape
            self._parameters[full] = self._add(full, "parameter", shape, "float", None)
        return self._parameters[full]

    def _add(self, name: str, role: Role, shape: Shape, kind: Kind, viewed: int | None) -> int:
        number = len(self._slots)
        storage = number if viewed is None else self._slots[viewed].storage
        self._slots.append(Slot(name, role, shape, kind, storage))
        return number

    def _with_lifetimes(self, steps: list[Step], outputs: Iterable[int]) -> tuple[Step, ...]:
        storages = [slot.storage for slot in self._slots]
        seen = {storages[slot] for slot in outputs}  # of what is kept, or read by a later step
        seen.update(at for at in storages if self._slots[at].role != "value")
        timed: list[Step] = []
        for step in reversed(steps):
            dying = []
            for slot in (*step.arguments, step.output):
                if slot is not None and (storage := storages[slot]) not in seen:
                    seen.add(storage)
                    dying.append(storage)
            timed.append(Step(step.node, step.op, step.arguments, step.output, tuple(dying)))
        return tuple(reversed(timed))
