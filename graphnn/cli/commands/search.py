"""``graphnn search``: many training runs, which settings were best, and what they leave."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphnn import spec, training
from graphnn.cli import errors, progress, terminal
from graphnn.cli.options import File, Settings, command_line, output_option, settings
from graphnn.cli.progress import brief
from graphnn.diagnostics import counted
from graphnn.spec.values import located
from graphnn.storage import endings_interrupt

if TYPE_CHECKING:
    from graphnn.training import Search

_RUNS = Path("runs")
_SHOWN = 5  # trials in the table


def search(
    file: File,
    trials: Annotated[
        int,
        typer.Option(min=1, help="Total number of trials, including those already done."),
    ] = 50,
    output: Annotated[
        Path | None,
        output_option(
            "FOLDER",
            "Folder for the trials and pictures; by default runs/ and the spec's name with "
            "-search.",
        ),
    ] = None,
    set: Settings = None,
) -> int:
    """Search for the best settings, as specified under 'search'.

    Trials are kept in a folder: the same command resumes after Ctrl-C, and several processes that
    run it at once share the work.
    """
    folder = output or _RUNS / f"{file.stem}-search"
    with training.made(folder), endings_interrupt(), progress.trials() as show:
        found = training.search(
            file, trials, settings(set), storage=folder / training.STUDY, progress=show
        )
    written, remarks = found.write(folder)
    _report(found)
    terminal.report(found.faults)
    if found.best is None:
        _explain_divergence(found, file, set)
    terminal.line(f"wrote '{folder}': {', '.join((training.STUDY, *written))}")
    if found.best is not None:
        best = (
            f"{name}={spec.flow(located(value))}" for name, value in found.best.settings.items()
        )
        terminal.line(f"train with: {command_line('train', file, [*(set or ()), *best])}")
    for remark in remarks:
        terminal.remark(("warning", "note"), f": {remark}")
    if not found.interrupted:
        return 0
    terminal.remark(("warning", "interrupted"), "; what was done is kept")
    options = ["--trials", str(trials), *(["-o", str(output)] if output else [])]
    terminal.remark(f"resume with: {command_line('search', file, set or (), options)}")
    return 1


def _report(found: Search) -> None:
    counts = Counter(trial.state for trial in found.trials)
    states = ", ".join(f"{number} {state}" for state, number in counts.items())
    title = counted(len(found.trials), "trial")
    terminal.line(("strong", title), f": {states}" if states else "")
    if found.best is None:
        terminal.line("no trial is complete")
        return
    names = list(found.spec.settings)
    rows = [
        [str(t.number), terminal.number(t.value or 0.0), *(brief(t.settings[n]) for n in names)]
        for t in found.ranked[:_SHOWN]
    ]
    terminal.table(["trial", found.metric, *names], rows, right=range(2 + len(names)))


def _explain_divergence(found: Search, file: Path, set: Settings) -> None:
    """Show why the first trial diverged, and the likely causes."""
    for trial in found.trials:
        if trial.state == "diverged" and trial.fault:
            terminal.remark(("note", "note"), f": trial {trial.number} diverged: {trial.fault}")
            terminal.report(errors.causes(training.load(file, settings(set))))
            return
