"""Functions of NumPy for images of any axes, copied into files that need them."""

import numpy as np


def each(n, rank):
    """A number for every axis."""
    return n if isinstance(n, tuple) else (n,) * rank


def sides(padding, rank):
    """Padding before and after each axis."""
    p = each(padding, rank)
    if len(p) == rank:
        return [(n, n) for n in p]
    return list(zip(p[::2], p[1::2], strict=True))


def margins(size, kernel, stride, padding, dilation):
    """Padding before and after each axis, as wide as the result needs for "same"."""
    rank = len(size)
    if padding != "same":
        return sides(padding, rank)
    found = []
    steps = each(stride, rank), each(dilation, rank)
    for n, k, s, d in zip(size, kernel, *steps, strict=True):
        total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        found.append((total // 2, total - total // 2))
    return found


def places(kernel, stride, dilation, count):
    """Of each entry of the windows, where it lies in the images."""
    steps = each(stride, len(kernel)), each(dilation, len(kernel))
    for entry in np.ndindex(*kernel):
        axes = zip(entry, *steps, count, strict=True)
        yield entry, tuple(slice(i * d, i * d + s * n, s) for i, s, d, n in axes)


def windows(x, kernel, stride=1, padding=0, dilation=1, count=None, fill=0):
    """Windows of images, [batch, channels, sizes of the kernel, numbers of windows]."""
    rank = len(kernel)
    around = margins(x.shape[2:], kernel, stride, padding, dilation)
    x = np.pad(x, [(0, 0), (0, 0), *around], constant_values=fill)
    if count is None:
        steps = each(stride, rank), each(dilation, rank)
        sizes = zip(x.shape[2:], kernel, *steps, strict=True)
        count = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in sizes]
    col = np.empty((*x.shape[:2], *kernel, *count), x.dtype)
    for entry, place in places(kernel, stride, dilation, count):
        col[:, :, *entry] = x[:, :, *place]
    return col


def put_windows(col, shape, stride=1, padding=0, dilation=1):
    """Images of `shape` to which every window adds its entries."""
    rank = len(shape) - 2
    kernel, count = col.shape[2 : 2 + rank], col.shape[2 + rank :]
    around = margins(shape[2:], kernel, stride, padding, dilation)
    wide = [n + sum(ends) for n, ends in zip(shape[2:], around, strict=True)]
    x = np.zeros((*shape[:2], *wide), col.dtype)
    for entry, place in places(kernel, stride, dilation, count):
        x[:, :, *place] += col[:, :, *entry]
    inner = (slice(b, b + n) for n, (b, _) in zip(shape[2:], around, strict=True))
    return x[:, :, *inner]


def convolution(x, weight, stride=1, padding=0, dilation=1, groups=1):
    """Filters times windows of images [batch, channels, sizes of the axes]."""
    kernel = weight.shape[2:]
    col = windows(x, kernel, stride, padding, dilation)
    filters = weight.reshape(groups, len(weight) // groups, -1)
    y = filters @ col.reshape(len(x), groups, filters.shape[2], -1)
    return y.reshape(len(x), len(weight), *col.shape[2 + len(kernel) :])


def convolution_by_x(g, shape, weight, stride=1, padding=0, dilation=1, groups=1):
    """Cotangent of the images of `convolution`, which have that shape."""
    filters = weight.reshape(groups, len(weight) // groups, -1)
    col = filters.swapaxes(1, 2) @ g.reshape(len(g), groups, filters.shape[1], -1)
    col = col.reshape(len(g), shape[1], *weight.shape[2:], *g.shape[2:])
    return put_windows(col, shape, stride, padding, dilation)


def convolution_by_weight(g, x, weight, stride=1, padding=0, dilation=1, groups=1):
    """Cotangent of the filters of `convolution`."""
    col = windows(x, weight.shape[2:], stride, padding, dilation, g.shape[2:])
    g = g.reshape(len(g), groups, len(weight) // groups, -1)
    col = col.reshape(len(x), groups, -1, g.shape[3])
    return (g @ col.swapaxes(2, 3)).sum(axis=0).reshape(weight.shape)


def pool_margins(size, kernel, stride, padding=0, dilation=1, ceil_mode=False):
    """Padding of a pool, with what its last windows read beyond."""
    rank = len(size)
    steps = [each(n, rank) for n in (kernel, stride, dilation)]
    found, around = [], sides(padding, rank)
    for n, k, s, d, (before, after) in zip(size, *steps, around, strict=True):
        span, whole = d * (k - 1) + 1, n + before + after
        count = (whole - span) // s + 1
        if ceil_mode:
            count = min(-((span - whole) // s) + 1, -(-(n + before) // s))
        found.append((before, (count - 1) * s + span - n - before))
    return found


def max_pool(x, kernel, stride, padding=0, dilation=1, ceil_mode=False):
    """Largest entry of each window of images."""
    around = pool_margins(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    col = pool_windows(x, kernel, stride, around, dilation, -np.inf)
    return col.max(axis=tuple(range(2, x.ndim)))


def max_pool_by_x(g, x, kernel, stride, padding=0, dilation=1, ceil_mode=False):
    """Cotangent of what `max_pool` reads: all of it for the first largest entry."""
    around = pool_margins(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    col = pool_windows(x, kernel, stride, around, dilation, -np.inf)
    flat = col.reshape(*col.shape[:2], -1, *g.shape[2:])
    winners = flat.argmax(axis=2)[:, :, None]
    spread = np.zeros_like(flat)
    np.put_along_axis(spread, winners, g[:, :, None], axis=2)
    col = spread.reshape(col.shape)
    return put_pool_windows(col, x.shape, stride, around, dilation)


def pool_windows(x, kernel, stride, around, dilation=1, fill=0):
    """Windows of images with such margins; what they do not reach is cut off."""
    margin = [(before, max(after, 0)) for before, after in around]
    x = np.pad(x, [(0, 0), (0, 0), *margin], constant_values=fill)
    return windows(x, each(kernel, x.ndim - 2), stride, dilation=dilation)


def put_pool_windows(col, shape, stride, around, dilation=1):
    """Images of `shape` to which every window adds its entries."""
    pairs = [*zip(shape[2:], around, strict=True)]
    padded = (*shape[:2], *(n + before + max(after, 0) for n, (before, after) in pairs))
    whole = put_windows(col, padded, stride, dilation=dilation)
    return whole[:, :, *(slice(before, before + n) for n, (before, _) in pairs)]


def window_sizes(size, kernel, stride, padding, dilation, ceil_mode, count_include_pad):
    """How many entries each window of a mean has."""
    around = pool_margins(size, kernel, stride, padding, dilation, ceil_mode)
    inner = sides(padding, len(size))
    wide = [(0, 0), (0, 0), *inner]
    there = np.pad(np.ones((1, 1, *size)), wide, constant_values=count_include_pad)
    rest = [(0, b - own) for (_, b), (_, own) in zip(around, inner, strict=True)]
    axes = tuple(range(2, 2 + len(size)))
    return pool_windows(there, kernel, stride, rest, dilation).sum(axis=axes)


def average_pool(
    x,
    kernel,
    stride,
    padding=0,
    dilation=1,
    ceil_mode=False,
    count_include_pad=True,
):
    """Mean of each window of images, zeros of the padding included or left out."""
    around = pool_margins(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    options = stride, padding, dilation, ceil_mode, count_include_pad
    col = pool_windows(x, kernel, stride, around, dilation)
    total = col.sum(axis=tuple(range(2, x.ndim)))
    return total / window_sizes(x.shape[2:], kernel, *options)


def average_pool_by_x(
    g,
    x,
    kernel,
    stride,
    padding=0,
    dilation=1,
    ceil_mode=False,
    count_include_pad=True,
):
    """Cotangent of what `average_pool` reads: an even share for each entry."""
    around = pool_margins(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    options = stride, padding, dilation, ceil_mode, count_include_pad
    share = g / window_sizes(x.shape[2:], kernel, *options)
    kernel = each(kernel, x.ndim - 2)
    share = share.reshape(*g.shape[:2], *(1,) * len(kernel), *g.shape[2:])
    col = np.broadcast_to(share, (*g.shape[:2], *kernel, *g.shape[2:]))
    return put_pool_windows(col, x.shape, stride, around, dilation)
