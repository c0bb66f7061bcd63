"""The fields of a record of options as the options of a command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Any, TypeVar

import typer

from graphnn.execution.options import typed

Chosen = Mapping[str, Any]
Code = TypeVar("Code", bound=int | None)


def taking(
    record: type[Any], **readers: Callable[[Any], Any]
) -> Callable[[Callable[..., Code]], Callable[..., Code]]:
    """Replace the parameter `chosen` of a command by an option for each field of `record`.

    The command is given those as a mapping, after what one of `readers` makes of each.
    """
    options = typed(record)
    parameters = []
    for name, (kind, default, how) in options.items():
        shown = default // how.unit if how.unit > 1 else default
        # An option that is off has no opposite.
        names = [f"--{name.replace('_', '-')}"] if default is False else []
        option = typer.Option(shown, *names, help=how.help, metavar=how.metavar, min=how.least)
        parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, default=option, annotation=kind))

    def decorate(command: Callable[..., Code]) -> Callable[..., Code]:
        @functools.wraps(command)
        def call(**given: Any) -> Code:
            chosen = {}
            for name, (_, _, how) in options.items():
                value = given.pop(name)
                value = value * how.unit if how.unit > 1 else value
                value = None if value == [] else value
                chosen[name] = readers[name](value) if name in readers else value
            return command(chosen=chosen, **given)

        own = inspect.signature(command, eval_str=True).parameters
        before = list(own).index("chosen")
        others = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own.values()]
        every = [*others[:before], *parameters, *others[before + 1 :]]
        call.__signature__ = Signature(every)  # type: ignore[attr-defined]
        call.__annotations__ = {}
        return call

    return decorate
