"""Runs of alike boxes in long chains, so that each can be shown once."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST = 24  # boxes that repeat
_FEWEST = 3  # times


def runs(keys: Sequence[object], sources: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Where boxes repeat: the first, how many there are each time, and how many times.

    Parameters
    ----------
    keys : sequence
        What is equal for boxes that look alike.
    sources : sequence of sequence of int
        Positions of the boxes that each reads.
    """
    last = list(range(len(keys)))  # the last reader of each box
    for reader, read in enumerate(sources):
        for source in read:
            last[source] = max(last[source], reader)
    alike = [_alike_after(keys, sources, length) for length in range(1, _LONGEST + 1)]
    found, at = [], 0
    while at < len(keys):
        counts = ((length, 1 + row[at] // length) for length, row in enumerate(alike, start=1))
        length, times = max(counts, key=lambda pair: (pair[0] * (pair[1] - 1), -pair[0]))
        run = None
        if times >= _FEWEST:
            end = at + length + alike[length - 1][at]
            run = _narrowest(last, sources, at, end, length)
        if run is not None:
            found.append(run)
            at = run[0] + run[1] * run[2]
        else:
            at += 1
    return found


def _narrowest(
    last: Sequence[int], sources: Sequence[Sequence[int]], at: int, end: int, length: int
) -> tuple[int, int, int] | None:
    """Of the ways to part boxes from `at` to `end` into copies, that with fewest lines between.

    Where a repeated part begins is not known beforehand: any box of it may be the first.
    """

    def width(start: int) -> int:
        copy = range(start + length, start + 2 * length)
        return len({source for box in copy for source in sources[box] if source < copy[0]})

    latest = end - _FEWEST * length
    for start in sorted(range(at, min(at + length, latest + 1)), key=width):
        times = _times(last, sources, start, end, length)
        if times >= _FEWEST:
            return start, length, times
    return None


def _times(
    last: Sequence[int], sources: Sequence[Sequence[int]], start: int, end: int, length: int
) -> int:
    """How many copies from `start` on may be shown as one.

    What they share lies before them, and what follows them reads the last alone.
    """
    found = latest = 0
    for times in range(2, (end - start) // length + 1):
        after = start + times * length
        copy = range(after - 2 * length, after - length)
        latest = max(latest, *(last[box] for box in copy))
        pairs = (zip(sources[box], sources[box + length], strict=True) for box in copy)
        if latest >= end or any(a == b and a >= start for pair in pairs for a, b in pair):
            break
        if latest < after:
            found = times
    return found


def _alike_after(
    keys: Sequence[object], sources: Sequence[Sequence[int]], length: int
) -> list[int]:
    """How many boxes from each on are like those `length` places after them."""
    found = [0] * (len(keys) + 1)
    for at in reversed(range(len(keys) - length)):
        found[at] = found[at + 1] + 1 if _alike(keys, sources, at, at + length) else 0
    return found


def _alike(keys: Sequence[object], sources: Sequence[Sequence[int]], one: int, other: int) -> bool:
    """Whether a box may be the next copy of another: it reads the next copies, or the same."""
    if len(sources[one]) != len(sources[other]) or keys[one] != keys[other]:
        return False
    shift = other - one
    pairs = zip(sources[one], sources[other], strict=True)
    return all(b - a == shift or a == b for a, b in pairs)
