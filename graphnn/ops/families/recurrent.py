"""Recurrent layers: a cell that goes along a sequence and gives its state after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array
from graphnn.ops._op import aliases
from graphnn.ops._operands import parameter
from graphnn.ops.families._recurrence import ELSEWHERE, Recurrence, State, sequence_data
from graphnn.ops.families._recurrence_forms import block
from graphnn.ops.families.activation import continued_sigmoid, sigmoid
from graphnn.ops.initializers import Orthogonal, Xavier, Zeros
from graphnn.ops.kernels.moved_matrices import MovedMatrices
from graphnn.ops.kernels.ties import is_above


class Rnn(Recurrence):
    """Recurrent layer ``h_t = tanh(x_t W + h_(t-1) R + b)``, or with relu in place of tanh.

    It starts from `state`, left out from ``h_0 = 0``. All states come out, or the last one of each
    row, whatever its length, which a classifier of sequences reads.

    Where it is `bidirectional`, the weights have a second block of columns, for a cell that goes
    from the last step to the first; its state at each step comes after that of the first cell, and
    so it does in `state`.

    `lengths`, one whole number a row, mark padding: of a row of length n the steps from n on count
    for nothing, and their states are 0. The way back starts at step n - 1, and the last state of
    the way forth is that of step n - 1; of a row of length 0 it is the state it started from.

    It is torch's ``nn.RNN(n, units, batch_first=True)`` where weight is ``weight_ih_l0.T``,
    recurrent is ``weight_hh_l0.T`` and bias is ``bias_ih_l0 + bias_hh_l0``; the second blocks are
    those of the names that end with ``_reverse``. Its ``h_n`` is the last state, the ways side by
    side.

    References
    ----------
    J. L. Elman, Finding structure in time, Cognitive Science 14 (1990). The backward pass: P. J.
    Werbos, Backpropagation through time, Proceedings of the IEEE 78 (1990). Both ways: M. Schuster
    and K. K. Paliwal, Bidirectional recurrent neural networks, IEEE Transactions on Signal
    Processing 45 (1997).
    """

    op: Literal["rnn"] = "rnn"
    activation: Literal["tanh", "relu"] = Field(
        "tanh", description="What the sums of each step go through."
    )

    symbol = "RNN"
    also_called: ClassVar[Mapping[str, str]] = {
        **ELSEWHERE,
        **aliases(activation="nonlinearity act"),
    }
    elsewhere = ("simplernn", "vanillarnn", "elmanrnn")
    gates = 1
    onnx_order = (0,)
    operands = (
        *sequence_data("units*ways"),
        parameter("weight", "n units*ways", Xavier()),
        parameter("recurrent", "units units*ways", Orthogonal()),
        parameter("bias", "units*ways", Zeros(), optional=True),
    )

    def _run(
        self, driven: Array, recurrent: Array | MovedMatrices, start: State, *own: Array | None
    ) -> dict[str, Array]:
        (before,) = start
        for state in driven:
            state += before @ recurrent
            if self.activation == "tanh":
                np.tanh(state, out=state)
            else:
                state[state.real < 0] = 0
            before = state
        return {"states": driven}

    def _back(
        self,
        arriving: Sequence[Array],
        kept: Mapping[str, Array],
        recurrent: Array,
        start: State,
        *own: Array | None,
    ) -> tuple[Array, Array, State, Sequence[Array]]:
        states = kept["states"]
        if self.activation == "tanh":
            slopes = (1 - states) * (1 + states)
        else:
            slopes = (states.real > 0).astype(states.dtype)
        later: Any = 0
        for step in range(len(states))[::-1]:
            slopes[step] *= arriving[0][step] + later
            later = slopes[step] @ recurrent.T
        return slopes, slopes, (later,), ()

    @property
    def bends(self) -> bool:
        """Where it is a rectifier."""
        return self.activation == "relu"

    def branch(self, *arrays: Any, **keywords: Any) -> Array | None:
        """Which sums the rectifier passes on, in all steps, by more than rounding."""
        if not self.bends:
            return None
        whole = self.model_copy(update={"returns": "sequence"})
        return is_above(whole.forward(*arrays), 0)

    def _onnx_options(self) -> Mapping[str, Any]:
        if self.activation == "tanh":
            return {}
        return {"activations": ["Relu"] * (1 + self.bidirectional)}

    def _written_options(self) -> Mapping[str, str]:
        return {} if self.activation == "tanh" else {"activation": f'"{self.activation}"'}


class Lstm(Recurrence):
    """Long short-term memory, of states h_t and cells c_t.

    With ``s(u) = 1 / (1 + exp(-u))`` and the columns of ``x_t W + h_(t-1) R + b`` in four blocks of
    `units`, called i, f, g and o in this order (input, forget, candidate, output)::

        c_t = s(f) c_(t-1) + s(i) tanh(g)
        h_t = s(o) tanh(c_t)

    It starts from `state`, h_0 and c_0 side by side, left out from zeros. All h_t come out, or the
    last one of each row, whatever its length; with ``returns: state`` that h and its c side by
    side, which another layer takes as its `state`.

    Where it is `bidirectional`, the weights have four more blocks, for a cell that goes from the
    last step to the first; its state at each step comes after that of the first cell. A whole
    state is then h of both ways and c of both.

    `lengths`, one whole number a row, mark padding: of a row of length n the steps from n on count
    for nothing, and their states are 0. The way back starts at step n - 1, and the last state of
    the way forth is that of step n - 1; of a row of length 0 it is the state it started from.

    It is torch's ``nn.LSTM(n, units, batch_first=True)`` where weight is ``weight_ih_l0.T``,
    recurrent is ``weight_hh_l0.T`` and bias is ``bias_ih_l0 + bias_hh_l0``; the second blocks are
    those of the names that end with ``_reverse``. The whole state is its ``h_n``, then ``c_n``, the
    ways side by side.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997); the
    forget gate: F. A. Gers, J. Schmidhuber and F. Cummins, Learning to forget, Neural Computation
    12 (2000). The backward pass: P. J. Werbos, Backpropagation through time, 1990.
    """

    op: Literal["lstm"] = "lstm"

    symbol = "LSTM"
    also_called = ELSEWHERE
    gates = 4
    carried = ("states", "cells")
    onnx_order = (0, 3, 1, 2)  # ONNX has i, o, f, g
    operands = (
        *sequence_data("2*units*ways"),
        parameter("weight", "n 4*units*ways", Xavier()),
        parameter("recurrent", "units 4*units*ways", Orthogonal()),
        parameter("bias", "4*units*ways", Zeros(), optional=True),
    )

    def _run(
        self, driven: Array, recurrent: Array | MovedMatrices, start: State, *own: Array | None
    ) -> dict[str, Array]:
        before, cell = start
        units = len(recurrent)
        states = np.empty((*driven.shape[:2], units), driven.dtype)
        cells = np.empty_like(states)
        for step, gates in enumerate(driven):
            gates += before @ recurrent
            _squash(gates[:, : 2 * units])
            _squash(gates[:, 3 * units :])
            i, f, candidate, o = _blocks(gates, units)
            np.tanh(candidate, out=candidate)
            np.multiply(i, candidate, out=cells[step])
            cells[step] += f * cell
            np.tanh(cells[step], out=states[step])
            states[step] *= o
            before, cell = states[step], cells[step]
        return {"states": states, "cells": cells, "gates": driven}

    def _back(
        self,
        arriving: Sequence[Array],
        kept: Mapping[str, Array],
        recurrent: Array,
        start: State,
        *own: Array | None,
    ) -> tuple[Array, Array, State, Sequence[Array]]:
        cells, gates = kept["cells"], kept["gates"]
        units = len(recurrent)
        slopes = _slopes(gates, 2 * units, 3 * units)
        later: Any = 0
        by_cell: Any = 0
        for step in range(len(cells))[::-1]:
            i, f, g, o = _blocks(gates[step], units)
            by_i, by_f, by_g, by_o = _blocks(slopes[step], units)
            by_state = arriving[0][step] + later
            shown = np.tanh(cells[step])
            by_o *= by_state * shown
            by_cell = by_cell + arriving[1][step] + by_state * o * ((1 - shown) * (1 + shown))
            by_i *= by_cell * g
            by_g *= by_cell * i
            by_f *= by_cell * (cells[step - 1] if step else start[1])
            by_cell = by_cell * f
            later = slopes[step] @ recurrent.T
        return slopes, slopes, (later, by_cell), ()


class Gru(Recurrence):
    """Gated recurrent unit, of states h_t.

    With ``s(u) = 1 / (1 + exp(-u))``, the columns of ``x_t W + b`` in three blocks of `units`,
    called r, z and n in this order (reset, update, new), and those of ``h_(t-1) R`` likewise, with
    a dash, d the recurrent bias::

        n_t = tanh(n + s(r + r') (n' + d))
        h_t = (1 - s(z + z')) n_t + s(z + z') h_(t-1)

    The reset gate works on the product ``h_(t-1) R``, as in cuDNN, torch and Keras, not on the
    state before it, as in the paper.

    It starts from `state`, left out from ``h_0 = 0``. All states come out, or the last one of each
    row, whatever its length. Where it is `bidirectional`, the weights have three more blocks, for a
    cell that goes from the last step to the first; its state at each step comes after that of the
    first cell, and so it does in `state`.

    `lengths`, one whole number a row, mark padding: of a row of length n the steps from n on count
    for nothing, and their states are 0. The way back starts at step n - 1, and the last state of
    the way forth is that of step n - 1; of a row of length 0 it is the state it started from.

    It is torch's ``nn.GRU(n, units, batch_first=True)`` where weight is ``weight_ih_l0.T``,
    recurrent is ``weight_hh_l0.T``, bias is ``bias_ih_l0 + bias_hh_l0`` in the blocks r and z and
    ``bias_ih_l0`` in n, and the recurrent bias is ``bias_hh_l0`` in n; the second blocks are those
    of the names that end with ``_reverse``.

    References
    ----------
    K. Cho et al., Learning phrase representations using RNN encoder-decoder for statistical machine
    translation, EMNLP 2014, eq. 5 to 8. The backward pass: P. J. Werbos, Backpropagation through
    time, 1990.
    """

    op: Literal["gru"] = "gru"

    symbol = "GRU"
    also_called: ClassVar[Mapping[str, str]] = {
        **ELSEWHERE,
        **aliases(recurrent_bias="bias_hh bias_hn"),
    }
    gates = 3
    onnx_order = (1, 0, 2)  # ONNX has z, r, n
    operands = (
        *sequence_data("units*ways"),
        parameter("weight", "n 3*units*ways", Xavier()),
        parameter("recurrent", "units 3*units*ways", Orthogonal()),
        parameter("bias", "3*units*ways", Zeros(), optional=True),
        parameter("recurrent_bias", "units*ways", Zeros(), optional=True),
    )

    def _run(
        self, driven: Array, recurrent: Array | MovedMatrices, start: State, *own: Array | None
    ) -> dict[str, Array]:
        (before,) = start
        units = len(recurrent)
        states = np.empty((*driven.shape[:2], units), driven.dtype)
        inner = np.empty_like(states)  # what the reset gate works on
        for step, gates in enumerate(driven):
            product = before @ recurrent
            gates[:, : 2 * units] += product[:, : 2 * units]
            inner[step] = product[:, 2 * units :]
            if own[0] is not None:
                inner[step] += own[0]
            _squash(gates[:, : 2 * units])
            reset, update, new = _blocks(gates, units)
            new += reset * inner[step]
            np.tanh(new, out=new)
            np.multiply(1 - update, new, out=states[step])
            states[step] += update * before
            before = states[step]
        return {"states": states, "inner": inner, "gates": driven}

    def _back(
        self,
        arriving: Sequence[Array],
        kept: Mapping[str, Array],
        recurrent: Array,
        start: State,
        *own: Array | None,
    ) -> tuple[Array, Array, State, Sequence[Array]]:
        states, inner, gates = kept["states"], kept["inner"], kept["gates"]
        units = len(recurrent)
        slopes = _slopes(gates, 2 * units, 3 * units)
        again = np.empty_like(slopes)  # of what the state gives, reset applied
        later: Any = 0
        for step in range(len(states))[::-1]:
            reset, update, new = _blocks(gates[step], units)
            by_reset, by_update, by_new = _blocks(slopes[step], units)
            by_state = arriving[0][step] + later
            by_new *= by_state * (1 - update)
            by_reset *= by_new * inner[step]
            by_update *= by_state * ((states[step - 1] if step else start[0]) - new)
            again[step, :, : 2 * units] = slopes[step, :, : 2 * units]
            np.multiply(by_new, reset, out=again[step, :, 2 * units :])
            later = by_state * update + again[step] @ recurrent.T
        return slopes, again, (later,), (again[..., 2 * units :].sum(axis=(0, 1)),)

    def _onnx_options(self) -> Mapping[str, Any]:
        return {"linear_before_reset": 1}

    def _torch_recurrent_bias(self, units: int, way: int) -> list[tuple[str, slice, slice]]:
        start = 3 * units * way
        gates = ("bias", slice(0, 2 * units), slice(start, start + 2 * units))
        return [gates, ("recurrent_bias", block(2, units), block(way, units))]


def _squash(x: Array) -> None:
    """Logistic function of each entry, in its place."""
    if x.dtype.kind == "c":
        x[...] = continued_sigmoid(x)
    else:
        x[...] = sigmoid(x)  # in its place, NumPy 2.4 negates some twice


def _blocks(array: Array, units: int) -> list[Array]:
    """Columns in blocks of `units`."""
    return [array[:, at : at + units] for at in range(0, array.shape[1], units)]


def _slopes(gates: Array, start: int, stop: int) -> Array:
    """Slopes of the gates by what they were made of: columns from `start` to `stop` are tanh."""
    slopes: Array = 1 - gates
    slopes[..., start:stop] *= 1 + gates[..., start:stop]
    slopes[..., :start] *= gates[..., :start]
    slopes[..., stop:] *= gates[..., stop:]
    return slopes
