"""Runs of alike boxes in long chains, so that each can be shown once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    readers: dict[int, list[int]] = {}
    for reader, read in enumerate(sources):
        for source in read:
            readers.setdefault(source, []).append(reader)
    alike = [_alike_after(keys, sources, length) for length in range(1, _LONGEST + 1)]
    found, at = [], 0
    while at < len(keys):
        counts = ((length, 1 + row[at] // length) for length, row in enumerate(alike, start=1))
        length, times = max(counts, key=lambda pair: (pair[0] * (pair[1] - 1), -pair[0]))
        if times >= _FEWEST and _apart(readers, sources, at, length, times):
            found.append((at, length, times))
            at += length * times
        else:
            at += 1
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


def _apart(
    readers: Mapping[int, Sequence[int]],
    sources: Sequence[Sequence[int]],
    at: int,
    length: int,
    times: int,
) -> bool:
    """Whether all copies read the same from before them, and what follows the last copy only."""
    end = at + length * times
    later = (reader for box in range(at, end - length) for reader in readers.get(box, ()))
    shared = (
        a
        for box in range(at, at + length)
        for a, b in zip(sources[box], sources[box + length], strict=True)
        if a == b
    )
    return all(source < at for source in shared) and not any(reader >= end for reader in later)
