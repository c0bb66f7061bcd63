"""Rows that Python gives: arrays by input, or a data frame, by the rules for those of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from graphnn.diagnostics import FAULTY, DataError, Findings, listed
from graphnn.execution import as_numbers
from graphnn.execution.weight_files import Classes
from graphnn.spec.values import Map, Scalar, Value
from graphnn.training.data.classes import numbered
from graphnn.training.data.columns import Column, InputRequirements, InputSpec, array_for
from graphnn.training.data.csv_file import CsvFile
from graphnn.training.data.dataset import Dataset, check_demand, dataset_of
from graphnn.training.data.faults import for_each, not_fed
from graphnn.training.data.source import Asked, Feed, Request, Wanted
from graphnn.training.data.sources.table import CsvTable, column_of

_TABLES = ("csv", "parquet")  # kinds of data whose keys serve a data frame as well
_FRAME = "the data frame"


class Frame(Protocol):
    """A data frame of pandas, or what behaves like one."""

    columns: Any

    def to_csv(self, *, index: bool) -> str:
        """The frame as CSV."""


def is_frame(given: object) -> TypeGuard[Frame]:
    """Whether rows are given as a data frame."""
    return hasattr(given, "to_csv") and hasattr(given, "columns")


def given(
    arrays: Mapping[str, ArrayLike] | Frame,
    demand: InputRequirements,
    classes: Classes | None = None,
    data: Map | None = None,
) -> Dataset:
    """Arrays that Python gives, as the inputs take them: by the rules for those of a file.

    Parameters
    ----------
    arrays : mapping of str to array_like, or data frame
        By input name; texts for class numbers are numbered in sorted order. A data frame takes
        the place of the table that the spec names, or else feeds inputs as a table of that name
        alone would.
    demand : InputRequirements
        The inputs to feed, each of them known.
    classes : dict of str to tuple of str, optional
        Names of classes by input, that class numbers stand for.
    data : Map, optional
        What the spec says of its data.

    Raises
    ------
    DataError
        An input is missing or unknown, or an array does not fit. All independent faults at once.
    """
    if is_frame(arrays):
        check_demand(demand, None)
        return _of_frame(arrays, demand, classes, declared(data))
    if not isinstance(arrays, Mapping):
        message = (
            f"data of type {type(arrays).__name__} do not name the input that each array feeds"
        )
        help = "write data={" + ", ".join(f'"{name}": ...' for name in demand.needs) + "}"
        raise DataError.of("missing-input", message, help=help)
    _check_names(arrays, demand)
    check_demand(demand, None)
    columns = for_each(
        {name: arrays[name] for name in demand.needs},
        lambda name, array: _column(demand.needs[name], name, array, classes or {}),
    )
    taken = for_each(columns, lambda name, column: array_for(demand.needs[name], column))
    named = {name: column.classes for name, column in columns.items() if column.classes}
    return Dataset(taken, "data", {**(classes or {}), **named})


def declared(data: Map | None) -> Value | None:
    """What the spec says of the table that it names; None where it names none."""
    return next((data.get(kind) for kind in _TABLES if data is not None and kind in data), None)


def column_of_frame(
    frame: Frame,
    need: InputSpec,
    needs: Mapping[str, InputSpec],
    columns: Value | None,
    classes: Classes,
) -> Column:
    """What feeds one input alone; as `column_for` of a file.

    Raises
    ------
    DataError
        A column is missing, or does not fit.
    """
    return column_of(_table(frame), _FRAME, need, needs, columns, classes)


def _of_frame(
    frame: Frame, demand: InputRequirements, classes: Classes | None, columns: Value | None
) -> Dataset:
    source = CsvTable()
    request = Request(source.name, columns or Scalar(_FRAME), demand, Path(), classes)
    asked = Asked({"file": Feed([Wanted(_FRAME, None)], None)}, {})
    if columns is not None:
        request, said = source.asked(request)
        asked = Asked({**said.keys, **asked.keys}, said.feeds)
    found = source.feed_from(_table(frame), request, asked)
    request.faults.raise_all()
    taken = for_each(found.columns, lambda name, column: array_for(demand.needs[name], column))
    return dataset_of(found, taken)


def _table(frame: Frame) -> CsvFile:
    return CsvFile(_FRAME, frame.to_csv(index=False).encode())


def _column(need: InputSpec | Any, name: str, array: ArrayLike, classes: Classes) -> Column:
    numbers = as_numbers(array)
    if numbers is not None:
        return Column(name, numbers)
    texts = _texts(array)
    if texts is None or need is FAULTY:
        raise DataError.of("not-numbers", f"'{name}' in the data is not an array of numbers")
    kinds, rows = np.unique(np.array(texts, object), return_inverse=True)
    different = tuple(kinds.tolist())
    known = classes.get(name) or different
    return Column(name, numbered(different, known, name)[rows], classes=known)


def _texts(array: ArrayLike) -> list[str] | None:
    """The texts of a list or array, one a row; None where it holds something else."""
    found = np.asarray(array, object)
    flat = found.reshape(-1).tolist()
    one_each = found.ndim > 0 and len(flat) == len(found)
    return flat if one_each and all(isinstance(each, str) for each in flat) else None


def _check_names(arrays: Mapping[str, ArrayLike], demand: InputRequirements) -> None:
    findings, inputs = Findings(), demand.needs
    known = f"its inputs are {listed(inputs)}" if inputs else "it has no inputs"
    for name in arrays:
        if name not in inputs:
            message, help = not_fed(str(name), inputs, known, demand.idle)
            findings.error("unknown-input", message, help=help)
    for name in inputs:
        if name not in arrays:
            findings.error("missing-input", f"the data have no array to feed input '{name}'")
    findings.raise_errors(DataError)
