"""Where the inputs of a network come from when a command needs some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphnn import execution, training
from graphnn.cli import terminal
from graphnn.cli.options import INPUT, assignment
from graphnn.diagnostics import Diagnostic, UsageError, listed, suggestion
from graphnn.execution.options import SAMPLE_ROWS
from graphnn.spec.sizes import show
from graphnn.spec.values import Scalar

if TYPE_CHECKING:
    from graphnn.execution.network import Network
    from graphnn.graph import Node
    from graphnn.ops import Array

    Arrays = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of a command about inputs.

    Attributes
    ----------
    assignments : sequence of str
        Each ``NAME=VALUE``.
    file : Path or None
        With arrays by name.
    rows : int
        How many to take or draw where nothing is given.
    seed : int
        Of what is drawn.
    """

    assignments: Sequence[str] = ()
    file: Path | None = None
    rows: int = SAMPLE_ROWS
    seed: int = 0

    @property
    def given(self) -> bool:
        """Whether the caller says what the inputs are."""
        return bool(self.assignments) or self.file is not None


def given(network: Network, wanted: Wanted, outputs: Iterable[str]) -> Arrays:
    """The arrays that the caller gives for running `outputs`.

    Raises
    ------
    UsageError
        A name is not that of an input, a value is not an array, or an input is missing.
    SpecError, FileError
        An array does not fit, or a file cannot be read.
    """
    arrays, missing = _taken(network, wanted, outputs)
    if missing:
        raise UsageError(*(_missing(network.graph.nodes[name]) for name in missing))
    return arrays


def _taken(network: Network, wanted: Wanted, outputs: Iterable[str]) -> tuple[Arrays, list[str]]:
    """The arrays that the caller gives of what `outputs` need, and names of those missing."""
    needed = network.executor(outputs).plan.inputs
    found = {} if wanted.file is None else _of_file(wanted.file)
    known = [node.name for node in network.graph.inputs]
    if wanted.file is not None and known and not any(name in found for name in known):
        message = f"'{wanted.file}' has arrays for no input: {listed(found) or 'it is empty'}"
        help = f"call them as the inputs are: {listed(known)}"
        raise UsageError.of("unknown-input", message, help=help)
    # Such a file may serve many outputs; what is not needed is left.
    arrays = {name: array for name, array in found.items() if name in needed}
    arrays.update(_assigned(network, text) for text in wanted.assignments)
    return arrays, [name for name in needed if name not in arrays]


def choose(network: Network, wanted: Wanted, nodes: Sequence[str]) -> Arrays:
    """What `nodes` need: the arrays given, the rest random; or, of none, those of `sample_inputs`.

    Which it is goes to standard error, unless the caller gave them all.

    Raises
    ------
    GraphnnError
        As `given`; or the training data are at fault.
    """
    arrays, missing = _taken(network, wanted, nodes)
    found = training.sample_inputs(
        network, missing, wanted.rows, wanted.seed, terminal.remark, given=arrays
    )
    return arrays | found


def _missing(node: Node) -> Diagnostic:
    message = f"the input '{node.name}' of shape {show(node.shape)} is missing"
    return Diagnostic("missing-input", message, help=f"give it by {INPUT} '{node.name}=...'")


def _assigned(network: Network, text: str) -> tuple[str, Array]:
    name, value = assignment(INPUT, text)
    inputs = {node.name: node for node in network.graph.inputs}
    if name not in inputs:
        listed = ", ".join(inputs) or "it has none"
        help = suggestion(name, inputs, f"its inputs: {listed}")
        message = f"the network has no input '{name}'"
        raise UsageError.of("unknown-input", message, help=help)
    if isinstance(value, Scalar) and isinstance(value.value, str):
        return name, _of_file(Path(value.value), [name])[name]
    return name, execution.read_array(value, inputs[name], network.graph.spec)


def _of_file(path: Path, names: Sequence[str] | None = None) -> Arrays:
    from graphnn.storage import archives

    return archives.read_arrays(path, names=names)
