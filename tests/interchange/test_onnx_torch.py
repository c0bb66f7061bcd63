"""Networks of torch, exported by it, read here: the same values, a free batch, sound gradients."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.interchange.onnx import documents, models
from graphnn.interchange.onnx.translation import Translator

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")
pytestmark = [pytest.mark.oracle, pytest.mark.slow]
nn = torch.nn


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.normal = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU())
            for _ in range(2)
        )
        self.pool, self.scores = nn.AdaptiveAvgPool2d(1), nn.Linear(3, 2)

    def forward(self, x):
        x = torch.relu(self.normal(self.stem(x)))
        for layer in self.layers:
            x = x + layer(x)
        return self.scores(torch.flatten(self.pool(x), 1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.scores = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.scores(self.lstm(x)[0][:, -1])


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


NETWORKS = {
    "mlp": (
        lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(-1)),
        (4,),
    ),
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(100, 3)
        ),
        (1, 12, 12),
    ),
    "residual": (Residual, (1, 6, 6)),
    "gelu": (
        lambda: nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)),
        (5,),
    ),
    "encoder": (encoder, (5, 8)),
    "lstm": (Recurrent, (5, 3)),
}


@pytest.fixture(scope="module", params=NETWORKS)
def exported(request, tmp_path_factory) -> tuple[str, object, Path]:
    """A network, and the file that torch writes of it, with a free batch."""
    make, shape = NETWORKS[request.param]
    torch.manual_seed(0)
    net = make().eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    path = tmp_path_factory.mktemp("torch") / f"{request.param}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sizes = ({0: torch.export.Dim("batch")},)
        made = torch.onnx.export(
            net, (torch.randn(2, *shape),), dynamo=True, dynamic_shapes=sizes, verbose=False
        )
        made.save(path)
    return request.param, net, path


def test_values_are_those_of_torch(exported, tmp_path):
    name, net, path = exported
    found = graphnn.import_onnx(path, tmp_path)
    assert all(graphnn.run_examples(graphnn.load(found.files[0])))
    (source,) = found.network.graph.inputs
    assert str(source.shape[0]) == "batch"
    for rows in (1, 3):
        x = np.random.default_rng(rows).normal(size=(rows, *NETWORKS[name][1]))
        (ours,) = found.network.astype("float64").run({source.name: x}).values()
        with torch.no_grad():
            theirs = net.double()(torch.tensor(x)).numpy()
        net.float()
        # Weights are those of float32, and batch norm has been folded into them.
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


def test_layers_of_an_encoder_are_those_of_the_paper(exported):
    name, _, path = exported
    if name != "encoder":
        pytest.skip("this is of one network")
    layer = ["affine", "slice", "slice", "slice", "attention", "affine", "add", "layer_norm"]
    layer += ["affine", "relu", "affine", "add", "layer_norm"]
    found = [node.op.name for node in graphnn.load_onnx(path).graph.nodes.values()]
    assert found == ["input", *layer, *layer]


def test_gradients_of_what_was_read_are_sound(exported):
    name, _, path = exported
    if name != "residual":
        pytest.skip("one network is enough")
    net = graphnn.load_onnx(path).astype("float64")
    (source,) = net.graph.inputs
    x = np.random.default_rng(1).normal(size=(4, *NETWORKS[name][1]))
    output = net.graph.outputs[0]
    document = _document(path)
    document["nodes"]["t"] = {"op": "input", "shape": ["batch"], "dtype": "int"}
    document["nodes"]["p"] = {"op": "softmax", "inputs": output}
    document["nodes"]["loss"] = {"op": "cross_entropy", "inputs": ["p", "t"]}
    trained = graphnn.loads({**document, "dtype": "float64"})
    trained.assign(net.arrays)
    counts = graphnn.check_gradients(trained, {source.name: x, "t": np.array([0, 1, 1, 0])}).counts
    assert counts["agree"] + counts["kink"] == sum(counts.values())
    assert counts["agree"] > 100


def _document(path: Path) -> dict:
    document = documents.write(Translator(models.read(path)).translate()).document
    del document["outputs"]
    return document
