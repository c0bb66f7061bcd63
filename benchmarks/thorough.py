"""The tests that draw cases, with 100 times as many: the profile ``thorough`` of Hypothesis.

python benchmarks/thorough.py               # all such tests; for a night
python benchmarks/thorough.py tests/ops
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def drawing(places: Iterable[Path]) -> list[Path]:
    """The test files in `places` that draw cases."""
    found = ([place] if place.is_file() else place.rglob("test_*.py") for place in places)
    files = itertools.chain.from_iterable(found)
    return [file for file in sorted(files) if "hypothesis" in file.read_text("utf-8")]


def main() -> int:
    """Run each file, and print what pytest says of it."""
    # The tests are those of this checkout, and so is what they test.
    for name in ("GRAPHNN_INSTALLED", "PYTEST_ADDOPTS"):
        os.environ.pop(name, None)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("places", nargs="*", type=Path, default=[ROOT / "tests"], metavar="PATH")
    parser.add_argument("--quick", action="store_true", help="only show what would run")
    given = parser.parse_args()
    failed = 0
    for file in drawing(given.places):
        options = ["--collect-only"] if given.quick else ["--hypothesis-profile=thorough"]
        command = [sys.executable, "-m", "pytest", "-q", *options, "-m", "not oracle", str(file)]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        summary = done.stdout.strip().splitlines()[-1:] or ["nothing"]
        print(f"{file.name}: {summary[0]}, {time.perf_counter() - start:.0f} s", flush=True)
        if done.returncode not in (0, 5):  # 5: it has no test but those that need a library
            print(done.stdout)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
