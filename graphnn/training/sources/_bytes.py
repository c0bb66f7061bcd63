"""Streams of bytes from strangers: unpacked as they are read, never further than asked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from graphnn import files
from graphnn.training.faults import refuse
from graphnn.training.sources._source import Wanted

_GZIP = b"\x1f\x8b"


@contextmanager
def opened(folder: Path, wanted: Wanted) -> Iterator[BinaryIO]:
    """The file that a spec names, for reading.

    Raises
    ------
    FileError
        It lies outside `folder`, is missing, or is no regular file.
    """
    path = files.within(folder, wanted.name, wanted.span)
    with files.open_regular(path, wanted.span) as stream:
        yield stream


@contextmanager
def unpacked(folder: Path, wanted: Wanted) -> Iterator[BinaryIO]:
    """As `opened`, but a gzip file (told by its first bytes) reads as what it holds.

    Raises
    ------
    FileError
        As `opened`.
    DataError
        The gzip file is truncated or damaged; raised while reading.
    """
    with opened(folder, wanted) as stream:
        packed = stream.read(len(_GZIP)) == _GZIP
        stream.seek(0)
        if not packed:
            yield stream
            return
        try:
            with gzip.GzipFile(fileobj=stream) as plain:
                yield cast(BinaryIO, plain)
        except EOFError:
            raise refuse(
                "truncated-file", f"the gzip file '{wanted.name}' ends too early", wanted.span
            ) from None
        except (OSError, zlib.error):
            raise refuse(
                "broken-file", f"'{wanted.name}' is not a sound gzip file", wanted.span
            ) from None
