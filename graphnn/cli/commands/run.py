"""``graphnn run``: values of a network, or what it is worth on the test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphnn import training
from graphnn.cli import completion, inputs, terminal
from graphnn.cli.networks import load
from graphnn.cli.options import File, InputFile, Inputs, Settings, Weights, settings
from graphnn.diagnostics import counted
from graphnn.spec.sizes import show

if TYPE_CHECKING:
    from graphnn.execution.network import Network
    from graphnn.ops import Array
    from graphnn.spec.training_records import TrainSpec


def run(
    file: File,
    input: Inputs = None,
    inputs_file: InputFile = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE",
            autocompletion=completion.nodes,
            help="Print this node's value in place of the declared outputs. May be repeated.",
        ),
    ] = None,
    weights: Weights = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the values to this .npz file.")
    ] = None,
    set: Settings = None,
) -> None:
    """Run the network and print its outputs.

    Without inputs, a network with training data is measured on its test rows, in
    batches of 'train.batch_size'.
    """
    net = load(file, settings(set), weights)
    outputs = tuple(output or ()) or net.graph.outputs
    wanted = inputs.Wanted(input or (), inputs_file)
    train = net.graph.spec.train
    if wanted.given or train is None or train.data is None:
        values = net.run(inputs.given(net, wanted, outputs), outputs=outputs)
        _print(values)
    else:
        values = _measure(net, train, outputs if output or save else ())
        if output:
            _print(values)
    if save is not None:
        from graphnn.storage import archives

        archives.write_arrays(save, values)
        terminal.remark(f"wrote '{save}'")


def _print(values: Mapping[str, Array]) -> None:
    import numpy as np

    for name, value in values.items():
        terminal.line(("strong", name), f" {show(value.shape)}")
        terminal.block(np.array2string(value, precision=8, max_line_width=100), indent="  ")


def _measure(net: Network, spec: TrainSpec, outputs: Sequence[str]) -> dict[str, Array]:
    """Print loss and metrics on the rows held back; the values of `outputs` on all of them."""
    kind, rows = training.held_back(training.load_sets(net, spec, net.classes))
    row, values = training.Measuring(net, spec).run(rows, spec.batch_size, outputs)
    terminal.line(f"{counted(len(rows), f'{kind} row')} in batches of {spec.batch_size:,}")
    terminal.measures(row)
    return values
