"""The training loop: batches, gradients, steps, and a row of history an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from graphnn.diagnostics import RunError, TrainingError
from graphnn.execution.network import Network
from graphnn.gradients import (
    Reverse,
    fault_of_gradient,
    numerical_gradient,
    parameters_behind,
)
from graphnn.graph import lints
from graphnn.ops import Array
from graphnn.spec.training_records import TrainSpec
from graphnn.training.data import scales
from graphnn.training.data.dataset import Dataset
from graphnn.training.data.faults import diverged
from graphnn.training.data.requirements import needs
from graphnn.training.data.splits import SPLIT, Sets, load_sets
from graphnn.training.fitting import augmentation, optimizers
from graphnn.training.fitting.batches import check_batches
from graphnn.training.fitting.measuring import Means, Measuring, Row
from graphnn.training.fitting.metrics import VALIDATION, measures
from graphnn.training.fitting.optimizers import OptimizerState
from graphnn.training.fitting.preparation import prepare
from graphnn.training.fitting.schedules import Course
from graphnn.training.fitting.stopping import watch

_TRACED = 16  # a network of at most this many entries has its path recorded
_SHUFFLE, _NOISE, _AUGMENT = SPLIT + 1, SPLIT + 2, SPLIT + 3  # independent streams of one seed
_HEAP = 31 * 2**20  # bytes; glibc heeds blocks up to 32 MiB


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training has come; `values` are means over the epoch so far.

    Attributes
    ----------
    epoch, epochs : int
        The epoch under way, counted from 1, and how many there will be.
    batch, batches : int
        Batches of this epoch done, and how many it has.
    values : mapping of str to float
        ``loss`` and the metrics; once an epoch is done, those of the validation set too.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    values: Mapping[str, float]


@dataclass(slots=True)
class State:
    """Everything that changes while training, but for the parameters themselves.

    Attributes
    ----------
    epoch : int
        Whole epochs done.
    history : list of dict
        A row an epoch.
    path : list of ndarray
        All trained entries before the first epoch and after each, for a small network.
    rng, noise : numpy.random.Generator
        Of the order of rows, and of what each batch draws: noise of ops, changes of images.
    optimizer : OptimizerState
    best : dict of str to ndarray
        All arrays of the network after the best epoch, where they are kept.
    """

    rng: np.random.Generator
    noise: np.random.Generator
    optimizer: OptimizerState
    epoch: int = 0
    history: list[Row] = field(default_factory=list)
    path: list[Array] = field(default_factory=list)
    best: dict[str, Array] = field(default_factory=dict)


class Training:
    """One training of one network, an epoch at a time.

    Parameters
    ----------
    network : Network
        Trained in place.
    spec : TrainSpec
    sets : Sets, optional
        By default those that the spec's ``data``, ``validation`` and ``test`` name.

    Attributes
    ----------
    warnings : tuple of Diagnostic
        What may keep the rows from training well.

    Raises
    ------
    TrainingError, DataError, UsageError
        The spec asks for something that is not there, or the data do not fit.
    """

    def __init__(self, network: Network, spec: TrainSpec, sets: Sets | None = None) -> None:
        self.network = network
        self.spec = spec
        self.measuring = Measuring(network, spec)
        self.optimizer = optimizers.find(spec.optimizer)
        self.augmenter = augmentation.find(spec.augment, needs(network, spec))
        self.sets = load_sets(network, spec) if sets is None else sets
        if self.sets.train is not None and (sets is None or self.sets.train.classes):
            # Arrays from Python say nothing of names: the network keeps what it knows.
            network.classes = self.sets.train.classes
        if self.sets.train is not None:
            check_batches(network, spec, len(self.sets.train))
            prepare(network, self.sets.train)
        found = scales.warnings(network.graph, spec, self.sets)
        self.warnings = lints.silence(found, network.graph.spec, complete=False)
        self._names = network.trainable
        if not self._names:
            message = "the network has no parameter to train"
            raise TrainingError.of("nothing-to-train", message, spec.place.span)
        trained = {name: network.parameters[name] for name in self._names}
        self.state = State(
            np.random.default_rng([spec.seed, _SHUFFLE]),
            np.random.default_rng([spec.seed, _NOISE]),
            self.optimizer.start(trained, Course(spec.epochs, self._step_count)),
        )
        self._watch = watch(spec, validated=self.sets.validation is not None)
        # What the loss does not depend on stays as it is: weight decay is for what is trained.
        self._moved = parameters_behind(network, self.measuring.losses, self._names, "train")
        # By numerical gradients alone, nothing is asked of the reverse pass, and no vjp is run.
        reversed_by = self._moved if spec.gradient == "backprop" else ()
        self._reverse = Reverse(
            network,
            loss=self.measuring.losses,
            only=reversed_by,
            also=self.measuring.nodes,
            mode="train",
        )
        # Freeing it teaches glibc to keep blocks up to its size, which steps allocate over and
        # over, and not to fetch them from the kernel each time; elsewhere it does nothing.
        np.empty(_HEAP, np.uint8)
        self._trace()

    def epoch(self, progress: Callable[[Progress], None] | None = None) -> Row:
        """Go once through the training rows; without data, take one step.

        Parameters
        ----------
        progress : callable, optional
            Called after every batch.

        Returns
        -------
        dict of str to float
            ``loss`` and metrics as means over the epoch, ``validation_...`` after it.

        Raises
        ------
        RunError
            A loss is not finite.
        """
        try:
            return self._epoch(progress)
        except RunError as error:
            if self.state.optimizer.steps == 0:  # whatever it is, no step has brought it about
                raise
            raise diverged(error, self.optimizer.rate(self.state.optimizer)) from None

    def _epoch(self, progress: Callable[[Progress], None] | None) -> Row:
        means = Means(self.measuring.measures)
        self._clear()  # of an epoch that was broken off
        batches = self._batch_count
        for number, batch in enumerate(self._batches(), 1):
            loss, also = self.step(batch, last=number == batches)
            means.add(loss, also, self.measuring.count(also, _rows(batch)))
            if progress is not None:
                epoch = self.state.epoch + 1
                progress(Progress(epoch, self.spec.epochs, number, batches, means.row()))
        row = means.row()
        if self.sets.validation is not None:
            found = self.evaluate(self.sets.validation)
            row |= {VALIDATION + name: value for name, value in found.items()}
            if progress is not None:
                progress(Progress(self.state.epoch + 1, self.spec.epochs, batches, batches, row))
        self.state.history.append(row)
        self.state.epoch += 1
        if self.spec.keep == "best" and self.best_epoch == self.state.epoch:
            self.state.best = {name: array.copy() for name, array in self.network.arrays.items()}
        self._trace()
        return row

    def step(
        self, batch: Mapping[str, Array], *, last: bool = True
    ) -> tuple[float, dict[str, Array]]:
        """Take the gradient of one batch, and a step by it, or by those of several batches.

        Parameters
        ----------
        batch : mapping of str to ndarray
            By input name; augmentation changes its images first.
        last : bool
            Whether it is the last batch of an epoch, after which no gradient waits for others.

        Returns
        -------
        float
            The loss of the batch, before the step.
        dict of str to ndarray
            Values of the nodes that metrics read.

        Raises
        ------
        RunError
            The loss or its gradient is not finite.
        """
        seed = self._batch_seed()
        if self.augmenter is not None:
            batch = self.augmenter(batch, np.random.default_rng([seed, _AUGMENT]))
        return self._step(batch, seed, last=last)

    @property
    def best_epoch(self) -> int | None:
        """The best epoch so far, counted from 1 and 0 before any; None when nobody asks."""
        return None if self._watch is None else self._watch.best(self.state.history)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or early stopping ends them."""
        if self.state.epoch >= self.spec.epochs:
            return True
        return self._watch is not None and self._watch.ends(self.state.history)

    @property
    def columns(self) -> list[str]:
        """Names of what an epoch's row of the history holds."""
        return measures(self.spec, validated=self.sets.validation is not None)

    def take_best(self) -> None:
        """Give the network the arrays of the best epoch, where they are kept."""
        if self.state.best:
            self.network.assign(self.state.best)

    def evaluate(self, dataset: Dataset) -> Row:
        """Loss and metrics over all rows of `dataset`."""
        return self.measuring.evaluate(dataset)

    @property
    def _batch_count(self) -> int:
        """Batches in one epoch."""
        if self.sets.train is None:
            return 1
        return -(-len(self.sets.train) // self.spec.batch_size)

    @property
    def _step_count(self) -> int:
        """Steps in one epoch."""
        return -(-self._batch_count // self.spec.accumulate)

    def _accumulate(self, gradients: Mapping[str, Array], rows: int, *, last: bool) -> None:
        """Take a step by the mean gradient of as many batches as there are to a step."""
        for name, gradient in gradients.items():
            total = gradient * rows
            self._sum[name] = self._sum[name] + total if name in self._sum else total
        self._summed += 1
        self._rows += rows
        if last or self._summed == self.spec.accumulate:
            self._descend({name: total / self._rows for name, total in self._sum.items()})
            self._clear()

    def _clear(self) -> None:
        self._sum: dict[str, Array] = {}
        self._summed = self._rows = 0

    @np.errstate(all="ignore")  # the pass, and the next one, report what is not finite
    def _step(
        self, batch: Mapping[str, Array], seed: int, *, last: bool
    ) -> tuple[float, dict[str, Array]]:
        loss, gradients, also = self._gradient(batch, seed)
        if self.spec.accumulate == 1:
            self._descend(gradients)
        else:
            self._accumulate(gradients, _rows(batch), last=last)
        return loss, also

    def _descend(self, gradients: Mapping[str, Array]) -> None:
        self.optimizer.step(self.state.optimizer, self.network.parameters, gradients)

    def _batches(self) -> Iterator[dict[str, Array]]:
        if self.sets.train is None:
            return iter([{}])
        return self.sets.train.batches(self.spec.batch_size, self.state.rng)

    def _batch_seed(self) -> int:
        """Of all that one batch draws; 0 where nothing does."""
        if self.augmenter is None and not self._reverse.noisy:
            return 0
        return int(self.state.noise.integers(2**63))

    def _gradient(
        self, batch: Mapping[str, Array], seed: int
    ) -> tuple[float, dict[str, Array], dict[str, Array]]:
        # By the one seed, both ways to take the gradient meet the same noise.
        rng = np.random.default_rng(seed) if self._reverse.noisy else None
        found = self._reverse(batch, rng)
        gradients = found.gradients
        if not found.finite and self.spec.gradient == "backprop":
            rng = np.random.default_rng(seed) if self._reverse.noisy else None
            raise RunError(fault_of_gradient(self._reverse, batch, rng))
        if self.spec.gradient == "numerical" and self._moved:
            estimates = numerical_gradient(
                self.network,
                batch,
                loss=self.measuring.losses,
                only=self._moved,
                estimate=False,
                mode="train",
                seed=seed,
            )
            gradients = {name: estimate.value for name, estimate in estimates.items()}
        for name, array in found.state.items():
            self.network.arrays[name][...] = array
        return found.loss, gradients, found.also

    def _trace(self) -> None:
        arrays = [self.network.parameters[name] for name in self._names]
        if sum(array.size for array in arrays) <= _TRACED:
            self.state.path.append(np.concatenate([array.ravel() for array in arrays]))


def _rows(batch: Mapping[str, Array]) -> int:
    return len(next(iter(batch.values()))) if batch else 1
