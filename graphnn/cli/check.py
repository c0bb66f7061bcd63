"""``graphnn check``: everything that is wrong with spec files."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from graphnn.cli import terminal
from graphnn.cli.collect import spec_files
from graphnn.cli.diagnosis import diagnose_file
from graphnn.cli.options import Files, Format, Settings, settings, typed
from graphnn.errors import Diagnostic, FileError, printable


def check(files: Files, format: Format = "text", set: Settings = None) -> int:
    """Tell everything that is wrong with spec files.

    Every error and warning comes with its line and column: of the network, of the examples'
    arrays, and of what 'train' asks for, its data included where their files are here.
    """
    values = settings(set)
    try:
        paths = [found.path for found in spec_files(files) if found.is_spec]
        diagnostics = [found for path in paths for found in diagnose_file(path, values)]
    except FileError as error:
        paths, diagnostics = [], list(error.diagnostics)
    if format == "json":
        typer.echo(json.dumps([found.as_dict() for found in diagnostics], indent=2))
    else:
        terminal.tell(diagnostics, stderr=False)
        if diagnostics:
            terminal.line()
        terminal.line(*_summary(paths, diagnostics))
    errors = [found for found in diagnostics if found.severity == "error"]
    if any(map(typed, errors)):
        return 2
    return 1 if errors else 0


def _summary(paths: list[Path], diagnostics: list[Diagnostic]) -> list[terminal.Piece]:
    subject = printable(str(paths[0])) if len(paths) == 1 else terminal.count(len(paths), "file")
    errors, warnings = (
        sum(found.severity == severity for found in diagnostics)
        for severity in ("error", "warning")
    )
    if not diagnostics:
        return [f"{subject}: ", ("good", "fine")]
    counts = [terminal.count(errors, "error"), terminal.count(warnings, "warning")]
    told = [text for text, number in zip(counts, (errors, warnings), strict=True) if number]
    separator = ": " if len(paths) == 1 else ", "
    return [subject + separator, ("error" if errors else "warning", ", ".join(told))]
