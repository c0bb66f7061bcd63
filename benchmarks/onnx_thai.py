"""Networks that find words in Thai, exported by torch with their published weights, read here.

``python benchmarks/onnx_thai.py FOLDER`` takes the weights below FOLDER as they lie in the wheels
of attacut 1.0.6 and deepcut 0.7.0.0: ``pip download --no-deps attacut==1.0.6 deepcut==0.7.0.0``,
then ``unzip`` each. It needs torch, onnxscript and, for deepcut's, h5py. Neither is published as
ONNX: the networks are written again here, in torch, as their authors describe them. The table is
that of `onnx_models.py`, with the difference from torch in float64 besides.

References
----------
P. Chormai et al., Syllable-based neural Thai word segmentation, COLING 2020; R. Kittinaradorn et
al., DeepCut, 2019.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx_models import HEADS, apart, measured
from torch import nn

import graphnn

WINDOWS = ((3, 1), (5, 3), (9, 2))  # sizes and dilations of attacut's three convolutions
State = Mapping[str, Any]


class Attacut(nn.Module):
    """Characters, and syllables where they are known, to a score of a boundary for each."""

    def __init__(self, state: State) -> None:
        super().__init__()
        names = [name for name in state if name.endswith("embeddings.weight")]
        self.tables = nn.ModuleList(nn.Embedding(*state[name].shape) for name in names)
        layers = []
        for number, (size, dilation) in enumerate(WINDOWS, 1):
            count, width, _ = state[f"conv{number}.conv.weight"].shape
            margin = size // 2 * dilation
            conv = nn.Conv1d(width, count, size, dilation=dilation, padding=margin)
            normal = f"conv{number}.bn.weight" in state
            layers.append(nn.Sequential(conv, nn.BatchNorm1d(count) if normal else nn.Identity()))
        self.layers = nn.ModuleList(layers)
        hidden, width = state["linear1.weight"].shape
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, 1)
        renamed = {name: f"tables.{at}.weight" for at, name in enumerate(names)}
        for name in state:
            layer, _, rest = name.partition(".")
            if layer.startswith("conv"):
                place = rest.replace("conv.", "0.").replace("bn.", "1.")
                renamed[name] = f"layers.{int(layer[4:]) - 1}.{place}"
        self.load_state_dict({renamed.get(name, name): array for name, array in state.items()})

    def forward(self, *numbers: torch.Tensor) -> torch.Tensor:
        """One score for each character."""
        found = [table(x) for table, x in zip(self.tables, numbers, strict=True)]
        x = torch.cat(found, 2).permute(0, 2, 1)
        most = torch.stack([layer(x) for layer in self.layers]).amax(0).permute(0, 2, 1)
        return self.linear2(torch.relu(self.linear1(most)))


class Deepcut(nn.Module):
    """A window of 21 characters and their kinds to the share of a boundary at its middle."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__()

        def given(name: str) -> torch.Tensor:
            return torch.from_numpy(weights[name])

        self.characters = nn.Embedding.from_pretrained(given("embedding_1/embeddings"))
        self.kinds = nn.Embedding.from_pretrained(given("embedding_2/embeddings"))
        self.normals = nn.ModuleList()
        for number in (1, 2):
            parts = {
                theirs: given(f"batch_normalization_{number}/{ours}")
                for ours, theirs in (
                    ("gamma", "weight"),
                    ("beta", "bias"),
                    ("moving_mean", "running_mean"),
                    ("moving_variance", "running_var"),
                )
            }
            normal = nn.BatchNorm1d(len(parts["bias"]), eps=1e-3)
            normal.load_state_dict(parts, strict=False)
            self.normals.append(normal)
        self.filters, self.maps = nn.ModuleList(), nn.ModuleList()
        for number in range(1, 13):
            kernel = given(f"conv1d_{number}/kernel").permute(2, 1, 0)
            conv = nn.Conv1d(kernel.shape[1], kernel.shape[0], number)
            conv.load_state_dict({"weight": kernel, "bias": given(f"conv1d_{number}/bias")})
            self.filters.append(conv)
            self.maps.append(_linear(weights, f"time_distributed_{number}"))
        self.dense = nn.ModuleList(_linear(weights, f"dense_{number}") for number in (13, 14))

    def forward(self, characters: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """One share for each window."""
        a = self.normals[0](self.characters(characters).permute(0, 2, 1))
        places = a.shape[2]
        parts = []
        for size, (conv, linear) in enumerate(zip(self.filters, self.maps, strict=True), 1):
            y = linear(torch.relu(conv(a)).permute(0, 2, 1))
            parts.append(nn.functional.pad(y, (0, 0, 0, size - 1)))
        most = torch.stack(parts).amax(0)
        x = torch.cat([a.permute(0, 2, 1), most, self.kinds(kinds)], 2).permute(0, 2, 1)
        x = self.normals[1](x).permute(0, 2, 1).reshape(-1, places * x.shape[1])
        return torch.sigmoid(self.dense[1](torch.relu(self.dense[0](x))))


def _linear(weights: Mapping[str, np.ndarray], name: str) -> nn.Linear:
    kernel = torch.from_numpy(weights[f"{name}/kernel"]).T
    made = nn.Linear(kernel.shape[1], kernel.shape[0])
    bias = torch.from_numpy(weights[f"{name}/bias"])
    made.load_state_dict({"weight": kernel, "bias": bias})
    return made


def keras_weights(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a file of Keras, by layer and name."""
    import h5py

    found = {}
    with h5py.File(path) as file:
        for layer in file:
            for name in file[layer].attrs["weight_names"]:
                text = name.decode() if isinstance(name, bytes) else str(name)
                own = text.rpartition("/")[2].partition(":")[0]
                found[f"{layer}/{own}"] = np.asarray(file[layer][text])
    return found


def networks(folder: Path) -> dict[str, tuple[nn.Module, int, int]]:
    """The networks, each with how many inputs it has, and how many places these."""
    found: dict[str, tuple[nn.Module, int, int]] = {}
    for path in sorted(folder.rglob("attacut-*/model.pth")):
        net = Attacut(torch.load(path, map_location="cpu", weights_only=True))
        found[path.parent.name] = net, len(net.tables), 12
    for path in folder.rglob("cnn_without_ne_ab.h5"):
        found["deepcut"] = Deepcut(keras_weights(path)), 2, 21
    return found


def export(net: nn.Module, inputs: int, places: int, path: Path) -> None:
    """Write the network with a free batch, and free places where they are 12."""
    example = tuple(torch.zeros(2, places, dtype=torch.int64) for _ in range(inputs))
    batch, time = torch.export.Dim("batch"), torch.export.Dim("time")
    sizes = {0: batch, 1: time} if places == 12 else {0: batch}
    shapes = ((sizes,) * inputs,) if isinstance(net, Attacut) else (sizes,) * inputs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, example, dynamo=True, dynamic_shapes=shapes, verbose=False).save(
            path
        )


def main(folder: Path) -> None:
    """Print the table."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # of torchvision, which is not needed
    print(HEADS + f"{'to torch':>12}")
    with tempfile.TemporaryDirectory() as made:
        for name, (net, inputs, places) in networks(folder).items():
            path = Path(made, f"{name}.onnx")
            export(net.eval(), inputs, places, path)
            row = measured(path, {})
            ours = graphnn.load_onnx(path).astype("float64")
            rng, names = np.random.default_rng(0), [node.name for node in ours.graph.inputs]
            drawn = [rng.integers(0, 12, (5, places)) for _ in names]
            with torch.no_grad():
                theirs = net.double()(*map(torch.from_numpy, drawn)).numpy()
            (found,) = ours.run(dict(zip(names, drawn, strict=True))).values()
            print(f"{row}{apart(found, theirs):12.1e}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
