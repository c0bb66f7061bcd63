"""``graphnn explain``: what the code of a message means."""

from __future__ import annotations

from typing import Annotated

import typer

from graphnn.cli import completion, terminal
from graphnn.diagnostics import AREAS, summary
from graphnn.diagnostics import explain as page

_Code = Annotated[
    str | None,
    typer.Argument(
        metavar="CODE",
        autocompletion=completion.codes,
        help="Code in brackets, such as unknown-op; without one, all codes are listed.",
    ),
]


def explain(code: _Code = None) -> None:
    """Explain the code of a message.

    Most pages show a file with the error, the message, and the fixed file.
    """
    if code is None:
        _list()
        return
    indent = ""
    for line in page(code).splitlines():
        if line.startswith("```"):
            indent = "" if indent else "    "
        elif not indent and line.startswith("#"):
            terminal.line(("strong", line.lstrip("# ")))
        else:
            terminal.line(f"{indent}{line}" if line else "")


def _list() -> None:
    for number, (area, codes) in enumerate(AREAS.items()):
        if number:
            terminal.line()
        terminal.line(("strong", area))
        terminal.table(("", ""), [(f"  {code}", summary(code)[0]) for code in codes])
