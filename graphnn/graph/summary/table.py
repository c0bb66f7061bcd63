"""Rows of text, shown as text or HTML."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphnn.diagnostics import printable


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text.

    Attributes
    ----------
    header : tuple of str
    rows : tuple of list of str
        Names in the first column are indented by the blocks that they are in.
    right : tuple of int
        Columns that end flush.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()

    def __str__(self) -> str:
        rows = [[*map(printable, row)] for row in (self.header, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(self._cells(row, widths)).rstrip() for row in rows)

    def _cells(self, row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            yield cell.rjust(width) if number in self.right else cell.ljust(width)

    def _repr_html_(self) -> str:
        header = "".join(f"<th>{html.escape(each)}</th>" for each in self.header)
        rows = "".join(f"<tr>{''.join(self._html_cells(row))}</tr>" for row in self.rows)
        return f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"

    def _html_cells(self, row: Sequence[str]) -> Iterator[str]:
        for number, cell in enumerate(row):
            side = "right" if number in self.right else "left"
            text = html.escape(printable(cell))
            yield f'<td style="text-align:{side};white-space:pre">{text}</td>'
