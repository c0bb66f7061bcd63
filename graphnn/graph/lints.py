"""Warnings about sound networks, and the keys ``allow`` that silence them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from graphnn.diagnostics import AllowableCode, Diagnostic, Findings, Note
from graphnn.graph._graph import Graph, Node
from graphnn.ops import REGISTRY, Op
from graphnn.ops.initializers import fans
from graphnn.spec import BlockDiagnostics, mentions, sizes
from graphnn.spec.model import NetworkSpec
from graphnn.spec.values import Map, Scalar, Value

_SPREAD = 4.0  # where a sigmoid has lost 93 % of its slope, and a tanh 99.9 %


def advise(graph: Graph) -> tuple[Diagnostic, ...]:
    """Warnings of a sound network, by place, without those that its nodes allow."""
    findings = Findings()
    _Adviser(graph, findings).advise()
    return findings.sorted()


def silence(
    found: Iterable[Diagnostic], spec: NetworkSpec, *, complete: bool
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
        message = f"'{code.value}' is allowed, but that warning does not occur"
        findings.warning("unused-allow", message, code.span, help="leave it out")


class _Adviser:
    def __init__(self, graph: Graph, findings: Findings) -> None:
        self._graph = graph
        self._findings = findings
        self._copies = BlockDiagnostics(findings)
        self._came: set[int] = set()  # entries of 'allow' that silenced something
        self._spreads: dict[tuple[object, ...], float] = {}  # of the sums that a weight gives

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
            self._copies.of(spec.instance).warning(code, message, place.span, **parts)

    def _unread(self) -> None:
        graph = self._graph
        # With a loss, an output that is not listed may be a wire that is forgotten.
        listed = graph.spec.outputs is not None or not graph.losses
        wanted = {*(graph.outputs if listed else ()), *graph.losses}
        if graph.spec.train is not None:
            wanted |= {n.name for metric in graph.spec.train.metrics for n in metric.nodes}
        used = graph.upstream(wanted)
        # What one copy of a block needs cannot be left out of another, such as the last state.
        needed = {id(spec.place) for name, spec in graph.spec.nodes.items() if name in used}
        for name, spec in graph.spec.nodes.items():
            if name in used or id(spec.place) in needed:
                continue
            code: AllowableCode = "unread-node"
            help = "leave it out, or list it under 'outputs'"
            message = f"nothing reads '{name}', and it is not listed under 'outputs'"
            if graph.wiring.readers[name]:
                message = (
                    f"'{name}' is read only by nodes that lead to neither an output nor a loss"
                )
            if graph.nodes[name].op.is_input:
                if graph.wiring.readers[name]:
                    continue  # what reads it is reported
                code, help = "unused-input", "let a node read it, or leave it out"
                message = f"neither an output nor a loss depends on the input '{name}'"
            self._warn(graph.nodes[name], code, message, spec.place, help=help)

    def _unused_blocks(self) -> None:
        used = {call.block.name for call in self._graph.spec.calls.values()}
        for name, block in self._graph.spec.blocks.items():
            if block.own and name not in used:
                message = f"no node uses the block '{name}'"
                self._findings.warning(
                    "unused-block", message, block.place.span, help="leave it out"
                )

    def _unused_sizes(self) -> None:
        document = self._graph.spec.document
        declared = document.get("sizes")
        unused = dict(declared.entries) if isinstance(declared, Map) else {}
        for word in _words(document) if unused else ():
            unused.pop(word, None)
            if not unused:
                return
        for name, entry in unused.items():
            message = f"the size '{name}' is unused"
            help = "use it in a shape, or leave it out"
            self._findings.warning("unused-size", message, entry.key.span, help=help)

    def _saturated(self, node: Node) -> None:
        full = node.parameters.get("weight")
        if full is None:
            return
        readers = [
            reader
            for reader in self._graph.wiring.readers[node.name]
            if _saturates(self._graph.nodes[reader].op)
        ]
        if not readers:
            return
        parameter = self._graph.parameters[full]
        origin = parameter.origin
        if origin.start is None:
            return
        alike = (id(origin.start), parameter.shape, origin.layout)
        if (spread := self._spreads.get(alike)) is None:
            fan_in, _ = fans(parameter.shape, origin.layout)
            spread = origin.start.deviation(parameter.shape, origin.layout) * math.sqrt(fan_in)
            self._spreads[alike] = spread
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
            notes=(Note(f"{kind} of '{node.name}'", reader.spec.place.span),),
            help="start it as xavier, whose sums keep the size of the inputs",
        )

    def _loss(self, node: Node) -> None:
        producer = self._producer(node.inputs[0])
        if help := node.op.unsuited.get(producer.op.name):
            self._warn_of_loss(
                node,
                0,
                "softmax-squared-error",
                f"'{node.name}' is the squared error of {_named(producer)}",
                help,
            )
        names = [operand.name for operand in node.op.data_operands()]
        for operand, (wanted, _) in node.op.fusions.items():
            position = names.index(operand)
            problem, help = self._problem(node.inputs[position], REGISTRY[wanted])
            if problem:
                message = f"'{node.name}' takes probabilities, but {problem}"
                self._warn_of_loss(node, position, "not-probabilities", message, help)

    def _warn_of_loss(
        self, node: Node, position: int, code: AllowableCode, message: str, help: str
    ) -> None:
        """Warn of what is behind an input of a loss."""
        producer = self._producer(node.inputs[position])
        verb = "declared" if producer.op.is_input else "computed"
        note = Note(f"{_named(producer)} is {verb} here", producer.spec.place.span)
        named = (r.place for r in node.spec.inputs if r.name == node.inputs[position])
        place = next(named, node.spec.inputs_place)
        self._warn(node, code, message, place, notes=(note,), help=help)

    def _problem(self, name: str, wanted: type[Op]) -> tuple[str, str]:
        """Why `name` surely is not what `wanted` makes, with help; empty if it may be."""
        producer = source = self._producer(name)
        while source.op.within_inputs:
            source = self._producer(source.inputs[0])
        interval, allowed = source.op.output_interval, wanted.output_interval
        if interval is None or allowed is None:
            return "", ""
        between = f"put a {wanted.name} between the two"
        if producer.op.is_input:
            return f"the {_named(producer)} may hold any numbers", between
        if interval[0] < allowed[0] or interval[1] > allowed[1]:
            return f"{_named(producer)} gives other numbers", between
        if wanted.sums_to_one and not source.op.gives_shares(source.shape):
            help = f"use a {wanted.name} in its place, or binary_cross_entropy"
            return f"those of {_named(producer)} do not add up to 1", help
        return "", ""

    def _producer(self, name: str) -> Node:
        """The node that computes the entries of `name`, whatever only rearranges them."""
        node = self._graph.nodes[name]
        while node.op.keeps_entries:
            node = self._graph.nodes[node.inputs[0]]
        return node


def _named(node: Node) -> str:
    return f"{node.op.name} '{node.name}'"


def _saturates(op: Op) -> bool:
    """Whether `op` is a smooth function of one entry that goes flat towards both ends."""
    return (
        op.channelwise
        and op.output_interval is not None
        and all(map(math.isfinite, op.output_interval))
        and not op.bends
    )


def _words(document: Map) -> Iterator[str]:
    """The words in all texts where a size may be named."""
    for text in mentions(document, "size"):
        if isinstance(text.value, str):
            yield from sizes.names(text.value)
