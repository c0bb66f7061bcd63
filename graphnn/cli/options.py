"""Arguments that several commands share, and the reading of what is typed in them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from graphnn.cli import completion
from graphnn.diagnostics import Diagnostic, GraphnnError, SpecError, UsageError

if TYPE_CHECKING:
    from graphnn.spec.values import Value

SET = "--set"  # also the name under which diagnostics show a setting
INPUT = "--input"
DATA = "--data"
GIVEN = "--given"

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Spec file, YAML or JSON, or the folder of a run."),
]
Model = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Spec file, YAML or JSON, the folder of a run, or ONNX model."
    ),
]
Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="Spec files, folders of runs, or folders with .yaml, .yml and .json files.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        SET,
        metavar="NAME=VALUE",
        autocompletion=completion.settings,
        help="Replace a named size, a value of 'train', or what a node is given, such as "
        "'drop.rate=0.3' or 'a1.weight=he'; null removes what is optional. May be repeated.",
    ),
]
Format = Annotated[Literal["text", "json"], typer.Option("--format", help="Output format.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        INPUT,
        metavar="NAME=VALUE",
        help="Value of an input: numbers such as 'x=[[1.0, 0.5]]', 'x={zeros: [5, 2]}', or an "
        ".npz or .safetensors file with an array of that name. May be repeated.",
    ),
]
InputFile = Annotated[
    Path | None,
    typer.Option(
        "--inputs",
        metavar="FILE",
        help="An .npz or .safetensors file with an array for each input.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Parameters: the folder of a run, or an .npz or .safetensors file such as training "
        "leaves. By default those of FILE.",
    ),
]
_WEIGHTS = typer.Option(
    "--weights",
    metavar="FILE",
    help="Trained parameters: the folder of a run, or a file such as weights.safetensors or "
    "checkpoint.safetensors in it.",
)
RunWeights = Annotated[Path | None, _WEIGHTS]
Batch = Annotated[
    int,
    typer.Option(min=1, metavar="ROWS", help="Rows to take where no input is given."),
]


def output_option(metavar: str, help: str) -> Any:
    """The option ``-o`` of a command: what it names, and what for."""
    return typer.Option("-o", "--output", metavar=metavar, help=help)


def settings(given: Iterable[str] | None) -> dict[str, Value]:
    """What ``--set NAME=VALUE`` sets, with the places of the values.

    Raises
    ------
    UsageError
        One is not of that form, its value is not YAML, or a name is set twice.
    """
    found: dict[str, Value] = {}
    for name, value in (assignment(SET, text) for text in given or ()):
        if name in found:
            raise UsageError.of("conflicting-settings", f"'{name}' is set twice", value.span)
        found[name] = value
    return found


def assignment(option: str, text: str) -> tuple[str, Value]:
    """Name and value of the ``NAME=VALUE`` given to `option`, the value read as YAML.

    Raises
    ------
    UsageError
        The text is not of that form, or the value is not YAML.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not (name and equals):
        message = f"'{text}' does not say what to set"
        raise UsageError.of("bad-option", message, help=f"write {option} NAME=VALUE")
    from graphnn.spec import reader

    try:
        found = reader.read(f"{name}: {value}", name=option)
    except SpecError as error:
        raise UsageError(*error.diagnostics) from None
    if list(found.entries) != [name]:
        raise UsageError.of("bad-option", f"'{name}' is not a name")
    return name, found.entries[name].value


def misused(error: GraphnnError) -> bool:
    """Whether the fault lies in how a command was called, not in a file or its data."""
    return isinstance(error, UsageError) or any(map(typed, error.diagnostics))


def typed(diagnostic: Diagnostic) -> bool:
    """Whether what is at fault was typed as an option, not written in a file."""
    span = diagnostic.span
    return span is not None and span.source.name in (SET, INPUT, DATA, GIVEN)


def command_line(name: str, file: Path, given: Iterable[str], options: Iterable[str] = ()) -> str:
    """A command as it can be typed, with the settings `given`."""
    sets = [part for text in given for part in (SET, text)]
    return shlex.join(["graphnn", name, str(file), *options, *sets])
