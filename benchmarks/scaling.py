"""Time to read, check and schedule chains and random graphs, against the number of nodes.

Times are of the processor, so that other processes disturb them less. A slope of 1 of log(time)
against log(nodes) is linear time. Everything runs on a stack that is too small for recursion over
a graph of a thousand nodes.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphnn import graph
from graphnn.diagnostics import Findings
from graphnn.execution import _plan as plan
from graphnn.spec import build, reader

STAGES = ("load", "check", "schedule")
DEPTH = 150  # calls inside one another; Python's own limit is 1000


def chain(nodes: int) -> str:
    """Each node reads the one before it."""
    lines = [f"  n{i}: {{op: relu, inputs: n{i - 1}}}" for i in range(1, nodes)]
    return of_lines(lines)


def random_graph(nodes: int) -> str:
    """Each node adds two random ones before it."""
    rng = random.Random(0)
    lines = [
        f"  n{i}: {{op: add, inputs: [n{rng.randrange(i)}, n{rng.randrange(i)}]}}"
        for i in range(1, nodes)
    ]
    return of_lines(lines)


def of_lines(lines: list[str]) -> str:
    """A spec of an input of `width` entries and the nodes in `lines`."""
    return "\n".join(
        [
            "graphnn: 1",
            "sizes: {width: 8}",
            "nodes:",
            "  n0: {op: input, shape: [batch, width]}",
            *lines,
            "",
        ]
    )


@dataclass(frozen=True)
class Measured:
    """Seconds by stage, and the bytes of Python objects in use at most."""

    seconds: dict[str, float]
    peak: int


def measure(text: str, repetitions: int) -> Measured:
    """Each stage's shortest time; memory in a run apart, since counting it takes time."""
    runs = [_stages(text) for _ in range(repetitions)]
    gc.collect()
    tracemalloc.start()
    _stages(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Measured({stage: min(run[stage] for run in runs) for stage in STAGES}, peak)


def _stages(text: str) -> dict[str, float]:
    gc.collect()
    findings = Findings()
    times = [time.process_time()]
    spec = build.build(reader.read(text), Path(), findings)
    times.append(time.process_time())
    checked = graph.build(spec, findings)
    times.append(time.process_time())
    steps = plan.make(checked, checked.outputs).steps
    times.append(time.process_time())
    assert len(steps) == len(spec.nodes) - 1  # all but the input
    return dict(zip(STAGES, np.diff(times), strict=True))


def slope(counts: Sequence[int], times: Sequence[float]) -> float:
    """Least squares of log(time) against log(nodes)."""
    return float(np.polyfit(np.log(counts), np.log(times), 1)[0])


def main() -> None:
    """Print the table of each kind of graph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    counts = (300, 600) if options.quick else (1_000, 10_000, 100_000)
    repetitions = 1 if options.quick else options.repetitions
    measure(chain(2), 1)  # imports what is imported late, which goes deep
    sys.setrecursionlimit(DEPTH)
    print(f"recursion limit {DEPTH}")
    for kind in (chain, random_graph):
        table(kind, counts, repetitions)


def table(kind: Callable[[int], str], counts: Sequence[int], repetitions: int) -> None:
    """Print a line for each number of nodes, and the slopes."""
    name = kind.__name__.replace("_", " ")
    print(f"\n{name:<12}" + "".join(f"{stage:>12}" for stage in (*STAGES, "all", "peak")))
    rows: dict[str, list[float]] = {stage: [] for stage in (*STAGES, "all")}
    for count in counts:
        measured = measure(kind(count), repetitions)
        seconds = {**measured.seconds, "all": sum(measured.seconds.values())}
        for stage, times in rows.items():
            times.append(seconds[stage])
        cells = "".join(f"{seconds[stage]:>10.4f} s" for stage in rows)
        print(f"{count:>8,}    {cells}{measured.peak / 2**20:>8.1f} MiB")
    print("slope       " + "".join(f"{slope(counts, times):>12.2f}" for times in rows.values()))


if __name__ == "__main__":
    main()
