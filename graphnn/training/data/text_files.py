"""Rows of text from files, for a network that was trained on texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graphnn.diagnostics import DataError, Source, Span
from graphnn.storage import files
from graphnn.training.data.decoding import decoded
from graphnn.training.data.row_files import Part, RowReader, in_parts
from graphnn.training.data.source import Wanted
from graphnn.training.data.text_rows import Texts, encoded, of_table

_TABLES = (".csv", ".tsv", ".parquet")
_MAX_FILE = 64 * files.MEBIBYTE


@dataclass(frozen=True, slots=True)
class TextReader(RowReader):
    """Reads files as rows of text, for a network that was trained on texts.

    Attributes
    ----------
    roles : mapping of str to str
        What feeds each input: ``text``, ``mask`` or ``length``.
    unit : str
    column : str or None
        Of the texts, in a table.
    cut : bool
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    unit: str = "words"
    column: str | None = None
    cut: bool = False

    def parts(self, path: Path) -> Iterator[Part]:
        """The rows of `path`: a line of a .txt file each, or a row of a table.

        Raises
        ------
        FileError, DataError
            It is missing, of another kind or damaged, or a text is longer than the input.
        """
        found = self._texts(path)
        width = self.need.row[0]
        arrays = encoded(found, self.classes[self.need.name], self.unit, width, cut=self.cut)
        inputs = {name: arrays[role] for name, role in self.roles.items()}
        yield from in_parts(str(path), inputs.pop(self.need.name), inputs)

    def _texts(self, path: Path) -> Texts:
        if path.suffix.lower() in _TABLES and self.column is not None:
            return of_table(path.parent, Wanted(path.name, None), Wanted(self.column, None), None)
        source = decoded(str(path), files.read_bytes(path, _MAX_FILE), "text")
        lines = [(n, line) for n, line in enumerate(source.text.split("\n"), 1) if line.strip()]
        if not lines:
            raise DataError.of("no-rows", f"'{path.name}' holds no lines of text")
        return Texts(
            path.name, [line for _, line in lines], [], lambda row: _line(source, lines[row][0])
        )


def _line(source: Source, line: int) -> Span:
    return Span(source, line, 1, line, len(source.line(line)) + 1)
