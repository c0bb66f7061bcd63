"""IDX files, the format in which MNIST and its relatives are published."""

from __future__ import annotations

import math
import struct
from typing import IO, Any

import numpy as np

from graphnn.diagnostics import DataError, listed
from graphnn.ops import Array
from graphnn.storage.archives import LIMIT
from graphnn.storage.files import show_bytes, take
from graphnn.training.data.columns import Column
from graphnn.training.data.compressed import too_large, unpacked
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request, Wanted

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_AXES = 16


class IdxFiles(DataSource):
    """IDX files, one an input: ``[images.gz, labels.gz]`` in the order of the inputs, or by input.

    A file of unsigned bytes with two or more axes holds images, whose grey levels 0 to 255 a float
    input takes as 0 to 1; everything else is taken as it is. A file may be packed with gzip.
    """

    name = "idx"
    feed = Key("file", "An IDX file in the folder of the spec.", is_file=True)
    elsewhere = ("ubyte", "gz")
    needs_every_input = True

    def read(self, request: Request, asked: Asked) -> Found:
        """The array of one file an input.

        Raises
        ------
        DataError
            A file is not IDX, is truncated or damaged, or declares more than 2 GiB.
        FileError
            A file is missing, lies outside the spec's folder, or is not a regular file.
        """

        def column(_: str, feed: Feed) -> Column:
            (file,) = feed.names
            with unpacked(request.folder, file) as (stream, limit):
                values = read(stream, file, limit)
            pixels = values.dtype == np.uint8 and values.ndim > 1
            return Column(file.name, values, file.span, pixels=pixels)

        named = listed(dict.fromkeys(feed.names[0].name for feed in asked.feeds.values()))
        return Found(named, request.faults.each(asked.feeds, column))


def read(stream: IO[bytes], wanted: Wanted, limit: int = LIMIT) -> Array:
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
        message = f"'{wanted.name}' declares {sizes} values, more than {show_bytes(LIMIT)}"
        raise DataError.of("data-too-large", message, wanted.span)
    content = take(stream, min(declared, limit + 1))
    if len(content) > limit:
        raise too_large(wanted, limit)
    if len(content) < declared:
        message = f"'{wanted.name}' declares {sizes} values in {declared} bytes"
        follow = f"but only {len(content)} follow"
        raise DataError.of("truncated-file", f"{message}, {follow}", wanted.span)
    if stream.read(1):
        message = f"'{wanted.name}' continues after the {sizes} values that it declares"
        raise DataError.of("broken-file", message, wanted.span)
    values: Array = np.frombuffer(content, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def _header(stream: IO[bytes], wanted: Wanted) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = take(stream, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        shown = f"begins with the bytes {magic.hex(' ')}" if magic else "is empty"
        message = f"'{wanted.name}' is not an IDX file: it {shown}"
        types = "a type (08, 09, 0b to 0e)"
        help = f"an IDX file begins with 00 00, then {types}, then its number of axes"
        raise DataError.of("not-idx", message, wanted.span, help=help)
    axes = magic[3]
    if not 1 <= axes <= _MAX_AXES:
        message = f"'{wanted.name}' declares {axes} axes, where 1 to {_MAX_AXES} make sense"
        raise DataError.of("not-idx", message, wanted.span)
    sizes = take(stream, 4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError.of("truncated-file", f"'{wanted.name}' ends within its header", wanted.span)
    shape = struct.unpack(f">{axes}I", sizes)
    if 0 in shape:
        message = f"'{wanted.name}' declares {'x'.join(map(str, shape))} values: none"
        raise DataError.of("no-rows", message, wanted.span)
    return np.dtype(_TYPES[magic[2]]), shape
