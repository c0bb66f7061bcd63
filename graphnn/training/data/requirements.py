"""What a training asks of data: which inputs they feed, as far as no fault hides it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphnn.diagnostics import FAULTY, Faulty
from graphnn.execution.network import Network
from graphnn.graph import Graph
from graphnn.ops import REGISTRY, Op
from graphnn.spec.forms import key_names
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import NodeSpec
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import Entry, Map, Scalar
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.fitting.measuring import class_counts, input_need


def demand_of(network: Network, spec: TrainSpec) -> InputRequirements:
    """What training `network` as `spec` says asks of data.

    Parameters
    ----------
    network : Network
        Of the sound nodes, where others are at fault.
    spec : TrainSpec

    Raises
    ------
    UsageError
        There is no loss.
    """
    graph = network.graph
    ops = {name: op_of(node) for name, node in graph.spec.nodes.items()}
    inputs = [name for name, op in ops.items() if op is not None and op.is_input]
    losses = losses_of(network, spec)
    wanted = FAULTY if losses is FAULTY else _wanted(graph, spec, losses)
    read = FAULTY if wanted is FAULTY else _read(graph, wanted)

    def other(name: str) -> Faulty | None:
        hidden = read is FAULTY and name in inputs
        unknown = name in ops and ops[name] is None
        lost = not ops or graph.spec.find(name) is FAULTY
        return FAULTY if hidden or unknown or lost else None

    if wanted is FAULTY or losses is FAULTY or read is FAULTY:
        return InputRequirements({}, complete=False, other=other)
    fed = [name for name in inputs if name in read]
    others = [name for name in inputs if name not in read]
    return InputRequirements(_needs(network, fed, wanted), _idle(losses, others), other=other)


def needs(network: Network, spec: TrainSpec) -> dict[str, InputSpec]:
    """The inputs that data must feed to train `network`, all of which is sound."""
    known = demand_of(network, spec).known
    assert known is not None
    return known


def losses_of(network: Network, spec: TrainSpec) -> tuple[str, ...] | Faulty:
    """Names of the nodes that make up the loss; `FAULTY` where a fault hides them.

    Raises
    ------
    UsageError
        There is none.
    """
    graph, written = network.graph, keys_of(network.graph.spec)
    if spec.loss or "loss" in written:
        return tuple(reference.name for reference in spec.loss) or FAULTY
    if _is_whole(graph) and knows_keys(written):
        return network.losses()
    ops = {name: op_of(node) for name, node in graph.spec.nodes.items()}
    found = tuple(name for name, op in ops.items() if op is not None and op.is_loss)
    return FAULTY if None in ops.values() or graph.spec.faulty or not found else found


def are_sound(graph: Graph, names: Iterable[str]) -> bool:
    """Whether there are nodes called `names`, all of them sound."""
    return all(graph.find(name) for name in names)


def keys_of(spec: NetworkSpec) -> Mapping[str, Entry]:
    """What is written under ``train``, also where it is at fault."""
    train = spec.document.get("train")
    return train.entries if isinstance(train, Map) else {}


def knows_keys(written: Mapping[str, Entry]) -> bool:
    """Whether every key of ``train`` is one: another may mean what seems to be missing."""
    return written.keys() <= set(key_names(TrainSpec))


def op_of(node: NodeSpec) -> type[Op] | None:
    """The op of a node; None where there is none of that name."""
    # Only what is made may have an op that the language has no name for.
    return REGISTRY.get(str(node.op.value)) if node.made_by else op_named(node.op)


def op_named(name: Scalar) -> type[Op] | None:
    """The op of a name; None where there is none."""
    op = REGISTRY.get(str(name.value))
    return None if op is None or op.internal else op


def _wanted(graph: Graph, spec: TrainSpec, losses: Iterable[str]) -> list[str] | Faulty:
    """The nodes that training reads: losses, and what metrics compare."""
    wanted = [*losses, *(node.name for metric in spec.metrics for node in metric.nodes)]
    metrics, aliases = keys_of(graph.spec).get("metrics"), graph.spec.aliases
    there = all(aliases.get(name, name) in graph.spec.nodes for name in wanted)
    return wanted if there and (not metrics or isinstance(metrics.value, Map)) else FAULTY


def _read(graph: Graph, wanted: list[str]) -> set[str] | Faulty:
    """All nodes that those `wanted` depend on, and these."""
    read = graph.upstream(wanted)
    return read if all(_is_traced(graph.spec, name) for name in read) else FAULTY


def _is_whole(graph: Graph) -> bool:
    """Whether all nodes and outputs are sound."""
    spec = graph.spec
    outputs = [reference.name for reference in spec.outputs or ()]
    nodes = bool(spec.nodes) and not spec.faulty and are_sound(graph, spec.nodes)
    return nodes and (spec.outputs is None or bool(outputs)) and are_sound(graph, outputs)


def _is_traced(spec: NetworkSpec, name: str) -> bool:
    """Whether the text says all that a node reads, whatever else is wrong with it."""
    node: NodeSpec = spec.nodes[name]
    op, count = op_of(node), len(node.inputs)
    if op is None or any(read.name not in spec.nodes for read in node.inputs):
        return False
    operands = op.data_operands()
    many = bool(operands) and operands[0].many
    least = sum(not operand.optional for operand in operands)
    return count > 0 if many else least <= count <= len(operands)


def _needs(
    network: Network, fed: Iterable[str], wanted: Iterable[str]
) -> dict[str, InputSpec | Faulty]:
    graph = network.graph
    sound = [name for name in wanted if are_sound(graph, [name])]
    classes = class_counts(network.executor(sound).plan) if sound else {}
    return {
        name: input_need(network, graph.nodes[name], classes.get(name))
        if name in graph.nodes
        else FAULTY
        for name in fed
    }


def _idle(losses: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """For each of the `others`, inputs that data need not feed, a sentence that says so."""
    names = [f"'{name}'" for name in losses]
    subject = f"the loss {names[0]} does" if len(names) == 1 else f"{' and '.join(names)} do"
    return {name: f"{subject} not depend on '{name}'" for name in others}
