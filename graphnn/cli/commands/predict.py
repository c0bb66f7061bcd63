"""``graphnn predict``: the class of each row or picture, or what a network makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain, product, starmap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphnn import training
from graphnn.cli import terminal
from graphnn.cli.options import File, Format, RunWeights, Settings, output_option, settings
from graphnn.diagnostics import UsageError, counted
from graphnn.storage import files

if TYPE_CHECKING:
    from graphnn.ops import Array
    from graphnn.training import Outputs, Prediction, Predictor, Writer

_SHOWN = 10  # values of one node that a table has room for


def predict(
    file: File,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT",
            help="Images of the size of the input, folders of such images, .csv, .parquet, .npy, "
            ".npz and .safetensors files with rows, or .txt files with lines of text.",
        ),
    ],
    weights: RunWeights = None,
    top: Annotated[
        int, typer.Option("--top", min=1, metavar="K", help="Show the K likeliest classes.")
    ] = 1,
    length: Annotated[
        int, typer.Option("--length", min=1, metavar="N", help="Tokens to continue a text by.")
    ] = 100,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature",
            min=0,
            metavar="T",
            help="Draw tokens of text: 1 by their probabilities, less for likelier ones.",
        ),
    ] = 0.0,
    output: Annotated[
        Path | None,
        output_option(
            "FILE",
            "Write what is predicted as .csv; or, of a network that makes images of images, a "
            "sheet of both, .png, .svg or .pdf.",
        ),
    ] = None,
    set: Settings = None,
    format: Format = "text",
) -> None:
    """Classify images and rows by a trained network, or show its outputs for them.

    Where the metric 'accuracy' of 'train' names the node that classifies, each comes with its class
    and what the network gives for it; else with the values of the network's outputs. Images are
    resized where the training data are, and never inverted.
    """
    net = training.trained(file, settings(set), weights)
    spec = training.train_spec(net)
    if training.are_lines(inputs, spec):
        _write(training.Writer(net, spec, length, temperature), inputs, output, format)
        return
    predictor = training.Predictor(net, spec, top)
    found = predictor(inputs)
    if format == "json":
        terminal.as_json([_plain(each) for each in found])
    else:
        _table(found, predictor)
    if output is None:
        return
    if output.suffix.lower() == ".csv":
        files.write_csv(output, _columns(found))
        terminal.remark(f"wrote '{output}'")
    else:
        _draw(found, output)


def _write(writer: Writer, inputs: list[Path], output: Path | None, format: str) -> None:
    """Show the text that is written for each line, or write it into a table."""
    found = writer(inputs)
    if format == "json":
        terminal.as_json([asdict(each) for each in found])
    else:
        rows = [[each.source, each.text, each.written] for each in found]
        terminal.table(["", "text", "written"], rows)
    if output is None:
        return
    if output.suffix.lower() != ".csv":
        raise UsageError.of("bad-option", f"text is written as .csv, not to '{output}'")
    lines = [["source", "text", "written"], *([*asdict(each).values()] for each in found)]
    files.write_csv(output, lines)
    terminal.remark(f"wrote '{output}'")


def _plain(found: Prediction | Outputs) -> dict[str, Any]:
    if isinstance(found, training.Prediction):
        plain = asdict(found)
        ranked = plain.pop("ranked")
        pairs = [{"name": name, "score": score} for name, score in ranked]
        return plain if len(ranked) == 1 else {**plain, "ranked": pairs}
    values = {node: array.tolist() for node, array in found.values.items()}
    return {"source": found.source, "outputs": values}


def _table(found: Sequence[Prediction | Outputs], predictor: Predictor) -> None:
    if predictor.classifies:
        header = ["", "class", "probability" if predictor.probable else "score"]
        predictions = [each for each in found if isinstance(each, training.Prediction)]
        rows = [[each.source, each.name, terminal.number(each.score)] for each in predictions]
        if len(predictions[0].ranked) > 1:
            header.append("then")
            rows = [[*row, _others(each)] for row, each in zip(rows, predictions, strict=True)]
        terminal.table(header, rows, right=[2])
        return
    outputs = [each for each in found if isinstance(each, training.Outputs)]
    header = ["", *chain.from_iterable(starmap(_titles, outputs[0].values.items()))]
    rows = [
        [each.source, *chain.from_iterable(map(_cells, each.values.values()))] for each in outputs
    ]
    terminal.table(header, rows, right=range(1, len(header)))
    if predictor.shares:
        terminal.remark("no metric 'accuracy' names the node that classifies, so outputs are shown")


def _others(found: Prediction) -> str:
    return ", ".join(f"{name} {terminal.number(score)}" for name, score in found.ranked[1:])


def _columns(found: Sequence[Prediction | Outputs]) -> Iterator[list[object]]:
    """Rows of a .csv: a class and its score for each rank, or a column for each value."""
    if isinstance(first := found[0], training.Prediction):
        ranks = range(1, len(first.ranked) + 1)
        names = [(f"class_{rank}", f"score_{rank}") for rank in ranks] if len(ranks) > 1 else []
        yield ["source", *(chain.from_iterable(names) if names else ("class", "score"))]
    else:
        every = first.values.items()
        yield ["source", *(title for node, row in every for title in _all_titles(node, row))]
    for each in found:
        if isinstance(each, training.Prediction):
            yield [each.source, *chain.from_iterable(each.ranked)]
        else:
            yield [each.source, *(v for row in each.values.values() for v in row.ravel().tolist())]


def _all_titles(node: str, row: Array) -> list[str]:
    """Titles of columns, one for each value of a node."""
    if row.size == 1:
        return [node]
    places = product(*map(range, row.shape))
    return [f"{node}[{','.join(map(str, index))}]" for index in places]


def _titles(node: str, row: Array) -> list[str]:
    """Titles of the columns for one row of a node: one a value, or one for all."""
    return [node] if row.size > _SHOWN else _all_titles(node, row)


def _cells(row: Array) -> list[str]:
    if row.size <= _SHOWN:
        return [terminal.number(float(value)) for value in row.ravel()]
    low, high = terminal.number(float(row.min())), terminal.number(float(row.max()))
    return [f"{counted(row.size, 'value')} from {low} to {high}"]


def _draw(found: Sequence[Prediction | Outputs], path: Path) -> None:
    outputs = [each for each in found if isinstance(each, training.Outputs)]
    alike = len({each.row.shape for each in outputs}) == 1
    import numpy as np

    for node in outputs[0].values if alike else ():
        rows = np.stack([each.row for each in outputs])
        made = np.stack([each.values[node] for each in outputs])
        if training.pairs((rows, made), "images", path) is not False:
            terminal.remark(f"wrote '{path}'")
            return
    message = f"there is nothing to draw in '{path}'"
    help = "a sheet shows what a network makes of images, where those are images of the same size"
    raise UsageError.of("bad-option", message, help=help)
