"""A network written to an ONNX file, once it is proved to compute the same there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from graphnn.diagnostics import RunError, UsageError, is_whole
from graphnn.execution.network import Network
from graphnn.interchange.onnx.libraries import newest_opset, onnx
from graphnn.interchange.onnx.recording import Recorded, dtype_of, record
from graphnn.interchange.onnx.verification import Agreement, compare
from graphnn.ops import Array, Kind
from graphnn.spec import to_json
from graphnn.spec.block_records import instances_of
from graphnn.spec.sizes import Shape
from graphnn.storage import files

OLDEST_OPSET = 18
SPEC = "graphnn"  # the key of a model's metadata under which it holds its spec
SCOPES = "name_scopes"  # and of a node's, for the blocks that it is in
LARGEST = 2**31 - 2**20  # bytes of a protobuf message, and room for what is not weights
_SMALL = 1024  # bytes; shapes, which onnx reads while it checks, are less
_ALIGNED = 4096  # bytes, so that weights can be mapped into memory


@dataclass(frozen=True, slots=True)
class Exported:
    """What has been written.

    Attributes
    ----------
    files : tuple of Path
        The model, and a file of weights beside it if it is large; or code and its weights.
    opset : int or None
        None for code.
    agreement : Agreement or None
        How well onnxruntime agrees; None where it is not installed.
    """

    files: tuple[Path, ...]
    opset: int | None
    agreement: Agreement | None


def write(
    network: Network,
    path: Path,
    *,
    opset: int | None = None,
    dtype: str = "float32",
    outputs: Iterable[str] | None = None,
) -> Exported:
    """Write `network` to the ONNX file at `path`; see `graphnn.interchange.export`."""
    opset = _checked(opset)
    network = network if network.dtype == dtype else network.astype(dtype)
    wanted = network.graph.outputs if outputs is None else tuple(outputs)
    recorded = record(network, wanted, opset)
    apart = _bytes(recorded.constants.values()) > LARGEST
    large = path.with_name(f"{path.name}.data")
    try:
        with tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=path.parent) as folder:
            beside = Path(folder, path.name)
            weights = _write_weights(recorded.constants, beside.parent / large.name, apart)
            model = _model(network, recorded, opset, weights)
            beside.write_bytes(model.SerializeToString())
            _check(beside)
            agreement = compare(network, recorded, model, beside)
            written = (path, large) if apart else (path,)
            for target in reversed(written):
                _move(beside.parent / target.name, target)
    except OSError as error:
        raise files.unwritable(path, error) from None
    return Exported(written, opset, agreement)


def _checked(opset: int | None) -> int:
    newest = newest_opset()
    if opset is None:
        return newest
    if not is_whole(opset, OLDEST_OPSET) or opset > newest:
        message = f"opset {opset!r} cannot be written"
        raise UsageError.of("bad-option", message, help=f"it is {OLDEST_OPSET} to {newest}")
    return opset


def _bytes(arrays: Iterable[Array]) -> int:
    return sum(array.nbytes for array in arrays)


def _check(path: Path) -> None:
    try:
        onnx().checker.check_model(str(path), full_check=True)
    except (onnx().checker.ValidationError, onnx().shape_inference.InferenceError) as error:
        message = f"the checker of onnx refuses the model: {' '.join(str(error).split())}"
        raise RunError.of("onnx-differs", message) from None


def _move(source: Path, target: Path) -> None:
    def copy(stream: BinaryIO) -> None:
        with source.open("rb") as content:
            while piece := content.read(files.MEBIBYTE):
                stream.write(piece)

    files.write_whole(target, copy)


# --- the model


def _write_weights(
    constants: Mapping[str, Array], path: Path, apart: bool
) -> Callable[[str, Array], Any]:
    """What makes the tensor of a constant; where they are kept `apart`, they are in `path`."""
    if not apart:
        return _tensor
    places: dict[str, int] = {}
    with path.open("wb") as stream:
        for name, array in constants.items():
            if array.nbytes < _SMALL:
                continue
            stream.write(b"\0" * (-stream.tell() % _ALIGNED))
            places[name] = stream.tell()
            stream.write(np.ascontiguousarray(array).tobytes())

    def outside(name: str, array: Array) -> Any:
        if name not in places:
            return _tensor(name, array)
        element = onnx().helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = onnx().TensorProto(name=name, dims=array.shape, data_type=element)
        tensor.data_location = onnx().TensorProto.EXTERNAL
        there = {"location": path.name, "offset": places[name], "length": array.nbytes}
        for key, value in there.items():
            tensor.external_data.add(key=key, value=str(value))
        return tensor

    return outside


def _tensor(name: str, array: Array) -> Any:
    return onnx().numpy_helper.from_array(np.asarray(array, order="C"), name)


def _model(
    network: Network, recorded: Recorded, opset: int, tensor: Callable[[str, Array], Any]
) -> Any:
    helper = onnx().helper
    made = onnx_graph(network, recorded)
    made.initializer.extend(tensor(name, array) for name, array in recorded.constants.items())
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(made, opset_imports=imports, producer_name="graphnn")
    model.ir_version = max(10, helper.find_min_ir_version_for(imports))
    entry = model.metadata_props.add()
    entry.key, entry.value = SPEC, to_json(network.graph.spec.document)
    return model


def onnx_graph(network: Network, recorded: Recorded) -> Any:
    """The ONNX graph of what has been recorded of a network, without its constants."""
    helper, spec = onnx().helper, network.graph.spec

    def info(name: str, shape: Shape, kind: Kind) -> Any:
        element = helper.np_dtype_to_tensor_dtype(dtype_of(kind, network.dtype))
        sizes = [size if isinstance(size, int) else str(size) for size in shape]
        return helper.make_tensor_value_info(name, element, sizes)

    nodes = []
    for owner, node in recorded.nodes:
        label = owner if node.outputs[0] == recorded.values.get(owner) else node.outputs[0]
        made = helper.make_node(node.op, node.inputs, node.outputs, name=label, **node.attributes)
        nodes.append(made)
        _describe(made, network, owner)
    return helper.make_graph(
        nodes,
        spec.name or "network",
        [info(name, *typed) for name, typed in recorded.inputs.items()],
        [info(name, *typed) for name, typed in recorded.outputs.items()],
        doc_string=spec.description,
    )


def _describe(made: Any, network: Network, owner: str) -> None:
    """Say of an ONNX node what the spec says of the node it is part of, and its blocks."""
    owner = network.graph.spec.aliases.get(owner, owner)
    spec = network.graph.spec.nodes[owner]
    made.doc_string = spec.about
    if chain := instances_of(spec.instance):
        entry = made.metadata_props.add()
        entry.key, entry.value = SCOPES, json.dumps([instance.name for instance in chain])
