"""Texts of a table, a folder or lines, as rows of tokens filled up to one length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Diagnostic, Findings, Span
from graphnn.training.data.csv_file import CsvFile
from graphnn.training.data.faults import AlikeFaults
from graphnn.training.data.source import Wanted
from graphnn.training.data.sources.table import CsvTable, ParquetTable
from graphnn.training.data.vocabulary import PAD, UNKNOWN, Token, characters, words

UNITS: Mapping[str, Callable[[str], Iterator[Token]]] = {"words": words, "characters": characters}
SPECIAL = (PAD, UNKNOWN)  # the classes 0 and 1
Arrays = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts, with their classes where those are known.

    Attributes
    ----------
    name : str
        Of the file or folder.
    texts, labels : list of str
        One for each row; no labels where no column of classes is asked for.
    place : callable
        Gives the place of a row, None where there is none.
    """

    name: str
    texts: list[str]
    labels: list[str]
    place: Callable[[int], Span | None]


def of_table(folder: Path, file: Wanted, column: Wanted, classes: Wanted | None) -> Texts:
    """The texts of a column of a .csv or .parquet file, and their classes.

    Raises
    ------
    DataError, FileError
        The file cannot be read, is not a table, lacks a column or a class, or has no rows.
    """
    kind = ParquetTable if file.name.lower().endswith(".parquet") else CsvTable
    table = kind().open(folder, file, str(folder / file.name))
    wanted = [column] if classes is None else [column, classes]
    findings = Findings()
    for each in wanted:
        if each.name not in table.places:
            findings.add(table.absent(each.name, file.name, each.span))
    findings.raise_errors(DataError)
    places = [table.places[each.name] for each in wanted]
    rows = _rows(table, places)
    if not rows:
        raise DataError.of("no-rows", f"'{file.name}' holds no rows", file.span)
    return Texts(
        file.name,
        [text for _, (text, *_) in rows],
        [label.strip() for _, (_, *labels) in rows for label in labels],
        lambda row: table.cell_span(rows[row][0], places[0]),
    )


def _rows(table: CsvFile, places: Sequence[int]) -> list[tuple[int, list[str]]]:
    """The cells at some places of each line, the text first and then its class."""
    rows: list[tuple[int, list[str]]] = []
    faults = AlikeFaults("line")

    def no_class(line: int) -> Diagnostic:
        span = table.cell_span(line, places[1])
        return Diagnostic("missing-value", "this text has no class", span)

    for line, cells in table.rows():
        if table.is_ragged(cells):
            faults.add(len(cells), line, partial(table.ragged, line, cells))
        elif not all(cells[place].strip() for place in places[1:]):
            faults.add("class", line, partial(no_class, line))
        else:
            rows.append((line, [cells[place] for place in places]))
    faults.findings.raise_errors(DataError)
    return rows


def encoded(
    found: Texts, known: Sequence[str], unit: str, width: int | None, *, cut: bool
) -> Arrays:
    """Rows of class numbers, ``text``, with ``mask`` and ``length``.

    Parameters
    ----------
    found : Texts
    known : sequence of str
        The vocabulary, `SPECIAL` first.
    unit : {"words", "characters"}
    width : int or None
        Tokens of a row; None for as many as the longest text has.
    cut : bool
        Whether a longer text is cut.

    Raises
    ------
    DataError
        A text is longer than a row.
    """
    numbers = {text: number for number, text in enumerate(known)}
    unknown = numbers[UNKNOWN]
    rows = [[numbers.get(each.text, unknown) for each in UNITS[unit](t)] for t in found.texts]
    longest = max(map(len, rows))
    length = width or max(longest, 1)
    if longest > length and not cut:
        row = next(n for n, each in enumerate(rows) if len(each) > length)
        message = f"this text has {len(rows[row])} {unit}, but a row takes {length}"
        help = f"write `longer: cut`, or make rows of {longest}"
        raise DataError.of("wrong-width", message, found.place(row), help=help)
    text = np.zeros((len(rows), length), np.int64)
    counts = np.array([min(len(each), length) for each in rows], np.int64)
    for row, each in enumerate(rows):
        text[row, : counts[row]] = each[:length]
    mask = np.arange(length) < counts[:, np.newaxis]
    return {"text": text, "mask": mask.astype(np.int64), "length": counts}
