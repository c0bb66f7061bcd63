"""How long the page of a large diagram keeps Chromium busy in one piece.

``python benchmarks/page.py [--nodes N]`` needs Debian's chromium and chromium-driver, and
selenium. It draws a chain of residual blocks, opens its page, searches, folds a block and all of
them, and zooms. A row has the longest task of the page that Chromium reports (Long Tasks API),
which leaves out those under 50 ms, and the time of the processor in all tasks of the page, which
other programs lengthen less; the first row has the size of the page. The first page that a browser
opens takes longer, and is not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphnn

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))
from chromium import chromium

SETTLED = 1.5  # seconds after which what was begun is done
# What the browser reports of tasks since it was asked last, at first since the page was opened.
WATCHED = """
const done = arguments[0];
window.longest ??= [];
window.observer ??= new PerformanceObserver((list) => longest.push(...list.getEntries()));
observer.observe({type: 'longtask', buffered: true});
setTimeout(() => {
  const tasks = longest.splice(0).filter((task) => task.startTime >= (window.asked ?? 0));
  window.asked = performance.now();
  done(Math.max(0, ...tasks.map((task) => task.duration)));
}, 100);
"""
ACTS: dict[str, str] = {
    "search": "const field = document.querySelector('#search'); field.value = 'relu';"
    "field.dispatchEvent(new Event('input'))",
    "fold one block": "[...document.querySelectorAll('[aria-expanded=true]')][3]"
    ".dispatchEvent(new MouseEvent('click', {bubbles: true}))",
    "fold all blocks": "const list = document.querySelector('#depths select'); list.value = 0;"
    "list.dispatchEvent(new Event('change'))",
    "unfold all blocks": "const list = document.querySelector('#depths select');"
    "list.value = [...list.options].findIndex((each) => each.text === 'all');"
    "list.dispatchEvent(new Event('change'))",
    "zoom": "document.querySelector('[data-zoom=\"-\"]').click()",
}


def network(nodes: int) -> graphnn.Network:
    """A chain of blocks of four nodes."""
    inner = {
        "a": {"op": "affine", "inputs": "x", "units": 8},
        "n": {"op": "batch_norm", "inputs": "a"},
        "z": {"op": "relu", "inputs": "n"},
        "s": {"op": "add", "inputs": ["z", "x"]},
    }
    blocks = {"residual": {"inputs": "x", "nodes": inner, "output": "s"}}
    uses: dict[str, Any] = {"x": {"op": "input", "shape": ["batch", 8]}}
    last = "x"
    for number in range((nodes - 1) // 4):
        uses[f"b{number}"] = {"block": "residual", "inputs": last}
        last = f"b{number}"
    return graphnn.loads({"graphnn": 1, "name": "page", "blocks": blocks, "nodes": uses})


def measured(browser: Any, act: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of the longest task of the page while `act` is done, and of the processor.

    The first is 0 for less than 50.
    """
    before = busy(browser)
    act()
    time.sleep(SETTLED)
    processor = busy(browser) - before
    found: float = browser.execute_async_script(WATCHED)
    return found, processor


def busy(browser: Any) -> float:
    """Milliseconds of the processor that tasks of the page have taken."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1e3 * next(each["value"] for each in metrics if each["name"] == "TaskDuration")


def main() -> None:
    """Print a row for each thing that is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    arguments = parser.parse_args()
    net = network(40 if arguments.quick else arguments.nodes)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = net.draw(depth=9).save(Path(folder) / "page.html")
        print(f"{len(net.graph.nodes)} nodes, {path.stat().st_size / 1e6:.2f} MB")
        browser.set_window_size(1400, 900)
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        for address in (path.as_uri(), "about:blank"):
            browser.get(address)
        print(f"{'':18} longest task  processor")
        acts: dict[str, Callable[[], object]] = {"open": lambda: browser.get(path.as_uri())}
        for name, script in ACTS.items():
            acts[name] = lambda script=script: browser.execute_script(f"{{{script}}}")
        for name, act in acts.items():
            longest, processor = measured(browser, act)
            print(f"{name:18} {longest:9.0f} ms  {processor:6.0f} ms")


if __name__ == "__main__":
    main()
