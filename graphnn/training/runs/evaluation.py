"""What a network achieves on rows that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphnn import drawing
from graphnn.diagnostics import UsageError, counted
from graphnn.execution.network import Network
from graphnn.ops import Array
from graphnn.spec import mentions
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import NOWHERE, Entry, Map, Scalar
from graphnn.training._language import VOCABULARY
from graphnn.training.data import dataset as sources
from graphnn.training.data.dataset import Dataset
from graphnn.training.data.given import Frame, given
from graphnn.training.data.requirements import demand_of
from graphnn.training.data.splits import held_back, load_sets
from graphnn.training.fitting.measuring import Classified, Measuring, Row
from graphnn.training.runs import figures, shown
from graphnn.training.runs.folder import make_folder
from graphnn.training.runs.run import train_spec, trained


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The result of an evaluation.

    Attributes
    ----------
    kind : str
        Which rows they were: ``test``, ``validation``, ``training`` or ``given``.
    values : dict of str to float
        ``loss`` and the metrics.
    dataset : Dataset
        The rows.
    classified : Classified or None
        ``predicted`` and ``actual`` class numbers, and how many ``classes`` there are, where the
        spec has the metric ``accuracy`` or ``top_k_accuracy``.
    names : tuple of str or None
        Names of the classes, where they have some.
    made : tuple of ndarray, or None
        The first rows and what the network makes of them, where it classifies nothing and both are
        images of one size.
    """

    kind: str
    values: Row
    dataset: Dataset
    classified: Classified | None = None
    names: tuple[str, ...] | None = None
    made: tuple[Array, Array] | None = None

    @property
    def rows(self) -> int:
        """How many rows were evaluated."""
        return len(self.dataset)

    @property
    def confusion(self) -> NDArray[np.int64] | None:
        """How often each class (row) was taken for each (column), where rows are classified."""
        return None if self.classified is None else self.classified.matrix

    def __repr__(self) -> str:
        values = ", ".join(f"{name} {value:.4g}" for name, value in self.values.items())
        return f"<evaluation on {counted(self.rows, f'{self.kind} row')}: {values}>"

    def _repr_png_(self) -> bytes | None:
        """The confusion matrix, for what shows pictures alone."""
        counts = self.confusion
        if counts is None:
            return None
        return figures.as_png(lambda: drawing.confusion(counts, names=self.names))

    def _repr_html_(self) -> str:
        """What was measured and the confusion matrix, which Jupyter shows."""
        return shown.as_html({self.kind: self.values}, self._repr_png_(), "confusion matrix")

    def draw(self, folder: str | Path) -> tuple[str, ...]:
        """Write pictures of what was measured.

        Of a classifier, that is the confusion matrix and, for images, the mistakes; of a network
        that makes images of images, the first of both.

        Parameters
        ----------
        folder : str or Path
            Made if need be. Pictures in it are replaced.

        Returns
        -------
        tuple of str
            Names of the files; none where there is nothing to draw.

        Raises
        ------
        DrawingError, FileError
            A picture cannot be made or written.
        """
        if self.classified is None and self.made is None:
            return ()
        place = make_folder(folder)
        kind = "" if self.kind == "given" else self.kind
        if self.classified is None:
            drawings = figures.of_images(self.made, kind)
        else:
            drawings = figures.of_classes(self.dataset, self.classified, self.names)
        return tuple(name for name, draw in drawings.items() if draw(place / name) is not False)


def evaluate(
    source: Network | str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    weights: str | Path | None = None,
    data: Mapping[str, ArrayLike] | Frame | Map | str | Path | None = None,
) -> Evaluation:
    """Measure the loss and metrics that a spec's ``train`` names.

    Parameters
    ----------
    source : Network, str or Path
        A network, a spec file, or the folder of a run, which has its own weights.
    settings : mapping, optional
        For a spec file: sizes and values of ``train`` to replace.
    weights : str or Path, optional
        Parameters as training leaves them: the folder of a run, or an .npz or .safetensors file.
    data : mapping of str to array_like, pandas data frame, str or Path, optional
        Rows by input, as for `train`; or a file that takes the place of the one that ``train.data``
        names, and is read as that is. By default the test rows of the spec, else its validation
        rows, else all. A located mapping is read like ``train.data``, with files below the spec's
        folder.

    Returns
    -------
    Evaluation

    Raises
    ------
    SpecError, FileError, DataError, TrainingError, RunError
        The spec, a file or the data are at fault.
    """
    net = trained(source, settings, weights)
    spec = train_spec(net)
    measuring = Measuring(net, spec)
    kind, dataset = _rows(net, spec, data)
    return Evaluation(
        kind,
        measuring.evaluate(dataset),
        dataset,
        measuring.classified(dataset),
        measuring.names(dataset.classes) or None,
        figures.reconstructed(net, dataset) if measuring.classifying is None else None,
    )


def _rows(
    net: Network,
    spec: TrainSpec,
    data: Mapping[str, ArrayLike] | Frame | Map | str | Path | None,
) -> tuple[str, Dataset]:
    if data is None:
        return held_back(load_sets(net, spec, net.classes))
    demand, folder = demand_of(net, spec), net.graph.spec.folder
    if isinstance(data, str | Path):
        folder, data = Path(data).parent, _of_file(spec, Path(data))
    if not isinstance(data, Map):
        return "given", given(data, demand, net.classes, spec.data)
    found = sources.load(data, demand, folder, net.classes)
    if net.classes is None and found.train.classes and spec.data is not None:
        # Where the weights do not say how texts were numbered, the training data do.
        trained = sources.load(spec.data, demand, net.graph.spec.folder)
        found = sources.load(data, demand, folder, trained.train.classes)
    return "given", found.train if found.test is None else found.test


def _of_file(spec: TrainSpec, path: Path) -> Map:
    """What the spec says of its data, of the file or folder `path` in place of the one it names."""
    data = deepcopy(spec.data) or Map({})
    train = Map({"data": Entry(Scalar("data"), data)})
    document = Map({"train": Entry(Scalar("train"), train)})
    names = list(mentions(document, "file", VOCABULARY))
    if len(names) != 1:
        message = f"'{path}' does not say where rows come from"
        help = "write what kind of data it is, as 'train.data' would: {npz: FILE}"
        raise UsageError.of("bad-option", message, help=help)
    names[0].value, names[0].source = path.name, NOWHERE  # the spec does not name it
    return data
