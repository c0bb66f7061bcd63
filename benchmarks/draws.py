"""Time to draw networks and cases of ops, against that of the generators of an earlier commit.

The earlier ones are taken from the repository's history into a temporary folder; both draw by
turns, each in separate processes.

    python benchmarks/draws.py
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

EARLIER = "874b066"  # the last commit whose generators picked cases from lists, and rejected
ROOT = Path(__file__).parents[1]
DRAW = """
import sys, time
from hypothesis import HealthCheck, Phase, given, seed, settings
from graphnn.ops import REGISTRY
from graphnn.testing import networks
from graphnn.testing.strategies import op_cases

def seconds(strategy, count, number):
    drawn = 0

    @seed(number)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(case):
        nonlocal drawn
        drawn += 1

    start = time.process_time()
    draw()
    return (time.process_time() - start) / drawn

count, number = map(int, sys.argv[1:])
print(seconds(networks(), count, number))
ops = [seconds(op_cases(each), max(count // 10, 1), number) for each in REGISTRY.values()]
print(sum(ops) / len(ops))
"""


def main() -> None:
    """Print the times of one draw, the medians of several rounds, and how many times less."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="Only show that it runs.")
    options = parser.parse_args()
    if options.quick:
        options.draws, options.rounds = 20, 1
    with TemporaryDirectory() as folder:
        take(EARLIER, Path(folder))
        places = {"now": ROOT, EARLIER: Path(folder)}
        found: dict[str, list[list[float]]] = {name: [] for name in places}
        for number in range(options.rounds):
            for name, place in places.items():
                found[name].append(times(place, options.draws, number))
    for row, what in enumerate(("a network", "a case of an op")):
        now, before = (statistics.median(r[row] for r in found[name]) for name in places)
        times_less = statistics.median(
            old[row] / new[row] for new, old in zip(*found.values(), strict=True)
        )
        print(
            f"{what}: {1e3 * now:.2f} ms, at {EARLIER} {1e3 * before:.2f} ms: "
            f"{times_less:.1f} times less"
        )


def take(commit: str, folder: Path) -> None:
    """Put the package as it was at a commit into a folder."""
    command = ["git", "archive", commit, "graphnn"]
    packed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def times(place: Path, draws: int, number: int) -> list[float]:
    """Seconds that a network and a case take, of the graphnn in a folder."""
    command = [sys.executable, "-c", DRAW, str(draws), str(number)]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, cwd=place
    )
    return [float(line) for line in done.stdout.split()]


if __name__ == "__main__":
    main()
