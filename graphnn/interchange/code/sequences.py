"""Functions of NumPy for sequences, copied into the file of a network that needs them."""

import numpy as np

from graphnn.interchange.code.textbook import sigmoid, softmax


def within(x, lengths):
    """Which steps of each row are not padding, with an axis for their features."""
    return (np.arange(x.shape[1]) < lengths[:, None])[..., None]


def ordered(x, way, lengths):
    """Steps in the order of a way; in the way back, padding stays where it is."""
    if way == 0:
        return x
    if lengths is None:
        return x[:, ::-1]
    steps, count = np.arange(x.shape[1]), lengths.clip(0, x.shape[1])[:, None]
    places = np.where(steps < count, count - 1 - steps, steps)
    return np.take_along_axis(x, places[..., None], axis=1)


def each_way(ways, count, x, lengths, state, *weights):
    """For each way of a recurrent layer: the data in its order, its own weights, and its start."""
    columns = [np.split(w, ways, -1) if np.ndim(w) else [w] * ways for w in weights]
    starts = each_start(ways, count, x, weights[1], state)
    x = x if lengths is None else np.where(within(x, lengths), x, 0)
    each = enumerate(zip(*columns, starts, strict=True))
    return [(ordered(x, way, lengths), *own, *start) for way, (*own, start) in each]


def each_start(ways, count, x, recurrent, state):
    """For each way, what its cell carries before its first step."""
    if state is None:
        return [[np.zeros((len(x), len(recurrent)), x.dtype)] * count] * ways
    parts = np.split(state, count * ways, axis=1)
    return [parts[way::ways] for way in range(ways)]


def last_steps(x, lengths):
    """The rows that have steps, and the last step of each."""
    whole = np.full(len(x), x.shape[1])
    count = whole if lengths is None else lengths.clip(0, x.shape[1])
    rows = np.flatnonzero(count)
    return rows, count[rows] - 1


def joined(carried, parts, lengths, returns):
    """What all ways carry side by side: after all steps, in the order of the data, or the last."""
    if returns == "sequence":
        states = [h if lengths is None else h * within(h, lengths) for h, *_ in carried]
        along = [ordered(h, way, lengths) for way, h in enumerate(states)]
        return np.concatenate(along, axis=2)
    ends = []
    count = len(carried[0])
    for number in range(count if returns == "state" else 1):
        for along, part in zip(carried, parts, strict=True):
            end = part[number - count].copy()
            rows, last = last_steps(along[number], lengths)
            end[rows] = along[number][rows, last]
            ends.append(end)
    return np.concatenate(ends, axis=1)


def each_part(ways, count, g, x, recurrent, lengths, returns):
    """For each way, the cotangents of what its cell carries, in its order."""
    shape = (*x.shape[:2], len(recurrent))
    found = [[np.zeros(shape, x.dtype) for _ in range(count)] for _ in range(ways)]
    if returns == "sequence":
        g = g if lengths is None else g * within(x, lengths)
        for way, part in enumerate(np.split(g, ways, axis=2)):
            found[way][0] = ordered(part, way, lengths)
        return found
    rows, last = last_steps(x, lengths)
    for place, part in enumerate(np.split(g, g.shape[1] // len(recurrent), axis=1)):
        found[place % ways][place // ways][rows, last] = part[rows]
    return found


def joined_back(found, g, lengths, returns):
    """Cotangents of the data and the state, and of the weights, side by side."""
    by_x, by_start, *by_weights = zip(*found, strict=True)
    along = sum(ordered(dx, way, lengths) for way, dx in enumerate(by_x))
    in_order = [part for parts in zip(*by_start, strict=True) for part in parts]
    state = np.concatenate(in_order, axis=1)
    if returns != "sequence" and lengths is not None:
        state[:, : g.shape[1]] += g * (lengths <= 0)[:, None]
    return along, state, *(np.concatenate(parts, axis=-1) for parts in by_weights)


def through_weights(slopes, inner, x, start, states, weight):
    """Cotangents of the data, both weights and the bias, from those of what they give."""
    before = np.concatenate([start[:, None], states[:, :-1]], axis=1)
    by_weight = np.tensordot(x, slopes, axes=([0, 1], [0, 1]))
    by_recurrent = np.tensordot(before, inner, axes=([0, 1], [0, 1]))
    return slopes @ weight.T, by_weight, by_recurrent, slopes.sum(axis=(0, 1))


def rnn(
    x,
    weight,
    recurrent,
    bias=0,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
    activation="tanh",
):
    """States of a recurrent layer."""
    parts = each_way(ways, 1, x, lengths, state, weight, recurrent, bias)
    carried = [[rnn_steps(*part, activation)] for part in parts]
    return joined(carried, parts, lengths, returns)


def rnn_steps(x, weight, recurrent, bias, h, activation):
    """States of one way of a recurrent layer."""
    states = []
    for t in range(x.shape[1]):
        h = x[:, t] @ weight + h @ recurrent + bias
        h = np.tanh(h) if activation == "tanh" else np.maximum(h, 0)
        states.append(h)
    return np.stack(states, axis=1)


def rnn_back(
    g,
    x,
    weight,
    recurrent,
    bias=0,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
    activation="tanh",
):
    """Cotangents of all that a recurrent layer reads."""
    cotangents = each_part(ways, 1, g, x, recurrent, lengths, returns)
    parts = each_way(ways, 1, x, lengths, state, weight, recurrent, bias)
    each = zip(cotangents, parts, strict=True)
    found = [rnn_back_steps(*d, *part, activation) for d, part in each]
    return joined_back(found, g, lengths, returns)


def rnn_back_steps(g, x, weight, recurrent, bias, h, activation):
    """Through one way of a recurrent layer, last step first."""
    states = rnn_steps(x, weight, recurrent, bias, h, activation)
    slopes = 1 - states**2 if activation == "tanh" else 1.0 * (states > 0)
    dh = 0
    for t in reversed(range(x.shape[1])):
        slopes[:, t] *= g[:, t] + dh
        dh = slopes[:, t] @ recurrent.T
    by_x, *by_weights = through_weights(slopes, slopes, x, h, states, weight)
    return by_x, [dh], *by_weights


def lstm(
    x,
    weight,
    recurrent,
    bias=0,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
):
    """States of a long short-term memory."""
    parts = each_way(ways, 2, x, lengths, state, weight, recurrent, bias)
    carried = [lstm_steps(*part)[:2] for part in parts]
    return joined(carried, parts, lengths, returns)


def lstm_steps(x, weight, recurrent, bias, h, c):
    """States, cells and gates of one way of a long short-term memory."""
    states, cells, gates = [], [], []
    for t in range(x.shape[1]):
        i, f, n, o = np.split(x[:, t] @ weight + h @ recurrent + bias, 4, axis=1)
        i, f, n, o = sigmoid(i), sigmoid(f), np.tanh(n), sigmoid(o)
        c = f * c + i * n
        h = o * np.tanh(c)
        states.append(h)
        cells.append(c)
        gates.append((i, f, n, o))
    return np.stack(states, axis=1), np.stack(cells, axis=1), gates


def lstm_back(
    g,
    x,
    weight,
    recurrent,
    bias=0,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
):
    """Cotangents of all that a long short-term memory reads."""
    cotangents = each_part(ways, 2, g, x, recurrent, lengths, returns)
    parts = each_way(ways, 2, x, lengths, state, weight, recurrent, bias)
    each = zip(cotangents, parts, strict=True)
    found = [lstm_back_steps(*d, *part) for d, part in each]
    return joined_back(found, g, lengths, returns)


def lstm_back_steps(g, by_cells, x, weight, recurrent, bias, h, c):
    """Through one way of a long short-term memory, last step first."""
    states, cells, gates = lstm_steps(x, weight, recurrent, bias, h, c)
    slopes = np.zeros((*x.shape[:2], weight.shape[1]), x.dtype)
    dh = dc = 0
    for t in reversed(range(x.shape[1])):
        i, f, n, o = gates[t]
        before, after = cells[:, t - 1] if t else c, np.tanh(cells[:, t])
        dh = g[:, t] + dh
        dc = by_cells[:, t] + dc + dh * o * (1 - after**2)
        d_i, d_f = dc * n * i * (1 - i), dc * before * f * (1 - f)
        d_n, d_o = dc * i * (1 - n**2), dh * after * o * (1 - o)
        slopes[:, t] = np.concatenate([d_i, d_f, d_n, d_o], axis=1)
        dc = dc * f
        dh = slopes[:, t] @ recurrent.T
    by_x, *by_weights = through_weights(slopes, slopes, x, h, states, weight)
    return by_x, [dh, dc], *by_weights


def gru(
    x,
    weight,
    recurrent,
    bias=0,
    inner_bias=0,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
):
    """States of a gated recurrent unit."""
    parts = each_way(ways, 1, x, lengths, state, weight, recurrent, bias, inner_bias)
    carried = [gru_steps(*part)[:1] for part in parts]
    return joined(carried, parts, lengths, returns)


def gru_steps(x, weight, recurrent, bias, inner_bias, h):
    """States and gates of one way of a gated recurrent unit, and what its reset gate works on."""
    states, gates = [], []
    for t in range(x.shape[1]):
        r, z, n = np.split(x[:, t] @ weight + bias, 3, axis=1)
        again_r, again_z, inner = np.split(h @ recurrent, 3, axis=1)
        inner = inner + inner_bias
        r, z = sigmoid(r + again_r), sigmoid(z + again_z)
        n = np.tanh(n + r * inner)
        gates.append((r, z, n, inner, h))
        h = (1 - z) * n + z * h
        states.append(h)
    return np.stack(states, axis=1), gates


def gru_back(
    g,
    x,
    weight,
    recurrent,
    bias=0,
    inner_bias=0,
    ways=1,
    lengths=None,
    state=None,
    returns="sequence",
):
    """Cotangents of all that a gated recurrent unit reads."""
    cotangents = each_part(ways, 1, g, x, recurrent, lengths, returns)
    parts = each_way(ways, 1, x, lengths, state, weight, recurrent, bias, inner_bias)
    each = zip(cotangents, parts, strict=True)
    found = [gru_back_steps(*d, *part) for d, part in each]
    return joined_back(found, g, lengths, returns)


def gru_back_steps(g, x, weight, recurrent, bias, inner_bias, start):
    """Through one way of a gated recurrent unit, last step first."""
    states, gates = gru_steps(x, weight, recurrent, bias, inner_bias, start)
    slopes = np.zeros((*x.shape[:2], weight.shape[1]), x.dtype)
    again = np.zeros_like(slopes)
    dh = 0
    for t in reversed(range(x.shape[1])):
        r, z, n, inner, h = gates[t]
        dh = g[:, t] + dh
        d_n = dh * (1 - z) * (1 - n**2)
        d_r, d_z = d_n * inner * r * (1 - r), dh * (h - n) * z * (1 - z)
        slopes[:, t] = np.concatenate([d_r, d_z, d_n], axis=1)
        again[:, t] = np.concatenate([d_r, d_z, d_n * r], axis=1)
        dh = dh * z + again[:, t] @ recurrent.T
    by_inner = again[:, :, 2 * h.shape[1] :].sum(axis=(0, 1))
    by_x, *by_weights = through_weights(slopes, again, x, start, states, weight)
    return by_x, [dh], *by_weights, by_inner


def heads_of(x, heads):
    """The features of each head apart, [batch, heads, time, features]."""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def merged(x):
    """The features of all heads side by side."""
    x = x.swapaxes(1, 2)
    return x.reshape(*x.shape[:2], -1)


def attention_shares(query, key, lengths, heads, causal):
    """How much each place of the query takes of each place of the key."""
    q, k = heads_of(query, heads), heads_of(key, heads)
    scores = q @ k.swapaxes(2, 3) / np.sqrt(q.shape[3])
    places = np.arange(key.shape[1])
    if causal:
        scores = np.where(places > places[:, None], -np.inf, scores)
    if lengths is None:
        return softmax(scores)
    here = places < lengths[:, None, None, None]
    return softmax(np.where(here, scores, np.finfo(scores.dtype).min)) * here


def attention(query, key, value, lengths=None, heads=1, causal=False):
    """Values weighted by how alike queries and keys are."""
    shares = attention_shares(query, key, lengths, heads, causal)
    return merged(shares @ heads_of(value, heads))


def attention_back(g, query, key, value, lengths=None, heads=1, causal=False):
    """Cotangents of the query, the key and the value of `attention`."""
    shares = attention_shares(query, key, lengths, heads, causal)
    q, k, v, g = (heads_of(each, heads) for each in (query, key, value, g))
    by_shares = g @ v.swapaxes(2, 3)
    by_scores = shares * (by_shares - (by_shares * shares).sum(axis=3, keepdims=True))
    by_scores = by_scores / np.sqrt(q.shape[3])
    found = (by_scores @ k, by_scores.swapaxes(2, 3) @ q, shares.swapaxes(2, 3) @ g)
    return [merged(each) for each in found]
