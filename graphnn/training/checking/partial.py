"""What can be told of training a graph that may be at fault in part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from graphnn.diagnostics import FAULTY
from graphnn.execution.network import Network
from graphnn.graph import Graph, Node
from graphnn.ops import REGISTRY, Op
from graphnn.spec.model import TRAIN_KEYS, NodeSpec, TrainSpec
from graphnn.spec.values import Mapping as Located
from graphnn.spec.values import Scalar
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.data.requirements import compared, idle
from graphnn.training.fitting.measuring import class_counts, input_need


class Partial:
    """What can be told of training a graph that may be at fault.

    Parameters
    ----------
    graph : Graph
        Of the sound nodes.
    spec : TrainSpec

    Attributes
    ----------
    network : Network
        Of the sound nodes alone.
    """

    def __init__(self, graph: Graph, spec: TrainSpec) -> None:
        self.network = Network(replace(graph, spec=replace(graph.spec, weights=None)))
        self._graph, self._train = graph, spec
        self._nodes = graph.spec.nodes
        written = graph.spec.document.get("train")
        self._written = written.entries if isinstance(written, Located) else {}

    @property
    def learns(self) -> bool:
        """Whether there is, or a fault may hide, a parameter to train."""
        return (
            not self._nodes
            or bool(self.network.trainable)
            or any(_may_learn(node.op, node.trainable) for node in self._at_fault())
            or any(map(self._lost_may_learn, self._graph.spec.faulty))
        )

    @property
    def may_have_data(self) -> bool:
        """Whether something under ``train`` is, or may be meant for, data to train on."""
        return "data" in self._written or not self._knows_keys()

    def demand(self) -> InputRequirements:
        """What the training asks of data, as far as that is known.

        Raises
        ------
        UsageError
            There is surely no loss.
        """
        losses, complete = self._losses()
        wanted = [*losses, *compared(self._train)]
        read = self._graph.upstream(wanted)
        complete = complete and self._names_all(wanted) and all(map(self._is_traced, read))
        inputs = [name for name, node in self._nodes.items() if (op := _op(node)) and op.is_input]
        others = [name for name in inputs if name not in read]
        unknown = [name for name, node in self._nodes.items() if _op(node) is None]
        return InputRequirements(
            self._needs([name for name in inputs if name in read], wanted),
            idle(losses, others) if complete else {},
            complete,
            tuple(unknown if complete else [*others, *unknown]),
            self._is_lost,
        )

    def is_sound(self, names: Iterable[str]) -> bool:
        """Whether there are nodes called `names`, all of them sound."""
        return all(isinstance(self._graph.find(name), Node) for name in names)

    @property
    def losses_are_sound(self) -> bool:
        """Whether the losses are known, and are sound nodes."""
        losses, known = self._losses()
        return known and self.is_sound(losses)

    def _losses(self) -> tuple[tuple[str, ...], bool]:
        """The losses that are known, and whether they are all."""
        if self._train.loss or "loss" in self._written:
            return tuple(reference.name for reference in self._train.loss), bool(self._train.loss)
        if self._is_whole() and self._knows_keys():
            return self.network.losses(), True
        found = [name for name, node in self._nodes.items() if (op := _op(node)) and op.is_loss]
        known = bool(found) and not any(_op(node) is None for node in self._nodes.values())
        return tuple(found), known and not self._graph.spec.faulty

    def _is_whole(self) -> bool:
        """Whether all nodes are sound, and all outputs are there."""
        spec = self._graph.spec
        outputs = [reference.name for reference in spec.outputs or ()]
        return (
            bool(self._nodes)
            and not spec.faulty
            and not self._at_fault()
            and (spec.outputs is None or bool(outputs))
            and self.is_sound(outputs)
        )

    def _names_all(self, names: Iterable[str]) -> bool:
        """Whether there are nodes called `names`, and the metrics can be read."""
        aliases, metrics = self._graph.spec.aliases, self._written.get("metrics")
        there = all(aliases.get(name, name) in self._nodes for name in names)
        return there and (metrics is None or isinstance(metrics.value, Located))

    def _knows_keys(self) -> bool:
        """Whether every key of ``train`` is one: another may mean what seems to be missing."""
        return self._written.keys() <= set(TRAIN_KEYS)

    def _is_traced(self, name: str) -> bool:
        """Whether the text tells all that a node reads, whatever else is wrong with it."""
        node = self._nodes[name]
        op, count = _op(node), len(node.inputs)
        if op is None or any(read.name not in self._nodes for read in node.inputs):
            return False
        operands = op.data_operands()
        many = bool(operands) and operands[0].many
        return count > 0 if many else count == len(operands)

    def _needs(self, inputs: list[str], wanted: list[str]) -> dict[str, InputSpec | None]:
        sound = [name for name in wanted if self.is_sound([name])]
        classes = class_counts(self.network.executor(sound).plan) if sound else {}
        nodes = self._graph.nodes
        return {
            name: input_need(self.network, nodes[name], classes.get(name))
            if name in nodes
            else None
            for name in inputs
        }

    def _at_fault(self) -> list[NodeSpec]:
        return [node for name, node in self._nodes.items() if name not in self._graph.nodes]

    def _lost_may_learn(self, name: str) -> bool:
        """Whether a node or use of which only the text is known may have a parameter to train."""
        written = self._graph.spec.document.get("nodes")
        outer = name.partition(".")[0]
        body = written.get(outer) if isinstance(written, Located) else None
        if not isinstance(body, Located):
            return True
        op, trainable = body.get("op"), body.get("trainable")
        trained = not (isinstance(trainable, Scalar) and trainable.value is False)
        return _may_learn(op if isinstance(op, Scalar) else Scalar(""), trained)

    def _is_lost(self, name: str) -> bool:
        return not self._nodes or self._graph.spec.find(name) is FAULTY


def _op(node: NodeSpec) -> type[Op] | None:
    return _named(node.op)


def _named(name: Scalar) -> type[Op] | None:
    """The op of a name; None where there is none."""
    op = REGISTRY.get(str(name.value))
    return None if op is None or op.internal else op


def _may_learn(name: Scalar, trainable: bool) -> bool:
    """Whether a node at fault may have a parameter to train."""
    op = _named(name)
    return trainable and (op is None or bool(op.parameter_operands()))
