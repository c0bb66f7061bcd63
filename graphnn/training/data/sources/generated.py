"""Tasks for sequence models whose rows are generated, so that nothing need be downloaded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError
from graphnn.training.data.columns import Column
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request, whole

Rows = Mapping[str, NDArray[np.int64]]
_SEED = Key("seed", "Of the rows, 0 if left out.", optional=True)
_TESTED = 10  # one row in this many, the last ones, is a test row
_MOST_ROWS = 10_000_000


class _Generated(DataSource):
    needs_every_input = True

    def read(self, request: Request, asked: Asked) -> Found:
        """Rows drawn from the seed; the last tenth are test rows.

        Raises
        ------
        DataError
            A number is out of range, or more rows are asked for than there are different ones.
        """
        seed = whole(asked, "seed", self.name, least=0) or 0
        arrays, texts = self.generated(asked, np.random.default_rng(seed))

        def column(_: str, feed: Feed) -> Column:
            (wanted,) = feed.names
            return Column(wanted.name, arrays[wanted.name], wanted.span, classes=texts)

        count = len(next(iter(arrays.values())))
        columns = request.faults.each(asked.feeds, column)
        return Found(self.name, columns, count - max(1, count // _TESTED))

    @abstractmethod
    def generated(self, asked: Asked, rng: np.random.Generator) -> tuple[Rows, tuple[str, ...]]:
        """An array for each that may feed an input, and what its numbers stand for."""


class Additions(_Generated):
    """Sums as text, such as ``25+7`` and ``32``: ``{INPUT: question, INPUT: answer}``.

    With `digits` 3, a question is 7 characters, an answer 4, filled up with spaces on the right;
    `reversed` is the question backwards, and `previous` the answer one character behind: ``_``,
    then all but its last, for a decoder to read. The 13 classes are the digits, ``+``, ``_`` and
    the space, in this order. Questions are all different; the last tenth are test rows.

    References
    ----------
    W. Zaremba and I. Sutskever, Learning to execute, arXiv:1410.4615, 2014, section 4.1.
    """

    name = "additions"
    keys = (
        Key("digits", "The most digits of a number that is added, 3 if left out.", optional=True),
        Key("rows", "How many there are, 50000 if left out.", optional=True),
        _SEED,
    )
    feed = Key(
        "text",
        "What feeds the input.",
        choices=("question", "reversed", "answer", "previous"),
    )
    elsewhere = ("addition", "sums", "arithmetic")
    start = "_"  # what a decoder reads first
    texts = (*"0123456789+_ ",)

    def generated(self, asked: Asked, rng: np.random.Generator) -> tuple[Rows, tuple[str, ...]]:
        """Questions drawn without repetition, with their answers."""
        digits = whole(asked, "digits", self.name, most=9) or 3
        wanted = whole(asked, "rows", self.name, least=2, most=_MOST_ROWS)
        bound = 10**digits
        count = wanted or min(50_000, bound**2)
        if count > bound**2:
            message = (
                f"there are {bound**2:,} different questions of {digits} digits, not {count:,}"
            )
            raise DataError.of("bad-value", message, asked.one("rows").span)
        pairs = _distinct(rng, bound**2, count)
        first, second = pairs // bound, pairs % bound
        spoken = [f"{a}+{b}" for a, b in zip(first.tolist(), second.tolist(), strict=True)]
        question = self._numbers(spoken, 2 * digits + 1)
        answer = self._numbers(map(str, (first + second).tolist()), digits + 1)
        mark = np.full((count, 1), self.texts.index(self.start))
        previous = np.concatenate([mark, answer[:, :-1]], axis=1)
        reverse = question[:, ::-1].copy()
        rows = {"question": question, "reversed": reverse, "answer": answer, "previous": previous}
        return rows, self.texts

    def _numbers(self, texts: object, width: int) -> NDArray[np.int64]:
        table = {text: number for number, text in enumerate(self.texts)}
        return np.array([[table[c] for c in t.ljust(width)] for t in texts], np.int64)  # type: ignore[attr-defined]


class Copying(_Generated):
    """Symbols to be remembered and repeated: ``{INPUT: sequence, INPUT: answer}``.

    A sequence is `length` letters, blanks, a mark ``|`` and as many blanks again, `delay` and twice
    `length` in all; the answer is blank up to the mark, and the letters behind it. The classes are
    the letters, as many as `symbols` says, the blank and the mark. The last tenth are test rows.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9(8), 1997,
    section 5; in this form, M. Arjovsky, A. Shah and Y. Bengio, Unitary evolution recurrent neural
    networks, ICML 2016, section 5.1.
    """

    name = "copy"
    keys = (
        Key("length", "How many letters there are to remember, 10 if left out.", optional=True),
        Key("symbols", "How many different letters there are, 8 if left out.", optional=True),
        Key(
            "delay",
            "Steps from the last letter to the mark, it included, 10 if left out.",
            optional=True,
        ),
        Key("rows", "How many there are, 10000 if left out.", optional=True),
        _SEED,
    )
    feed = Key("text", "What feeds the input.", choices=("sequence", "answer"))
    elsewhere = ("copying", "copymemory", "copytask")

    def generated(self, asked: Asked, rng: np.random.Generator) -> tuple[Rows, tuple[str, ...]]:
        """Letters drawn evenly."""
        length = whole(asked, "length", self.name, most=10_000) or 10
        symbols = whole(asked, "symbols", self.name, most=26) or 8
        delay = whole(asked, "delay", self.name, most=100_000) or 10
        count = whole(asked, "rows", self.name, least=2, most=_MOST_ROWS) or 10_000
        letters = rng.integers(symbols, size=(count, length))
        sequence = np.full((count, 2 * length + delay), symbols)
        answer = sequence.copy()
        sequence[:, :length] = letters
        sequence[:, length + delay - 1] = symbols + 1
        answer[:, -length:] = letters
        texts = (*"abcdefghijklmnopqrstuvwxyz"[:symbols], " ", "|")
        return {"sequence": sequence, "answer": answer}, texts


class Sorting(_Generated):
    """Letters and the same in sorted order: ``{INPUT: sequence, INPUT: answer}``.

    The classes are as many letters as `symbols` says. The last tenth are test rows.
    """

    name = "sorting"
    keys = (
        Key("length", "How many letters a row has, 10 if left out.", optional=True),
        Key("symbols", "How many different letters there are, 10 if left out.", optional=True),
        Key("rows", "How many there are, 10000 if left out.", optional=True),
        _SEED,
    )
    feed = Key("text", "What feeds the input.", choices=("sequence", "answer"))
    elsewhere = ("sort", "sorted")

    def generated(self, asked: Asked, rng: np.random.Generator) -> tuple[Rows, tuple[str, ...]]:
        """Letters drawn evenly."""
        length = whole(asked, "length", self.name, most=10_000) or 10
        symbols = whole(asked, "symbols", self.name, most=26) or 10
        count = whole(asked, "rows", self.name, least=2, most=_MOST_ROWS) or 10_000
        letters = rng.integers(symbols, size=(count, length))
        texts = (*"abcdefghijklmnopqrstuvwxyz"[:symbols],)
        return {"sequence": letters, "answer": np.sort(letters, axis=1)}, texts


def _distinct(rng: np.random.Generator, bound: int, count: int) -> NDArray[np.int64]:
    """`count` different whole numbers below `bound`, in random order."""
    if bound <= 4 * count:
        return rng.permutation(bound)[:count]
    found = np.unique(rng.integers(bound, size=2 * count))
    while len(found) < count:
        found = np.unique(np.concatenate([found, rng.integers(bound, size=count)]))
    return rng.permutation(found)[:count]
