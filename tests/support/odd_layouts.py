"""Texts of YAML in odd layouts: every style, comments anywhere, anchors and aliases."""

from __future__ import annotations

import re
from itertools import count
from random import Random

WORDS = [
    "op",
    "inputs",
    "2 * hidden",
    "a, b",
    "no",
    "1e-3",
    "0x1f",
    "-5",
    "~",
    "true",
    "what? so",
    "a:b",
    "x#y",
    "-x",
    "?y",
    ".5",
    "null",
    "many words " * 12 + "end",
    "[batch, 1]",
    "y",
    "é – ü",
]
SECTIONS = ["nodes", "sizes", "train", "examples", "blocks", "search", "name", "outputs"]
_MARK = "# c!"  # stands for a comment until all are numbered
COMMENT = re.compile(r"# c\d+!")


class OddLayout:
    """Writes one document, drawing every choice from `random`; see `text`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.anchors: list[str] = []
        self.anchored = 0
        self.after_text = False
        numbers = count(1)
        self.text = re.sub(_MARK, lambda _: f"# c{next(numbers)}!", self._document())
        self.comments = [f"# c{number}!" for number in range(1, next(numbers))]

    def _chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == one_in - 1

    def _document(self) -> str:
        text = self._above(0) + ("--- " + self._behind() if self._chance(8) else "")
        if self._chance(8):
            return text + self._flow(0, "mapping", 0) + self._behind() + self._above(0)
        return text + self._block_mapping(0, 0) + self._above(0)

    def _behind(self) -> str:
        """The end of a line, with or without a comment."""
        if self._chance(4):
            return " " * self.random.randint(1, 3) + _MARK + " " * self.random.randint(0, 1) + "\n"
        return "\n"

    def _above(self, indent: int) -> str:
        """Empty lines, and comments at any indentation."""
        lines = ""
        # What is indented below a text of several lines is part of the text.
        places = [0] if self.after_text else [0, indent, indent + 1, indent + 3]
        self.after_text = False
        while self._chance(4):
            at = self.random.choice(places)
            lines += self.random.choice(["\n", " " * at + _MARK + "\n"])
        return lines

    def _keys(self, depth: int) -> list[str]:
        count = self.random.randint(1, 4)
        known = SECTIONS if depth == 0 and self._chance(2) else []
        names = [*known, "x", "a1", "op", "a key", "y", "k:l", "no", "1", "", "# d", "long" * 6]
        return self.random.sample(names, count)

    def _key(self, name: str, *, brackets: bool) -> str:
        bare = re.fullmatch(r"[a-z][\w ]*", name) is not None
        quoted = ["'" + name + "'", '"' + name + '"']
        return self.random.choice([name, name, *quoted] if bare else quoted)

    def _block_mapping(self, indent: int, depth: int) -> str:
        text = ""
        for number, name in enumerate(self._keys(depth)):
            if number or not text:
                text += self._above(indent) if number else ""
            key = self._key(name, brackets=False)
            if self._chance(12):
                text += " " * indent + "? " + key + self._behind() + self._above(indent)
                text += " " * indent + ":" + self._value(indent, depth + 1)
            else:
                text += " " * indent + key + self.random.choice(["", "", " "]) + ":"
                text += self._value(indent, depth + 1, parent="mapping")
        return text

    def _block_sequence(self, indent: int, depth: int) -> str:
        text = ""
        for number in range(self.random.randint(1, 4)):
            text += self._above(indent) if number else ""
            if depth < 5 and self._chance(4):
                # The first key or item stands beside the dash.
                kind = self._block_mapping if self._chance(2) else self._block_sequence
                inner = kind(indent + 2, depth + 1)
                text += " " * indent + "- " + inner[indent + 2 :]
            else:
                text += " " * indent + "-" + self._value(indent, depth + 1)
        return text

    def _value(self, indent: int, depth: int, parent: str = "") -> str:
        """What follows a colon or a dash, with the end of the line."""
        inner = indent + self.random.randint(1, 4)
        kind = 11 - self.random.randrange(12)  # what is smallest comes of 0
        anchor = self._anchor()
        if depth < 5 and kind < 3:
            made = f"{anchor}{self._behind()}{self._above(inner)}"
            text = made + self._block_mapping(inner, depth)
        elif depth < 5 and kind < 5:
            at = indent if parent == "mapping" and self._chance(2) else inner
            made = f"{anchor}{self._behind()}{self._above(at)}"
            text = made + self._block_sequence(at, depth)
        elif kind < 7:
            text = f"{anchor} {self._flow(indent + 1, '', depth)}{self._behind()}"
        elif kind == 7:
            text = f"{anchor}{self._below(indent)}"
        elif kind == 8:
            made = f"{anchor}{self._behind()}{self._above(inner)}"
            text = made + " " * inner + self._scalar(inner) + self._behind()
        elif kind == 9:
            return self._behind()
        elif kind == 10 and self.anchors and not anchor:
            return f" *{self.random.choice(self.anchors)}{self._behind()}"
        else:
            text = f"{anchor} {self._scalar(indent + 1)}{self._behind()}"
        if anchor:
            self.anchors.append(anchor[2:])
        return text

    def _anchor(self) -> str:
        if not self._chance(10):
            return ""
        self.anchored += 1
        return f" &n{self.anchored}"

    def _below(self, indent: int) -> str:
        header = self.random.choice("|>") + self.random.choice(["", "-", "+"])
        margin = " " * (indent + self.random.randint(1, 3))
        lines = [" one", "two  words", "# three", "- four: 4", "", "", "  ", "word " * 30 + "."]
        chosen = ["first", *self.random.choices(lines, k=self.random.randint(0, 4))]
        if self._chance(4):
            chosen.insert(0, "")
        body = "".join((margin + line if line else "") + "\n" for line in chosen)
        self.after_text = True
        return f" {header}{self._behind()}{body}"

    def _scalar(self, indent: int) -> str:
        word = self.random.choice(WORDS)
        folded = word.replace(" ", "\n" + " " * indent, 1) if self._chance(4) else word
        style = self.random.randrange(4)
        if style == 0:
            return f"'{folded}'"
        if style == 1:
            return f'"{folded}\\n\\u00e9\\t"' if self._chance(3) else f'"{folded}"'
        return word if word[0] == "[" else folded

    def _flow(self, indent: int, kind: str, depth: int) -> str:
        """A collection in brackets, which may go over several lines."""
        kind = kind or self.random.choice(["mapping", "sequence"])
        opening, closing = "{}" if kind == "mapping" else "[]"
        names = self._keys(1)
        parts = []
        for number in range(self.random.randint(0, len(names))):
            value = self._flow_value(indent, depth)
            if kind == "mapping":
                value = self._key(names[number], brackets=True) + ": " + self._break(indent) + value
            elif self._chance(8):
                value = self._key("pair", brackets=True) + ": " + value
            parts.append(value + self._break(indent))
        comma = "," + (" " if self._chance(2) else "")
        joined = "".join(part + (comma + self._break(indent) or " ") for part in parts[:-1])
        last = parts[-1] if parts else ""
        return opening + self._break(indent) + joined + last + closing

    def _flow_value(self, indent: int, depth: int) -> str:
        choice = 7 - self.random.randrange(8)
        if depth < 5 and choice < 3:
            return self._flow(indent, "", depth + 1)
        if choice == 3:
            return '"a, b"'
        if choice == 4:
            return ", ".join("12345.678" for _ in range(12)).join("[]")
        if choice == 5 and self.anchors:
            return f"*{self.random.choice(self.anchors)} "
        if choice == 6:
            self.anchored += 1
            name = f"n{self.anchored}"
            self.anchors.append(name)
            return f"&{name} 0.50"
        return self.random.choice(["x", "2 * n", "1.0", "'q'", "no", "- 1".replace(" ", ""), '"#"'])

    def _break(self, indent: int) -> str:
        """Nothing, or a comment and a new line, in brackets."""
        if not self._chance(8):
            return ""
        return self._behind() + self._above(indent) + " " * indent


def same(one, other):
    """Equality that tells 1 from True and 0.0 from -0.0."""
    return repr(one) == repr(other)
