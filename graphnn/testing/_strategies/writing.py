"""Documents as JSON, with the place of every value; `layouts` writes YAML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphnn.testing._strategies.drawing import Choices

AGAIN = "#"  # ends a key that is written without it: a dict cannot hold a key twice
QUOTES = ("'", '"')
Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word written as it is, whatever it stands for."""

    text: str


class Writer:
    """Writes a document, and notes where the keys and values of every path stand.

    Parameters
    ----------
    draw : Choices, optional
        To draw what does not matter by; left out, one style.
    """

    def __init__(self, draw: Choices | None = None) -> None:
        self.keys: dict[Path, tuple[int, int]] = {}
        self.values: dict[Path, tuple[int, int]] = {}
        self.texts: dict[Path, tuple[int, int]] = {}  # behind an anchor and an opening quote
        self.busy = False  # whether what is odd comes often
        self._draw = draw
        self._parts: list[str] = []
        self._line = self._column = 1

    @property
    def text(self) -> str:
        """What has been written."""
        return "".join(self._parts)

    def document(self, value: Any) -> None:
        """Write a document."""
        self._lines(value, ())
        self._put("\n")

    def _lines(self, value: Any, path: Path) -> None:
        """Write a value, its keys on separate lines but for those deep inside."""
        if len(path) >= 2 or not (isinstance(value, dict) and value):
            self._put(" ")
            self._flow(value, path)
            return
        self._put("{")
        for number, (key, item) in enumerate(value.items()):
            self._put("," if number else "")
            self._put("\n" * (2 if self._is(8) else 1) + "  " * len(path))
            self._key(key, path)
            self._lines(item, (*path, key))
        self._put("}")

    def _flow(self, value: Any, path: Path) -> None:
        self.values[path] = self._place()
        if isinstance(value, dict):
            self._put("{")
            for number, (key, item) in enumerate(value.items()):
                self._put(", " if number else "")
                self._key(key, path)
                self._put(" ")
                self._flow(item, (*path, key))
            self._put("}")
        elif isinstance(value, list):
            comma = "," if self._is(4) else ", "
            self._put("[")
            for number, item in enumerate(value):
                self._put(comma if number else "")
                self._flow(item, (*path, number))
            self._put("]")
        else:
            self._word(value.text if isinstance(value, Word) else json.dumps(value), path)

    def _key(self, key: str, path: Path) -> None:
        self.keys[(*path, key)] = self._place()
        self._put(f"{json.dumps(key.removesuffix(AGAIN))}:")

    def _word(self, word: str, path: Path, anchor: str = "") -> None:
        self.values[path] = self._place()
        self._put(anchor)
        line, column = self._place()
        self.texts[path] = line, column + (word[0] in QUOTES)
        self._put(word)

    def _is(self, one_in: int) -> bool:
        """Whether something is so, once in so many times."""
        return self._draw is not None and self._draw.chance(one_in)

    def _manner(self, odd: Sequence[str], one_in: int) -> str:
        """One of the odd manners, each once in so many times, or else the plain one, ''."""
        if self._draw is None:
            return ""
        one_in = 2 * len(odd) if self.busy else one_in
        number = self._draw.integer(0, one_in - 1) - (one_in - len(odd))
        return odd[number] if number >= 0 else ""

    def _put(self, text: str) -> None:
        self._parts.append(text)
        if lines := text.count("\n"):
            self._line += lines
            self._column = len(text) - text.rfind("\n")
        else:
            self._column += len(text)

    def _place(self) -> tuple[int, int]:
        return self._line, self._column
