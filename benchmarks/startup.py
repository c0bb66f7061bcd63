"""Time until `import graphnn` is done, and until a command that reads a small file is.

Every measurement is a separate process, with compiled bytecode on the disk as after any first
run, in a folder with that file alone; commands take turns. The breakdown is of `python -X
importtime`, whose own cost makes its total larger.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "specs" / "gates" / "and.yaml"
BASE = "import numpy"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    BASE: ["-c", "import numpy"],
    "import graphnn": ["-c", "import graphnn"],
    "graphnn.load": ["-c", "import graphnn; graphnn.load"],
    "graphnn --help": ["-m", "graphnn", "--help"],
    "completion": ["-m", "graphnn"],
    "graphnn check --help": ["-m", "graphnn", "check", "--help"],
    "graphnn check and.yaml": ["-m", "graphnn", "check", SPEC.name],
}
COMPLETED = {
    "_GRAPHNN_COMPLETE": "complete_bash",
    "COMP_WORDS": "graphnn check --s",
    "COMP_CWORD": "2",
}
UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME")
LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)")


def run(name: str, folder: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A fresh Python with bytecode allowed, in `folder`."""
    environment = {key: value for key, value in os.environ.items() if key not in UNWANTED}
    environment["PYTHONPATH"] = str(ROOT)
    if name == "completion":
        environment |= COMPLETED
    command = [sys.executable, *options, *COMMANDS[name]]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )


def seconds(name: str, folder: str) -> tuple[float, float]:
    """Time of a whole process: passed, and of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run(name, folder)
    passed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def breakdown(name: str, folder: str, repetitions: int) -> dict[str, float]:
    """Milliseconds in the modules of each top-level package, largest first; the least of each."""
    least: dict[str, float] = {}
    for _ in range(repetitions):
        for own, module in LINE.findall(run(name, folder, ("-X", "importtime")).stderr):
            least[module] = min(int(own) / 1e3, least.get(module, float("inf")))
    totals: defaultdict[str, float] = defaultdict(float)
    for module, milliseconds in least.items():
        package = module.partition(".")[0]
        known = package in sys.stdlib_module_names
        totals["standard library" if known else package] += milliseconds
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--repetitions", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        compare(folder, 1 if options.quick else options.repetitions)


def prepare(folder: str) -> None:
    """Put the small file into `folder`, and let each command compile what it imports."""
    shutil.copy(SPEC, folder)
    for name in COMMANDS:
        run(name, folder)


def compare(folder: str, repetitions: int) -> None:
    """Print the table of all commands, then what they import."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(repetitions):
        for name, turns in times.items():
            turns.append(seconds(name, folder))
    print(f"{'':<24}{'passed':>10}{'processor':>12}{'of ' + BASE:>17}   medians of {repetitions}")
    base = statistics.median(used for _, used in times[BASE])
    for name, turns in times.items():
        passed, used = (statistics.median(each) for each in zip(*turns, strict=True))
        print(f"{name:<24}{passed:>8.3f} s{used:>10.3f} s{used / base:>17.2f}")
    for name in list(COMMANDS)[2:]:
        totals = breakdown(name, folder, min(repetitions, 5))
        print(f"\n{name}: {sum(totals.values()):.0f} ms in modules")
        for package, milliseconds in list(totals.items())[:12]:
            print(f"  {package:<20}{milliseconds:>7.1f} ms")


if __name__ == "__main__":
    main()
