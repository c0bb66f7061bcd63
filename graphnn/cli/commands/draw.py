"""``graphnn draw``: the diagram of a network."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from graphnn import drawing, gradients
from graphnn.cli import completion, inputs, terminal
from graphnn.cli.gradient_options import computed
from graphnn.cli.networks import load
from graphnn.cli.options import (
    InputFile,
    Inputs,
    Model,
    Settings,
    Weights,
    output_option,
    settings,
)
from graphnn.cli.record_options import Chosen, taking
from graphnn.diagnostics import GraphnnError, UsageError, needing
from graphnn.execution import Network
from graphnn.execution.options import SAMPLE_ROWS
from graphnn.execution.weight_files import spec_file

_TEXTS = ("dot", "mermaid", ".dot", ".gv", ".mmd")  # written without a layout


@taking(drawing.DiagramOptions)
def draw(
    file: Model,
    output: Annotated[
        Path | None,
        output_option(
            "PICTURE",
            "File to write, or - for standard output; its suffix is the format: .svg, .pdf, .png, "
            ".html, .tex (TikZ), .dot, .mmd (Mermaid). By default the spec's name with .svg, in "
            "this folder.",
        ),
    ] = None,
    format: Annotated[
        Literal["svg", "pdf", "png", "html", "tikz", "dot", "mermaid"] | None,
        typer.Option(help="Format, in place of the suffix.", show_default=False),
    ] = None,
    *,
    chosen: Chosen,
    show: Annotated[
        Literal["values", "gradients", "check"] | None,
        typer.Option(
            help="Numbers to show: values of the nodes, gradients of the loss too, or also what "
            "'graphnn gradcheck' finds.",
            show_default=False,
        ),
    ] = None,
    loss: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE",
            autocompletion=completion.nodes,
            help="With --show gradients or check: node to take for the loss. May be repeated. By "
            "default those of the spec.",
            show_default=False,
        ),
    ] = None,
    entries: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --show check: check this many entries, drawn at random; by default all.",
            show_default=False,
        ),
    ] = None,
    input: Inputs = None,
    inputs_file: InputFile = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="ROWS",
            help=f"With --show: rows to take where no input is given, by default {SAMPLE_ROWS}.",
            show_default=False,
        ),
    ] = None,
    weights: Weights = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="OLD",
            help="Spec file, or folder of a run, from which differences are shown.",
            show_default=False,
        ),
    ] = None,
    alt: Annotated[bool, typer.Option("--alt", help="Print a description in words.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Draw again whenever the file changes, until Ctrl-C.")
    ] = False,
    set: Settings = None,
) -> None:
    """Draw the network.

    Boxes are nodes, with their op, attributes, shape and parameters; arrows are the arrays that
    they read; frames are blocks, drawn once for all copies of a repeated block. For --show, inputs
    are those given, the rest random; where none is given, the first rows of the training data, else
    those of an example, else random ones.
    """
    if show is None:
        given = {"--input": input, "--inputs": inputs_file, "--batch": batch}
        _refuse({"--loss": loss, **given}, "--show")
    if show == "values":
        _refuse({"--loss": loss}, "--show gradients")
    if show != "check":
        _refuse({"--entries": entries}, "--show check")
    if alt and (output or format):
        message = "'--alt' prints words, and writes no picture"
        option = "-o" if output else "--format"
        raise UsageError.of("bad-option", message, help=f"leave out '{option}'")

    def once() -> None:
        net = load(file, settings(set), weights)
        numbers = None
        if show is not None:
            nodes = net.graph.outputs if show == "values" else net.losses(loss)
            arrays = inputs.choose(
                net, inputs.Wanted(input or (), inputs_file, batch or SAMPLE_ROWS), nodes
            )
            report = _report(net, arrays, loss, entries) if show == "check" else None
            kind: Literal["values", "gradients"] = "values" if show == "values" else "gradients"
            numbers = gradients.trace(net, arrays, show=kind, loss=loss, report=report)
        other = None if against is None else load(against, settings(set))
        made = net.draw(**chosen, trace=numbers, against=other)
        if alt:
            terminal.line(made.description)
            return
        path = output or Path(f"{file.stem}.svg")
        made.save(path, format)
        terminal.report(made.warnings(drawn=(format or path.suffix.lower()) not in _TEXTS))
        if str(path) != "-":
            terminal.line(f"wrote '{path}'")

    if not watch:
        once()
        return
    with needing(UsageError, "no-preview", "--watch needs watchfiles", "preview"):
        from graphnn.cli.preview.watching import changes
    with suppress(KeyboardInterrupt):  # as it should end
        for _ in changes(spec_file(file)):
            try:
                once()
            except GraphnnError as error:  # the picture stays as it was
                terminal.report(error.diagnostics)


def _refuse(given: Mapping[str, object], needed: str) -> None:
    """Raise a UsageError for the first option that is given."""
    for option, value in given.items():
        if value:
            raise UsageError.of("bad-option", f"'{option}' needs '{needed}'")


def _report(
    net: Network, arrays: inputs.Arrays, loss: list[str] | None, entries: int | None
) -> gradients.GradientReport | None:
    """The verdicts on the entries of all gradients, or on those reached before Ctrl-C."""
    report: gradients.GradientReport
    options = {"loss": loss, "entries": entries}
    report, stopped = computed(gradients.check_gradients, net, arrays, options)
    if stopped is None:
        return report
    terminal.remark(f"interrupted: {stopped}")
    return report if stopped.done else None
