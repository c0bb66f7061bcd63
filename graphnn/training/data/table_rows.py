"""The rows of a table, cell by cell, for the inputs that its columns feed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial

from graphnn.diagnostics import Code, DataError, Diagnostic, Note, listed, suggestion
from graphnn.training.data.categories import Categories, is_missing
from graphnn.training.data.csv_file import CsvFile
from graphnn.training.data.faults import AlikeFaults, Faults
from graphnn.training.data.picking import Pick
from graphnn.training.data.source import Wanted

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
DECIMALS = "write decimals with a point, as in 0.5"
DROP = "to leave out rows that lack a value, add 'missing: drop' to the data"


class TableRows:
    """Reads the rows of a table into picks.

    Parameters
    ----------
    table : CsvFile
    picks : mapping of str to Pick
        By input; filled by `read`.
    drop : bool
        Whether rows with a missing value are left out.
    chosen : bool
        Whether the spec chooses that, so that help may name the choice.

    Attributes
    ----------
    advises : bool
        Whether help is still to name that choice: at the first missing value.
    """

    def __init__(
        self, table: CsvFile, picks: Mapping[str, Pick], *, drop: bool, chosen: bool = False
    ) -> None:
        self._table, self._picks, self._drop, self.advises = table, picks, drop, chosen
        self._classes = [pick for pick in picks.values() if pick.may_be_classes]
        self._numbers = [pick for pick in picks.values() if not pick.may_be_classes]
        self._dropped = self._count = 0
        self._faults = AlikeFaults("line")

    def read(self, faults: Faults) -> dict[str, Pick]:
        """Fill the picks with what the rows hold; those of which every cell is sound.

        Raises
        ------
        DataError
            The text is not CSV, or there are no rows.
        """
        whole = True
        try:
            for line, cells in self._table.rows():
                self._count += 1
                whole = self._take(line, cells) and whole
                if self._faults.full:
                    whole = False
                    break
        finally:
            faults.keep(self._faults.findings)
        if self._dropped == self._count:
            raise self._no_rows()
        return {name: pick for name, pick in self._picks.items() if whole and pick.sound}

    def warnings(self, file: Wanted) -> tuple[Diagnostic, ...]:
        """How many rows were left out."""
        if not self._dropped:
            return ()
        lack = "lacks" if self._dropped == 1 else "lack"
        message = f"{self._dropped} of the {self._count} rows of '{file.name}' {lack} a value"
        help = "they are dropped, as 'missing' says"
        return (Diagnostic("rows-dropped", message, file.span, help=help, severity="warning"),)

    def _no_rows(self) -> DataError:
        span = self._table.line_span(self._table.header_line)
        if self._count:
            return DataError.of("no-rows", "every row that follows the header lacks a value", span)
        return DataError.of("no-rows", "no row follows the header", span)

    def _take(self, line: int, cells: list[str]) -> bool:
        """Add the cells of a row; False for one that has not as many as the header."""
        if self._table.is_ragged(cells):
            fault = partial(self._table.ragged, line, cells)
            self._faults.add(("ragged", len(cells)), line, fault)
            return False
        if self._drop and any(map(is_missing, self._read_cells(cells))):
            self._dropped += 1
            return True
        for pick in self._classes:
            pick.texts.append(cells[pick.columns[0]].strip())
            pick.lines.append(line)
        for pick in self._numbers:
            self._take_numbers(pick, line, cells)
        return True

    def _read_cells(self, cells: list[str]) -> Iterator[str]:
        """The cells of a row that may not be missing; a category never may."""
        for pick in self._picks.values():
            for column, categories in zip(pick.columns, pick.categories, strict=True):
                if not pick.takes_missing or categories is not None:
                    yield cells[column]

    def _take_numbers(self, pick: Pick, line: int, cells: list[str]) -> None:
        whole, takes_missing = pick.whole, pick.takes_missing
        for column, categories in zip(pick.columns, pick.categories, strict=True):
            cell = cells[column]
            number = as_number(cell, whole) if categories is None else _coded(categories, cell)
            if number is None and categories is None and takes_missing and is_missing(cell):
                number = math.nan
            if number is None:
                pick.sound = False
                fault = partial(self._bad_cell, pick, line, column, cell, categories)
                self._faults.add((column, kind_of(cell)), line, fault)
            else:
                pick.numbers.append(number)

    def _bad_cell(
        self, pick: Pick, line: int, column: int, cell: str, categories: Categories | None
    ) -> Diagnostic:
        """A fault with what to do about it: of the first missing cell, and of the first row."""
        fault = bad_cell(self._table, pick, line, column, cell, categories)
        if fault.help:
            return fault
        if is_missing(cell):
            advises, self.advises = self.advises, False
            return replace(fault, help=DROP) if advises else fault
        # In the first row a text may well be a category.
        if self._count > 1 or not re.search(r"[^\W\d]{2}", cell):
            return fault
        name = self._table.header[column]
        return replace(fault, help=f"if its texts are categories, list '{name}' in 'categories'")


def _coded(categories: Categories, cell: str) -> int | None:
    return None if is_missing(cell) else categories.number(cell.strip())


def as_number(cell: str, whole: bool) -> float | None:
    """The finite (or whole) number that a cell holds, or None."""
    try:
        number = float(cell)
    except ValueError:
        return None
    # Python reads 1_000 as a number; a table that holds it means a text.
    if not math.isfinite(number) or (whole and not number.is_integer()) or "_" in cell:
        return None
    return number


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell holds a number such as ``0,5``."""
    return _DECIMAL_COMMA.fullmatch(cell) is not None


@lru_cache(maxsize=64)  # a whole column may hold the same text in place of numbers
def kind_of(cell: str) -> tuple[str, str]:
    """What cells of a column have in common that are at fault for the same reason."""
    if is_missing(cell):
        return "missing", ""
    return ("comma", "") if has_decimal_comma(cell.strip()) else ("text", cell.strip())


def bad_cell(
    table: CsvFile,
    pick: Pick,
    line: int,
    column: int,
    cell: str,
    categories: Categories | None = None,
    *,
    help: str = "",
) -> Diagnostic:
    """The fault of a cell that its input does not take; of a column of `categories`, if given."""
    name, shown = table.header[column], cell.strip()
    code: Code = "not-a-number"
    if not shown:
        message = f"a cell of column '{name}' is empty"
    elif categories is None:
        message = (
            f"'{shown}' in column '{name}' is not a {'whole' if pick.whole else 'finite'} number"
        )
        help = DECIMALS if has_decimal_comma(shown) else help
    elif is_missing(cell):
        message = f"'{shown}' in column '{name}' is a missing value"
    else:
        code = "unknown-class"
        message = f"'{shown}' is not a category of column '{name}' in the training set"
        known = categories.texts
        help = suggestion(shown, known, f"its categories are {listed(known)}")
    notes = (Note(f"column '{name}' feeds input '{pick.name}'", pick.span),)
    return Diagnostic(code, message, table.cell_span(line, column), notes=notes, help=help)
