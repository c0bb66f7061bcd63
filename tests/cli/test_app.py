"""What all commands have in common: usage, exit codes, colours, odd terminals."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import graphnn
from graphnn.cli import main
from graphnn.cli.app import COMMANDS, command
from graphnn.cli.commands import show

FILECOMMANDS = ("check", "show", "draw", "run", "test", "grad", "gradcheck", "train")
ESCAPE = "\x1b"


def test_the_version(call):
    assert call("--version").output == f"graphnn {graphnn.__version__}\n"


def test_without_a_command_the_help_is_shown(call):
    result = call()
    assert result.code == 2
    for name in COMMANDS:
        assert re.search(rf"^│ {name} ", result.out, re.MULTILINE), name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(call, name):
    result = call(name, "--help")
    assert result.code == 0
    assert f"Usage: graphnn {name} [OPTIONS]" in result.out
    # A help screen breaks its lines.
    assert command(name).__doc__.partition("\n")[0] in " ".join(result.out.split())


def test_an_unknown_command(call):
    assert call("chek").usage_error == (
        "error[usage]: no such command 'chek'. Did you mean 'check', 'gradcheck', 'schema'?\n"
        "   = help: run 'graphnn --help'\n"
    )


def test_an_unknown_option(call):
    assert call("check", "--bad", "x").usage_error == (
        "error[usage]: no such option: --bad\n   = help: run 'graphnn check --help'\n"
    )


def test_a_missing_argument(call):
    result = call("show")
    assert result.code == 2
    assert result.err == (
        "error[usage]: missing argument 'FILE'\n   = help: run 'graphnn show --help'\n"
    )


def test_a_value_that_is_no_choice(call):
    result = call("check", "x", "--format", "xml")
    assert result.code == 2
    assert result.err.startswith("error[usage]: '--format'")
    assert "'xml' is not one of 'text', 'short', 'json', 'sarif', 'github'" in result.err


@pytest.mark.parametrize("name", FILECOMMANDS)
def test_a_missing_file(call, name):
    result = call(name, "nosuch.yaml")
    assert result.code == 1
    assert "error[no-such-file]: there is no file 'nosuch.yaml'\n" in result.out + result.err


@pytest.mark.parametrize("name", FILECOMMANDS)
def test_a_file_that_is_no_spec(call, name):
    Path("bad.yaml").write_text("nodes: [")
    result = call(name, "bad.yaml")
    assert result.code == 1
    assert "--> bad.yaml:1:" in result.out + result.err


@pytest.mark.parametrize("name", FILECOMMANDS)
def test_a_setting_that_names_nothing(call, line, name):
    assert call(name, line, "--set", "featurs=3").usage_error == (
        "error[unknown-setting]: the setting 'featurs' is neither a size of the spec "
        "nor a value of its 'train' or of a node\n"
        "   = help: did you mean 'features'?\n"
    )


@pytest.mark.parametrize("name", FILECOMMANDS)
def test_a_setting_of_a_wrong_value_is_wrong_usage(call, line, name):
    result = call(name, line, "--set", "features=two")
    assert result.code == 2
    shown = result.out + result.err
    assert "the size 'features' must be a whole number" in shown
    assert ("  --> --set:1:11\n   |\n 1 | features: two\n   |           ^^^\n") in shown


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("features", "error[bad-option]: 'features' does not say what to set\n"),
        ("=3", "error[bad-option]: '=3' does not say what to set\n"),
        ("a: b=3", "error["),
        ("features=[1", "error["),
        ("a\nb=3", "error["),
        ("'features'=3", "error[bad-option]: ''features'' is not a name\n"),
    ],
)
def test_a_setting_that_cannot_be_read(call, line, setting, message):
    assert call("show", line, "--set", setting).usage_error.startswith(message)


def test_a_setting_replaces_a_size(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nsizes: {n: 2}\nnodes:\n  x: {op: input, shape: [batch, n]}\n"
        "  y: {op: relu, inputs: x}\n"
    )
    result = call("show", "net.yaml", "--set", "n = 7")
    assert result.code == 0
    assert "y     relu   x       [batch, 7]\n" in result.out


def test_no_escape_codes_where_nobody_looks(call, line):
    for arguments in (("show", line), ("check", line), ("test", line), ("ops",), ("--help",)):
        result = call(*arguments)
        assert ESCAPE not in result.out + result.err
    assert ESCAPE not in call("check", "nosuch.yaml").out
    assert ESCAPE not in call("show", "nosuch.yaml").err


def on_terminal(arguments: list[str], environment: dict[str, str]) -> str:
    """What the command line writes where its output is a terminal."""
    child, descriptor = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "graphnn", *arguments], environment)
    written = b""
    while True:
        try:
            read = os.read(descriptor, 1 << 16)
        except OSError:  # the other side is closed
            break
        if not read:
            break
        written += read
    os.waitpid(child, 0)
    os.close(descriptor)
    return written.decode()


def test_colours_on_a_terminal_unless_they_are_not_wanted(environment):
    Path("bad.yaml").write_text("graphnn: 2\nnodes: {x: {op: input, shape: []}}\n")
    environment |= {"TERM": "xterm-256color"}
    coloured = on_terminal(["check", "bad.yaml"], environment)
    assert coloured.startswith("\x1b[1;31merror[unknown-version]\x1b[0m")
    plain = on_terminal(["check", "bad.yaml"], {**environment, "NO_COLOR": "1"})
    assert ESCAPE not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_text_from_outside_cannot_move_the_cursor(call):
    name = "a\x1b[2Jb\x07.yaml"
    Path(name).write_text(
        "graphnn: 1\nnodes: {x: {op: input, shape: [batch]}}\n"
        'examples: [{about: "\\e[31mred\\u202e", inputs: {x: [1]}, outputs: {x: [1]}}]\n'
    )
    result = call("test", name)
    assert result.code == 0
    assert result.out == (
        "ok      a\ufffd[2Jb\ufffd.yaml:3: \ufffd[31mred\ufffd\n1 example in 1 file: all ok\n"
    )


def test_markup_in_text_stays_text(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nname: '[red]a[/red] :smile:'\nnodes: {x: {op: input, shape: []}}\n"
    )
    assert call("show", "net.yaml").out.startswith("[red]a[/red] :smile:\n")


@pytest.mark.parametrize("unbuffered", ["", pytest.param("1", marks=pytest.mark.slow)])
def test_a_reader_that_has_enough(start, unbuffered):
    process = start("ops", env={"PYTHONUNBUFFERED": unbuffered})
    process.stdout.close()
    assert process.wait(600) == 1
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_terminal_that_lacks_a_character(start):
    Path("net.yaml").write_text(
        "graphnn: 1\nname: naïve\nnodes: {x: {op: input, shape: []}}\n", encoding="utf-8"
    )
    process = start("show", "net.yaml", env={"PYTHONIOENCODING": "ascii"})
    out, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("na\\xefve\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt, EOFError])
def test_ctrl_c_outside_of_training(call, line, monkeypatch, error):
    def interrupted(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(show, "load", interrupted)
    result = call("show", line)
    assert (result.code, result.out, result.err.strip()) == (1, "", "interrupted")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError("9 GiB"), "error[out-of-memory]: there is not enough memory: 9 GiB\n"),
        (MemoryError(), "error[out-of-memory]: there is no memory left\n"),
        (OSError(28, "No space left", "x"), "error[system]: No space left: 'x'\n"),
    ],
)
def test_what_the_machine_lacks(call, line, monkeypatch, error, message):
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(show, "load", fail)
    assert call("show", line).error == message


def test_a_fault_of_our_own_is_not_hidden(call, line, monkeypatch):
    def fail(*arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(show, "load", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["show", line])


def test_a_name_that_no_file_can_have(call):
    result = call("show", "x" * 300)
    assert result.code == 1
    assert "error[" in result.err


@pytest.mark.parametrize("module", ["pydantic", "typer"])
def test_ctrl_c_while_modules_are_imported(start, environment, tmp_path, module):
    # A module that says when it is imported, and takes its time.
    (tmp_path / f"{module}.py").write_text(
        "import sys, time\nprint('imported', file=sys.stderr, flush=True)\ntime.sleep(100)\n"
    )
    path = os.pathsep.join((str(tmp_path), environment.get("PYTHONPATH", "")))
    process = start("--version", env={"PYTHONPATH": path})
    assert process.stderr.readline() == "imported\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=600) == ("", "interrupted\n")
    assert process.returncode == 1


def test_who_imports_graphnn_keeps_ctrl_c(environment):
    code = (
        "import signal, sys; sys.argv[0] = 'graphnn'; import graphnn; "
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("folder", [".", "folder"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "line.yaml", "--inputs"),
        ("run", "line.yaml", "--input", "x=$"),
        ("gradcheck", "line.yaml", "--inputs"),
        ("run", "line.yaml", "--input", "x=[[1, 2]]", "--save"),
        ("draw", "line.yaml", "--look"),
        ("draw", "line.yaml", "-o"),
        ("export", "line.yaml", "-o"),
        ("convert", "line.yaml", "-o"),
        ("schema", "-o"),
        ("import", "$", "-o", "out"),
    ],
    ids=" ".join,
)
def test_a_folder_in_the_place_of_a_file(call, line, arguments, folder):
    Path("folder").mkdir()
    given = [text.replace("$", folder) for text in arguments]
    result = call(*given, *([] if "$" in "".join(arguments) else [folder]))
    assert result.code == 1
    assert result.err.splitlines()[-1] == (f"error[not-a-file]: '{folder}' is a folder, not a file")
    assert sorted(Path().iterdir()) == [Path("folder"), Path("line.yaml")]
