"""The benchmarks run, and print a table; how fast anything is, is not asked here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def printed(script: str) -> str:
    """What `script` prints when it is only to be seen to run."""
    command = [sys.executable, "-W", "error", str(ROOT / "benchmarks" / script), "--quick"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def numbers(line: str) -> list[float]:
    """The numbers in a line, without their units."""
    return [float(number) for number in NUMBER.findall(line.replace(",", ""))]


def test_forward_and_backward():
    lines = printed("forward_backward.py").splitlines()
    assert any(line.startswith("blas: ") for line in lines)
    for name in ("forward", "+backward"):
        rows = [numbers(line) for line in lines if name in line.split()]
        assert [row[0] for row in rows] == [1, 3, 1, 3]  # batches, in float64 and in float32
        for _, numpy, graphnn, ratio, least, products, bound in rows:
            assert min(numpy, graphnn, ratio, least, products, bound) > 0


def test_scaling():
    lines = printed("scaling.py").splitlines()
    assert lines[0] == "recursion limit 150"
    assert [line.split()[0] for line in lines if "load" in line] == ["chain", "random"]
    counts = [numbers(line)[0] for line in lines if line.endswith("MiB")]
    assert counts == [300, 600, 300, 600]  # more nodes than the recursion limit
    slopes = [numbers(line) for line in lines if line.startswith("slope")]
    assert [len(row) for row in slopes] == [4, 4]


def test_startup():
    lines = printed("startup.py").splitlines()
    for name in ("import graphnn", "graphnn check and.yaml"):
        (row,) = [line for line in lines if line.startswith(f"{name}  ")]
        median, least, processor = numbers(row.removeprefix(name))
        assert processor > 0
        assert median == least > 0
        start = lines.index(next(line for line in lines if line.startswith(f"{name}: ")))
        assert "graphnn" in [line.split()[0] for line in lines[start + 1 : start + 13]]


def test_reader():
    lines = printed("reader.py").splitlines()
    assert any(line.startswith("100 nodes of five keys, ") for line in lines)
    for name in ("yaml.compose", "graphnn", "ratio"):
        (row,) = [line for line in lines if line.startswith(name)]
        assert numbers(row)[0] > 0
