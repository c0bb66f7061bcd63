"""``graphnn gradcheck``: backpropagation against the numerical gradient."""

from __future__ import annotations

import json

import typer

from graphnn import gradients
from graphnn.cli import inputs, terminal
from graphnn.cli.gradient_options import computed, entries
from graphnn.cli.networks import load
from graphnn.cli.options import Batch, File, Format, InputFile, Inputs, Settings, Weights, settings
from graphnn.cli.record_options import Chosen, taking
from graphnn.execution.options import SAMPLE_ROWS


@taking(gradients.CheckOptions, entries=entries)
def gradcheck(
    file: File,
    input: Inputs = None,
    inputs_file: InputFile = None,
    batch: Batch = SAMPLE_ROWS,
    weights: Weights = None,
    *,
    chosen: Chosen,
    format: Format = "text",
    set: Settings = None,
) -> int:
    """Compare backpropagation with the numerical gradient.

    FILE may also be a folder that pytest --graphnn-save-failures left, with its inputs.npz.
    Every entry of every parameter is compared, unless --only and --entries say otherwise; the exit
    code is 1 when one shows a wrong backward pass. Inputs are those given, the rest random; where
    none is given, the first rows of the training data, else those of an example, else random ones.
    """
    net = load(file, settings(set), weights)
    saved = file / "inputs.npz"
    if inputs_file is None and saved.exists():
        inputs_file = saved
    wanted = inputs.Wanted(input or (), inputs_file, batch, chosen["seed"])
    arrays = inputs.choose(net, wanted, net.losses(chosen["loss"]))
    report, stopped = computed(gradients.check_gradients, net, arrays, chosen)
    if format == "json":
        typer.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False))
    elif stopped is None or stopped.done:
        terminal.block(str(report))
    if stopped is not None:
        terminal.remark(f"interrupted: {stopped}")
    return 0 if report.ok and stopped is None else 1
