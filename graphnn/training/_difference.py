"""Two spec files, or networks, compared by meaning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphnn.diagnostics import FileError, SpecError, UsageError
from graphnn.execution import Network
from graphnn.graph import Difference, Graph, compare
from graphnn.spec.training_records import OptimizerSpec
from graphnn.training._language import declared
from graphnn.training.fitting.optimizers import find


def diff(
    old: str | Path | Network, new: str | Path | Network, settings: Mapping[str, Any] | None = None
) -> Difference:
    """What differs between two specs, or networks, by meaning.

    Parameters
    ----------
    old, new : str, Path or Network
        Spec files, folders of runs, or networks made of specs.
    settings : mapping, optional
        Replaced in both files; see `load`. Networks have theirs already.

    Returns
    -------
    Difference
        A node counts as renamed where a node that is gone and one that has come do the same with
        the same inputs, and no other pair does.

    Raises
    ------
    SpecError, FileError
        A file is not a sound spec, or cannot be read.
    TrainingError
        The optimizer of ``train`` makes no sense.
    UsageError
        A setting names nothing, or is given for a network.
    """
    if settings and any(isinstance(source, Network) for source in (old, new)):
        message = f"'{next(iter(settings))}' cannot be set in a network that is made"
        raise UsageError.of("unknown-setting", message, help="set it as the network is loaded")
    graphs: list[Graph] = []
    errors: list[SpecError | FileError] = []
    for source in (old, new):
        try:
            network = source if isinstance(source, Network) else declared(source, settings)
            graphs.append(network.graph)
        except (SpecError, FileError) as error:
            errors.append(error)
    if errors:
        raise type(errors[0])(*(found for error in errors for found in error.diagnostics))
    before, after = graphs
    return compare(before, after, _options)


def _options(spec: OptimizerSpec) -> Mapping[str, Any]:
    """All options of an optimizer, defaults included."""
    return find(spec).model_dump(mode="json", exclude={"name"}, serialize_as_any=True)
