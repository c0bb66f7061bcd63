"""Chains of layers by hand in NumPy, and as PyTorch and jax have them: rivals for graphnn.

Images are `[batch, channels, height, width]` as everywhere; weights are laid out as graphnn's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["affine", "conv", "relu", "sigmoid", "pool", "flatten"]


@dataclass(frozen=True)
class Layer:
    """One layer of a chain.

    Attributes
    ----------
    kind : str
        A pooling takes the largest of 2x2; a convolution moves by 1.
    node : str
        Node of graphnn's network, whose parameters it has.
    padding : int
        Of a convolution.
    """

    kind: Kind
    node: str = ""
    padding: int = 0


Chain = tuple[Layer, ...]


class NumpyChain:
    """A chain as a person writes it in NumPy: a forward and a backward function a kind of layer.

    Convolutions are matrix products of unfolded images (im2col), as textbooks have them.
    """

    def __init__(self, chain: Chain, parameters: Mapping[str, Array]) -> None:
        self.chain = chain
        self.parameters = {name: array.copy() for name, array in parameters.items()}

    def forward(self, x: Array) -> tuple[Array, list[Any]]:
        """Scores of the classes, and what each layer's backward function reads."""
        kept = []
        for layer in self.chain:
            if layer.kind == "affine":
                kept.append(x)
                x = x @ self.parameters[f"{layer.node}.weight"]
                x += self.parameters[f"{layer.node}.bias"]
            elif layer.kind == "conv":
                x, unfolded = self._convolved(layer, x)
                kept.append(unfolded)
            elif layer.kind == "relu":
                x = np.maximum(x, 0)
                kept.append(x)
            elif layer.kind == "sigmoid":
                x = 1 / (1 + np.exp(-x))
                kept.append(x)
            elif layer.kind == "pool":
                batch, channels, height, width = x.shape
                blocks = x.reshape(batch, channels, height // 2, 2, width // 2, 2)
                x = blocks.max(axis=(3, 5))
                kept.append((blocks, x))
            else:
                kept.append(x.shape)
                x = x.reshape(len(x), -1)
        return x, kept

    def gradient(self, x: Array, t: Array) -> tuple[float, dict[str, Array]]:
        """Mean cross-entropy, and its gradient."""
        y, kept = self.forward(x)
        y -= y.max(axis=1, keepdims=True)
        np.exp(y, out=y)
        y /= y.sum(axis=1, keepdims=True)
        chosen = np.arange(len(t)), t
        loss = -float(np.log(y[chosen]).mean())
        y[chosen] -= 1
        y /= len(t)
        gradients: dict[str, Array] = {}
        for number in reversed(range(len(self.chain))):
            y = self._back(self.chain[number], kept[number], y, gradients, first=number == 0)
        return loss, gradients

    def step(self, x: Array, t: Array, rate: float) -> float:
        """One step of gradient descent; the loss before it."""
        loss, gradients = self.gradient(x, t)
        for name, gradient in gradients.items():
            gradient *= rate
            self.parameters[name] -= gradient
        return loss

    def _convolved(self, layer: Layer, x: Array) -> tuple[Array, Array]:
        weight = self.parameters[f"{layer.node}.weight"]
        if layer.padding:
            x = np.pad(x, ((0, 0), (0, 0), *((layer.padding,) * 2,) * 2))
        windows = sliding_window_view(x, weight.shape[2:], axis=(2, 3))
        batch, _, rows, columns = windows.shape[:4]
        unfolded = windows.transpose(0, 2, 3, 1, 4, 5).reshape(batch * rows * columns, -1)
        y = unfolded @ weight.reshape(len(weight), -1).T
        y += self.parameters[f"{layer.node}.bias"]
        return y.reshape(batch, rows, columns, -1).transpose(0, 3, 1, 2), unfolded

    def _back(
        self, layer: Layer, kept: Any, g: Array, gradients: dict[str, Array], *, first: bool
    ) -> Array:
        if layer.kind == "affine":
            gradients[f"{layer.node}.weight"] = kept.T @ g
            gradients[f"{layer.node}.bias"] = g.sum(axis=0)
            return g if first else g @ self.parameters[f"{layer.node}.weight"].T
        if layer.kind == "conv":
            # Only ever the first layer here: nobody wants the gradient of the images.
            weight = self.parameters[f"{layer.node}.weight"]
            flat = g.transpose(0, 2, 3, 1).reshape(-1, len(weight))
            gradients[f"{layer.node}.weight"] = (flat.T @ kept).reshape(weight.shape)
            gradients[f"{layer.node}.bias"] = flat.sum(axis=0)
            return g
        if layer.kind == "relu":
            return np.where(kept > 0, g, 0)
        if layer.kind == "sigmoid":
            return g * (kept * (1 - kept))
        if layer.kind == "pool":
            blocks, maxima = kept
            wins = blocks == maxima[:, :, :, None, :, None]
            back = np.where(wins, g[:, :, :, None, :, None], 0)
            return back.reshape(*back.shape[:2], 2 * back.shape[2], -1)
        return g.reshape(kept)


def torch_chain(torch: Any, chain: Chain, parameters: Mapping[str, Array]) -> tuple[Any, list[str]]:
    """A chain of torch's own layers with the values of `parameters`, and their names in order."""
    layers: list[Any] = []
    names: list[str] = []
    for layer in chain:
        if layer.kind in ("affine", "conv"):
            weight = torch.tensor(parameters[f"{layer.node}.weight"])
            if layer.kind == "affine":
                module = torch.nn.Linear(*weight.shape)
                weight = weight.T
            else:
                filters, channels, kernel, _ = weight.shape
                module = torch.nn.Conv2d(channels, filters, kernel, padding=layer.padding)
            module.weight.data = weight.contiguous()
            module.bias.data = torch.tensor(parameters[f"{layer.node}.bias"])
            layers.append(module)
            names += [f"{layer.node}.weight", f"{layer.node}.bias"]
        else:
            layers.append(_torch_layer(torch, layer.kind))
    return torch.nn.Sequential(*layers), names


def _torch_layer(torch: Any, kind: Kind) -> Any:
    nn = torch.nn
    made = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "flatten": nn.Flatten}
    return nn.MaxPool2d(2) if kind == "pool" else made[kind]()


def jax_scores(jax: Any, chain: Chain, parameters: Mapping[str, Any], x: Any) -> Any:
    """Scores of the classes by jax."""
    for layer in chain:
        if layer.kind == "affine":
            x = x @ parameters[f"{layer.node}.weight"] + parameters[f"{layer.node}.bias"]
        elif layer.kind == "conv":
            padding = ((layer.padding,) * 2,) * 2
            weight, bias = (parameters[f"{layer.node}.{part}"] for part in ("weight", "bias"))
            x = jax.lax.conv_general_dilated(x, weight, (1, 1), padding) + bias[:, None, None]
        elif layer.kind == "pool":
            window = (1, 1, 2, 2)
            x = jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, window, "VALID")
        elif layer.kind == "flatten":
            x = x.reshape(len(x), -1)
        else:
            x = getattr(jax.nn, layer.kind)(x)
    return x


def dense(names: Sequence[str], activation: Kind) -> Chain:
    """Affine layers with an activation between each two."""
    layers = [Layer("affine", names[0])]
    for name in names[1:]:
        layers += [Layer(activation), Layer("affine", name)]
    return tuple(layers)
