"""All comparisons at once: ``python -m benchmarks``, with what is installed, in some minutes.

One table: what is measured, against what, the time of each, and the ratio, below 1 where graphnn is
faster. Everybody computes the same, which is checked before anything is timed, on one thread, and
takes turns; a ratio is the median over the turns. What is not installed is named and left out. The
scripts beside this one measure each subject at more sizes and for longer.

    python -m benchmarks --output docs/performance-table.md

writes the table that docs/performance.md includes. Run that on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The scripts are run by their paths too, and import each other by their bare names.
sys.path.insert(0, str(Path(__file__).parent))

import forward
import forward_backward
import numerical_gradient
import reader
import scaling
import startup
import training
from gradient_rivals import own_loop
from threadpoolctl import threadpool_limits
from timing import Function, interleaved, machine, ratio

Times = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Row:
    """One line of the table: times in seconds, and graphnn's over the other's."""

    what: str
    against: str
    ours: float
    theirs: float
    ratio: float

    @property
    def cells(self) -> tuple[str, ...]:
        """Its texts, from the left."""
        return self.what, self.against, shown(self.ours), shown(self.theirs), f"{self.ratio:.3g}"


HEADER = ("", "against", "graphnn", "other", "ratio")


def shown(seconds: float) -> str:
    """A time with a unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def compared(what: str, times: Times, ours: str = "graphnn") -> list[Row]:
    """A row for each other that took turns with graphnn."""
    middle = {name: statistics.median(turns) for name, turns in times.items()}
    return [
        Row(what, name, middle[ours], middle[name], ratio(times[ours], times[name]))
        for name in times
        if name != ours
    ]


def starts(quick: bool, seconds: float) -> Iterator[Row]:
    """Processor time of fresh processes."""
    commands = ("import graphnn", "graphnn --help", "completion", "graphnn check and.yaml")
    turns = 1 if quick else 20
    with tempfile.TemporaryDirectory() as folder:
        startup.prepare(folder)
        found: dict[str, list[float]] = {name: [] for name in (startup.BASE, *commands)}
        for _ in range(turns):
            for name, used in found.items():
                used.append(startup.seconds(name, folder)[1])
    middle = {name: statistics.median(used) for name, used in found.items()}
    for name in commands:
        theirs = middle[startup.BASE]
        yield Row(f"{name}, processor", startup.BASE, middle[name], theirs, middle[name] / theirs)


def texts(quick: bool, seconds: float) -> Iterator[Row]:
    """Reading large files, and what checking and scheduling add."""
    nodes = 100 if quick else 10_000
    text = reader.text(nodes)
    functions: dict[str, Function] = {
        "graphnn": lambda: reader.reader.read(text),
        "yaml.compose": lambda: reader.yaml.compose(text, reader.LOADER),
    }
    yield from compared(f"reading {nodes:,} nodes", interleaved(functions, seconds))
    sizes = (100, 1_000) if quick else (10_000, 100_000)
    small, large = (sum(scaling.measure(scaling.chain(size), 1).seconds.values()) for size in sizes)
    what = f"load, check and schedule, {sizes[1]:,} nodes"
    times = sizes[1] // sizes[0]
    yield Row(what, f"{times} times {sizes[0]:,}", large, times * small, large / (times * small))


def passes(quick: bool, seconds: float) -> Iterator[Row]:
    """Forward passes, and gradients, of float32."""
    modules = forward.rivals(1)
    for case in forward.QUICK if quick else forward.CASES:
        runs = forward.Bench(case, modules, 1).runs
        yield from compared(f"forward, {case.title}", interleaved(runs, seconds))
    bench = forward_backward.Bench("float32", 3 if quick else 100)
    times = {name: turns for name, turns in bench.backward(seconds).items() if name != "products"}
    yield from compared(f"gradient, 784-50-10, batch {bench.batch}", times)


def steps(quick: bool, seconds: float) -> Iterator[Row]:
    """Training steps of float32, whose gradients are compared in float64 before."""
    modules = training.rivals(1)
    for case in training.QUICK if quick else training.CASES:
        with training.in_float64(modules):
            training.Bench(case, modules, "float64")
        found = training.Bench(case, modules, "float32").steps
        yield from compared(
            f"step, {case.title}", interleaved(found, seconds, 2e-3 if quick else 2e-2)
        )


def gradients(quick: bool, seconds: float) -> Iterator[Row]:
    """Numerical gradients of all parameters, loops and vmap multiplied up from a sample."""
    jax = numerical_gradient.load_jax()
    batch = 3 if quick else 100
    rows = [
        numerical_gradient.digits("mnist", batch),
        numerical_gradient.residual(2 if quick else 32),
    ]
    for row in rows:
        everyone = {"graphnn": numerical_gradient.engine(row, estimate=False, workers=1)}
        everyone["own loop"] = own_loop(row, 3 if quick else 50)
        if jax is not None:
            everyone["jax jit(vmap)"] = numerical_gradient.jax_vmap(jax, row, 16)
        turns = interleaved({name: each.act for name, each in everyone.items()}, seconds)
        times = {name: [turn * everyone[name].times for turn in turns[name]] for name in everyone}
        yield from compared(f"numerical gradient, {row.title}", times)


SUBJECTS = {
    "start": starts,
    "text": texts,
    "forward": passes,
    "step": steps,
    "gradient": gradients,
}


def main() -> None:
    """Measure every subject, and print or write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each row")
    parser.add_argument("--only", choices=SUBJECTS, help="one subject alone")
    parser.add_argument("--output", type=Path, help="write the table as Markdown, too")
    options = parser.parse_args()
    rows: list[Row] = []
    with threadpool_limits(1, "blas"):
        on = f"{machine()}\n{processor()}"
        print(f"{on}\n")
        print(line(HEADER))
        for name, subject in SUBJECTS.items():
            if options.only in (None, name):
                for row in subject(options.quick, 0.0 if options.quick else options.seconds):
                    rows.append(row)
                    print(line(row.cells), flush=True)
    if options.output is not None:
        options.output.write_text(markdown(rows, on), encoding="utf-8")


def processor() -> str:
    """The name of the processor, and how many cores there are to work on."""
    try:
        information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        information = ""
    names = [each.partition(":")[2] for each in information.splitlines() if "model name" in each]
    name = names[0].strip() if names else "an unknown processor"
    return f"{name}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"


def line(cells: Sequence[str]) -> str:
    """Cells in columns."""
    what, against, *numbers = cells
    return f"{what:<58} {against:<16}" + "".join(f"{each:>11}" for each in numbers)


def markdown(rows: Sequence[Row], on: str) -> str:
    """The table, below what it was measured on."""
    rules = ["---", "---", "---:", "---:", "---:"]
    lines = [HEADER, rules, *(row.cells for row in rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"```text\n{on}\n```\n\n{table}\n"


if __name__ == "__main__":
    main()
