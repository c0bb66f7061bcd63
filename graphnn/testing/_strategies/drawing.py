"""The choices that everything is made of.

Hypothesis takes longer to make one choice than most nodes take to be built, so that small choices
are read from numbers of three codes each. A choice grows with its code, and a number with its
codes, the first of all, so that what is smaller is simpler.

Hypothesis mixes in the numbers of three digits and the texts that it finds in the source of the
modules that happen to be imported, so that a seed gives other draws in another process. The large
numbers and the characters here are ones that no source has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

_T = TypeVar("_T")

_FAR = 1 << 200
_CODES = st.integers(_FAR, _FAR + (1 << 24) - 1)  # three codes
_EVEN = 8  # times as many codes as choices, and none is much likelier than another
_PRIVATE = st.characters(min_codepoint=0xE000, max_codepoint=0xE0FF)  # characters of private use


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
        """What another strategy draws by choices of its own."""
        return self._draw(strategy)

    def octets(self, count: int) -> bytes:
        """So many bytes of a text of their own, which shrink to zeros."""
        return self._draw(_texts(count)).encode("utf-16-le")[::2]

    def integer(self, low: int, high: int) -> int:
        """A whole number between two bounds, which shrinks to 0 or to near it."""
        count, code, codes = high - low + 1, 0, 1
        while count > 1 and codes < _EVEN * count:
            if not self._left:
                self._left = [*(self._draw(_CODES) - _FAR).to_bytes(3, "little")]
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


@lru_cache(maxsize=4096)
def _texts(count: int) -> SearchStrategy[str]:
    return st.text(_PRIVATE, min_size=count, max_size=count)


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
