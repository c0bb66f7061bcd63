"""``graphnn test``: the examples of spec files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphnn import execution, training
from graphnn.cli import terminal
from graphnn.cli.collect import Found, spec_files
from graphnn.cli.options import Files, Settings, misused, settings
from graphnn.diagnostics import GraphnnError, counted

if TYPE_CHECKING:
    from graphnn.execution import ExampleResult
    from graphnn.spec.values import Value


def test(files: Files, set: Settings = None) -> int:
    """Run the examples of spec files.

    The exit code is 1 if an example does not give the expected outputs.
    """
    values = settings(set)
    every = [_file(found, values) for found in spec_files(files) if found.is_network]
    results = [result for found in every for result in found or ()]
    failed = sum(not result.ok for result in results)
    broken, silent = every.count(None), every.count([])
    terminal.line(
        f"{counted(len(results), 'example')} in {counted(len(every), 'file')}: ",
        _verdict(len(results), failed, broken),
        f", {counted(silent, 'file')} without examples" if silent else "",
    )
    return 1 if failed or broken else 0


def _file(found: Found, values: dict[str, Value]) -> list[ExampleResult] | None:
    """Show the results of the examples in a file; None where it has errors."""
    try:
        found.refuse_fault()
        results = execution.run_examples(training.load(found.path, values))
    except GraphnnError as error:
        if misused(error):
            raise
        terminal.line(("bad", "ERROR   "), str(found.path))
        terminal.report(error.diagnostics, stderr=False)
        return None
    if not results:
        terminal.line(("warning", "none    "), f"{found.path}: no examples")
    for result in results:
        _result(found.path, result)
    return list(results)


def _result(path: Path, result: ExampleResult) -> None:
    place = f"{path}:{result.span.line}" if result.span else str(path)
    about = f": {result.about}" if result.about else ""
    style, word = ("good", "ok") if result.ok else ("bad", "FAILED")
    terminal.line((style, f"{word:8}"), f"{place}{about}")
    for each in result.properties:
        terminal.line("        ", str(each))
    terminal.report(result.diagnostics, stderr=False)


def _verdict(examples: int, failed: int, broken: int) -> terminal.Piece:
    words = [f"{failed} failed"] if failed else []
    words += [f"{counted(broken, 'file')} with errors"] if broken else []
    if words:
        return "bad", ", ".join(words)
    return "good", "all ok" if examples else "nothing to test"
