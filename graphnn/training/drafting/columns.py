"""What the columns of a table hold, found by reading all of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from graphnn.diagnostics import DataError, UsageError
from graphnn.training.data.categories import is_missing
from graphnn.training.data.csv_file import CsvFile
from graphnn.training.data.table_rows import DECIMALS, as_number, has_decimal_comma

MAX_CATEGORIES = 30  # a column of more texts holds names or remarks
_MAX_CLASSES = 10  # a column of more whole numbers holds a quantity


@dataclass(slots=True)
class ColumnSummary:
    """The cells of one column, as far as they decide how it is used.

    Attributes
    ----------
    name : str
    rows, missing : int
        How many cells there are, and how many of them without a value.
    texts : set of str
        Different cells with a value; no more are kept once they are too many to be categories.
    numbers : list of float
        The values, as long as all of them are numbers.
    is_numeric : bool
    """

    name: str
    rows: int = 0
    missing: int = 0
    texts: set[str] = field(default_factory=set)
    numbers: list[float] = field(default_factory=list)
    is_numeric: bool = True

    def take(self, cell: str) -> None:
        """Add a cell."""
        self.rows += 1
        if is_missing(cell):
            self.missing += 1
            return
        if len(self.texts) <= MAX_CATEGORIES:
            self.texts.add(cell.strip())
        number = as_number(cell, whole=False) if self.is_numeric else None
        if number is None:
            self.is_numeric = False
            self.numbers.clear()
        else:
            self.numbers.append(number)

    @property
    def says_nothing(self) -> str:
        """Why no input takes the column; empty where one does."""
        if len(self.texts) < 2:
            return "holds the same in every row"
        if not self.is_numeric and len(self.texts) > MAX_CATEGORIES:
            return f"holds more than {MAX_CATEGORIES} different texts"
        return ""

    @property
    def numbers_rows(self) -> bool:
        """Whether it counts the rows, from 0 or 1."""
        return self.is_numeric and self.numbers in (
            [*range(self.rows)],
            [*range(1, self.rows + 1)],
        )

    @property
    def are_classes(self) -> bool:
        """Whether a target that holds it is one of classes: texts, or few whole numbers."""
        if not self.is_numeric:
            return True
        whole = all(number.is_integer() for number in self.numbers)
        return whole and len(self.texts) <= _MAX_CLASSES

    @property
    def counts_from_zero(self) -> bool:
        """Whether its numbers are 0, 1 and so on, as class numbers are."""
        found = {*self.numbers}
        return self.is_numeric and found == {*range(len(found))}

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and deviation of the numbers, to three digits; of a constant column 1."""
        values = np.array(self.numbers)
        deviation = float(values.std()) or 1.0
        digits = 2 - math.floor(math.log10(deviation))
        return round(float(values.mean()), digits), round(deviation, digits)


def summarize(
    table: CsvFile, file: str, target: str | None
) -> tuple[list[ColumnSummary], ColumnSummary]:
    """The columns that inputs may take, and the target: the last column unless another is named.

    Messages call the table `file`.

    Raises
    ------
    UsageError
        There is no such column.
    DataError
        The text is not CSV, a row is ragged, or too little is left to learn from.
    """
    if target is not None and target not in table.places:
        raise UsageError(table.absent(target, file, None))
    columns = [ColumnSummary(name) for name in table.header]
    for line, cells in table.rows():
        if table.is_ragged(cells):
            raise DataError(table.ragged(line, cells))
        for column, cell in zip(columns, cells, strict=True):
            column.take(cell)
    for place, column in enumerate(columns):
        _check_decimals(table, place, column)
    goal = columns[-1 if target is None else table.places[target]]
    features = [column for column in columns if column is not goal]
    _check(table, features, goal)
    return features, goal


def left_out(features: list[ColumnSummary]) -> dict[str, str]:
    """Names of the columns that no input takes, each with the reason."""
    others = any(not column.says_nothing and not column.numbers_rows for column in features)
    return {
        column.name: column.says_nothing or "numbers the rows"
        for column in features
        if column.says_nothing or (others and column.numbers_rows)
    }


def _check_decimals(table: CsvFile, place: int, column: ColumnSummary) -> None:
    """Refuse a column of numbers such as ``0,5``, which would become categories."""
    if column.is_numeric or not all(map(has_decimal_comma, column.texts)):
        return
    cells = ((line, cells[place].strip()) for line, cells in table.rows())
    line, cell = next((line, cell) for line, cell in cells if cell in column.texts)
    message = f"'{cell}' in column '{column.name}' is not a finite number"
    raise DataError.of("not-a-number", message, table.cell_span(line, place), help=DECIMALS)


def _check(table: CsvFile, features: list[ColumnSummary], goal: ColumnSummary) -> None:
    span = table.line_span(table.header_line)
    if not goal.rows:
        raise DataError.of("no-rows", "no row follows the header", span)
    if reason := goal.says_nothing:
        message = f"column '{goal.name}' {reason}, so it is not a target"
        raise DataError.of("bad-value", message, span, help="name another one by --target COLUMN")
    if all(column.says_nothing for column in features):
        message = f"no column but '{goal.name}' says anything of its rows"
        raise DataError.of("no-columns", message, span)
