"""Columns of data on scales so far apart that a network learns from the largest alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from graphnn.diagnostics import Diagnostic, Span
from graphnn.graph import Graph
from graphnn.ops import Array, Op
from graphnn.spec.training_records import TrainSpec
from graphnn.training.data.splits import Sets

_APART = 300  # grey levels of images, 1 to 255, are not


def warnings(graph: Graph, spec: TrainSpec, sets: Sets) -> tuple[Diagnostic, ...]:
    """What to warn of in the rows that `spec` names.

    Parameters
    ----------
    graph : Graph
    spec : TrainSpec
    sets : Sets
        The rows.
    """
    arrays = {} if sets.train is None else sets.train.arrays
    place = spec.place.span if spec.data is None else spec.data.span
    found = (_unscaled(name, array, place) for name, array in _weighted(graph, arrays))
    return (*sets.warnings, *(each for each in found if each is not None))


def _weighted(graph: Graph, arrays: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Tables of numbers whose columns a node weighs against each other."""
    for name, array in arrays.items():
        if array.dtype.kind == "f" and array.ndim == 2 and name in graph.nodes:
            readers = graph.wiring.readers[name]
            ops = [graph.nodes[reader].op for reader in readers if reader in graph.nodes]
            if any(op.parameter_operands() and not _rescales(op) for op in ops):
                yield name, array


def _rescales(op: Op) -> bool:
    return op.planewise or type(op).prepared is not Op.prepared


def _unscaled(name: str, array: Array, place: Span | None) -> Diagnostic | None:
    reach = np.abs(array).max(axis=0)
    present = np.flatnonzero(reach)
    if present.size == 0:
        return None
    low, high = present[reach[present].argmin()], present[reach[present].argmax()]
    if reach[high] / _APART <= reach[low]:
        return None
    message = (
        f"the columns of '{name}' are on scales far apart: up to {reach[low]:.3g} "
        f"in column {low}, up to {reach[high]:.3g} in column {high}"
    )
    help = f"bring each to mean 0 and deviation 1: let nodes read a standardize of '{name}'"
    return Diagnostic("unscaled-columns", message, place, help=help, severity="warning")
