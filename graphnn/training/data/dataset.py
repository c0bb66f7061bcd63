"""Data sets: loaded as a spec asks, cut into batches, split into parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import (
    FAULTY,
    DataError,
    Findings,
    Note,
    Span,
    UsageError,
    counted,
    printable,
    suggestion,
)
from graphnn.diagnostics import Diagnostic as Fault
from graphnn.execution.weight_files import Classes
from graphnn.ops import Array
from graphnn.spec import brief
from graphnn.spec.values import Map, Scalar, Value
from graphnn.training.data.columns import Column, InputRequirements, array_for
from graphnn.training.data.registry import SOURCES
from graphnn.training.data.source import Found, Request

__all__ = ["Data", "Dataset", "load", "load_known", "split_off"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of data, an array for each input of a graph.

    Parameters
    ----------
    arrays : mapping of str to ndarray, each of shape (rows, ...)
        By input name; kept as views that cannot be written to.
    name : str
        What tables and pictures call the set.
    classes : dict of str to tuple of str
        For inputs whose class numbers stand for texts: the text of each number. Under
        ``INPUT.COLUMN``, the categories of a column that feeds an input one-hot.

    Raises
    ------
    DataError
        There is no array, one has no axes, or two differ in their number of rows.
    """

    arrays: Mapping[str, Array]
    name: str
    classes: Classes = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_rows(self.arrays, {})
        object.__setattr__(self, "arrays", {k: _read_only(v) for k, v in self.arrays.items()})

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {array.shape[1:]}" for name, array in self.arrays.items())
        return f"<{self.name}: {counted(len(self), 'row')} of {shapes}>"

    def _repr_html_(self) -> str:
        """A line for each input, which Jupyter shows."""
        import html

        # Tables stand with the summary of a network, which training alone does not need.
        from graphnn.graph import Table

        header = ("input", "shape of a row", "type", "least", "greatest", "classes")
        rows = tuple(self._line(name, array) for name, array in self.arrays.items())
        title = html.escape(printable(f"{self.name}: {counted(len(self), 'row')}"))
        return f"<b>{title}</b>" + Table(header, rows, right=(3, 4))._repr_html_()

    def _line(self, name: str, array: Array) -> tuple[str, ...]:
        both = (np.fmin, np.fmax)  # which pass over missing values
        ends = (f"{end.reduce(array, axis=None):.4g}" if array.size else "" for end in both)
        classes = ", ".join(self.classes.get(name, ()))
        return (name, str([*array.shape[1:]]), str(array.dtype), *ends, classes)

    def rows(self, index: slice | Array) -> Dataset:
        """The rows that `index` picks: a slice, row numbers, or a mask."""
        arrays = {name: array[index] for name, array in self.arrays.items()}
        return Dataset(arrays, self.name, self.classes)

    def batches(
        self, size: int, rng: np.random.Generator | None = None
    ) -> Iterator[dict[str, Array]]:
        """Every row once, in batches of `size`; the last one holds what is left.

        Parameters
        ----------
        size : int
            Rows in a batch, at least 1.
        rng : numpy.random.Generator, optional
            Shuffles the rows; without it they come in order.

        Yields
        ------
        dict of str to ndarray
            By input name. Batches in order are views, shuffled ones copies.

        Raises
        ------
        UsageError
            `size` is less than 1.
        """
        if size < 1:
            raise UsageError.of("bad-batch-size", f"a batch cannot hold {size} rows")
        order = None if rng is None else rng.permutation(len(self))
        return self._batches(size, order)

    def _batches(self, size: int, order: NDArray[np.int64] | None) -> Iterator[dict[str, Array]]:
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            picked = rows if order is None else order[rows]
            yield {name: array[picked] for name, array in self.arrays.items()}

    def split(self, first: int, span: Span | None = None) -> tuple[Dataset, Dataset]:
        """The first `first` rows, and the rest.

        Parameters
        ----------
        first : int
            Leaves at least one row on either side.
        span : Span, optional
            Where the spec gives the number, for the error.

        Raises
        ------
        DataError
            One part would be empty.
        """
        _check_split(self, first, span)
        return self.rows(slice(first)), self.rows(slice(first, None))


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What a spec's data come to: rows to train on, and test rows if the source sets them apart."""

    train: Dataset
    test: Dataset | None
    warnings: tuple[Fault, ...] = ()


def load(
    spec: Value, demand: InputRequirements, folder: Path, classes: Classes | None = None
) -> Data:
    """The data that ``train.data`` asks for, as the inputs take them.

    Parameters
    ----------
    spec : Value
        A mapping with one key, the kind of source; `graphnn.training.data.sources` says what each
        kind takes.
    demand : InputRequirements
        The inputs to feed, each of them known.
    folder : Path
        Files named by the spec lie in this folder's tree.
    classes : dict of str to tuple of str, optional
        Names of classes by input, as those of a first set, whose numbers texts must take here.

    Raises
    ------
    DataError
        The spec makes no sense, or the data do not fit the inputs. All independent faults at once.
    FileError
        A file is missing, lies outside `folder`, or is not a regular file.
    """
    found = load_known(spec, demand, folder, classes)
    assert found is not None
    return found


def load_known(
    spec: Value, demand: InputRequirements, folder: Path, classes: Classes | None = None
) -> Data | None:
    """As `load`, of inputs of which not all need be known.

    Returns
    -------
    Data or None
        For an input of which nothing is known, the values as the source has them; None where
        that leaves no input to feed.

    Raises
    ------
    DataError, FileError
        As `load`, without what depends on things unknown.
    """
    kind, value = source(spec)
    check_demand(demand, spec.span)
    request = Request(kind, value, demand, folder, classes)
    found = Found("", {})
    with request.faults.kept():
        found = SOURCES[kind].load(request)
    arrays = request.faults.each(
        found.columns, lambda name, column: array_for(demand.needs.get(name, FAULTY), column)
    )
    request.faults.raise_all()
    if not arrays:
        return None
    whole = dataset_of(found, arrays)
    if found.train_rows is None:
        return Data(whole, None, found.warnings)
    return Data(*whole.split(found.train_rows), found.warnings)


def dataset_of(found: Found, arrays: Mapping[str, Array]) -> Dataset:
    """What a source found, as the arrays that its columns come to.

    Raises
    ------
    DataError
        Arrays differ in their number of rows.
    """
    _check_rows(arrays, found.columns)
    return Dataset(arrays, found.name, _named(found.columns))


def _named(columns: Mapping[str, Column]) -> Classes:
    """What numbers of an input stand for, and entries of a row that a column feeds one-hot."""
    named = {name: column.classes for name, column in columns.items() if column.classes}
    for name, column in columns.items():
        named |= {f"{name}.{each}": texts for each, texts in column.categories.items()}
    return named


def split_off(
    dataset: Dataset,
    amount: float,
    rng: np.random.Generator,
    span: Span | None = None,
    labels: Array | None = None,
) -> tuple[Dataset, Dataset]:
    """A data set parted at random into the rows that stay and those held back, both shuffled.

    Parameters
    ----------
    dataset : Dataset
    amount : int or float
        How many rows to hold back, or which fraction of them; a fraction comes to the nearest
        whole number of rows.
    rng : numpy.random.Generator
    span : Span, optional
        Where the spec gives the amount, for the error.
    labels : ndarray of int, shape (rows,), optional
        The class of each row; every class then has its share of the rows held back, to within
        one row.

    Returns
    -------
    rest, held_back : Dataset

    Raises
    ------
    DataError
        The amount is not a number of rows or a fraction between 0 and 1, or leaves a part empty.
    """
    if isinstance(amount, float) and not 0 < amount < 1:
        message = f"a fraction to hold back must be between 0 and 1, not {amount}"
        raise DataError.of("bad-split", message, span)
    count = round(amount * len(dataset)) if isinstance(amount, float) else amount
    _check_split(dataset, count, span)
    order = rng.permutation(len(dataset))
    if labels is not None:
        held = _held(order, count, labels)
        order = np.concatenate([order[held], order[~held]])
    return dataset.rows(order[count:]), dataset.rows(order[:count])


def _check_split(dataset: Dataset, count: int, span: Span | None) -> None:
    if not 0 < count < len(dataset):
        message = f"{count} of the {len(dataset)} rows of '{dataset.name}' cannot be split off"
        raise DataError.of("bad-split", f"{message}: both parts need a row", span)


def labels(dataset: Dataset, name: Scalar) -> Array:
    """The classes that the input `name` takes, a number a row.

    Raises
    ------
    DataError
        There is no such input, or its rows are not classes.
    """
    known = str(name.value)
    if known not in dataset.arrays:
        fed = list(dataset.arrays)
        message = f"'stratify' names '{known}', which takes no data"
        help = suggestion(known, fed, f"data feed {', '.join(fed)}")
        raise DataError.of("bad-stratify", message, name.span, help=help)
    array = dataset.arrays[known]
    if array.ndim == 2 and array.shape[1] > 1 and _one_hot(array):
        numbers: NDArray[np.int64] = array.argmax(axis=1)
        return numbers
    flat = array.reshape(-1) if array.shape[1:] == (1,) else array
    if flat.ndim == 1 and (flat == np.round(flat)).all():
        return flat
    message = f"'stratify' names '{known}', whose rows are not classes"
    raise DataError.of("bad-stratify", message, name.span)


def _one_hot(array: Array) -> bool:
    return bool((((array == 0) | (array == 1)).all(axis=1) & (array.sum(axis=1) == 1)).all())


def _held(order: NDArray[np.int64], count: int, labels: Array) -> NDArray[np.bool_]:
    """Which rows in `order` to hold back, so that each class has its share of `count`."""
    classes, found = np.unique(labels[order], return_inverse=True)
    quotas = np.bincount(found, minlength=len(classes)) * count / len(order)
    shares = np.floor(quotas).astype(int)
    # What rounding down leaves over goes to the largest remainders.
    shares[np.argsort(shares - quotas, kind="stable")[: count - shares.sum()]] += 1
    held = np.zeros(len(order), bool)
    for number, share in enumerate(shares):
        held[np.flatnonzero(found == number)[:share]] = True
    return held


def source(spec: Value) -> tuple[str, Value]:
    """The kind of source that ``train.data`` names, and what it says of it.

    Raises
    ------
    DataError
        The kind is unknown, or there are several.
    """
    kinds = ", ".join(sorted(SOURCES))
    if not isinstance(spec, Map):
        message = f"'data' must be a mapping from a kind of data, not {brief(spec)}"
        help = f"write `data: {{KIND: ...}}`, where KIND is one of {kinds}"
        raise DataError.of("wrong-type", message, spec.span, help=help)
    findings = Findings()
    for key, entry in spec.entries.items():
        if key not in SOURCES:
            message = f"there is no kind of data '{key}'"
            help = _meant(key, f"the kinds are {kinds}")
            findings.error("unknown-data", message, entry.key.span, help=help)
    findings.raise_errors(DataError)
    if len(spec.entries) != 1:
        named = ", ".join(spec.entries) or "none"
        message = f"'data' takes one kind of data, but names {named}"
        raise DataError.of("wrong-count", message, spec.span, help=f"the kinds are {kinds}")
    return next(iter(spec.items()))


def _meant(name: str, otherwise: str) -> str:
    """Help for an unknown kind of data `name`."""
    for kind, each in SOURCES.items():
        if name.lower() in each.elsewhere:
            return f"did you mean '{kind}'?"
    return suggestion(name, SOURCES, otherwise)


def check_demand(demand: InputRequirements, span: Span | None) -> None:
    if demand.complete and not demand.needs:
        raise DataError.of("no-inputs", "the network has no input that data could feed", span)
    findings = Findings()
    for name, need in demand.needs.items():
        if need is not FAULTY and not need.shape:
            message = f"data cannot feed input '{name}': its shape [] has no axis for their rows"
            findings.error("no-batch-axis", message, span, help="give it the shape [batch]")
    findings.raise_errors(DataError)


def _check_rows(arrays: Mapping[str, Array], columns: Mapping[str, Column]) -> None:
    """Refuse arrays of different lengths; `columns` say where each came from."""
    if not arrays:
        raise DataError.of("no-arrays", "a data set needs at least one array")
    spans = {name: column.span for name, column in columns.items()}
    (first, reference), *others = arrays.items()
    findings = Findings()
    for name, array in arrays.items():
        if np.ndim(array) == 0:
            findings.error("no-rows", f"the array '{name}' is a single number, not rows")
    findings.raise_errors(DataError)
    for name, array in others:
        if len(array) != len(reference):
            message = (
                f"'{name}' has {counted(len(array), 'row')}, but '{first}' has {len(reference)}"
            )
            both = [(i, columns[i]) for i in (first, name) if i in columns]
            notes = tuple(Note(f"'{column.name}' feeds '{i}'", column.span) for i, column in both)
            findings.error("row-mismatch", message, spans.get(name), notes=notes)
    findings.raise_errors(DataError)


def _read_only(array: Array) -> Array:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
