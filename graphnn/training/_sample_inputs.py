"""Inputs to try a network with, where nobody gives any."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from graphnn.diagnostics import FileError, counted, listed
from graphnn.execution import read_array
from graphnn.execution.drawn_inputs import draw_inputs
from graphnn.execution.network import Network
from graphnn.execution.options import SAMPLE_ROWS
from graphnn.ops import Array
from graphnn.training.data.splits import load_sets

Arrays = dict[str, Array]
Remark = Callable[[str], None]


def sample_inputs(
    network: Network,
    needed: Sequence[str],
    rows: int = SAMPLE_ROWS,
    seed: int = 0,
    remark: Remark = lambda text: None,
    *,
    given: Mapping[str, Array] = MappingProxyType({}),
) -> Arrays:
    """Rows of the training data, else the inputs of an example, else random arrays.

    Beside inputs that are given, the others are random.

    Parameters
    ----------
    network : Network
    needed : sequence of str
        Names of inputs.
    rows : int
        How many to take or draw.
    seed : int
        Of what is drawn.
    remark : callable, optional
        Called with which it is.
    given : mapping of str to ndarray
        Other inputs, whose free sizes these have too.

    Raises
    ------
    GraphnnError
        The training data are at fault.
    """
    if not needed:
        return {}
    if given:
        remark(f"inputs: random for {listed(needed)}, seed {seed}")
        return draw_inputs(network, needed, rows, seed, given=given)
    what, arrays = (
        _rows(network, needed, rows, remark)
        or _example(network, needed)
        or _drawn(network, needed, rows, seed)
    )
    remark(f"inputs: {what}")
    return arrays


def _rows(
    network: Network, needed: Sequence[str], rows: int, remark: Remark
) -> tuple[str, Arrays] | None:
    spec = network.graph.spec.train
    if spec is None or spec.data is None:
        return None
    try:
        train = load_sets(network, spec).train
    except FileError as error:
        # A spec is worth checking where its data are not.
        if any(found.code != "no-such-file" for found in error.diagnostics):
            raise
        remark("the training data are not here")
        return None
    if train is None or not set(needed) <= set(train.arrays):
        return None
    first = train.rows(slice(rows))
    what = f"the first {counted(len(first), 'row')} of the training data"
    return what, {name: first.arrays[name] for name in needed}


def _example(network: Network, needed: Sequence[str]) -> tuple[str, Arrays] | None:
    nodes, spec = network.graph.nodes, network.graph.spec
    for number, example in enumerate(spec.examples, 1):
        if set(needed) <= example.inputs.keys():
            given = {name: example.inputs[name].value for name in needed}
            arrays = {name: read_array(value, nodes[name], spec) for name, value in given.items()}
            return f"those of example {number}", arrays
    return None


def _drawn(network: Network, needed: Sequence[str], rows: int, seed: int) -> tuple[str, Arrays]:
    what = f"random, with free sizes of {rows}, seed {seed}"
    return what, draw_inputs(network, needed, rows, seed)
