"""Cases of a test as a table of text, instead of a tuple a case and a line a field."""

from __future__ import annotations

import re
import textwrap
from string import Template

import pytest

BAR = re.compile(r"(?<!\S)\|(?!\S)")
COMMENT = re.compile(r"^# .*\n", re.MULTILINE)
END = re.compile(r" *\\n")
CONTINUED = re.compile(r"\n +")


def cases(table: str, **names: object) -> pytest.MarkDecorator:
    r"""Parametrize a test by a table: its arguments in the first line, then a case a line.

    A ``|`` between blanks parts two cells; a line that is indented continues the one above; one
    that begins with ``#`` is a comment. A cell is a text, in which ``$NAME`` stands for one of
    `names` and ``\n``, with blanks before it, for the end of a line. Below an argument that ends
    with ``=`` it is a Python expression over `names`. The id of a case is its first cell, which
    is no argument where it stands below ``id``.
    """
    text = CONTINUED.sub(" ", COMMENT.sub("", textwrap.dedent(table).strip() + "\n"))
    head, *rows = [[cell.strip() for cell in BAR.split(line)] for line in text.splitlines()]
    for row in rows:
        assert len(row) == len(head), (head, row)

    def value(argument: str, cell: str) -> object:
        if argument.endswith("="):
            return eval(cell, dict(names))
        return END.sub("\n", Template(cell).safe_substitute(names))

    first = head[0] == "id"
    return pytest.mark.parametrize(
        [argument.removesuffix("=") for argument in head[first:]],
        [[value(*pair) for pair in zip(head, row, strict=True)][first:] for row in rows],
        ids=[row[0] for row in rows],
    )
