"""Functions of torch for sequences, copied into the file of a network that needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F  # noqa: N812 - as files that people read have it


def rnn(x, weight, recurrent, bias=None, ways=1):
    """States after every step of a recurrent layer."""
    state = x.new_zeros(ways, len(x), len(recurrent))
    weights = as_torch(ways, weight, recurrent, bias)
    return torch.rnn_tanh(x, state, weights, True, 1, 0.0, False, ways > 1, True)[0]


def lstm(x, weight, recurrent, bias=None, ways=1):
    """States after every step of a long short-term memory."""
    state = x.new_zeros(ways, len(x), len(recurrent))
    weights = as_torch(ways, weight, recurrent, bias)
    found = torch.lstm(x, (state, state), weights, True, 1, 0.0, False, ways > 1, True)
    return found[0]


def gru(x, weight, recurrent, bias=None, inner_bias=None, ways=1):
    """States after every step of a gated recurrent unit."""
    state = x.new_zeros(ways, len(x), len(recurrent))
    weights = as_torch(ways, weight, recurrent, bias, inner_bias)
    return torch.gru(x, state, weights, True, 1, 0.0, False, ways > 1, True)[0]


def as_torch(ways, weight, recurrent, bias=None, inner_bias=None):
    """Weights as torch has them for each way: rows for outputs, and two biases."""
    found = []
    for way in range(ways):
        w, r = weight.chunk(ways, 1)[way], recurrent.chunk(ways, 1)[way]
        first = second = w.new_zeros(w.shape[1])
        if inner_bias is not None:
            own = inner_bias.chunk(ways)[way]
            second = torch.cat([first[len(own) :], own])
        if bias is not None:
            first = bias.chunk(ways)[way]
        found += [w.T, r.T, first, second]
    return found


def attention(query, key, value, lengths=None, heads=1, causal=False):
    """Values weighted by how alike queries and keys are."""
    parts = [x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (query, key, value)]
    places = torch.arange(key.shape[1], device=key.device)
    mask = places <= places[:, None] if causal else None
    if lengths is not None:
        here = places < lengths[:, None, None, None]
        mask = here & mask if causal else here
    y = F.scaled_dot_product_attention(*parts, attn_mask=mask)
    return y.transpose(1, 2).flatten(2)
