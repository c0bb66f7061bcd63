"""Names offered for misspelt ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


def nearest(name: object, candidates: Iterable[str]) -> str | None:
    """The candidate spelt most like `name`, or None when none is close."""
    if not isinstance(name, str):  # such as a key of a mapping given in Python
        return None
    lowered = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.lower()[:100], lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else _abbreviated(name.lower(), lowered.values())


def _abbreviated(name: str, candidates: Iterable[str]) -> str | None:
    """The one candidate of several words whose initials are `name`, such as learning_rate."""
    found = {
        candidate
        for candidate in candidates
        if "_" in candidate.strip("_")
        and "".join(word[:1] for word in candidate.lower().split("_")) == name
    }
    return found.pop() if len(found) == 1 else None


def suggestion(name: object, candidates: Iterable[str], otherwise: str = "") -> str:
    """Help text that offers the nearest candidate, or `otherwise` when none is close."""
    found = nearest(name, candidates)
    return f"did you mean '{found}'?" if found else otherwise


def by_word(answers: Mapping[str, str]) -> dict[str, str]:
    """The answer to each word, from the words that each answer is for, with spaces between."""
    return {word: answer for answer, words in answers.items() for word in words.split()}
