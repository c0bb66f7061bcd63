"""ONNX files read within limits: whatever a file holds, it is a sound `Model` or one error."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from graphnn.diagnostics import FileError
from graphnn.interchange.onnx.libraries import onnx
from graphnn.interchange.onnx.texts import is_text
from graphnn.ops import Array
from graphnn.storage import files

MAX_NODES = 100_000  # as many as a spec may have
MAX_AXES = 32
_SCOPES = ("name_scopes", "pkg.torch.onnx.name_scopes")


@dataclass(slots=True)  # not frozen, which takes three times as long to make
class ForeignNode:
    """One node of an ONNX graph.

    Attributes
    ----------
    op : str
        With its domain before it, unless that is ONNX's own.
    name : str
    inputs, outputs : tuple of str
        Names of values; empty for what is left out.
    attributes : mapping
        Arrays for tensors, protobuf messages for graphs.
    scopes : tuple of str
        Names of the modules that it is in, from the outermost in.
    about : str
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    scopes: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True)
class ForeignInput:
    """An input: its dtype, and its sizes, texts where they are free, None where unspecified."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True, slots=True)
class Model:
    """What an ONNX file holds.

    Attributes
    ----------
    proto : ModelProto
    name, about : str
    opset : int
    inputs : tuple of ForeignInput
    arrays : mapping of str to ndarray
        The initializers.
    nodes : tuple of ForeignNode
        Each after what it reads.
    outputs : tuple of str
    spec : str
        The spec that it was made of, if it was; else empty.
    """

    proto: Any = field(repr=False)
    name: str
    about: str
    opset: int
    inputs: tuple[ForeignInput, ...]
    arrays: Mapping[str, Array] = field(repr=False)
    nodes: tuple[ForeignNode, ...] = field(repr=False)
    outputs: tuple[str, ...]
    spec: str = field(repr=False)

    @property
    def dtype(self) -> str:
        """What a network that computes the same computes in."""
        dtypes = [each.dtype for each in self.inputs]
        dtypes += [array.dtype for array in self.arrays.values()]
        return "float64" if np.float64 in dtypes else "float32"


def sizes_of(tensor: Any) -> tuple[int | str | None, ...]:
    """The sizes that a type states, a free one by its name; None for one without a name."""
    return tuple(
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
        for dim in tensor.shape.dim
    )


def read(path: Path) -> Model:
    """The model in the file at `path`.

    Raises
    ------
    FileError
        It cannot be read, is not an ONNX model, or not a sound one; or a file of weights that it
        names lies outside of its folder.
    """
    proto = _message(path)
    graph = proto.graph
    if not graph.output:
        what = "it has no outputs" if graph.node else "it is not an ONNX model: it has no graph"
        raise _broken(path, what)
    if len(graph.node) > MAX_NODES:
        raise _broken(path, f"it has {len(graph.node):,} nodes, more than {MAX_NODES:,}")
    if proto.functions:
        proto = _inlined(path, proto)
        graph = proto.graph
    reader = Reader(path)
    opsets = {entry.domain: entry.version for entry in proto.opset_import}
    arrays = reader.arrays(graph.initializer)
    if graph.sparse_initializer:
        raise _broken(path, "it has sparse weights")
    inputs = tuple(reader.input(each) for each in graph.input if each.name not in arrays)
    nodes = tuple(reader.nodes(graph.node))
    reader.check_order(inputs, arrays, nodes, [each.name for each in graph.output])
    return Model(
        proto,
        graph.name,
        proto.doc_string or graph.doc_string,
        opsets.get("", opsets.get("ai.onnx", 1)),
        inputs,
        arrays,
        nodes,
        tuple(each.name for each in graph.output),
        next((entry.value for entry in proto.metadata_props if entry.key == "graphnn"), ""),
    )


def _message(path: Path) -> Any:
    """The protobuf message in a file."""
    content = files.read_bytes(path, 2**31 - 1)
    library = onnx()
    try:
        proto = library.load_model_from_string(content)
    except Exception:  # of protobuf, whose classes differ from version to version
        raise _broken(path, "it is not an ONNX model") from None
    if not is_text(proto):
        raise _broken(path, "a name or text in it is not UTF-8")
    return proto


def _broken(path: Path, problem: str) -> FileError:
    return FileError.of("not-onnx", f"'{path}' cannot be read as an ONNX model: {problem}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _inlined(path: Path, proto: Any) -> Any:
    if _comes_to_many(proto):
        raise _broken(path, f"it has more than {MAX_NODES:,} nodes, or functions without an end")
    try:
        made = onnx().inliner.inline_local_functions(proto)
    except Exception as error:  # of C++, which raises RuntimeError and others
        raise _broken(path, f"its functions are not sound ({_first_line(error)})") from None
    if len(made.graph.node) > MAX_NODES:
        raise _broken(path, f"it has more than {MAX_NODES:,} nodes")
    return made


def _comes_to_many(proto: Any) -> bool:
    """Whether there are too many nodes once each call of a function is replaced by its nodes."""
    bodies = {(each.domain, each.name): each.node for each in proto.functions}
    waiting, count = [proto.graph.node], 0
    while waiting and count <= MAX_NODES:
        nodes = waiting.pop()
        count += len(nodes)
        for node in nodes:
            waiting += [each.g.node for each in node.attribute if each.HasField("g")]
            if (body := bodies.get((node.domain, node.op_type))) is not None:
                waiting.append(body)
    return count > MAX_NODES


class Reader:
    """Takes messages apart; what is wrong is reported for the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._onnx = onnx()
        # What is asked for often: onnx looks it up for a while.
        types, kinds = self._onnx.TensorProto, self._onnx.AttributeProto
        self._unreadable, self._outer = (types.UNDEFINED, types.STRING), types.EXTERNAL
        self._tensor, self._whole, self._wholes = kinds.TENSOR, kinds.INT, kinds.INTS
        self._dtypes: dict[int, np.dtype[Any]] = {}  # by ONNX's number of each type

    def arrays(self, tensors: Iterable[Any]) -> dict[str, Array]:
        """Arrays by name."""
        found: dict[str, Array] = {}
        for tensor in tensors:
            if tensor.name in found:
                raise _broken(self._path, f"two weights are called '{tensor.name[:100]}'")
            found[tensor.name] = self.array(tensor)
        return found

    def array(self, tensor: Any) -> Array:
        """The array of a tensor, once it is known to be as large as it says."""
        dims, kind = tuple(tensor.dims), tensor.data_type
        what = f"the array '{tensor.name[:100]}'"
        if len(dims) > MAX_AXES or min(dims, default=0) < 0:
            raise _broken(self._path, f"{what} has no sound shape")
        if kind in self._unreadable:
            raise _broken(self._path, f"{what} does not hold numbers")
        try:
            dtype = self._dtype(kind)
        except KeyError:
            raise _broken(self._path, f"{what} is of an unknown type") from None
        count = math.prod(dims)
        if tensor.data_location == self._outer:
            return self._outside(tensor, what, dims, dtype)
        raw: bytes = tensor.raw_data  # a copy, each time that it is asked for
        held = len(raw) or _typed_entries(tensor)
        wanted = count * dtype.itemsize if raw else count
        if held != wanted and dtype.itemsize * 8 >= 8 and not _is_packed(tensor):
            raise _broken(self._path, f"{what} does not hold as many numbers as its shape says")
        if raw and dtype.isbuiltin == 1 and not tensor.HasField("segment"):
            numbers = np.frombuffer(raw, dtype.newbyteorder("<"))
            return numbers.astype(dtype, copy=False).reshape(dims)
        try:
            array: Array = self._onnx.numpy_helper.to_array(tensor)
        except Exception as error:  # of numpy or onnx, whatever they trip over
            raise _broken(self._path, f"{what} cannot be read ({_first_line(error)})") from None
        return array

    def _outside(
        self, tensor: Any, what: str, dims: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Array:
        """An array that lies in another file of the folder."""
        given = {entry.key: entry.value for entry in tensor.external_data}
        try:
            offset, size = int(given.get("offset", 0)), math.prod(dims) * dtype.itemsize
            length = int(given.get("length", size))
        except ValueError:
            raise _broken(self._path, f"{what} does not say where it lies") from None
        path = files.within(self._path.parent, given.get("location", ""))
        if length != size or offset < 0:
            raise _broken(self._path, f"{what} does not hold as many numbers as its shape says")
        with files.open_regular(path) as stream:
            stream.seek(0, 2)
            if offset + size > stream.tell():
                raise _broken(self._path, f"{what} lies beyond the end of '{path}'")
            stream.seek(offset)
            content = stream.read(size)
        return np.frombuffer(content, dtype.newbyteorder("<")).astype(dtype).reshape(dims)

    def input(self, value: Any) -> ForeignInput:
        """An input."""
        what = f"the input '{value.name[:100]}'"
        if value.type.WhichOneof("value") != "tensor_type":
            raise _broken(self._path, f"{what} is not an array")
        tensor = value.type.tensor_type
        try:
            dtype = self._dtype(tensor.elem_type)
        except KeyError:
            raise _broken(self._path, f"{what} does not hold numbers") from None
        if dtype.kind == "O":
            raise _broken(self._path, f"{what} does not hold numbers")
        if not tensor.HasField("shape"):
            return ForeignInput(value.name, dtype, None)
        sizes = sizes_of(tensor)
        # Some programs write -1, 0 or ? where they mean a free size.
        shape = tuple(size if _is_size(size) else None for size in sizes)
        return ForeignInput(value.name, dtype, shape)

    def graph(self, proto: Any) -> tuple[dict[str, Array], tuple[ForeignNode, ...]]:
        """Arrays and nodes of a graph, in the order of the file."""
        return self.arrays(proto.initializer), tuple(self.nodes(proto.node))

    def nodes(self, protos: Iterable[Any]) -> Iterator[ForeignNode]:
        """Nodes, in the order of the file."""
        for proto in protos:
            domain = "" if proto.domain in ("", "ai.onnx") else f"{proto.domain}."
            about = proto.doc_string
            yield ForeignNode(
                f"{domain}{proto.op_type}",
                proto.name,
                tuple(proto.input),
                tuple(proto.output),
                {each.name: self._attribute(each) for each in proto.attribute},
                _scopes(proto.metadata_props),
                about if "\n" not in about else "",
            )

    def _dtype(self, number: int) -> np.dtype[Any]:
        """NumPy's type of numbers; raises KeyError where there is none."""
        if number not in self._dtypes:
            self._dtypes[number] = self._onnx.helper.tensor_dtype_to_np_dtype(number)
        return self._dtypes[number]

    def _attribute(self, attribute: Any) -> Any:
        kind = attribute.type
        if attribute.ref_attr_name:
            what = f"the attribute '{attribute.name[:100]}'"
            raise _broken(self._path, f"{what} is one of a function, which its node is not in")
        if kind == self._tensor:
            return self.array(attribute.t)
        if kind == self._whole:  # these two are most, and onnx's function takes its time
            return attribute.i
        if kind == self._wholes:
            return list(attribute.ints)
        value = self._onnx.helper.get_attribute_value(attribute)
        if kind < self._onnx.AttributeProto.FLOATS:
            return _text(value)
        return [_text(each) for each in value]

    def check_order(
        self,
        inputs: Iterable[ForeignInput],
        arrays: Iterable[str],
        nodes: Iterable[ForeignNode],
        outputs: Iterable[str],
    ) -> None:
        """Check that every name is given once, before it is read."""
        known = {*arrays, ""}
        for each in inputs:
            self._check_new(each.name, known)
        for node in nodes:
            for name in node.inputs:
                if name not in known:
                    label = node.name or node.op
                    message = f"'{label[:100]}' reads '{name[:100]}', which nothing before it gives"
                    raise _broken(self._path, message)
            for name in filter(None, node.outputs):
                self._check_new(name, known)
        for name in outputs:
            if not name or name not in known:
                raise _broken(self._path, f"nothing gives the output '{name[:100]}'")

    def _check_new(self, name: str, known: set[str]) -> None:
        """Add the name of a value to those that are `known`."""
        if not name:
            raise _broken(self._path, "an input has no name")
        if name in known:
            raise _broken(self._path, f"two values are called '{name[:100]}'")
        known.add(name)


def _text(value: Any) -> Any:
    """`value`, decoded if it is a text, which protobuf holds as bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _is_size(size: int | str | None) -> bool:
    if isinstance(size, str):
        return any(character.isalnum() for character in size)
    return size is not None and size > 0


def _typed_entries(tensor: Any) -> int:
    fields = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")
    return max(len(getattr(tensor, each)) for each in fields)


def _is_packed(tensor: Any) -> bool:
    """Whether several numbers share a byte, or a number takes two entries."""
    types = onnx().TensorProto
    names = ("INT4", "UINT4", "FLOAT4E2M1", "INT2", "UINT2", "COMPLEX64", "COMPLEX128")
    return tensor.data_type in [getattr(types, name, -1) for name in names]


def _scopes(properties: Iterable[Any]) -> tuple[str, ...]:
    """Names of modules: a list in JSON, or as Python shows one."""
    metadata = {entry.key: entry.value for entry in properties}
    text = next((metadata[key] for key in _SCOPES if key in metadata), "")
    if not text or len(text) > 10_000:
        return ()
    try:
        found = json.loads(text) if text.startswith('["') else ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ()
    if not isinstance(found, list):
        return ()
    return tuple(name for name in found if isinstance(name, str) and name)
