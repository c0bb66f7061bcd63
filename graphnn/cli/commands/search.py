"""``graphnn search``: many training runs, which settings were best, and what they leave."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from graphnn.cli import terminal
from graphnn.cli.options import SET, File, Settings, output_option, settings
from graphnn.spec import flow
from graphnn.spec.values import located
from graphnn.storage import endings_interrupt
from graphnn.training import (
    STUDY,
    Search,
    SearchProgress,
    Trial,
    made,
)
from graphnn.training import search as run_search

_RUNS = Path("runs")
_SHOWN = 5  # trials in the table


def search(
    file: File,
    trials: Annotated[
        int, typer.Option(min=1, help="How many there will be in all, those already done included.")
    ] = 50,
    output: Annotated[
        Path | None,
        output_option(
            "FOLDER",
            "Where to keep the trials and write pictures; by default runs/ and the spec's "
            "name with -search.",
        ),
    ] = None,
    set: Settings = None,
) -> int:
    """Search for the best settings, as the spec's 'search' says.

    Trials are kept in a folder: the same command goes on after Ctrl-C, and run several times at
    once, its processes share the work.
    """
    folder = output or _RUNS / f"{file.stem}-search"
    with made(folder), endings_interrupt(), _watched() as watch:
        found = run_search(file, trials, settings(set), storage=folder / STUDY, progress=watch)
    written, remarks = found.write(folder)
    _report(found)
    terminal.tell(found.faults)
    terminal.line(f"wrote '{folder}': {', '.join((STUDY, *written))}")
    if found.best is not None:
        given = [*(set or ()), *(f"{k}={_plain(v)}" for k, v in found.best.settings.items())]
        terminal.line(f"train it by: {_command('train', file, given)}")
    for remark in remarks:
        terminal.remark(("warning", "note"), f": {remark}")
    if not found.interrupted:
        return 0
    terminal.remark(("warning", "interrupted"), "; what was done is kept")
    where = ["--trials", str(trials), *(["-o", str(output)] if output else [])]
    terminal.remark(f"go on by: {_command('search', file, set or (), where)}")
    return 1


def _command(name: str, file: Path, given: Any, options: Any = ()) -> str:
    sets = [part for text in given for part in (SET, text)]
    return shlex.join(["graphnn", name, str(file), *options, *sets])


def _report(found: Search) -> None:
    counts: dict[str, int] = {}
    for trial in found.trials:
        counts[trial.state] = counts.get(trial.state, 0) + 1
    told = ", ".join(f"{number} {state}" for state, number in counts.items())
    terminal.line(("strong", terminal.count(len(found.trials), "trial")), f": {told}" * bool(told))
    best = found.ranked[:_SHOWN]
    if not best:
        terminal.line("no trial is complete")
        for trial in found.trials:
            if trial.state == "diverged" and trial.fault:
                terminal.remark(("note", "note"), f": trial {trial.number} diverged: {trial.fault}")
                break
        return
    names = list(found.spec.settings)
    rows = [
        [str(t.number), terminal.number(t.value or 0.0), *(_brief(t.settings[n]) for n in names)]
        for t in best
    ]
    terminal.table(["trial", found.metric, *names], rows, right=range(2 + len(names)))


def _brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _plain(value)


def _plain(value: Any) -> str:
    return flow(located(value))


def _told(given: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={_brief(value)}" for name, value in given.items())


def _result(trial: Trial) -> str:
    last = f"  {terminal.number(trial.curve[-1])}" if trial.curve else ""
    return last if trial.state == "complete" else f"{last}  {trial.state}"


@contextmanager
def _watched() -> Iterator[Callable[[SearchProgress], None]]:
    """A bar on standard error where that is a terminal, else a line a trial."""
    out = terminal.console(stderr=True)
    if not out.is_terminal:
        yield _line
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[trials]}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[trial]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out) as bar:
        task = bar.add_task("", total=None, trials="", trial="")

        def show(progress: SearchProgress) -> None:
            trial, best = progress.trial, progress.best
            under_way = trial.state == "running"
            part = len(trial.curve) / progress.epochs if under_way else 0.0
            shown = f"trial {trial.number}  epoch {len(trial.curve)}/{progress.epochs}"
            if best is not None:
                shown += f"  best {terminal.number(best.value or 0.0)}"
            bar.update(
                task,
                total=progress.trials,
                completed=progress.done + part,
                trials=f"{progress.done}/{progress.trials} trials",
                trial=shown,
            )

        yield show


def _line(progress: SearchProgress) -> None:
    trial = progress.trial
    if trial.state != "running":
        width = len(str(progress.trials))
        number = f"trial {trial.number:{width}}/{progress.trials}"
        terminal.remark(f"{number}{_result(trial)}  {_told(trial.settings)}")
