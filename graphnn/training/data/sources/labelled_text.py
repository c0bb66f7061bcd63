"""Texts with classes, in a table, as rows of whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphnn.diagnostics import DataError
from graphnn.spec.values import Map, Scalar
from graphnn.training.data.classes import in_order, numbered
from graphnn.training.data.columns import Column
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request, whole
from graphnn.training.data.sources.text import row_length
from graphnn.training.data.text_rows import SPECIAL, UNITS, encoded, of_table
from graphnn.training.data.vocabulary import of_inputs, vocabulary


class LabelledTexts(DataSource):
    """Texts and their classes: ``{file: NAME, column: C, classes: D, INPUT: text, INPUT: labels}``.

    The file is a table, .csv or .parquet, with the texts in one column and their classes in
    another. A row is a text, by word or by character, filled up with ``<pad>``, class 0; `length`
    says how many tokens it has, and `mask` is 1 for these. Tokens are classes in sorted order,
    which stay with the weights; ``<unknown>``, class 1, stands for those that training did not
    have, and with `vocabulary` for all but the most frequent. `labels` are the classes, numbered in
    sorted order, by value where all are whole numbers.
    """

    name = "texts"
    keys = (
        Key("file", "A table in the folder of the spec, .csv or .parquet.", is_file=True),
        Key("column", "The column of the texts."),
        Key("classes", "The column of their classes, where an input takes labels.", optional=True),
        Key(
            "by",
            "What tokens are: words, if left out, or characters.",
            choices=tuple(UNITS),
            optional=True,
        ),
        Key("length", "Tokens of a row, where the input's shape leaves it open.", optional=True),
        Key(
            "longer",
            "What is done with a text of more tokens: refuse, if left out, or cut.",
            choices=("refuse", "cut"),
            optional=True,
        ),
        Key("vocabulary", "The most classes of tokens, special ones included.", optional=True),
    )
    feed = Key("tokens", "What feeds the input.", choices=("text", "mask", "length", "labels"))
    needs_every_input = True
    elsewhere = ("sentiment", "imdb", "reviews", "labelled_text", "text_classification")

    def read(self, request: Request, asked: Asked) -> Found:
        """The texts of the table for each input.

        Raises
        ------
        DataError
            The file is not a table, lacks a column or a class, a text is longer than a row, or a
            class is none of a first set.
        FileError
            The file is missing, lies outside the spec's folder, or is not a regular file.
        """
        file = asked.one("file")
        if not asked.feeds:
            return Found(file.name, {})  # what was wrong with them has been reported
        labels = asked.one("classes") if "classes" in asked.keys else None
        labelled = [feed for feed in asked.feeds.values() if feed.names[0].name == "labels"]
        if labelled and labels is None:
            message = f"'{self.name}' has no 'classes', the column that labels come from"
            help = f"write `{self.name}: {{classes: COLUMN, ...}}`"
            raise DataError.of("missing-key", message, labelled[0].span, help=help)
        found = of_table(request.folder, file, asked.one("column"), labels)
        unit = asked.choice("by") or "words"
        length = row_length(self.name, request, asked)
        read = [n for n, feed in asked.feeds.items() if feed.names[0].name != "labels"]
        known = of_inputs(request.classes, read)
        if known is None:
            most = whole(asked, "vocabulary", self.name, least=len(SPECIAL) + 1)
            tokens = (token for text in found.texts for token in UNITS[unit](text))
            known = vocabulary(tokens, SPECIAL, most)
        arrays = encoded(found, known, unit, length, cut=asked.choice("longer") == "cut")

        def column(name: str, feed: Feed) -> Column:
            (wanted,) = feed.names
            if wanted.name == "labels":
                first = request.classes
                classes = in_order(found.labels) if first is None else first.get(name, ())
                values = numbered(found.labels, classes, name, found.place)
                return Column(file.name, values, wanted.span, classes=classes)
            texts = known if wanted.name == "text" else ()
            return Column(file.name, arrays[wanted.name], wanted.span, classes=texts)

        return Found(file.name, request.faults.each(asked.feeds, column))


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How training reads texts: what feeds each input, of which column, cut into what."""

    feeds: Mapping[str, str]
    unit: str
    column: str
    cut: bool


def text_options(data: Map | None) -> TextOptions | None:
    """How the training data of a spec are read, where they are texts with classes."""
    value = None if data is None else data.get(LabelledTexts.name)
    if not isinstance(value, Map):
        return None
    given = {key: str(each.value) for key, each in value.items() if isinstance(each, Scalar)}
    keys = [key.name for key in LabelledTexts.keys]
    feeds = {name: text for name, text in given.items() if name not in keys}
    cut = given.get("longer") == "cut"
    return TextOptions(feeds, given.get("by", "words"), given.get("column", ""), cut)
