"""A network written in a form that other programs run; the suffix of the file says which."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from graphnn.diagnostics import UsageError
from graphnn.execution.network import Network
from graphnn.interchange.onnx import writing
from graphnn.interchange.onnx.writing import Exported

_SUFFIXES = (".onnx",)


def export(
    network: Network,
    path: str | Path,
    *,
    opset: int | None = None,
    dtype: Literal["float32", "float64"] = "float32",
    outputs: Iterable[str] | None = None,
) -> Exported:
    """Write `network`, with the weights that it has now, so that other programs run it.

    A model is written once it has passed onnx's full checker, and where onnxruntime is installed,
    the values of all nodes agree there for random inputs. Where the weights have more than 2 GB,
    they go to a file beside it.

    Parameters
    ----------
    network : Network
    path : str or Path
        What to write, whole or not at all: ``.onnx``.
    opset : int, optional
        Version of ONNX's operators, 18 or later; by default the newest that is known here.
    dtype : {"float32", "float64"}
        Of real numbers; onnxruntime knows some operators in float32 alone.
    outputs : iterable of str, optional
        Nodes whose values the model gives; by default those that `network` gives.

    Returns
    -------
    Exported

    Raises
    ------
    UsageError
        The suffix is another; there is no such opset, dtype or output; or onnx is not installed.
    RunError
        ONNX cannot state an op, or the model does not compute the same.
    FileError
        The file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() == ".onnx":
        return writing.write(network, path, opset=opset, dtype=dtype, outputs=outputs)
    raise UsageError.of(
        "unknown-format",
        f"'{path.name}' has no suffix that says what to write",
        help=f"end its name in {', '.join(_SUFFIXES)}",
    )
