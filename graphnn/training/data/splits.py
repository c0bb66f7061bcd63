"""The rows that train, validate and test, as a spec's ``train`` names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphnn.diagnostics import FAULTY, DataError, Diagnostic, TrainingError
from graphnn.execution.network import Network
from graphnn.execution.weight_files import Classes
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import Map, Scalar, Value
from graphnn.training.data import dataset
from graphnn.training.data.columns import InputRequirements
from graphnn.training.data.dataset import Data, Dataset
from graphnn.training.data.faults import for_each
from graphnn.training.data.requirements import demand_of

SPLIT = 1  # which of the independent streams of one seed draws the rows held back


@dataclass(frozen=True, slots=True)
class Sets:
    """The rows that train, validate and test; the last two may be missing."""

    train: Dataset | None
    validation: Dataset | None = None
    test: Dataset | None = None
    warnings: tuple[Diagnostic, ...] = ()


def load_sets(network: Network, spec: TrainSpec, classes: Classes | None = None) -> Sets:
    """The rows that `spec` names: test and validation rows split off, then as many as it says.

    Parameters
    ----------
    network : Network
    spec : TrainSpec
    classes : dict of str to tuple of str, optional
        Names of classes by input, where they are numbered already.

    Raises
    ------
    DataError, FileError
        The data do not fit the network, or there are none though it has inputs. All independent
        faults at once.
    """
    return sets(demand_of(network, spec), spec, network.graph.spec.folder, classes)


def split(network: Network, spec: TrainSpec, rows: Dataset) -> Sets:
    """Rows that take the place of `spec`'s ``data``, split as `load_sets` splits those.

    Raises
    ------
    DataError, FileError
        There are fewer rows than it holds back, or its separate data do not fit the network.
    """
    folder = network.graph.spec.folder
    found = _Loading(demand_of(network, spec), spec, folder, rows.classes, rows)
    return found.sets(_splits(spec))


def sets(
    demand: InputRequirements,
    spec: TrainSpec,
    folder: Path,
    classes: Classes | None = None,
    *,
    hidden: bool = False,
) -> Sets:
    """As `load_sets`, for inputs of which not all need be known.

    What depends on things unknown is not reported; without any input to feed, there are no rows.
    Data that are `hidden` by a fault are not reported to be missing.
    """
    if spec.data is None and demand.complete and not demand.needs:
        return Sets(None)
    found = _Loading(demand, spec, folder, classes)
    steps: dict[str, Value | None] = {} if hidden else {"data": spec.data}
    return found.sets(steps | _splits(spec))


def _splits(spec: TrainSpec) -> dict[str, Value | None]:
    return {"test": spec.test, "validation": spec.validation, "rows": spec.rows}


def held_back(sets: Sets) -> tuple[str, Dataset]:
    """The test rows, else the validation rows, else all; and what they are called.

    Raises
    ------
    TrainingError
        The network trains without data.
    """
    kinds = {"test": sets.test, "validation": sets.validation, "training": sets.train}
    for kind, rows in kinds.items():
        if rows is not None:
            return kind, rows
    message = "the network trains without data, so there are no rows to evaluate it on"
    raise TrainingError.of("no-data", message)


class _Loading:
    """Takes what ``train`` says of rows, one key after the other."""

    def __init__(
        self,
        demand: InputRequirements,
        spec: TrainSpec,
        folder: Path,
        classes: Classes | None,
        train: Dataset | None = None,
    ) -> None:
        self._demand, self._spec, self._folder = demand, spec, folder
        self._classes = classes
        self._rng = np.random.default_rng([spec.seed, SPLIT])
        self._train = train
        self._test: Dataset | None = None  # where the source sets it apart
        self._warnings: list[Diagnostic] = []

    def sets(self, steps: Mapping[str, Value | None]) -> Sets:
        found = for_each(steps, self._take)
        test = found.get("test")
        test = self._test if test is None else test
        return Sets(self._train, found.get("validation"), test, tuple(self._warnings))

    def _take(self, key: str, value: Value | None) -> Dataset | None:
        """The rows that `key` holds back; None where it holds back none."""
        if key == "data":
            self._load(value)
        elif value is None:
            return None
        elif isinstance(value, Map):
            found = self._read(value)
            if found is not None:
                return found.train if found.test is None else found.test
        elif self._train is not None:
            assert isinstance(value, Scalar)
            if key != "rows":
                return self._held_back(value)
            self._first(value)
        return None

    def _load(self, value: Value | None) -> None:
        if value is None:
            for name in self._demand.needs:
                message = f"nothing says where the values of '{name}' come from"
                help = "add 'data' to 'train', such as {npz: FILE}"
                place = self._spec.place.span
                raise TrainingError.of("no-data", message, place, help=help)
            return
        found = self._read(value)
        if found is not None:
            self._train, self._test = found.train, found.test
            self._classes = found.train.classes

    def _read(self, value: Value) -> Data | None:
        found = dataset.load_known(value, self._demand, self._folder, self._classes)
        self._warnings += () if found is None else found.warnings
        return found

    def _held_back(self, amount: Scalar) -> Dataset:
        assert self._train is not None and isinstance(amount.value, int | float)
        stratify, labels = self._spec.stratify, None
        if stratify is not None and self._demand.find(str(stratify.value)) is not FAULTY:
            labels = dataset.labels(self._train, stratify)
        self._train, held_back = dataset.split_off(
            self._train, amount.value, self._rng, amount.span, labels
        )
        return held_back

    def _first(self, rows: Scalar) -> None:
        """Keep the first `rows` to train on."""
        count = rows.value
        assert self._train is not None and isinstance(count, int)
        if count > len(self._train):
            message = f"'rows' is {count}, but there are {len(self._train)} rows to train on"
            help = "rows for validation and test are held back first"
            raise DataError.of("too-few-rows", message, rows.span, help=help)
        self._train = self._train.rows(slice(count))
