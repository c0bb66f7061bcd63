"""What a shell offers to complete an argument: codes, ops, nodes and settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from graphnn.diagnostics import GraphnnError

if TYPE_CHECKING:
    from graphnn.graph import Graph

Offer = list[tuple[str, str]]  # a text, and what it is in a few words


def codes(incomplete: str) -> Offer:
    """Codes of messages."""
    from graphnn.diagnostics import CODES, summary

    return [(code, summary(code)[0]) for code in CODES if code.startswith(incomplete)]


def ops(incomplete: str) -> Offer:
    """Ops that a spec may name."""
    from graphnn.ops import public_ops

    return _starting(incomplete, {name: _first_line(op) for name, op in public_ops().items()})


def nodes(context: typer.Context, incomplete: str) -> Offer:
    """Nodes of the spec that the command line names."""
    return _starting(incomplete, {name: op for name, op, _ in _nodes(context)})


def entries(context: typer.Context, incomplete: str) -> Offer:
    """Parameters of that spec."""
    found = {f"{name}.{key}": f"of {op}" for name, op, keys in _nodes(context) for key in keys}
    return _starting(incomplete, found)


def settings(context: typer.Context, incomplete: str) -> Offer:
    """What ``--set`` takes: sizes of that spec, keys of ``train``, attributes of its nodes."""
    from graphnn.spec.forms import keys_of
    from graphnn.spec.training_records import TrainSpec

    found = {f"{key.name}=": key.about for key in keys_of(TrainSpec)}
    for graph in _graphs(context):
        sizes = graph.spec.sizes.items()
        found |= {f"{name}=": f"size, now {size}" for name, size in sizes}
    for name, op, keys in _nodes(context):
        attributes = (*_attributes(op), *keys)
        found |= {f"{name}.{key}=": f"of {op}" for key in attributes}
    return _starting(incomplete, found)


def _starting(incomplete: str, found: Mapping[str, str]) -> Offer:
    return [(text, about) for text, about in found.items() if text.startswith(incomplete)]


def _nodes(context: typer.Context) -> Iterator[tuple[str, str, Iterable[str]]]:
    """Name, op and parameters of each node; nothing of a file that is at fault."""
    for graph in _graphs(context):
        for name, node in graph.nodes.items():
            yield name, node.op.name, node.parameters


def _graphs(context: typer.Context) -> Iterator[Graph]:
    """The graph of the spec that the command line names; none where it is at fault."""
    from graphnn.execution.weight_files import spec_file
    from graphnn.spec.reader import SUFFIXES
    from graphnn.training import declared

    # Arguments before an option that is being completed are not taken as parameters yet.
    every = (*context.params.values(), *context.args)
    given = [value for value in every if isinstance(value, str | Path)]
    paths = map(spec_file, map(Path, given))
    files = [path for path in paths if path.suffix in SUFFIXES]
    with suppress(GraphnnError):
        yield from (declared(path).graph for path in files[:1])


def _attributes(op: str) -> list[str]:
    from graphnn.ops import REGISTRY

    return [*REGISTRY[op].attribute_names]


def _first_line(op: type) -> str:
    return (op.__doc__ or "").partition("\n")[0]
