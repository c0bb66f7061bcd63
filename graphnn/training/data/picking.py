"""Which columns of a table feed which input."""

from __future__ import annotations

from array import array
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from itertools import islice

from graphnn.diagnostics import FAULTY, DataError, Faulty, Findings, Note, Span, listed
from graphnn.training.data.categories import Categories
from graphnn.training.data.columns import InputSpec
from graphnn.training.data.csv_file import CsvFile
from graphnn.training.data.source import Feed, Request, Wanted


@dataclass(slots=True)
class Pick:
    """The columns that feed one input, and what is read from them.

    Attributes
    ----------
    name : str
        The input.
    need : InputSpec or FAULTY
        What it takes.
    columns : list of int
        Their places in the header, in the order in which they feed the input.
    span : Span or None
        Where the spec asks for them.
    numbers : array of float
        Cells, row by row.
    texts : list of str
        Cells of one column that may hold classes; then `numbers` is empty.
    lines : array of int
        The line of each of `texts`.
    sound : bool
        Whether every cell so far was a number, where numbers are wanted.
    categories : list of Categories or None
        For each column that feeds the input one-hot, its categories.
    """

    name: str
    need: InputSpec | Faulty
    columns: list[int]
    span: Span | None
    numbers: array[float] = field(default_factory=lambda: array("d"))
    texts: list[str] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("q"))
    sound: bool = True
    categories: list[Categories | None] = field(default_factory=list)

    @property
    def may_be_classes(self) -> bool:
        """Whether texts would do: one column for an int, for a one-hot row, or for who knows."""
        need = self.need
        return len(self.columns) == 1 and (
            need is FAULTY
            or need.dtype == "int"
            or (len(need.row) == 1 and need.width not in (None, 1) and not self.listed)
        )

    @property
    def listed(self) -> bool:
        """Whether the spec says of a column that its cells are categories."""
        return any(each is not None for each in self.categories)

    @property
    def takes_missing(self) -> bool:
        """Whether a cell without a value would do."""
        return self.need is not FAULTY and self.need.missing

    @property
    def whole(self) -> bool:
        """Whether the numbers must be whole."""
        return self.need is not FAULTY and self.need.dtype == "int"


def choose(
    table: CsvFile, request: Request, file: Wanted, given: Mapping[str, Feed]
) -> dict[str, Pick]:
    """Columns for every input: those named, else those of its name, else those left, in order.

    Where not all inputs are known, those left feed none, as it is unknown which of them. Faults
    of inputs that are named go to the request; they are without columns.

    Raises
    ------
    DataError
        An input has no column.
    """
    table.check_names({wanted.name for feed in given.values() for wanted in feed.names})
    there = request.faults.each(
        given,
        lambda name, wanted: _there(table, file, name, request.needs.get(name, FAULTY), wanted),
    )
    picks = there | _own(table, file, request.needs, given)
    needs = request.demand.known
    if needs is None or len(there) < len(given):
        return picks
    left = _left(table, needs, picks)
    if left is None:
        # A lone column of a wide input's name is a column of classes, if nothing else fits.
        picks |= {
            name: Pick(name, need, [table.places[name]], file.span)
            for name, need in needs.items()
            if name not in picks and name in table.places
        }
        left = _left(table, needs, picks)
    if left is None:
        raise _missing(table, file, [need for name, need in needs.items() if name not in picks])
    picks |= {name: Pick(name, needs[name], columns, file.span) for name, columns in left.items()}
    return {name: picks[name] for name in needs}


def _there(table: CsvFile, file: Wanted, name: str, need: InputSpec | Faulty, asked: Feed) -> Pick:
    findings = Findings()
    for wanted in asked.names:
        if wanted.name not in table.places:
            findings.add(table.absent(wanted.name, file.name, wanted.span))
    findings.raise_errors(DataError)
    return Pick(name, need, [table.places[w.name] for w in asked.names], asked.span)


def _own(
    table: CsvFile, file: Wanted, needs: Mapping[str, InputSpec | Faulty], given: Container[str]
) -> dict[str, Pick]:
    """Picks for inputs not yet named whose columns bear their names, as many as they need."""
    picks: dict[str, Pick] = {}
    for name, need in needs.items():
        if need is FAULTY:
            continue
        columns = _numbered(table.places, name)
        if need.width == 1 and name in table.places:
            columns = [table.places[name]]
        if name not in given and columns and need.width in (None, len(columns)):
            picks[name] = Pick(name, need, columns, file.span)
    return picks


def _numbered(places: Mapping[str, int], name: str) -> list[int]:
    """Columns ``name.0``, ``name.1`` and so on, or ``name[0]``, ``name[1]`` and so on."""
    for pattern in (f"{name}.{{}}", f"{name}[{{}}]"):
        columns: list[int] = []
        while (numbered := pattern.format(len(columns))) in places:
            columns.append(places[numbered])
        if columns:
            return columns
    return []


def _left(
    table: CsvFile, needs: Mapping[str, InputSpec], picks: Mapping[str, Pick]
) -> dict[str, list[int]] | None:
    """The columns left over, for the inputs left over; None when their numbers differ."""
    rest = {name: need.width or 0 for name, need in needs.items() if name not in picks}
    taken = {column for pick in picks.values() for column in pick.columns}
    columns = [place for place in range(len(table.header)) if place not in taken]
    if not rest:
        return {}
    if 0 in rest.values() or sum(rest.values()) != len(columns):
        return None
    queue = iter(columns)
    return {name: list(islice(queue, width)) for name, width in rest.items()}


def _missing(table: CsvFile, file: Wanted, rest: list[InputSpec]) -> DataError:
    findings = Findings()
    for need in rest:
        many = "COLUMN" if need.width == 1 else "[COLUMN, ...]"
        message = f"'{file.name}' has no column for input '{need.name}'"
        notes = (Note(f"its columns are {listed(table.header)}"),)
        help = f"write `csv: {{file: {file.name}, {need.name}: {many}}}`"
        findings.error("missing-column", message, file.span, notes=notes, help=help)
    return DataError(*findings.errors)
