"""The law of all networks: what is exported agrees with onnxruntime, and comes back the same."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import graphnn
from graphnn.ops import REGISTRY
from graphnn.testing import networks

pytest.importorskip("onnxruntime")


def there_and_back(case) -> None:
    net = case.network()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        found = graphnn.export(net, path, outputs=net.graph.nodes)
        again = graphnn.load_onnx(path)
    assert found.agreement is not None
    assert str(graphnn.diff(net, again)) == "no difference"
    assert {n: a.size for n, a in again.arrays.items()} == {
        n: a.size for n, a in net.arrays.items()
    }


def law(max_examples: int, **how):
    return settings(
        max_examples=max_examples,
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],  # of a machine that is busy
        **how,
    )(given(networks())(there_and_back))


def test_networks_come_back():
    law(10)()


@pytest.mark.slow
def test_many_networks_come_back():
    law(100)()


def with_an_open_size(document):
    """The spec with one axis of one input left open, each that its nodes allow."""
    for name, node in document["nodes"].items():
        for axis, size in enumerate(node["shape"] if node.get("op") == "input" else ()):
            if isinstance(size, int):
                shape = [*node["shape"][:axis], "long", *node["shape"][axis + 1 :]]
                nodes = {**document["nodes"], name: {**node, "shape": shape}}
                with suppress(graphnn.SpecError):
                    yield graphnn.loads({**document, "sizes": {"long": "free"}, "nodes": nodes})


@pytest.mark.slow
def test_networks_with_an_open_size_compute_the_same_and_are_exported(tmp_path):
    opened = 0

    @settings(max_examples=300, database=None, derandomize=True, deadline=None)
    @given(networks(blocks=False))
    def law(case):
        nonlocal opened
        expected = case.network().run(case.inputs)
        for net in with_an_open_size(case.document):
            opened += 1
            for name, value in net.run(case.inputs).items():
                np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-12)
            try:
                graphnn.export(net, tmp_path / "net.onnx", outputs=net.graph.nodes)
            except graphnn.RunError as error:
                assert error.diagnostics[0].code == "not-in-onnx"

    law()
    assert opened > 20


NEAR_ZERO = {
    "read by the next": """
  x: {op: constant, value: [[1.0, 1.01]]}
  d: {op: cosine_distance, inputs: [x, x], epsilon: 0.01}
  y: {op: absolute, inputs: d}
""",
    "squared": """
  x: {op: input, shape: [batch, long]}
  c: {op: cosine_similarity, inputs: [x, x], axis: 0, epsilon: 2.88}
  e: {op: select, inputs: c, axis: 0, index: -2}
  r: {op: reshape, inputs: e, shape: [1]}
  one: {op: constant, value: [1.0]}
  y: {op: sum_squared_error, inputs: [r, one]}
""",
    "mean": """
  x: {op: input, shape: [batch, 1, long]}
  n: {op: instance_norm, inputs: x, gain: false, shift: false, epsilon: 0.03}
  y: {op: global_average_pool, inputs: n}
""",
    **{
        f"{op} at {x}": f"""
  x: {{op: constant, value: [{x}]}}
  y: {{op: {op}, inputs: x}}
"""
        for op, x in {
            "gelu": -5.9,
            "sigmoid": -16.1,
            "silu": -16.1,
            "elu": -1e-8,
            "selu": -1e-8,
        }.items()
    },
}


@pytest.mark.parametrize("nodes", NEAR_ZERO.values(), ids=NEAR_ZERO)
def test_a_difference_near_zero_is_that_of_rounding(tmp_path, nodes):
    net = graphnn.loads(f"graphnn: 1\nsizes: {{long: free}}\nnodes:{nodes}")
    assert graphnn.export(net, tmp_path / "net.onnx", outputs=net.graph.nodes).agreement


def test_a_wrong_form_breaks_the_law(monkeypatch):
    for name in ("add", "multiply", "tanh", "relu", "affine", "sigmoid", "subtract", "exp"):
        monkeypatch.setattr(REGISTRY[name], "to_onnx", REGISTRY["identity"].to_onnx)
    with pytest.raises(graphnn.RunError):
        law(30, phases=[Phase.generate])()  # that it is found counts, not how small
