"""``graphnn fmt``: spec files in the canonical layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphnn import spec
from graphnn.cli import terminal
from graphnn.cli.collect import spec_files
from graphnn.cli.options import Files
from graphnn.cli.unified_diff import unified
from graphnn.diagnostics import Diagnostic, GraphnnError, counted, printable

_STYLES = {"+": "good", "-": "bad", "@": "faint"}


def fmt(
    files: Files,
    check: Annotated[
        bool, typer.Option("--check", help="Do not write; list the files that would change.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Do not write; show what would change.")
    ] = False,
) -> int:
    """Format spec files in the canonical layout.

    Comments, the order of keys and the meaning are kept. A file is written whole or not at all;
    a file that is not YAML or JSON is reported and left alone. With --check or --diff the exit
    code is 1 when a file would change.
    """
    dry = check or diff
    changed = same = 0
    faults: list[Diagnostic] = []
    for found in (each for each in spec_files(files) if each.is_spec):
        try:
            found.refuse_fault()
            before, after = spec.format_file(found.path, write=not dry)
        except GraphnnError as error:
            faults += error.diagnostics
            continue
        if before == after:
            same += 1
            continue
        changed += 1
        if diff:
            _show(found.path, before, after)
        else:
            name = printable(str(found.path))
            terminal.line(f"would change '{name}'" if dry else f"wrote '{name}'")
    terminal.report(faults)
    if faults:
        terminal.remark()
    _summarize(changed, same, dry)
    return 1 if faults or (dry and changed) else 0


def _summarize(changed: int, same: int, dry: bool) -> None:
    verb = "would change" if dry else "formatted"
    words = [f"{counted(changed, 'file')} {verb}"] if changed else []
    words += [f"{same} unchanged"] if same else []
    if words:
        terminal.remark(", ".join(words))


def _show(path: Path, before: str, after: str) -> None:
    found = unified(before, after, str(path))
    terminal.lines((_STYLES.get(line[:1], "text"), line) for line in found)
