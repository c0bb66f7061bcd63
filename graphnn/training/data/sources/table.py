"""Tables in CSV files, whose columns feed the inputs by name or in the order of the file."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Findings, Span, listed
from graphnn.spec.values import Scalar, Value
from graphnn.training.data.categories import Categories, encoded, is_missing
from graphnn.training.data.classes import numbered
from graphnn.training.data.columns import Column, InputRequirements, InputSpec
from graphnn.training.data.compressed import content, opened
from graphnn.training.data.csv_file import CsvFile
from graphnn.training.data.faults import AlikeFaults, Faults
from graphnn.training.data.parquet import as_csv
from graphnn.training.data.picking import Pick, choose
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request, Wanted
from graphnn.training.data.table_rows import DROP, TableRows, as_number, bad_cell, kind_of

MISSING = ("refuse", "drop")


class CsvTable(DataSource):
    """A CSV file with a header row: ``NAME``, or ``{file: NAME, INPUT: COLUMN or [COLUMN, ...]}``.

    An input that is not mentioned takes the columns of its name: ``x``, or ``x.0``, ``x.1``
    and so on, or ``x[0]``, ``x[1]``. Inputs still without columns then take, in order, the columns
    that are left, if those are exactly as many as they need. Cells are separated by commas,
    semicolons or tabs, whichever the header has most of; the text is UTF-8, plain or gzip.

    A column that holds no number at all can feed an int input, or a one-hot row: its texts are
    classes, numbered in sorted order. A column that `categories` names takes as many values of a
    row as it has different texts, the one of its text 1 and the others 0; for an int input, which
    may take several such columns, its texts are numbered.

    A cell that is empty or holds ``NA``, ``N/A``, ``NaN``, ``null`` or ``?`` is a missing value. It
    is refused, unless rows with one are dropped (``missing: drop``), or the input is read by
    `impute` alone.
    """

    name = "csv"
    keys = (
        Key("file", "A table in the folder of the spec.", is_file=True),
        Key("categories", "A column of categories, or a list of such.", many=True, optional=True),
        Key(
            "missing",
            "What is done with a missing value.",
            choices=MISSING,
            optional=True,
            hint="to put the mean of a column in its place, let a node impute read the input",
        ),
    )
    feed = Key("column", "The name of a column, or a list of such names.", many=True)
    elsewhere: ClassVar[tuple[str, ...]] = ("tsv", "table", "excel", "pandas", "file")

    def read(self, request: Request, asked: Asked) -> Found:
        """The columns of the table for each input.

        Raises
        ------
        DataError
            A column is missing, a row is ragged, or a cell is not a finite number (for an int
            input: a whole number); with the line and column of the cell.
        FileError
            The file is missing, lies outside the spec's folder, or is not a regular file.
        """
        file = asked.one("file")
        table = self.open(request.folder, file, str(request.folder / file.name))
        return self.feed_from(table, request, asked)

    def feed_from(self, table: CsvFile, request: Request, asked: Asked) -> Found:
        """As `read`, of a table that is open."""
        file = asked.one("file")
        picks: dict[str, Pick] = {}
        with request.faults.kept():
            picks = choose(table, request, file, asked.feeds)
            _categorize(table, picks, asked, request.classes)
            _check_categories(table, picks, asked)
        rows = TableRows(table, picks, drop=asked.choice("missing") == "drop", chosen=True)
        picks = rows.read(request.faults)
        columns = request.faults.each(
            picks, lambda _, pick: _column(table, pick, request.classes, advises=rows.advises)
        )
        return Found(file.name, columns, warnings=rows.warnings(file))

    def open(self, folder: Path, file: Wanted, shown: str) -> CsvFile:
        """The table in a file, plain or gzip, which messages call `shown`.

        Raises
        ------
        DataError, FileError
            The file cannot be read, or is not a table.
        """
        return CsvFile(shown, content(folder, file))


class ParquetTable(CsvTable):
    """A Parquet file: ``NAME``, or ``{file: NAME, INPUT: COLUMN or [COLUMN, ...]}``, as for csv.

    Columns hold numbers or texts; a null is a missing value. Needs the extra ``parquet``.
    """

    name = "parquet"
    elsewhere = ("arrow", "pyarrow")

    def open(self, folder: Path, file: Wanted, shown: str) -> CsvFile:
        """The table in a file, as the text that it would be in CSV.

        Raises
        ------
        DataError, FileError, TrainingError
            As `as_csv`, or the file cannot be read.
        """
        with opened(folder, file) as stream:
            return CsvFile(shown, as_csv(stream, file))


def column_for(
    path: Path,
    need: InputSpec,
    needs: Mapping[str, InputSpec],
    declared: Value | None,
    classes: Mapping[str, tuple[str, ...]],
) -> Column:
    """What feeds one input alone, from the CSV file at `path`.

    Columns are chosen as training chose them, with or without those of the other inputs; else
    those of the input's own name, or all, if they are as many as it takes.

    Parameters
    ----------
    path : Path
    need : InputSpec
        The input.
    needs : mapping of str to InputSpec
        All inputs that training feeds.
    declared : Value or None
        What the spec has under ``csv`` or ``parquet``, for the names of columns.
    classes : mapping of str to tuple of str
        Names of classes by input.

    Raises
    ------
    DataError, FileError
        As `csv`.
    """
    table = open_table(path.resolve().parent, Wanted(path.resolve().name, None), str(path))
    return column_of(table, path.name, need, needs, declared, classes)


def column_of(
    table: CsvFile,
    name: str,
    need: InputSpec,
    needs: Mapping[str, InputSpec],
    declared: Value | None,
    classes: Mapping[str, tuple[str, ...]],
) -> Column:
    """As `column_for`, of a table that is open, which messages call `name`."""
    asked = Asked({}, {})
    if declared is not None:
        request, asked = CsvTable().asked(
            Request("csv", declared, InputRequirements(needs), Path())
        )
        request.faults.raise_all()
    given = asked.feeds
    own = {name: wanted for name, wanted in given.items() if name == need.name}
    alone = {need.name: need}
    attempts = [(needs, given), (alone, own)]
    if not any(w.name in table.places for wanted in own.values() for w in wanted.names):
        # A name of many that is missing is misspelt; only if all are, the table is of another kind.
        attempts.append((alone, {}))
    pick = _first_choice(table, name, attempts)[need.name]
    _categorize(table, {need.name: pick}, asked, classes)
    faults = Faults()
    TableRows(table, {need.name: pick}, drop=False).read(faults)
    faults.raise_all()
    return _column(table, pick, classes if need.name in classes else None)


def _first_choice(
    table: CsvFile,
    file: str,
    attempts: Sequence[tuple[Mapping[str, InputSpec], Mapping[str, Feed]]],
) -> dict[str, Pick]:
    """Columns by the first of `attempts` that finds all of them; else the fault of the second."""
    faults = []
    for needs, given in attempts:
        request = Request("csv", Scalar(file), InputRequirements(needs), Path())
        try:
            picks = choose(table, request, Wanted(file, None), given)
            request.faults.raise_all()
            return picks
        except DataError as error:
            faults.append(error)
    # Inputs beside the one are not the caller's to feed.
    help = "name the columns as the training data do, or NAME.0, NAME.1 and so on by the input"
    raise DataError(
        *(replace(f, help=help) if f.code == "missing-column" else f for f in faults[1].diagnostics)
    )


def _source_of(path: Path) -> CsvTable:
    """The kind of table that a file is by its name."""
    return ParquetTable() if path.suffix.lower() == ".parquet" else CsvTable()


def open_table(folder: Path, file: Wanted, shown: str) -> CsvFile:
    """The table in a file of either kind; see `CsvTable.open`."""
    return _source_of(Path(file.name)).open(folder, file, shown)


def _categorize(
    table: CsvFile,
    picks: Mapping[str, Pick],
    asked: Asked,
    known: Mapping[str, tuple[str, ...]] | None,
) -> None:
    """Note in `picks` which columns hold categories, and those `known` of each."""
    named = {wanted.name for wanted in asked.texts("categories")}
    for pick in picks.values():
        columns = [table.header[column] for column in pick.columns]
        pick.categories = [
            Categories((known or {}).get(f"{pick.name}.{column}")) if column in named else None
            for column in columns
        ]


def _check_categories(table: CsvFile, picks: Mapping[str, Pick], asked: Asked) -> None:
    """Refuse columns of categories that are missing, or feed no input."""
    fed = {table.header[column] for pick in picks.values() for column in pick.columns}
    findings = Findings()
    for wanted in asked.texts("categories"):
        name = wanted.name
        if name not in table.places:
            findings.add(table.absent(name, asked.one("file").name, wanted.span))
        elif name not in fed:
            findings.error("unused-column", f"column '{name}' feeds no input", wanted.span)
    findings.raise_errors(DataError)


def _column(
    table: CsvFile,
    pick: Pick,
    known: Mapping[str, tuple[str, ...]] | None,
    *,
    advises: bool = False,
) -> Column:
    name = listed(table.header[column] for column in pick.columns)
    if not pick.may_be_classes:
        values = np.frombuffer(pick.numbers, np.float64).reshape(-1, len(pick.columns))
        categories = {
            table.header[column]: each.texts
            for column, each in zip(pick.columns, pick.categories, strict=True)
            if each is not None
        }
        values = encoded(values, pick.categories, one_hot=not pick.whole)
        return Column(name, values, pick.span, categories=categories)

    def place(row: int) -> Span:
        return table.cell_span(pick.lines[row], pick.columns[0])

    classes = (known or {}).get(pick.name, ())
    # A second set must not number its texts by itself: they might come out otherwise.
    if not classes and (known is not None or not (pick.listed or _all_texts(pick.texts))):
        # Beside texts, the empty cells alone are at fault.
        present = [cell for cell in pick.texts if cell]
        are_texts = known is None and bool(present) and _all_texts(present)
        return Column(
            name,
            _parsed(table, pick, advises=advises, are_texts=are_texts),
            pick.span,
            cell=place,
        )
    classes = classes or tuple(sorted(set(pick.texts)))
    numbers = numbered(pick.texts, classes, pick.name, place).reshape(-1, 1)
    return Column(name, numbers, pick.span, classes=classes)


def _all_texts(cells: list[str]) -> bool:
    """Whether no cell is empty or reads as a number, ``nan`` included."""
    for cell in set(cells):
        try:
            float(cell)
        except ValueError:
            if cell:
                continue
        return False
    return True


def _parsed(table: CsvFile, pick: Pick, *, advises: bool, are_texts: bool) -> NDArray[np.float64]:
    numbers = array("d")
    faults = AlikeFaults("line")
    for line, cell in zip(pick.lines, pick.texts, strict=True):
        number = as_number(cell, pick.whole)
        if number is not None:
            numbers.append(number)
        elif not (cell and are_texts):
            help = DROP if advises and is_missing(cell) else ""
            fault = partial(bad_cell, table, pick, line, pick.columns[0], cell, help=help)
            faults.add(kind_of(cell), line, fault)
    faults.findings.raise_errors(DataError)
    return np.frombuffer(numbers, np.float64).reshape(-1, 1)
