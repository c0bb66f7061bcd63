"""A network written in a form that other programs run; the suffix of the file says which."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from graphnn.diagnostics import FileError, UsageError
from graphnn.execution import require_network
from graphnn.execution.network import Network, names_of
from graphnn.interchange.code.numpy_code import NumpyCode
from graphnn.interchange.code.torch_code import TorchCode
from graphnn.interchange.onnx import writing
from graphnn.interchange.onnx.writing import Exported
from graphnn.spec import named_files
from graphnn.storage import archives, files
from graphnn.training import VOCABULARY

_SUFFIXES = (".onnx", ".py")
Style = Literal["numpy", "torch"]


def export(
    network: Network,
    path: str | Path,
    *,
    opset: int | None = None,
    dtype: Literal["float32", "float64"] | None = None,
    outputs: Iterable[str] | None = None,
    style: Style | None = None,
) -> Exported:
    """Write `network`, with the weights that it has now, so that other programs run it.

    A model is written once it has passed onnx's full checker, and where onnxruntime is installed,
    the values of all nodes agree there for random inputs. Where the weights have more than 2 GB,
    they go to a file beside it.

    Code is a file of Python, with an .npz file of the parameters beside it. In NumPy, it has the
    functions ``load_weights``, ``forward``, ``loss`` and ``gradient``; in torch, a module with the
    spec's names, ``load_weights``, and a ``main`` that trains where the spec does.

    Parameters
    ----------
    network : Network
    path : str or Path
        What to write, whole or not at all: ``.onnx`` or ``.py``.
    opset : int, optional
        Version of a model's operators, 18 or later; by default the newest that is known here.
    dtype : {"float32", "float64"}, optional
        Of a model's real numbers, by default float32; onnxruntime knows some operators in it alone.
    outputs : iterable of str, optional
        Nodes whose values the model gives; by default those that `network` gives.
    style : {"numpy", "torch"}, optional
        Of code.

    Returns
    -------
    Exported

    Raises
    ------
    UsageError
        The suffix is another, an option is not one of what it says, there is no such opset, dtype
        or output, or onnx is not installed.
    RunError
        ONNX cannot state an op, or the model does not compute the same.
    FileError
        The file cannot be written, or the spec reads the file that would hold the parameters.
    """
    require_network(network)
    if outputs is not None and not (outputs := names_of(outputs)):
        raise UsageError.of("bad-option", "'outputs' names no node")
    path = files.as_path(path)
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        _refuse("an ONNX model", style=style)
        real = "float32" if dtype is None else dtype
        return writing.write(network, path, opset=opset, dtype=real, outputs=outputs)
    if suffix == ".py":
        _refuse("code", opset=opset, dtype=dtype)
        return _write_code(network, path, style, outputs)
    if path.is_dir():
        raise files.not_a_file(path)
    raise UsageError.of(
        "unknown-format",
        f"'{path.name}' has no suffix that says what to write",
        help=f"end its name in {', '.join(_SUFFIXES)}",
    )


def _refuse(what: str, **given: object) -> None:
    """Raise a UsageError for the first option that is given, which `what` does not have."""
    for name, value in given.items():
        if value is not None:
            raise UsageError.of("bad-option", f"{what} has no {name}", help="leave it out")


def _write_code(
    network: Network, path: Path, style: Style | None, outputs: Iterable[str] | None
) -> Exported:
    if style not in get_args(Style):
        problem = "no style is given" if style is None else f"there is no style '{style}'"
        help = "say which: numpy or torch (--style)"
        raise UsageError.of("bad-option", f"'{path.name}' is code, but {problem}", help=help)
    kind = NumpyCode if style == "numpy" else TorchCode
    names = network.graph.outputs if outputs is None else tuple(outputs)
    code = kind(network.graph, names, network.graph.losses)
    weights = path.with_suffix(".npz")
    _refuse_to_replace(weights, network)
    text = code.text(weights.name)
    used = code.used() if style == "torch" else {*network.arrays}
    kept = {name: array for name, array in network.arrays.items() if name in used}
    arrays = archives.packed(weights, {**kept, **code.arrays})
    files.write_all({weights: arrays, path: text.encode()})
    return Exported((path, weights), None, None)


def _refuse_to_replace(weights: Path, network: Network) -> None:
    """Raise a FileError where the spec reads the file of parameters, which nobody has named."""
    spec = network.graph.spec
    if weights.resolve() in named_files(spec.document, spec.folder, VOCABULARY):
        message = f"the spec reads '{weights}', which would be replaced by the parameters"
        raise FileError.of("file-exists", message, help="give the code another name")
