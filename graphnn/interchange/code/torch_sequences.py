"""Functions of torch for sequences, copied into the file of a network that needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F  # noqa: N812 - as files that people read have it
    from torch import nn


def rnn(
    x,
    weight,
    recurrent,
    bias=None,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
    activation="tanh",
):
    """States of a recurrent layer."""
    (start,) = each_start(ways, 1, x, recurrent, state)
    weights = as_torch(ways, weight, recurrent, bias)
    function = torch.rnn_tanh if activation == "tanh" else torch.rnn_relu
    return along(function, x, start, weights, ways, lengths, returns)


def lstm(
    x,
    weight,
    recurrent,
    bias=None,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
):
    """States of a long short-term memory."""
    start = each_start(ways, 2, x, recurrent, state)
    weights = as_torch(ways, weight, recurrent, bias)
    return along(torch.lstm, x, start, weights, ways, lengths, returns)


def gru(
    x,
    weight,
    recurrent,
    bias=None,
    inner_bias=None,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
):
    """States of a gated recurrent unit."""
    (start,) = each_start(ways, 1, x, recurrent, state)
    weights = as_torch(ways, weight, recurrent, bias, inner_bias)
    return along(torch.gru, x, start, weights, ways, lengths, returns)


def each_start(ways, count, x, recurrent, state):
    """All that cells carry before their first step, as torch has it: the ways come first."""
    if state is None:
        return (x.new_zeros(ways, len(x), len(recurrent)),) * count
    whole = state.unflatten(1, (count, ways, -1)).permute(1, 2, 0, 3)
    return tuple(part.contiguous() for part in whole)


def along(function, x, start, weights, ways, lengths, returns):
    """The states of all steps, or what is carried after the last step of each row."""
    options = (weights, True, 1, 0.0, False, ways > 1)
    if lengths is None:
        y, *ends = function(x, start, *options, True)
    else:
        y, *ends = on_packed(function, x, start, options, lengths)
    if returns == "sequence":
        return y
    shown = torch.stack(ends if returns == "state" else ends[:1])
    return shown.permute(2, 0, 1, 3).flatten(1)


def on_packed(function, x, start, options, lengths):
    """As torch does for rows of different lengths; a row without steps keeps its start."""
    time = x.shape[1]
    kept = lengths.clamp(1, time).cpu()
    packed = nn.utils.rnn.pack_padded_sequence(x, kept, True, enforce_sorted=False)
    places = packed.sorted_indices
    parts = start if isinstance(start, tuple) else (start,)
    given = tuple(part[:, places] for part in parts)
    given = given if isinstance(start, tuple) else given[0]
    states, *ends = function(packed.data, packed.batch_sizes, given, *options)
    whole = packed._replace(data=states)
    y, _ = nn.utils.rnn.pad_packed_sequence(whole, True, total_length=time)
    here = (lengths > 0)[:, None]
    back = [
        torch.where(here, end[:, packed.unsorted_indices], part)
        for end, part in zip(ends, parts, strict=True)
    ]
    return (y * here[..., None], *back)


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
