"""What differs between two texts, line by line, in the unified format of ``diff -u``."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import Match, SequenceMatcher

_AROUND = 3  # equal lines shown before and after those that differ
_UNENDED = "\n\\ No newline at end of file"  # as ``diff`` marks a last line that has no end
_ROUNDS = 3  # of looking for matches between matches; in the last, lines may be there repeatedly


def unified(before: str, after: str, name: str) -> Iterator[str]:
    """The lines of a unified diff of `before` and `after`, without line feeds.

    Takes time that grows as n log n with the lines. `difflib.unified_diff`, which looks for the
    longest stretch in common again and again, takes minutes where thousands of lines are repeated.

    Parameters
    ----------
    before, after : str
        Where they are equal, there is no line.
    name : str
        Of the file that both are versions of.
    """
    old, new = _lines(before), _lines(after)
    groups = _InOrder(old, new).get_grouped_opcodes(_AROUND)
    for number, group in enumerate(groups):
        if not number:
            yield f"--- {name}"
            yield f"+++ {name}"
        (_, low, _, new_low, _), (_, _, high, _, new_high) = group[0], group[-1]
        yield f"@@ -{_range(low, high)} +{_range(new_low, new_high)} @@"
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                yield from _signed(" ", old[start:end])
            else:
                yield from _signed("-", old[start:end])
                yield from _signed("+", new[new_start:new_end])


def _lines(text: str) -> list[str]:
    """The lines of `text`; of other ends than a line feed, what there is of them is a part."""
    *lines, last = text.split("\n")
    return [*lines, last + _UNENDED] if last else lines


def _signed(sign: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from f"{sign}{line}".split("\n")


def _range(low: int, high: int) -> str:
    """Lines `low` to `high`, as a hunk's head has them; an empty range is named by what it follows.

    References
    ----------
    IEEE Std 1003.1-2017, diff, "Diff -u or -U Output Format".
    """
    count = high - low
    if count == 1:
        return f"{low + 1}"
    return f"{low + 1 if count else low},{count}"


class _InOrder(SequenceMatcher[str]):
    """Matches lines that have one equal first, and what lies beside and between these after them.

    References
    ----------
    The patience diff of B. Cohen, with a bound on how often it begins again between matches.
    """

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        super().__init__(None, old, new, autojunk=False)
        self._old, self._new = old, new

    def get_matching_blocks(self) -> list[Match]:
        """Stretches of matching lines, and the empty one at the end, as the base class has them."""
        blocks: list[Match] = []
        for place, other in sorted(self._matches()):
            if blocks and (place, other) == (blocks[-1].a + blocks[-1].size, _end(blocks[-1])):
                blocks[-1] = blocks[-1]._replace(size=blocks[-1].size + 1)
            else:
                blocks.append(Match(place, other, 1))
        return [*blocks, Match(len(self._old), len(self._new), 0)]

    def _matches(self) -> Iterator[tuple[int, int]]:
        old, new = self._old, self._new
        gaps = [(0, len(old), 0, len(new), _ROUNDS)]
        while gaps:
            low, high, new_low, new_high, rounds = gaps.pop()
            while low < high and new_low < new_high and old[low] == new[new_low]:
                yield low, new_low
                low, new_low = low + 1, new_low + 1
            while low < high and new_low < new_high and old[high - 1] == new[new_high - 1]:
                high, new_high = high - 1, new_high - 1
                yield high, new_high
            if low == high or new_low == new_high or not rounds:
                continue
            pairs = _pairs(old[low:high], new[new_low:new_high], once=rounds > 1)
            found = [(low + a, new_low + b) for a, b in _longest_rising(pairs)]
            yield from found
            starts = [(low, new_low), *((a + 1, b + 1) for a, b in found)]
            for (a, b), (c, d) in zip(starts, [*found, (high, new_high)], strict=True):
                gaps.append((a, c, b, d, rounds - 1))


def _end(block: Match) -> int:
    return block.b + block.size


def _pairs(a: Sequence[str], b: Sequence[str], *, once: bool) -> list[tuple[int, int]]:
    """Places of lines that are equal, and equally often so before; with `once`, so only there."""
    counts, others = Counter(a), Counter(b)
    places = {key: place for place, key in enumerate(_counted(b))}
    return [
        (place, places[key])
        for place, key in enumerate(_counted(a))
        if key in places and not (once and counts[key[0]] + others[key[0]] > 2)
    ]


def _counted(lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    seen: Counter[str] = Counter()
    for line in lines:
        yield line, seen[line]
        seen[line] += 1


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """As many of `pairs` as can be kept so that second numbers rise as the first do.

    References
    ----------
    M. Fredman, On computing the length of longest increasing subsequences, Discrete Mathematics 11
    (1975).
    """
    lowest: list[int] = []  # by length less 1, the lowest end of what rises so long
    ends: list[int] = []  # number of the pair there
    before: list[int] = []  # by pair, the one that it follows
    for number, (_, other) in enumerate(pairs):
        length = bisect_left(lowest, other)
        before.append(ends[length - 1] if length else -1)
        lowest[length : length + 1] = [other]
        ends[length : length + 1] = [number]
    chosen = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = before[number]
    return chosen[::-1]
