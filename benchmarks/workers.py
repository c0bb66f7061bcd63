"""What workers gain on a numerical gradient: threads, processes and Dask on this machine's cores.

All take turns in one process, and give the same numbers to the last bit, or the program stops.
`gain` is the median over the turns of one thread's time over theirs. The parts are those of one
thread: what the tasks take, which workers share, and the rest, which they do not: the base pass,
cutting the work, adding up. From these, `at most` is what so many workers could gain if nothing
else took time: with more of them, the rest and the longest task remain. Run with the machine idle:

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python benchmarks/workers.py
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pickle
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
from deep_rows import residual_blocks
from gradient_rivals import STEP, Row
from numerical_gradient import digits, residual
from timing import interleaved, machine, ratio

import graphnn

MANY = (2, 16, 1000)


class Recorder(Executor):
    """Carries out each task at once, and notes how long it takes and how large its result is."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.bytes = 0

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """As `Executor.submit`."""
        future: Future[Any] = Future()
        begun = time.perf_counter()
        result = work(*arguments, **options)
        self.seconds.append(time.perf_counter() - begun)
        self.bytes += len(pickle.dumps(result))
        future.set_result(result)
        return future


def gradient(row: Row, **options: Any) -> dict[str, graphnn.GradientEstimate]:
    """The gradient by all entries, without error estimates."""
    return graphnn.numerical_gradient(row.network, row.inputs, step=STEP, estimate=False, **options)


@contextmanager
def pools(cores: int) -> Iterator[dict[str, Mapping[str, Any]]]:
    """Options of `numerical_gradient` by what the workers are; their start is not timed."""
    found: dict[str, Mapping[str, Any]] = {"one thread": {"threads": 1}}
    found[f"{cores} threads"] = {"threads": cores}
    with ExitStack() as stack:
        spawn = multiprocessing.get_context("spawn")
        pool = stack.enter_context(ProcessPoolExecutor(cores, spawn))
        found[f"{cores} processes"] = {"threads": cores, "executor": pool}
        try:
            import distributed
        except ImportError:
            print("Dask is not installed: its row is left out")
        else:
            local = {"n_workers": cores, "threads_per_worker": 1, "dashboard_address": None}
            cluster = stack.enter_context(distributed.LocalCluster(processes=True, **local))
            client = stack.enter_context(distributed.Client(cluster))
            found[f"Dask, {cores} workers"] = {"threads": cores, "executor": client.get_executor()}
        yield found


def report(row: Row, workers: Mapping[str, Mapping[str, Any]], seconds: float) -> None:
    """Time everyone on `row`, and print it."""
    print(f"\n{row.title}: all {row.entries:,} entries")
    wanted = gradient(row, threads=1)
    for options in workers.values():
        found = gradient(row, **options)
        for name, estimate in wanted.items():
            np.testing.assert_array_equal(found[name].value, estimate.value)
    times = interleaved({name: partial(gradient, row, **o) for name, o in workers.items()}, seconds)
    alone = times["one thread"]
    for name, took in times.items():
        print(f"  {name:<20} {statistics.median(took):>9.4f} s  gain {ratio(alone, took):.2f}")
    recorder, begun = Recorder(), time.perf_counter()
    gradient(row, threads=1, executor=recorder)
    total, shared, longest = (
        time.perf_counter() - begun,
        sum(recorder.seconds),
        max(recorder.seconds),
    )
    print(
        f"  {len(recorder.seconds)} tasks take {shared / total:.0%} of one thread's time, "
        f"the longest {longest * 1e3:.1f} ms, and give {recorder.bytes / 2**20:.1f} MiB"
    )
    for count in MANY:
        gain = total / (total - shared + max(shared / count, longest))
        print(f"  {count:,} workers: at most {gain:.2f}")


def main() -> None:
    """Print the table of each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run once, small: does it work?")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each network")
    options = parser.parse_args()
    quick = options.quick
    print(machine())
    makers: list[Callable[[], Row]] = [
        lambda: digits("mnist_deep", 3 if quick else 100),
        lambda: residual(2 if quick else 32),
        lambda: digits("cnn", 1 if quick else 10),
        lambda: residual_blocks(2),
    ]
    with pools(os.cpu_count() or 1) as workers:
        for make in makers[:2] if quick else makers:
            report(make(), workers, 0.0 if quick else options.seconds)


if __name__ == "__main__":
    main()
