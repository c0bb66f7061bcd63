"""Recurrent layers: a cell that goes along a sequence and gives its state after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from graphnn.ops._arrays import Array
from graphnn.ops._op import aliases
from graphnn.ops._operands import data, parameter
from graphnn.ops.families._recurrence import ELSEWHERE, Recurrence
from graphnn.ops.families.activation import continued_sigmoid, sigmoid
from graphnn.ops.initializers import Orthogonal, Xavier, Zeros

_SEQUENCE = data("x", "batch time n")


class Rnn(Recurrence):
    """Recurrent layer ``h_t = tanh(x_t W + h_(t-1) R + b)`` from ``h_0 = 0``; all h_t come out.

    Where it is `bidirectional`, the weights have a second block of columns, for a cell that goes
    from the last step to the first; its state at each step comes after that of the first cell.

    It is torch's ``nn.RNN(n, units, batch_first=True)`` where weight is ``weight_ih_l0.T``,
    recurrent is ``weight_hh_l0.T`` and bias is ``bias_ih_l0 + bias_hh_l0``; the second blocks are
    those of the names that end with ``_reverse``.

    References
    ----------
    J. L. Elman, Finding structure in time, Cognitive Science 14 (1990). The backward pass: P. J.
    Werbos, Backpropagation through time, Proceedings of the IEEE 78 (1990). Both ways: M. Schuster
    and K. K. Paliwal, Bidirectional recurrent neural networks, IEEE Transactions on Signal
    Processing 45 (1997).
    """

    op: Literal["rnn"] = "rnn"

    symbol = "RNN"
    also_called = ELSEWHERE
    elsewhere = ("simplernn", "vanillarnn", "elmanrnn")
    gates = 1
    onnx_order = (0,)
    operands = (
        _SEQUENCE,
        parameter("weight", "n units*ways", Xavier()),
        parameter("recurrent", "units units*ways", Orthogonal()),
        parameter("bias", "units*ways", Zeros(), optional=True),
    )

    def _run(self, driven: Array, recurrent: Array, *own: Array | None) -> dict[str, Array]:
        for step, state in enumerate(driven):
            if step:
                state += driven[step - 1] @ recurrent
            np.tanh(state, out=state)
        return {"states": driven}

    def _back(
        self, arriving: Array, state: Mapping[str, Array], recurrent: Array, *own: Array | None
    ) -> tuple[Array, Array, Sequence[Array]]:
        states = state["states"]
        slopes = (1 - states) * (1 + states)
        later: Any = 0
        for step in range(len(states))[::-1]:
            slopes[step] *= arriving[step] + later
            later = slopes[step] @ recurrent.T
        return slopes, slopes, ()


class Lstm(Recurrence):
    """Long short-term memory, from ``h_0 = c_0 = 0``; all states h_t come out.

    With ``s(u) = 1 / (1 + exp(-u))`` and the columns of ``x_t W + h_(t-1) R + b`` in four blocks of
    `units`, called i, f, g and o in this order (input, forget, candidate, output)::

        c_t = s(f) c_(t-1) + s(i) tanh(g)
        h_t = s(o) tanh(c_t)

    Where it is `bidirectional`, the weights have four more blocks, for a cell that goes from the
    last step to the first; its state at each step comes after that of the first cell.

    It is torch's ``nn.LSTM(n, units, batch_first=True)`` where weight is ``weight_ih_l0.T``,
    recurrent is ``weight_hh_l0.T`` and bias is ``bias_ih_l0 + bias_hh_l0``; the second blocks are
    those of the names that end with ``_reverse``.

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
    onnx_order = (0, 3, 1, 2)  # ONNX has i, o, f, g
    operands = (
        _SEQUENCE,
        parameter("weight", "n 4*units*ways", Xavier()),
        parameter("recurrent", "units 4*units*ways", Orthogonal()),
        parameter("bias", "4*units*ways", Zeros(), optional=True),
    )

    def _run(self, driven: Array, recurrent: Array, *own: Array | None) -> dict[str, Array]:
        time, batch, _ = driven.shape
        units = len(recurrent)
        states = np.empty((time, batch, units), driven.dtype)
        cells = np.empty_like(states)
        for step, gates in enumerate(driven):
            if step:
                gates += states[step - 1] @ recurrent
            _squash(gates[:, : 2 * units])
            _squash(gates[:, 3 * units :])
            candidate = gates[:, 2 * units : 3 * units]
            np.tanh(candidate, out=candidate)
            np.multiply(gates[:, :units], candidate, out=cells[step])
            if step:
                cells[step] += gates[:, units : 2 * units] * cells[step - 1]
            np.tanh(cells[step], out=states[step])
            states[step] *= gates[:, 3 * units :]
        return {"states": states, "cells": cells, "gates": driven}

    def _back(
        self, arriving: Array, state: Mapping[str, Array], recurrent: Array, *own: Array | None
    ) -> tuple[Array, Array, Sequence[Array]]:
        cells, gates = state["cells"], state["gates"]
        units = len(recurrent)
        slopes = _slopes(gates, 2 * units, 3 * units)
        later: Any = 0
        by_cell: Any = 0
        for step in range(len(cells))[::-1]:
            i, f, g, o = _blocks(gates[step], units)
            by_i, by_f, by_g, by_o = _blocks(slopes[step], units)
            by_state = arriving[step] + later
            shown = np.tanh(cells[step])
            by_o *= by_state * shown
            by_cell = by_cell + by_state * o * ((1 - shown) * (1 + shown))
            by_i *= by_cell * g
            by_g *= by_cell * i
            by_f *= by_cell * cells[step - 1] if step else 0
            by_cell = by_cell * f
            later = slopes[step] @ recurrent.T
        return slopes, slopes, ()


class Gru(Recurrence):
    """Gated recurrent unit, from ``h_0 = 0``; all states h_t come out.

    With ``s(u) = 1 / (1 + exp(-u))``, the columns of ``x_t W + b`` in three blocks of `units`,
    called r, z and n in this order (reset, update, new), and those of ``h_(t-1) R`` likewise, with
    a dash, d the recurrent bias::

        n_t = tanh(n + s(r + r') (n' + d))
        h_t = (1 - s(z + z')) n_t + s(z + z') h_(t-1)

    The reset gate works on the product ``h_(t-1) R``, as in cuDNN, torch and Keras, not on the
    state before it, as in the paper. Where it is `bidirectional`, the weights have three more
    blocks, for a cell that goes from the last step to the first; its state at each step comes after
    that of the first cell.

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
        _SEQUENCE,
        parameter("weight", "n 3*units*ways", Xavier()),
        parameter("recurrent", "units 3*units*ways", Orthogonal()),
        parameter("bias", "3*units*ways", Zeros(), optional=True),
        parameter("recurrent_bias", "units*ways", Zeros(), optional=True),
    )

    def _run(self, driven: Array, recurrent: Array, *own: Array | None) -> dict[str, Array]:
        time, batch, _ = driven.shape
        units = len(recurrent)
        states = np.empty((time, batch, units), driven.dtype)
        inner = np.zeros_like(states)  # what the reset gate works on
        for step, gates in enumerate(driven):
            if step:
                product = states[step - 1] @ recurrent
                gates[:, : 2 * units] += product[:, : 2 * units]
                inner[step] = product[:, 2 * units :]
            if own[0] is not None:
                inner[step] += own[0]
            _squash(gates[:, : 2 * units])
            reset, update, new = _blocks(gates, units)
            new += reset * inner[step]
            np.tanh(new, out=new)
            np.multiply(1 - update, new, out=states[step])
            if step:
                states[step] += update * states[step - 1]
        return {"states": states, "inner": inner, "gates": driven}

    def _back(
        self, arriving: Array, state: Mapping[str, Array], recurrent: Array, *own: Array | None
    ) -> tuple[Array, Array, Sequence[Array]]:
        states, inner, gates = state["states"], state["inner"], state["gates"]
        units = len(recurrent)
        slopes = _slopes(gates, 2 * units, 3 * units)
        again = np.empty_like(slopes)  # of what the state gives, reset applied
        later: Any = 0
        for step in range(len(states))[::-1]:
            reset, update, new = _blocks(gates[step], units)
            by_reset, by_update, by_new = _blocks(slopes[step], units)
            by_state = arriving[step] + later
            by_new *= by_state * (1 - update)
            by_reset *= by_new * inner[step]
            by_update *= by_state * ((states[step - 1] if step else 0) - new)
            again[step, :, : 2 * units] = slopes[step, :, : 2 * units]
            np.multiply(by_new, reset, out=again[step, :, 2 * units :])
            later = by_state * update + again[step] @ recurrent.T
        return slopes, again, (again[..., 2 * units :].sum(axis=(0, 1)),)

    def _onnx_options(self) -> Mapping[str, Any]:
        return {"linear_before_reset": 1}


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
