"""``graphnn predict``: the class of each row or picture."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from graphnn import network
from graphnn.cli import terminal
from graphnn.cli.options import File, Format, Settings, TrainedWeights, settings
from graphnn.prediction import Predictor
from graphnn.runs import train_spec


def predict(
    file: File,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT",
            help="PNG images with as many pixels as the input has values, or .npz and "
            ".safetensors files with an array of rows.",
            show_default=False,
        ),
    ],
    weights: TrainedWeights,
    set: Settings = None,
    format: Format = "text",
) -> None:
    """Classify images and rows by a trained network.

    Each comes with its class and what the network gives for it. The metric 'accuracy' of 'train'
    says which node tells classes. Images are neither resized nor inverted.
    """
    net = network.load(file, settings(set))
    net.load_weights(weights)
    predictor = Predictor(net, train_spec(net))
    found = predictor(inputs)
    if format == "json":
        terminal.block(json.dumps([asdict(each) for each in found], indent=2))
        return
    header = ("", "class", "probability" if predictor.probable else "score")
    rows = [(each.source, each.name, terminal.number(each.score)) for each in found]
    terminal.table(header, rows, right=[2])
