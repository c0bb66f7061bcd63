"""Networks with inputs for them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from graphnn.diagnostics import UsageError
from graphnn.ops import Op, public_ops
from graphnn.testing._strategies.arguments import check_flag, check_values, check_whole, classes_of
from graphnn.testing._strategies.arrays import Values
from graphnn.testing._strategies.drawing import Choices, independent
from graphnn.testing._strategies.growth import WAYS, Document, Growth, Options
from graphnn.testing._strategies.losses import LOSSES, add_loss, is_loss
from graphnn.testing._strategies.named_sizes import named_sizes
from graphnn.testing._strategies.network_case import NetworkCase

_LEFT_OUT = 3  # of `WAYS` nodes
_MOST_NODES, _MOST_SIZES = 40, 100  # more than that, and Hypothesis finds the networks too large


def networks(
    ops: Iterable[str | type[Op]] | None = None,
    *,
    nodes: int = 6,
    sizes: int = 3,
    rows: int = 3,
    outputs: int = 0,
    loss: bool = True,
    blocks: bool | float = True,
    shared: bool = True,
    values: Values = "tame",
) -> SearchStrategy[NetworkCase]:
    """Networks made of ops of the registry, and inputs for them.

    Nodes may be read several times, arrays shared, the rows of a batch coupled, and pieces of the
    graph stand in blocks. No network is rejected: shapes are solved as it grows, and what a node
    computes has a say only in whether the node after it reads it as it is or clipped.

    Parameters
    ----------
    ops : iterable of str or type of Op, optional
        The ops to draw from, by their names or classes, besides those that fit one node to another
        (``reshape`` and ``clip``), and losses; by default all that take data.
    nodes : int
        The most of them in one network, a block counted as one; 40 at most.
    sizes : int
        The largest size of an axis that is drawn, 100 at most; of results, axes may be larger.
    rows : int
        The most rows in a batch; 100 at most.
    outputs : int
        The most nodes that the spec names as outputs besides those that nothing reads.
    loss : bool
        Whether every node that nothing reads goes into a loss.
    blocks : bool or float
        Whether there may be blocks, which use each other, and named sizes; or the share of nodes
        that are uses of blocks, such as 0.5, where a few are not enough.
    shared : bool
        Whether arrays may be shared.
    values : {"tame", "finite", "any"}
        Inputs and parameters of moderate size, each op used on its domain; or any finite floats;
        or NaN and infinity in the inputs as well.

    Returns
    -------
    SearchStrategy of NetworkCase

    Raises
    ------
    UsageError
        An argument is not as it should be.
    """
    for name, value, low, high in (
        ("nodes", nodes, 1, _MOST_NODES),
        ("sizes", sizes, 1, _MOST_SIZES),
        ("rows", rows, 1, _MOST_SIZES),
        ("outputs", outputs, 0, _MOST_NODES),
    ):
        check_whole(name, value, low, high)
    for name, flag in (("loss", loss), ("shared", shared)):
        check_flag(name, flag)
    check_values(values)
    if not isinstance(blocks, int | float) or not 0 <= blocks <= 1:
        message = f"'blocks' must be True, False or a number from 0 to 1, not {blocks!r}"
        raise UsageError.of("bad-option", message)
    choices = _choices(ops)
    maps = any(each.name == "affine" for each in choices)
    share = 1 if blocks is True else round(WAYS * blocks)
    options = Options(choices, sizes, shared, share, maps, values)
    return independent(_networks(options, nodes, rows, outputs, loss))


@st.composite
def _networks(
    draw: DrawFn, options: Options, nodes: int, rows: int, outputs: int, loss: bool
) -> NetworkCase:
    choices = Choices(draw)
    with np.errstate(all="ignore"):
        growth = _grown(choices, options, nodes, rows, loss)
    document: Document = {"graphnn": 1, "nodes": growth.nodes}
    if growth.blocks:
        blocks = {name: body.written() for name, body in growth.blocks.items()}
        document = {"graphnn": 1, "blocks": blocks, "nodes": growth.nodes}
    if options.blocks:
        document = named_sizes(choices, document)
    others = [node.name for node in growth.there if node.name in growth.read]
    also = {choices.one_of(others) for _ in range(choices.integer(0, outputs)) if others}
    document["outputs"] = [*sorted(also), *(node.name for node in growth.ends())]
    return NetworkCase.drawn(document, growth.inputs)


def _grown(choices: Choices, options: Options, nodes: int, rows: int, loss: bool) -> Growth:
    growth = Growth(choices, options, choices.integer(1, rows))
    for _ in range(nodes):
        growth.grow(partial(_add, growth))
    if not growth.nodes:
        growth.add(choices.one_of(options.choices))
    if loss:
        for node in growth.ends():
            if not is_loss(growth, node):
                growth.grow(partial(add_loss, growth, node, choices.one_of(LOSSES)))
    return growth


def _add(growth: Growth) -> None:
    """Add a node or a block, or nothing: what is drawn as zeros is not a node."""
    how = growth.draw.integer(0, WAYS - 1)
    if how >= WAYS - growth.options.blocks:
        growth.add_block()
    elif how >= _LEFT_OUT:
        growth.add_any()


def _choices(ops: Iterable[str | type[Op]] | None) -> list[type[Op]]:
    """Classes of the ops that take data, the simplest first."""
    classes = public_ops().values() if ops is None else classes_of(ops)
    return sorted((each for each in classes if each.data_operands()), key=_complexity)


def _complexity(op_class: type[Op]) -> tuple[bool, int, int, str]:
    operands, fields = op_class.operands, op_class.model_fields
    return not op_class.channelwise, len(operands), len(fields), op_class.name
