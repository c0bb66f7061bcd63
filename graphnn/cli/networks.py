"""The network that a file given to a command holds: a spec, or an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphnn import interchange, training
from graphnn.diagnostics import UsageError

if TYPE_CHECKING:
    from graphnn.execution.network import Network


def is_model(file: Path) -> bool:
    """Whether `file` is an ONNX model, by its name."""
    return file.suffix.lower() == ".onnx"


def load(file: Path, settings: Mapping[str, Any]) -> Network:
    """The network in `file`; of an ONNX model, with nodes that can only be drawn.

    Raises
    ------
    GraphnnError
        It cannot be read or is not sound; or there are settings for a model, which has none.
    """
    if not is_model(file):
        return training.load(file, settings)
    if settings:
        raise UsageError.of(
            "unknown-setting",
            f"'{next(iter(settings))}' cannot be set in an ONNX model",
            help=f"write it as a spec: graphnn import '{file}' -o FOLDER",
        )
    return interchange.load_onnx(file, drawn=True)
