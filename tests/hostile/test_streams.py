"""Calls at random with standard streams that are closed, full or left: each ends in order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")

RUNNER = Path(__file__).parents[1] / "support" / "stream_runner.py"
# Streams are taken as Python gives them, which is None for a closed one.
UNPREPARED = f"""
import sys; sys.path.insert(0, {str(RUNNER.parent)!r})
import stream_runner
from graphnn.cli import streams

streams.prepare = lambda: True
print(any(found for _, found in stream_runner.run(20, 0)))
"""


def output(*command: str) -> str:
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    ("count", "seed"), [("5", "0"), pytest.param("1000", "1", marks=pytest.mark.slow)]
)
def test_every_call_ends_in_order(count, seed):
    assert output(str(RUNNER), count, seed) == f"{count} calls, 0 end badly\n"


@pytest.mark.slow
def test_the_runner_sees_what_ends_badly():
    assert output("-c", UNPREPARED) == "True\n"
