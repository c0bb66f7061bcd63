"""``graphnn test``: the examples of spec files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from graphnn.cli import terminal
from graphnn.cli.collect import Found, spec_files
from graphnn.cli.options import Files, Settings, misused, settings
from graphnn.diagnostics import GraphnnError
from graphnn.execution import ExampleResult, run_examples
from graphnn.spec.values import Value
from graphnn.training import load


@dataclass
class _Tally:
    """How many files and examples there were, and how many came out how."""

    files: int = 0
    broken: int = 0
    silent: int = 0
    results: list[ExampleResult] = field(default_factory=list)

    @property
    def failed(self) -> int:
        return sum(not result.ok for result in self.results)


def test(files: Files, set: Settings = None) -> int:
    """Run the examples of spec files.

    The exit code is 1 if an example does not give the expected outputs.
    """
    values = settings(set)
    tally = _Tally()
    for found in spec_files(files):
        if found.is_network:
            _file(found, values, tally)
    terminal.line(*_summary(tally))
    return 1 if tally.failed or tally.broken else 0


def _file(found: Found, values: dict[str, Value], tally: _Tally) -> None:
    tally.files += 1
    try:
        found.refuse_fault()
        results = run_examples(load(found.path, values))
    except GraphnnError as error:
        if misused(error):
            raise
        tally.broken += 1
        terminal.line(("bad", "ERROR   "), str(found.path))
        terminal.report(error.diagnostics, stderr=False)
        return
    tally.silent += not results
    tally.results += results
    if not results:
        terminal.line(("warning", "none    "), f"{found.path}: no examples")
    for result in results:
        _result(found.path, result)


def _result(path: Path, result: ExampleResult) -> None:
    place = f"{path}:{result.span.line}" if result.span else str(path)
    about = f": {result.about}" if result.about else ""
    style, word = ("good", "ok") if result.ok else ("bad", "FAILED")
    terminal.line((style, f"{word:8}"), f"{place}{about}")
    terminal.report(result.diagnostics, stderr=False)


def _summary(tally: _Tally) -> list[terminal.Piece]:
    count = terminal.count
    subject = f"{count(len(tally.results), 'example')} in {count(tally.files, 'file')}: "
    words = [f"{tally.failed} failed"] if tally.failed else []
    words += [f"{count(tally.broken, 'file')} with errors"] if tally.broken else []
    if words:
        style, text = "bad", ", ".join(words)
    else:
        style, text = "good", "all ok" if tally.results else "nothing to test"
    silent = f", {count(tally.silent, 'file')} without examples" if tally.silent else ""
    return [subject, (style, text), silent]
