"""Streams of bytes from strangers: unpacked as they are read, never further than asked."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from graphnn.diagnostics import DataError
from graphnn.storage import files, foreign
from graphnn.storage.archives import LIMIT
from graphnn.training.data.source import Wanted

_GZIP = b"\x1f\x8b"
_UNSUSPECTED = 8 * files.MEBIBYTE  # what any gzip file may unpack to
_PACKED = "data seldom pack so small: unpack the gzip file if they are what they should be"


@contextmanager
def opened(folder: Path, wanted: Wanted) -> Iterator[BinaryIO]:
    """The file that a spec names, for reading.

    Raises
    ------
    FileError
        It lies outside `folder`, is missing, or is not a regular file.
    """
    path = files.within(folder, wanted.name, wanted.span)
    with files.open_regular(path, wanted.span) as stream:
        yield stream


@contextmanager
def unpacked(folder: Path, wanted: Wanted) -> Iterator[tuple[BinaryIO, int]]:
    """As `opened`, but a gzip file (recognised by its first bytes) reads as what it holds.

    With it comes how many bytes should be taken at most.

    Raises
    ------
    FileError
        As `opened`.
    DataError
        It is of another known format, or a gzip file that is truncated or damaged; the latter is
        raised while reading.
    """
    with opened(folder, wanted) as stream:
        start = stream.read(foreign.LONGEST)
        stream.seek(0)
        if found := foreign.format_of(start):
            message = f"'{wanted.name}' is {found.what}"
            raise DataError.of("unknown-format", message, wanted.span, help=found.help)
        if not start.startswith(_GZIP):
            yield stream, LIMIT
            return
        limit = files.unpacked_limit(os.fstat(stream.fileno()).st_size, _UNSUSPECTED)
        try:
            with gzip.GzipFile(fileobj=stream) as plain:
                yield cast(BinaryIO, plain), min(limit, LIMIT)
        except EOFError:
            message = f"the gzip file '{wanted.name}' ends too early"
            raise DataError.of("truncated-file", message, wanted.span) from None
        except (OSError, zlib.error):
            message = f"'{wanted.name}' is not a sound gzip file"
            raise DataError.of("broken-file", message, wanted.span) from None


def content(folder: Path, wanted: Wanted) -> bytes:
    """What the file holds, unpacked.

    Raises
    ------
    DataError, FileError
        As `unpacked`, or it holds more than should be taken.
    """
    with unpacked(folder, wanted) as (stream, limit):
        taken = files.take(stream, limit + 1)
    if len(taken) > limit:
        raise too_large(wanted, limit)
    return taken


def too_large(wanted: Wanted, limit: int) -> DataError:
    """The error of a file that holds more than the `limit` that `unpacked` gave."""
    message = f"'{wanted.name}' holds more than {files.show_bytes(limit)}"
    help = _PACKED if limit < LIMIT else ""
    return DataError.of("data-too-large", message, wanted.span, help=help)
