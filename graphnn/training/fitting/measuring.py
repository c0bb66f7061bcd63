"""Loss and metrics of a network over many rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphnn.execution import Plan
from graphnn.execution.network import Network
from graphnn.execution.weight_files import Classes
from graphnn.graph import Graph, Node
from graphnn.ops import REGISTRY, Array
from graphnn.spec.training_records import MetricSpec, TrainSpec
from graphnn.training.data.columns import InputSpec
from graphnn.training.data.dataset import Dataset
from graphnn.training.data.faults import for_each
from graphnn.training.fitting import metrics
from graphnn.training.fitting.metrics import Measure

Row = dict[str, float]
_EVALUATED = 1000  # rows a pass when a whole set is evaluated


class Classified(NamedTuple):
    """Class numbers predicted and true, an entry a row, and how many classes there are.

    `confidence` holds the probability of each predicted class, where scores are probabilities.
    """

    predicted: Array
    actual: Array
    classes: int
    confidence: Array | None = None

    @property
    def matrix(self) -> NDArray[np.int64]:
        """How often each class was taken for each; see `confusion_matrix`."""
        return confusion_matrix(self.predicted, self.actual, self.classes)


class Means:
    """Means over the rows of the batches seen so far.

    Parameters
    ----------
    measures : tuple of Measure
    """

    def __init__(self, measures: tuple[Measure, ...]) -> None:
        self._measures = measures
        self._loss = 0.0
        self._summaries = [np.zeros(())] * len(measures)
        self._counts = [0] * len(measures)
        self._rows = 0

    def add(self, loss: float, values: Mapping[str, Array], rows: int) -> None:
        """Take in a batch, its loss as the mean of `rows` rows, and the values of the nodes."""
        self._rows += rows
        self._loss += (loss - self._loss) * (rows / self._rows if rows else 0)
        for number, measure in enumerate(self._measures):
            found, count = measure.summary(values)
            if not count:
                continue
            self._counts[number] += count
            if (total := self._counts[number]) > count:
                found = measure.metric.merged(self._summaries[number], found, count / total)
            self._summaries[number] = found

    def row(self) -> Row:
        """``loss`` and the metrics; NaN where no sample is measured."""
        each = zip(self._measures, self._summaries, self._counts, strict=True)
        values = {
            measure.metric.title: measure.metric.value(summary) if count else math.nan
            for measure, summary, count in each
        }
        return {"loss": self._loss, **values}


class Measuring:
    """What a spec's ``train`` measures of a network.

    Parameters
    ----------
    network : Network
    spec : TrainSpec

    Attributes
    ----------
    losses : tuple of str
        Nodes whose means add up to the loss.
    measures : tuple of Measure
        The metrics.
    nodes : tuple of str
        What the metrics compare.

    Raises
    ------
    TrainingError, SpecError
        A metric makes no sense, or there is no loss.
    """

    def __init__(self, network: Network, spec: TrainSpec) -> None:
        self._network = network
        self.losses = network.losses([reference.name for reference in spec.loss] or None)
        self.measures = _all_fitted(network, spec)
        self._target, self._ignored = _left_out([network.graph.node(name) for name in self.losses])
        read = [node for each in self.measures for node in each.nodes]
        self.nodes = tuple(dict.fromkeys(read + [self._target] * (self._ignored is not None)))

    @property
    def classifying(self) -> tuple[str, ...] | None:
        """The nodes with scores of classes and with true classes, where a metric names them."""
        nodes = {each.metric.title: each.nodes for each in self.measures if each.metric.classifying}
        return next((nodes[name] for name in metrics.METRICS if name in nodes), None)

    def names(self, classes: Classes) -> tuple[str, ...]:
        """Of all named `classes`, by input, those that name the true classes."""
        if self.classifying is None:
            return ()
        inputs = self._network.executor([self.classifying[1]]).plan.inputs
        return next((classes[name] for name in inputs if name in classes), ())

    def loss(self, values: Mapping[str, Array]) -> float:
        """The loss of a batch."""
        return sum(float(values[name].mean()) for name in self.losses)

    def count(self, values: Mapping[str, Array], rows: int) -> int:
        """How many samples the loss of a batch of `rows` is the mean of."""
        if self._ignored is None:
            return rows
        return int(np.count_nonzero(values[self._target] != self._ignored))

    def evaluate(self, dataset: Dataset) -> Row:
        """Loss and metrics over all rows of `dataset`."""
        return self.run(dataset, _EVALUATED)[0]

    def run(
        self, dataset: Dataset, size: int, outputs: Sequence[str] = ()
    ) -> tuple[Row, dict[str, Array]]:
        """As `evaluate`, with the values of `outputs`, by passes of `size` rows."""
        executor = self._network.executor((*self.losses, *self.nodes, *outputs))
        means = Means(self.measures)
        parts: dict[str, list[Array]] = {name: [] for name in outputs}
        for batch in dataset.batches(size):
            values = executor.run(batch, self._network.arrays)
            rows = len(next(iter(batch.values())))
            means.add(self.loss(values), values, self.count(values, rows))
            for name, part in parts.items():
                part.append(values[name])
        return means.row(), {name: np.concatenate(part) for name, part in parts.items()}

    def classified(self, dataset: Dataset) -> Classified | None:
        """Class predicted and class of every row; None where no metric classifies.

        The nodes are those of the first metric that classifies, ``accuracy`` before others.
        """
        read = self.classifying
        if read is None:
            return None
        executor = self._network.executor(read)
        parts = [executor.run(batch, self._network.arrays) for batch in dataset.batches(_EVALUATED)]
        scores, actual = (np.concatenate([part[node] for part in parts]) for node in read)
        probable = self._network.graph.node(read[0]).op.output_interval == (0.0, 1.0)
        if scores.ndim == 1 or scores.shape[1:] == (1,):
            positive, true = (np.int64(1) * (part.ravel() >= 0.5) for part in (scores, actual))
            sure = np.where(positive, scores.ravel(), 1 - scores.ravel()) if probable else None
            return Classified(positive, true, 2, sure)
        if scores.ndim != 2:
            return None
        actual = actual.argmax(axis=-1) if actual.ndim > 1 else actual
        predicted, sure = scores.argmax(axis=-1), scores.max(axis=-1) if probable else None
        ignored = ignored_class(self._network, read[1])
        if ignored is not None:  # no class, and no mistake either
            predicted, actual = (np.where(actual == ignored, -1, a) for a in (predicted, actual))
        return Classified(predicted, actual, scores.shape[-1], sure)


def _all_fitted(network: Network, spec: TrainSpec) -> tuple[Measure, ...]:
    """Every metric of `spec`, or a `TrainingError` with all that is wrong with them."""
    each = dict(enumerate(spec.metrics))
    return tuple(for_each(each, lambda _, metric: fitted(network, metric)).values())


def fitted(network: Network, spec: MetricSpec) -> Measure:
    """What `spec` measures of `network`.

    Raises
    ------
    TrainingError
        It makes no sense, or not with the shapes of its nodes.
    """
    measure = metrics.fit(spec)
    measure.check([network.graph.node(name).shape for name in measure.nodes])
    if not measure.metric.classifying:
        return measure
    return replace(measure, ignored=ignored_class(network, measure.nodes[-1]))


def ignored_class(network: Network, target: str) -> int | None:
    """The class that a loss ignores in the node `target`; None for none."""
    name = network.graph.node(target).name
    readers = (node for node in network.graph.nodes.values() if name in node.inputs[1:2])
    found = (getattr(node.op, "ignored_class", None) for node in readers if node.op.is_loss)
    return next((each for each in found if each is not None), None)


def _left_out(losses: Sequence[Node]) -> tuple[str, int | None]:
    """The target of the one loss, and the class in it that does not count in the mean."""
    for node in losses if len(losses) == 1 else ():
        ignored: int | None = getattr(node.op, "ignored_class", None)
        if ignored is not None and not getattr(node.op, "counts_ignored", False):
            return node.inputs[1], ignored
    return "", None


def class_counts(plan: Plan) -> dict[str, int]:
    """How many classes there are to each input of class numbers that an op in `plan` reads."""
    counts: dict[str, int] = {}
    for step in plan.steps:
        operands = step.op.data_operands()
        places = step.arguments[: len(operands)]
        shapes = [plan.slots[at].shape for at in places if at is not None]
        for operand, at in zip(operands, places, strict=False):
            if at is None or operand.below is None:
                continue
            slot = plan.slots[at]
            if slot.role != "input" or slot.kind != "int":
                continue
            if getattr(step.op, "ignored_class", None) is not None:
                continue  # which need not be one of the classes
            count = step.op.limit(operand, shapes)
            if step.op.is_loss:
                # Whole numbers of the shape of the scores are probabilities.
                numbers = len(shapes[0]) == len(slot.shape) + 1
                count = shapes[0][-1] if numbers else None
            if isinstance(count, int):
                counts[slot.name] = min(count, counts.get(slot.name, count))
    return counts


def input_need(network: Network, node: Node, classes: int | None = None) -> InputSpec:
    """What the input `node` of `network` takes of data."""
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    dtype = "int" if node.kind == "int" else network.graph.spec.dtype
    return InputSpec(node.name, shape, dtype, classes, _may_miss(network.graph, node.name))


def _may_miss(graph: Graph, name: str) -> bool:
    """Whether every op that reads a node takes missing values, those of nodes at fault too."""
    readers = [graph.spec.nodes[reader] for reader in graph.wiring.readers[name]]
    ops = [REGISTRY.get(str(reader.op.value)) for reader in readers]
    return bool(ops) and all(op is not None and op.takes_missing for op in ops)


def class_scores(scores: Array) -> Array:
    """Scores of each row, a column a class; of one probability, that of class 1, those of both."""
    if scores.ndim > 1 and scores.shape[1:] != (1,):
        return scores.reshape(len(scores), -1)
    ones = scores.reshape(-1, 1)
    return np.concatenate([1 - ones, ones], axis=1)


def confusion_matrix(predicted: Array, actual: Array, classes: int) -> NDArray[np.int64]:
    """How often each class was taken for each.

    Parameters
    ----------
    predicted, actual : ndarray of int, shape (rows,)
        Class numbers from 0 to ``classes - 1``; what lies outside is not counted.
    classes : int

    Returns
    -------
    ndarray of int, shape (classes, classes)
        A row a true class, a column a predicted one.
    """
    known = (actual >= 0) & (actual < classes)
    pairs = actual[known].astype(np.int64) * classes + predicted[known].astype(np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
