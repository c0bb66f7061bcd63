"""Places of a text as editors count them, compared with Python's own encodings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from graphnn.lsp.positions import Places

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
LINES = st.lists(
    st.builds(lambda word, times: word * times, st.text("aé�😀", max_size=9), st.integers(0, 130)),
    min_size=1,
    max_size=3,
)


def units(text: str, encoding: str) -> int:
    codec, size = CODECS[encoding]
    return len(text.encode(codec)) // size


@pytest.mark.parametrize("encoding", CODECS)
@given(lines=LINES, data=st.data())
def test_a_place_is_counted_and_found_again(encoding, lines, data):
    line = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(0, len(lines[line])))
    places = Places("\n".join(lines), encoding)
    index = sum(len(before) + 1 for before in lines[:line]) + column
    place = types.Position(line, units(lines[line][:column], encoding))
    assert places.position(index) == place
    assert Places("\n".join(lines), encoding).index(place) == index
    assert places.index(place) == index


@given(lines=LINES)
def test_beyond_the_end_of_a_line_or_the_text(lines):
    places = Places("\n".join(lines))
    assert places.index(types.Position(0, 10_000)) == len(lines[0])
    assert places.index(types.Position(len(lines), 0)) == len("\n".join(lines))


@pytest.mark.parametrize("length", [0, 255, 256, 257, 512])
def test_the_end_of_a_line_of_any_length(length):
    places = Places("a" * length)
    assert places.position(length) == types.Position(0, length)
    assert places.index(types.Position(0, length)) == length


def test_half_a_character_counts_as_one():
    assert Places("a\ud800b").position(2) == types.Position(0, 2)


def test_inside_of_a_character_is_behind_it():
    assert Places("a😀b").index(types.Position(0, 2)) == 2
    assert Places(f"{'a' * 255}😀b").index(types.Position(0, 256)) == 256
