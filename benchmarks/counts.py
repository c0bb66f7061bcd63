"""How many calls of graphnn's own functions three core paths make.

Times differ from machine to machine; these numbers do not, so that CI can hold them to those of
`counts.json`. What libraries do inside, in Python or in C, is not counted, and neither are
comprehensions, which are functions in some versions of Python and not in others. Each path is run
once before, so that nothing is imported or looked up for the first time.

    python benchmarks/counts.py            compares
    python benchmarks/counts.py --store    renews the file
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import graphnn
from graphnn.training.data.dataset import Dataset
from graphnn.training.data.splits import Sets
from graphnn.training.fitting.loop import Training

STORED = Path(__file__).with_name("counts.json")
SPECS = Path(__file__).parents[1] / "specs"
CLOSE = 0.03  # of the stored number
_PACKAGE = str(Path(graphnn.__file__).parent)
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
_NETWORK = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 6]}
  t: {op: input, shape: [batch], dtype: int}
  a1: {op: affine, inputs: x, units: 5}
  z1: {op: sigmoid, inputs: a1}
  a2: {op: affine, inputs: z1, units: 3}
  y: {op: softmax, inputs: a2}
  loss: {op: cross_entropy, inputs: [y, t]}
train: {loss: loss, optimizer: {adam: {learning_rate: 0.01}}, batch_size: 8, epochs: 1}
"""


def calls(path: Callable[[], object]) -> int:
    """How many functions of graphnn are called by the second run of `path`."""
    found = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal found
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(_PACKAGE):
            found += code.co_name not in _COMPREHENSIONS

    path()
    sys.setprofile(count)
    try:
        path()
    finally:
        sys.setprofile(None)
    return found


def paths() -> dict[str, Callable[[], object]]:
    """What is counted, by name."""
    network = graphnn.loads(_NETWORK)
    rng = np.random.default_rng(0)
    batch = {"x": rng.random((8, 6)), "t": rng.integers(0, 3, 8)}
    spec = network.graph.spec.train
    assert spec is not None
    training = Training(network, spec, Sets(Dataset(batch, "random numbers")))
    still = graphnn.loads(_NETWORK)
    return {
        "load of a gate": lambda: graphnn.load(SPECS / "gates" / "and.yaml"),
        "training step": lambda: training.step(batch),
        "numerical gradient": lambda: graphnn.numerical_gradient(still, batch, workers=1),
    }


def counted() -> dict[str, int]:
    """The calls of each path."""
    return {name: calls(path) for name, path in paths().items()}


def changed(found: dict[str, int], stored: dict[str, int]) -> list[str]:
    """What differs from the stored numbers by more than it may, a line each."""
    return [
        f"{name}: {found.get(name, 0):,} calls, not {stored.get(name, 0):,}"
        for name in {**stored, **found}
        if abs(found.get(name, 0) - stored.get(name, 0)) > CLOSE * stored.get(name, 0)
    ]


def main() -> None:
    """Print the table, and store it or compare it with what is stored."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="the same: it takes a second")
    parser.add_argument("--store", action="store_true", help="renew the stored numbers")
    options = parser.parse_args()
    found = counted()
    if options.store:
        STORED.write_text(json.dumps(found, indent=2) + "\n")
    stored = json.loads(STORED.read_text())
    for name, number in found.items():
        print(f"{name:<20}{number:>8,} calls {number / stored[name]:>7.3f} of the stored number")
    if lines := changed(found, stored):
        sys.exit("\n".join(lines))


if __name__ == "__main__":
    main()
