"""Results as HTML, which Jupyter shows: a table of what was measured, and a picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from graphnn.graph import Table
from graphnn.training.fitting.measuring import Row


def as_html(measured: Mapping[str, Row], png: bytes | None, title: str) -> str:
    """A table with a line a measure and a column for each set of rows; then the picture, if any.

    Parameters
    ----------
    measured : mapping of str to mapping of str to float
        Values by measure, by the set of rows.
    png : bytes or None
    title : str
        What the picture shows, in words without markup.
    """
    names = dict.fromkeys(name for values in measured.values() for name in values)
    rows = (
        (name, *(f"{v[name]:.4g}" if name in v else "" for v in measured.values()))
        for name in names
    )
    right = tuple(range(1, len(measured) + 1))
    table: str = Table(("", *measured), tuple(rows), right)._repr_html_()
    if png is None:
        return table
    data = base64.b64encode(png).decode()
    return f'{table}<img alt="{title}" src="data:image/png;base64,{data}">'
