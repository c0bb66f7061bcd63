"""The options of `GradientOptions` as those of a command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any

import typer

from graphnn.cli import errors, progress
from graphnn.diagnostics import Diagnostic, UsageError
from graphnn.execution import Network
from graphnn.gradients import GradientOptions, Interrupted

Chosen = Mapping[str, Any]


def taking(record: type[GradientOptions]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace the parameter `chosen` of a command by an option for each field of `record`.

    The command is given those as a mapping.
    """
    typed = record.typed()
    options = []
    for name, (kind, default, how) in typed.items():
        shown = default // how.unit if how.unit > 1 else default
        option = typer.Option(shown, help=how.help, metavar=how.metavar, min=how.least)
        options.append(Parameter(name, Parameter.KEYWORD_ONLY, default=option, annotation=kind))

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(command)
        def call(**given: Any) -> int:
            chosen = {
                name: given.pop(name) * how.unit if how.unit > 1 else given.pop(name)
                for name, (_, _, how) in typed.items()
            }
            chosen["only"] = chosen["only"] or None
            chosen["entries"] = entries(chosen["entries"])
            return command(chosen=chosen, **given)

        own = inspect.signature(command, eval_str=True).parameters
        before = list(own).index("chosen")
        others = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own.values()]
        parameters = [*others[:before], *options, *others[before + 1 :]]
        call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {}
        return call

    return decorate


def entries(given: Sequence[str] | None) -> int | list[str] | None:
    """What ``--entries`` asks for: how many, or which.

    Raises
    ------
    UsageError
        A number stands beside something else.
    """
    if not given:
        return None
    numbers = [text for text in given if text.strip().lstrip("-").isdigit()]
    if not numbers:
        return list(given)
    if len(given) > 1:
        message = f"'--entries {numbers[0]}' cannot be combined with entry names"
        raise UsageError(Diagnostic("bad-option", message))
    return int(numbers[0])


def computed(
    of: Callable[..., Any], net: Network, arrays: Mapping[str, Any], chosen: Chosen
) -> tuple[Any, Interrupted | None]:
    """What a function of gradients finds, or found until Ctrl-C, and the interruption."""
    try:
        with errors.explained(net), progress.counting("entries") as callback:
            return of(net, arrays, **chosen, progress=callback), None
    except Interrupted as stop:
        return stop.estimates if stop.report is None else stop.report, stop
