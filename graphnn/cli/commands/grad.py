"""``graphnn grad``: the numerical gradient, or how its step decides what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from graphnn import drawing, gradients
from graphnn.cli import completion, inputs, terminal
from graphnn.cli.gradient_options import computed, entries
from graphnn.cli.networks import load
from graphnn.cli.options import (
    Batch,
    File,
    InputFile,
    Inputs,
    Settings,
    Weights,
    output_option,
    settings,
)
from graphnn.cli.record_options import Chosen, taking
from graphnn.diagnostics import UsageError
from graphnn.execution.options import SAMPLE_ROWS
from graphnn.gradients import GradientEstimate, StepStudy, show
from graphnn.storage import archives

_PICTURE = Path("study.png")
_KINKS = 5  # shown


@taking(gradients.GradientOptions, entries=entries)
def grad(
    file: File,
    input: Inputs = None,
    inputs_file: InputFile = None,
    batch: Batch = SAMPLE_ROWS,
    weights: Weights = None,
    *,
    chosen: Chosen,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the gradient to this .npz file too.")
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="ENTRY",
            autocompletion=completion.entries,
            help="Show the derivative by one entry, such as 'a1.weight[3,7]', for many steps.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        output_option(
            "PICTURE", "With --study: where to draw it, .png, .svg or .pdf. By default study.png."
        ),
    ] = None,
    set: Settings = None,
) -> int:
    """Compute the numerical gradient of the loss.

    Every parameter entry is moved a little, or those of --only and --entries. Inputs are those
    given, the rest random; where none is given, the first rows of the training data, else those of
    an example, else random ones.
    """
    _check(study, output, save)
    net = load(file, settings(set), weights)
    wanted = inputs.Wanted(input or (), inputs_file, batch, chosen["seed"])
    arrays = inputs.choose(net, wanted, net.losses(chosen["loss"]))
    if study is not None:
        kept = {name: chosen[name] for name in ("loss", "mode", "seed")}
        found = gradients.step_study(net, study, arrays, **kept)
        _study(found, output or _PICTURE)
        return 0
    gradients.require_parameters(net)
    estimates, stopped = computed(gradients.numerical_gradient, net, arrays, chosen)
    if estimates:
        _show(estimates)
    if save is not None and estimates:
        archives.write_arrays(save, {name: found.value for name, found in estimates.items()})
        terminal.remark(f"wrote '{save}'")
    if stopped is not None:
        terminal.remark(f"interrupted: {stopped}")
    return 0 if stopped is None else 1


def _check(study: str | None, output: Path | None, save: Path | None) -> None:
    if study is None and output is not None:
        help = "use '--save' to write a gradient"
        raise UsageError.of("bad-option", "'-o' needs '--study'", help=help)
    if study is not None and save is not None:
        raise UsageError.of("bad-option", "'--save' cannot be combined with '--study'")


def _show(estimates: Mapping[str, GradientEstimate]) -> None:
    header = ["parameter", "shape", "norm", "largest", "at", "error", "kinks"]
    taken = {name: found for name, found in estimates.items() if found.taken}
    rows = [_row(name, found) for name, found in taken.items()]
    right = [2, 3, 5, 6]
    if any(found.entries is not None for found in estimates.values()):
        header.append("entries")
        right.append(7)
        counts = [f"{found.taken:,} of {found.value.size:,}" for found in taken.values()]
        rows = [(*row, count) for row, count in zip(rows, counts, strict=True)]
    terminal.table(header, rows, right=right)
    left = _KINKS
    for name, found in estimates.items():
        for crossing in found.crossings(left):
            left -= 1
            entry = show(name, crossing.entry)
            terminal.line(("warning", "kink"), f": {entry} crosses one at {crossing}")
    more = sum(int(found.kink.sum()) for found in estimates.values()) - _KINKS
    if more > 0:
        terminal.line(f"and {more:,} more kinks")


def _row(name: str, found: GradientEstimate) -> tuple[terminal.Piece, ...]:
    every = np.arange(found.value.size) if found.entries is None else found.entries
    values = found.value.flat[every]
    largest = int(np.abs(values).argmax())
    at = np.unravel_index(int(every[largest]), found.value.shape)
    kinks = int(found.kink.sum())
    return (
        name,
        str(list(found.value.shape)),
        f"{np.linalg.norm(values):.6g}",
        f"{values[largest]:.6g}",
        f"[{','.join(map(str, at))}]",
        f"{found.error.flat[every].max():.1g}",
        ("warning", f"{kinks:,}") if kinks else "0",
    )


def _study(found: StepStudy, path: Path) -> None:
    terminal.line(("strong", found.entry), f"  backprop: {found.reference!r}")
    columns = (found.steps, found.forward, found.central, found.forward_error, found.central_error)
    header = ("h", "forward", "central", "forward error", "central error")
    rows = [
        (f"{h:.0e}", f"{forward:.12g}", f"{central:.12g}", f"{off:.1e}", f"{least:.1e}")
        for h, forward, central, off, least in zip(*columns, strict=True)
    ]
    terminal.table(header, rows, right=range(5))
    drawing.step_study(
        found.steps, found.forward_error, found.central_error, title=found.entry, path=path
    )
    terminal.line(f"wrote '{path}'")
