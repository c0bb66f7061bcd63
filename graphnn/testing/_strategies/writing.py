"""Documents as YAML or JSON, in one plain style or in drawn ones, with the place of every value."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from graphnn.testing._strategies.drawing import Choices

AGAIN = "#"  # ends a key that is written without it: a dict cannot hold a key twice
Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word written as it is, whatever it stands for."""

    text: str


class Writer:
    """Writes a document, and notes where the keys and values of every path stand.

    Parameters
    ----------
    yaml : bool
        Whether it writes YAML, or else JSON.
    draw : Choices, optional
        To draw brackets, quotes, empty lines and comments by; left out, one style.
    """

    def __init__(self, yaml: bool, draw: Choices | None = None) -> None:
        self.yaml = yaml
        self.text = ""
        self.keys: dict[Path, tuple[int, int]] = {}
        self.values: dict[Path, tuple[int, int]] = {}
        self.quoted: set[Path] = set()  # values that stand in quotes
        self._draw = draw

    def document(self, value: Any, path: Path = ()) -> None:
        """Write a value on separate lines, or in brackets."""
        deep = len(path) >= 2 and not (self.yaml and self._chance(3))
        if deep or not (isinstance(value, dict) and value):
            self._put(" ")
            self._flow(value, path)
            return
        self._put("" if self.yaml else "{")
        for number, (key, item) in enumerate(value.items()):
            self._put("," if number and not self.yaml else "")
            self._line(len(path))
            self._key(key, path)
            self.document(item, (*path, key))
        self._put("" if self.yaml else "}")

    def _line(self, depth: int) -> None:
        """Begin a line, perhaps after a comment."""
        if self.yaml and self.text and self._chance(8):
            self._put("  # a note: [1, {2")
        if self.text:
            self._put("\n" * (2 if self._chance(8) else 1))
        if self.yaml and self._chance(12):
            self._put("  " * depth + "# - 'more\n")
        if self.text:
            self._put("  " * depth)

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
            self._put("[")
            for number, item in enumerate(value):
                self._put(("," if self._chance(4) else ", ") if number else "")
                self._flow(item, (*path, number))
            self._put("]")
        else:
            text = value.text if isinstance(value, Word) else self._scalar(value)
            if text[0] in "'\"":
                self.quoted.add(path)
            self._put(text)

    def _key(self, key: str, path: Path) -> None:
        self.keys[(*path, key)] = self._place()
        self._put(f"{self._scalar(key.removesuffix(AGAIN))}:")

    def _scalar(self, value: Any) -> str:
        bare = isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w.-]*", value)
        reserved = str(value).lower() in ("true", "false", "null")
        if not (self.yaml and bare):
            return json.dumps(value)
        if self._chance(8):
            return f"'{value}'"
        return json.dumps(value) if reserved or self._chance(8) else str(value)

    def _chance(self, one_in: int) -> bool:
        return self._draw is not None and self._draw.chance(one_in)

    def _put(self, text: str) -> None:
        self.text += text

    def _place(self) -> tuple[int, int]:
        line = self.text.count("\n") + 1
        return line, len(self.text) - self.text.rfind("\n")
