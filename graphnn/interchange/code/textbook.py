"""Functions of NumPy that written networks call; those that one needs are copied into its file."""

import math

import numpy as np


def part(params, name):
    """Those of `params` that belong to the block `name`, by their names in it."""
    start = f"{name}."
    return {key[len(start) :]: params[key] for key in params if key.startswith(start)}


def named(name, grads):
    """The gradients of the block `name`, by their names outside of it."""
    return {f"{name}.{key}": value for key, value in grads.items()}


def unbroadcast(g, x):
    """Sum of `g` over the axes along which `x` was stretched."""
    g = g.sum(axis=tuple(range(g.ndim - np.ndim(x))))
    axes = tuple(axis for axis, size in enumerate(np.shape(x)) if size < g.shape[axis])
    return g.sum(axis=axes, keepdims=True)


def larger(a, b):
    """1 where `a` is larger than `b`, and a half where both are equal."""
    return (a > b) + (a == b) / 2


def sigmoid(x):
    """Logistic function."""
    return 1 / (1 + np.exp(-x))


def gelu(x):
    """Gaussian error linear unit."""
    return x * normal(x)


def gelu_slope(x):
    """Derivative of `gelu`."""
    return normal(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def normal(x):
    """Distribution function of the standard normal distribution."""
    erfc = np.vectorize(math.erfc, otypes=[float])
    return erfc(-np.asarray(x) / math.sqrt(2)) / 2


def erf(x):
    """Error function."""
    return np.vectorize(math.erf, otypes=[float])(x)


def gelu_tanh(x):
    """Approximation of the Gaussian error linear unit."""
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def gelu_tanh_slope(x):
    """Derivative of `gelu_tanh`."""
    t = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return (1 + t) / 2 + x * (1 - t**2) * inner / 2


def mish_slope(x):
    """Derivative of ``x * tanh(log(1 + exp(x)))``."""
    t = np.tanh(np.logaddexp(0, x))
    return t + x * (1 - t**2) * sigmoid(x)


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


def selu(x):
    """Scaled exponential linear unit."""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def selu_slope(x):
    """Derivative of `selu`."""
    return SELU_SCALE * np.where(x > 0, 1, SELU_ALPHA * np.exp(np.minimum(x, 0)))


def softmax(x, axis=-1):
    """Softmax along an axis."""
    y = np.exp(x - x.max(axis=axis, keepdims=True))
    return y / y.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    """Logarithm of softmax along an axis."""
    y = x - x.max(axis=axis, keepdims=True)
    return y - np.log(np.exp(y).sum(axis=axis, keepdims=True))


def mean_squared_error(y, t):
    """Mean of the squared differences of each sample."""
    return ((y - t) ** 2).reshape(len(y), -1).mean(axis=1)


def sum_squared_error(y, t):
    """Half the sum of the squared differences of each sample."""
    return ((y - t) ** 2).reshape(len(y), -1).sum(axis=1) / 2


def targets(t, like):
    """Rows of probabilities; class numbers become rows with a single 1."""
    return np.eye(like.shape[-1])[t] if t.ndim < like.ndim else t


def target_rows(t, like, weights=None, smoothing=0, ignored=None, counted=False):
    """Rows of probabilities, smoothed and weighted; zeros for the class that is ignored."""
    kept = np.ones(like.shape[:-1], bool) if ignored is None else t != ignored
    rows = targets(t if ignored is None else np.where(kept, t, 0), like)
    rows = rows * (1 - smoothing) + smoothing / like.shape[-1]
    if weights is not None:
        rows = rows * np.array(weights)
    # So that the mean is that of the others.
    share = 1 if counted else kept.size / max(kept.sum(), 1)
    return rows * kept[..., None] * share


def log(y):
    """Logarithm, of no less than the smallest normal number."""
    return np.log(np.maximum(y, np.finfo(y.dtype).tiny))


def reciprocal(y):
    """1 / y, and 0 where that would be infinite."""
    normal = y >= np.finfo(y.dtype).tiny
    return normal / np.where(normal, y, 1)


def cross_entropy(y, t):
    """Cross-entropy of probabilities, for each sample."""
    losses = -(targets(t, y) * log(y)).sum(axis=-1)
    return losses.reshape(len(y), -1).mean(axis=1)


def softmax_cross_entropy(x, t):
    """Cross-entropy of the softmax of scores, for each sample."""
    losses = -(targets(t, x) * log_softmax(x)).sum(axis=-1)
    return losses.reshape(len(x), -1).mean(axis=1)


def binary_cross_entropy(y, t):
    """Mean binary cross-entropy of the probabilities of each sample."""
    terms = -t * log(y) - (1 - t) * log(1 - y)
    return terms.reshape(len(y), -1).mean(axis=1)


def sigmoid_binary_cross_entropy(x, t):
    """Mean binary cross-entropy of the sigmoid of each sample's scores."""
    terms = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
    return terms.reshape(len(x), -1).mean(axis=1)


def kl_divergence(y, t):
    """Divergence of the probabilities of each sample from a target."""
    return (t * (log(t) - log(y))).sum(axis=1)


def softmax_kl_divergence(x, t):
    """Divergence of the softmax of each sample's scores from a target."""
    return (t * (log(t) - log_softmax(x))).sum(axis=1)


def absolute_error(y, t):
    """Mean of the absolute differences of each sample."""
    return np.abs(y - t).reshape(len(y), -1).mean(axis=1)


def huber(y, t, delta):
    """Mean of the squares of small differences, and of large ones as lines, of each sample."""
    size = np.abs(y - t)
    terms = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
    return terms.reshape(len(y), -1).mean(axis=1)


def hinge(y, t, margin=1, power=1):
    """Mean of how far each sample's entries are short of the margin."""
    return (np.maximum(margin - t * y, 0) ** power).reshape(len(y), -1).mean(axis=1)


def short_of(x, t, margin):
    """How far the class of each sample is short of a lead of `margin` over each other class."""
    short = np.maximum(margin - x[np.arange(len(t)), t][:, None] + x, 0)
    short[np.arange(len(t)), t] = 0
    return short


def multiclass_hinge(x, t, margin=1, power=1):
    """Mean of how far each sample's class is short of its lead over the others."""
    return (short_of(x, t, margin) ** power).mean(axis=1)


def multiclass_hinge_back(g, x, t, margin=1, power=1):
    """Cotangent of the scores of `multiclass_hinge`."""
    short = short_of(x, t, margin)
    slopes = 2 * short if power == 2 else 1.0 * (short > 0)
    slopes[np.arange(len(t)), t] = -slopes.sum(axis=1)
    return np.reshape(g, (-1, 1)) * slopes / x.shape[1]


def direction(x, axis, epsilon):
    """Vectors along `axis` over their length, or `epsilon`; and what they were divided by."""
    length = np.maximum(np.sqrt((x**2).sum(axis=axis, keepdims=True)), epsilon)
    return x / length, length


def cosine_similarity(a, b, axis, epsilon):
    """Cosine of the angle between vectors along `axis`."""
    (u, _), (v, _) = direction(a, axis, epsilon), direction(b, axis, epsilon)
    return (u * v).sum(axis=axis)


def cosine_by(g, a, b, axis, epsilon):
    """Cotangent of `a` in `cosine_similarity`."""
    (u, length), (v, _) = direction(a, axis, epsilon), direction(b, axis, epsilon)
    along = (u * v).sum(axis=axis, keepdims=True) * (length > epsilon)
    return g * (v - along * u) / length


def max_by_x(g, x, axis):
    """Cotangent for the largest entries along `axis`, evenly where several are."""
    winners = x == x.max(axis=axis, keepdims=True)
    return g * winners / winners.sum(axis=axis, keepdims=True)


def put_back(g, x, index):
    """Zeros like `x`, but for `g` at `index`."""
    whole = np.zeros(x.shape)
    whole[index] = g
    return whole


def add_rows(g, places, x):
    """Zeros like `x`, with each row of `g` added to the row in its place."""
    whole = np.zeros(x.shape)
    np.add.at(whole, places, g)
    return whole


def gather(x, places, axis, batch_axes=0):
    """Entries of `x` along `axis`; where there are batch axes, of each row by its own places."""
    if batch_axes == 0:
        return np.take(x, places, axis)
    rows = zip(x, places, strict=True)
    return np.stack([gather(row, own, axis - 1, batch_axes - 1) for row, own in rows])


def gather_by_x(g, x, places, axis, batch_axes=0):
    """Zeros like `x`, with `g` added in the places that `gather` took."""
    if batch_axes == 0:
        own = range(np.ndim(places))
        g = np.moveaxis(g, [axis + n for n in own], own)
        return np.moveaxis(add_rows(g, places, np.moveaxis(x, axis, 0)), 0, axis)
    rows = zip(g, x, places, strict=True)
    return np.stack([gather_by_x(*row, axis - 1, batch_axes - 1) for row in rows])


def per_channel(values, x):
    """One number a channel, to be broadcast against `x`."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def batch_norm(x, gain, shift, mean, variance, epsilon=1e-5):
    """Batch normalization by running statistics."""
    y = standardized(x, mean, variance, epsilon)
    return per_channel(gain, x) * y + per_channel(shift, x)


def standardized(x, mean, variance, epsilon=1e-5):
    """Channels less their mean, over their standard deviation."""
    return (x - per_channel(mean, x)) / per_channel(np.sqrt(variance + epsilon), x)


def batch_norm_by_x(g, x, gain, variance, epsilon=1e-5):
    """Cotangent of what `batch_norm` normalizes."""
    return g * per_channel(gain / np.sqrt(variance + epsilon), x)


def batch_norm_by_gain(g, x, mean, variance, epsilon=1e-5):
    """Cotangent of the gain of `batch_norm`."""
    axes = (0, *range(2, x.ndim))
    return (g * standardized(x, mean, variance, epsilon)).sum(axis=axes)


def layer_norm(x, axis, epsilon=1e-5):
    """Entries along `axis` less their mean, over their standard deviation."""
    deviation = np.sqrt(x.var(axis=axis, keepdims=True) + epsilon)
    return (x - x.mean(axis=axis, keepdims=True)) / deviation


def layer_norm_by_x(g, x, axis, epsilon=1e-5):
    """Cotangent of what `layer_norm` normalizes."""
    y = layer_norm(x, axis, epsilon)
    mean = g.mean(axis=axis, keepdims=True)
    slope = (g * y).mean(axis=axis, keepdims=True)
    return (g - mean - y * slope) / np.sqrt(x.var(axis=axis, keepdims=True) + epsilon)


def rms_norm(x, axis, epsilon=1e-5):
    """Entries along `axis` over the root of their mean square."""
    return x / np.sqrt((x**2).mean(axis=axis, keepdims=True) + epsilon)


def rms_norm_by_x(g, x, axis, epsilon=1e-5):
    """Cotangent of what `rms_norm` normalizes."""
    y = rms_norm(x, axis, epsilon)
    slope = (g * y).mean(axis=axis, keepdims=True)
    return (g - y * slope) / np.sqrt((x**2).mean(axis=axis, keepdims=True) + epsilon)


def group_norm(x, groups, epsilon=1e-5):
    """Groups of channels less their mean, over their standard deviation."""
    return layer_norm(x.reshape(len(x), groups, -1), 2, epsilon).reshape(x.shape)


def group_norm_by_x(g, x, groups, epsilon=1e-5):
    """Cotangent of what `group_norm` normalizes."""
    g, parts = g.reshape(len(x), groups, -1), x.reshape(len(x), groups, -1)
    return layer_norm_by_x(g, parts, 2, epsilon).reshape(x.shape)


def nearby_channels(x, size):
    """Sum of each channel and of its neighbours, `size` in all."""
    reach = size // 2
    wide = np.pad(x, [(0, 0), (reach, reach), *[(0, 0)] * (x.ndim - 2)])
    return sum(wide[:, start : start + x.shape[1]] for start in range(size))


def local_response_norm(x, size, alpha, beta, k):
    """Channels over a power of the mean square of their neighbours."""
    return x / (k + alpha / size * nearby_channels(x**2, size)) ** beta


def local_response_norm_by_x(g, x, size, alpha, beta, k):
    """Cotangent of what `local_response_norm` normalizes."""
    divisor = k + alpha / size * nearby_channels(x**2, size)
    inner = nearby_channels(g * x / divisor ** (beta + 1), size)
    return g / divisor**beta - 2 * alpha * beta / size * x * inner


def without_margin(g, around, mode="constant"):
    """Cotangent of what `np.pad` puts a margin around."""
    for axis, (before, after) in enumerate(around):
        n = g.shape[axis] - before - after
        g = np.moveaxis(g, axis, 0)
        inner = g[before : before + n].copy()
        if mode != "constant":
            places = np.pad(np.arange(n), (before, after), mode=mode)
            outside = np.r_[:before, before + n : len(places)]
            np.add.at(inner, places[outside], g[outside])
        g = np.moveaxis(inner, 0, axis)
    return g
