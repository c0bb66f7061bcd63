from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphnn.cli import main
from graphnn.drawing.plots import contours

# One layer whose loss and gradient can be worked out by hand.
LINE = """\
graphnn: 1
name: line
sizes: {features: 2}
nodes:
  x: {op: input, shape: [batch, features]}
  t: {op: input, shape: [batch, 1]}
  a: {op: affine, inputs: x, weight: [[2], [-1]], bias: [0.5]}
  loss: {op: mean_squared_error, inputs: [a, t]}
outputs: [a]
examples:
  - about: by hand
    inputs: {x: [[1, 2], [3, 4]]}
    outputs: {a: [[0.5], [2.5]]}
"""
DESCENT = """\
graphnn: 1
nodes:
  x: {op: parameter, shape: [2], value: [-3, 4]}
  squares: {op: power, inputs: x, exponent: 2}
  f: {op: sum, inputs: squares}
train: {loss: f, optimizer: {sgd: {learning_rate: 0.1}}, epochs: 3}
"""


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def output(self) -> str:
        """What was printed by a call that succeeded, and said nothing else."""
        assert (self.code, self.err) == (0, "")
        return self.out

    @property
    def error(self) -> str:
        """What was said by a call that failed, and printed nothing."""
        assert (self.code, self.out) == (1, "")
        return self.err

    @property
    def usage_error(self) -> str:
        """What was said by a call that is refused as it is written."""
        assert (self.code, self.out) == (2, "")
        return self.err


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, and an environment without wishes about colour."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERMINAL_WIDTH", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the command line in this process."""

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        captured = capsys.readouterr()
        return Result(exit.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def environment() -> dict[str, str]:
    """What a process of its own needs to find the package."""
    return {**os.environ, "PYTHONIOENCODING": "utf-8"}


def _heed_signals() -> None:
    """Undo what a shell or nohup has what it starts ignore, which is inherited."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def start(environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start the command line in a process of its own."""

    def run(*arguments: str, **options: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "graphnn", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, **options.pop("env", {})},
            preexec_fn=_heed_signals,
            **options,
        )

    return run


@pytest.fixture
def line(here: Path) -> str:
    Path("line.yaml").write_text(LINE)
    return "line.yaml"


@pytest.fixture
def descent(here: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(contours, "_MESH", 21)  # at each point of which the network is run
    Path("descent.yaml").write_text(DESCENT)
    return "descent.yaml"
