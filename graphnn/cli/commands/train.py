"""``graphnn train``: one training run, what it says meanwhile and what it leaves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphnn import training
from graphnn.cli import errors, progress, terminal
from graphnn.cli.options import File, Settings, command_line, output_option, settings
from graphnn.diagnostics import FileError, RunError, TrainingError, counted
from graphnn.execution.weight_files import CHECKPOINT
from graphnn.storage import endings_interrupt

if TYPE_CHECKING:
    from graphnn.execution.network import Network
    from graphnn.spec.training_records import TrainSpec
    from graphnn.training import Row, Run

_RUNS = Path("runs")


def train(
    file: File,
    output: Annotated[
        Path | None,
        output_option(
            "FOLDER",
            "Folder for weights, history and pictures. By default runs/ and the spec's "
            "name, with a number if that is in use.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the run in the folder, or the latest one.")
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Write event files too, to 'events' in the folder."),
    ] = False,
    set: Settings = None,
) -> int:
    """Train the network as specified under 'train'.

    Weights, history and pictures are written to a folder. Ctrl-C keeps the finished epochs, and
    --resume continues after them.
    """
    values = settings(set)
    with errors.complete(file, values):
        net = training.declared(file, values)
    folder = output or (_latest(file) if resume else _unused(file))
    options = ["-o", str(folder), "--resume", *(["--tensorboard"] if tensorboard else [])]
    resumption = command_line("train", file, set or (), options)
    try:
        with (
            endings_interrupt(),
            errors.complete(file, values),
            errors.explained(net),
            progress.epochs() as display,
        ):
            run = training.train(
                net, folder=folder, resume=resume, progress=display, tensorboard=tensorboard
            )
            display.finish(len(run.history))
    except (RunError, FileError) as error:
        if (folder / CHECKPOINT).exists():
            terminal.remark(f"what was reached before is kept in '{folder}'")
            if error.diagnostics[0].code == "unwritable-file":
                terminal.remark(f"resume with: {resumption}")
        raise
    _report(net, run)
    if not run.interrupted:
        return 0
    done = counted(len(run.history), "epoch") if run.history else "no epoch at all"
    terminal.remark(("warning", "interrupted"), f" after {done}; what was reached is kept")
    terminal.remark(f"resume with: {resumption}")
    return 1


def _unused(file: Path) -> Path:
    """The first folder of this spec's runs that holds nothing."""
    folders = (_folder(file, number) for number in count(1))
    return next(filter(training.is_free, folders))


def _latest(file: Path) -> Path:
    """The last of this spec's folders with a run in it; a run is its own."""
    if file.is_dir():
        return file
    name = re.compile(rf"{re.escape(file.stem)}(?:-([0-9]{{1,9}}))?")
    numbers = [
        int(found.group(1) or 1)
        for checkpoint in _RUNS.glob(f"*/{CHECKPOINT}")
        if (found := name.fullmatch(checkpoint.parent.name))
    ]
    if not numbers:
        message = f"there is no run of '{file}' in '{_RUNS}' to resume"
        raise TrainingError.of("nothing-to-resume", message, help="name its folder by -o FOLDER")
    return _folder(file, max(numbers))


def _folder(file: Path, number: int) -> Path:
    return _RUNS / (file.stem if number == 1 else f"{file.stem}-{number}")


def _report(net: Network, run: Run) -> None:
    spec = net.graph.spec.train
    assert spec is not None
    if run.history:
        title = f"epoch {run.epoch}" + (f" of {spec.epochs}" if run.epoch <= spec.epochs else "")
        terminal.line(("strong", title), _remarks(spec, run))
        terminal.table(*_results(run.measured), right=[1, 2, 3])
    if run.test:
        measured = [f"{name} {terminal.number(value)}" for name, value in run.test.items()]
        rows = counted(run.test_rows, "row")
        terminal.line(("strong", f"test {', '.join(reversed(measured))}"), f" on {rows}")
    terminal.line(f"wrote '{run.folder}': {', '.join(run.files)}")
    for remark in run.remarks:
        terminal.remark(("warning", "note"), f": {remark}")


def _remarks(spec: TrainSpec, run: Run) -> str:
    """What there is to say of the epoch that is shown."""
    remarks = []
    done = len(run.history)
    if run.best_epoch == run.epoch and spec.keep == "best":
        remarks.append("the best")
    elif run.best_epoch is not None:
        remarks.append(f"the best was {run.best_epoch}")
    if done < spec.epochs and not run.interrupted:
        remarks.append(f"stopped early after {done}")
    return "".join(f", {remark}" for remark in remarks)


def _results(measured: Mapping[str, Row]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: a line a measure, a column a set of rows."""
    names = measured["training"]
    return ["", *measured], [
        [name, *(terminal.number(values[name]) for values in measured.values())] for name in names
    ]
