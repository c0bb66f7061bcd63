"""Runs of the scripts in benchmarks/, and the numbers that they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from places import ROOT

NUMBER = re.compile(r"\d+(?:\.\d+)?")


def printed(script: str, *folders: Path, options: list[str] | None = None) -> str:
    """What `script` prints when it is only to be seen to run; modules in `folders` come first."""
    command = [sys.executable, "-W", "error", str(ROOT / "benchmarks" / script), "--quick"]
    command += options or []
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((*map(str, folders), os.environ.get("PYTHONPATH", ""))),
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, ""), f"{done.returncode}: {done.stderr}"
    return done.stdout


def numbers(line: str) -> list[float]:
    """The numbers in a line, without their units."""
    return [float(number) for number in NUMBER.findall(line.replace(",", ""))]
