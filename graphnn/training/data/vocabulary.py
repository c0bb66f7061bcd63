"""Texts as whole numbers: the tokens of a text, and the number of each in a vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Findings, Source, Span, listed, suggestion

PAD, END, UNKNOWN = "<pad>", "<end>", "<unknown>"
_WORD = re.compile(r"\w+|[^\w\s]")
MAX_FAULTS = 20  # of texts that are reported at once


@dataclass(frozen=True, slots=True)
class Token:
    """A character or a word, with the place in the text where it starts."""

    text: str
    start: int


def characters(text: str, start: int = 0) -> Iterator[Token]:
    """Every character of `text`, whose first lies at `start`."""
    return (Token(each, start + place) for place, each in enumerate(text))


def words(text: str, start: int = 0) -> Iterator[Token]:
    """Words, which are runs of letters, digits and ``_``, and marks of punctuation."""
    return (Token(found[0], start + found.start()) for found in _WORD.finditer(text))


def vocabulary(
    tokens: Iterable[Token], special: Sequence[str] = (), most: int | None = None
) -> tuple[str, ...]:
    """The different tokens in sorted order, behind the `special` ones.

    Where that makes more than `most`, the most frequent are kept, of equally frequent ones the
    first in sorted order, and `UNKNOWN` stands for the others.
    """
    counts = Counter(token.text for token in tokens)
    if most is None or len(special) + len(counts) <= most:
        return (*special, *sorted(counts))
    special = special if UNKNOWN in special else (*special, UNKNOWN)
    kept = max(0, most - len(special))
    frequent = sorted(counts, key=lambda text: (-counts[text], text))[:kept]
    return (*special, *sorted(frequent))


def numbered(
    tokens: Sequence[Token], known: Sequence[str], source: Source, what: str
) -> NDArray[np.int64]:
    """The number of each token in the vocabulary `known`.

    Raises
    ------
    DataError
        Some are not in it, which `UNKNOWN` does not stand for; with their places in `source`.
    """
    numbers = {text: number for number, text in enumerate(known)}
    other = numbers.get(UNKNOWN)
    findings = Findings()
    reported: set[str] = set()
    for token in tokens:
        if token.text in numbers or other is not None or token.text in reported:
            continue
        reported.add(token.text)
        message = f"the {what} {token.text!r} is not in the vocabulary of the training text"
        help = suggestion(token.text, known, f"it has {len(known)}: {listed(map(repr, known))}")
        findings.error("unknown-class", message, _span(source, token), help=help)
        if len(reported) == MAX_FAULTS:
            break
    findings.raise_errors(DataError)
    return np.array([numbers.get(token.text, other) for token in tokens], np.int64)


def _span(source: Source, token: Token) -> Span:
    before = source.text[: token.start]
    line, column = before.count("\n") + 1, token.start - before.rfind("\n")
    return Span(source, line, column, line, column + len(token.text))


def joined(numbers: Iterable[int], known: Sequence[str], between: str) -> str:
    """The text that `numbers` stand for, up to its end."""
    texts: list[str] = []
    for number in numbers:
        text = known[number]
        if text == END and texts:
            break
        if text not in (PAD, END):
            texts.append(text)
    return between.join(texts)


def of_inputs(
    classes: Mapping[str, tuple[str, ...]] | None, names: Iterable[str]
) -> tuple[str, ...] | None:
    """The vocabulary of a first set, which the inputs `names` share; None for a first set."""
    return None if classes is None else next((classes[n] for n in names if n in classes), None)
