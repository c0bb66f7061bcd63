"""``graphnn export``: a network for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from graphnn.cli import terminal
from graphnn.cli.options import File, Settings, Weights, output_option, settings
from graphnn.interchange import export as write
from graphnn.training import load


def export(
    file: File,
    output: Annotated[Path, output_option("FILE", "File to write, .onnx.")],
    weights: Weights = None,
    set: Settings = None,
) -> None:
    """Write the network so that other programs run it."""
    network = load(file, settings(set))
    if weights is not None:
        network.load_weights(weights)
    write(network, output)
    terminal.line(f"wrote '{output}'")
