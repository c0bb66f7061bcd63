"""What is left to check once shapes are known: ties, references, free sizes, totals, weights."""

from __future__ import annotations

from collections.abc import Mapping

from graphnn.diagnostics import FAULTY, Faulty, FileError, Findings, Note
from graphnn.graph._graph import Node, Parameter
from graphnn.graph.passes.connecting import UnknownNodes
from graphnn.graph.passes.resolving import ResolvedNode
from graphnn.spec import BlockDiagnostics, sizes
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import Reference
from graphnn.spec.sizes import Shape, show
from graphnn.spec.values import Scalar, Seq, Value
from graphnn.storage import archives, files

MAX_PARAMETERS = 2**30  # entries of all parameters


def check_ties(
    nodes: Mapping[str, Node],
    parameters: Mapping[str, Parameter],
    resolved: Mapping[str, ResolvedNode | Faulty],
    reports: BlockDiagnostics,
) -> None:
    """Check that what is shared has the shape of what shares it.

    A parameter may be shared before its owner is scheduled; only here are both shapes known.
    """
    for node in nodes.values():
        if not node.parameters:
            continue
        found = resolved[node.name]
        assert found is not FAULTY
        shared = {key: origin for key, origin in found.parameters.items() if origin.share}
        wanted = _wanted(node, nodes, parameters) if shared else {}
        for name, origin in shared.items():
            owner = parameters.get(node.parameters[name] or "")
            if owner is not None and owner.shape != wanted[name]:
                reports.of(node.spec.instance).error(
                    "shape-mismatch",
                    f"'{node.name}.{name}' has shape {show(wanted[name])}, "
                    f"but '{owner.name}', which it shares, has {show(owner.shape)}",
                    origin.place.span,
                    notes=(Note(f"'{owner.name}' is defined here", owner.origin.place.span),),
                )


def _wanted(
    node: Node, nodes: Mapping[str, Node], parameters: Mapping[str, Parameter]
) -> Mapping[str, Shape]:
    """Shapes of the parameters of `node`, apart from what it shares."""
    own = {
        key: parameters[full].shape
        for key, full in node.parameters.items()
        if full == f"{node.name}.{key}"
    }
    shapes = [nodes[name].shape for name in node.inputs]
    return node.op.infer(node.placed(shapes), own).parameters


def check_references(
    spec: NetworkSpec, nodes: Mapping[str, Node], unknown: UnknownNodes, findings: Findings
) -> None:
    """Check the names of nodes in outputs, training and examples."""
    references = list(spec.outputs or ())
    if spec.train is not None:
        references += spec.train.loss
        references += [node for metric in spec.train.metrics for node in metric.nodes]
    for example in spec.examples:
        for name, entry in (*example.inputs.items(), *example.outputs.items()):
            references.append(Reference(name, entry.key))
        for promise in example.properties:
            names = [promise.output, getattr(promise, "input", promise.output)]
            references += [Reference(str(each.value), each) for each in dict.fromkeys(names)]
    for reference in references:
        unknown.check(reference)
    for example in spec.examples:
        for name, entry in example.inputs.items():
            node = nodes.get(spec.aliases.get(name, name))
            if node is not None and (name != node.name or not node.op.is_input):
                findings.error(
                    "not-an-input",
                    f"'{name}' is {node.op.name}, so an example cannot give its value",
                    entry.key.span,
                )


def check_free_sizes(
    spec: NetworkSpec, nodes: Mapping[str, Node], reports: BlockDiagnostics
) -> None:
    """Report free sizes that no run can know: none of the inputs determines them."""
    if len(nodes) < len(spec.nodes):
        return
    ops = {id(node.op): node.op for node in nodes.values()}  # many nodes have one
    free = {key: names for key, op in ops.items() if (names := op.free_names)}
    named = [node for node in nodes.values() if id(node.op) in free]
    # What is drawn alone may have as many entries as its numbers say, as an input does.
    given = [node for node in nodes.values() if node.op.is_input or node.op.drawn_only]
    seen = {str(size) for node in given for size in node.shape if sizes.free(str(size)) == size}
    for node in named:
        for name in sorted(free[id(node.op)] - seen):
            seen.add(name)
            reports.of(node.spec.instance).error(
                "unbound-size",
                f"no input determines the size '{name}'",
                _mention_of(name, node).span,
                help=f"declare an input with an axis of this size alone: [{name}]",
            )


def _mention_of(size: str, node: Node) -> Value:
    """Where the attributes of `node` name a free size, or else its op."""
    pending = [entry.value for entry in node.spec.fields.values()][::-1]
    while pending:
        value = pending.pop()
        if isinstance(value, Seq):
            pending.extend(reversed(value.items))
        elif isinstance(value, Scalar) and size in sizes.names(str(value.value)):
            return value
    return node.spec.op


def check_total(spec: NetworkSpec, parameters: Mapping[str, Parameter], findings: Findings) -> None:
    """Check how many entries all parameters have together."""
    total = sum(parameter.size for parameter in parameters.values())
    if total > MAX_PARAMETERS:
        findings.error(
            "too-large",
            f"the parameters would have {total:,} entries, more than {MAX_PARAMETERS:,}",
            spec.document.entries["nodes"].key.span,
        )


def check_weights(spec: NetworkSpec, findings: Findings) -> None:
    """Check that the file of weights can be read; its content is checked with a sound network."""
    if spec.weights is None:
        return
    name, span = str(spec.weights.file.value), spec.weights.file.span
    with findings.catching(FileError), archives.opened(files.within(spec.folder, name, span), span):
        pass
