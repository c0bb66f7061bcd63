"""Names offered for misspelt ones, and names listed in messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

_MAX_LISTED = 10


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate spelt most like `name`, or None when none is close."""
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


def suggestion(name: str, candidates: Iterable[str], otherwise: str = "") -> str:
    """Help text that offers the nearest candidate, or `otherwise` when none is close."""
    found = nearest(name, candidates)
    return f"did you mean '{found}'?" if found else otherwise


def by_word(answers: Mapping[str, str]) -> dict[str, str]:
    """The answer to each word, from the words that each answer is for, with spaces between."""
    return {word: answer for answer, words in answers.items() for word in words.split()}


def listed(names: Iterable[str]) -> str:
    """Names for a message; of many, only the first."""
    every = list(names)
    more = len(every) - _MAX_LISTED
    return ", ".join(every[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def show_circle(names: Sequence[str]) -> str:
    """`names` with arrows between them, without the middle of many."""
    return " -> ".join(names if len(names) <= 12 else [*names[:6], "...", *names[-5:]])
