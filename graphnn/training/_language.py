"""What needs every name that a spec may choose from: reading, describing and moving specs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from graphnn import graph, ops, spec, training
from graphnn.diagnostics import Findings, UsageError
from graphnn.execution import weight_files
from graphnn.execution.network import Network
from graphnn.graph import json_schema
from graphnn.spec import DEFAULT, build, reader
from graphnn.spec.values import Map, located
from graphnn.spec.vocabulary import DataKind, Kind, Vocabulary
from graphnn.storage import files
from graphnn.training._copies import origin


class _Everything(Vocabulary):
    """The names of all that is registered here and below, loaded when they are looked up."""

    @property
    def ops(self) -> Collection[str]:
        return ops.PUBLIC_NAMES

    @property
    def choices(self) -> Mapping[str, Mapping[str, type[Kind]]]:
        return {"optimizer": training.OPTIMIZERS, "schedule": training.SCHEDULES}

    @property
    def options(self) -> Mapping[str, type[Kind]]:
        return {"augment": training.Augmentation}

    @property
    def metrics(self) -> Mapping[str, Any]:
        return training.METRICS

    @property
    def data(self) -> Mapping[str, DataKind]:
        return training.SOURCES


VOCABULARY = _Everything()


def schema() -> dict[str, Any]:
    """The JSON Schema of specs.

    Returns
    -------
    dict
        Of draft 7. Whatever it refuses, `load` refuses; what depends on the rest of the file, such
        as shapes and names of nodes, only `load` sees.
    """
    return json_schema.schema(VOCABULARY)


def convert(source: str | Path, target: str | Path) -> int:
    """Write a spec, or any mapping, as YAML or JSON, as the suffix of the target says.

    In another folder it names the same files, by names that start from there.

    Parameters
    ----------
    source : str or Path
        A YAML file, a JSON file by its suffix ``.json``, or the folder of a run for the spec in it.
    target : str or Path
        What to write, whole or not at all: ``.yaml``, ``.yml`` or ``.json``.

    Returns
    -------
    int
        How many comments are lost: all, where YAML becomes JSON.

    Raises
    ------
    FileError
        A file cannot be read or written.
    SpecError
        The source is not a mapping in YAML or JSON.
    UsageError
        The suffix of the target is another; or a file that the spec names lies outside the folder
        of the target, where no spec in it may read it.
    """
    file = weight_files.spec_file(source)
    return spec.convert(file, target, VOCABULARY, folder=home(file))


def load(
    path: str | Path, settings: Mapping[str, Any] | None = None, *, seed: int | None = None
) -> Network:
    """The network that the spec file at `path` declares; of a run, with trained parameters.

    Parameters
    ----------
    path : str or Path
        A YAML file, a JSON file by its suffix ``.json``, or the folder of a run, which stands for
        the spec in it and the parameters beside that.
    settings : mapping, optional
        Named sizes and values of ``train`` to replace; see `graphnn.spec.settings.override`.
    seed : int, optional
        Of the initializers; by default ``train.seed``, else 0.

    Raises
    ------
    SpecError
        With every independent fault of the spec, each with its place.
    FileError
        The file, or one that it names, cannot be read.
    UsageError
        A setting names nothing.
    RunError
        The parameters of a run do not fit, as settings may bring about.
    """
    network = declared(path, settings, seed)
    if weight_files.are_in(files.as_path(path)):
        network.load_weights(path)
    return network


def declared(
    path: str | Path, settings: Mapping[str, Any] | None = None, seed: int | None = None
) -> Network:
    """The network that a spec declares, of a run too with its initial parameters; see `load`."""
    file = weight_files.spec_file(path)
    return built(
        lambda findings: reader.read_file(file, findings=findings), home(file), settings, seed
    )


def home(file: Path) -> Path:
    """The folder that the names of files in the spec `file` start from."""
    return origin(file, VOCABULARY).parent


def loads(
    text: str | Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    *,
    folder: str | Path = ".",
    seed: int | None = None,
) -> Network:
    """The network that `text`, YAML or a dict of the same structure, declares; see `load`.

    Parameters
    ----------
    text : str or dict
    settings, seed
        As for `load`.
    folder : str or Path
        Where the files that it names lie.
    """

    def read(findings: Findings) -> Map:
        if not isinstance(text, Mapping):
            return reader.read(text, findings=findings)
        document = located(dict(text))
        assert isinstance(document, Map)
        return document

    return built(read, files.as_path(folder), settings, seed)


def built(
    read: Callable[[Findings], Map],
    folder: Path,
    settings: Mapping[str, Any] | None,
    seed: int | None = None,
) -> Network:
    """The network of the document that `read` gives; see `load`."""
    findings = Findings(DEFAULT.faults)
    spec = build.build(read(findings), folder, findings, settings, vocabulary=VOCABULARY)
    checked = graph.build(spec, findings)
    if seed is None:
        seed = spec.train.seed if spec.train is not None else 0
    return Network(checked, seed)


def network_of(source: Network | str | Path, settings: Mapping[str, Any] | None) -> Network:
    """A network that is given, or the one that a spec file, or that of a run, declares.

    Raises
    ------
    UsageError
        There are settings for a network, whose spec has been read.
    """
    if not isinstance(source, Network):
        return declared(source, settings)
    if settings:
        message = "settings replace values of a spec file, but a network is given"
        help = "give them to load: graphnn.load(FILE, settings)"
        raise UsageError.of("bad-option", message, help=help)
    return source
