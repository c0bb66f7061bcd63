"""Functions of NumPy for sequences, copied into the file of a network that needs them."""

import numpy as np

from graphnn.interchange.code.textbook import sigmoid, softmax


def each_way(ways, x, *weights):
    """For each way of a recurrent layer, the data in its order and its columns of the weights."""
    columns = [np.split(w, ways, -1) if np.ndim(w) else [w] * ways for w in weights]
    own = zip(*columns, strict=True)
    return [(x[:, ::-1] if way else x, *each) for way, each in enumerate(own)]


def joined(states):
    """The states of each way side by side, in the order of the data."""
    in_order = [h[:, ::-1] if way else h for way, h in enumerate(states)]
    return np.concatenate(in_order, axis=2)


def each_part(ways, g):
    """The cotangent of the states of each way, in its order."""
    parts = np.split(g, ways, axis=2)
    return [part[:, ::-1] if way else part for way, part in enumerate(parts)]


def joined_back(found):
    """Cotangents of the data, summed over the ways, and of the weights, side by side."""
    by_x, *by_weights = zip(*found, strict=True)
    along = sum(dx[:, ::-1] if way else dx for way, dx in enumerate(by_x))
    return along, *(np.concatenate(parts, axis=-1) for parts in by_weights)


def through_weights(slopes, inner, x, states, weight):
    """Cotangents of the data, both weights and the bias, from those of what they give."""
    before = np.zeros_like(states)
    before[:, 1:] = states[:, :-1]
    by_weight = np.tensordot(x, slopes, axes=([0, 1], [0, 1]))
    by_recurrent = np.tensordot(before, inner, axes=([0, 1], [0, 1]))
    return slopes @ weight.T, by_weight, by_recurrent, slopes.sum(axis=(0, 1))


def rnn(x, weight, recurrent, bias=0, ways=1):
    """States after every step of a recurrent layer."""
    parts = each_way(ways, x, weight, recurrent, bias)
    return joined([rnn_steps(*part) for part in parts])


def rnn_steps(x, weight, recurrent, bias):
    """States of one way of a recurrent layer."""
    h = np.zeros((len(x), len(recurrent)), x.dtype)
    states = []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ weight + h @ recurrent + bias)
        states.append(h)
    return np.stack(states, axis=1)


def rnn_back(g, x, weight, recurrent, bias=0, ways=1):
    """Cotangents of all that a recurrent layer reads."""
    each = each_way(ways, x, weight, recurrent, bias)
    parts = zip(each_part(ways, g), each, strict=True)
    return joined_back([rnn_back_steps(d, *part) for d, part in parts])


def rnn_back_steps(g, x, weight, recurrent, bias):
    """Through one way of a recurrent layer, last step first."""
    states = rnn_steps(x, weight, recurrent, bias)
    slopes = np.zeros_like(states)
    dh = 0
    for t in reversed(range(x.shape[1])):
        slopes[:, t] = (g[:, t] + dh) * (1 - states[:, t] ** 2)
        dh = slopes[:, t] @ recurrent.T
    return through_weights(slopes, slopes, x, states, weight)


def lstm(x, weight, recurrent, bias=0, ways=1):
    """States after every step of a long short-term memory."""
    parts = each_way(ways, x, weight, recurrent, bias)
    return joined([lstm_steps(*part)[0] for part in parts])


def lstm_steps(x, weight, recurrent, bias):
    """States, cells and gates of one way of a long short-term memory."""
    h = c = np.zeros((len(x), len(recurrent)), x.dtype)
    states, cells, gates = [], [c], []
    for t in range(x.shape[1]):
        i, f, n, o = np.split(x[:, t] @ weight + h @ recurrent + bias, 4, axis=1)
        i, f, n, o = sigmoid(i), sigmoid(f), np.tanh(n), sigmoid(o)
        c = f * c + i * n
        h = o * np.tanh(c)
        states.append(h)
        cells.append(c)
        gates.append((i, f, n, o))
    return np.stack(states, axis=1), cells, gates


def lstm_back(g, x, weight, recurrent, bias=0, ways=1):
    """Cotangents of all that a long short-term memory reads."""
    each = each_way(ways, x, weight, recurrent, bias)
    parts = zip(each_part(ways, g), each, strict=True)
    return joined_back([lstm_back_steps(d, *part) for d, part in parts])


def lstm_back_steps(g, x, weight, recurrent, bias):
    """Through one way of a long short-term memory, last step first."""
    states, cells, gates = lstm_steps(x, weight, recurrent, bias)
    slopes = np.zeros((*x.shape[:2], weight.shape[1]), x.dtype)
    dh = dc = 0
    for t in reversed(range(x.shape[1])):
        i, f, n, o = gates[t]
        before, after = cells[t], np.tanh(cells[t + 1])
        dh = g[:, t] + dh
        dc = dc + dh * o * (1 - after**2)
        d_i, d_f = dc * n * i * (1 - i), dc * before * f * (1 - f)
        d_n, d_o = dc * i * (1 - n**2), dh * after * o * (1 - o)
        slopes[:, t] = np.concatenate([d_i, d_f, d_n, d_o], axis=1)
        dc = dc * f
        dh = slopes[:, t] @ recurrent.T
    return through_weights(slopes, slopes, x, states, weight)


def gru(x, weight, recurrent, bias=0, inner_bias=0, ways=1):
    """States after every step of a gated recurrent unit."""
    parts = each_way(ways, x, weight, recurrent, bias, inner_bias)
    return joined([gru_steps(*part)[0] for part in parts])


def gru_steps(x, weight, recurrent, bias, inner_bias):
    """States and gates of one way of a gated recurrent unit, and what its reset gate works on."""
    h = np.zeros((len(x), len(recurrent)), x.dtype)
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


def gru_back(g, x, weight, recurrent, bias=0, inner_bias=0, ways=1):
    """Cotangents of all that a gated recurrent unit reads."""
    each = each_way(ways, x, weight, recurrent, bias, inner_bias)
    parts = zip(each_part(ways, g), each, strict=True)
    return joined_back([gru_back_steps(d, *part) for d, part in parts])


def gru_back_steps(g, x, weight, recurrent, bias, inner_bias):
    """Through one way of a gated recurrent unit, last step first."""
    states, gates = gru_steps(x, weight, recurrent, bias, inner_bias)
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
    return *through_weights(slopes, again, x, states, weight), by_inner


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
