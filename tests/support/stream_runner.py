"""Runs commands whose standard streams are closed, full or cut short: a generator of such calls.

``python tests/support/stream_runner.py COUNT SEED`` draws that many calls, runs each in a child
forked from one process that has imported all, and prints what is wrong with those that end badly.
"""

from __future__ import annotations

import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO

import numpy as np

from graphnn.cli import main
from graphnn.cli.app import COMMANDS

WALL = 600  # seconds, after which a call hangs, whatever the machine
LONGEST = 20_000  # bytes of messages
SMALL = 512  # bytes that a file may grow to
CUT = 40  # bytes that a reader takes before it leaves
SEEN_NOWHERE = ("Traceback", "Exception ignored", "'None'")
SOUND = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
outputs: [y]
examples:
- {inputs: {x: [[1, 2]]}, outputs: {y: {sum: 1}}}
train:
  data: {npz: {file: rows.npz, x: x, t: t}}
  test: 2
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 0.1}}
  epochs: 2
  search: {trials: 2, vary: {learning_rate: {low: 0.1, high: 1}}}
"""
BAD = SOUND.replace("softmax", "sofmax").replace("inputs: x", "inputs: z")
CALLS = [
    *([name, "--help"] for name in COMMANDS),
    *([], ["--version"], ["--help"], ["bogus"], ["check"], ["check", "none.yaml"]),
    *(["check", file] for file in ("net.yaml", "bad.yaml")),
    *(["check", "bad.yaml", "--format", kind] for kind in ("json", "short", "sarif", "github")),
    *(["explain"], ["explain", "cycle"], ["schema"], ["ops"], ["ops", "affine"]),
    *(["show", "net.yaml"], ["show", "bad.yaml"], ["new", "new"]),
    *(["fmt", "--check", "net.yaml"], ["fmt", "--diff", "net.yaml"], ["fmt", "net.yaml"]),
    *(["diff", "net.yaml", "other.yaml"], ["convert", "net.yaml", "-o", "net.json"]),
    *(["draw", "net.yaml"], ["draw", "net.yaml", "-o", "net.dot"], ["test", "net.yaml"]),
    *(["run", "net.yaml", "--input", "x=[[1, 2]]"], ["run", "net.yaml"]),
    *(["grad", "net.yaml"], ["gradcheck", "net.yaml"], ["lsp"]),
    *(["train", "net.yaml"], ["train", "net.yaml", "-o", "run"], ["search", "net.yaml"]),
    *(["evaluate", "net.yaml", "--weights", "run"], ["evaluate", "net.yaml"]),
    ["predict", "net.yaml", "rows.csv", "--weights", "run"],
]
INPUTS = ("empty", "closed")
OUTPUTS = ("read", "closed", "full", "read-only", "left", "cut", "small")


@dataclass(frozen=True)
class Call:
    """A command, and what becomes of its standard input, output and error."""

    arguments: tuple[str, ...]
    streams: tuple[str, str, str]
    unbuffered: bool


def draw(count: int, seed: int) -> list[Call]:
    """Calls at random; the least common streams as often as the others."""
    chance = random.Random(seed)
    return [
        Call(
            tuple(chance.choice(CALLS)),
            (chance.choice(INPUTS), chance.choice(OUTPUTS), chance.choice(OUTPUTS)),
            chance.random() < 0.5,
        )
        for _ in range(count)
    ]


def prepare(folder: Path) -> None:
    """The files that the commands read, and all modules that they import."""
    (folder / "net.yaml").write_text(SOUND)
    (folder / "bad.yaml").write_text(BAD)
    (folder / "other.yaml").write_text(SOUND.replace("units: 2", "units: 3"))
    (folder / "rows.csv").write_text("x.0,x.1\n1,2\n3,4\n")
    np.savez(folder / "rows.npz", x=np.eye(6, 2), t=np.arange(6) % 2)
    os.chdir(folder)
    for arguments in (["train", "net.yaml", "-o", "run"], ["search", "net.yaml"], ["ops"]):
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), suppress(SystemExit):
            main(arguments)
    shutil.rmtree("runs", ignore_errors=True)


def complaints(call: Call, files: Path) -> list[str]:
    """What is wrong with how a call ends, in a copy of the folder `files`."""
    usual, out, _ = ended(Call(call.arguments, ("empty", "read", "read"), False), files)
    code, _, said = ended(call, files)
    found = [f"{word}: {said[-600:]}" for word in SEEN_NOWHERE if word in said]
    if len(said) > LONGEST:
        found.append(f"{len(said)} bytes of messages")
    silent = not out and call.streams[1] != "closed"
    possible = {usual} if silent or call.streams[1] == "read" else {1, usual if usual else 1}
    if call.streams[1] in ("left", "cut", "small") or call.streams[2] != "read":
        possible |= {1, usual}  # what is written before anybody is gone is fine
    if code not in possible:
        found.append(f"ends with {code}, not with one of {possible}")
    return found


@cache
def ended(call: Call, files: Path) -> tuple[int, str, str]:
    """The exit code of a call, and what can be read of its output and errors."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        shutil.copytree(files, place)
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.chdir(place)
                _become(call, place.parent)
                code = _code(call)
            except BaseException:
                (place.parent / "err").write_text(traceback.format_exc())
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        names = [place.parent / name for name in ("out", "err")]
        said = [path.read_text(errors="replace") if path.exists() else "" for path in names]
    return code, *said


def _become(call: Call, folder: Path) -> None:
    """Give this process the streams of `call`, as Python finds them when it starts."""
    signal.alarm(WALL)
    if "small" in call.streams:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))
    for number, kind in enumerate(call.streams):
        file = folder / ("in", "out", "err")[number]
        os.close(number)
        if kind == "closed":
            continue
        opened = _open(kind, file)
        os.dup2(opened, number)
        if opened != number:
            os.close(opened)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = None if call.streams[number] == "closed" else _stream(number, call.unbuffered)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _code(call: Call) -> int:
    """What the process ends with, as Python ends it."""
    try:
        main(call.arguments)
    except SystemExit as end:
        code = end.code
    except BaseException:
        code = 1
        with suppress(OSError):
            traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = 120
    return code


def _open(kind: str, file: Path) -> int:
    if kind in ("empty", "read-only"):
        return os.open(os.devnull, os.O_RDONLY)
    if kind == "full":
        return os.open("/dev/full", os.O_WRONLY)
    if kind in ("read", "small"):
        return os.open(file, os.O_WRONLY | os.O_CREAT)
    source, end = os.pipe()
    if kind == "left" or os.fork():
        os.close(source)
        return end
    os.close(end)  # the reader of "cut"
    os.read(source, CUT)
    os._exit(0)


def _stream(number: int, unbuffered: bool) -> TextIO:
    if number == 0:
        return io.TextIOWrapper(open(0, "rb", closefd=False), encoding="utf-8")
    at_once = unbuffered or number == 2
    raw = open(number, "wb", 0 if at_once else -1, closefd=False)  # noqa: SIM115
    errors = "backslashreplace" if number == 2 else "strict"
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, write_through=at_once)


def run(count: int, seed: int) -> Iterator[tuple[Call, list[str]]]:
    """Calls at random, and what is wrong with each."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder).resolve()
        prepare(files)
        for call in draw(count, seed):
            yield call, complaints(call, files)
        os.chdir("/")


if __name__ == "__main__":
    wrong = 0
    for call, found in run(int(sys.argv[1]), int(sys.argv[2])):
        if found:
            wrong += 1
            print(call, *found, sep="\n  ", flush=True)
    print(f"{sys.argv[1]} calls, {wrong} end badly")
