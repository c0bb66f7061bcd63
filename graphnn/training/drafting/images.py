"""A spec for a folder of images: convolutions and pooling, an affine layer, and a softmax."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Findings
from graphnn.training.data.pictures import Picture
from graphnn.training.data.sources.folder import ImageTree
from graphnn.training.drafting.table import training

_LOOKED_AT = 100  # images; their sizes and colours are taken to be those of all
_LARGEST = 64  # pixels; an image with more on a side is reduced to half of that
_SMALLEST = 8  # pixels on a side that pooling can halve twice


def draft_images(tree: ImageTree, folder: str) -> tuple[list[str], dict[str, Any]]:
    """Remarks on a folder, and the nodes and ``train`` of a spec that learns from it.

    Raises
    ------
    DataError
        A file is not an image, or there is one class alone.
    """
    if len(tree.classes) < 2:
        message = f"'{folder}' holds one class alone, '{next(iter(tree.classes))}'"
        raise DataError.of("no-classes", message, tree.wanted.span)
    seen = [picture.pixels("RGB") for picture in _first(tree)]
    sizes = {each.shape[:2] for each in seen}
    size, resize = (sizes.pop(), {}) if len(sizes) == 1 else ((_LARGEST,) * 2, {"resize": "crop"})
    if max(size) > _LARGEST or resize:
        size, resize = (_LARGEST // 2, _LARGEST // 2), {"resize": "crop"}
    channels = 3 if any(map(_is_coloured, seen)) else 1
    colours = "colour" if channels == 3 else "grey"
    classes = f"which of {len(tree.classes)} classes an image"
    remark = f"Predicts {classes} of {folder} shows, in {colours}."
    data = {"folder": {"path": folder, **resize}}
    return [remark], {
        "nodes": _nodes((channels, *size), len(tree.classes)),
        "outputs": ["y"],
        "train": {"data": data} | training(len(tree), classifies=True, epochs=20, rate=0.001),
    }


def _first(tree: ImageTree) -> Iterator[Picture]:
    """The first images of every class."""
    findings = Findings()
    every = max(1, len(tree) // _LOOKED_AT)
    for _, name, content in islice(tree.contents(findings), 0, None, every):
        yield Picture(name, content, tree.wanted.span)
    findings.raise_errors(DataError)


def _is_coloured(pixels: NDArray[np.uint8]) -> bool:
    return bool((pixels != pixels[..., :1]).any())


def _nodes(row: tuple[int, ...], classes: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "x": {"op": "input", "shape": ["batch", *row]},
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
    }
    last = "x"
    if min(row[1:]) >= _SMALLEST:
        for number, filters in enumerate((16, 32), start=1):
            nodes[f"c{number}"] = {
                "op": "conv2d", "inputs": last, "filters": filters, "kernel": 3, "padding": 1,
                "weight": "he",
            }  # fmt: skip
            nodes[f"r{number}"] = {"op": "relu", "inputs": f"c{number}"}
            nodes[f"p{number}"] = {"op": "max_pool", "inputs": f"r{number}", "kernel": 2}
            last = f"p{number}"
    nodes["flat"] = {"op": "flatten", "inputs": last}
    nodes["a1"] = {"op": "affine", "inputs": "flat", "units": 64, "weight": "he"}
    nodes["z1"] = {"op": "relu", "inputs": "a1"}
    nodes["a2"] = {"op": "affine", "inputs": "z1", "units": classes}
    nodes["y"] = {"op": "softmax", "inputs": "a2"}
    nodes["loss"] = {"op": "cross_entropy", "inputs": ["y", "t"]}
    return nodes
