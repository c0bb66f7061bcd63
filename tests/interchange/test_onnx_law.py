"""The law of all networks: what is exported agrees with onnxruntime, and comes back the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

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


def test_a_node_that_reads_a_difference_near_zero_rounds_as_that_does(tmp_path):
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: constant, value: [[1.0, 1.01]]}
  d: {op: cosine_distance, inputs: [x, x], epsilon: 0.01}
  y: {op: absolute, inputs: d}
""")
    assert graphnn.export(net, tmp_path / "net.onnx", outputs=net.graph.nodes).agreement


def test_a_wrong_form_breaks_the_law(monkeypatch):
    for name in ("add", "multiply", "tanh", "relu", "affine", "sigmoid", "subtract", "exp"):
        monkeypatch.setattr(REGISTRY[name], "to_onnx", REGISTRY["identity"].to_onnx)
    with pytest.raises(graphnn.RunError):
        law(30, phases=[Phase.generate])()  # that it is found counts, not how small
