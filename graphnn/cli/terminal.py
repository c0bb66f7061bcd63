"""What is said to a person: lines, tables and diagnostics, in colour where that can be seen.

Whatever text comes from files or arguments goes through `printable` here and nowhere as markup, so
that no name can move the cursor or turn into a style. Rich takes as long to import as a small file
takes to check, so it is imported for a terminal, for colours and for tables alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal, TextIO

from graphnn.diagnostics import Diagnostic, printable, readable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Piece = str | tuple[str, str]  # a text, or a style from `_STYLES` and a text
Justify = Literal["left", "right"]
_STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "message": "bold",
    "gutter": "blue",
    "place": "cyan",
    "note": "bold cyan",
    "help": "bold green",
    "text": "",
    "good": "bold green",
    "bad": "bold red",
    "strong": "bold",
    "faint": "dim",
}
_TOGETHER = 100  # lines
_WISHES = ("FORCE_COLOR", "TTY_COMPATIBLE")  # rich may see a terminal by these where there is none
_UNLIMITED = 100_000  # columns: where nobody looks at a terminal, nothing is cut or folded


def console(*, stderr: bool = False) -> Console:
    """Standard output or standard error as it is now."""
    from rich.console import Console

    # Rich's own no_color keeps bold and dim; here NO_COLOR means no escape codes in texts at all.
    plain = bool(os.environ.get("NO_COLOR"))
    made = Console(
        stderr=stderr,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )
    if not made.is_terminal:
        made.width = _UNLIMITED
    return made


def line(*pieces: Piece, stderr: bool = False) -> None:
    """Print one line made of `pieces`."""
    _write([*_styled(pieces), ("text", "\n")], stderr=stderr)


def lines(found: Iterable[Piece]) -> None:
    """Print many lines of one piece each."""
    pieces = iter(found)
    # Printing takes far longer than putting lines together.
    while some := list(islice(pieces, _TOGETHER)):
        _write([part for piece in some for part in (*_styled([piece]), ("text", "\n"))])


def remark(*pieces: Piece) -> None:
    """Print one line about what is being done, apart from results."""
    line(*pieces, stderr=True)


def report(diagnostics: Iterable[Diagnostic], *, stderr: bool = True) -> None:
    """Print diagnostics as compilers do, an empty line between each two."""
    shown, rest = readable(diagnostics)
    for number, diagnostic in enumerate(shown):
        before = [("text", "\n")] if number else []
        _write([*before, *diagnostic.segments()], stderr=stderr)
    if rest:
        line(stderr=stderr)
        line(rest, stderr=stderr)


def block(text: str, indent: str = "") -> None:
    """Print a text of several lines."""
    lines((indent + part).rstrip() for part in text.split("\n"))


def table(
    header: Sequence[str], rows: Iterable[Sequence[Piece]], *, right: Sequence[int] = ()
) -> None:
    """Print a table; columns whose numbers are in `right` end flush. No titles, no header."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=any(header))
    made.header_style = _STYLES["strong"]
    for number, title in enumerate(header):
        justify: Justify = "right" if number in right else "left"
        made.add_column(_text([title]), justify=justify, overflow="fold")
    for row in rows:
        made.add_row(*(_text([cell]) for cell in row))
    out = console()
    with out.capture() as captured:
        out.print(made)
    for text in captured.get().splitlines():
        # Cells are padded to the width of their column; the last one need not be.
        out.file.write(text.rstrip(" ") + "\n")
    out.file.flush()


def measures(values: Mapping[str, float]) -> None:
    """Print losses and metrics, one a line."""
    table(("", ""), [(name, number(value)) for name, value in values.items()])


def as_json(data: object) -> None:
    """Print plain data as JSON."""
    block(json.dumps(data, indent=2))


def number(value: float) -> str:
    """A loss or a metric as people read it: ``0.9310``, and ``3.2e-06`` where that hides all."""
    plain = value == 0 or 1e-3 <= abs(value) < 1e5
    return f"{value:.4f}" if plain else f"{value:.4g}"


def _write(styled: Iterable[tuple[str, str]], *, stderr: bool = False) -> None:
    """Write texts, each with its style where the stream shows colours."""
    file = sys.stderr if stderr else sys.stdout
    if _is_plain(file):
        file.write("".join(text for _, text in styled))
        file.flush()
    else:
        console(stderr=stderr).print(_assembled(styled), soft_wrap=True, end="")


def _is_plain(file: TextIO) -> bool:
    """Whether nobody looks at `file`, and nobody wishes for colours."""
    return not (file.isatty() or any(map(os.environ.get, _WISHES)))


def _styled(pieces: Iterable[Piece]) -> Iterator[tuple[str, str]]:
    for piece in pieces:
        style, shown = ("text", piece) if isinstance(piece, str) else piece
        yield style, printable(shown)


def _assembled(styled: Iterable[tuple[str, str]]) -> Text:
    from rich.text import Text

    return Text.assemble(*((text, _STYLES[style]) for style, text in styled))


def _text(pieces: Iterable[Piece]) -> Text:
    return _assembled(_styled(pieces))
