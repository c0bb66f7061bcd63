"""Runs the examples on pages of documentation, and reports where they show what is not so.

On a page, in order and in one folder that holds a copy of ``specs/``:

- a ``yaml`` or ``python`` block whose first line is ``# name`` is that file;
- any other ``python`` block is executed, ``pycon`` too with what it prints compared;
- in a ``console`` block, commands follow ``$``, and what is shown below one is compared with what
  it prints. Nothing shown means nothing compared, a line ``...`` stands for any lines, and dots
  within a line for any text. A command ends with code 0, unless its output shows an error or the
  next command is ``echo $?``;
- any other ``yaml`` or ``json`` is a fragment of a spec, and whole when it says ``graphnn: 1``.
- ``py``, ``js``, ``sh`` and the like are shown, and not run.

``python tests/support/docs_pages.py PAGE...`` puts what is really printed in place of every output
that is not so; write ``?`` for one that is still unknown.
"""

from __future__ import annotations

import argparse
import doctest
import importlib
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import settings

from nested_pytest import run_pytest
from places import ROOT

_FENCE = re.compile(r"(?P<indent> *)(?P<marks>```+) *(?P<language>[^`]*)")
_NAME = re.compile(r"# ([\w./-]+\.(?:yaml|py))")
_INSTALLS = ("pip",)  # it would change the machine
_SHOWN_ONLY = ("text", "sh", "toml", "py", "js", "lua", "elisp")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the page that its text starts at."""

    language: str
    text: str
    line: int
    indent: str = ""

    @property
    def name(self) -> str | None:
        """The file that the block is, if it is one."""
        found = _NAME.fullmatch(self.text.partition("\n")[0])
        return found.group(1) if found else None


class MismatchError(AssertionError):
    """A page shows what is not so."""


def docs_module(name: str) -> Any:
    """A module of the folder of the pages, such as ``plots.comparison``."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def pages() -> list[Path]:
    """All pages that a person reads, generated ones apart."""
    docs = ROOT / "docs"
    made = [docs / name for name in ("_build", "errors", "figures", "ops", "tables")]
    found = [page for page in docs.rglob("*.md") if not any(page.is_relative_to(m) for m in made)]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(found)]


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    lines = page.split("\n")
    at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        at += 1
        if fence is None:
            continue
        marks, indent = fence["marks"], fence["indent"]
        end = next(n for n in range(at, len(lines)) if lines[n].strip() == marks)
        text = "\n".join(line.removeprefix(indent) for line in lines[at:end])
        yield Block(fence["language"].strip(), text, at + 1, indent)
        at = end + 1


@contextmanager
def folder(place: Path) -> Iterator[None]:
    """Work in `place`, with the specs and with modules that lie there."""
    from graphnn.ops import registered

    shutil.copytree(ROOT / "specs", place / "specs")
    modules = set(sys.modules)
    sys.path.insert(0, str(place))
    try:
        with chdir(place), registered(), _same_draws():
            yield
    finally:
        sys.path.remove(str(place))
        for name in set(sys.modules) - modules:
            if str(place) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


@contextmanager
def _same_draws() -> Iterator[None]:
    """Have Hypothesis draw the same each time, so that a page shows one smallest case."""
    settings.register_profile("before", settings.default)
    settings.register_profile("pages", settings.default, derandomize=True, database=None)
    settings.load_profile("pages")
    try:
        yield
    finally:
        settings.load_profile("before")


class Runner:
    """Runs the blocks of one page, in the current folder.

    Parameters
    ----------
    name : str
        Of the page, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._code = 0

    def __call__(self, block: Block) -> str:
        """The text of the block as it should be.

        Raises
        ------
        MismatchError
            The block has no output to correct, and is wrong.
        """
        if block.language in _SHOWN_ONLY or block.language.startswith("{"):
            return block.text
        if block.name is not None:
            path = Path(block.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text + "\n")
            return block.text
        run = getattr(self, f"_{block.language}", None)
        if run is None:
            raise MismatchError(f"{self._at(block)}: nobody knows how to run '{block.language}'")
        return run(block)

    def _at(self, block: Block) -> str:
        return f"{self.name}:{block.line}"

    def _python(self, block: Block) -> str:
        # Padded so that a traceback names the line of the page.
        padded = "\n" * (block.line - 1) + block.text
        with redirect_stdout(io.StringIO()):
            exec(compile(padded, self.name, "exec"), self._names)
        return block.text

    def _pycon(self, block: Block) -> str:
        lines = block.text.split("\n")
        examples = doctest.DocTestParser().get_examples(block.text, self._at(block))
        found = [(example, self._evaluate(example, block)) for example in examples]
        # From the end, so that a longer output moves no line that is still to come.
        for example, actual in reversed(found):
            if not fits(example.want, actual):
                start = example.lineno + example.source.count("\n")
                stop = start + example.want.count("\n")
                lines[start:stop] = actual.split("\n")[:-1]
        return "\n".join(lines)

    def _evaluate(self, example: doctest.Example, block: Block) -> str:
        out = io.StringIO()
        place = f"{self.name}:{block.line + example.lineno}"
        with redirect_stdout(out):
            try:
                exec(compile(example.source, place, "single"), self._names)
            except Exception as error:
                if "Traceback" not in example.want:
                    raise
                out.write(f"Traceback (most recent call last):\n  ...\n{_named(error)}\n")
        return out.getvalue()

    def _console(self, block: Block) -> str:
        commands = _commands(block.text)
        shown = []
        for number, (command, wanted) in enumerate(commands):
            following = commands[number + 1][0] if number + 1 < len(commands) else ""
            actual = self._line(command, block)
            fails = "error[" in wanted or following == "echo $?"
            if self._code and not fails and wanted != "?\n":
                raise MismatchError(
                    f"{self._at(block)}: `{command}` ends with {self._code}:\n{actual}"
                )
            fine = not wanted or fits(wanted, actual)
            shown.append(f"$ {command}\n")
            shown.append(wanted if fine else actual)
        return "".join(shown).rstrip("\n")

    def _line(self, line: str, block: Block) -> str:
        output = ""
        for part in line.split("&&"):
            program, *arguments = shlex.split(part.replace("\\\n", " "))
            if program == "graphnn":
                self._code, text = command(arguments)
            elif program == "echo" and arguments == ["$?"]:
                text, self._code = f"{self._code}\n", 0
            elif program == "cat":
                text = "".join(Path(name).read_text() for name in arguments)
            elif program == "ls":
                names = sorted(p.name for p in Path(*arguments).iterdir())
                text = "".join(f"{name}\n" for name in names if not name.startswith("."))
            elif program == "pytest" and arguments:
                self._code, text = run_pytest(*arguments)
            elif program in _INSTALLS or program == "pytest":  # all tests hold this one
                text = ""
            else:
                raise MismatchError(f"{self._at(block)}: nobody knows how to run `{part.strip()}`")
            output += text
        return output

    def _yaml(self, block: Block) -> str:
        import graphnn
        from graphnn.spec import reader
        from graphnn.spec.values import plain

        document = reader.read(block.text, self._at(block), json=block.language == "json")
        if "graphnn" in document:
            graphnn.loads(plain(document))
        return block.text

    _json = _yaml


def command(arguments: list[str]) -> tuple[int, str]:
    """Exit code of a command, and all that it prints."""
    from graphnn.cli import main

    out = io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(out):
            main(arguments)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    raise MismatchError("a command did not end")


def fits(wanted: str, actual: str) -> bool:
    """Whether `actual` is what a page shows as `wanted`, trailing spaces apart."""
    pattern = ""
    for line in wanted.rstrip("\n").split("\n"):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            parts = [re.escape(part) for part in line.rstrip().split("...")]
            pattern += r".*?".join(parts) + r" *\n"
    return re.fullmatch(pattern, actual.rstrip("\n") + "\n") is not None


def _named(error: Exception) -> str:
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}: {error}"


def _commands(text: str) -> list[tuple[str, str]]:
    """Commands of a console block, each with the output shown below it."""
    found: list[list[str]] = []
    goes_on = False
    for line in text.split("\n"):
        if goes_on:
            found[-1][0] += "\n" + line
        elif line.startswith("$ "):
            found.append([line[2:], ""])
        else:
            found[-1][1] += line + "\n"
        goes_on = found[-1][0].endswith("\\") and not found[-1][1]
    return [(command, output) for command, output in found]


def corrected(page: Path) -> str:
    """The text of a page with every output as it should be, run in the current folder."""
    text = page.read_text()
    run = Runner(page.name)
    lines = text.split("\n")
    done = [(block, run(block)) for block in blocks(text)]
    for block, should in reversed(done):
        start = block.line - 1
        stop = start + len(block.text.split("\n"))
        if should != block.text:
            lines[start:stop] = [f"{block.indent}{line}".rstrip() for line in should.split("\n")]
    return "\n".join(lines)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Put real outputs on pages of documentation.")
    parser.add_argument("page", nargs="*", type=Path, default=pages())
    sys.path.insert(0, str(ROOT))
    os.environ["MPLBACKEND"] = "agg"
    for page in parser.parse_args().page:
        with tempfile.TemporaryDirectory() as place:
            page = page.resolve()
            with folder(Path(place)):
                text = corrected(page)
        if text != page.read_text():
            page.write_text(text)
            print(f"{page.relative_to(ROOT)} is corrected")  # noqa: T201


if __name__ == "__main__":
    _main()
