"""Networks by others have as many parameters as is published, and as torch's have, by hand."""

from __future__ import annotations

import importlib
import importlib.util
import inspect

import numpy as np
import pytest

import graphnn
from graphnn.execution.drawn_inputs import draw_inputs
from places import ROOT


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOLDER = ROOT / "benchmarks"
CASES = {path.stem for path in (FOLDER / "networks").glob("*.yaml")}
# What torch has besides: a second bias of each LSTM, of four gates.
_MORE = {"lstm": 2 * 4 * 650, "moe": 2 * 4 * 512}


@pytest.fixture
def cases(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return {case.name: case for case in importlib.import_module("networks").CASES}


def test_every_network_has_a_source(cases):
    assert set(cases) == CASES
    assert all(case.source for case in cases.values())


@pytest.mark.parametrize("name", sorted(CASES))
def test_parameters_are_as_published(name, cases):
    case = cases[name]
    assert [found.message for found in graphnn.diagnose(case.spec)] == []
    learned = graphnn.load(case.spec).graph.parameters.values()
    sizes = {each.name: each.size for each in learned if each.learned}
    assert case.agrees(sizes)
    assert not case.agrees({**sizes, "another.weight": 10**6})


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_torch_by_hand_has_as_many(name, cases):
    torch = pytest.importorskip("torch")
    learned = graphnn.load(cases[name].spec).graph.parameters.values()
    expected = sum(each.size for each in learned if each.learned) + _MORE.get(name, 0)
    with torch.device("meta"):  # which has shapes, and no numbers
        module = _module(cases[name].spec.with_suffix(".torch.py")).Net()
    assert sum(each.numel() for each in module.parameters()) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar10_full", "gcn", "dueling", "yolov3_tiny", "dcgan"])
def test_gradients_at_full_size_are_those_of_torch(name, cases):
    torch = pytest.importorskip("torch")
    network = graphnn.load(cases[name].spec, seed=1).astype("float64")
    names = [key for key, node in network.graph.nodes.items() if node.op.is_input]
    rng = np.random.default_rng(0)
    inputs = {
        key: array if array.dtype.kind == "i" else rng.random(array.shape)
        for key, array in draw_inputs(network, names, 2, 0).items()
    }
    loss, gradients = network.loss(inputs), graphnn.backprop(network, inputs)
    module = graphnn.to_torch(network).eval()
    asked = inspect.signature(module.loss).parameters
    found = module.loss(*[torch.from_numpy(inputs[key]) for key in asked])
    found.backward()
    assert found.item() == pytest.approx(loss, rel=1e-10)
    slopes = {key: each.grad for key, each in module.named_parameters()}
    graphnn.from_torch_state(network, slopes, partial=True)  # which turns each as it is here
    for key, gradient in gradients.items():
        largest = np.abs(gradient).max()
        assert largest > 0
        np.testing.assert_allclose(network.parameters[key], gradient, 0, 1e-9 * largest)
