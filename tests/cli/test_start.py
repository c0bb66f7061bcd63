"""What commands import, which is most of the time that they take for a small file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib

import pytest
import typer

from graphnn.cli.app import COMMANDS, application, listing, summary
from places import ROOT

CONTRACT = "Each third-party library has its one room"
COMPLETE = {"_GRAPHNN_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
# By command: libraries, but pydantic, which typer may import itself; then rooms of graphnn.
LIGHT = ("typer", "cli diagnostics ops storage")
CHECK = ("numpy typer yaml", "cli diagnostics execution graph ops spec storage training")
# What a sound file without properties, a search or settings has no use for.
UNUSED = "execution._properties execution._proofs spec.writing training.data training.studies"
MAY_IMPORT = {
    "--help": ("rich typer", "cli diagnostics ops storage"),
    "explain bad-size": LIGHT,
    "check and.yaml": CHECK,
    "show and.yaml": (
        "numpy rich typer yaml",
        "cli diagnostics execution graph interchange ops spec storage training",
    ),
    "fmt --check and.yaml": ("typer yaml", "cli diagnostics execution ops spec storage"),
    "ops affine": ("numpy rich typer", "cli diagnostics ops spec storage"),
    "check --help": ("rich typer", "cli diagnostics execution ops spec storage training"),
    "train --help": ("rich typer", "cli diagnostics execution ops spec storage training"),
}
PROGRAM = """
import sys
{before}
from graphnn.cli import main
try:
    main({arguments})
except SystemExit:
    names = [name.split('.') for name in sys.modules]
    libraries = {{name[0] for name in names}} & {libraries}
    rooms = {{name[1] for name in names if name[0] == 'graphnn' and name[1:]}}
    print(*sorted(libraries), file=sys.stderr)
    print(*sorted(rooms - {{'__main__'}}), file=sys.stderr)
"""


def libraries() -> set[str]:
    """All third-party libraries that a room may import, but pydantic."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = configuration["tool"]["importlinter"]["contracts"]
    (rooms,) = (each for each in contracts if each["name"] == CONTRACT)
    return {"numpy", *rooms["forbidden_modules"]}


def imported(arguments: list[str], environment: dict[str, str], before: str = "") -> list[str]:
    """The libraries and the rooms that are imported once a command has run."""
    program = PROGRAM.format(arguments=arguments, libraries=libraries(), before=before)
    return printed(program, environment).stderr.splitlines()[-2:]


def printed(program: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A fresh Python that has run `program`."""
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )


@pytest.fixture
def gate(here):
    shutil.copy(ROOT / "specs" / "gates" / "and.yaml", here)


@pytest.mark.parametrize("command", MAY_IMPORT)
def test_what_a_command_imports(environment, gate, command):
    assert imported(command.split(), environment) == [*MAY_IMPORT[command]]


@pytest.mark.parametrize("words", ["graphnn che", "graphnn check --s"])
def test_what_completion_imports(environment, gate, words):
    found, _ = imported([], {**environment, **COMPLETE, "COMP_WORDS": words})
    assert found == "typer"


@pytest.mark.slow
def test_what_an_import_too_many_shows(environment, gate):
    found, rooms = imported(["check", "and.yaml"], environment, before="import networkx")
    assert (found, rooms) == ("networkx numpy typer yaml", CHECK[1])


def test_what_checking_a_sound_file_leaves_out(environment, gate):
    names = [f"graphnn.{name}" for name in UNUSED.split()]
    program = PROGRAM.format(arguments=["check", "and.yaml"], libraries=set(), before="")
    program += f"    print(*({{*sys.modules}} & {{*{names}}}), file=sys.stderr)"
    assert printed(program, environment).stderr.splitlines()[-1] == ""


@pytest.mark.slow
def test_libraries_are_set_up_before_they_are_imported_but_for_what_the_user_has_set(
    environment, gate
):
    names = ["OPENBLAS_THREAD_TIMEOUT", "PYDANTIC_DISABLE_PLUGINS"]
    program = PROGRAM.format(arguments=["check", "and.yaml"], libraries=set(), before="")
    program += f"    import os; print(*[os.environ[name] for name in {names}], file=sys.stderr)"
    mine = {key: value for key, value in environment.items() if key not in names}
    for given, found in (({}, "20 1"), (dict(zip(names, ("28", "0"), strict=True)), "28 0")):
        assert printed(program, mine | given).stderr.splitlines()[-1] == found


def test_what_importing_graphnn_imports(environment):
    program = (
        "import sys, lazy_loader; before = {*sys.modules}; import graphnn; "
        "print(*sorted({name.partition('.')[0] for name in {*sys.modules} - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) - set(sys.stdlib_module_names) == {"graphnn"}


def test_a_list_of_commands_imports_none_and_says_what_each_does():
    every = typer.main.get_command(application()).commands
    listed = typer.main.get_command(listing()).commands
    assert list(listed) == list(every) == list(COMMANDS)
    for name, command in every.items():
        assert summary(name) == command.help.partition("\n\n")[0].strip()
        assert listed[name].get_short_help_str(200) == command.get_short_help_str(200)


@pytest.mark.parametrize("arguments", [["--", "check", "and.yaml"], ["--help", "check"]])
def test_a_command_that_is_not_named_first(call, gate, arguments):
    assert ("and.yaml: fine\n" in call(*arguments).out) is (arguments[0] == "--")
