"""What an input needs of a data set, and a source's values turned into just that."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import FAULTY, DataError, Faulty, Note, Span, listed
from graphnn.ops import Array
from graphnn.storage.archives import LIMIT
from graphnn.storage.files import show_bytes
from graphnn.training.data.categories import widths

MAX_PIXEL = 255
_MAX_WHOLE = 2**53  # above it a float no longer distinguishes neighbouring whole numbers


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What one input of a graph takes.

    Attributes
    ----------
    name : str
        The input's name.
    shape : tuple of int or None
        Sizes, the batch axis first; None for a free size.
    dtype : {"float32", "float64", "int"}
        ``"int"`` arrays are int64.
    classes : int or None
        For class numbers that a loss reads: how many classes there are.
    missing : bool
        Whether a value may be missing, which NaN stands for.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: Literal["float32", "float64", "int"]
    classes: int | None = None
    missing: bool = False

    @property
    def row(self) -> tuple[int | None, ...]:
        """Shape of one row: all axes but the first."""
        return self.shape[1:]

    @property
    def width(self) -> int | None:
        """Values in one row, or None when a free size decides."""
        fixed = [size for size in self.row if size is not None]
        return math.prod(fixed) if len(fixed) == len(self.row) else None

    @property
    def array_dtype(self) -> np.dtype[Any]:
        """Type of the array to feed."""
        return np.dtype(np.int64 if self.dtype == "int" else self.dtype)


def _no_other(name: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class InputRequirements:
    """The inputs that data are to feed.

    Attributes
    ----------
    needs : mapping of str to InputSpec or FAULTY
        Every input that is surely to be fed, in the order of the graph; `FAULTY` where a fault
        hides what it takes.
    idle : mapping of str to str
        Inputs that are not to be fed, with a sentence that says why.
    complete : bool
        Whether no fault hides that there are other inputs to feed.
    other : callable
        Gives `FAULTY` for the name of anything else that may be an input to feed.
    """

    needs: Mapping[str, InputSpec | Faulty]
    idle: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    other: Callable[[str], Faulty | None] = _no_other

    @property
    def known(self) -> dict[str, InputSpec] | None:
        """Every need, where no fault hides one."""
        known = {name: need for name, need in self.needs.items() if need is not FAULTY}
        return known if self.complete and len(known) == len(self.needs) else None

    def find(self, name: str) -> InputSpec | Faulty | None:
        """What the input `name` takes; None if it surely is not an input to feed."""
        return self.needs[name] if name in self.needs else self.other(name)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Values of a source that are to feed one input, as the source holds them.

    Attributes
    ----------
    name : str
        What the source calls them.
    values : ndarray of numbers, shape (rows, ...)
    span : Span or None
        Where the spec asks for them.
    pixels : bool
        Grey levels 0 to 255, which a float input takes as 0 to 1.
    classes : tuple of str
        What the numbers stand for, when the source holds texts.
    cell : callable or None
        Gives the place of the value in a row, where each row has one and the source is a text.
    categories : mapping of str to tuple of str
        By column of a table that is one-hot: what each of its entries in a row stands for.
    """

    name: str
    values: Array
    span: Span | None = None
    pixels: bool = False
    classes: tuple[str, ...] = ()
    cell: Callable[[int], Span] | None = None
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def array_for(need: InputSpec | Faulty, column: Column) -> Array:
    """The array that feeds an input; the values as they are where the need is unknown.

    A row is reshaped where the number of values allows it. One whole number a row, for an input
    that takes several values a row, is a class and becomes a one-hot row. Pixels become numbers
    from 0 to 1 for a float input and stay 0 to 255 for an int one.

    Returns
    -------
    ndarray, shape (rows, *need.row)
        Of type ``need.array_dtype``.

    Raises
    ------
    DataError
        The values do not fit the input, are not finite, or, for an int input, are not whole.
    """
    if column.values.ndim == 0 or len(column.values) == 0:
        raise DataError.of("no-rows", f"'{column.name}' holds no rows", column.span)
    if need is FAULTY:
        return column.values
    if _are_classes(need, column):
        return _one_hot(need, column)
    row = _row_shape(need, column)
    _check_room(need, len(column.values) * math.prod(row), column)
    array = _whole(need, column) if need.dtype == "int" else _real(need, column)
    if need.classes is not None:
        _check_classes(need, column, need.classes)
    return array.reshape(len(array), *row)


def show_row(row: Iterable[int | None]) -> str:
    """Shape of a row with its number of values: ``28x28 = 784``, ``10``, ``1``, ``?x3``."""
    sizes = list(row)
    text = "x".join("?" if size is None else str(size) for size in sizes) or "1"
    fixed = [size for size in sizes if size is not None]
    return f"{text} = {math.prod(fixed)}" if len(sizes) == len(fixed) > 1 else text


def _row_shape(need: InputSpec, column: Column) -> tuple[int, ...]:
    row = column.values.shape[1:]
    wanted = need.row
    if len(row) == len(wanted) and all(w in (None, r) for w, r in zip(wanted, row, strict=True)):
        return row
    fixed = tuple(size for size in wanted if size is not None)
    if len(fixed) == len(wanted) and math.prod(row) == math.prod(fixed):
        return fixed
    needed = f"'{need.name}' needs {show_row(wanted)} values a row"
    message = f"{needed}, but '{column.name}' has {show_row(row)}"
    notes = tuple(Note(line) for line in widths(column.categories))
    raise DataError.of("wrong-width", message, column.span, notes=notes)


def _check_room(need: InputSpec, count: int, column: Column) -> None:
    size = count * need.array_dtype.itemsize
    if size > LIMIT:
        taken = f"{show_bytes(size)} of memory, more than {show_bytes(LIMIT)}"
        raise DataError.of("data-too-large", f"'{need.name}' would take {taken}", column.span)


def _real(need: InputSpec, column: Column) -> Array:
    if column.pixels:
        scaled: Array = np.divide(column.values, MAX_PIXEL, dtype=need.array_dtype)
        return scaled
    # A value too large for float32 is reported below, by its place.
    with np.errstate(over="ignore", invalid="ignore"):
        array = column.values.astype(need.array_dtype, copy=False)
    finite = np.isfinite(array)
    if need.missing:
        finite |= np.isnan(column.values)
    if not finite.all():
        place, value = _first(~finite, column)
        problem = f"too large for {need.dtype}" if np.isfinite(value) else "not finite"
        raise DataError.of("not-finite", f"{place} is {value}, {problem}", column.span)
    return array


def _whole(need: InputSpec, column: Column) -> Array:
    values = column.values
    if values.dtype.kind == "f":
        values = values.astype(np.float64, copy=False)
        fits = _are_whole(values)
    elif values.dtype == np.uint64:
        fits = values <= np.iinfo(np.int64).max
    else:
        return values.astype(np.int64, copy=False)
    if not fits.all():
        place, value = _first(~fits, column)
        message = f"'{need.name}' takes whole numbers of 64 bits, but {place} is {value}"
        raise DataError.of("not-whole", message, column.span)
    return values.astype(np.int64, copy=False)


def _are_whole(values: Array) -> NDArray[np.bool_]:
    """Which floats are whole numbers that a float distinguishes from their neighbours."""
    whole: NDArray[np.bool_] = (values == np.trunc(values)) & (np.abs(values) <= _MAX_WHOLE)
    return whole


def _first(wrong: NDArray[np.bool_], column: Column) -> tuple[str, Any]:
    """Place and value of the first entry that is wrong."""
    index = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    listed = ", ".join(str(int(i)) for i in index)
    return f"'{column.name}'[{listed}]", column.values[index]


def _are_classes(need: InputSpec, column: Column) -> bool:
    """Whether a row holds one class number where the input takes a row of several values."""
    values = column.values
    one_each = values.size == len(values)
    if not one_each or len(need.row) != 1 or need.width in (None, 1):
        return False
    return values.dtype.kind in "bui" or bool(_are_whole(values).all())


def _one_hot(need: InputSpec, column: Column) -> Array:
    numbers = column.values.reshape(-1)
    count = need.width
    assert count is not None
    _check_classes(need, column, count)
    _check_room(need, len(numbers) * count, column)
    array = np.zeros((len(numbers), count), need.array_dtype)
    array[np.arange(len(numbers)), numbers.astype(np.int64)] = 1
    return array


def _check_classes(need: InputSpec, column: Column, count: int) -> None:
    """Refuse a class number that is not one of `count`."""
    numbers = column.values
    outside = (numbers < 0) | (numbers >= count)
    if not outside.any():
        return
    most, span, notes = int(numbers.max()), column.span, tuple[Note, ...]()
    if len(column.classes) > count:
        kinds = f"{len(column.classes)}: {listed(column.classes)}"
        message = f"'{need.name}' takes {count} classes, but '{column.name}' holds {kinds}"
        most = len(column.classes) - 1
    else:
        first = int(np.argmax(outside))
        row = first // max(1, numbers.size // len(numbers))
        held = f"'{column.name}' holds {int(numbers.flat[first])} in row {row}"
        message = f"'{need.name}' takes classes 0 to {count - 1}, but {held}"
        if column.cell is not None:
            span = column.cell(row)
            notes = (Note(f"column '{column.name}' feeds input '{need.name}'", column.span),)
    help = f"{most + 1} classes need {most + 1} outputs, not {count}"
    if numbers.min() < 0 or (numbers.min(), most) == (1, count):
        help = "class numbers count from 0"
    raise DataError.of("class-outside", message, span, notes=notes, help=help)
