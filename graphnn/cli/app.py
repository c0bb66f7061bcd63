"""The application: its commands, and what every one of them does with errors."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from graphnn import __version__
from graphnn.cli import streams, terminal
from graphnn.cli.import_option import importing
from graphnn.cli.options import misused
from graphnn.diagnostics import Diagnostic, GraphnnError, suggestion

FINE, WRONG, MISUSED = 0, 1, 2  # exit codes: all is well; the file or data is not; the call is not
_INTERRUPTED = 130  # what Typer makes of Ctrl-C
_CHOICE = re.compile(r"'([^']*)' is not one of (.*)")
_PANELS = {
    "Write and look": "new check explain show schema fmt diff convert export import lsp draw "
    "preview ops",
    "Compute": "test run grad gradcheck train search evaluate predict",
}
COMMANDS = {name: panel for panel, names in _PANELS.items() for name in names.split()}


_SUMMARY = r'^def {}\(.*?"""(.+?)(?:\n\s*\n|""")'


def command(name: str) -> Callable[..., int | None]:
    """The function of a command, whose module is imported when it is asked for."""
    own = _own(name)
    found: Callable[..., int | None] = getattr(import_module(f"graphnn.cli.commands.{own}"), own)
    return found


@cache
def application(*names: str) -> typer.Typer:
    """The application with the commands called `names`; by default with all."""
    app = _without_commands()
    for name in names or COMMANDS:
        app.command(name, rich_help_panel=COMMANDS[name])(importing(command(name)))
    return app


@cache
def listing() -> typer.Typer:
    """The application where no command is called: it lists them all, and imports none."""
    app = _without_commands()
    for name in COMMANDS:
        app.command(name, rich_help_panel=COMMANDS[name], help=summary(name))(_listed)
    return app


def summary(name: str) -> str:
    """What a command does, in a sentence, read from the text of its module.

    Reading all takes a tenth of the time of importing them.
    """
    own = _own(name)
    text = Path(__file__).with_name("commands").joinpath(f"{own}.py").read_text(encoding="utf-8")
    found = re.search(_SUMMARY.format(own), text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def _own(name: str) -> str:
    return f"{name}_" if iskeyword(name) else name


def _without_commands() -> typer.Typer:
    app = typer.Typer(
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(graphnn)
    return app


def _listed() -> None:
    """Stand for a command in a list; nothing calls it."""


def graphnn(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Neural networks as text files: declared, checked, drawn, run, differentiated and trained."""
    if version:
        terminal.line(f"graphnn {__version__}")
        raise typer.Exit(FINE)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(MISUSED)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line `arguments`, by default the process's own, and exit.

    The exit code is 0 when all is well, 1 when something is wrong with a file or the data, and 2
    when the command was called in a way that makes no sense.
    """
    code = WRONG
    if not streams.prepare():
        terminal.report([Diagnostic("system", "standard output is closed")])
        sys.exit(code)
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        code = WRONG  # whoever reads has enough
    except OSError as error:
        code = WRONG
        with suppress(OSError):
            terminal.report([Diagnostic("system", streams.fault(error))])
    streams.discard()
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        app = _needed(arguments)
        code: Any = app(arguments, prog_name="graphnn", standalone_mode=False)
    except GraphnnError as error:
        terminal.report(error.diagnostics)
        return MISUSED if misused(error) else WRONG
    except MemoryError as error:
        message = (
            f"there is not enough memory: {error}" if str(error) else "there is no memory left"
        )
        terminal.report([Diagnostic("out-of-memory", message)])
        return WRONG
    except OSError:
        raise
    except Exception as error:
        # Typer names its own errors differently from version to version.
        if hasattr(error, "format_message"):
            terminal.report([_misuse(error)])
            return MISUSED
        if not isinstance(error, typer.Abort):
            from graphnn.ops.own import fault_of

            if (fault := fault_of(error)) is None:
                raise
            terminal.report([fault])
            return WRONG
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        terminal.remark("interrupted")
        return WRONG
    return FINE if code is None else int(code)


def _needed(arguments: Sequence[str] | None) -> typer.Typer:
    """The application with the command that is called alone, so that no other is imported."""
    given = sys.argv[1:] if arguments is None else arguments
    if "_GRAPHNN_COMPLETE" in os.environ:  # a shell asks what to offer for the words so far
        given = os.environ.get("COMP_WORDS", "").split()[1:]
    if given and given[0] in COMMANDS:
        return application(given[0])
    return listing() if COMMANDS.keys().isdisjoint(given) else application()


def _misuse(error: Any) -> Diagnostic:
    message = error.format_message().removeprefix("Invalid value for ").rstrip(".")
    command = error.ctx.command_path if getattr(error, "ctx", None) else "graphnn"
    message = message[:1].lower() + message[1:].replace("Value error, ", "", 1)
    help = f"run '{command} --help'"
    if found := _CHOICE.search(message):
        help = suggestion(found[1], re.findall("'(.*?)'", found[2]), help)
    return Diagnostic("usage", message, help=help)
