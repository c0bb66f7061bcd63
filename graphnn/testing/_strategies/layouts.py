"""Documents as YAML in any layout: every style, comments anywhere, anchors and aliases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from graphnn.testing._strategies.drawing import Choices
from graphnn.testing._strategies.writing import AGAIN, QUOTES, Path, Word, Writer

_STEPS = (2, 2, 2, 2, 1, 3, 4)  # columns that what is inside stands to the right
_MOST = 6  # items of a list that may each stand on a separate line
# What needs no quotes, and what does in brackets.
_BARE = re.compile(
    r"(?!.*:(?: |$))(?:[A-Za-z_]|[?-](?=[A-Za-z]))[\w.,:#?*+-]*(?: [\w.*+-][\w.,:#?*+-]*)*"
    r"|\d+ [*+-] \w+"
)
_ENDS = re.compile("[,?]")
_BARE_KEY = re.compile(r"[A-Za-z_][\w.-]*")
_KEYS = (*QUOTES, " ")  # manners of a key
_RESERVED = ("true", "false", "null")
_SPACE = re.compile(r"(?<=[^\s'\"]) (?=[^\s'\"])")  # where a text may go on in the next line
_UNFOLDED = re.compile(r"^[ \t]|[ \t]$", re.MULTILINE)  # what `>` does not join
_HELD = re.compile(r"(?<=[^\n])\n+(?=[^\n])")  # ends of lines that `>` is to keep


def written(
    document: Any, *, yaml: bool, draw: Choices | None = None, aliases: bool = False
) -> Writer:
    """A document written as YAML or JSON, in one style or in drawn ones; see `YamlWriter`."""
    writer = YamlWriter(draw, aliases=aliases) if yaml else Writer(draw)
    writer.document(document)
    return writer


class YamlWriter(Writer):
    """Writes YAML.

    Parameters
    ----------
    draw : Choices, optional
        To draw the layout by; left out, sections and what they hold take a line each.
    aliases : bool
        Whether a value that is there twice may be an alias the second time.
    """

    def __init__(self, draw: Choices | None = None, *, aliases: bool = False) -> None:
        super().__init__(draw)
        self._aliases = aliases
        self._anchors: dict[str, str] = {}
        self._comments = self._named = 0
        self._held = ""  # what stands below its key as `|` or `>` and may not be added to

    def document(self, value: Any) -> None:
        """Write a document."""
        self.busy = self._is(2)
        manner = self._manner(["--- ", "above", "..."], 12)
        if manner == "above":
            self._put(f"{self._comment()}\n")
        start = manner if manner == "--- " else ""
        if not value or self._is(16):
            self._put(start)
            self._flow(value, ())
        else:
            if start:
                self._put("---")
                self._begin(0)
            self._entries(value, (), 0)
        self._begin(0)
        self._put("...\n" if manner == "..." else "")

    # ------------------------------------------------------------------ lines and comments

    def _comment(self) -> str:
        self._comments += 1
        return f"# {self._comments}! - 'a: [b, {{c"

    def _begin(self, indent: int, *, drawn: bool = True) -> None:
        """Begin a line, perhaps after a comment behind the last one and others above."""
        manner = self._manner(["behind", "above", "empty", "both", "right"], 24) if drawn else ""
        held, self._held = self._held, ""
        if manner in ("behind", "both") and not held:
            self._put(f"  {self._comment()}" + " " * (manner == "both"))
        self._put("\n")
        if manner in ("empty", "both") and held != "+":
            self._put("\n")
        if manner in ("above", "both", "right"):
            # What is indented below a text of several lines is part of the text.
            at = 0 if held else indent + (manner == "right")
            self._put(f"{' ' * at}{self._comment()}\n")
        self._put(" " * indent)

    # ------------------------------------------------------------------ a line for each thing

    def _value(self, value: Any, path: Path, indent: int, dash: bool = False) -> None:
        """Write what follows a colon or a dash, up to the end of its line."""
        if self._is_alias(value, path, " "):
            return
        if isinstance(value, dict | list) and self._is_opened(value, path):
            self._block(value, path, indent, dash)
        elif isinstance(value, dict | list | Word):
            self._put(" ")
            self._flow(value, path, indent + 1)
        else:
            self._leaf(value, path, indent)

    def _is_opened(self, value: Any, path: Path) -> bool:
        """Whether the entries of a collection stand on separate lines."""
        if isinstance(value, list):
            return 0 < len(value) <= _MOST and self._is(3)
        if len(path) < 2:
            return bool(value) and not self._is(16)
        return bool(value) and self._is(2 if self.busy else 3)

    def _block(self, value: Any, path: Path, indent: int, dash: bool) -> None:
        """Write a collection without brackets, the first thing beside the dash before it or not."""
        manner = self._manner(["anchor", "below", "level"], 12)
        if dash and manner in ("", "level"):
            self._put(" ")
            self._entries(value, path, self._column - 1)
            return
        if manner == "anchor":
            self._put(" ")
            self.values[path] = self._place()
            self._put(self._anchor(value))
        level = manner == "level" and isinstance(value, list)  # dashes below the key
        at = indent if level else indent + self._step()
        self._begin(at)
        self._entries(value, path, at)

    def _step(self) -> int:
        return self._draw.one_of(_STEPS) if self._draw else _STEPS[0]

    def _entries(self, value: Any, path: Path, indent: int) -> None:
        """Write the entries of a collection, of which the first stands where it is to."""
        for number, (key, item) in enumerate(_items(value)):
            if number:
                self._begin(indent)
            else:
                self.values.setdefault(path, self._place())  # or at its anchor
            if isinstance(value, list):
                self._put("-")
                self._value(item, (*path, key), indent, dash=True)
                continue
            if self._keyed(key, path, ["?", *_KEYS]):
                self._begin(indent)
                self._put(":")
            self._value(item, (*path, key), indent)

    def _leaf(self, value: Any, path: Path, indent: int) -> None:
        """Write a scalar behind its key, on the next line, or as a text below it."""
        manner = self._manner(["anchor", "|", ">", "next"], 12)
        if not manner and isinstance(value, str) and "\n" in value:
            manner = "|"
        if manner in ("|", ">") and _may_stand_below(value, manner):
            self._below(value, path, indent, manner)
            return
        if manner == "next":
            self._begin(indent + self._step())
        else:
            self._put(" ")
        anchor = f"{self._anchor(value)} " if manner == "anchor" else ""
        self._word(self._scalar(value, indent + 1, brackets=False), path, anchor)

    def _below(self, text: str, path: Path, indent: int, style: str) -> None:
        """Write a text of lines below its key."""
        step = self._step()
        given = str(step) if re.match(r"\n* ", text) else ""
        ends = len(text) - len(text.rstrip("\n"))
        chomp = ("-", "", "+")[min(ends, 2)]
        self._put(" ")
        self._word(f"{style}{given}{chomp}", path)
        if self._is(6):
            self._put(f" {self._comment()}")
        body = text[: len(text) - ends]
        if style == ">":
            body = _HELD.sub(lambda found: found[0] + "\n", body)
            body = _SPACE.sub("\n", body, count=1) if self._is(2) else body
        margin = " " * (indent + step)
        lines = "".join(f"\n{margin}{line}" if line else "\n" for line in body.split("\n"))
        self._put(lines + "\n" * (ends - 1))
        self._held = chomp or "."

    # ------------------------------------------------------------------ in brackets

    def _flow(self, value: Any, path: Path, indent: int = 1) -> None:
        if self._is_alias(value, path):
            return
        self.values[path] = self._place()
        if isinstance(value, dict | list):
            self._brackets(value, path, indent)
        elif isinstance(value, Word):
            self._word(value.text, path)
        else:
            self._word(self._scalar(value, indent, brackets=True), path)

    def _brackets(self, value: Any, path: Path, indent: int) -> None:
        manner = self._manner(["tight", "lines", "open", "shut", "last", "comma", "anchor"], 24)
        if manner == "anchor":
            self._put(f"{self._anchor(value)} ")
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        self._put(opening)
        if manner == "open":
            self._break(indent)
        for number, (key, item) in enumerate(_items(value)):
            if number:
                self._put("," if manner in ("tight", "lines") else ", ")
            if manner == "lines" or (manner == "comma" and number == 1):
                self._break(indent)
            self._item(value, key, item, path, indent)
        if manner == "last" and value:
            self._put(" ,")
        if manner in ("shut", "last"):
            self._break(indent)
        self._put(closing)

    def _break(self, indent: int) -> None:
        """Begin another line in brackets, mostly after a comment."""
        if not self._is(3):
            self._put(f" {self._comment()}")
        self._begin(indent, drawn=False)

    def _item(self, of: Any, key: Any, item: Any, path: Path, indent: int) -> None:
        """Write one item of a list, or one pair of a mapping."""
        inner = (*path, key)
        if isinstance(of, dict):
            self._key(key, path)
            self._put(" ")
        elif isinstance(item, dict) and len(item) == 1 and self._is(3):
            self.values[inner] = self._place()
            ((key, item),) = item.items()  # `[a: 1]` for `[{a: 1}]`
            self._key(key, inner)
            self._put(" ")
            inner = (*inner, key)
        self._flow(item, inner, indent)

    # ------------------------------------------------------------------ words

    def _key(self, key: str, path: Path) -> None:
        self._keyed(key, path, _KEYS)

    def _keyed(self, key: str, path: Path, odd: Sequence[str]) -> bool:
        """Write a key with its colon, or behind a question mark; whether that is still to come."""
        manner = self._manner(odd, 24)
        self._put("? " if manner == "?" else "")
        self.keys[(*path, key)] = self._place()
        word = key.removesuffix(AGAIN)
        bare = _BARE_KEY.fullmatch(word) and word.lower() not in _RESERVED
        quote = manner if manner in QUOTES else "" if bare else '"'
        self._put(_quoted(word, quote) + {" ": " :", "?": ""}.get(manner, ":"))
        return manner == "?"

    def _scalar(self, value: Any, indent: int, *, brackets: bool) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        manner = self._manner(["'", '"', "folded", "'folded", '"folded'], 20)
        bare = _BARE.fullmatch(value) and value.lower() not in _RESERVED
        if brackets and _ENDS.search(value):
            bare = None
        quote = manner[:1] if manner[:1] in QUOTES else "" if bare else '"'
        word = _quoted(value, quote)
        if manner.endswith("folded"):
            return _SPACE.sub("\n" + " " * indent, word, count=1)
        return word

    # ------------------------------------------------------------------ anchors

    def _anchor(self, value: Any) -> str:
        self._named += 1
        name = self._anchors[repr(value)] = f"n{self._named}"
        return f"&{name}"

    def _is_alias(self, value: Any, path: Path, before: str = "") -> bool:
        """Whether a value has been written as an alias of one that is like it."""
        if not (self._aliases and self._anchors):
            return False
        name = self._anchors.get(repr(value))
        if name is None or not self._is(2):
            return False
        self._put(before)
        self._word(f"*{name}", path)
        return True


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    yield from value.items() if isinstance(value, dict) else enumerate(value)


def _quoted(text: str, quote: str) -> str:
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if not quote:
        return text
    return re.sub(
        "[^ -~]", lambda found: f"\\U{ord(found[0]):08x}", json.dumps(text, ensure_ascii=False)
    )


def _may_stand_below(value: Any, style: str) -> bool:
    if not (isinstance(value, str) and value.replace("\n", "").isprintable()):
        return False
    *_, last = value.rstrip("\n").split("\n")
    return bool(last.strip()) and not (style == ">" and _UNFOLDED.search(value))
