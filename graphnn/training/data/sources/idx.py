"""IDX files, the format in which MNIST and its relatives are published."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import listed
from graphnn.spec.values import Mapping as Located
from graphnn.spec.values import Sequence, Value
from graphnn.storage.archives import LIMIT
from graphnn.storage.files import show_bytes, take
from graphnn.training.data.columns import Column
from graphnn.training.data.faults import refuse
from graphnn.training.data.sources.compressed import too_large, unpacked
from graphnn.training.data.sources.source import (
    Found,
    Request,
    Wanted,
    by_input,
    demand_all,
    source,
    text,
)

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_AXES = 16


@source("idx")
def idx(request: Request) -> Found:
    """IDX files, one an input: ``[images.gz, labels.gz]`` in the order of the inputs, or by input.

    A file of unsigned bytes with two or more axes holds images, whose grey levels 0 to 255 a float
    input takes as 0 to 1; everything else is taken as it is. A file may be packed with gzip.

    Raises
    ------
    DataError
        A file is not IDX, is truncated or damaged, or declares more than 2 GiB.
    FileError
        A file is missing, lies outside the spec's folder, or is no regular file.
    """
    names = request.faults.each(
        _values(request), lambda name, value: text(value, f"the file for '{name}'")
    )

    def column(_: str, wanted: Wanted) -> Column:
        with unpacked(request.folder, wanted) as (stream, limit):
            values = read(stream, wanted, limit)
        pixels = values.dtype == np.uint8 and values.ndim > 1
        return Column(wanted.name, values, wanted.span, pixels=pixels)

    named = listed(dict.fromkeys(n.name for n in names.values()))
    return Found(named, request.faults.each(names, column))


def _values(request: Request) -> Mapping[str, Value]:
    value, needs = request.value, request.needs
    if isinstance(value, Located):
        request, given = by_input(request, value)
        demand_all(request, given)
        return given
    if not request.demand.complete:
        return {}  # nothing tells which file feeds which input
    items = value.items if isinstance(value, Sequence) else [value]
    if len(items) != len(needs):
        raise refuse(
            "wrong-count",
            f"'idx' needs one file an input, {len(needs)} in all, but names {len(items)}",
            value.span,
            help=f"the inputs are, in this order: {listed(needs)}",
        )
    return dict(zip(needs, items, strict=True))


def read(stream: IO[bytes], wanted: Wanted, limit: int = LIMIT) -> NDArray[Any]:
    """The array in an IDX file.

    Parameters
    ----------
    stream : binary file
        Not packed.
    wanted : Wanted
        The file's name and where the spec gives it, for errors.
    limit : int
        Bytes that it may hold at most.

    Returns
    -------
    ndarray
        In the machine's byte order.

    References
    ----------
    Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats": two zero bytes,
    a type, the number of axes, a big-endian 32-bit size an axis, then the values, big-endian.
    """
    dtype, shape = _header(stream, wanted)
    declared = math.prod(shape) * dtype.itemsize
    sizes = "x".join(map(str, shape))
    if declared > LIMIT:
        raise refuse(
            "data-too-large",
            f"'{wanted.name}' declares {sizes} values, more than {show_bytes(LIMIT)}",
            wanted.span,
        )
    content = take(stream, min(declared, limit + 1))
    if len(content) > limit:
        raise too_large(wanted, limit)
    if len(content) < declared:
        raise refuse(
            "truncated-file",
            f"'{wanted.name}' declares {sizes} values in {declared} bytes, "
            f"but only {len(content)} follow",
            wanted.span,
        )
    if stream.read(1):
        raise refuse(
            "broken-file",
            f"'{wanted.name}' goes on after the {sizes} values that it declares",
            wanted.span,
        )
    values: NDArray[Any] = np.frombuffer(content, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def _header(stream: IO[bytes], wanted: Wanted) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = take(stream, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        shown = f"begins with the bytes {magic.hex(' ')}" if magic else "is empty"
        raise refuse(
            "not-idx",
            f"'{wanted.name}' is not an IDX file: it {shown}",
            wanted.span,
            help="an IDX file begins with 00 00, then a type (08, 09, 0b to 0e), "
            "then its number of axes",
        )
    axes = magic[3]
    if not 1 <= axes <= _MAX_AXES:
        raise refuse(
            "not-idx",
            f"'{wanted.name}' declares {axes} axes, where 1 to {_MAX_AXES} make sense",
            wanted.span,
        )
    sizes = take(stream, 4 * axes)
    if len(sizes) < 4 * axes:
        raise refuse("truncated-file", f"'{wanted.name}' ends within its header", wanted.span)
    shape = struct.unpack(f">{axes}I", sizes)
    if 0 in shape:
        declared = "x".join(map(str, shape))
        raise refuse("no-rows", f"'{wanted.name}' declares {declared} values: none", wanted.span)
    return np.dtype(_TYPES[magic[2]]), shape
