"""Time until `import graphnn` is done, and until `graphnn check` of a small file is.

Every measurement is a process of its own, with compiled bytecode on the disk as after any first
run. The breakdown is of `python -X importtime`, whose own cost makes its total larger.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "specs" / "gates" / "and.yaml"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import graphnn": ["-c", "import graphnn"],
    "graphnn.load": ["-c", "import graphnn; graphnn.load"],
    "graphnn check and.yaml": ["-m", "graphnn", "check", str(SPEC)],
}
LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)")


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """A fresh Python with bytecode allowed, from the root of the repository."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME")
    environment = {key: value for key, value in os.environ.items() if key not in unwanted}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Time of a whole process: passed, and of the processor."""
    passed, before = time.perf_counter(), os.times()
    run(arguments)
    after = os.times()
    used = after.children_user - before.children_user
    used += after.children_system - before.children_system
    return time.perf_counter() - passed, used


def breakdown(arguments: list[str], repetitions: int) -> dict[str, float]:
    """Milliseconds in the modules of each top-level package, largest first; the least of each."""
    least: dict[str, float] = {}
    for _ in range(repetitions):
        for own, module in LINE.findall(run(["-X", "importtime", *arguments]).stderr):
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
    parser.add_argument("--repetitions", type=int, default=10)
    options = parser.parse_args()
    repetitions = 1 if options.quick else options.repetitions
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for arguments in COMMANDS.values():
        run(arguments)  # compiles
    for _ in range(repetitions):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    print(f"{'':<24}{'median':>9} {'least':>9} {'processor':>11}   of {repetitions} processes")
    for name, turns in times.items():
        passed, used = zip(*turns, strict=True)
        print(
            f"{name:<24}{statistics.median(passed):>7.3f} s {min(passed):>7.3f} s "
            f"{min(used):>9.2f} s"
        )
    for name in list(COMMANDS)[2:]:
        totals = breakdown(COMMANDS[name], repetitions)
        print(f"\n{name}: {sum(totals.values()):.0f} ms in modules")
        for package, milliseconds in list(totals.items())[:12]:
            print(f"  {package:<20}{milliseconds:>7.1f} ms")


if __name__ == "__main__":
    main()
