"""What workers gain on a numerical gradient: our processes, and those of executors and of Dask.

All take turns in one process, and give the same numbers to the last bit, or the program stops.
`workers` are what `numerical_gradient` uses without an executor, processes that are up by then; how
long they take to start, and the first gradient of a network that they are new to, is printed too.
`gain` is the median over the turns of one worker's time over theirs. The parts are those of one
worker: what the tasks take, which workers share, and the rest, which they do not: the base pass,
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
from deep_rows import residual_blocks
from gradient_rivals import STEP, Row
from numerical_gradient import digits, residual
from timing import interleaved, machine, ratio

import graphnn
from graphnn.gradients.numerical.engine import processes

MANY = (2, 16, 1000)
NETWORKS: dict[str, Callable[[bool], Row]] = {
    "mnist": lambda quick: digits("mnist", 3 if quick else 100),
    "mnist_deep": lambda quick: digits("mnist_deep", 3 if quick else 100),
    "residual": lambda quick: residual(2 if quick else 32),
    "cnn": lambda quick: digits("cnn", 1 if quick else 10),
    "residual_blocks": lambda quick: residual_blocks(1 if quick else 2),
}


class Recorder(Executor):
    """Carries out each task at once, and notes how long it takes and how large its result is."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.bytes = 0
        self.pickling = 0.0

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """As `Executor.submit`."""
        future: Future[Any] = Future()
        begun = time.perf_counter()
        result = work(*arguments, **options)
        done = time.perf_counter()
        self.seconds.append(done - begun)
        self.bytes += len(pickle.dumps(result))
        self.pickling += time.perf_counter() - done
        future.set_result(result)
        return future


def gradient(row: Row, **options: Any) -> dict[str, graphnn.GradientEstimate]:
    """The gradient by all entries, without error estimates."""
    return graphnn.numerical_gradient(row.network, row.inputs, step=STEP, estimate=False, **options)


@contextmanager
def pools(cores: int) -> Iterator[dict[str, Mapping[str, Any]]]:
    """Options of `numerical_gradient` by the executor; its start is not timed."""
    found: dict[str, Mapping[str, Any]] = {}
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(cores))
        found["ThreadPoolExecutor"] = {"workers": cores, "executor": threads}
        spawn = multiprocessing.get_context("spawn")
        pool = stack.enter_context(ProcessPoolExecutor(cores, spawn))
        found["ProcessPoolExecutor"] = {"workers": cores, "executor": pool}
        # On a busy machine Dask warns on stderr of processes that are slow to start or to end.
        os.environ["DASK_DISTRIBUTED__LOGGING__DISTRIBUTED"] = "error"
        try:
            import distributed
        except ImportError:
            print("Dask is not installed: its row is left out")
        else:
            local = {"n_workers": cores, "threads_per_worker": 1, "dashboard_address": None}
            cluster = stack.enter_context(distributed.LocalCluster(processes=True, **local))
            client = stack.enter_context(distributed.Client(cluster))
            found["Dask"] = {"workers": cores, "executor": client.get_executor()}
        yield found


def report(row: Row, cores: int, seconds: float) -> None:
    """Time everyone on `row`, and print it."""
    print(f"\n{row.title}: all {row.entries:,} entries")
    # Executors' processes have threads that wake up now and then: they start when ours are timed.
    compare(row, {f"{cores} workers": {"workers": cores}}, seconds / 2)
    with pools(cores) as executors:
        compare(row, executors, seconds / 2)
    print_parts(row)


def compare(row: Row, workers: Mapping[str, Mapping[str, Any]], seconds: float) -> None:
    """Time `workers` beside one worker, and print it."""
    wanted = gradient(row, workers=1)
    for who, options in workers.items():
        begun = time.perf_counter()
        found = gradient(row, **options)
        print(f"  {who:<20} {time.perf_counter() - begun:>9.4f} s  the first time")
        for name, estimate in wanted.items():
            np.testing.assert_array_equal(found[name].value, estimate.value)
    everyone = {"one worker": {"workers": 1}, **workers}
    times = interleaved(
        {name: partial(gradient, row, **options) for name, options in everyone.items()}, seconds
    )
    alone = times["one worker"]
    for name, took in times.items():
        print(f"  {name:<20} {statistics.median(took):>9.4f} s  gain {ratio(alone, took):.2f}")


def print_parts(row: Row) -> None:
    """What the tasks of one worker take, and what many could gain at most."""
    recorder, begun = Recorder(), time.perf_counter()
    gradient(row, workers=1, executor=recorder)
    total = time.perf_counter() - begun - recorder.pickling
    shared = sum(recorder.seconds)
    longest = max(recorder.seconds)
    print(
        f"  {len(recorder.seconds)} tasks take {shared / total:.0%} of one worker's time, "
        f"the longest {longest * 1e3:.1f} ms, and give {recorder.bytes / 2**20:.1f} MiB"
    )
    for count in MANY:
        gain = total / (total - shared + max(shared / count, longest))
        print(f"  {count:,} workers: at most {gain:.2f}")


def wait_for_processes(cores: int) -> Row:
    """Have those of `numerical_gradient` started, which last as long as this network."""
    row, begun = digits("mnist_deep", 100), time.perf_counter()
    pools = processes._pools._by_count
    while not pools or len(next(iter(pools.values())).begun()) < cores - 1:
        gradient(row, workers=cores)
    print(f"processes are up after {time.perf_counter() - begun:.2f} s of gradients")
    return row


def print_tables(names: Sequence[str], *, quick: bool, seconds: float) -> None:
    """Print the table of each network; by default of all."""
    cores = os.cpu_count() or 1
    first = wait_for_processes(cores) if processes.AVAILABLE and cores > 1 else None
    for name in names or [*NETWORKS][: 2 if quick else None]:
        report(NETWORKS[name](quick), cores, 0.0 if quick else seconds)
    del first


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", choices=[*NETWORKS, []], help="by default all")
    parser.add_argument("--quick", action="store_true", help="run once, small: does it work?")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each network")
    options = parser.parse_args()
    print(machine())
    print_tables(options.networks, quick=options.quick, seconds=options.seconds)


if __name__ == "__main__":
    main()
