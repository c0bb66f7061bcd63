"""How long `graphnn preview` takes from saving a spec to its new picture in the browser.

``python benchmarks/preview.py [SPEC] [--times N]`` needs Debian's chromium and chromium-driver, and
the extra ``preview`` and selenium. It saves a copy of the spec with another description again and
again, and waits until Chromium shows the picture that has it. The rows are parts of the way, in
milliseconds: until the page knows of it, as the server has seen, read and drawn it, and until the
browser has drawn it; last what reading and drawing alone take in this process.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import graphnn

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))
from chromium import chromium

SPEC = Path(__file__).resolve().parent.parent / "specs" / "residual_blocks.yaml"

# When the page asked for the picture, and when it has been drawn, since 1970.
SHOWN = """
const [words, done] = arguments;
const look = () => {
  const inner = document.querySelector('iframe').contentWindow;
  const there = inner?.document.querySelector('.layer:not([hidden]) svg');
  if (!there || !inner.document.title.includes(words)) return requestAnimationFrame(look);
  const known = inner.performance.timeOrigin;
  const now = () => performance.timeOrigin + performance.now();
  requestAnimationFrame(() => setTimeout(() => done([known, now()])));
};
look();
"""


def saved(file: Path, text: str, number: int) -> str:
    """A name that the spec had not before, which its file now has."""
    words = f"saved {number}"
    lines = [line for line in text.splitlines() if not line.startswith("name:")]
    file.write_text("\n".join([*lines, f"name: {words}", ""]))
    return words


def turns(browser: Any, file: Path, times: int) -> list[tuple[float, float]]:
    """For each time: milliseconds from saving until the page asks for the picture, and shows it."""
    text, found = file.read_text(), []
    for number in range(times + 1):
        time.sleep(1)  # until what checks the file in the background is done
        start = time.time()
        words = saved(file, text, number)
        known, shown = browser.execute_async_script(SHOWN, words)
        found.append((known - 1e3 * start, shown - 1e3 * start))
    return found[1:]  # the first reads what is read once


def drawn(file: Path, times: int) -> float:
    """Milliseconds to read and draw `file`."""
    taken = []
    for _ in range(times + 1):
        start = time.perf_counter()
        graphnn.load(file).draw().page(depths=False)
        taken.append(1e3 * (time.perf_counter() - start))
    return median(taken[1:])


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", type=Path, nargs="?", default=SPEC)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    given = parser.parse_args()
    times = 1 if given.quick else given.times
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(given.spec.parent, folder, dirs_exist_ok=True)
        file = Path(folder) / given.spec.name
        command = [sys.executable, "-m", "graphnn", "preview", str(file), "--no-browser"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                address = process.stdout.readline().split()[0]
                with chromium() as browser:
                    browser.get(address)
                    found = turns(browser, file, times)
            finally:
                process.kill()
        print(f"until the page knows of it  {median(known for known, _ in found):6.0f} ms")
        print(f"until it is shown           {median(shown for _, shown in found):6.0f} ms")
        print(f"the longest                 {max(shown for _, shown in found):6.0f} ms")
        print(f"reading and drawing         {drawn(file, times):6.0f} ms")


if __name__ == "__main__":
    main()
