"""The reference of all commands, written from the application; called by the build."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from graphnn.cli.app import COMMANDS, application

_MARKUP = re.compile(r"([\\`*_<>{}\[\]|$])")
_CODE = re.compile(r"((?<!\w)'[^']+'(?!\w)|(?<!\w)--[a-z][a-z-]*)")
_EVERYWHERE = ("modules", "help")  # options that every command has


def write(folder: Path) -> None:
    """Write ``commands.md`` into `folder`, a section for each command."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "commands.md").write_text("\n".join(_sections()) + "\n", encoding="utf-8")


def _sections() -> Iterator[str]:
    found: Any = typer.main.get_command(application())
    panels = dict.fromkeys(COMMANDS.values())
    yield "| | |\n|---|---|"
    for panel in panels:
        names = (name for name, its in COMMANDS.items() if its == panel)
        yield f"| {panel} | {', '.join(f'[{name}](#graphnn-{name})' for name in names)} |"
    yield ""
    for name in COMMANDS:
        yield from _section(name, found.commands[name])


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [
        each
        for each in command.params
        if each.param_type_name == "option" and each.name not in _EVERYWHERE
    ]
    yield f"## graphnn {name}\n"
    usage = [f"graphnn {name}", *["[OPTIONS]"][: len(options)], *map(_argument, arguments)]
    yield f"```text\n{' '.join(usage)}\n```\n"
    yield escaped(inspect.cleandoc(command.help)) + "\n"
    for each in arguments:
        yield f"`{each.metavar or each.name.upper()}`\n: {_about(each)}\n"
    for each in options:
        yield f"{_option(each)}\n: {_about(each)}\n"


def _argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    name = f"{name.removesuffix('...')}..." if argument.nargs == -1 else name
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = sorted(option.opts, key=len, reverse=True)
    value = "" if option.is_flag else f" {_value(option)}"
    shown = [f"`{names[0]}{value}`", *(f"`{name}`" for name in names[1:])]
    return ", ".join([*shown, *(f"`{name}`" for name in option.secondary_opts)])


def _value(option: Any) -> str:
    kind = option.type_descriptor.annotation
    named = {int: "NUMBER", float: "NUMBER", str: "TEXT"}.get(kind, option.name.upper())
    return str(option.metavar or named)


def _about(parameter: Any) -> str:
    sentences = [escaped(parameter.help or "")]
    kind = parameter.type_descriptor.annotation
    if get_origin(kind) is Literal:
        sentences.append(f"One of {', '.join(f'`{value}`' for value in get_args(kind))}.")
    default = parameter.default
    if default is True:
        sentences.append("On by default.")
    elif parameter.show_default and default not in (None, False):
        sentences.append(f"By default `{default}`.")
    return " ".join(filter(None, sentences))


def escaped(text: str) -> str:
    """A text of the terminal as Markdown: quoted texts and options are code, no more is markup."""
    parts = []
    for number, part in enumerate(_CODE.split(text)):
        code = part.strip("'")
        parts.append(f"`{code}`" if number % 2 else _MARKUP.sub(r"\\\1", part))
    return "".join(parts)


if __name__ == "__main__":
    write(Path(__file__).parent / "tables")
