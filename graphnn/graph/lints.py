"""What is odd in a sound network: warnings, and the keys ``allow`` that silence them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from graphnn.diagnostics import AllowableCode, Diagnostic, Findings, Note
from graphnn.graph._graph import Graph, Node, reached
from graphnn.ops import Input
from graphnn.ops.initializers import fans
from graphnn.spec import BlockDiagnostics, sizes
from graphnn.spec.model import NetworkSpec
from graphnn.spec.values import Mapping, Scalar, Sequence, Value

_SPREAD = 4.0  # where a sigmoid has lost 93 % of its slope, and a tanh 99.9 %
_SATURATING = ("sigmoid", "tanh")
_SAME_ENTRIES = ("identity", "reshape", "flatten", "transpose", "dropout")
_SQUARED = ("mean_squared_error", "sum_squared_error")
# What is surely no probability: any real number, or rows that add up to something else than 1.
_UNBOUNDED = ("linear", "convolution", "normalization")
_SCORES = ("tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "softplus", "log_softmax", "exp")
_PROBABILITIES = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
_NO_SIZES = ("op", "block", "inputs", "about", "output", "allow")  # keys whose texts name no size


def advise(graph: Graph) -> tuple[Diagnostic, ...]:
    """Warnings of a sound network, by place, without those that its nodes allow."""
    findings = Findings()
    _Adviser(graph, findings).advise()
    return findings.sorted()


def silence(
    found: Iterable[Diagnostic], spec: NetworkSpec, *, complete: bool = True
) -> tuple[Diagnostic, ...]:
    """`found` without the warnings that the whole file allows.

    Where it is `complete` and without an error, there is one for each allowed that never came.
    """
    allowed = {str(code.value): code for code in spec.allow}
    kept, came = Findings(), set()
    for diagnostic in found:
        if diagnostic.severity == "warning" and diagnostic.code in allowed:
            came.add(diagnostic.code)
        else:
            kept.add(diagnostic)
    if complete and not kept.errors:  # or it might still come
        _idle([code for name, code in allowed.items() if name not in came], kept)
    return kept.sorted()


def _idle(codes: Iterable[Scalar], findings: Findings) -> None:
    for code in codes:
        message = f"'{code.value}' is allowed, but nothing is warned of by that code"
        findings.warning("unused-allow", message, code.span, help="leave it out")


class _Adviser:
    def __init__(self, graph: Graph, findings: Findings) -> None:
        self._graph = graph
        self._findings = findings
        self._copies = BlockDiagnostics(findings)
        self._came: set[int] = set()  # entries of 'allow' that silenced something

    def advise(self) -> None:
        self._unread()
        self._unused_blocks()
        self._unused_sizes()
        for node in self._graph.nodes.values():
            self._saturated(node)
            if node.op.is_loss:
                self._loss(node)
        allowed = {
            id(code): code for node in self._graph.nodes.values() for code in node.spec.allow
        }
        _idle((code for key, code in allowed.items() if key not in self._came), self._findings)

    def _warn(
        self, node: Node, code: AllowableCode, message: str, place: Value, **parts: Any
    ) -> None:
        spec = node.spec
        silencing = {id(allowed) for allowed in spec.allow if allowed.value == code}
        self._came |= silencing
        if not silencing:
            self._copies.of(spec.copy).warning(code, message, place.span, **parts)

    def _unread(self) -> None:
        graph = self._graph
        wanted = {*graph.outputs, *graph.losses}
        if graph.spec.train is not None:
            wanted |= {n.name for metric in graph.spec.train.metrics for n in metric.nodes}
        wanted = {graph.spec.aliases.get(name, name) for name in wanted}
        used = wanted | reached(wanted, graph.network.predecessors)
        for name, spec in graph.spec.nodes.items():
            if name in used:
                continue
            code: AllowableCode = "unread-node"
            help = "leave it out, or list it under 'outputs'"
            message = f"'{name}' is read by no other node, and is no output and no loss"
            if graph.network.out_degree(name):
                message = f"'{name}' is read only by nodes that lead to no output and no loss"
            if isinstance(graph.nodes[name].op, Input):
                if graph.network.out_degree(name):
                    continue  # what reads it has been told
                code, help = "unused-input", "let a node read it, or leave it out"
                message = f"no output and no loss depends on the input '{name}'"
            self._warn(graph.nodes[name], code, message, spec.place, help=help)

    def _unused_blocks(self) -> None:
        used = {use.block.name for use in self._graph.spec.uses.values()}
        for name, block in self._graph.spec.blocks.items():
            if block.own and name not in used:
                message = f"no node uses the block '{name}'"
                self._findings.warning(
                    "unused-block", message, block.place.span, help="leave it out"
                )

    def _unused_sizes(self) -> None:
        document = self._graph.spec.document
        declared = document.get("sizes")
        unused = dict(declared.entries) if isinstance(declared, Mapping) else {}
        for word in _words(document) if unused else ():
            unused.pop(word, None)
        for name, entry in unused.items():
            message = f"nothing has the size '{name}'"
            help = "use it in a shape, or leave it out"
            self._findings.warning("unused-size", message, entry.key.span, help=help)

    def _saturated(self, node: Node) -> None:
        full = node.parameters.get("weight")
        readers = [
            reader
            for reader in self._graph.network.successors(node.name)
            if self._graph.nodes[reader].op.name in _SATURATING
        ]
        if full is None or not readers:
            return
        parameter = self._graph.parameters[full]
        origin = parameter.origin
        if origin.start is None:
            return
        fan_in, _ = fans(parameter.shape, origin.layout)
        spread = origin.start.deviation(parameter.shape, origin.layout) * math.sqrt(fan_in)
        if spread <= _SPREAD:
            return
        reader = self._graph.nodes[readers[0]]
        kind = reader.op.name
        self._warn(
            node,
            "saturated-start",
            f"'{full}' starts so wide that the {kind} '{readers[0]}' is flat almost everywhere",
            origin.place,
            label=f"inputs of size 1 give sums of size {spread:.0f}",
            notes=[Note(f"{kind} of '{node.name}'", reader.spec.place.span)],
            help="start it as xavier, whose sums keep the size of the inputs",
        )

    def _loss(self, node: Node) -> None:
        prediction = node.inputs[0]
        producer = self._producer(prediction)
        named = (r.place for r in node.spec.inputs if r.name == prediction)
        place = next(named, node.spec.inputs_place)
        op, what = producer.op, f"{producer.op.name} '{producer.name}'"
        verb = "declared" if isinstance(op, Input) else "computed"
        notes = [Note(f"{what} is {verb} here", producer.spec.place.span)]
        if node.op.name in _SQUARED and op.name == "softmax":
            self._warn(
                node,
                "softmax-squared-error",
                f"'{node.name}' is the squared error of {what}",
                place,
                notes=notes,
                help="use cross_entropy, which also learns from rows that are surely wrong, "
                "where the slope of a softmax vanishes",
            )
        wanted = _PROBABILITIES.get(node.op.name)
        problem, help = "", f"put a {wanted} between the two"
        if op.family in _UNBOUNDED or op.name in _SCORES:
            problem = f"{what} gives other numbers"
        elif isinstance(op, Input):
            problem = f"the {what} may hold any numbers"
        elif op.name == "sigmoid" and wanted == "softmax":
            problem = f"those of {what} do not add up to 1"
            help = "use a softmax in its place, or binary_cross_entropy"
        if wanted and problem:
            self._warn(
                node,
                "not-probabilities",
                f"'{node.name}' takes probabilities, but {problem}",
                place,
                notes=notes,
                help=help,
            )

    def _producer(self, name: str) -> Node:
        """The node that computes the entries of `name`, whatever only rearranges them."""
        node = self._graph.nodes[name]
        while node.op.name in _SAME_ENTRIES:
            node = self._graph.nodes[node.inputs[0]]
        return node


def _words(document: Mapping) -> Iterator[str]:
    """The words in all texts where a size may be named."""
    parts = ((key, document.get(key)) for key in ("nodes", "blocks", "examples"))
    pending = [(value, key) for key, value in parts if value is not None]
    while pending:
        value, part = pending.pop()
        if isinstance(value, Scalar):
            if isinstance(value.value, str):
                yield from sizes.names(value.value)
        elif isinstance(value, Sequence):
            pending += [(item, part) for item in value.items]
        elif isinstance(value, Mapping):
            skipped = () if part == "examples" else _NO_SIZES
            pending += [(item, part) for key, item in value.items() if key not in skipped]
