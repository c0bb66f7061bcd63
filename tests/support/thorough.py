"""The profile ``thorough`` of Hypothesis, for tests that state how many examples they take."""

from __future__ import annotations

import functools

from hypothesis import settings


def multiply_examples(times: int) -> None:
    """Multiply every ``max_examples`` that is stated from now on, which no profile changes."""
    init = settings.__init__

    @functools.wraps(init)
    def multiplied(self, *parent, **stated):
        if "max_examples" in stated:
            stated["max_examples"] *= times
        init(self, *parent, **stated)

    # The class refuses to be assigned to, so that nobody changes a setting by mistake.
    type.__setattr__(settings, "__init__", multiplied)
