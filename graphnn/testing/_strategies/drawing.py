"""The choices that everything is made of.

Hypothesis takes longer to make one choice than most nodes take to be built, so that small choices
are read from texts of a few codes each. A choice grows with its code, and Hypothesis shrinks every
code of a text by itself.

It mends one text at most that a smaller size leaves too long, and an op often has two such
operands. So the bytes of an array are a text of which only the least length depends on their count,
and what is left over is folded in: a size then shrinks whatever the texts hold, and wherever.

Hypothesis mixes in the texts that it finds in the source of the modules that happen to be imported,
so that a seed gives other draws in another process. The characters here are ones that no source
has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

_T = TypeVar("_T")

_AT_ONCE = 6  # codes of a text that small choices are read from
_MOST, _LONGEST = 251, 256  # bytes that a text is asked for, and those that it has at most
_EVEN = 8  # times as many codes as choices, and none is much likelier than another
_PRIVATE = st.characters(min_codepoint=0xE000, max_codepoint=0xE0FF)  # characters of private use
_CODES = st.text(_PRIVATE, min_size=_AT_ONCE, max_size=_AT_ONCE)


class Choices:
    """Choices, one after the other, each of which shrinks to the simplest.

    Parameters
    ----------
    draw : DrawFn
        Of a composite strategy.
    """

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw
        self._left: list[int] = []

    def apart(self, strategy: SearchStrategy[_T]) -> _T:
        """What another strategy draws by separate choices."""
        return self._draw(strategy)

    def octets(self, count: int) -> bytes:
        """So many bytes of a separate text, which shrink to zeros.

        Hypothesis draws a few thousand at most in all: of more than 251, a prime number that no
        axis lines up with, those after it are the first ones again.
        """
        own = min(count, _MOST)
        found: bytes = _codes(self._draw(_texts(own)))
        if 0 < own < len(found):
            rows = np.frombuffer(found.ljust(-(-len(found) // own) * own, b"\0"), np.uint8)
            found = np.bitwise_xor.reduce(rows.reshape(-1, own)).tobytes()
        return (found * -(-count // own))[:count] if own else b""

    def integer(self, low: int, high: int) -> int:
        """A whole number between two bounds, which shrinks to 0 or to near it."""
        count, code, codes = high - low + 1, 0, 1
        while count > 1 and codes < _EVEN * count:
            if not self._left:
                self._left = [*reversed(_codes(self._draw(_CODES)))]
            code, codes = 256 * code + self._left.pop(), 256 * codes
        return _nth(code * count // codes, low, high)

    def one_of(self, items: Sequence[_T]) -> _T:
        """One of some items; shrinks to the first."""
        return items[self.integer(0, len(items) - 1)]

    def chance(self, one_in: int) -> bool:
        """Whether something is so, once in so many times; shrinks to False."""
        return self.integer(0, one_in - 1) == one_in - 1

    def extents(self, least: int, most: int, size: int) -> list[int]:
        """From `least` to `most` sizes of at most `size`."""
        return [self.integer(1, size) for _ in range(self.integer(least, max(least, most)))]


def _nth(index: int, low: int, high: int) -> int:
    """The numbers between two bounds by their size, a positive one before its negative."""
    near = min(max(low, 0), high)
    both = min(high - near, near - low)  # so many lie on either side
    if index > 2 * both:
        return near + index - both if high - near > both else near - (index - both)
    return near + (index + 1) // 2 * (1 if index % 2 else -1)


@cache
def _texts(count: int) -> SearchStrategy[str]:
    return st.text(_PRIVATE, min_size=count, max_size=_LONGEST)


def _codes(text: str) -> bytes:
    """The low byte of every character."""
    return text.encode("utf-16-le")[::2]


def independent(strategy: SearchStrategy[_T]) -> SearchStrategy[_T]:
    """What a strategy draws, each time anew.

    Hypothesis changes a copy of what it has drawn five times out of six, but never the items of a
    list whose items are unique. Such copies are all but alike: in a few hundred networks they
    leave whole ops out.
    """
    return _only_item(st.lists(strategy, min_size=1, max_size=1, unique_by=id))


@st.composite
def _only_item(draw: DrawFn, lists: SearchStrategy[list[_T]]) -> _T:
    return draw(lists)[0]
