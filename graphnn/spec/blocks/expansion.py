"""Uses of blocks unfolded into nodes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from graphnn.diagnostics import FAULTY, Findings, Names, counted, suggestion
from graphnn.spec import sizes
from graphnn.spec._nodes import MAX_NODES
from graphnn.spec.block_records import BlockCall, BlockInstance, BlockSpec, SharedUse
from graphnn.spec.blocks.block_diagnostics import BlockDiagnostics
from graphnn.spec.blocks.definitions import SizeFault, check_call, given_sizes, unknown_size_help
from graphnn.spec.blocks.made_nodes import stacked, unstacked
from graphnn.spec.blocks.sharing import Sharing
from graphnn.spec.node_records import BlockCallSpec, NodeSpec, Reference

MAX_SETS = 100_000  # sets of sizes that blocks are used with; counting nodes takes time for each
Node = NodeSpec | BlockCallSpec
Scope = Mapping[str, sizes.Size]


@dataclass(frozen=True, slots=True)
class Expanded:
    """What `expand` makes; see the attributes of `NetworkSpec` of the same names."""

    nodes: dict[str, NodeSpec]
    calls: dict[str, BlockCall]
    aliases: dict[str, str]
    shares: dict[str, SharedUse]
    faulty: dict[str, tuple[Reference, ...]]


def expand(
    nodes: Names[Node],
    blocks: Names[BlockSpec],
    scope: Names[sizes.Size],
    ops: Collection[str],
    findings: Findings,
) -> Expanded:
    """`nodes` with every use of a block replaced by the nodes of its copies.

    Parameters
    ----------
    nodes : Names of NodeSpec or BlockCallSpec
    blocks : Names of BlockSpec
    scope : Names of Size
        The named sizes.
    ops : collection of str
        Names of the ops that there are.
    findings : Findings
        Takes what is wrong with uses. Whether what a node reads is there is left to the graph.
    """
    if all(isinstance(node, NodeSpec) for node in nodes.values()):
        plain = {name: node for name, node in nodes.items() if isinstance(node, NodeSpec)}
        return Expanded(plain, {}, {}, {}, dict.fromkeys(nodes.faulty, ()))
    return _Expander(blocks, scope, findings).expand(nodes, ops)


class _Expander:
    def __init__(
        self, blocks: Names[BlockSpec], scope: Names[sizes.Size], findings: Findings
    ) -> None:
        self._findings = findings
        self._copies = BlockDiagnostics(findings)
        self._blocks = blocks
        self._scope = scope
        self._nodes: dict[str, tuple[NodeSpec, BlockInstance | None]] = {}
        self._uses: dict[str, BlockCall] = {}
        self._aliases: dict[str, str] = {}
        self._faulty: dict[str, tuple[Reference, ...]] = {}  # with what each is known to read
        self._counts: dict[tuple[sizes.Size | str, ...], int] = {}

    def expand(self, nodes: Names[Node], ops: Collection[str]) -> Expanded:
        self._faulty.update(dict.fromkeys(nodes.faulty, ()))
        top: list[Node] = []
        for name, node in nodes.items():
            if isinstance(node, NodeSpec):
                top.append(node)
                continue
            found = check_call(node, self._blocks, ops, self._findings)
            if found is FAULTY:
                self._misfit(node)
                self._faulty[name] = node.inputs
            else:
                top.append(found)
        self._unfold(top)
        # An alias leads to a node, or to an alias that was made after it.
        for name, target in reversed(list(self._aliases.items())):
            self._aliases[name] = self._aliases.get(target, target)
        for call in self._uses.values():
            call.inputs.extend(self._reference(r, call.parent) for r in call.spec.inputs)
        placed = {name: self._placed(name, *found) for name, found in self._nodes.items()}
        shares = Sharing(self._uses, self._faulty, self._copies).shares
        faulty = {
            name: tuple(self._reference(reference, None) for reference in read)
            for name, read in self._faulty.items()
        }
        return Expanded(placed, self._uses, self._aliases, shares, faulty)

    def _misfit(self, spec: BlockCallSpec) -> None:
        """Report sizes at fault of a use that does not fit its block for another reason."""
        block = self._blocks.get(str(spec.block.value))
        keys = ("repeat", *(block.sizes if block is not None else ()))
        for key, fault in given_sizes(spec, spec.name, self._scope)[1].items():
            if key in keys:
                self._size_fault(fault, None)

    def _unfold(self, top: Iterable[Node]) -> None:
        pending: list[tuple[BlockInstance | None, Iterator[Node]]] = [(None, iter(top))]
        while pending:
            instance, rest = pending[-1]
            node = next(rest, None)
            if node is None:
                pending.pop()
            elif isinstance(node, NodeSpec):
                self._nodes[_full(instance, node.name)] = (node, instance)
            elif call := self._use(node, instance):
                pending.append((instance, stacked(call)))
                pending += [(copy, _inside(copy)) for copy in reversed(call.instances)]
            else:
                # What one in a block reads is checked where the block is defined.
                self._faulty[_full(instance, node.name)] = node.inputs if instance is None else ()

    def _use(self, spec: BlockCallSpec, parent: BlockInstance | None) -> BlockCall | None:
        """`spec` with its copies, or None where it is at fault."""
        block = self._blocks[str(spec.block.value)]
        outer = self._scope if parent is None else parent.call.scope
        findings = self._copies.of(parent)
        name = _full(parent, spec.name)
        given, faults = _given(spec, name, block, outer)
        for fault in faults:
            self._size_fault(fault, parent)
        if given is None or not _fits(name, spec, block, given[1], findings):
            return None
        scope, repeat = given
        assert repeat is None or isinstance(repeat, int)
        if parent is None and self._too_many(spec, block, scope, repeat):
            return None
        trainable = spec.trainable and (parent is None or parent.call.trainable)
        allow = spec.allow if parent is None else (*spec.allow, *parent.call.allow)
        call = BlockCall(name, spec, block, scope, repeat, parent, trainable, allow)
        self._uses[name] = call
        self._copy(call)
        return call

    def _copy(self, call: BlockCall) -> None:
        block, parent = call.block, call.parent
        read = {
            key: parent.full(r.name) if parent is not None and r.name else r.name
            for key, r in zip(block.inputs, call.spec.inputs, strict=True)
        }
        carried = {key: at for key, at in block.carried.items() if key not in call.spec.unstack}
        for number in (None,) if call.repeat is None else range(1, call.repeat + 1):
            prefix = call.name if number is None else f"{call.name}.{number}"
            call.instances.append(BlockInstance(prefix, call, number, read))
            read = {**read, **{key: f"{prefix}.{at}" for key, at in carried.items()}}
            inner = {*block.nodes.faulty, *block.outputs.faulty}
            self._faulty.update({f"{prefix}.{name}": () for name in inner})
        self._name_outputs(call)

    def _name_outputs(self, call: BlockCall) -> None:
        """What the names of a use, of its copies and of their outputs stand for."""
        block, last = call.block, call.instances[-1].name
        if block.output is None:
            self._faulty[call.name] = ()
            return
        if call.repeat is not None:
            self._aliases[call.name] = last
            for name, node in block.outputs.items():
                if name not in call.spec.stack:
                    self._aliases[f"{call.name}.{name}"] = f"{last}.{node.value}"
        for instance in call.instances:
            self._aliases[instance.name] = f"{instance.name}.{block.output.value}"
            for name, node in block.outputs.items():
                if name != node.value:
                    self._aliases[f"{instance.name}.{name}"] = f"{instance.name}.{node.value}"

    def _size_fault(self, fault: SizeFault, parent: BlockInstance | None) -> None:
        if parent is None:
            otherwise = "declare it under 'sizes': a whole number, or free"
            help = suggestion(fault.unknown, self._scope, otherwise)
        else:
            help = unknown_size_help(fault.unknown, parent.call.block)
        fault.report(self._copies.of(parent), help)

    def _too_many(
        self, spec: BlockCallSpec, block: BlockSpec, scope: Scope, repeat: int | None
    ) -> bool:
        """Report a use that would unfold to too many nodes, before any of them is made."""
        count = len(self._nodes) + (repeat or 1) * (self._count(block, scope) + len(spec.unstack))
        if len(self._counts) > MAX_SETS:
            message = f"the spec uses blocks with more than {MAX_SETS:,} different sets of sizes"
            help = "give the blocks that it is made of fewer different sizes"
        elif count > MAX_NODES:
            message = f"with '{spec.name}' unfolded the spec has more than {MAX_NODES:,} nodes"
            help = "repeat it, or what it is made of, fewer times"
        else:
            return False
        self._findings.error("too-many-nodes", message, spec.place.span, help=help)
        return True

    def _count(self, block: BlockSpec, scope: Scope) -> int:
        """How many nodes a copy of `block` has; beyond `MAX_NODES` only that there are more."""
        key = (block.name, *(scope[name] for name in block.sizes))
        if key in self._counts or len(self._counts) > MAX_SETS:
            return self._counts.get(key, 0)
        total = 0
        for node in block.nodes.values():
            if isinstance(node, NodeSpec):
                total += 1
                continue
            inner = self._blocks[str(node.block.value)]
            given, _ = _given(node, node.name, inner, scope)
            if given is not None:
                times = given[1] if isinstance(given[1], int) else 1
                each = self._count(inner, given[0]) + len(node.unstack)
                total += times * each + len(node.stack)  # as deep as blocks hold blocks
            if total > MAX_NODES:
                break
        self._counts[key] = total
        return total

    def _placed(self, name: str, spec: NodeSpec, instance: BlockInstance | None) -> NodeSpec:
        """`spec` under its full name, with the full names of what it reads."""
        own = None if spec.made_by else instance  # what is made has full names already
        inputs = tuple(self._reference(reference, own) for reference in spec.inputs)
        if spec.made_by:
            inputs = tuple(r if r.name in self._nodes else replace(r, name="") for r in inputs)
        trainable = spec.trainable and (instance is None or instance.call.trainable)
        allow = spec.allow if instance is None else (*spec.allow, *instance.call.allow)
        if instance is None and inputs == spec.inputs:
            return spec
        return replace(
            spec, name=name, inputs=inputs, trainable=trainable, instance=instance, allow=allow
        )

    def _reference(self, reference: Reference, instance: BlockInstance | None) -> Reference:
        name = reference.name
        if instance is not None and name:
            name = instance.full(name)
        name = self._aliases.get(name, name)
        if instance is not None and reference.name in instance.given and name not in self._nodes:
            name = ""  # reported where it is given
        if name == reference.name:
            return reference
        return Reference(name, reference.place, reference.operand)


def _fits(
    name: str, spec: BlockCallSpec, block: BlockSpec, repeat: sizes.Size | None, findings: Findings
) -> bool:
    """Whether `block` can be repeated so often; reports it when not."""
    joined = block.carried or spec.unstack or spec.stack
    unknown = block.output is None or block.outputs.faulty  # reported where they are defined
    if repeat is None or repeat == 1 or (isinstance(repeat, int) and (joined or unknown)):
        return True
    assert spec.repeat is not None
    if not isinstance(repeat, int):
        loose = min(sizes.free_names(repeat))
        message = f"'{name}' is repeated {repeat} times, but '{loose}' is free"
        help = "the number of nodes is fixed: repeat a whole number of times"
        findings.error("bad-repeat", message, spec.repeat.span, help=help)
        return False
    listed = f" ({', '.join(block.inputs)})" if block.inputs else ""
    message = f"'{name}' repeats the block '{block.name}' {repeat:,} times, "
    problem = f"but it has {counted(len(block.inputs), 'input') if listed else 'no inputs'}{listed}"
    if len(block.inputs) == 1:
        problem = f"but no copy reads the one before it: no output is called '{listed[2:-1]}'"
    first = next(iter(block.inputs), "")
    help = f"name what each copy hands on to the next as its input: output: {{{first}: NODE}}"
    message, help = message + problem, help if first else "add 'stack', to have what each gives"
    findings.error("bad-repeat", message, spec.repeat.span, notes=(block.note,), help=help)
    return False


def _given(
    spec: BlockCallSpec, name: str, block: BlockSpec, outer: Scope
) -> tuple[tuple[Scope, sizes.Size | None] | None, list[SizeFault]]:
    """The sizes inside a use and its repeat, or None and the faults of those at fault."""
    given, faults = given_sizes(spec, name, outer)
    sound = {key: size for key, size in given.items() if size is not FAULTY}
    if faults or len(sound) < len(given):
        return None, list(faults.values())
    scope = {"batch": sizes.free("batch"), **{key: sound[key] for key in block.sizes}}
    return (scope, sound.get("repeat")), []


def _inside(copy: BlockInstance) -> Iterator[Node]:
    yield from unstacked(copy)
    yield from copy.call.block.nodes.values()


def _full(instance: BlockInstance | None, name: str) -> str:
    return name if instance is None else f"{instance.name}.{name}"
