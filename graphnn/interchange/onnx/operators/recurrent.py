"""Recurrent layers: one op, or unrolled, a copy of the cell for each of a known number of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.layers import array_of
from graphnn.interchange.onnx.operators.shapes import reshaped, sliced, transposed
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Filled, Made, UnsupportedError, Value, shape_of
from graphnn.ops import Array
from graphnn.spec.sizes import Shape

State = tuple[Value | None, ...]  # None where it is 0
_MOST = 1000  # steps
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}  # of theirs, for ours
_USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


@rule("LSTM", "GRU", "RNN")
def recurrent(
    t: Translator,
    node: ForeignNode,
    x: Value,
    weight: Value,
    weights_back: Value,
    bias: Value | None = None,
    lengths: Value | None = None,
    *more: Value | None,
) -> list[Value]:
    """`lstm`, `gru` or `rnn`; unrolled where it starts elsewhere than at 0, or its cell is read."""
    shape = shape_of(x)
    *states, peepholes = [*more, None, None, None][:3]
    _refuse(node, lengths, peepholes)
    w, r = array_of(weight, "weight"), array_of(weights_back, "recurrent weight")
    b = array_of(bias, "bias")
    assert w is not None
    assert r is not None
    if (one := _as_one(t, node, x, (w, r, b), states)) is not None:
        return one
    steps = _steps(shape)
    way = node.attributes.get("direction", "forward")
    ways = [False, True] if way == "bidirectional" else [way == "reverse"]
    found = []
    for number, back in enumerate(ways):
        first = tuple(_state(t, state, number) for state in states)
        own = _Cell(t, node, w[number], r[number], None if b is None else b[number])
        found.append(own.run(x, steps, first, back=back))
    hidden = r.shape[2]
    rows = [
        [reshaped(t, each, (1, 1, shape[1], hidden)) for each in outputs] for outputs, _ in found
    ]
    along = [t.emit("concat", *row, axis=0) if len(row) > 1 else row[0] for row in rows]
    whole = t.emit("concat", *along, axis=1) if len(along) > 1 else along[0]
    return [whole, *_last(t, [state for _, state in found], (1, shape[1], hidden))]


def _as_one(
    t: Translator,
    node: ForeignNode,
    x: Value,
    arrays: tuple[Array, Array, Array | None],
    states: Sequence[Value | None],
) -> list[Value] | None:
    """The layer as one op; None for what that cannot be."""
    w, r, b = arrays
    way = node.attributes.get("direction", "forward")
    apart = node.op == "GRU" and not node.attributes.get("linear_before_reset", 0)
    cell = len(node.outputs) > 2 and bool(t.readers.get(node.outputs[2]))
    if way == "reverse" or apart or cell or not all(map(_is_zero, states)):
        return None
    order, hidden = _ORDER[node.op], r.shape[2]
    kept = {"weight": _columns(w, order), "recurrent": _columns(r, order), "bias": None}
    if b is not None:
        width = len(order) * hidden
        first, second = b[:, :width].copy(), b[:, width:]
        if node.op == "GRU":
            kept["recurrent_bias"] = np.ascontiguousarray(second[:, 2 * hidden :]).reshape(-1)
            second = np.concatenate([second[:, : 2 * hidden], 0 * second[:, 2 * hidden :]], axis=1)
        kept["bias"] = _columns((first + second)[:, :, None], order)[0]
    elif node.op == "GRU":
        kept["recurrent_bias"] = None
    rows = transposed(t, x, (1, 0, 2))
    made = t.emit(node.op.lower(), rows, arrays=kept, units=hidden, bidirectional=len(w) > 1)
    steps, batch, _ = shape_of(x)
    apart_ways = reshaped(t, made, (batch, steps, len(w), hidden))
    whole = transposed(t, apart_ways, (1, 2, 0, 3))
    last = _last_states(t, made, len(w), hidden) if t.readers.get((*node.outputs, "")[1]) else None
    return [whole] if last is None else [whole, last]


def _columns(array: Array, order: Sequence[int]) -> Array:
    """Rows for the gates and units of each way as columns, the gates in our order."""
    ways, rows, width = array.shape
    gates = array.reshape(ways, len(order), -1, width)[:, list(order)]
    return np.ascontiguousarray(gates.reshape(ways * rows, width).T)


def _last_states(t: Translator, made: Value, ways: int, hidden: int) -> Value:
    """The state after the last step of each way: that of the way back lies first in time."""
    batch, steps, _ = shape_of(made)
    if not isinstance(steps, int):
        raise UnsupportedError("its last state is read, but the number of steps is free")
    found = []
    for way in range(ways):
        own = sliced(t, made, 2, way * hidden, (way + 1) * hidden)
        at = 0 if way else steps - 1
        found.append(reshaped(t, sliced(t, own, 1, at, at + 1), (1, batch, hidden)))
    return t.emit("concat", *found, axis=0) if len(found) > 1 else found[0]


def _steps(shape: Shape) -> int:
    steps = shape[0]
    if not isinstance(steps, int) or steps > _MOST:
        raise UnsupportedError("it has a free number of steps, or too many")
    return steps


def _last(t: Translator, states: Sequence[State], shape: Shape) -> list[Value]:
    """The states after the last step, those of both directions together."""
    found: list[Value] = []
    for each in zip(*states, strict=True):
        parts = [reshaped(t, part, shape) for part in each if part is not None]
        if len(parts) == len(states):
            found.append(t.emit("concat", *parts, axis=0) if len(parts) > 1 else parts[0])
    return found


def _refuse(node: ForeignNode, lengths: Value | None, peepholes: Value | None) -> None:
    given = node.attributes
    ways = 2 if given.get("direction") == "bidirectional" else 1
    usual = _USUAL[node.op] * ways
    if given.get("activations", usual) != usual or given.get("clip"):
        raise UnsupportedError("its activations are not the usual ones")
    if lengths is not None and not (isinstance(lengths, np.ndarray) and len(set(lengths)) == 1):
        raise UnsupportedError("rows have different lengths")
    if peepholes is not None or given.get("layout") or given.get("input_forget"):
        raise UnsupportedError("it has peepholes, or another layout")


def _is_zero(value: Value | None) -> bool:
    """Whether a state at the start is 0, or left out."""
    if isinstance(value, Filled):
        return value.number == 0
    return value is None or (isinstance(value, np.ndarray) and not value.any())


def _state(t: Translator, value: Value | None, number: int) -> Value | None:
    """The state at the start, of one direction; None where it is 0."""
    if value is None or _is_zero(value):
        return None
    one = sliced(t, value if isinstance(value, Made) else t.node(value), 0, number, number + 1)
    return reshaped(t, one, shape_of(one)[1:])


class _Cell:
    """One direction of a layer: its weights as nodes that all steps share."""

    def __init__(
        self, t: Translator, node: ForeignNode, w: Array, r: Array, b: Array | None
    ) -> None:
        self._t = t
        self._hidden = r.shape[1]
        self._gates = _GATES[node.op]
        steps = {"LSTM": self._lstm, "GRU": self._gru, "RNN": self._rnn}
        self._step: Callable[[Value, State], State] = steps[node.op]
        width = self._gates * self._hidden
        parts: tuple[Array | None, Array | None]
        parts = (None, None) if b is None else (b[:width], b[width:])
        self._later = None
        if parts[0] is not None and parts[1] is not None:
            if node.op == "GRU":
                self._later = np.ascontiguousarray(parts[1])
            else:
                parts = (parts[0] + parts[1], None)
        self._weight, self._bias = np.ascontiguousarray(w.T), parts[0]
        self._back = t.emit("parameter", shape=r.T.shape, arrays={"value": r.T.copy()})
        self._bias_back: Made | None = None
        if self._later is not None:
            arrays = {"value": self._later}
            self._bias_back = t.emit("parameter", shape=self._later.shape, arrays=arrays)
        self._candidate: tuple[Value, Value | None] | None = None
        if node.op == "GRU" and not node.attributes.get("linear_before_reset", 0):
            first, bias = 2 * self._hidden, self._bias_back
            part = None if bias is None else sliced(t, bias, 0, first, None)
            self._candidate = sliced(t, self._back, 1, first, None), part

    def run(self, x: Value, steps: int, state: State, *, back: bool) -> tuple[list[Value], State]:
        """The outputs of all steps, in the order of the data, and the state after the last."""
        t = self._t
        arrays = {"weight": self._weight, "bias": self._bias}
        driven = t.emit("affine", x, arrays=arrays)  # what the data add, for all steps at once
        outputs: list[Value] = []
        for step in range(steps)[:: -1 if back else 1]:
            one = sliced(t, driven, 0, step, step + 1)
            state = self._step(reshaped(t, one, shape_of(driven)[1:]), state)
            assert state[0] is not None
            outputs.append(state[0])
        return outputs[::-1] if back else outputs, state

    def _parts(self, gates: Value) -> list[Value]:
        width = self._hidden
        return [
            sliced(self._t, gates, 1, width * number, width * (number + 1))
            for number in range(_width(gates) // width)
        ]

    def _with_state(self, driven: Value, h: Value | None) -> Value:
        return driven if h is None else self._t.emit("add", driven, self._recur(h))

    def _recur(self, h: Value) -> Value:
        made = self._t.emit("matmul", h, self._back)
        return made if self._bias_back is None else self._t.emit("add", made, self._bias_back)

    def _rnn(self, driven: Value, state: State) -> State:
        return (self._t.emit("tanh", self._with_state(driven, state[0])), None)

    def _lstm(self, driven: Value, state: State) -> State:
        t, (h, c) = self._t, state
        i, o, f, candidate = self._parts(self._with_state(driven, h))
        new = t.emit("multiply", t.emit("sigmoid", i), t.emit("tanh", candidate))
        if c is not None:
            new = t.emit("add", t.emit("multiply", t.emit("sigmoid", f), c), new)
        return t.emit("multiply", t.emit("sigmoid", o), t.emit("tanh", new)), new

    def _gru(self, driven: Value, state: State) -> State:
        t, h = self._t, state[0]
        z, r, n = self._parts(driven)
        if h is None:
            zero = np.zeros((1, self._hidden), np.float32)
            h = t.emit("multiply", z, zero)
        uz, ur, un = self._parts(self._recur(h))
        update = t.emit("sigmoid", t.emit("add", z, uz))
        reset = t.emit("sigmoid", t.emit("add", r, ur))
        if self._candidate is not None:  # which reads the state after it has been reset
            columns, bias = self._candidate
            un = t.emit("matmul", t.emit("multiply", reset, h), columns)
            new = t.emit("tanh", t.emit("add", n, un if bias is None else t.emit("add", un, bias)))
        else:
            new = t.emit("tanh", t.emit("add", n, t.emit("multiply", reset, un)))
        mixed = t.emit("multiply", update, t.emit("subtract", h, new))
        return (t.emit("add", new, mixed), None)


def _width(value: Value) -> int:
    """The size of the last axis, which is never free."""
    width = shape_of(value)[-1]
    assert isinstance(width, int)
    return width
