"""Core paths make as many calls as are stored, on every machine."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

import graphnn
from benchmark_runs import printed
from places import ROOT


@pytest.fixture(scope="module")
def counts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("counts", ROOT / "benchmarks" / "counts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_core_paths_make_the_stored_number_of_calls():
    names = ["load of a gate", "training step", "numerical gradient"]
    assert [line[:20].strip() for line in printed("counts.py").splitlines()] == names


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        ({"a": 103, "b": 10}, []),
        ({"a": 97, "b": 10}, []),
        ({"a": 104, "b": 10}, ["a: 104 calls, not 100"]),
        ({"a": 96, "b": 10}, ["a: 96 calls, not 100"]),
        ({"a": 100}, ["b: 0 calls, not 10"]),
        ({"a": 100, "b": 10, "c": 1}, ["c: 1 calls, not 0"]),
    ],
)
def test_what_counts_as_changed(counts, found, lines):
    assert counts.changed(found, {"a": 100, "b": 10}) == lines


def test_calls_are_those_of_graphnn_alone(counts):
    path = ROOT / "specs" / "gates" / "and.yaml"
    once = counts.calls(lambda: graphnn.load(path))
    assert counts.calls(lambda: (graphnn.load(path), graphnn.load(path))) == 2 * once > 200
    assert counts.calls(lambda: sorted([3, 1], key=lambda number: -number)) == 0
