"""Documents of any kind of data, which need be no specs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# Whole numbers stay within float64.
NUMBERS = st.integers(-(2**1023), 2**1023) | st.floats(allow_nan=False, allow_infinity=False)


def documents(texts: st.SearchStrategy[str], *sections: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any mapping of what JSON can hold; its keys are texts or names of sections."""
    keys = texts.map(lambda text: text[:60])
    nested = st.recursive(
        st.none() | st.booleans() | NUMBERS | texts,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=25,
    )
    return st.dictionaries(
        st.sampled_from(sections) | keys if sections else keys, nested, max_size=5
    )
