"""The network that a command is given: of a spec, of a run, or of an ONNX model."""

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


def load(file: Path, settings: Mapping[str, Any], weights: Path | None = None) -> Network:
    """The network in `file`; of an ONNX model, with nodes that can only be drawn.

    Its parameters are those in `weights`, or else those of the run whose folder `file` is.

    Raises
    ------
    GraphnnError
        It cannot be read or is not sound; or there are settings for a model, which has none.
    """
    if not is_model(file):
        if weights is None:
            return training.load(file, settings)
        return training.trained(file, settings, weights)
    if settings:
        raise UsageError.of(
            "unknown-setting",
            f"'{next(iter(settings))}' cannot be set in an ONNX model",
            help=f"write it as a spec: graphnn import '{file}' -o FOLDER",
        )
    return interchange.load_onnx(file, drawn=True)
