"""Texts of specs: sound ones are read, faults are reported in their places, equal ones agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

import graphnn
from graphnn.testing.strategies import batches, equivalent_specs, invalid_specs, networks, specs
from planted_faults import errors_are_in_their_places

FEW = settings(max_examples=20)
LOSS = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  c: {op: input, shape: [batch], dtype: int}
  r: {op: sqrt, inputs: x}
  f: {op: cross_entropy, inputs: [r, c]}
"""


@FEW
@given(specs())
def test_sound_specs_are_read_in_any_layout(text):
    graphnn.loads(text)
    assert not [found for found in graphnn.diagnose_text(text) if found.severity == "error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        "blocks:",
        "sizes:",
        "examples:",
        "train:",
        "# 1!",
        "'",
        '{"',
        "? ",
        "*n1",
        ": |",
        ": >",
        "---",
    ],
)
def test_texts_hold_every_part(part):
    quick = settings(database=None, derandomize=True, phases=[Phase.generate], max_examples=2000)
    find(specs(), lambda text: part in text, settings=quick)


@pytest.mark.parametrize("examples", [20, pytest.param(300, marks=pytest.mark.slow)])
def test_faults_are_reported_in_their_places(examples):
    @settings(max_examples=examples)
    @given(invalid_specs(most=3))
    def law(spec):
        assert (spec.code, spec.span) == spec.faults[0]
        errors_are_in_their_places(spec)

    law()


@FEW
@given(equivalent_specs())
def test_equivalent_specs_declare_the_same_network(pair):
    one, two = graphnn.loads(pair.first), graphnn.loads(pair.second)
    assert pair.names.keys() == one.graph.nodes.keys()
    for name, node in one.graph.nodes.items():
        other = two.graph.nodes[pair.names[name]]
        assert other.op.model_dump() == node.op.model_dump()
        assert other.inputs == tuple(pair.names[read] for read in node.inputs)
        assert other.shape == node.shape
    inputs = {pair.names[name]: array for name, array in pair.inputs.items()}
    np.testing.assert_allclose(two.loss(inputs), one.loss(pair.inputs), rtol=1e-12)


@FEW
@given(batches(graphnn.loads(LOSS)))
def test_batches_are_on_the_domains_of_what_reads_them(batch):
    assert (batch["x"] >= 0.5).all()
    assert (batch["c"] < 3).all()
    assert np.isfinite(graphnn.loads(LOSS).loss(batch))


def test_batches_fit_any_network():
    @FEW
    @given(networks().flatmap(lambda case: batches(case.network()).map(lambda b: (case, b))))
    def law(drawn):
        case, batch = drawn
        assert batch.keys() == case.inputs.keys()
        case.network().loss(batch)

    law()
