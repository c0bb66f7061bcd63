"""Batches with fewer rows than an op can take, reported before the first step."""

from __future__ import annotations

from itertools import count
from operator import itemgetter

from graphnn.diagnostics import Span, TrainingError
from graphnn.execution.network import Network
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import Map


def check_batches(network: Network, spec: TrainSpec, rows: int) -> None:
    """Check that every batch of `rows` training rows has as many as each op needs.

    Raises
    ------
    TrainingError
        One has too few.
    """
    losses = network.losses([reference.name for reference in spec.loss] or None)
    rows_needed = network.executor(losses, mode="train").plan.rows_needed()
    least = _smallest(rows, spec.batch_size)
    if not rows_needed or least >= max(rows_needed.values()):
        return
    name, needed = max(rows_needed.items(), key=itemgetter(1))  # of equal ones the first
    op = network.graph.nodes[name].op.name
    message = f"{_lonely(rows, spec.batch_size, least)}, but '{name}' ({op}) needs {needed}"
    place = _batch_size(network) or spec.place.span
    help = _advice(rows, spec.batch_size, needed)
    raise TrainingError.of("too-few-rows", message, place, help=help)


def _smallest(rows: int, size: int) -> int:
    """Rows in the smallest batch."""
    return rows % size or min(rows, size)


def _lonely(rows: int, size: int, least: int) -> str:
    if size >= rows:
        return f"there is {rows} row to train on" if rows == 1 else f"there are {rows} rows"
    if size == least:
        return f"each batch has {least} of the {rows} rows"
    return f"of {rows} rows in batches of {size}, the last batch has {least}"


def _batch_size(network: Network) -> Span | None:
    train = network.graph.spec.document.get("train")
    size = train.get("batch_size") if isinstance(train, Map) else None
    return None if size is None else size.span


def _advice(rows: int, size: int, needed: int) -> str:
    """The nearest batch size that does."""
    if rows < needed:
        return "train on more rows"
    for away in count(1):
        for near in (size + away, size - away):
            if near >= needed and _smallest(rows, near) >= needed:
                return f"choose a batch_size that leaves no such batch, such as {near}"
    raise AssertionError("one batch of all rows would do")
