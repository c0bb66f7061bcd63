"""ONNX models as networks, and as folders with a spec, its weights and recorded examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphnn.diagnostics import FileError, Findings, GraphnnError, RunError, UsageError
from graphnn.execution.drawn_inputs import draw_inputs
from graphnn.execution.network import Network
from graphnn.graph import build as checked
from graphnn.interchange.onnx import documents, models, recording, verification
from graphnn.interchange.onnx.libraries import onnxruntime
from graphnn.interchange.onnx.models import Model
from graphnn.interchange.onnx.opaque import Opaque, known
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.writing import onnx_graph
from graphnn.ops import Array
from graphnn.spec import DEFAULT, build, reader, to_yaml
from graphnn.spec.values import Map, located, plain
from graphnn.storage import archives, files, gc_paused

WEIGHTS, EXAMPLES = "weights.safetensors", "examples.npz"
CONSTANTS = "constants.safetensors"
_INLINE = 16  # entries of a constant that the spec itself states
_ROWS, _ROOMY = 2, (16, 64)
_LARGEST = 10_000_000  # entries of an input
_TOLERANCE = 1e-4  # of the largest entry; what is wrong differs by far more
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """What has been read, and written.

    Attributes
    ----------
    network : Network
    files : tuple of Path
        The spec, its weights if it needs some, and the arrays of its examples.
    difference : float or None
        The largest from what onnxruntime gives, relative to the largest entry of each output; None
        where it was not asked.
    notes : tuple of str
        What is not as it was in the model.
    """

    network: Network
    files: tuple[Path, ...]
    difference: float | None
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Read:
    """A model as a network, with the names that the model has for its inputs and outputs."""

    document: Document
    network: Network
    weights: Mapping[str, Array]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    notes: tuple[str, ...] = ()


@gc_paused()
def load_onnx(
    path: str | Path, given: Mapping[str, Any] | None = None, *, drawn: bool = False
) -> Network:
    """The network that an ONNX model holds.

    Parameters
    ----------
    path : str or Path
    given : mapping of str to array_like, optional
        Values of inputs, which are then no inputs, and of free sizes.
    drawn : bool
        Whether operators without a counterpart become nodes that can be drawn and counted, but
        not computed.

    Raises
    ------
    FileError
        The file cannot be read, or is not a sound model.
    RunError
        Some operators have no counterpart here.
    UsageError
        `given` names no input; or onnx is not installed.
    """
    path = files.as_path(path)
    return _read(models.read(path), path.parent, given, drawn=drawn).network


@gc_paused()
def import_onnx(
    path: str | Path, folder: str | Path, given: Mapping[str, Any] | None = None
) -> Imported:
    """Write an ONNX model as a spec with its weights, and examples recorded from onnxruntime.

    Parameters
    ----------
    path : str or Path
        The model.
    folder : str or Path
        Made if it is not there.
    given : mapping of str to array_like, optional
        Values of inputs, which are then no inputs, and of free sizes.

    Returns
    -------
    Imported

    Raises
    ------
    FileError, UsageError
        As `load_onnx`; or the folder has such files already, or cannot be written.
    RunError
        As `load_onnx`; or onnxruntime gives other values.
    """
    path, folder = files.as_path(path), files.as_path(folder)
    if folder.suffix in (*reader.SUFFIXES, ".onnx") and not folder.is_dir():
        message = f"'{folder}' would be a folder, which holds the spec and its weights"
        raise UsageError.of("bad-option", message, help=f"name it '{folder.with_suffix('')}'")
    found = _read(models.read(path), folder, given)
    target = folder / f"{path.stem}.yaml"
    for name in (target, folder / WEIGHTS, folder / CONSTANTS, folder / EXAMPLES):
        if name.exists() or name.is_symlink():
            raise FileError.of("file-exists", f"there is a file '{name}' already")
    document = {**found.document}
    arrays, difference = _recorded(path, found, given or {})
    if "examples" in document:
        arrays = {}
    elif arrays:
        document["examples"] = [_example(found, arrays)]
    constants = _put_aside(document)
    if found.weights:
        document["weights"] = {"file": WEIGHTS}
    text = to_yaml(_located(document))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.unwritable(folder, error) from None
    written: dict[Path, bytes] = {}
    for file, content in ((WEIGHTS, found.weights), (CONSTANTS, constants), (EXAMPLES, arrays)):
        if content:
            written[folder / file] = archives.packed(folder / file, content)
    files.write_all({**written, target: text.encode()})
    return Imported(found.network, (target, *written), difference, found.notes)


def _put_aside(document: Document) -> dict[str, Array]:
    """The large constants of a document, which names them in their file from then on."""
    found: dict[str, Array] = {}
    scopes = [("", document["nodes"])]
    scopes += [(f"{name}.", block["nodes"]) for name, block in document.get("blocks", {}).items()]
    for prefix, nodes in scopes:
        for name, body in nodes.items():
            array = np.asarray(body["value"]) if body.get("op") == "constant" else np.zeros(0)
            if array.size > _INLINE:
                found[f"{prefix}{name}"] = array
                nodes[name] = {**body, "value": {"file": CONSTANTS, "key": f"{prefix}{name}"}}
    return found


def _read(
    model: Model, folder: Path, given: Mapping[str, Any] | None, *, drawn: bool = False
) -> _Read:
    if model.spec and not given:
        own = _own(model, folder)
        if own is not None:
            return own
    translated = Translator(model, given, drawn=drawn).translate()
    written = documents.write(translated)
    ops = [type(made.op) for made in translated.made if isinstance(made.op, Opaque)]
    with known(ops):
        network = network_of(written.document, written.weights, folder)
    names = written.names
    return _Read(
        written.document,
        network,
        written.weights,
        {name: names[made] for name, made in translated.inputs.items()},
        {name: names[made] for name, made in zip(model.outputs, translated.outputs, strict=True)},
        tuple(translated.notes),
    )


def network_of(document: Document, weights: Mapping[str, Array], folder: Path) -> Network:
    """The network of a document, with these weights."""
    findings = Findings(DEFAULT.faults)
    spec = build.build(_located(document), folder, findings)
    graph = checked(spec, findings)
    findings.raise_errors()
    network = Network(graph, spec.train.seed if spec.train is not None else 0)
    network.assign(weights)
    return network


def _located(document: Document) -> Map:
    value = located(document)
    assert isinstance(value, Map)
    return value


# --- models that graphnn has written


def _own(model: Model, folder: Path) -> _Read | None:
    """The spec in a model's metadata, if it still is what the model computes."""
    try:
        document = plain(reader.read(model.spec, json=True))
        assert isinstance(document, dict)
        document.pop("weights", None)
        start = network_of(document, {}, folder)
        kept = {name: model.arrays[name] for name in start.arrays if name in model.arrays}
        network = network_of(document, kept, folder)
        narrow = network.astype(model.dtype)
        recorded = recording.record(narrow, model.outputs, model.opset)
    except GraphnnError:
        return None
    same = recorded.constants.keys() == model.arrays.keys() and all(
        np.array_equal(array, model.arrays[name]) for name, array in recorded.constants.items()
    )
    if not same or not _same_graph(onnx_graph(narrow, recorded), model.proto.graph):
        return None
    starts = start.astype(model.dtype).arrays
    weights = {} if all(np.array_equal(starts[n], a) for n, a in kept.items()) else kept
    return _Read(
        document,
        network,
        {**network.arrays, **weights} if weights else {},
        {value.name: value.name for value in model.inputs},
        {name: name for name in model.outputs},
    )


def _same_graph(made: Any, there: Any) -> bool:
    """Whether two graphs compute the same by the same nodes, of which names and remarks differ."""
    ends = ("input", "output")
    if any(list(getattr(made, end)) != list(getattr(there, end)) for end in ends):
        return False
    if len(made.node) != len(there.node):
        return False
    key: Callable[[Any], Any] = lambda node: (  # noqa: E731
        node.op_type,
        list(node.input),
        list(node.output),
        sorted(each.SerializeToString() for each in node.attribute),
    )
    return all(key(a) == key(b) for a, b in zip(made.node, there.node, strict=True))


# --- examples


def _recorded(
    path: Path, found: _Read, given: Mapping[str, Any]
) -> tuple[dict[str, Array], float | None]:
    """Inputs drawn, and what onnxruntime gives for them; and how far that is from here."""
    if onnxruntime() is None:
        return {}, None
    network = found.network
    inputs = _drawn(found)
    if any(array.size > _LARGEST for array in inputs.values()):
        return {}, None
    dtypes = {each.name: each.dtype for each in models.read(path).inputs}
    fed = {name: inputs[ours].astype(dtypes[name]) for name, ours in found.inputs.items()}
    kept = {name: value for name, value in given.items() if name in dtypes}
    fed.update({name: np.asarray(value, dtypes[name]) for name, value in kept.items()})
    theirs = verification.run(path, fed, network.dtype, tuple(found.outputs))
    here = _read_by(
        network, {n: inputs[n].astype(fed[key].dtype) for key, n in found.inputs.items()}
    )
    ours = network.run(here, outputs=found.outputs.values())
    largest = 0.0
    for name, own in found.outputs.items():
        scale = _scale(network, own, theirs[name])
        if ours[own].shape != theirs[name].shape:
            raise RunError.of("onnx-differs", f"'{own}' has another shape in onnxruntime")
        apart = float(np.abs(ours[own] - theirs[name].astype(np.float64)).max(initial=0)) / scale
        if not apart <= _TOLERANCE:
            message = f"'{own}' differs from onnxruntime by {apart:.2g} of its largest entry"
            help = "nothing has been written; please report the model"
            raise RunError.of("onnx-differs", message, help=help)
        largest = max(largest, apart)
    outputs = {f"{own}.expected": theirs[name] for name, own in found.outputs.items()}
    return {**here, **outputs}, largest


def _scale(network: Network, name: str, value: Array) -> float:
    """The largest entry; of an op with bounds, the bound: a sigmoid near 0 is coarse elsewhere.

    Or the numbers that the op gives the difference of, where they are larger.
    """
    op = network.graph.node(name).op
    bound = max(map(abs, op.output_interval or (0.0, 0.0)))
    largest = float(np.abs(value).max(initial=0))
    return max(largest, bound if bound < np.inf else 0.0, op.grain, 1e-30)


def _drawn(found: _Read) -> dict[str, Array]:
    """Inputs for which the network has values: free sizes are small, if windows fit in them."""
    network, names = found.network, [*found.inputs.values()]
    for rows in (_ROWS, *_ROOMY):
        inputs = draw_inputs(network, names, rows, apart=rows == _ROWS)
        try:
            network.run(_read_by(network, inputs))
            return inputs
        except RunError as error:
            if rows == _ROOMY[-1] or error.diagnostics[0].code != "bad-value":
                raise
    raise AssertionError


def _read_by(network: Network, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Those of `inputs` that the outputs depend on: a model may have others too."""
    needed = network.executor(network.graph.outputs).plan.inputs
    return {name: array for name, array in inputs.items() if name in needed}


def _example(found: _Read, arrays: Mapping[str, Array]) -> Document:
    scales = [
        _scale(found.network, name, arrays[f"{name}.expected"]) for name in found.outputs.values()
    ]
    read = [name for name in found.inputs.values() if name in arrays]
    inputs = {name: {"file": EXAMPLES, "key": name} for name in read}
    outputs = {
        name: {"file": EXAMPLES, "key": f"{name}.expected"} for name in found.outputs.values()
    }
    return {
        "about": "recorded from onnxruntime",
        "inputs": inputs,
        "outputs": outputs,
        "rtol": _TOLERANCE,
        "atol": float(f"{_TOLERANCE * max([*scales, 1e-6]):.1g}"),
    }
