"""``graphnn export``: a network for other programs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphnn import interchange
from graphnn.cli import terminal
from graphnn.cli.networks import load
from graphnn.cli.options import File, Settings, Weights, output_option, settings

if TYPE_CHECKING:
    from graphnn.interchange import Exported


def export(
    file: File,
    output: Annotated[
        Path, output_option("FILE", "File to write: an ONNX model, .onnx, or code, .py.")
    ],
    weights: Weights = None,
    opset: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Version of a model's operators; by default the newest that is known here.",
            show_default=False,
        ),
    ] = None,
    dtype: Annotated[
        Literal["float32", "float64"] | None,
        typer.Option(help="Precision of a model, by default float32.", show_default=False),
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option(
            metavar="NODES",
            help="Nodes whose values the model gives: A,B. By default the spec's outputs.",
            show_default=False,
        ),
    ] = None,
    style: Annotated[
        Literal["numpy", "torch"] | None,
        typer.Option(help="What the code of a .py file uses.", show_default=False),
    ] = None,
    set: Settings = None,
) -> None:
    """Write the network so that other programs run it.

    Code has its parameters in an .npz file beside it. A model is written once onnx's checker
    accepts it and onnxruntime, where it is installed, gives the same value for every node.
    """
    network = load(file, settings(set), weights)
    names = None if outputs is None else [name.strip() for name in outputs.split(",")]
    found = interchange.export(
        network, output, opset=opset, dtype=dtype, outputs=names, style=style
    )
    for path in found.files:
        terminal.line(f"wrote '{path}'")
    if found.opset is not None:
        terminal.remark(f"opset {found.opset}; {_said(found)}")


def _said(found: Exported) -> str:
    if found.agreement is None:
        return "not compared: onnxruntime is not installed"
    if math.isnan(found.agreement.difference):
        return "not compared: random inputs give no finite values"
    return "onnxruntime agrees with every node"
