"""``graphnn check``: everything that is wrong with spec files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from graphnn import training
from graphnn.cli import terminal
from graphnn.cli.collect import spec_files
from graphnn.cli.options import Files, Settings, settings, typed
from graphnn.diagnostics import (
    Diagnostic,
    FileError,
    ReportFormat,
    counted,
    format_diagnostics,
    printable,
)
from graphnn.storage import gc_paused

_Format = Annotated[
    ReportFormat,
    typer.Option(
        "--format",
        help="Output format: for people, one line each, or for programs: JSON, SARIF 2.1.0, "
        "workflow commands of GitHub.",
    ),
]
_Strict = Annotated[bool, typer.Option("--strict", help="Exit with code 1 on warnings too.")]


def check(
    files: Files, format: _Format = "text", strict: _Strict = False, set: Settings = None
) -> int:
    """Check spec files and report every error.

    Errors and warnings have their line and column. The network, the arrays of the examples and
    'train' are checked, training data too where their files exist.
    """
    values = settings(set)
    with gc_paused():  # its modules make nothing but what stays
        diagnose = training.diagnose
    try:
        specs = [found for found in spec_files(files) if found.is_spec]
        paths = [found.path for found in specs]
        diagnostics = [
            each
            for found in specs
            for each in ((found.fault,) if found.fault else diagnose(found.path, values))
        ]
    except FileError as error:
        paths, diagnostics = [], list(error.diagnostics)
    if format == "text":
        terminal.report(diagnostics, stderr=False)
        if diagnostics:
            terminal.line()
        terminal.line(*_summary(paths, diagnostics))
    else:
        typer.echo(format_diagnostics(diagnostics, format), nl=False)
    wrong = [found for found in diagnostics if strict or found.severity == "error"]
    if any(map(typed, wrong)):
        return 2
    return 1 if wrong else 0


def _summary(paths: list[Path], diagnostics: list[Diagnostic]) -> list[terminal.Piece]:
    subject = printable(str(paths[0])) if len(paths) == 1 else counted(len(paths), "file")
    if not diagnostics:
        return [f"{subject}: ", ("good", "fine")]
    counts = Counter(found.severity for found in diagnostics)
    # By name, an error comes before a warning.
    shown = [counted(number, severity) for severity, number in sorted(counts.items())]
    separator = ": " if len(paths) == 1 else ", "
    codes = {found.code for found in diagnostics}
    more = f"  (graphnn explain {codes.pop() if len(codes) == 1 else 'CODE'})"
    return [subject + separator, (min(counts), ", ".join(shown)), more]
