"""Recurrent layers against torch's modules by the documented map."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graphnn.ops import REGISTRY

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 2


def ours_of(module, name):
    """A torch module's parameters, or their gradients, as the docstrings say."""
    found = []
    for end in ("", "_reverse") if module.bidirectional else ("",):
        own = {
            kind: getattr(module, f"{kind}_l0{end}").detach().numpy()
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        bias = own["bias_ih"] + own["bias_hh"]
        inner = own["bias_hh"][2 * UNITS :]
        if name == "gru":
            bias = np.concatenate([bias[: 2 * UNITS], own["bias_ih"][2 * UNITS :]])
        kept = [own["weight_ih"].T, own["weight_hh"].T, bias]
        found.append([*kept, inner] if name == "gru" else kept)
    return [np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)]


def gradients_of(module, name):
    """The gradients of a torch module's parameters, as ours: either bias has that of the sum."""
    found = []
    for end in ("", "_reverse") if module.bidirectional else ("",):
        grad = {
            kind: getattr(module, f"{kind}_l0{end}").grad.numpy()
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        kept = [grad["weight_ih"].T, grad["weight_hh"].T, grad["bias_ih"]]
        found.append([*kept, grad["bias_hh"][2 * UNITS :]] if name == "gru" else kept)
    return [np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)]


LENGTHS = [5, 2, 1]  # of 3 rows of 5 steps


def theirs(module, x, lengths, state):
    """All that torch gives: the sequence, and the last states, each [batch, ways * units]."""
    packed = x
    if lengths is not None:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
    starts = None
    if state is not None:
        count = 2 if isinstance(module, torch.nn.LSTM) else 1
        ways = 1 + module.bidirectional
        parts = [part.unflatten(1, (ways, UNITS)).transpose(0, 1) for part in state.chunk(count, 1)]
        starts = tuple(part.contiguous() for part in parts) if count > 1 else parts[0].contiguous()
    sequence, ends = module(packed, starts)
    if lengths is not None:
        sequence, _ = torch.nn.utils.rnn.pad_packed_sequence(
            sequence, batch_first=True, total_length=TIME
        )
    ends = ends if isinstance(ends, tuple) else (ends,)
    return sequence, [end.transpose(0, 1).flatten(1) for end in ends]


@pytest.mark.parametrize("returns", ["sequence", "last", "state"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "padded"])
@pytest.mark.parametrize("begun", [False, True], ids=["zeros", "begun"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forth", "both"])
@pytest.mark.parametrize("name", [*CELLS, "relu"])
def test_it_is_the_module_of_torch(name, bidirectional, begun, lengths, returns):
    torch.manual_seed(0)
    ways = 1 + bidirectional
    name, options = ("rnn", {"nonlinearity": "relu"}) if name == "relu" else (name, {})
    module = CELLS[name](FEATURES, UNITS, batch_first=True, bidirectional=bidirectional, **options)
    module = module.double()
    own = {"activation": "relu"} if options else {}
    op = REGISTRY[name](units=UNITS, bidirectional=bidirectional, returns=returns, **own)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(BATCH, TIME, FEATURES))
    state = rng.normal(size=(BATCH, len(op.carried) * ways * UNITS)) if begun else None
    given = [None if each is None else np.array(each) for each in (lengths, state)]
    kept = ours_of(module, name)
    tensor = torch.tensor(x, requires_grad=True)
    start = torch.tensor(state, requires_grad=True) if begun else None
    sequence, ends = theirs(module, tensor, lengths, start)
    shown = {"sequence": [sequence], "last": ends[:1], "state": ends}[returns]
    expected = torch.cat(shown, dim=-1)
    found = op.forward(x, *given, *kept)
    assert_allclose(found, expected.detach().numpy(), rtol=0, atol=1e-14)
    cotangent = rng.normal(size=found.shape)
    expected.backward(torch.tensor(cotangent))
    by_x, by_lengths, by_state, *by_kept = op.vjp(cotangent, found, x, *given, *kept)
    assert by_lengths is None
    assert_allclose(by_x, tensor.grad.numpy(), rtol=0, atol=1e-13)
    if begun:
        assert_allclose(by_state, start.grad.numpy(), rtol=0, atol=1e-13)
    for mine, other in zip(by_kept, gradients_of(module, name), strict=True):
        assert_allclose(mine, other, rtol=0, atol=1e-12)
