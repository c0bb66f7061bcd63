"""The choices that everything is made of.

Strategies are kept, since Hypothesis takes longer to make one than to draw from it; what is made
of several choices is a function of `draw`.

Hypothesis mixes in the numbers of three digits and the bytes that it finds in the source of the
modules that happen to be imported, so that a seed gives other draws in another process. The large
numbers and the bytes drawn here lie where no source has any.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

_T = TypeVar("_T")


_SMALL = 99  # numbers up to it are not mixed in
_FAR = 1 << 200
_PRIVATE = st.characters(min_codepoint=0xE000, max_codepoint=0xE0FF)  # characters of private use


@lru_cache(maxsize=4096)
def integers(low: int, high: int) -> SearchStrategy[int]:
    """Whole numbers between two bounds, which shrink to 0 or to near it."""
    if low >= -_SMALL and high <= _SMALL:
        return st.integers(low, high)
    return st.integers(_FAR, _FAR + high - low).map(lambda n: _nth(n - _FAR, low, high))


def _nth(index: int, low: int, high: int) -> int:
    """The numbers between two bounds by their size, a positive one before its negative."""
    near = min(max(low, 0), high)
    both = min(high - near, near - low)  # how many lie on either side
    if index > 2 * both:
        return near + index - both if high - near > both else near - (index - both)
    return near + (index + 1) // 2 * (1 if index % 2 else -1)


@lru_cache(maxsize=4096)
def bytes_of(size: int) -> SearchStrategy[bytes]:
    """So many bytes, which shrink to zeros."""
    text = st.text(_PRIVATE, min_size=size, max_size=size)
    return text.map(lambda characters: characters.encode("utf-16-le")[::2])


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


def one_of(draw: DrawFn, items: Sequence[_T]) -> _T:
    """One of some items; shrinks to the first."""
    return items[draw(integers(0, len(items) - 1))] if len(items) > 1 else items[0]


def chance(draw: DrawFn, one_in: int) -> bool:
    """True once in `one_in` draws; shrinks to False."""
    return draw(integers(0, one_in - 1)) == one_in - 1


def extents(draw: DrawFn, least: int, most: int, size: int) -> list[int]:
    """From `least` to `most` sizes of at most `size`."""
    return [draw(integers(1, size)) for _ in range(draw(integers(least, max(least, most))))]
