"""Memory that processes share: what one puts into it, others read without another copy."""

from __future__ import annotations

import mmap
import os
import pickle
from collections.abc import Iterable
from typing import Any, NamedTuple

_LINE = 64  # bytes of a line of the cache, at which arrays begin; the first has the arena's number
_LEAST = 1 << 20  # bytes of an arena
_KEPT = 32 << 20  # bytes of them that `Arena.shrink` leaves


class Span(NamedTuple):
    """Where an object lies in an arena: its arrays from `start` on, then `body`, up to `stop`."""

    start: int
    body: int
    stop: int


class Arena:
    """Memory without a name, which ends with the last process that has it open.

    Parameters
    ----------
    descriptor : int, optional
        Of an arena that another process has made; by default a new one is made.

    Attributes
    ----------
    descriptor : int
        By which another process opens the arena.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self.descriptor = os.memfd_create("graphnn") if descriptor is None else descriptor
        self._bytes = memoryview(b"")
        self._reach(_LINE, grow=True)

    def put(self, value: Any, taken: Iterable[Span] = ()) -> Span:
        """Put `value` where nothing of `taken` is.

        Raises
        ------
        Exception
            `value` cannot be pickled; its class decides which.
        """
        buffers: list[pickle.PickleBuffer] = []
        content = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        arrays = [buffer.raw() for buffer in buffers]
        sizes = [array.nbytes for array in arrays]
        body = pickle.dumps((content, sizes))
        before = sum(map(_aligned, sizes))
        start = _first_fit(before + len(body), taken)
        span = Span(start, start + before, start + before + len(body))
        self._reach(span.stop, grow=True)
        for place, array in zip(_places(start, sizes), arrays, strict=True):
            self._bytes[place] = array
        self._bytes[span.body : span.stop] = body
        return span

    def get(self, span: Span) -> Any:
        """What was put there; its arrays are those of the arena, until that is written over."""
        self._reach(span.stop)
        content, sizes = pickle.loads(self._bytes[span.body : span.stop])
        arrays = [self._bytes[place] for place in _places(span.start, sizes)]
        return pickle.loads(content, buffers=arrays)

    @property
    def number(self) -> int:
        """One number beside the objects, at first 0; it is written in one step."""
        return int.from_bytes(self._bytes[:8], "little")

    @number.setter
    def number(self, number: int) -> None:
        self._bytes[:8] = number.to_bytes(8, "little")

    def shrink(self) -> None:
        """Give memory back beyond some megabytes; nothing that was put there is needed any more."""
        if len(self._bytes) > _KEPT:
            self._map.madvise(mmap.MADV_REMOVE, _KEPT)

    def _reach(self, stop: int, *, grow: bool = False) -> None:
        """Have the bytes up to `stop` at hand, which another process may have added."""
        if stop <= len(self._bytes):
            return
        size = os.fstat(self.descriptor).st_size
        if size < stop and grow:
            size = max(_LEAST, 1 << stop.bit_length())
            os.ftruncate(self.descriptor, size)
        # Arrays of the former map keep that one.
        self._map = mmap.mmap(self.descriptor, size)
        self._bytes = memoryview(self._map)


def _aligned(size: int) -> int:
    return -(-size // _LINE) * _LINE


def _places(start: int, sizes: Iterable[int]) -> list[slice]:
    """Where arrays of these sizes lie."""
    places = []
    for size in sizes:
        places.append(slice(start, start + size))
        start += _aligned(size)
    return places


def _first_fit(size: int, taken: Iterable[Span]) -> int:
    """The first place with so much room between what is taken."""
    start = _LINE
    for span in sorted(taken):
        if span.start - start >= size:
            break
        start = max(start, _aligned(span.stop))
    return start
