"""The option ``--import`` that every command has, and the modules of the project."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

import typer

from graphnn.ops.imports import import_modules, import_project

_OPTION = typer.Option(
    None,
    "--import",
    metavar="MODULE",
    help="Import a Python module with ops of your own first. May be repeated.",
)


def importing(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """The command, with the option, and after the imports of the project in this folder."""

    @functools.wraps(command)
    def call(*, modules: list[str] | None, **given: Any) -> int | None:
        import_project(Path.cwd())
        import_modules(modules or ())
        return command(**given)

    own = inspect.signature(command, eval_str=True).parameters.values()
    keywords = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own]
    option = Parameter(
        "modules", Parameter.KEYWORD_ONLY, default=_OPTION, annotation=list[str] | None
    )
    call.__signature__ = Signature([*keywords, option])  # type: ignore[attr-defined]
    call.__annotations__ = {}
    return call
