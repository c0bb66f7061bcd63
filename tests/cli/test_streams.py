"""Standard output and standard error that are closed or full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphnn.cli import main
from graphnn.cli.app import COMMANDS

FULL = "error[system]: cannot write to standard output: No space left on device\n"
CLOSED = "error[system]: standard output is closed\n"
CALLS = [
    ["--version"],
    *([name, "--help"] for name in COMMANDS),
    ["check", "line.yaml"],
    ["check", "--format", "json", "line.yaml"],
    ["show", "line.yaml"],
    ["schema"],
    ["explain"],
    ["ops"],
    ["fmt", "--diff", "line.yaml"],
    ["test", "line.yaml"],
    ["run", "line.yaml", "--input", "x=[[1, 2]]"],
    ["grad", "line.yaml"],
    ["gradcheck", "line.yaml"],
    ["draw", "line.yaml"],
    ["convert", "line.yaml", "-o", "line.json"],
    ["train", "descent.yaml"],
]
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
pytestmark = pytest.mark.usefixtures("line", "descent")


def called(arguments):
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    return exit.value.code


@needs_full
@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_a_full_output_is_one_line(arguments, monkeypatch, capsys, no_plots):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code = called(arguments)
    assert code == 1
    assert capsys.readouterr().err.endswith(FULL)


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_a_closed_output_is_one_line(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    code = called(arguments)
    sys.stdout.close()
    assert code == 1
    assert capsys.readouterr().err == CLOSED


@pytest.mark.parametrize("unbuffered", ["", pytest.param("1", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("streams", "code", "out", "err"),
    [
        (">&-", 1, "", CLOSED),
        pytest.param(">/dev/full", 1, "", FULL, marks=needs_full),
        ("2>&-", 0, "line.yaml: fine\n", ""),
        ("<&- >&- 2>&-", 1, "", ""),
        pytest.param(">/dev/full 2>/dev/full", 1, "", "", marks=needs_full),
    ],
)
def test_in_a_process_of_its_own(streams, code, out, err, unbuffered, environment):
    command = f"{sys.executable} -m graphnn check line.yaml {streams}"
    environment["PYTHONUNBUFFERED"] = unbuffered
    done = subprocess.run(
        command, shell=True, env=environment, capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)


@needs_full
@pytest.mark.parametrize("arguments", [["bogus"], ["train", "descent.yaml"], ["run", "line.yaml"]])
def test_a_full_error_stream_ends_without_a_traceback(arguments, environment):
    command = [sys.executable, "-m", "graphnn", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=full, timeout=600
        )
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize(("kept", "err"), [(True, "interrupted\n"), (False, "")])
def test_an_interrupt_ends_in_order_where_the_error_stream_is_closed(
    kept, err, monkeypatch, capsys
):
    def interrupted(_):
        if not kept:
            sys.stderr = None
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stderr", sys.stderr)  # put back at the end
    monkeypatch.setattr("graphnn.cli.app.main", interrupted)
    assert called(["--version"]) == 1
    if not kept:
        sys.stderr.close()
    assert capsys.readouterr().err == err


@pytest.mark.parametrize(("streams", "err"), [("", b"interrupted\n"), ("2>&-", b"")])
def test_an_interrupt_of_the_imports_exits_where_the_error_stream_is_closed(
    streams, err, environment
):
    code = (
        "from graphnn.cli import early_interrupt\n"
        "try: early_interrupt._end(2, None)\n"
        "except OSError: print('resumed')"
    )
    command = f'{sys.executable} -c "{code}" {streams}'
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", err)


def test_files_do_not_take_the_numbers_of_closed_streams(environment):
    code = (
        "import os, sys; from graphnn.cli import streams; streams.prepare(); "
        "os._exit(os.open(sys.executable, os.O_RDONLY))"
    )
    command = f"{sys.executable} -c '{code}' <&- >&- 2>&-"
    done = subprocess.run(command, shell=True, env=environment, timeout=600)
    assert done.returncode > 2


def test_an_error_of_the_system_names_its_file():
    from graphnn.cli import streams

    assert streams.fault(PermissionError(1, "Not permitted", "x")) == "Not permitted: 'x'"
    assert streams.fault(OSError(11, os.strerror(11))) == "Resource temporarily unavailable"
    assert streams.fault(OSError("odd")) == "odd"
