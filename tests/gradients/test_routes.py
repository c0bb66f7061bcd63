"""Which ways of the engine probes take: one that is no longer taken would cost speed alone."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.gradients.numerical.engine import by_channel
from graphnn.gradients.numerical.engine.by_channel import ByChannel
from graphnn.gradients.numerical.engine.by_rows import ByRows
from graphnn.gradients.numerical.engine.propagation import Propagation
from tables import cases

# A residual convolutional network, whose moves stay one channel as long as they can.
IMAGES = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 2, 6, 6]}
  t:    {op: input, shape: [batch, 3]}
  c:    {op: conv2d, inputs: x, filters: 4, kernel: 3}
  r:    {op: relu, inputs: c}
  p:    {op: max_pool, inputs: r, kernel: 2}
  s:    {op: add, inputs: [p, p]}
  f:    {op: flatten, inputs: s}
  y:    {op: affine, inputs: f, units: 3}
  k:    {op: tanh, inputs: y}
  e:    {op: softmax, inputs: y}
  b:    {op: multiply, inputs: [e, k]}
  z:    {op: mean_squared_error, inputs: [b, t]}
"""
# Rows of which each place has moved, beside one row for all and beside a number.
BESIDE = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 3]}
  t:    {op: input, shape: [batch, 4]}
  row:  {op: parameter, value: [1, -2, 3, 0.5]}
  one:  {op: parameter, value: 0.5}
  a:    {op: affine, inputs: x, units: 4}
  w:    {op: multiply, inputs: [row, a]}
  y:    {op: softmax, inputs: a}
  m:    {op: multiply, inputs: [y, row]}
  n:    {op: multiply, inputs: [one, m]}
  d:    {op: add, inputs: [n, a]}
  o:    {op: add, inputs: [t, row]}
  q:    {op: multiply, inputs: [d, o]}
  z:    {op: add, inputs: [q, w]}
"""
NETWORKS = {"images": IMAGES, "beside": BESIDE}


def inputs_of(network, rows=4):
    rng = np.random.default_rng(0)
    shapes = {name: node.shape[1:] for name, node in network.graph.nodes.items()
              if node.op.is_input}  # fmt: skip
    return {name: rng.normal(size=(rows, *shape)) for name, shape in shapes.items()}


def handled(monkeypatch):
    """The steps that moves were carried through, by node, and how."""
    found = {}
    for name in ("_on_blocks", "_on_planes", "_reordered", "_spread", "_on_entries", "_on_rows"):
        right = getattr(Propagation, name)

        def carried(self, step, state, name=name, right=right):
            found.setdefault(step.node, []).append(name.replace("_on", "").lstrip("_"))
            return right(self, step, state)

        monkeypatch.setattr(Propagation, name, carried)
    return found


@cases("""
    network | parameter | loss | ways
    images | c.weight | z
        | r blocks, p planes, s blocks, f reordered, y spread, k entries, e rows, b entries, z rows
    images | y.bias | z | k blocks, e rows, b entries, z rows
    beside | a.weight | z
        | w blocks, y rows, m entries, n entries, d entries, q entries, z entries
""")
def test_moves_take_the_cheapest_way(network, parameter, loss, ways, monkeypatch):
    net = graphnn.loads(NETWORKS[network])
    found = handled(monkeypatch)
    graphnn.numerical_gradient(net, inputs_of(net), loss=loss, only=[parameter], workers=1)
    # An op is asked first how it spreads, and may not know.
    assert ", ".join(f"{node} {how[-1]}" for node, how in found.items()) == ways


def strategies(monkeypatch, network, inputs, **options):
    """By parameter, what its probes were evaluated by."""
    found = {}
    for strategy in (ByChannel, ByRows):

        def evaluated(self, piece, offsets, strategy=strategy, right=strategy.evaluate):
            route = self._route
            name = route.base.plan.slots[route.slot].name
            found.setdefault(name, set()).add(strategy.__name__)
            return right(self, piece, offsets)

        monkeypatch.setattr(strategy, "evaluate", evaluated)
    graphnn.numerical_gradient(network, inputs, workers=1, **options)
    return {name: "/".join(sorted(names)) for name, names in found.items()}


COUPLED = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 3]}
  u:    {op: parameter, value: [0.5, 1, 2]}
  m:    {op: multiply, inputs: [x, u]}
  a:    {op: affine, inputs: m, units: 4}
  c:    {op: mean, inputs: a, axis: 0, keepdims: true}
  d:    {op: subtract, inputs: [a, c]}
  h:    {op: lstm, inputs: s, units: 2, returns: state}
  s:    {op: reshape, inputs: d, shape: [batch, 2, 2]}
  y:    {op: affine, inputs: h, units: 2}
  loss: {op: tanh, inputs: y}
"""


def test_channels_move_where_an_op_says_how_and_rows_elsewhere(monkeypatch):
    net = graphnn.loads(COUPLED)
    found = strategies(monkeypatch, net, inputs_of(net), loss="loss")
    rows = ["u.value", "a.weight", "a.bias", *(name for name in net.parameters if name[0] == "h")]
    assert found == dict.fromkeys(rows, "ByRows") | dict.fromkeys(
        ["y.weight", "y.bias"], "ByChannel"
    )


def test_rows_move_where_entries_are_few(monkeypatch):
    net = graphnn.loads("""
        graphnn: 1
        nodes:
          x: {op: input, shape: [batch, 70]}
          y: {op: affine, inputs: x, units: 2}
          z: {op: tanh, inputs: y}
    """)
    # Two of 140 are fewer than one in 64, and of the bias all are wanted.
    for entries, way in ((2, "ByRows"), (3, "ByChannel")):
        options = {"loss": "z", "only": ["y.weight"], "entries": entries}
        assert strategies(monkeypatch, net, inputs_of(net), **options) == {"y.weight": way}


def test_an_op_that_knows_all_moves_is_asked_once_and_not_run(monkeypatch):
    net = graphnn.loads(COUPLED)
    inputs = inputs_of(net)
    asked, single = [], []
    lstm = type(net.graph.nodes["h"].op)
    moved, one_by_one = lstm.moved, ByRows._one_by_one

    def recorded(self, operand, entries, *others):
        asked.append((operand, len(entries)))
        return moved(self, operand, entries, *others)

    monkeypatch.setattr(lstm, "moved", recorded)
    monkeypatch.setattr(
        ByRows, "_one_by_one", lambda self, *a: single.append(a) or one_by_one(self, *a)
    )
    names = [name for name in net.parameters if name[0] == "h"]
    graphnn.numerical_gradient(
        net, inputs, loss="loss", only=names, workers=1, estimate=False, rule="forward", order=1
    )
    # At one offset, 64 entries at most a piece, and none of them has more.
    sizes = {name.partition(".")[2]: net.parameters[name].size for name in names}
    assert dict(asked) == sizes
    assert len(asked) == len(sizes)
    assert not single


@pytest.mark.parametrize(("activation", "apart"), [("relu", True), ("tanh", False)])
def test_chunks_end_with_a_row_where_there_are_kinks(activation, apart, monkeypatch):
    net = graphnn.loads(IMAGES.replace("relu", activation).replace("max_pool", "average_pool"))
    chunks = []
    chunk = ByChannel._chunk

    def recorded(self, table, cases, *others):
        chunks.append(table.samples[cases].tolist())
        chunk(self, table, cases, *others)

    monkeypatch.setattr(ByChannel, "_chunk", recorded)
    monkeypatch.setattr(by_channel, "ENTRIES", 1 << 10)
    graphnn.numerical_gradient(
        net, inputs_of(net, 5), loss="z", only=["c.weight"], workers=1, estimate=False
    )
    # A channel that is shut for one row is shut for all its moves, and then left behind.
    assert {row for rows in chunks for row in rows} == {*range(5)}
    assert all(len({*rows}) == 1 for rows in chunks) is apart
    # No more are made of them than rows and memory ask for.
    assert len(chunks) == (5 if apart else 1)
