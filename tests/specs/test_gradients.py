"""Both gradients of every spec, as it is run and as it is trained: none is called wrong."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.training import sample_inputs
from places import SPECS

pytestmark = pytest.mark.slow
_MOST, _DRAWN = 3, 2  # entries of each parameter: the largest of its gradient, and some at random
NETWORKS = sorted(
    path
    for path in SPECS.rglob("*")
    if path.suffix in {".yaml", ".json"} and path.parent.name != "blocks"
)


def _given(path, mode):
    """A network as float64, three rows, its loss, and the entries to check."""
    network = graphnn.load(path).astype("float64")
    loss = network.graph.losses or network.graph.outputs
    inputs = sample_inputs(network, network.executor(loss).plan.inputs, 3)
    options = {"loss": loss, "mode": mode, "seed": 1}
    rng = np.random.default_rng(0)
    entries = {}
    for name, gradient in graphnn.backprop(network, inputs, **options).items():
        largest = np.argsort(-np.abs(gradient), axis=None, kind="stable")[:_MOST]
        chosen = {*largest.tolist(), *rng.integers(gradient.size, size=_DRAWN).tolist()}
        mask = np.zeros(gradient.shape, bool)
        mask.flat[sorted(chosen)] = True
        entries[name] = mask
    return network, inputs, options, entries


@pytest.mark.parametrize("mode", ["run", "train"])
@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_no_entry_is_called_wrong(path, mode):
    network, inputs, options, entries = _given(path, mode)
    if not entries:
        assert not network.parameters
        return
    report = graphnn.check_gradients(network, inputs, entries=entries, **options)
    assert report.wrong == ()
    assert report.counts["wrong backward"] == 0
    for each in report.parameters:
        # What is neither is named: the node that bends, or whose slope is infinite.
        crossings = each.estimate.crossings(None)
        assert len(crossings) == each.estimate.kink.sum()
        assert all(crossing.node in network.graph.nodes for crossing in crossings)
        assert each.counts["singular"] == 0 or each.worst.singular in network.graph.nodes


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_an_entry_that_is_a_tenth_off_is_called_wrong(path):
    network, inputs, options, _ = _given(path, "train")
    gradients = graphnn.backprop(network, inputs, **options)
    name = max(gradients, key=lambda name: np.abs(gradients[name]).max(), default=None)
    if name is None or not gradients[name].any():
        return  # a gate is flat everywhere
    planted = gradients[name].copy()
    place = np.unravel_index(np.abs(planted).argmax(), planted.shape)
    planted[place] *= 1.1
    mask = np.zeros(planted.shape, bool)
    mask[place] = True
    found = graphnn.check_gradients(
        network, inputs, entries={name: mask}, gradients={name: planted}, **options
    )
    assert found.counts["wrong backward"] == 1
    assert found.parameters[0].worst.index == place
