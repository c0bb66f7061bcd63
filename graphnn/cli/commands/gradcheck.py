"""``graphnn gradcheck``: backpropagation against the numerical gradient."""

from __future__ import annotations

import json

import typer

from graphnn import gradients
from graphnn.cli import errors, inputs, options, progress, terminal
from graphnn.cli.options import (
    Batch,
    Entries,
    Extrapolation,
    File,
    Format,
    InputFile,
    Inputs,
    Loss,
    MaxMemory,
    Method,
    Mode,
    Only,
    Order,
    Rule,
    Seed,
    Settings,
    Step,
    Threads,
    settings,
)
from graphnn.execution import network
from graphnn.gradients import MAX_MEMORY


def gradcheck(
    file: File,
    input: Inputs = None,
    inputs_file: InputFile = None,
    batch: Batch = 5,
    seed: Seed = 0,
    loss: Loss = None,
    method: Method = "probes",
    rule: Rule = "central",
    order: Order = None,
    step: Step = None,
    extrapolation: Extrapolation = "compared",
    only: Only = None,
    entries: Entries = None,
    mode: Mode = "run",
    threads: Threads = None,
    max_memory: MaxMemory = MAX_MEMORY >> 20,
    format: Format = "text",
    set: Settings = None,
) -> int:
    """Compare backpropagation with the numerical gradient.

    Every entry of every parameter is compared, unless --only and --entries say otherwise; the exit
    code is 1 when one shows a wrong backward pass. Inputs are those given, else the first rows of
    the training data, else those of an example, else random ones.
    """
    net = network.load(file, settings(set))
    arrays = inputs.choose(net, inputs.Wanted(input or (), inputs_file, batch, seed), loss)
    stopped = None
    try:
        with errors.explained(net), progress.counting("entries") as callback:
            report = gradients.check_gradients(
                net,
                arrays,
                loss=loss,
                only=only or None,
                entries=options.entries(entries),
                method=method,
                rule=rule,
                order=order,
                step=step,
                extrapolation=extrapolation,
                mode=mode,
                seed=seed,
                threads=threads,
                max_memory=max_memory << 20,
                progress=callback,
            )
    except gradients.Interrupted as stop:
        stopped, report = stop, stop.report
    if format == "json":
        typer.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False))
    elif stopped is None or stopped.done:
        terminal.block(str(report))
    if stopped is not None:
        terminal.remark(f"interrupted: {stopped}")
    return 0 if report.ok and stopped is None else 1
