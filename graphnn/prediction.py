"""Classes predicted for rows and pictures that come in files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn import archives, files, network
from graphnn.errors import Diagnostic, FileError, TrainingError, UsageError
from graphnn.graph import Node
from graphnn.network import Network
from graphnn.ops.activation import Sigmoid, Softmax
from graphnn.runs import train_spec
from graphnn.spec.model import TrainSpec
from graphnn.trained import Classes
from graphnn.training import data
from graphnn.training.columns import Column, InputNeed, array_for
from graphnn.training.loop import needs
from graphnn.training.measuring import Measuring, input_need
from graphnn.training.sources import _pictures, _png
from graphnn.training.sources.folder import MAX_FILE

Array = NDArray[Any]
_NAMING = ("csv", "folder")  # kinds of data whose classes have names
_ROWS = 1000  # a pass


@dataclass(frozen=True, slots=True)
class Prediction:
    """The class of one row.

    Attributes
    ----------
    source : str
        The file, with the row's number where it holds several.
    label : int
        Number of the class.
    name : str
        Name of the class, its number where the data have none.
    score : float
        What the network gives for this class.
    """

    source: str
    label: int
    name: str
    score: float


class Predictor:
    """Reads files as rows of a classifier's input, and classifies them.

    Parameters
    ----------
    network : Network
    spec : TrainSpec
        Its metric ``accuracy`` or ``top_k_accuracy`` names the node whose scores are read.

    Attributes
    ----------
    probable : bool
        Whether scores are probabilities, being those of softmax or sigmoid.

    Raises
    ------
    TrainingError
        Nothing says which node classifies; or the weights do not name the classes, and the training
        data have more than the network tells.
    UsageError
        That node reads more than one input.
    """

    def __init__(self, network: Network, spec: TrainSpec) -> None:
        self._network = network
        measuring = Measuring(network, spec)
        nodes = measuring.classifying
        if nodes is None:
            message = "nothing says which node of the network tells classes"
            help = "add the metric accuracy: [PREDICTION, TARGET] to 'train'"
            raise TrainingError(Diagnostic("no-classes", message, spec.place.span, help=help))
        self._node = nodes[0]
        self._executor = network.executor([self._node])
        inputs = self._executor.plan.inputs
        if len(inputs) != 1:
            message = f"'{self._node}' reads {len(inputs)} inputs, so files cannot feed it"
            raise UsageError(Diagnostic("wrong-inputs", message, help="use graphnn run --input"))
        self._need = input_need(network, network.graph.nodes[next(iter(inputs))])
        self.probable = isinstance(network.graph.node(self._node).op, Sigmoid | Softmax)
        if network.classes is None:
            self._names = measuring.names(_classes(network, spec))
            _check_count(self._names, network.graph.node(self._node))
        else:
            self._names = measuring.names(network.classes)

    def __call__(self, paths: str | Path | Iterable[str | Path]) -> list[Prediction]:
        """Classify every row of every file, .png, .npz or .safetensors.

        Parameters
        ----------
        paths : str, Path, or iterable of them

        Returns
        -------
        list of Prediction

        Raises
        ------
        FileError, DataError, RunError
            A file cannot be read, does not fit the input, or its result is not finite.
        """
        every = (paths,) if isinstance(paths, str | Path) else paths
        return [each for path in every for each in self._file(Path(path))]

    def _file(self, path: Path) -> Iterable[Prediction]:
        picture = path.suffix.lower() == ".png"
        rows = _picture(path, self._need) if picture else _rows(path, self._need)
        for start in range(0, len(rows), _ROWS):
            part = {self._need.name: rows[start : start + _ROWS]}
            scores = self._executor.run(part, self._network.arrays)[self._node]
            for number, (label, score) in enumerate(_best(scores), start):
                name = self._names[label] if label < len(self._names) else str(label)
                source = str(path) if picture or len(rows) == 1 else f"{path}[{number}]"
                yield Prediction(source, label, name, score)


def predict(
    source: Network | str | Path,
    paths: str | Path | Iterable[str | Path],
    settings: Mapping[str, Any] | None = None,
    *,
    weights: str | Path | None = None,
) -> list[Prediction]:
    """Classify images and rows in files by a trained network.

    Parameters
    ----------
    source : Network, str or Path
        A network or a spec file.
    paths : str, Path, or iterable of them
        PNG images with as many pixels as the input has values, or .npz and .safetensors files with
        an array of rows.
    settings : mapping, optional
        For a spec file: sizes and values of ``train`` to replace.
    weights : str or Path, optional
        Parameters as training leaves them: the folder of a run, or an .npz or .safetensors file.

    Returns
    -------
    list of Prediction
        One for each image and row.

    Raises
    ------
    SpecError, FileError, DataError, TrainingError, RunError, UsageError
        The spec or a file is at fault, or the network does not tell classes; see `Predictor`.
    """
    net = source if isinstance(source, Network) else network.load(source, settings)
    if weights is not None:
        net.load_weights(weights)
    return Predictor(net, train_spec(net))(paths)


def _best(scores: Array) -> Iterable[tuple[int, float]]:
    """Class and score of each row."""
    if scores.ndim == 1 or scores.shape[1:] == (1,):
        ones = scores.reshape(-1, 1)
        scores = np.concatenate([1 - ones, ones], axis=1)
        labels = (ones[:, 0] >= 0.5).astype(int)
    else:
        scores = scores.reshape(len(scores), -1)
        labels = scores.argmax(axis=1)
    return zip(labels.tolist(), scores[np.arange(len(scores)), labels].tolist(), strict=True)


def _picture(path: Path, need: InputNeed) -> Array:
    """A PNG file as one row."""
    content = files.read_bytes(path, MAX_FILE)
    found, wanted = _png.size(path.name, content, None), _pictures.size(need)
    if wanted is not None and found != wanted:
        raise _pictures.another_size(path.name, found, wanted, f"input '{need.name}' takes")
    pixels = _png.pixels(path.name, content, _pictures.mode(need), None)
    rows = _pictures.rows(need, pixels[np.newaxis])
    return array_for(need, Column(path.name, rows, pixels=True))


def _rows(path: Path, need: InputNeed) -> Array:
    """The array called like the input, or else the only one, as rows."""
    arrays = archives.read_arrays(path)
    if need.name not in arrays and len(arrays) == 1:
        return array_for(need, Column(*next(iter(arrays.items()))))
    if need.name not in arrays:
        message = f"'{path.name}' has no array '{need.name}'"
        help = f"its arrays are {', '.join(arrays)}" if arrays else "it has no arrays"
        raise FileError(Diagnostic("unknown-array", message, help=help))
    return array_for(need, Column(need.name, arrays[need.name]))


def _check_count(names: tuple[str, ...], node: Node) -> None:
    """Refuse more classes than `node` tells: the data are not those of the training."""
    width = node.shape[-1]
    count = 2 if len(node.shape) == 1 or width == 1 else width
    if isinstance(count, int) and len(names) > count:
        message = (
            f"'{node.name}' tells {count} classes, but the training data now have {len(names)}"
        )
        help = "the weights.safetensors of a run hold the names of its classes"
        raise TrainingError(Diagnostic("different-classes", message, help=help))


def _classes(network: Network, spec: TrainSpec) -> Classes:
    """Named classes of the training data, for weights that tell of none; none without the data."""
    if spec.data is None or not any(kind in spec.data for kind in _NAMING):
        return {}
    try:
        return data.load(spec.data, needs(network, spec), network.graph.spec.folder).train.classes
    except FileError as error:
        if all(found.code.startswith("no-such-") for found in error.diagnostics):
            return {}
        raise
