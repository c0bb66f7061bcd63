"""Which settings the convolutional specs train with, chosen on rows held back from training.

``python benchmarks/cnn_choice.py cnn`` trains every candidate on 6,000 of the 8,000 digits that
train, and measures it on the other 2,000. The 2,000 test digits are not looked at: what
``cnn_accuracy.py`` measures on them is measured once, after the choice.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timing

import graphnn
from graphnn.training import load_sets
from graphnn.training.data.splits import Sets
from graphnn.training.fitting.loop import Training

SPECS = Path(__file__).resolve().parents[1] / "specs"
HELD_BACK = 2000
COSINE = {"learning_rate": 0.003, "schedule": "cosine"}
ADAM = {"adam": COSINE}
ADAMW = {"adamw": {**COSINE, "weight_decay": 1.0}}
SLOWER = {"learning_rate": 0.002, "schedule": "cosine"}
SLIGHT = {"shift": 1, "rotate": 10}
STRONG = {"shift": 2, "rotate": 15, "zoom": 0.15}
Settings = dict[str, Any]


def deep(epochs: int, augment: Settings, optimizer: Settings | None = None) -> Settings:
    """Settings of a candidate for the deep network."""
    return {"epochs": epochs, "augment": augment, "optimizer": optimizer or {"adam": SLOWER}}


CANDIDATES: dict[str, dict[str, Settings]] = {
    "cnn": {
        "adam, constant": {"optimizer": {"adam": {"learning_rate": 0.001}}, "augment": {}},
        "adam": {"optimizer": ADAM, "augment": {}},
        "nesterov": {
            "optimizer": {"nesterov": {"learning_rate": 0.03, "schedule": "cosine"}},
            "augment": {},
        },
        "adamw": {"optimizer": ADAMW, "augment": {}},
        "adamw, shift 1": {"optimizer": ADAMW, "augment": {"shift": 1}},
        "adamw, shift 1, rotate 10": {"optimizer": ADAMW, "augment": SLIGHT},
        "adam, shift 1, rotate 10": {"optimizer": ADAM, "augment": SLIGHT},
    },
    "cnn_deep": {
        "no augmentation": deep(20, {}),
        "shift 2": deep(20, {"shift": 2}),
        "shift 2, rotate 10": deep(20, {"shift": 2, "rotate": 10}),
        "shift 2, rotate 10, zoom 0.1": deep(20, {"shift": 2, "rotate": 10, "zoom": 0.1}),
        "shift 2, rotate 15, zoom 0.15": deep(20, STRONG),
        "the same, 40 epochs": deep(40, STRONG),
        "the same, adamw": deep(40, STRONG, {"adamw": {**SLOWER, "weight_decay": 0.1}}),
    },
}


def measured(name: str, settings: Mapping[str, Any], seed: int) -> tuple[float, float, float]:
    """Loss and accuracy on the rows held back from training, and seconds."""
    start = time.perf_counter()
    given = {"validation": HELD_BACK, **settings, "seed": seed}
    net = graphnn.load(SPECS / f"{name}.yaml", given)
    spec = net.graph.spec.train
    sets = load_sets(net, spec)
    training = Training(net, spec, Sets(sets.train))
    while not training.finished:
        training.epoch()
    found = training.evaluate(sets.validation)
    return found["loss"], found["accuracy"], time.perf_counter() - start


def main() -> None:
    """Train every candidate, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(CANDIDATES), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=1, help="how often to train each")
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    print(timing.machine())
    small = {"rows": 100, "validation": 100, "epochs": 1} if options.quick else {}
    for name in options.names:
        print(f"{name:32}{'loss':>8}{'accuracy':>10}{'seconds':>9}")
        for candidate, settings in CANDIDATES[name].items():
            given = {**settings, **small}
            found = [measured(name, given, seed) for seed in range(options.seeds)]
            loss, accuracy, seconds = (sum(each) / len(found) for each in zip(*found, strict=True))
            print(f"{candidate:32}{loss:8.4f}{accuracy:10.4f}{seconds:9.0f}", flush=True)


if __name__ == "__main__":
    main()
