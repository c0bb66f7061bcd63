"""Functions of NumPy for images, copied into the file of a network that needs them."""

import numpy as np


def pair(n):
    """A number as two, for rows and columns."""
    return n if isinstance(n, tuple) else (n, n)


def margins(size, kernel, stride, padding, dilation):
    """Padding before and after each axis."""
    if padding != "same":
        return [(before, before) for before in pair(padding)]
    found = []
    for n, k, s, d in zip(size, kernel, pair(stride), pair(dilation), strict=True):
        total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        found.append((total // 2, total - total // 2))
    return found


def places(kernel, stride, dilation, count):
    """Of each entry of the windows, where it lies in the images."""
    (down, across), (rows, columns) = pair(stride), count
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * pair(dilation)[0], j * pair(dilation)[1]
            below, right = top + down * rows, left + across * columns
            yield i, j, slice(top, below, down), slice(left, right, across)


def windows(x, kernel, stride=1, padding=0, dilation=1, count=None, fill=0):
    """Windows of images, [batch, channels, kernel height, kernel width, rows, columns]."""
    around = margins(x.shape[2:], kernel, stride, padding, dilation)
    x = np.pad(x, [(0, 0), (0, 0), *around], constant_values=fill)
    if count is None:
        sizes = zip(x.shape[2:], kernel, pair(stride), pair(dilation), strict=True)
        count = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in sizes]
    col = np.empty((*x.shape[:2], *kernel, *count), x.dtype)
    for i, j, rows, columns in places(kernel, stride, dilation, count):
        col[:, :, i, j] = x[:, :, rows, columns]
    return col


def put_windows(col, shape, stride=1, padding=0, dilation=1):
    """Images of `shape` to which every window adds its entries."""
    kernel, count = col.shape[2:4], col.shape[4:]
    (top, bottom), (left, right) = margins(shape[2:], kernel, stride, padding, dilation)
    height, width = shape[2] + top + bottom, shape[3] + left + right
    x = np.zeros((*shape[:2], height, width), col.dtype)
    for i, j, rows, columns in places(kernel, stride, dilation, count):
        x[:, :, rows, columns] += col[:, :, i, j]
    return x[:, :, top : height - bottom, left : width - right]


def conv2d(x, weight, stride=1, padding=0, dilation=1, groups=1):
    """Filters times windows of images [batch, channels, height, width]."""
    col = windows(x, weight.shape[2:], stride, padding, dilation)
    batch, *_, rows, columns = col.shape
    filters = weight.reshape(groups, len(weight) // groups, -1)
    y = filters @ col.reshape(batch, groups, -1, rows * columns)
    return y.reshape(batch, len(weight), rows, columns)


def conv2d_by_x(g, shape, weight, stride=1, padding=0, dilation=1, groups=1):
    """Cotangent of the images of `conv2d`, which have that shape."""
    batch, _, rows, columns = g.shape
    filters = weight.reshape(groups, len(weight) // groups, -1)
    col = filters.swapaxes(1, 2) @ g.reshape(batch, groups, -1, rows * columns)
    col = col.reshape(batch, shape[1], *weight.shape[2:], rows, columns)
    return put_windows(col, shape, stride, padding, dilation)


def conv2d_by_weight(g, x, weight, stride=1, padding=0, dilation=1, groups=1):
    """Cotangent of the filters of `conv2d`."""
    batch, _, rows, columns = g.shape
    col = windows(x, weight.shape[2:], stride, padding, dilation, (rows, columns))
    col = col.reshape(batch, groups, -1, rows * columns)
    g = g.reshape(batch, groups, -1, rows * columns)
    return (g @ col.swapaxes(2, 3)).sum(axis=0).reshape(weight.shape)


def sides(padding):
    """Padding before and after rows and columns."""
    p = pair(padding)
    return [(n, n) for n in p] if len(p) == 2 else [p[:2], p[2:]]


def pool_margins(size, kernel, stride, padding=0, dilation=1, ceil_mode=False):
    """Padding of a pool, with what its last windows read beyond."""
    steps = pair(kernel), pair(stride), pair(dilation), sides(padding)
    found = []
    for n, k, s, d, (before, after) in zip(size, *steps, strict=True):
        span, whole = d * (k - 1) + 1, n + before + after
        count = (whole - span) // s + 1
        if ceil_mode:
            count = min(-((span - whole) // s) + 1, -(-(n + before) // s))
        found.append((before, (count - 1) * s + span - n - before))
    return found


def max_pool(x, kernel, stride, padding=0, dilation=1, ceil_mode=False):
    """Largest entry of each window of images."""
    around = pool_margins(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    return pool_windows(x, kernel, stride, around, dilation, -np.inf).max(axis=(2, 3))


def max_pool_by_x(g, x, kernel, stride, padding=0, dilation=1, ceil_mode=False):
    """Cotangent of what `max_pool` reads: all of it for the first largest entry."""
    around = pool_margins(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    col = pool_windows(x, kernel, stride, around, dilation, -np.inf)
    flat = col.reshape(*col.shape[:2], -1, *col.shape[4:])
    winners = flat.argmax(axis=2)[:, :, None]
    spread = np.zeros_like(flat)
    np.put_along_axis(spread, winners, g[:, :, None], axis=2)
    col = spread.reshape(col.shape)
    return put_pool_windows(col, x.shape, stride, around, dilation)


def pool_windows(x, kernel, stride, around, dilation=1, fill=0):
    """Windows of images with such margins; what they do not reach is cut off."""
    margin = [(before, max(after, 0)) for before, after in around]
    x = np.pad(x, [(0, 0), (0, 0), *margin], constant_values=fill)
    return windows(x, pair(kernel), stride, dilation=dilation)


def put_pool_windows(col, shape, stride, around, dilation=1):
    """Images of `shape` to which every window adds its entries."""
    (top, bottom), (left, right) = ((a, max(b, 0)) for a, b in around)
    padded = (*shape[:2], shape[2] + top + bottom, shape[3] + left + right)
    whole = put_windows(col, padded, stride, dilation=dilation)
    return whole[:, :, top : top + shape[2], left : left + shape[3]]


def window_sizes(size, kernel, stride, padding, ceil_mode, count_include_pad):
    """How many entries each window of a mean has."""
    around = pool_margins(size, kernel, stride, padding, 1, ceil_mode)
    inner = sides(padding)
    wide = [(0, 0), (0, 0), *inner]
    there = np.pad(np.ones((1, 1, *size)), wide, constant_values=count_include_pad)
    rest = [(0, b - own) for (_, b), (_, own) in zip(around, inner, strict=True)]
    return pool_windows(there, kernel, stride, rest).sum(axis=(2, 3))


def average_pool(x, kernel, stride, padding=0, ceil_mode=False, count_include_pad=True):
    """Mean of each window of images, zeros of the padding included or left out."""
    around = pool_margins(x.shape[2:], kernel, stride, padding, 1, ceil_mode)
    options = stride, padding, ceil_mode, count_include_pad
    total = pool_windows(x, kernel, stride, around).sum(axis=(2, 3))
    return total / window_sizes(x.shape[2:], kernel, *options)


def average_pool_by_x(
    g,
    x,
    kernel,
    stride,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
):
    """Cotangent of what `average_pool` reads: an even share for each entry."""
    around = pool_margins(x.shape[2:], kernel, stride, padding, 1, ceil_mode)
    options = stride, padding, ceil_mode, count_include_pad
    share = (g / window_sizes(x.shape[2:], kernel, *options))[:, :, None, None]
    col = np.broadcast_to(share, (*g.shape[:2], *pair(kernel), *g.shape[2:]))
    return put_pool_windows(col, x.shape, stride, around)
