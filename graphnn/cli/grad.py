"""``graphnn grad``: the numerical gradient, or how its step decides what it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from graphnn import archives, drawing, gradients, network
from graphnn.cli import inputs, progress, terminal
from graphnn.cli.options import (
    Batch,
    File,
    InputFile,
    Inputs,
    Loss,
    Only,
    Rule,
    Seed,
    Settings,
    Step,
    settings,
)
from graphnn.errors import Diagnostic, UsageError
from graphnn.gradients.estimate import GradientEstimate
from graphnn.gradients.study import StepStudy

_PICTURE = Path("study.png")


def grad(
    file: File,
    input: Inputs = None,
    inputs_file: InputFile = None,
    batch: Batch = 5,
    seed: Seed = 0,
    loss: Loss = None,
    method: Annotated[
        Literal["probes", "loop"], typer.Option(help="How the loss is probed.")
    ] = "probes",
    rule: Rule = "central",
    step: Step = None,
    only: Only = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the gradient to this .npz file too.", show_default=False
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="ENTRY",
            help="Show the derivative by one entry, such as 'a1.weight[3,7]', for many steps.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PICTURE",
            help="With --study: where to draw it, .png, .svg or .pdf. By default study.png.",
            show_default=False,
        ),
    ] = None,
    set: Settings = None,
) -> None:
    """Take the numerical gradient of the loss.

    Every parameter entry is moved a little. Inputs are those given, else the first rows of the
    training data, else those of an example, else random ones.
    """
    _check(study, output, save)
    net = network.load(file, settings(set))
    arrays = inputs.choose(net, inputs.Wanted(input or (), inputs_file, batch, seed), loss)
    if study is not None:
        _study(gradients.step_study(net, study, arrays, loss=loss), output or _PICTURE)
        return
    with progress.counting("entries") as callback:
        estimates = gradients.numerical_gradient(
            net,
            arrays,
            loss=loss,
            only=only or None,
            method=method,
            rule=rule,
            step=step,
            progress=callback,
        )
    header = ("parameter", "shape", "norm", "largest", "at", "error", "kinks")
    terminal.table(header, _rows(estimates), right=[2, 3, 5, 6])
    if save is not None:
        archives.write_arrays(save, {name: found.value for name, found in estimates.items()})
        terminal.remark(f"wrote '{save}'")


def _check(study: str | None, output: Path | None, save: Path | None) -> None:
    if study is None and output is not None:
        help = "a gradient is written by --save"
        raise UsageError(Diagnostic("bad-option", "'-o' goes with --study alone", help=help))
    if study is not None and save is not None:
        raise UsageError(Diagnostic("bad-option", "'--save' does not go with --study"))


def _rows(estimates: Mapping[str, GradientEstimate]) -> Iterator[tuple[terminal.Piece, ...]]:
    for name, found in estimates.items():
        at = np.unravel_index(int(np.abs(found.value).argmax()), found.value.shape)
        kinks = int(found.kink.sum())
        yield (
            name,
            str(list(found.value.shape)),
            f"{np.linalg.norm(found.value):.6g}",
            f"{found.value[at]:.6g}",
            f"[{','.join(map(str, at))}]",
            f"{found.error.max():.1g}",
            ("warning", f"{kinks:,}") if kinks else "0",
        )


def _study(found: StepStudy, path: Path) -> None:
    terminal.line(("strong", found.entry), f"  backprop: {found.reference!r}")
    columns = (
        found.steps,
        found.forward,
        found.central,
        found.forward_error,
        found.central_error,
    )
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
