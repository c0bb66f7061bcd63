"""Parts of a large network in which nothing repeats: stretches of its order."""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import accumulate, pairwise

from graphnn.graph import in_order

_COUNTS = (60, 30, 15, 8)  # of parts, tried from the first
_MOST_LINES = 240  # between parts


def parts(sources: Sequence[Sequence[int]], alone: Set[int]) -> list[list[int]]:
    """Boxes joined to parts, so that no part comes both before and after another.

    Parameters
    ----------
    sources : sequence of sequence of int
        Places of the boxes that each reads.
    alone : set of int
        Boxes that are parts by themselves: all that read nothing, or that nothing reads.

    Returns
    -------
    list of list of int
        In order; of about one length, each cut where the fewest arrays are still to be read.
    """
    order = [box for box in in_order(sources) if box not in alone]
    open_after = _open_after(sources, order)
    found: list[list[int]] = []
    for count in _COUNTS:
        cuts = _cuts(open_after, max(len(order) / count, 2.0))
        found = [order[start:end] for start, end in pairwise(cuts)]
        found = sorted([*found, *([box] for box in alone)], key=min)
        if _lines(sources, found) <= _MOST_LINES:
            break
    return found


def _open_after(sources: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """How many boxes up to each place of `order` are read after it."""
    places = {box: place for place, box in enumerate(order)}
    last = list(range(len(order)))
    for box, place in places.items():
        for source in sources[box]:
            if source in places:
                last[places[source]] = max(last[places[source]], place)
    changes = [0] * (len(order) + 1)
    for place, end in enumerate(last):
        changes[place] += 1
        changes[end] -= 1
    return list(accumulate(changes))


def _cuts(open_after: Sequence[int], length: float) -> list[int]:
    """Where parts of about `length` boxes begin, and the end of the last."""
    count = len(open_after) - 1
    cuts = [0]
    while count - cuts[-1] > 1.5 * length:
        wanted = cuts[-1] + length
        tried = range(int(wanted - length / 2), int(wanted + length / 2))
        cuts.append(min(tried, key=lambda cut: (open_after[cut - 1], abs(cut - wanted))))
    return [*cuts, count] if count else cuts


def _lines(sources: Sequence[Sequence[int]], found: Sequence[Sequence[int]]) -> int:
    """How many pairs of parts a line joins."""
    part_of = {box: number for number, part in enumerate(found) for box in part}
    pairs = {(part_of[source], part_of[box]) for box in part_of for source in sources[box]}
    return sum(source != target for source, target in pairs)
