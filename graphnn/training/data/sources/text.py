"""Text from a file, by character or by word, as rows of whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import FAULTY, DataError, Source
from graphnn.training.data.columns import Column
from graphnn.training.data.compressed import content
from graphnn.training.data.decoding import decoded
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request, whole
from graphnn.training.data.vocabulary import (
    END,
    PAD,
    Token,
    characters,
    numbered,
    of_inputs,
    vocabulary,
    words,
)

_PAD, _END = 0, 1  # in the vocabulary of lines
ROWS = ("windows", "lines")
FEEDS = ("text", "next", "mask", "length")


class _Text(DataSource):
    keys = (
        Key("file", "A text in the folder of the spec, UTF-8, plain or gzip.", is_file=True),
        Key("rows", "Windows of the text, if left out, or lines.", choices=ROWS, optional=True),
        Key(
            "length", "Tokens of a row, where the shape of the input leaves it open.", optional=True
        ),
        Key("stride", "Tokens from the start of a window to that of the next.", optional=True),
        Key(
            "vocabulary",
            "The most classes that there may be, special ones included.",
            optional=True,
        ),
    )
    feed = Key("tokens", "What feeds the input.", choices=FEEDS)
    needs_every_input = True
    unit: ClassVar[str]

    def read(self, request: Request, asked: Asked) -> Found:
        """Windows or lines of the text.

        Raises
        ------
        DataError
            The text is not UTF-8, has fewer tokens than a row, a line is longer than a row, or a
            token is not in the vocabulary of a first set.
        FileError
            The file is missing, lies outside the spec's folder, or is not a regular file.
        """
        file = asked.one("file")
        if not asked.feeds:
            return Found(file.name, {})  # what was wrong with them has been reported
        packed = content(request.folder, file)
        source = decoded(str(request.folder / file.name), packed, "text")
        length = row_length(self.name, request, asked)
        known = of_inputs(request.classes, asked.feeds)
        made = self._lines if asked.choice("rows") == "lines" else self._windows
        arrays, names = made(source, asked, length, known)

        def column(name: str, feed: Feed) -> Column:
            (wanted,) = feed.names
            values = arrays[wanted.name]
            need = request.needs.get(name, FAULTY)
            if need is not FAULTY and not need.row and values.ndim == 2:
                values = values[:, -1]  # of a window, what follows it
            texts = names if wanted.name in ("text", "next") else ()
            return Column(file.name, values, wanted.span, classes=texts)

        return Found(file.name, request.faults.each(asked.feeds, column))

    def tokens(self, text: str, start: int = 0) -> Iterator[Token]:
        """The characters or words of `text`."""
        raise NotImplementedError

    def _windows(
        self, source: Source, asked: Asked, length: int, known: tuple[str, ...] | None
    ) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
        """Stretches of the text, and as many tokens from one further on."""
        tokens = [*self.tokens(source.text)]
        known = known or vocabulary(tokens, most=whole(asked, "vocabulary", self.name, least=4))
        numbers = numbered(tokens, known, source, self.unit)
        stride = whole(asked, "stride", self.name) or length
        starts = np.arange(0, len(numbers) - length, stride)
        if len(starts) == 0:
            file = asked.one("file")
            message = (
                f"'{file.name}' has {len(numbers)} {self.unit}s, but a row and the {self.unit} "
            )
            help = "shorten the rows, or take a longer text"
            message += f"behind it take {length + 1}"
            raise DataError.of("no-rows", message, file.span, help=help)
        places = starts[:, np.newaxis] + np.arange(length)
        ones = np.ones(places.shape, np.int64)
        full = np.full(len(starts), length)
        rows = {"text": numbers[places], "next": numbers[places + 1], "mask": ones, "length": full}
        return rows, known

    def _lines(
        self, source: Source, asked: Asked, length: int, known: tuple[str, ...] | None
    ) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
        """Each line between marks of its end, filled up to the length of a row."""
        lines: list[list[Token]] = []
        start = 0
        for line in source.text.split("\n"):
            if line.strip():
                lines.append([*self.tokens(line, start)])
            start += len(line) + 1
        every = [token for line in lines for token in line]
        most = whole(asked, "vocabulary", self.name, least=4)
        known = known or vocabulary(every, (PAD, END), most)
        numbers = numbered(every, known, source, self.unit)
        file = asked.one("file")
        if not lines:
            raise DataError.of("no-rows", f"'{file.name}' holds no rows", file.span)
        longest = max(map(len, lines))
        if longest + 1 > length:
            message = (
                f"the longest line of '{file.name}' has {longest} {self.unit}s, but a row takes "
            )
            help = f"a line and the mark of its end take {longest + 1}"
            raise DataError.of("wrong-width", f"{message}{length}", file.span, help=help)
        text = np.full((len(lines), length), _PAD)
        following, mask = text.copy(), text.copy()
        counts = np.array([len(line) for line in lines])
        for row, part in enumerate(np.split(numbers, np.cumsum(counts)[:-1])):
            count = len(part)
            text[row, : count + 1] = [_END, *part]
            following[row, : count + 1] = [*part, _END]
            mask[row, : count + 1] = 1
        return {"text": text, "next": following, "mask": mask, "length": counts + 1}, known


class Characters(_Text):
    """Text by character: ``{file: NAME, INPUT: text, INPUT: next}``.

    A row is a window of the text, as long as the input's last axis; `next` has the characters one
    further on, or, for an input of one number a row, the one behind the window. With ``rows:
    lines`` a row is a line, between marks ``<end>`` and filled up with ``<pad>``, the classes 1 and
    0; `mask` is 1 where `next` is not filling, and `length` says how many those are. The characters
    are classes in sorted order, which stay with the weights; with `vocabulary`, the most frequent
    are kept, and ``<unknown>`` stands for the others.
    """

    name = "characters"
    unit = "character"
    elsewhere = ("text", "chars", "shakespeare")

    def tokens(self, text: str, start: int = 0) -> Iterator[Token]:
        """The characters of `text`."""
        return characters(text, start)


class Words(_Text):
    """Text by word: ``{file: NAME, INPUT: text, INPUT: next}``.

    As `characters`, with words and marks of punctuation in place of characters.
    """

    name = "words"
    unit = "word"
    elsewhere = ("tokens", "corpus", "ptb")

    def tokens(self, text: str, start: int = 0) -> Iterator[Token]:
        """The words of `text`."""
        return words(text, start)


def row_length(kind: str, request: Request, asked: Asked) -> int:
    """Tokens of a row: what the inputs say, or the key `length`."""
    stated = whole(asked, "length", kind)
    needs = [request.needs.get(name, FAULTY) for name in asked.feeds]
    axes = {need.row[0] for need in needs if need is not FAULTY and need.row}
    fixed = [size for size in axes if size is not None]
    if stated is not None and fixed and fixed != [stated]:
        message = f"the length of '{kind}' is {stated}, but the inputs take {fixed[0]}"
        raise DataError.of("wrong-width", message, asked.one("length").span)
    if len(fixed) > 1:
        shown = " and ".join(map(str, sorted(fixed)))
        message = f"the inputs take rows of {shown} tokens, but those of '{kind}' have one length"
        raise DataError.of("wrong-width", message, request.value.span)
    if stated is None and not fixed:
        message = f"'{kind}' has no 'length', and no input says how many tokens a row has"
        help = "write `length: 100`, or give the input a size along its second axis"
        raise DataError.of("missing-key", message, request.value.span, help=help)
    return stated or fixed[0]
