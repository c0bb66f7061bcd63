"""Classes, or values, predicted for rows and pictures that come in files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from graphnn.diagnostics import FileError, TrainingError, UsageError, counted, is_whole, listed
from graphnn.execution.network import Network
from graphnn.execution.weight_files import Classes
from graphnn.graph import Node
from graphnn.ops import Array
from graphnn.spec.training_records import TrainSpec
from graphnn.storage.files import as_path
from graphnn.training.data import dataset
from graphnn.training.data.given import Frame, declared, is_frame
from graphnn.training.data.requirements import demand_of, needs
from graphnn.training.data.row_files import Part, RowReader
from graphnn.training.data.sources.folder import resize_of
from graphnn.training.data.sources.labelled_text import text_options
from graphnn.training.data.text_files import TextReader
from graphnn.training.fitting.measuring import Measuring, class_scores, input_need
from graphnn.training.runs.run import train_spec, trained
from graphnn.training.runs.writing import Writer, Written, are_lines

_NAMING = ("csv", "parquet", "folder", "texts")  # kinds of data whose classes have names
_BY_RUN = "use graphnn run --input"


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
    ranked : tuple of (str, float)
        Names and scores of the likeliest classes, as many as were asked for, this one first.
    """

    source: str
    label: int
    name: str
    score: float
    ranked: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """The outputs of a network without classes for one row.

    Attributes
    ----------
    source : str
        The file, with the row's number where it holds several.
    row : ndarray
        The values of the input.
    values : dict of str to ndarray
        By node.
    """

    source: str
    row: Array
    values: dict[str, Array]


class Predictor:
    """Reads files as rows of a network's input, and predicts classes or outputs for them.

    Parameters
    ----------
    network : Network
    spec : TrainSpec
        Its metric ``accuracy`` or ``top_k_accuracy`` names the node whose scores are read as
        classes. Without one, the outputs of the network are given.
    top : int
        How many of the likeliest classes each prediction ranks.

    Attributes
    ----------
    classifies : bool
        Whether classes are predicted.
    probable : bool
        Whether scores are probabilities, being those of softmax or sigmoid.
    shares : bool
        Whether they are those of softmax, which add up to 1.

    Raises
    ------
    TrainingError
        The weights do not name the classes, and the training data have more or fewer than the
        network has.
    UsageError
        What is predicted reads more than one input.
    """

    def __init__(self, network: Network, spec: TrainSpec, top: int = 1) -> None:
        if not is_whole(top, 1):
            raise UsageError.of("bad-option", f"at least 1 class is ranked, not {top!r}")
        self._network, self._top = network, top
        measuring = Measuring(network, spec)
        self.classifies = measuring.classifying is not None
        self._nodes = (measuring.classifying or ())[:1] or _outputs(network)
        self._executor = network.executor(self._nodes)
        node = network.graph.node(self._nodes[0])
        self.shares = node.op.gives_shares(node.shape)
        self.probable = node.op.output_interval == (0.0, 1.0)
        classes = _classes(network, spec) if network.classes is None else network.classes
        self._names = measuring.names(classes)
        if network.classes is None:
            _check_count(self._names, network.graph.node(self._nodes[0]))
        self._reader = self._reader_of(spec, classes)

    def _reader_of(self, spec: TrainSpec, classes: Classes) -> RowReader:
        network, resize = self._network, resize_of(spec.data)
        texts = text_options(spec.data)
        name = self._input() if texts is None else self._text_input(texts.feeds, classes)
        need = input_need(network, network.graph.nodes[name])
        common = need, needs(network, spec), declared(spec.data), classes, resize
        if texts is None:
            return RowReader(*common)
        roles = {each: texts.feeds[each] for each in self._executor.plan.inputs}
        return TextReader(*common, roles, texts.unit, texts.column, texts.cut)

    def _text_input(self, feeds: Mapping[str, str], classes: Classes) -> str:
        """The input that takes the text, where all inputs are fed by it."""
        inputs = self._executor.plan.inputs
        found = [name for name in inputs if feeds.get(name) == "text"]
        others = [name for name in inputs if feeds.get(name) not in ("text", "mask", "length")]
        if len(found) != 1 or others:
            message = f"'{self._nodes[0]}' reads {listed(inputs)}, which no text feeds alone"
            raise UsageError.of("wrong-inputs", message, help=_BY_RUN)
        if found[0] not in classes:
            message = "the weights hold no vocabulary: which number stands for which token"
            raise TrainingError.of("different-classes", message)
        return found[0]

    def __call__(
        self, paths: str | Path | Iterable[str | Path] | ArrayLike | Frame
    ) -> list[Prediction] | list[Outputs]:
        """What the network makes of every row of every file.

        Parameters
        ----------
        paths : str, Path, iterable of them, array_like, or pandas data frame
            Images, folders of them, or .csv, .parquet, .npy, .npz and .safetensors files with
            rows; of a network that reads texts, .txt files with a line for each, or tables; or the
            rows themselves.

        Returns
        -------
        list of Prediction, or of Outputs where the network has no classes

        Raises
        ------
        FileError, DataError, RunError
            A file cannot be read, does not fit the input, or its result is not finite.
        """
        parts = self._parts(paths)
        if self.classifies:
            return list(chain.from_iterable(map(self._predictions, parts)))
        return list(chain.from_iterable(map(self._outputs_of, parts)))

    def _parts(
        self, given: str | Path | Iterable[str | Path] | ArrayLike | Frame
    ) -> Iterable[Part]:
        if isinstance(given, Mapping):
            message = "rows are given as a mapping, where predict takes paths, rows or a data frame"
            help = "make a frame of columns: pandas.DataFrame(...); or give the array alone"
            raise UsageError.of("bad-option", message, help=help)
        if is_frame(given) or _are_rows(given):
            return self._reader.parts_of(cast(ArrayLike | Frame, given))
        paths = cast(str | Path | Iterable[str | Path], given)
        every = (paths,) if isinstance(paths, str | Path) else paths
        return chain.from_iterable(self._reader.parts(as_path(path)) for path in every)

    def _input(self) -> str:
        inputs = self._executor.plan.inputs
        if len(inputs) != 1:
            verb = "reads" if len(self._nodes) == 1 else "read"
            what = ", ".join(f"'{node}'" for node in self._nodes)
            message = f"{what} {verb} {counted(len(inputs), 'input')}, so files cannot feed it"
            raise UsageError.of("wrong-inputs", message, help=_BY_RUN)
        return next(iter(inputs))

    def _run(self, part: Part) -> dict[str, Array]:
        inputs = {self._reader.need.name: part.rows, **part.more}
        return self._executor.run(inputs, self._network.arrays)

    def _predictions(self, part: Part) -> Iterator[Prediction]:
        scores, order = _ranked(self._run(part)[self._nodes[0]])
        best = order[:, : self._top].tolist()
        for source, row, labels in zip(part.names, scores, best, strict=True):
            ranked = tuple((self._name(label), float(row[label])) for label in labels)
            yield Prediction(source, labels[0], *ranked[0], ranked)

    def _name(self, label: int) -> str:
        return self._names[label] if label < len(self._names) else str(label)

    def _outputs_of(self, part: Part) -> Iterator[Outputs]:
        values = self._run(part)
        for node, array in values.items():
            if array.ndim == 0 or len(array) != len(part.rows):
                message = f"'{node}' has no row for each row of '{self._reader.need.name}'"
                raise UsageError.of("wrong-shape", message, help=_BY_RUN)
        for number, source in enumerate(part.names):
            row = {node: array[number] for node, array in values.items()}
            yield Outputs(source, part.rows[number], row)


def predict(
    source: Network | str | Path,
    paths: str | Path | Iterable[str | Path] | ArrayLike | Frame,
    settings: Mapping[str, Any] | None = None,
    *,
    weights: str | Path | None = None,
    top: int = 1,
) -> list[Prediction] | list[Outputs] | list[Written]:
    """Classify images and rows in files by a trained network, or give its outputs for them.

    Parameters
    ----------
    source : Network, str or Path
        A network, a spec file, or the folder of a run, which has its own weights.
    paths : str, Path, iterable of them, array_like, or pandas data frame
        Images of the size of the input, folders of such images, or .csv, .parquet, .npy, .npz and
        .safetensors files with rows; or the rows themselves.
    settings : mapping, optional
        For a spec file: sizes and values of ``train`` to replace.
    weights : str or Path, optional
        Parameters as training leaves them: the folder of a run, or an .npz or .safetensors file.
    top : int
        How many of the likeliest classes each prediction ranks.

    Returns
    -------
    list of Prediction, or of Outputs where the network has no classes
        One for each image and row; of .txt files, a list of Written, one for each line.

    Raises
    ------
    SpecError, FileError, DataError, TrainingError, RunError, UsageError
        The spec or a file is at fault; see `Predictor`.
    """
    net = trained(source, settings, weights)
    spec = train_spec(net)
    if isinstance(paths, str | Path | list | tuple):
        every = [paths] if isinstance(paths, str | Path) else [*paths]
        if all(isinstance(each, str | Path) for each in every) and are_lines(every, spec):
            return Writer(net, spec)(map(Path, every))
    return Predictor(net, spec, top)(paths)


def _are_rows(given: object) -> bool:
    """Whether these are values, and not paths."""
    if isinstance(given, list | tuple):
        return not all(isinstance(each, str | Path) for each in given)
    return hasattr(given, "__array__") or not isinstance(given, Iterable | Path)


def _outputs(network: Network) -> tuple[str, ...]:
    """The outputs of the network, but for losses if there are others: no file could feed them."""
    outputs = network.graph.outputs
    return tuple(name for name in outputs if name not in network.losses()) or outputs


def _ranked(scores: Array) -> tuple[Array, Array]:
    """Scores of each row, a column a class, and the classes from the highest score down."""
    by_class = class_scores(scores)
    if by_class.size == scores.size:
        return by_class, np.argsort(-by_class, axis=1, kind="stable")
    # Of one probability, class 1 is predicted from 0.5 up.
    return by_class, np.where(by_class[:, 1:] >= 0.5, [[1, 0]], [[0, 1]])


def _check_count(names: tuple[str, ...], node: Node) -> None:
    """Refuse names of more or fewer classes than `node` has: they may be those of others."""
    width = node.shape[-1] if len(node.shape) > 1 else 1
    count = 2 if width == 1 else width
    if names and isinstance(count, int) and len(names) != count:
        message = f"'{node.name}' has {count} classes, but the training data now have {len(names)}"
        help = "the weights.safetensors of a run hold the names of its classes"
        raise TrainingError.of("different-classes", message, help=help)


def _classes(network: Network, spec: TrainSpec) -> Classes:
    """Named classes of the training data, for weights that hold none; none without the data."""
    if spec.data is None or not any(kind in spec.data for kind in _NAMING):
        return {}
    demand = demand_of(network, spec)
    try:
        return dataset.load(spec.data, demand, network.graph.spec.folder).train.classes
    except FileError as error:
        if all(found.code.startswith("no-such-") for found in error.diagnostics):
            return {}
        raise
