"""The records of a CSV file, and the place of each cell for errors."""

from __future__ import annotations

import csv
import math
from collections.abc import Container, Iterator

from graphnn.diagnostics import DataError, Diagnostic, Span, counted, listed, suggestion
from graphnn.training.data.decoding import decoded

_DELIMITERS = (",", ";", "\t")
_NAMES = "the first row must hold the names of the columns"


class CsvFile:
    """A CSV text with a header row.

    Parameters
    ----------
    name : str
        What errors call it.
    content : bytes
        UTF-8, with or without a byte order mark.

    Attributes
    ----------
    header : list of str
        Names of the columns.
    header_line : int
        The line of the header, from 1.
    places : dict of str to int
        Where in the header each name stands.

    Raises
    ------
    DataError
        The text is not UTF-8, there is no header row, or two columns have the same name.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self._source = decoded(name, content, "table")
        first = next((line for line in self._lines() if line.strip()), "")
        self._delimiter = max(_DELIMITERS, key=first.count)
        self.header_line, cells = next(self._records(), (1, []))
        self.header = [cell.strip() for cell in cells]
        self.places: dict[str, int] = {}
        for place, column in enumerate(self.header):
            self.places.setdefault(column, place)
        self._check_header()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row below the header: the line where it starts, and its cells.

        Raises
        ------
        DataError
            The text is not CSV.
        """
        records = self._records()
        next(records)
        return records

    def check_names(self, named: Container[str]) -> None:
        """Check that whole numbers in the first row are names, which a row of data may hold too.

        They are where the spec names one of them, or where a text stands above a number.

        Parameters
        ----------
        named : container of str
            Columns that the spec names.

        Raises
        ------
        DataError
            There is no header row.
        """
        numbers = [place for place, name in enumerate(self.header) if _number(name) is not None]
        if not numbers or any(self.header[place] in named for place in numbers):
            return
        _, below = next(self.rows(), (0, []))
        pairs = zip(self.header, below, strict=False)
        if not any(
            name and _number(name) is None and _number(cell) is not None for name, cell in pairs
        ):
            name = self.header[numbers[0]]
            help = f"{_NAMES}; if it does, say which feed an input: INPUT: ['{name}', ...]"
            raise self._not_a_header(numbers[0], help)

    def absent(self, column: str, file: str, span: Span | None) -> Diagnostic:
        """The fault of a column that is asked for at `span`, and that `file` does not have."""
        message = f"'{file}' has no column '{column}'"
        help = suggestion(column, self.header, f"its columns are {listed(self.header)}")
        return Diagnostic("unknown-column", message, span, help=help)

    def is_ragged(self, cells: list[str]) -> bool:
        """Whether a row has not as many cells as the header."""
        return len(cells) != len(self.header)

    def ragged(self, line: int, cells: list[str]) -> Diagnostic:
        """The fault of a row that is ragged."""
        count = counted(len(cells), "cell")
        message = f"this row has {count}, but the header has {len(self.header)}"
        return Diagnostic("ragged-row", message, self.line_span(line))

    def line_span(self, line: int) -> Span:
        """The whole of a line."""
        return Span(self._source, line, 1, line, len(self._source.line(line)) + 1)

    def cell_span(self, line: int, index: int) -> Span:
        """Cell `index` of the row that starts at `line`."""
        text = self._source.text
        begin = 0
        for _ in range(line - 1):
            begin = text.find("\n", begin) + 1
        column, place, quoted = 1, 0, False
        start = (line, column)
        for position in range(begin, len(text)):
            character = text[position]
            if character == '"':
                quoted = not quoted
            elif not quoted and character in (self._delimiter, "\n"):
                if place == index:
                    break
                place, start = place + 1, (line, column + 1)
            line, column = (line + 1, 1) if character == "\n" else (line, column + 1)
        return Span(self._source, *start, line, column)

    def _lines(self) -> Iterator[str]:
        text = self._source.text
        start = 0
        while start < len(text):
            end = (text.find("\n", start) + 1) or len(text)
            yield text[start:end]
            start = end

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        start = 1
        try:
            for cells in reader:
                if cells:
                    yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            message = f"this is not CSV: {error}"
            raise DataError.of("not-csv", message, self.line_span(start)) from None

    def _check_header(self) -> None:
        if not any(self.header):
            message = "there is no header row"
            raise DataError.of("no-header", message, self.line_span(1), help=_NAMES)
        for place, name in enumerate(self.header):
            if name and self.places[name] != place:
                message, span = f"two columns are called '{name}'", self._name_span(place)
                raise DataError.of("duplicate-column", message, span, help=_NAMES)
            number = _number(name)
            if number is not None and not number.is_integer():
                raise self._not_a_header(place, _NAMES)

    def _not_a_header(self, place: int, help: str) -> DataError:
        message = f"the first row holds the number {self.header[place]}, so it is not a header"
        return DataError.of("no-header", message, self._name_span(place), help=help)

    def _name_span(self, place: int) -> Span:
        return self.cell_span(self.header_line, place)


def _number(cell: str) -> float | None:
    """The finite number that a cell holds, if it holds one."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
