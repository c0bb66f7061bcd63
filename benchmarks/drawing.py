"""Time of ``graphnn draw``, beside that of ``graphnn check`` of the same file.

Every measurement is a separate process, which also writes the picture. The extra time is the
difference of the medians of runs that take turns. With ``--bytes`` every picture is drawn again
with other seeds of Python's hashes, and by a second Python where one with graphnn is named; the
bytes must be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
Nodes = dict[str, dict[str, Any]]


def branching(count: int) -> Nodes:
    """Affine maps that two ops read, whose results are added; no two shapes alike."""
    nodes: Nodes = {"x": {"op": "input", "shape": ["batch", 8]}}
    last = "x"
    for number in range(count // 4):
        nodes[f"a{number}"] = {"op": "affine", "inputs": last, "units": 8 + number % 97}
        nodes[f"r{number}"] = {"op": "relu", "inputs": f"a{number}"}
        nodes[f"t{number}"] = {"op": "tanh", "inputs": f"a{number}"}
        nodes[f"s{number}"] = {"op": "add", "inputs": [f"r{number}", f"t{number}"]}
        last = f"s{number}"
    return nodes


def chain(count: int, every: int = 0) -> Nodes:
    """Affine maps and rectifiers, of which each `every`-th op adds the input."""
    nodes: Nodes = {"x": {"op": "input", "shape": ["batch", 8]}}
    last = "x"
    for number in range(count):
        name = f"n{number}"
        if every and number % every == every - 1:
            nodes[name] = {"op": "add", "inputs": [last, "x"]}
        elif number % 2:
            nodes[name] = {"op": "relu", "inputs": last}
        else:
            nodes[name] = {"op": "affine", "inputs": last, "units": 8}
        last = name
    return nodes


def cases(quick: bool) -> dict[str, tuple[Nodes, list[str], str]]:
    """By name: a network, options, and the goal."""
    part = 10 if quick else 1
    unfolded = ["--depth", "9"]
    return {
        "100 branching": (branching(100 // part), [], "1 s"),
        "1,000 branching, unfolded": (branching(1000 // part), unfolded, "5 s"),
        "10,000 in a chain, folded": (chain(10_000 // part), [], "10 s"),
        "10,000 branching, in parts": (branching(10_000 // part), [], "10 s"),
        "150, every third reads the input": (chain(150 // part, every=3), unfolded, "seconds"),
    }


def seconds(arguments: list[str], folder: Path, seed: str = "0", python: str = "") -> float:
    """Time of a whole ``graphnn`` process."""
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    if python:
        environment.pop("PYTHONPATH", None)  # it has graphnn installed
    command = [python or sys.executable, "-m", "graphnn", *arguments]
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def times(options: argparse.Namespace, folder: Path) -> None:
    """Print the table of times."""
    repetitions = 1 if options.quick else options.repetitions
    print(f"{'nodes':<34}{'check':>9}{'draw':>9}{'more':>9}  goal   medians of {repetitions}")
    for name, (nodes, extra, goal) in cases(options.quick).items():
        (folder / "net.json").write_text(json.dumps({"graphnn": 1, "nodes": nodes}))
        commands = (["check", "net.json"], ["draw", "net.json", "-o", "net.svg", *extra])
        turns = [[seconds(each, folder) for each in commands] for _ in range(repetitions)]
        check, draw = (statistics.median(column) for column in zip(*turns, strict=True))
        print(f"{name:<34}{check:>7.2f} s{draw:>7.2f} s{draw - check:>7.2f} s  {goal}")


def same_bytes(options: argparse.Namespace, folder: Path) -> None:
    """Print whether pictures are the same whatever the seed of hashes, and by another Python."""
    nodes = branching(20 if options.quick else 100)
    (folder / "net.json").write_text(json.dumps({"graphnn": 1, "nodes": nodes}))
    specs = [folder / "net.json", ROOT / "specs" / "residual_blocks.yaml"]
    runs = [(seed, "") for seed in ("0", "1", "12345")]
    runs += [("0", options.python)] if options.python else []
    for spec in specs:
        for suffix in ("svg", "pdf", "png", "html", "tex", "dot", "mmd"):
            found = set()
            for seed, python in runs:
                seconds(["draw", str(spec), "-o", f"a.{suffix}"], folder, seed, python)
                found.add(hashlib.sha256((folder / f"a.{suffix}").read_bytes()).hexdigest())
            verdict = "same" if len(found) == 1 else f"{len(found)} DIFFERENT FILES"
            print(f"{spec.name:<24}.{suffix:<6}{verdict} in {len(runs)} processes")


def main() -> None:
    """Print the times, or compare bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--bytes", action="store_true", help="compare pictures, not times")
    parser.add_argument("--python", default="", help="a second Python with graphnn, for --bytes")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        (same_bytes if options.bytes else times)(options, Path(folder))


if __name__ == "__main__":
    main()
