"""Nodes and their ops: attributes checked, operands matched, parameters placed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache

from graphnn.diagnostics import FAULTY, Faulty, Findings, Note, suggestion
from graphnn.graph._graph import Origin, operands_of
from graphnn.graph.passes.attributes import read_op
from graphnn.graph.passes.origins import read_origin
from graphnn.graph.passes.scope import Archives, Scope
from graphnn.ops import BROKEN, REGISTRY, Op, Operand, elsewhere, public_ops
from graphnn.spec import BlockDiagnostics, InputNames, match_inputs
from graphnn.spec.block_records import BlockInstance, BlockSpec, keeper
from graphnn.spec.forms import key_names, meant
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import NodeSpec, Reference
from graphnn.spec.record import record
from graphnn.spec.values import Entry, Map

Origins = dict[str, Origin | Faulty]


@record()
class ResolvedNode:
    """A node whose op is known and whose operands are matched; shapes come later."""

    spec: NodeSpec
    op: Op
    inputs: tuple[Reference, ...]
    parameters: Mapping[str, Origin]

    @property
    def name(self) -> str:
        """The node's name."""
        return self.spec.name

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The operand that each of `inputs` is."""
        return operands_of(self.op, self.inputs)


def resolve_ops(
    spec: NetworkSpec, reports: BlockDiagnostics
) -> tuple[dict[str, ResolvedNode | Faulty], Origins]:
    """Every node with its op, by name, and origins by full names of parameters.

    The origins are those of all parameters that are not left out, of nodes at fault too.
    """
    with Archives() as archives:
        resolver = _Resolver(spec, reports, archives)
        for block in spec.blocks.values():
            resolver.check(block)
        nodes: dict[str, ResolvedNode | Faulty] = {}
        origins: Origins = {}
        for name, node in spec.nodes.items():
            nodes[name], parameters = resolver.resolve(node)
            for key, origin in parameters.items():
                if origin is FAULTY or not origin.absent:
                    origins[f"{name}.{key}"] = origin
    return nodes, origins


class _Resolver:
    def __init__(self, spec: NetworkSpec, reports: BlockDiagnostics, archives: Archives) -> None:
        self._reports = reports
        self._outer = Scope(spec, archives, reports.of(None), spec.sizes, spec.folder)
        self._unsound: set[int] = set()  # nodes of blocks that are at fault in every copy
        self._alike: dict[tuple[int, int], tuple[ResolvedNode | Faulty, Origins]] = {}

    def check(self, block: BlockSpec) -> None:
        """Report what is wrong with the nodes of `block` whatever its sizes are."""
        for node in block.nodes.values():
            if isinstance(node, NodeSpec):
                found = Findings()
                _resolve(
                    node,
                    replace(
                        self._outer,
                        findings=found,
                        sizes=block.scope,
                        folder=block.folder,
                        block=block,
                    ),
                )
                for diagnostic in found.sorted():
                    self._unsound.add(id(node))
                    self._outer.findings.add(diagnostic)

    def resolve(self, spec: NodeSpec) -> tuple[ResolvedNode | Faulty, Origins]:
        """`spec` with its op, and the origins of its parameters by operand.

        Of a node of a block that `check` found at fault nothing more is reported.
        """
        instance, shares = spec.instance, self._outer.spec.shares
        if instance is None:
            return _resolve(spec, self._outer)
        node, origins = self._apart(spec, instance)
        if not origins or not shares:
            return node, origins
        owner, place = keeper(instance, shares)
        if place is None or owner == instance.name:
            return node, origins
        local = spec.name.removeprefix(f"{instance.name}.")
        tied: Origins = {
            key: origin
            if origin is FAULTY or origin.absent
            else Origin(place, share=f"{owner}.{local}.{key}", layout=origin.layout)
            for key, origin in origins.items()
        }
        if node is not FAULTY:
            sound = {key: origin for key, origin in tied.items() if origin is not FAULTY}
            node = replace(node, parameters=sound)
        return node, tied

    def _apart(
        self, spec: NodeSpec, instance: BlockInstance
    ) -> tuple[ResolvedNode | Faulty, Origins]:
        """As `resolve` for a node of a copy of a block, apart from what uses of blocks share."""
        call = instance.call
        if spec.made_by:
            reports = self._reports.of(instance)
            return _resolve(spec, replace(self._outer, findings=reports, instance=instance))
        written = call.block.nodes[spec.name.removeprefix(f"{instance.name}.")]
        if id(written) in self._unsound:
            op_class = REGISTRY.get(str(spec.op.value))
            operands = op_class.parameter_operands() if op_class else ()
            return FAULTY, {operand.name: FAULTY for operand in operands}
        findings = self._reports.of(instance)
        key = (id(written), id(call))
        if key in self._alike:
            node, origins = self._alike[key]
            inputs = FAULTY if node is FAULTY else _inputs(spec, type(node.op), findings)
            if node is FAULTY or inputs is FAULTY:
                return FAULTY, origins
            return ResolvedNode(spec, node.op, inputs, node.parameters), origins
        folder = call.block.folder
        found = _resolve(
            spec,
            replace(
                self._outer, findings=findings, sizes=call.scope, folder=folder, instance=instance
            ),
        )
        # What names no other parameter and no array by the node's name is alike in all copies.
        if not any(isinstance(entry.value, Map) for entry in spec.fields.values()):
            self._alike[key] = found
        return found


def _resolve(spec: NodeSpec, scope: Scope) -> tuple[ResolvedNode | Faulty, Origins]:
    op_class = REGISTRY.get(str(spec.op.value))
    if op_class is None or (op_class.internal and not spec.made_by):
        name = str(spec.op.value)
        other = f"it is a block: write 'block: {name}'" if name in scope.spec.blocks else ""
        other = other or elsewhere(name)
        help = other or suggestion(name, sorted(public_ops()), "'graphnn ops' lists them all")
        message = f"there is no op '{name}'"
        missing = (f"the ops of '{package}' are missing: {why}" for package, why in BROKEN.items())
        notes = tuple(map(Note, missing))
        scope.findings.error("unknown-op", message, spec.op.span, help=help, notes=notes)
        return FAULTY, {}
    entries, misspelt = _entries(spec, op_class, scope.findings)
    op = read_op(spec, op_class, entries, scope)
    inputs = FAULTY if "inputs" in misspelt else _inputs(spec, op_class, scope.findings)
    origins = {
        operand.name: read_origin(spec, operand, entries.get(operand.name), scope)
        for operand in op_class.parameter_operands()
    }
    sound = {key: origin for key, origin in origins.items() if origin is not FAULTY}
    if op is FAULTY or inputs is FAULTY or len(sound) < len(origins):
        return FAULTY, origins
    return ResolvedNode(spec, op, inputs, sound), origins


def _entries(
    spec: NodeSpec, op_class: type[Op], findings: Findings
) -> tuple[Mapping[str, Entry], Collection[str]]:
    """Attributes and parameters as given, and the keys that misspelt ones seem to mean.

    A misspelt key is taken for what it means, so that nothing is reported to be missing.
    """
    own = _own_keys(op_class)
    if spec.fields.keys() <= own.keys():
        return spec.fields, ()
    known = [*own, *key_names(NodeSpec)[1:]]
    unused = [key for key in known if key not in spec.fields]
    misspelt: dict[str, Entry] = {}
    for key, entry in spec.fields.items():
        if key not in known:
            other, help = meant(NodeSpec, key, known, unused)
            if also := op_class.also_called.get(key):
                other, help = also, f"did you mean '{also}'?"
            help = help or f"'graphnn ops {op_class.name}' lists them"
            misspelt.setdefault(other or key, entry)
            message = f"{op_class.name} has no attribute or parameter '{key}'"
            findings.error("unknown-key", message, entry.key.span, help=help)
    return {**misspelt, **spec.fields}, misspelt


@cache
def _own_keys(op_class: type[Op]) -> dict[str, None]:
    """Attributes and parameters of ops of a class."""
    parameters = (operand.name for operand in op_class.parameter_operands())
    return dict.fromkeys([*op_class.attribute_names, *parameters])


def _inputs(
    spec: NodeSpec, op_class: type[Op], findings: Findings
) -> tuple[Reference, ...] | Faulty:
    return match_inputs(spec, _taken(op_class), findings)


@cache
def _taken(op_class: type[Op]) -> InputNames:
    """Names of the inputs that ops of a class take."""
    operands = op_class.data_operands()
    many = bool(operands) and operands[0].many
    names = tuple(operand.name for operand in operands)
    optional = sum(operand.optional for operand in operands)
    return InputNames(op_class.name, "operand", names, many, optional)
